"""`/_admin`: edits as people make them in Exact's own screens, faults on order, and the count of calls.

For tests and demonstrations; not part of Exact Online, asks for no token, and exists only when configured.
"""

import json
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from talk_assets.sandbox.exact.config import ExactConfig
from talk_assets.sandbox.exact.errors import Refused, bad_request, not_found
from talk_assets.sandbox.exact.model import SETS
from talk_assets.sandbox.exact.reader import SYSTEM, row_version
from talk_assets.sandbox.exact.state import ExactState
from talk_assets.sandbox.faults.names import WrongOrder
from talk_assets.sandbox.faults.orders import Faults
from talk_assets.sandbox.store import Store, Stored

Handler = Callable[[Request], Awaitable[Response]]


class Admin:
    """Answers the admin addresses; refusals come as `{"error": "..."}`, business rules as 422."""

    def __init__(self, store: Store, config: ExactConfig, faults: Faults, calls: Counter[str]) -> None:
        self._store = store
        self._config = config
        self._faults = faults
        self._calls = calls

    def routes(self) -> list[Route]:
        """The admin routes."""
        record = "/_admin/{division:int}/{set_name}"
        return [
            Route("/_admin/faults", guarded(self.faults), methods=["GET", "POST", "DELETE"]),
            Route("/_admin/calls", guarded(self.calls), methods=["GET", "DELETE"]),
            Route(record, guarded(self.records), methods=["GET", "POST"]),
            Route(f"{record}/{{key}}", guarded(self.record), methods=["GET", "PUT", "DELETE"]),
        ]

    async def faults(self, request: Request) -> Response:
        """List, order or take away faults."""
        if request.method == "POST":
            try:
                fault = self._faults.order(await sent_object(request))
            except WrongOrder as wrong:
                raise bad_request(str(wrong)) from None
            return JSONResponse(fault.model_dump(), 201)
        if request.method == "DELETE":
            self._faults.ordered.clear()
        return JSONResponse([fault.model_dump() for fault in self._faults.ordered])

    async def calls(self, request: Request) -> Response:
        """The calls since the start or the last DELETE, per method and path."""
        if request.method == "DELETE":
            self._calls.clear()
        return JSONResponse({"total": self._calls.total(), "calls": dict(sorted(self._calls.items()))})

    async def records(self, request: Request) -> Response:
        """List a set's records in clear JSON, or create one; a document takes lines under their set's name."""
        state, set_name = self._place(request)
        if request.method == "GET":
            kept = self._store.list(SYSTEM, str(state.division), set_name)
            return JSONResponse({"items": [_shown(record) for record in kept]})
        values, key, modified = await _wish(request)
        key = state.add(set_name, values, key=key, modified=modified)
        return JSONResponse(_shown(state.get(set_name, key)), 201)

    async def record(self, request: Request) -> Response:
        """Show, edit or remove one record; an edit changes the named properties only."""
        state, set_name = self._place(request)
        key = str(request.path_params["key"]).lower()
        if request.method == "DELETE":
            state.remove(set_name, key)
            return Response(status_code=204)
        if request.method == "PUT":
            values, _, modified = await _wish(request)
            state.edit(set_name, key, values, modified=modified)
        return JSONResponse(_shown(state.get(set_name, key)))

    def _place(self, request: Request) -> tuple[ExactState, str]:
        division, set_name = request.path_params["division"], request.path_params["set_name"]
        if division not in self._config.divisions or set_name not in SETS:
            raise not_found()
        return ExactState(self._store, division, timezone=self._config.timezone), set_name


def guarded(handler: Handler) -> Handler:
    """A handler whose refusals come as `{"error": "..."}`, business rules as 422."""

    async def guarded(request: Request) -> Response:
        try:
            return await handler(request)
        except Refused as refused:
            return JSONResponse({"error": refused.message}, 422 if refused.status == 500 else refused.status)

    return guarded


async def sent_object(request: Request) -> dict[str, Any]:
    """The JSON object of a body.

    Raises:
        Refused: 400, it is none.
    """
    try:
        sent = json.loads(await request.body())
    except ValueError:
        raise bad_request("the body is not JSON") from None
    if not isinstance(sent, dict):
        raise bad_request("the body is not a JSON object")
    return sent


async def _wish(request: Request) -> tuple[dict[str, Any], str | None, datetime | None]:
    """A record's values, and beside them `key` and `modified`, which no property of Exact is called."""
    sent = await sent_object(request)
    key, modified = sent.pop("key", None), sent.pop("modified", None)
    if modified is None:
        return sent, key, None
    try:
        moment = datetime.fromisoformat(modified)
    except (TypeError, ValueError):
        raise bad_request(f"modified: {modified!r} is not an ISO 8601 moment") from None
    if moment.tzinfo is None:
        raise bad_request(f"modified: {modified!r} has no zone")
    return sent, key, moment


def _shown(record: Stored) -> dict[str, Any]:
    return {
        "key": record.key,
        "timestamp": row_version(record),
        "created": record.created,
        "modified": record.modified,
        "values": record.body,
    }
