"""An administration that Exact has moved to another of its machines."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from talk_assets.sandbox.installation import EXACT_DIVISION
from talk_assets.systems.clock import Clock
from talk_assets_tests.cycle.done import Report
from talk_assets_tests.cycle.harness import World

_DIVISIONS = "system/Divisions"


def _asked(report: Report) -> int:
    return sum(count for call, count in report.calls["exact"].items() if call.endswith(_DIVISIONS))


def _later(hours: float) -> Clock:
    return Clock(now=lambda: datetime.now(UTC) + timedelta(hours=hours))


def _move(world: World) -> None:
    """Have Exact say that it has moved the division, and row versions count from far below those that are known."""
    row = {"Code": EXACT_DIVISION, "DivisionMoveDate": "/Date(1740268800000)/", "DivisionHRLinkUnlinkDate": None}
    answer = {"d": {"results": [row]}}
    world.fault("exact", path=_DIVISIONS, method="GET", status=200, body=answer, times=None)
    with world.installation.ledger.begin() as connection:
        connection.exec_driver_sql("update talk.record set version = '9' || version where entity like 'exact.%%'")
        connection.exec_driver_sql("update talk.base set version = '9' || version where entity like 'exact.%%'")
        connection.exec_driver_sql("update talk.cursor set value = '9' || value where feed = 'exact.accounts'")


@pytest.mark.soak
def test_a_moved_administration_is_read_from_the_beginning(world: World) -> None:
    """No edit made in Exact after one of its service nights would ever be seen again."""
    customer = world.add("customerp.customer", Name="Before", Phone="1")
    world.sync()
    account = world.twin("customerp.customer", customer, "exact.accounts")
    with world.reopened(_later(0.5)):
        assert _asked(world.sync()) == 0, "asked more than once an hour"
    _move(world)
    world.edit("exact.accounts", account, Name="After")
    world.sync()
    assert world.show("customerp.customer", customer)["Name"] == "Before", "the move does not hide this edit"
    with world.reopened(_later(2)):
        report = world.sync()
        assert _asked(report) == 1
        assert world.show("customerp.customer", customer)["Name"] == "After"
        assert [write["operation"] for write in report.writes] == ["update"], "what was agreed is not forgotten"
        assert world.sync().writes == []


@pytest.mark.parametrize("status", [httpx.codes.FORBIDDEN, httpx.codes.SERVICE_UNAVAILABLE])
def test_a_question_without_an_answer_stops_no_sync(world: World, status: int) -> None:
    """One right too few, or a short outage, and nothing is synchronised any more."""
    customer = world.add("customerp.customer", Name="Before")
    world.fault("exact", path=_DIVISIONS, method="GET", status=status, times=None)
    with world.reopened(Clock(sleep=lambda _: None)):
        report = world.sync()
        again = world.sync()
    assert world.partner("customerp.customer", customer, "exact.accounts") is not None
    assert _asked(report) == (1 if status == httpx.codes.FORBIDDEN else 5)
    # A refusal is one of few that Exact bears in an hour; an outage may be over.
    assert _asked(again) == (0 if status == httpx.codes.FORBIDDEN else 5)
