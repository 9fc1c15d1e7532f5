"""A feed that the login may not read, as employees where there is no payroll module: the others go on."""

from pathlib import Path

import httpx

from talk_assets.sandbox.seed.options import SeedOptions
from talk_assets_tests.cycle.harness import World, open_world

_SEED = SeedOptions(customers=4, contacts=4, employees=4, products=4, quotes=4, orders=2, lines=1, duplicates=0)


def _rights(world: World, **rights: str) -> None:
    url = world.installation.settings.exact_url
    httpx.put(f"{url}/_admin/rights", json=rights).raise_for_status()


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
        # What nobody could read is not taken for empty: nobody is told to enter who is there.
        _rights(world, Employees="manage")
        world.sync()
        linked = [
            world.partner("customerp.employee", key, "exact.employees") for key in world.all("customerp.employee")
        ]
        entered = [debt for debt in world.owed("exact.employees") if debt["operation"] == "create"]
        assert any(linked)
        assert len(entered) == linked.count(None)


def test_nothing_is_created_where_nothing_could_be_read(database_url: str, tmp_path: Path) -> None:
    """Every customer would be created once more in an administration whose accounts were not to be read."""
    with open_world(database_url, tmp_path, seed=_SEED) as world:
        before = set(world.all("exact.accounts"))
        world.add("customerp.customer", Name="New BV")
        _rights(world, Accounts="none")
        world.sync()
        assert set(world.all("exact.accounts")) == before
        assert world.owed("exact.accounts") == []
        _rights(world, Accounts="manage")
        world.sync()
        after = [held["Name"] for held in world.all("exact.accounts").values()]
        assert "New BV" in after
        assert len(after) == len(set(after))
