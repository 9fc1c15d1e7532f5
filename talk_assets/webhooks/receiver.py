"""The address that Exact calls: what it tells is checked, kept and answered at once (Exact reference, Webhooks)."""

import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from talk_assets.errors import LedgerError
from talk_assets.webhooks.notification import Notification, NotOfExact, NotSigned, notification_of

logger = logging.getLogger(__name__)

# Bytes; a notification has a few hundred.
LONGEST = 16_384


def receiver(keep: Callable[[Notification], bool], secrets: Mapping[str, str], path: str) -> Starlette:
    """The ASGI application.

    It answers 200 to what was kept, to what came before, and to the empty call by which Exact tries a new subscription;
    401 to what is not signed or not of a division, 400 and 413 to what can be no notification, and 503 when nothing
    can be kept, so that Exact sends it again.

    Args:
        keep: stores a notification; whether it is new. May raise LedgerError.
        secrets: division whose notifications are kept to the webhook secret of its app.
        path: where Exact calls, as `/exact`.
    """

    async def told(request: Request) -> Response:
        try:
            body = await _body(request)
        except ClientDisconnect:
            return Response(status_code=HTTPStatus.BAD_REQUEST)
        if body is None:
            return _refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "it is longer than any notification")
        if not body.strip():
            return PlainTextResponse("Ready.")
        try:
            notification = notification_of(body, secrets)
        except NotSigned as error:
            return _refused(HTTPStatus.UNAUTHORIZED, str(error))
        except NotOfExact as error:
            return _refused(HTTPStatus.BAD_REQUEST, str(error))
        try:
            new = await run_in_threadpool(keep, notification)
        except LedgerError as error:
            logger.warning("A notification could not be kept; Exact sends it again. %s", error)
            return Response(status_code=HTTPStatus.SERVICE_UNAVAILABLE)
        logger.info("%s %s %s%s", notification.action, notification.topic, notification.key, "" if new else " (again)")
        return PlainTextResponse("Kept.")

    return Starlette(routes=[Route(path, told, methods=["POST"])])


async def _body(request: Request) -> bytes | None:
    """The body; None when it is too long."""
    found = bytearray()
    async for part in request.stream():
        found += part
        if len(found) > LONGEST:
            return None
    return bytes(found)


def _refused(status: HTTPStatus, why: str) -> Response:
    logger.warning("A notification was refused: %s.", why)
    return PlainTextResponse(f"Refused: {why}.", status_code=status)
