"""Puts the server together."""

from collections import Counter

from starlette.applications import Starlette
from starlette.routing import Route

from talk_assets.sandbox.exact.admin import Admin
from talk_assets.sandbox.exact.api import ROOT, Api
from talk_assets.sandbox.exact.config import ExactConfig
from talk_assets.sandbox.exact.faults import Faults
from talk_assets.sandbox.exact.oauth import Tokens
from talk_assets.sandbox.exact.oauth_pages import AUTHORISE, TOKEN, OAuthPages
from talk_assets.sandbox.store import Store

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def create_app(store: Store, *, config: ExactConfig) -> Starlette:
    """A local Exact Online over a store.

    Args:
        store: where records and tokens are kept; its clock is the server's clock.
        config: how the server behaves.

    Returns:
        The ASGI application; to be served by one process, since calls are counted in memory.
    """
    tokens = Tokens(store, config)
    faults = Faults()
    calls: Counter[str] = Counter()
    pages = OAuthPages(tokens, faults, calls)
    routes = [
        Route(AUTHORISE, pages.authorise, methods=["GET", "POST"]),
        Route(TOKEN, pages.token, methods=["POST"]),
        Route(f"{ROOT}{{path:path}}", Api(store, config, tokens, faults, calls).answer, methods=_METHODS),
    ]
    if config.admin:
        routes += Admin(store, config, faults, calls).routes()
    return Starlette(routes=routes)
