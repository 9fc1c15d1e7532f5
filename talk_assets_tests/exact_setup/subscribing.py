"""A local Exact Online that keeps webhook subscriptions.

The sandbox keeps them itself as soon as its model has the set; until then they are kept here, in front of it.
"""

import json
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from talk_assets.sandbox.exact import model
from talk_assets_tests.sandbox.exact import site as sites
from talk_assets_tests.sandbox.exact.site import DIVISION, Site, running

PATH = f"/api/v1/{DIVISION}/webhooks/WebhookSubscriptions"


class _Kept:
    """The set, as the reference describes it; everything else is the sandbox's business."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._rows: dict[str, dict[str, Any]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not str(scope.get("path", "")).startswith(PATH):
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        response = await self._answer(request)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        key = re.search(r"\(guid'([^']+)'\)$", request.url.path)
        if request.method == "GET":
            return JSONResponse({"d": {"results": [*self._rows.values()]}})
        if request.method == "DELETE" and key is not None:
            gone = self._rows.pop(key[1], None)
            return Response(status_code=204) if gone else _refused(403, "Forbidden")
        sent = json.loads(await request.body())
        if any(row["Topic"] == sent["Topic"] for row in self._rows.values() if row["ClientID"] == "app"):
            return _refused(500, "Gegeven bestaat reeds.")
        async with httpx.AsyncClient() as http:
            called = await http.post(sent["CallbackURL"])
        if not called.is_success:
            return _refused(500, f"Invalid: Post to callback URL endpoint returns {called.status_code}")
        row = {"ID": str(uuid.uuid4()), "ClientID": "app", "Created": "/Date(1719835205000)/", **sent}
        self._rows[row["ID"]] = row
        return JSONResponse({"d": row}, 201)


def _refused(status: int, text: str) -> Response:
    return JSONResponse({"error": {"code": "", "message": {"lang": "", "value": text}}}, status)


@contextmanager
def subscribing(**config: Any) -> Iterator[Site]:
    """A local Exact Online that takes subscriptions."""
    with running(**config) as site:
        if not hasattr(model, "WEBHOOKS"):
            apps = sites._host().apps
            apps[-1] = _Kept(apps[-1])
        yield site
