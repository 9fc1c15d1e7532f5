"""A local Customerp on real HTTP."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from talk_assets.sandbox.customerp.app import create_app
from talk_assets.sandbox.customerp.config import CustomerpConfig
from talk_assets.sandbox.store import Store

TOKEN = "customerp-token"


class Site:
    """A running server with a client that shows the right token."""

    def __init__(self, address: str, store: Store) -> None:
        self.store = store
        self.http = httpx.Client(base_url=address, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30)

    def get(self, path: str, **params: Any) -> Any:
        answer = self.http.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return exact_json(answer)

    def create(self, path: str, **values: Any) -> Any:
        answer = self.http.post(path, json=values)
        assert answer.status_code == 201, answer.text
        return exact_json(answer)

    def patch(self, path: str, **values: Any) -> Any:
        answer = self.http.patch(path, json=values)
        assert answer.status_code == 200, answer.text
        return exact_json(answer)

    def refused(self, method: str, path: str, **values: Any) -> dict[str, str]:
        """The properties at fault of a write that must be refused, each with what is wrong."""
        answer = self.http.request(method, path, json=values)
        assert answer.status_code == 422, answer.text
        return {error["property"]: error["detail"] for error in answer.json().get("errors", [])}

    def changes(self, path: str, since: str | None = None, limit: int = 500) -> tuple[list[Any], str]:
        """All items after a token, following `next`, and the token to store."""
        items: list[Any] = []
        while True:
            page = self.get(path, limit=limit, **({} if since is None else {"since": since}))
            items += page["items"]
            if page["next"] is None:
                return items, page["token"]
            since = page["next"]


def exact_json(answer: httpx.Response) -> Any:
    """An answer's JSON with its decimals digit by digit."""
    return json.loads(answer.text, parse_float=Decimal)


class Stage:
    """One HTTP server for many Customerps, one after the other: starting a server takes longer than most tests."""

    def __init__(self) -> None:
        self._app: Starlette | None = None
        self._server = uvicorn.Server(
            uvicorn.Config(self._play, interface="asgi3", host="127.0.0.1", port=0, log_level="error", lifespan="off")
        )
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.005)
        self._address = f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"

    async def _play(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self._app is not None
        await self._app(scope, receive, send)

    @contextmanager
    def running(self, *, admin: bool = True) -> Iterator[Site]:
        """A new, empty Customerp."""
        store = Store()
        self._app = create_app(store, config=CustomerpConfig(token=TOKEN, admin=admin))
        site = Site(self._address, store)
        try:
            yield site
        finally:
            site.http.close()
            store.close()

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join()
