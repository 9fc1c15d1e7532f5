"""Undoing where not everything can be read or created: what a sync leaves alone, an undo leaves alone, too."""

from pathlib import Path

import httpx
import pytest

from talk_assets.cycle import denied
from talk_assets.orders.unlinking import unlink
from talk_assets.undo.carry_out import Undone, carry_out
from talk_assets_tests.cycle.harness import World, open_world


def _undo(world: World, run: str) -> Undone:
    with world.installation.cycle(f"undo of {run}") as cycle:
        return carry_out(cycle, run, None, "ann")


@pytest.mark.soak
def test_people_are_undone_where_employees_may_not_be_read(database_url: str, tmp_path: Path) -> None:
    """Without Exact's payroll module no change of a person could be taken back, although every sync does without it."""
    with open_world(database_url, tmp_path) as world:
        url = world.installation.settings.exact_url
        httpx.put(f"{url}/_admin/rights", json={"Employees": "none"}).raise_for_status()
        customer = world.add("customerp.customer", Name="Klant BV", Number="700")
        world.sync()
        name = {"FirstName": "Ann", "LastName": "Vos", "Email": "ann@w.nl", "Mobile": "06 1"}
        contact = world.add("customerp.contact", CustomerId=customer, **name)
        world.sync()
        other = world.twin("customerp.contact", contact, "exact.contacts")
        world.edit("customerp.contact", contact, Mobile="06 9")
        world.sync()
        run = world.run_id
        # Also when it is asked anew.
        denied.forget_denials(world.installation.ledger)
        assert [each.record for each in _undo(world, run).plan.back] == [f"exact.contacts/{other}"]
        assert world.show("customerp.contact", contact)["Mobile"] == "06 1"
        assert world.show("exact.contacts", other)["Mobile"] == "06 1"
        assert world.sync().writes == []


@pytest.mark.soak
def test_nothing_is_created_for_what_was_unlinked(database_url: str, tmp_path: Path) -> None:
    """Who takes a night back gets a second company in the books for every link that somebody had corrected since."""
    with open_world(database_url, tmp_path) as world:
        customer = world.add("customerp.customer", Name="Klant BV", Number="700", Phone="1")
        world.sync()
        account = world.twin("customerp.customer", customer, "exact.accounts")
        world.edit("exact.accounts", account, Phone="2")
        world.sync()
        run = world.run_id
        with world.installation.cycle("order") as cycle:
            unlink(cycle, f"exact.accounts/{account}", f"customerp.customer/{customer}", "ann")
        assert world.sync().writes == []
        before, held = set(world.all("exact.accounts")), world.held("unlinked")
        done = _undo(world, run)
        assert [write["entity"] for write in done.writes] == ["customerp.customer"]
        assert world.show("customerp.customer", customer)["Phone"] == "1"
        assert world.show("exact.accounts", account)["Phone"] == "2"
        assert set(world.all("exact.accounts")) == before
        assert world.held("unlinked") == held
        assert world.sync().writes == []
