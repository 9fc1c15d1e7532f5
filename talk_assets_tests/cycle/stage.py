"""Both sandboxes on real HTTP in this process: one server, two ports, and what a test does to a call on its way."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Called with method and path when a call arrives, before it is carried out; True cuts the connection afterwards.
Interruption = Callable[[str, str], bool]
SYSTEMS = ("customerp", "exact")


class Clock:
    """Real time that never stands still: every look at it is later than the one before, in Exact's milliseconds."""

    def __init__(self) -> None:
        self._last = datetime.now(UTC)

    def __call__(self) -> datetime:
        self._last = max(datetime.now(UTC), self._last + timedelta(milliseconds=2))
        return self._last


class Driven:
    """A clock that stands still but for the milliseconds that a look at it takes, and is moved by whoever has it.

    Args:
        time: the first moment, with zone.
    """

    def __init__(self, time: datetime) -> None:
        self.time = time

    def __call__(self) -> datetime:
        self.time += timedelta(milliseconds=2)
        return self.time

    def sleep(self, seconds: float) -> None:
        """Let so much time pass, at once."""
        self.time += timedelta(seconds=seconds)


class Stage:
    """One HTTP server for all worlds, one after the other: starting a server takes longer than most tests."""

    def __init__(self) -> None:
        self._apps: list[dict[int, ASGIApp]] = []
        self.interruption: Interruption | None = None
        config = uvicorn.Config(
            self._play, interface="asgi3", host="127.0.0.1", port=0, log_level="critical", lifespan="off"
        )
        sockets = [config.bind_socket() for _ in SYSTEMS]
        self._ports = [found.getsockname()[1] for found in sockets]
        server = uvicorn.Server(config)
        threading.Thread(target=server.run, kwargs={"sockets": sockets}, daemon=True).start()
        while not server.started:
            time.sleep(0.005)

    @property
    def addresses(self) -> dict[str, str]:
        """Where each system is."""
        return {system: f"http://127.0.0.1:{port}" for system, port in zip(SYSTEMS, self._ports, strict=True)}

    @contextmanager
    def playing(self, customerp: ASGIApp, exact: ASGIApp) -> Iterator[None]:
        """Serve these applications; those of an outer world come back afterwards."""
        self._apps.append(dict(zip(self._ports, (customerp, exact), strict=True)))
        try:
            yield
        finally:
            self._apps.pop()
            self.interruption = None

    @contextmanager
    def around(self, make: Callable[[ASGIApp], ASGIApp]) -> Iterator[None]:
        """Serve the present applications with something around each."""
        self._apps.append({port: make(app) for port, app in self._apps[-1].items()})
        try:
            yield
        finally:
            self._apps.pop()

    async def _play(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._apps[-1][scope["server"][1]]
        interruption = None if scope["path"].startswith("/_admin") else self.interruption
        if interruption is None or not interruption(scope["method"], scope["path"]):
            await app(scope, receive, send)
            return
        await app(scope, receive, _nowhere)
        # An answer that begins and never ends: the client sees that the connection was cut.
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})


async def _nowhere(_message: Message) -> None:
    """Take an answer that nobody gets."""


@cache
def stage() -> Stage:
    """The server of this process."""
    return Stage()
