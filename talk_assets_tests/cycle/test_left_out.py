"""Flows that are left out and put back: what people said meanwhile or before, and what was agreed, is not forgotten."""

from pathlib import Path
from typing import Any

from talk_assets.cycle.report import status, summary
from talk_assets.orders.desk import desk
from talk_assets.orders.listing import list_conflicts, list_holds
from talk_assets.orders.unlinking import unlink
from talk_assets.sandbox.seed.options import SeedOptions
from talk_assets_tests.cycle.harness import World, open_world
from talk_assets_tests.mappings.broken import copy_mappings, replace

_SEED = SeedOptions(customers=4, contacts=4, employees=4, products=4, quotes=4, orders=2, lines=1, duplicates=0)


def _told(world: World) -> tuple[int, int, int, list[dict[str, Any]], list[dict[str, Any]]]:
    """Conflicts and holds as people see them: in the status, in a run's numbers, and listed."""
    at = world.installation
    stands = status(at.ledger, at.division, at.mappings)
    with at.cycle(world.run_id) as cycle:
        counted = summary(cycle, 0)
    assert len(stands["conflicts"]) == counted["conflicts"]
    orders = desk(at.ledger, at.division, at.mappings, at.capabilities)
    unlinked = list_holds(orders, "unlinked")
    assert len(stands["holds"]) == counted["holds"] == len(list_holds(orders))
    return len(stands["conflicts"]), len(unlinked), counted["holds"], list_conflicts(orders), unlinked


def test_what_was_unlinked_stays_so(database_url: str, tmp_path: Path) -> None:
    """A contact that somebody took apart from another would be created a second time, because of a setting."""
    with open_world(database_url, tmp_path, seed=_SEED) as world:
        world.sync()
        contact = next(
            k for k in world.all("customerp.contact") if world.partner("customerp.contact", k, "exact.contacts")
        )
        other = world.twin("customerp.contact", contact, "exact.contacts")
        with world.installation.cycle("order") as cycle:
            unlink(cycle, f"customerp.contact/{contact}", f"exact.contacts/{other}", "ann")
        world.sync()
        before = set(world.all("exact.contacts"))
        held = world.held("unlinked")
        assert f"customerp.contact/{contact}" in held
        with world.reopened(talk_leave_out=["contact_contacts"]):
            world.sync()
            # Nobody can settle it meanwhile.
            assert f"customerp.contact/{contact}" not in {hold["record"] for hold in _told(world)[4]}
        for _ in range(2):
            assert world.sync().writes == []
        assert set(world.all("exact.contacts")) == before
        assert world.held("unlinked") == held
        assert {hold["record"] for hold in _told(world)[4]} == held


def test_a_conflict_waits_while_its_records_are_left_out(database_url: str, tmp_path: Path) -> None:
    """People would be told of a conflict that no command settles, or never hear of it again."""
    folder = copy_mappings(tmp_path)
    replace(folder / "person.yaml", "  mobile:\n", "  mobile:\n    rule: manual\n")
    with open_world(database_url, tmp_path, mappings=folder) as world:
        values = {"FirstName": "Ann", "LastName": "Vos", "Email": "ann@w.nl", "Mobile": "06 1"}
        employee = world.add("customerp.employee", Number="7", **values)
        values["BusinessEmail"] = values.pop("Email")
        other = world.add("exact.employees", EmployeeHID=7, **values)
        with world.reopened(talk_leave_out=["employee_contacts"]):
            world.sync()
            assert world.partner("customerp.employee", employee, "exact.employees") == other
            world.edit("customerp.employee", employee, Mobile="06 2")
            world.edit("exact.employees", other, Mobile="06 3")
            world.sync()
            (conflict,) = _told(world)[3]
        with world.reopened(talk_leave_out=["employee_contacts", "employee_employees"]):
            world.sync()
            assert (_told(world)[0], _told(world)[3]) == (0, [])
        with world.reopened(talk_leave_out=["employee_contacts"]):
            world.sync()
            (again,) = _told(world)[3]
            assert {claim["value"] for claim in again["claims"]} == {claim["value"] for claim in conflict["claims"]}
