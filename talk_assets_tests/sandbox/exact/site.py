"""A local Exact Online on real HTTP, with a clock that tests move."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from talk_assets.sandbox.clock import SandboxClock
from talk_assets.sandbox.exact.app import create_app
from talk_assets.sandbox.exact.config import ExactConfig
from talk_assets.sandbox.exact.state import ExactState
from talk_assets.sandbox.store import Store

DIVISION = 123456
START = datetime(2024, 7, 1, 10, 0, 5, tzinfo=UTC)
CONFIG: dict[str, Any] = {
    "divisions": {DIVISION: "Sandbox BV", 222: "Tweede BV"},
    "client_id": "app",
    "client_secret": "app-secret",
    "refresh_token": "first-refresh",
    "webhook_secret": "webhook-secret",
    "local_callbacks": True,
    "admin": True,
    "calls_per_minute": 100_000,
    "calls_per_day": 1_000_000,
    "errors_per_hour": 100_000,
}


class Clock:
    """The time of the sandbox: stands still until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **amount: float) -> None:
        self.now += timedelta(**amount)


class Site:
    """A running server with a client that holds an access token."""

    def __init__(self, address: str, store: Store, clock: Clock) -> None:
        self.store = store
        self.clock = clock
        self.address = address
        self.http = httpx.Client(base_url=address, headers={"Accept": "application/json"}, timeout=30)
        self.state = ExactState(store, DIVISION)

    def log_in(self, refresh_token: str = "first-refresh") -> dict[str, str]:
        answer = self.token(grant_type="refresh_token", refresh_token=refresh_token)
        assert answer.status_code == 200, answer.text
        tokens: dict[str, str] = answer.json()
        self.http.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        return tokens

    def token(self, **form: str) -> httpx.Response:
        return self.http.post("/api/oauth2/token", data={"client_id": "app", "client_secret": "app-secret"} | form)

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self.http.request(method, f"/api/v1/{DIVISION}/{path}", **options)

    def get(self, path: str, **params: Any) -> Any:
        """The content of `d`; parameters are query options without their dollar sign."""
        answer = self.call("GET", path, params={f"${name}": value for name, value in params.items()})
        assert answer.status_code == 200, answer.text
        return answer.json()["d"]

    def rows(self, path: str, **params: Any) -> list[dict[str, Any]]:
        """All rows of a list, following `__next`."""
        page = self.get(path, **params)
        rows = list(page["results"])
        while "__next" in page:
            answer = self.http.get(page["__next"])
            assert answer.status_code == 200, answer.text
            page = answer.json()["d"]
            rows += page["results"]
        return rows

    def post(self, path: str, **values: Any) -> dict[str, Any]:
        answer = self.call("POST", path, json=values, headers={"Prefer": "return=representation"})
        assert answer.status_code == 201, answer.text
        created: dict[str, Any] = answer.json()["d"]
        return created

    def put(self, path: str, key: str, **values: Any) -> httpx.Response:
        return self.call("PUT", f"{path}(guid'{key}')", json=values)

    def delete(self, path: str, key: str) -> httpx.Response:
        return self.call("DELETE", f"{path}(guid'{key}')")

    def one(self, path: str, key: str) -> Any:
        return self.get(f"{path}(guid'{key}')")

    def fault(self, **wish: Any) -> None:
        assert self.http.post("/_admin/faults", json=wish).status_code == 201


def message(answer: httpx.Response) -> str:
    """The text of an error answer, whose shape is checked on the way."""
    error = answer.json()["error"]
    assert set(error) == {"code", "message"}
    assert error["code"] == ""
    assert error["message"]["lang"] == ""
    return str(error["message"]["value"])


class _Host:
    """One HTTP server for all tests, which serves whichever application was put in last."""

    def __init__(self) -> None:
        self.apps: list[ASGIApp] = []
        self.address = f"http://127.0.0.1:{_serve(self)[1]}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.apps[-1](scope, receive, send)


def _serve(app: ASGIApp, **options: Any) -> tuple[uvicorn.Server, int]:
    """A server that runs in a thread of its own, and its port."""
    # A busy machine lets a connection rest for longer than the five seconds after which servers end it.
    given = {"timeout_keep_alive": 120, **options}
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="off", **given)
    server = uvicorn.Server(config)
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.005)
    return server, int(server.servers[0].sockets[0].getsockname()[1])


@contextmanager
def encrypted(certificate: Path, key: Path) -> Iterator[str]:
    """The https address at which the running site answers as well, for clients that take no other."""
    server, port = _serve(_host(), ssl_certfile=certificate, ssl_keyfile=key)
    try:
        yield f"https://localhost:{port}"
    finally:
        server.should_exit = True


@cache
def _host() -> _Host:
    return _Host()


@contextmanager
def running(path: Path | None = None, *, driven: bool = False, **config: Any) -> Iterator[Site]:
    """A local Exact Online of its own; a nested one takes the place of the outer one meanwhile.

    With `driven`, its clock is the sandbox's own, which stands still until `/_admin/clock` moves it.
    """
    clock = Clock()
    store = Store(path, clock=clock)
    if driven:
        SandboxClock(store).set(START, running=False)
    host = _host()
    app = create_app(store, config=ExactConfig(**(CONFIG | {"address": host.address} | config)))
    host.apps.append(app)
    site = Site(host.address, store, clock)
    try:
        yield site
    finally:
        site.http.close()
        host.apps.pop()
        app.state.webhooks.deliveries.close()
        store.close()
