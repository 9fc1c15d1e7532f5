"""A day on which nothing changes, with the sensors on: what it costs of Exact's calls, by a clock that is moved."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from talk_assets.assets.feeds import feed_asset
from talk_assets.automation.agenda import Agenda
from talk_assets.automation.sensors import ask_for_news
from talk_assets.automation.watch import Watch
from talk_assets.sandbox.installation import EXACT_DIVISION
from talk_assets_tests.cycle.done import Report
from talk_assets_tests.cycle.harness import World, open_world
from talk_assets_tests.cycle.stage import Driven, stage

_LOOK = timedelta(seconds=5)


class QuietDay:
    """The sensor of Exact through a day, and the whole read in the night.

    Args:
        world: both systems, with Exact's limits.
        clock: theirs.
    """

    def __init__(self, world: World, clock: Driven) -> None:
        self._world, self._clock = world, clock
        self._calls: Counter[str] = Counter()

    def live(self, length: timedelta) -> tuple[int, int, int]:
        """Live through so much time after a first sync: looks, looks that asked Exact, and calls of Exact."""
        world, clock = self._world, self._clock
        installation = world.installation
        assets = [
            feed_asset(entity, installation.mappings, installation.capabilities, None)
            for entity in installation.mappings.entities
        ]
        customer = world.add("customerp.customer", Name="Klant BV", Number="700")
        world.sync(ended=True)
        assert world.twin("customerp.customer", customer, "exact.accounts")
        world.sync(ended=True)
        agenda, looks, asked, rescanned = Agenda(), 0, 0, False
        begin = clock.time
        with stage().around(self._counting):
            while clock.time < begin + length:
                before = self._calls.total()
                found = ask_for_news(Watch(installation, clock.time, None), "exact", agenda, assets, None)
                assert not found.run_requests, "nothing changed, and a run is started"
                assert isinstance(found.skip_reason, dg.SkipReason)
                looks, asked = looks + 1, asked + (self._calls.total() > before)
                clock.time += _LOOK
                if not rescanned and clock.time >= begin + timedelta(hours=2, minutes=30):
                    with installation.cycle("the whole read", rescan=True) as cycle:
                        world.take(cycle, Report())
                        world.give(cycle, Report())
                    rescanned = True
        return looks, asked, self._calls.total()

    def _counting(self, app: ASGIApp) -> ASGIApp:
        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http" and scope["path"].startswith(f"/api/v1/{EXACT_DIVISION}/"):
                self._calls[f"{scope['method']} {scope['path']}"] += 1
            await app(scope, receive, send)

        return counted


@pytest.fixture
def day(database_url: str, tmp_path: Path) -> Iterator[QuietDay]:
    """From midnight of yesterday, with Exact's limits."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    clock = Driven(midnight)
    limits = {"calls_per_minute": 60, "calls_per_day": 5000, "errors_per_hour": 10, "token_refresh_seconds": 570}
    with open_world(database_url, tmp_path, clock=clock, limits=limits) as world:
        yield QuietDay(world, clock)


@pytest.mark.soak
def test_a_quiet_day_leaves_half_of_the_calls(day: QuietDay, record_property: Callable[[str, object], None]) -> None:
    """The calls would go into questions, and a busy day's orders could not be written."""
    looks, asked, calls = day.live(timedelta(days=1))
    told = f"{looks:,} looks in a day, {asked} of them asked Exact: {calls:,} of 5,000 calls, with the whole read"
    record_property("told", told)
    assert calls <= 2500
    assert asked >= 200, "what is not announced has to be found within minutes"


@pytest.mark.soak
def test_two_hours_leave_their_share_of_the_calls(day: QuietDay) -> None:
    """The same in short: two hours of a day have 417 of its calls."""
    _, asked, calls = day.live(timedelta(hours=2))
    assert calls <= 417 / 2
    assert asked >= 16
