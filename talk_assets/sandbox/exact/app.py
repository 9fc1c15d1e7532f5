"""Puts the server together."""

from collections import Counter
from collections.abc import Iterable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from talk_assets.sandbox.clock import ClockAdmin
from talk_assets.sandbox.exact.admin import Admin
from talk_assets.sandbox.exact.api import ROOT, Api, Parts
from talk_assets.sandbox.exact.company import Company
from talk_assets.sandbox.exact.config import ExactConfig
from talk_assets.sandbox.exact.control import Control
from talk_assets.sandbox.exact.oauth import Tokens
from talk_assets.sandbox.exact.oauth_pages import AUTHORISE, TOKEN, OAuthPages
from talk_assets.sandbox.exact.rights import Access
from talk_assets.sandbox.exact.webhooks import Webhooks
from talk_assets.sandbox.faults.model import Fault
from talk_assets.sandbox.faults.orders import Faults
from talk_assets.sandbox.store import Store

# Those that Exact knows, and those that a client may try: each is told in Exact's way what is allowed.
_METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "MERGE", "HEAD", "OPTIONS"]


def create_app(store: Store, *, config: ExactConfig, faults: Iterable[Fault] = ()) -> Starlette:
    """A local Exact Online over a store.

    Args:
        store: where records and tokens are kept; its clock is the server's clock.
        config: how the server behaves.
        faults: with which it begins.

    Returns:
        The ASGI application; to be served by one process, since calls are counted in memory. Its `state.webhooks`
        sends webhooks until it is closed.
    """
    tokens = Tokens(store, config)
    ordered = Faults("exact", faults)
    calls: Counter[str] = Counter()
    parts = Parts(Access(config), Company(store, config), Webhooks(store, config))
    pages = OAuthPages(tokens, ordered, calls)
    api = Api(store, config, tokens, ordered, calls, parts)
    routes = [
        Route(AUTHORISE, pages.authorise, methods=["GET", "POST"]),
        Route(TOKEN, pages.token, methods=["POST"]),
        Route(f"{ROOT}{{path:path}}", api.answer, methods=_METHODS),
    ]
    if config.admin:
        routes += ClockAdmin(store).routes() + Control(config, parts).routes()
        routes += Admin(store, config, ordered, calls).routes()

    async def odd(request: Request, _: Exception) -> Response:
        """An address that no route takes; one with a line break lies below the API all the same."""
        if str(request.scope["path"]).startswith(ROOT):
            return await api.answer(request)
        return PlainTextResponse("Not Found", 404)

    app = Starlette(routes=routes, exception_handlers={404: odd})
    app.state.webhooks = parts.webhooks
    return app
