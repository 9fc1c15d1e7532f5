"""The sandbox's time: that of the machine, or one that people and tests set and move."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from talk_assets.sandbox.store import Store, system_clock

_SETTING = "sandbox/clock"
_AMOUNTS = ("days", "hours", "minutes", "seconds")


class WrongMoment(Exception):
    """The clock cannot be set to, or moved by, what was asked for."""


class SandboxClock:
    """Tells the time of a store, which keeps how it was set, so that a later start goes on from there.

    Args:
        store: takes this clock for its own.
    """

    def __init__(self, store: Store) -> None:
        text = store.setting(_SETTING)
        # Held beside the store: who asks for the time must not have to wait for the store.
        self._order: Mapping[str, Any] | None = None if text is None else dict(json.loads(text))
        self._store = store
        store.clock = self

    def __call__(self) -> datetime:
        """The moment, in UTC."""
        order = self._order
        if order is None:
            return system_clock()
        moment = datetime.fromisoformat(order["moment"])
        return moment + (system_clock() - datetime.fromisoformat(order["since"])) if order["since"] else moment

    def set(self, moment: datetime, *, running: bool) -> None:
        """Set the time, which stands still from there or runs on.

        Raises:
            WrongMoment: the moment has no zone.
        """
        if moment.tzinfo is None:
            raise WrongMoment(f"{moment.isoformat()} has no zone; end it with Z or an offset such as +02:00")
        since = system_clock().isoformat() if running else None
        self._keep({"moment": moment.astimezone(UTC).isoformat(), "since": since})

    def advance(self, amount: timedelta) -> None:
        """Move the time on; one that stands still stands still again, one that runs runs on.

        Raises:
            WrongMoment: the amount is not above zero, or leads too far.
        """
        if amount <= timedelta(0):
            raise WrongMoment("the amount is not above zero; PUT sets the clock back")
        try:
            self.set(self() + amount, running=self.running)
        except OverflowError:
            raise WrongMoment("the amount leads beyond the year 9999") from None

    def release(self) -> None:
        """Go by the machine's time again."""
        self._keep(None)

    @property
    def driven(self) -> bool:
        """Whether the time was set, and not released since."""
        return self._order is not None

    @property
    def running(self) -> bool:
        """Whether the time passes by itself."""
        return self._order is None or self._order["since"] is not None

    def _keep(self, order: Mapping[str, Any] | None) -> None:
        self._order = order
        self._store.set_setting(_SETTING, None if order is None else json.dumps(order))


def moment_of(text: object) -> datetime:
    """A moment from ISO 8601 text.

    Raises:
        WrongMoment: it is none, or has no zone.
    """
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise WrongMoment(f"{text!r} is not an ISO 8601 moment such as 2024-07-01T10:00:00Z") from None
    if moment.tzinfo is None:
        raise WrongMoment(f"{text!r} has no zone; end it with Z or an offset such as +02:00")
    return moment


class ClockAdmin:
    """`/_admin/clock`, of either system: they share the clock, as they share the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def routes(self) -> list[Route]:
        """The route."""
        return [Route("/_admin/clock", self.answer, methods=["GET", "PUT", "POST", "DELETE"])]

    async def answer(self, request: Request) -> Response:
        """Tell the time; set it (`moment`, `running`), move it on (`seconds`, `minutes`, ...), or release it."""
        clock = self._store.clock
        if not isinstance(clock, SandboxClock):
            return JSONResponse({"error": "this server was started with a clock that cannot be driven"}, 409)
        try:
            if request.method == "DELETE":
                clock.release()
            elif request.method != "GET":
                _carry_out(clock, request.method, _decoded(await request.body()))
        except WrongMoment as wrong:
            return JSONResponse({"error": str(wrong)}, 400)
        shown = {"moment": clock().isoformat(), "running": clock.running, "driven": clock.driven}
        return JSONResponse(shown)


def _carry_out(clock: SandboxClock, method: str, wish: Mapping[str, Any]) -> None:
    allowed = ("moment", "running") if method == "PUT" else _AMOUNTS
    unknown = [name for name in wish if name not in allowed]
    if unknown:
        raise WrongMoment(f"{unknown[0]!r} is not one of {', '.join(allowed)}")
    if method == "PUT":
        running = wish.get("running", False)
        if not isinstance(running, bool):
            raise WrongMoment(f"running: {running!r} is neither true nor false")
        clock.set(moment_of(wish.get("moment")), running=running)
        return
    for name, amount in wish.items():
        if isinstance(amount, bool) or not isinstance(amount, int | float):
            raise WrongMoment(f"{name}: {amount!r} is not a number")
    try:
        amount = timedelta(**wish)
    except (OverflowError, ValueError):
        raise WrongMoment("the amount leads beyond the year 9999") from None
    clock.advance(amount)


def _decoded(body: bytes) -> Mapping[str, Any]:
    try:
        wish = json.loads(body)
    except ValueError:
        raise WrongMoment("the body is not JSON") from None
    if not isinstance(wish, dict):
        raise WrongMoment("the body is not a JSON object")
    return wish
