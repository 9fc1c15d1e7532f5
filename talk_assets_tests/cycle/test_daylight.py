"""Edits around the nights on which the clocks of Exact's site are changed; Customerp's times are UTC."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from talk_assets.cycle.collect import collect
from talk_assets_tests.cycle.harness import World, open_world
from talk_assets_tests.cycle.stage import Driven

# When the clocks of Amsterdam are changed: from 2 to 3 o'clock, and from 3 back to 2.
_SPRING = datetime(2025, 3, 30, 1, tzinfo=UTC)
_AUTUMN = datetime(2025, 10, 26, 1, tzinfo=UTC)
_RECORDS = 4


@pytest.fixture(params=[_SPRING, _AUTUMN], ids=["spring", "autumn"])
def change(request: pytest.FixtureRequest) -> datetime:
    """When the clocks are changed."""
    moment: datetime = request.param
    return moment


@pytest.fixture
def clock(change: datetime) -> Driven:
    """Some time before the change."""
    return Driven(change - timedelta(minutes=75))


@pytest.fixture
def night(database_url: str, tmp_path: Path, clock: Driven) -> Iterator[World]:
    """Both systems by that clock."""
    with open_world(database_url, tmp_path, clock=clock) as world:
        yield world


@pytest.mark.soak
def test_the_latest_edit_wins_whatever_the_clocks_show(night: World, clock: Driven, change: datetime) -> None:
    """Twice a year the older of two entries would win, for as long as the clocks differ, and nobody would notice."""
    customers = [night.add("customerp.customer", Name=f"Customer {n}", Phone="0") for n in range(_RECORDS)]
    night.sync()
    accounts = [night.twin("customerp.customer", key, "exact.accounts") for key in customers]
    sides = {"customerp.customer": customers, "exact.accounts": accounts}
    draw = random.Random(330)
    latest = dict.fromkeys(range(_RECORDS), "")
    while clock.time < change + timedelta(minutes=70):
        # Everybody's entry is followed by somebody else's, on either side, minutes later, before both are read.
        for number in range(_RECORDS):
            for _ in range(2):
                clock.sleep(draw.uniform(1, 200))
                side = draw.choice(sorted(sides))
                latest[number] = f"{clock.time:%j %H:%M:%S}"
                night.edit(side, sides[side][number], Phone=latest[number])
        night.sync()
        for side, keys in sides.items():
            assert [night.show(side, key)["Phone"] for key in keys] == list(latest.values()), clock.time


def test_no_time_of_exact_moves_by_the_change(night: World, clock: Driven, change: datetime) -> None:
    """History would tell of edits an hour before they were made, or of edits that are still to come."""
    account = night.add("exact.accounts", Name="Both", Postcode="1234 AB")
    while clock.time < change + timedelta(minutes=70):
        clock.sleep(25 * 60)
        night.edit("exact.accounts", account, Phone=f"{clock.time:%H:%M}")
        edited = clock.time
        with night.installation.cycle(f"at {edited}") as cycle:
            collect(cycle, "exact.accounts")
        ((modified,),) = night.query("select modified from talk.record where key = :key", key=account).to_numpy()
        assert abs(modified - edited) < timedelta(seconds=1)
