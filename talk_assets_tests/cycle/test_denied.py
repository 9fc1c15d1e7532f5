"""A feed that the login may not read, as employees where there is no payroll module: the others go on."""

import json
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from talk_assets.cycle.denied import denied_last, denied_lately, forget_denials, heed_login, note_denied
from talk_assets.cycle.poll import poll
from talk_assets.cycle.report import status
from talk_assets.errors import AccessDenied
from talk_assets.ledger.database import Ledger
from talk_assets.mappings.load import load_mappings
from talk_assets.sandbox.seed.options import SeedOptions
from talk_assets_tests.cycle.harness import World, open_world
from talk_assets_tests.mappings.broken import copy_mappings, replace

_SEED = SeedOptions(customers=4, contacts=4, employees=4, products=4, quotes=4, orders=2, lines=1, duplicates=0)


def _rights(world: World, **rights: str) -> None:
    url = world.installation.settings.exact_url
    httpx.put(f"{url}/_admin/rights", json=rights).raise_for_status()


@pytest.mark.soak
def test_one_feed_that_may_not_be_read_holds_back_itself(database_url: str, tmp_path: Path) -> None:
    """Without the payroll module no contact, quotation or order would ever be synchronised."""
    with open_world(database_url, tmp_path, seed=_SEED) as world:
        _rights(world, Employees="none")
        world.sync()
        assert world.sync().writes == []
        assert world.owed() == []
        assert {world.partner("customerp.quote", key, "exact.quotations") for key in world.all("customerp.quote")}
        contact = next(
            key for key in world.all("customerp.contact") if world.partner("customerp.contact", key, "exact.contacts")
        )
        world.edit("customerp.contact", contact, Mobile="06 1")
        world.sync()
        partner = world.twin("customerp.contact", contact, "exact.contacts")
        assert world.show("exact.contacts", partner)["Mobile"] == "06 1"
        # Not asked in every run: an app is shut out after ten refused calls an hour.
        calls = [world.sync().calls["exact"] for _ in range(8)]
        assert [call for each in calls for call in each if "Employees" in call] == []
        # What nobody could read is not taken for empty: nobody is told to enter who is there.
        _rights(world, Employees="manage")
        with world.installation.ledger.begin() as connection:
            connection.execute(
                sa.text("update talk.cursor set value = '2020-01-01T00:00:00+00:00 no' where feed like 'denied.%'")
            )
        world.sync()
        linked = [
            world.partner("customerp.employee", key, "exact.employees") for key in world.all("customerp.employee")
        ]
        entered = [debt for debt in world.owed("exact.employees") if debt["operation"] == "create"]
        assert any(linked)
        assert len(entered) == linked.count(None)


@pytest.mark.soak
def test_what_is_written_too_stops_what_rests_on_it(database_url: str, tmp_path: Path) -> None:
    """Every customer would be created once more in an administration whose accounts were not to be read."""
    with open_world(database_url, tmp_path, seed=_SEED) as world:
        before = set(world.all("exact.accounts"))
        _rights(world, Accounts="none")
        with pytest.raises(AccessDenied, match=r"exact.accounts.*scope crm/accounts"):
            world.sync()
        assert set(world.all("exact.accounts")) == before
        _rights(world, Accounts="manage")
        world.sync()
        after = [held["Name"] for held in world.all("exact.accounts").values()]
        assert len(after) == len(set(after)) > len(before)


@pytest.mark.soak
def test_a_flow_can_be_left_out_later(database_url: str, tmp_path: Path) -> None:
    """The status would end in a traceback, or tell for ever what a person has to enter for nobody."""
    with open_world(database_url, tmp_path, seed=_SEED) as world:
        world.sync()
        assert world.owed("exact.employees")
        at = world.installation
        left = load_mappings(None, at.capabilities, ["employee_employees"])
        assert status(at.ledger, at.division, left)["division"] == at.division
        with world.reopened(talk_leave_out=["employee_employees"]):
            world.sync()
            assert world.owed("exact.employees") == []


def test_what_others_are_created_instead_of_cannot_be_missed(database_url: str, tmp_path: Path) -> None:
    """A contact would be created for every employee, also for those that are in a payroll that nobody could read."""
    folder = copy_mappings(tmp_path)
    criteria = "    criteria:\n      - [{property: business_email}]\n  employee_employees"
    replace(folder / "person.yaml", criteria, "    create: {exact: true, unless: exact.employees}\n" + criteria)
    with open_world(database_url, tmp_path, mappings=folder) as world:
        world.add("customerp.employee", Number="7", FirstName="Ann", LastName="Vos", Email="ann@w.nl")
        _rights(world, Employees="none")
        with pytest.raises(AccessDenied, match=r"exact.employees.*scope hrm/payroll"):
            world.sync()
        assert world.all("exact.contacts") == {}


@pytest.mark.soak
def test_previews_ask_once_for_what_may_not_be_read(database_url: str, tmp_path: Path) -> None:
    """After six previews Exact's failed calls would be used up, and the first sync fail like the seventh preview."""
    with open_world(database_url, tmp_path) as world:
        _rights(world, Employees="none")
        calls = [world.sync(preview=True).calls["exact"] for _ in range(3)]
        assert sum(count for each in calls for call, count in each.items() if "Employees" in call) == 1
        # Whoever else has used them up: what can be missed holds back nothing.
        at = world.installation
        forget_denials(at.ledger)
        with at.ledger.begin() as connection:
            times = json.dumps([datetime.now(UTC).isoformat()] * 6)
            connection.execute(
                sa.text("update talk.cursor set value = :times where feed like '%ayroll%'"), {"times": times}
            )
        with at.cycle("read") as cycle:
            poll(cycle, "exact.employees")
            assert "Exact has refused 6 calls" in cycle.denied["exact.employees"]
        assert denied_last(at.ledger, at.division, "exact.employees") is None
        world.sync()


def test_what_is_unknown_is_not_told_to_be_readable(database_url: str, tmp_path: Path) -> None:
    """A check would pass in each run that saves calls, as if the right had been given."""
    with open_world(database_url, tmp_path) as world:
        world.sync()
        _rights(world, Employees="none")
        world.sync()
        with world.installation.cycle("resting") as cycle:
            cycle.rests["exact"] = 600.0
            poll(cycle, "exact.employees")
            assert "exact.employees" in cycle.denied


def test_when_a_system_is_asked_again(ledger: Ledger) -> None:
    """Somebody gave the right, or logged in as somebody else, and employees would still count as unknown."""
    at = (ledger, "1", "exact.employees")
    heed_login(ledger, "1", "one", "run")
    note_denied(*at, "no", "run")
    heed_login(ledger, "1", "one", "run")
    assert (denied_lately(*at), denied_last(*at)) == ("no", "no")
    heed_login(ledger, "1", "another", "run")
    assert denied_last(*at) is None
    note_denied(*at, "no", "run")
    forget_denials(ledger)
    assert denied_last(*at) is None
    for noted, lately in (("2999-01-01", None), ("2020-01-01", None)):
        note_denied(*at, "no", "run")
        with ledger.begin() as connection:
            value = {"value": f"{noted}T00:00:00+00:00 no"}
            connection.execute(sa.text("update talk.cursor set value = :value where feed like 'denied.%'"), value)
        assert (denied_lately(*at), denied_last(*at)) == (lately, "no")
