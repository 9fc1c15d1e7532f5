"""An insert that is under way when its process ends: it may arrive after the next sync has looked for it."""

from datetime import timedelta
from functools import partial

import pytest

from talk_assets.cycle import recover
from talk_assets.systems import http
from talk_assets.systems.repeats import Patience
from talk_assets_tests.cycle.harness import World

_COMPANY = "Jansen Bouw BV"
# As Exact keeps the number 1.
_CODE = "1".rjust(18)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeats come at once."""
    monkeypatch.setattr(http, "Patience", partial(Patience, first_wait=0.001))


def _accounts(world: World) -> list[str]:
    return [key for key, account in world.all("exact.accounts").items() if account["Name"] == _COMPANY]


def _open(world: World) -> int:
    return len(world.rows("select * from talk.intent where closed_at is null"))


def _pass(world: World, seconds: float) -> None:
    """Let an insert have been lost sight of so much earlier."""
    with world.installation.ledger.begin() as connection:
        connection.exec_driver_sql(f"update talk.intent set opened_at = opened_at - interval '{seconds} seconds'")


def test_an_insert_that_arrives_late(world: World, subtests: pytest.Subtests) -> None:
    """A company would stand twice in the books, because its first insert was still under way when it was repeated."""
    customer = world.add("customerp.customer", Name=_COMPANY, Number="1")
    world.fault("exact", method="POST", path="crm/Accounts", status=503)
    world.sync()
    _pass(world, http.ANSWER_SECONDS)
    world.sync()
    with subtests.test("it is not repeated while it may still arrive"):
        assert _accounts(world) == []
        assert _open(world) == 1
    account = world.add("exact.accounts", Name=_COMPANY, Status="C", Code=_CODE)
    world.sync()
    with subtests.test("when it arrives it is known"):
        assert _accounts(world) == [account]
        assert world.twin("customerp.customer", customer, "exact.accounts") == account
        assert _open(world) == 0


def test_an_insert_that_never_arrives(world: World) -> None:
    """A company would never come to Exact after one interrupted insert."""
    customer = world.add("customerp.customer", Name=_COMPANY, Number="1")
    world.fault("exact", method="POST", path="crm/Accounts", status=503)
    world.sync()
    _pass(world, 3 * http.ANSWER_SECONDS)
    world.sync()
    world.sync()
    assert _accounts(world) == [world.twin("customerp.customer", customer, "exact.accounts")]
    assert _open(world) == 0


@pytest.mark.soak
def test_a_record_that_was_there_before_is_not_the_insert(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stranger of the same name would be taken for the new company, and get its edits."""
    monkeypatch.setattr(recover, "LATEST_ARRIVAL", timedelta(0))
    stranger = world.add("exact.accounts", Name=_COMPANY, Status="C", Code=_CODE)
    world.overwrite("exact.accounts", stranger, Country="Nowhere")
    world.sync()
    assert f"exact.accounts/{stranger}" in world.held("invalid")
    customer = world.add("customerp.customer", Name=_COMPANY, Number="1")
    world.fault("exact", method="POST", path="crm/Accounts", status=503)
    world.sync()
    world.sync()
    assert world.twin("customerp.customer", customer, "exact.accounts") != stranger
