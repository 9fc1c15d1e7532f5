"""Puts the server together."""

from collections import Counter
from collections.abc import Iterable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from talk_assets.sandbox.clock import ClockAdmin
from talk_assets.sandbox.customerp.admin import Admin
from talk_assets.sandbox.customerp.config import CustomerpConfig
from talk_assets.sandbox.customerp.service import Service
from talk_assets.sandbox.faults.model import Fault
from talk_assets.sandbox.faults.orders import Faults
from talk_assets.sandbox.store import Store

# Those of the contract, and those that a client may try: each is told what is possible.
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"]


def create_app(store: Store, *, config: CustomerpConfig, faults: Iterable[Fault] = ()) -> Starlette:
    """A local Customerp over a store.

    Args:
        store: where records are kept; its clock is the server's clock.
        config: how the server behaves.
        faults: with which it begins.

    Returns:
        The ASGI application; to be served by one process, since calls are counted in memory.
    """
    ordered = Faults("customerp", faults)
    calls: Counter[str] = Counter()
    routes = [*ClockAdmin(store).routes(), *Admin(store, ordered, calls).routes()] if config.admin else []
    service = Service(store, config, ordered, calls)
    routes.append(Route("/{path:path}", service.answer, methods=_METHODS))

    async def odd(request: Request, _: Exception) -> Response:
        """An address that no route takes, as one with a line break, gets the contract's answer too."""
        return await service.answer(request)

    return Starlette(routes=routes, exception_handlers={404: odd})
