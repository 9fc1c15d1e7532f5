"""`/_admin`: what has no records, but is seen and changed by people and tests: rights, scopes, divisions, webhooks."""

from collections import Counter
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from talk_assets.sandbox.exact.admin import guarded, sent_object
from talk_assets.sandbox.exact.api import Parts
from talk_assets.sandbox.exact.config import ExactConfig
from talk_assets.sandbox.exact.deliveries import Delivery
from talk_assets.sandbox.exact.errors import not_found
from talk_assets.sandbox.store import Stored


class Control:
    """Answers these addresses; refusals come as those of `Admin`."""

    def __init__(self, config: ExactConfig, parts: Parts) -> None:
        self._config = config
        self._access, self._company, self._webhooks = parts.access, parts.company, parts.webhooks

    def routes(self) -> list[Route]:
        """The admin routes."""
        return [
            Route("/_admin/rights", guarded(self.rights), methods=["GET", "PUT", "DELETE"]),
            Route("/_admin/scopes", guarded(self.scopes), methods=["GET", "PUT", "DELETE"]),
            Route("/_admin/divisions", guarded(self.divisions), methods=["GET"]),
            Route("/_admin/divisions/{division:int}", guarded(self.division), methods=["GET", "PUT"]),
            Route("/_admin/webhooks", guarded(self.webhooks), methods=["GET", "DELETE"]),
        ]

    async def rights(self, request: Request) -> Response:
        """List the user's right to every set, change those that are named, or restore the configured ones."""
        if request.method == "PUT":
            self._access.set_rights(await sent_object(request))
        if request.method == "DELETE":
            self._access.restore_rights()
        return JSONResponse(self._access.rights())

    async def scopes(self, request: Request) -> Response:
        """List the app's scopes, change those that are named, or restore the configured ones."""
        if request.method == "PUT":
            self._access.set_scopes(await sent_object(request))
        if request.method == "DELETE":
            self._access.restore_scopes()
        return JSONResponse(self._access.scopes())

    async def divisions(self, request: Request) -> Response:  # noqa: ARG002 - the shape of a handler
        """List the divisions as system/Divisions shows them."""
        return JSONResponse({"items": [self._company.division(number) for number in self._config.divisions]})

    async def division(self, request: Request) -> Response:
        """Show one division, or change the named properties of it."""
        number = request.path_params["division"]
        if number not in self._config.divisions:
            raise not_found()
        if request.method == "PUT":
            self._company.change(number, await sent_object(request))
        return JSONResponse(self._company.division(number))

    async def webhooks(self, request: Request) -> Response:
        """List the subscriptions and what became of each message; or forget the messages that are done with."""
        if request.method == "DELETE":
            self._webhooks.deliveries.forget()
        subscriptions = [
            _subscription(held) for number in self._config.divisions for held in self._webhooks.subscriptions(number)
        ]
        deliveries = self._webhooks.deliveries.all()
        counted = Counter(delivery.state for delivery in deliveries)
        return JSONResponse(
            {
                "subscriptions": subscriptions,
                "counts": {state: counted[state] for state in ("pending", "delivered", "failed", "dropped")},
                "deliveries": [_delivery(delivery) for delivery in deliveries],
            }
        )


def _subscription(held: Stored) -> dict[str, Any]:
    return {"division": int(held.division), "key": held.key, "created": held.created, "values": held.body}


def _delivery(delivery: Delivery) -> dict[str, Any]:
    return {
        "number": delivery.number,
        "subscription": delivery.subscription,
        "url": delivery.url,
        "state": delivery.state,
        "answers": delivery.answers,
        "due": delivery.due.isoformat() if delivery.state == "pending" else None,
        "content": delivery.content,
        "sent": delivery.body.decode(),
    }
