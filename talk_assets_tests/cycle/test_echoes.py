"""Updates that were carried out although nobody heard of it, and edits that were made meanwhile."""

from functools import partial

import pytest

from talk_assets.systems import http
from talk_assets.systems.repeats import Patience
from talk_assets_tests.cycle.harness import World


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeats come at once."""
    monkeypatch.setattr(http, "Patience", partial(Patience, first_wait=0.001))


def test_an_edit_made_before_an_update_arrived_whose_answer_was_lost(world: World, subtests: pytest.Subtests) -> None:
    """Our own stale value, younger by the time of our write, would be written over what a person had just corrected."""
    customer = world.add("customerp.customer", Name="Jansen Bouw BV", Phone="1")
    world.sync()
    account = world.twin("customerp.customer", customer, "exact.accounts")
    world.edit("customerp.customer", customer, Phone="2")
    world.interrupt(lambda method, _path: method == "PUT")
    world.sync(between=lambda: world.edit("customerp.customer", customer, Phone="3"))
    world.interrupt(None)
    assert world.show("exact.accounts", account)["Phone"] == "2", "the update arrived"
    world.sync()
    with subtests.test("the person's edit is what both hold"):
        assert world.show("customerp.customer", customer)["Phone"] == "3"
        assert world.show("exact.accounts", account)["Phone"] == "3"
    with subtests.test("history tells of the write that nobody heard of"):
        found = world.rows("select before, after, rule from talk.history where kind = 'write' and property = 'phone'")
        assert ("1", "2", "update found after an interruption") in [tuple(row.values()) for row in found]
    with subtests.test("nothing stays open"):
        assert world.rows("select * from talk.intent where closed_at is null") == []
        assert world.owed() == []
        assert world.sync().writes == []


@pytest.mark.soak
def test_an_update_that_never_arrived_is_sent_again(world: World) -> None:
    """An edit would stay on one side because a note says that it was sent."""
    customer = world.add("customerp.customer", Name="Jansen Bouw BV", Phone="1")
    world.sync()
    account = world.twin("customerp.customer", customer, "exact.accounts")
    world.edit("customerp.customer", customer, Phone="2")
    world.fault("exact", method="PUT", path="crm/Accounts", status=503, times=5)
    world.sync()
    assert world.show("exact.accounts", account)["Phone"] == "1"
    world.sync()
    assert world.show("exact.accounts", account)["Phone"] == "2"
    with world.installation.ledger.begin() as connection:
        connection.exec_driver_sql("update talk.intent set opened_at = opened_at - interval '1 hour'")
    assert world.sync().writes == []
    assert world.rows("select * from talk.intent where closed_at is null") == []
