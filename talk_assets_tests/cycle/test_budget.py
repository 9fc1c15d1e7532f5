"""A sync within Exact's budget of calls."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from talk_assets.cycle.report import status, summary
from talk_assets.ledger.call_budget import CallBudgetStore
from talk_assets.sandbox.installation import EXACT_DIVISION
from talk_assets.systems.budget import Budget, Window
from talk_assets_tests.cycle.done import Report
from talk_assets_tests.cycle.harness import World, open_world
from talk_assets_tests.cycle.stage import Driven, stage


def _leave(world: World, calls: int, hours: float = 25.0) -> None:
    """Have so many calls left of a day that ends after the one that Exact tells of, and nothing read for news now."""
    now = time.time()
    day = Window(5000, calls, now + hours * 3600)
    store = CallBudgetStore(world.installation.ledger, world.installation.division)
    store.change(lambda _: Budget(None, day, now))


def _polled(report: Report) -> set[str]:
    """The feeds of Exact that were read."""
    return {call.rpartition("/")[2] for call in report.calls["exact"] if call.startswith("GET") and "/sync/" in call}


def test_on_the_last_calls_edits_are_written_and_nothing_is_asked_for_news(world: World) -> None:
    """The calls go into questions, and in the evening an order cannot be written."""
    customer = world.add("customerp.customer", Name="Before")
    world.sync()
    account = world.twin("customerp.customer", customer, "exact.accounts")
    world.edit("customerp.customer", customer, Name="After")
    world.edit("exact.accounts", account, Phone="1")
    _leave(world, 900)
    report = world.sync()
    assert world.show("exact.accounts", account)["Name"] == "After"
    # The target is looked at before and after it is written, which is how the phone comes along.
    assert _polled(report) == {"Accounts"}
    assert world.show("customerp.customer", customer)["Phone"] == "1"


@pytest.mark.soak
def test_news_that_was_put_off_is_read_when_there_are_calls_again(world: World) -> None:
    """An edit in Exact on a busy day would never reach Customerp."""
    item = world.add("customerp.product", Number="P1", Name="Before")
    world.sync()
    world.edit("exact.items", world.twin("customerp.product", item, "exact.items"), Description="After")
    _leave(world, 900)
    assert _polled(world.sync()) == set()
    assert world.show("customerp.product", item)["Name"] == "Before"
    _leave(world, 4900)
    world.sync()
    assert world.show("customerp.product", item)["Name"] == "After"


def test_what_was_never_read_is_read_however_few_calls_are_left(world: World) -> None:
    """An account that is in both systems would be created a second time."""
    world.add("exact.accounts", Name="Both", Postcode="1234 AB")
    world.add("customerp.customer", Name="Both", ZipCode="1234 AB")
    _leave(world, 900)
    world.sync()
    assert len([row for row in world.all("exact.accounts").values() if row["Name"] == "Both"]) == 1


def test_a_run_tells_the_calls_that_it_needed(world: World) -> None:
    """Nobody can tell whether the calls go into work or are wasted."""
    key = world.add("customerp.customer", Name="Before")
    world.sync()
    world.edit("customerp.customer", key, Name="After")
    report = Report()
    with world.installation.cycle("counted") as cycle:
        world.take(cycle, report)
        world.give(cycle, report)
        totals = summary(cycle, 0)
    # Nine feeds and a write in Exact.
    assert totals["calls_needed"] == {"customerp": 7, "exact": 10}
    # On top come the looks before and after the write, and the questions who we are after a run without an end.
    assert totals["calls"] == {"customerp": 7 + 1, "exact": 10 + 2 + 2}
    assert totals["put_off"] == {}


def test_status_tells_how_long_what_is_owed_takes(world: World) -> None:
    """Whoever has imported a thousand customers does not know whether they are in Exact tonight."""
    for number in range(3):
        world.add("customerp.customer", Name=f"Customer {number}")
    world.fault("exact", fault="unavailable", method="POST", path="crm/Accounts", times=None)
    world.sync()
    world.end_faults()
    _leave(world, 2)
    found = status(world.installation.ledger, world.installation.division, world.installation.mappings)["budget"]
    assert (found["day"]["left"], found["day"]["limit"]) == (2, 5000)
    assert found["calls_ahead"] == 3 + 2
    assert found["seconds_ahead"] == pytest.approx(25 * 3600 + 3, abs=5)


class Day:
    """A sync every minute of a day, by a clock that is moved, while people edit both systems.

    Args:
        world: both systems, with Exact's limits.
        clock: theirs, at midnight.
    """

    def __init__(self, world: World, clock: Driven) -> None:
        self._world, self._clock = world, clock
        self._answers: Counter[int] = Counter()
        self._per_minute: Counter[datetime] = Counter()

    def live(self, *, minutes: int, changes: int) -> str:
        """Live through so many minutes, with so many edits at random; what was counted, for a person."""
        world, clock, draw = self._world, self._clock, random.Random(2_025)
        with stage().around(self._counting):
            customers = [world.add("customerp.customer", Name=f"Customer {n}", Phone="0") for n in range(20)]
            world.sync(ended=True)
            accounts = [world.twin("customerp.customer", key, "exact.accounts") for key in customers]
            edits = Counter(draw.randrange(1, minutes) for _ in range(changes))
            start, latest, needed, put_off = clock.time, dict.fromkeys(customers, "0"), 0, 0
            for minute in range(1, minutes + 1):
                clock.time = max(clock.time, start + timedelta(minutes=minute))
                for number in range(edits[minute]):
                    which, phone = draw.randrange(len(customers)), f"{minute}-{number}"
                    side, keys = draw.choice([("customerp.customer", customers), ("exact.accounts", accounts)])
                    world.edit(side, keys[which], Phone=phone)
                    latest[customers[which]] = phone
                report = world.sync(ended=True)
                needed, put_off = needed + report.needed["exact"], put_off + (not _polled(report))
            today = self._per_minute.total()
            clock.time = start + timedelta(days=1, minutes=1)
            for _ in range(2):
                world.sync(ended=True)
        assert {key: world.show("customerp.customer", key)["Phone"] for key in customers} == latest
        assert [world.show("exact.accounts", key)["Phone"] for key in accounts] == list(latest.values())
        assert world.owed() == []
        assert set(self._answers) <= {200, 201, 204}, "calls over the limits were refused"
        busiest = max(self._per_minute.values())
        assert busiest <= 60
        assert today <= 5000
        return (
            f"{minutes} syncs, {changes} edits: {today} calls of Exact, {needed} of them needed at least, {busiest} in "
            f"the busiest minute; in {put_off} syncs reading was put off"
        )

    def _counting(self, app: ASGIApp) -> ASGIApp:
        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            async def told(message: Message) -> None:
                if message["type"] == "http.response.start" and scope["path"].startswith(f"/api/v1/{EXACT_DIVISION}/"):
                    self._answers[message["status"]] += 1
                    self._per_minute[self._clock.time.replace(second=0, microsecond=0)] += 1
                await send(message)

            await app(scope, receive, told)

        return counted


@pytest.fixture
def day(database_url: str, tmp_path: Path) -> Iterator[Day]:
    """From midnight of yesterday."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    clock = Driven(midnight)
    limits = {"calls_per_minute": 60, "calls_per_day": 5000, "errors_per_hour": 10, "token_refresh_seconds": 570}
    with open_world(database_url, tmp_path, clock=clock, limits=limits) as world:
        yield Day(world, clock)


@pytest.mark.soak
def test_a_day_of_syncs_every_minute_with_five_hundred_changes(
    day: Day, record_property: Callable[[str, object], None]
) -> None:
    """By noon nothing in the company could call Exact any more, and the afternoon's edits wait for the next day."""
    record_property("told", day.live(minutes=1440, changes=500))


@pytest.mark.soak
def test_a_quarter_of_an_hour_of_syncs_every_minute(day: Day) -> None:
    """The same in short: what is over sixty calls a minute is refused, and arrives late."""
    day.live(minutes=15, changes=12)
