"""The faults that are ordered of one system at present."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from talk_assets.sandbox.faults.model import AGAIN, PAGES, Fault, System
from talk_assets.sandbox.faults.names import fault_of
from talk_assets.sandbox.faults.pages import altered

T = TypeVar("T")


class Faults:
    """Faults, oldest order first.

    Args:
        system: whose they are.
        ordered: with which to begin.
    """

    def __init__(self, system: System, ordered: Iterable[Fault] = ()) -> None:
        self._system = system
        self.ordered = list(ordered)

    def order(self, wish: object) -> Fault:
        """Add a fault from JSON.

        Raises:
            WrongOrder: it does not exist, or a field is unknown or wrong.
        """
        fault = fault_of(self._system, wish)
        self.ordered.append(fault)
        return fault

    def strike(self, method: str, path: str, properties: Mapping[str, Any]) -> Fault | None:
        """The first fault that is due for a call, counted as struck; None when there is none."""
        return next((fault for fault in self.ordered if fault.strikes(method, path, dict(properties))), None)

    def changed(self, fault: Fault | None, request: Request, response: Response) -> Response:
        """What is answered to a call that was carried out: the connection may be cut, a list be another one."""
        if fault is None or fault.effect == "edited_meanwhile":
            return response
        if fault.effect == "cut":
            return Cut()
        if response.status_code != 200 or fault.effect not in (*PAGES, *AGAIN):
            return response
        content = bytes(response.body)
        if fault.effect in AGAIN:
            place = str(request.url) if fault.effect == "stale_page" else request.url.path
            content = fault.earlier(place, content)
        else:
            content = altered(fault, self._system, content, request.query_params.get("since"))
        headers = {name: value for name, value in response.headers.items() if name != "content-length"}
        return Response(content, response.status_code, headers)


async def carried_out(fault: Fault, carry_out: Callable[[], T]) -> T | None:
    """Wait as long as a fault says, and carry a call out before or after that, or not at all (None)."""
    if fault.after:
        done = carry_out() if fault.carried_out else None
        await asyncio.sleep(fault.delay)
        return done
    await asyncio.sleep(fault.delay)
    return carry_out() if fault.carried_out else None


class Cut(Response):
    """An answer that begins and never ends: the server closes the connection, and the client sees that it was cut."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - the shape of an ASGI application
        """Begin an answer; the server ends the connection of an application that leaves it at that."""
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})
