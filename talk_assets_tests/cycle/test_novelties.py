"""What a system tells one day that it did not tell before: properties and codes that nobody knows."""

from pathlib import Path

import pytest

from talk_assets.sandbox.seed.options import SeedOptions
from talk_assets_tests.cycle.harness import open_world

_SEED = SeedOptions(customers=4, contacts=4, employees=2, products=4, quotes=4, orders=2, lines=1, duplicates=0)


@pytest.mark.soak
def test_new_properties_are_nobodys_business(database_url: str, tmp_path: Path) -> None:
    """The day on which Exact adds a property would be the day on which nothing is synchronised any more."""
    with open_world(database_url, tmp_path, seed=_SEED) as world:
        for system in ("exact", "customerp"):
            world.fault(system, fault="new-property", times=None)
        world.sync()
        assert world.sync().writes == []
        assert world.holds() == []
        assert {debt["state"] for debt in world.owed()} <= {"person"}
        pairs = {key: world.partner("exact.accounts", key, "customerp.customer") for key in world.all("exact.accounts")}
        theirs, ours = next((one, other) for one, other in pairs.items() if other is not None)
        world.edit("exact.accounts", theirs, City="Gouda")
        world.edit("customerp.customer", ours, Phone="0182 1")
        world.sync()
        assert world.show("customerp.customer", ours)["City"] == "Gouda"
        assert world.show("exact.accounts", theirs)["Phone"] == "0182 1"


@pytest.mark.soak
@pytest.mark.parametrize(
    ("system", "entity", "counterpart"),
    [
        ("exact", "exact.quotations", "customerp.quote"),
        pytest.param("customerp", "customerp.quote", "exact.quotations", marks=pytest.mark.soak),
    ],
)
def test_a_new_code_holds_its_record_and_no_other(
    system: str, entity: str, counterpart: str, database_url: str, tmp_path: Path
) -> None:
    """A status that nobody mapped would empty the status of the other side, or stop the whole sync."""
    with open_world(database_url, tmp_path, seed=_SEED) as world:
        world.sync()
        assert world.sync().writes == []
        (one, other, *_) = pairs = {key: str(world.partner(entity, key, counterpart)) for key in world.all(entity)}
        before = world.show(counterpart, pairs[one])
        world.fault(system, fault="new-code", times=None)
        world.edit(entity, one, Description="With a code that is new")
        customer = next(iter(world.all("customerp.customer")))
        world.edit("customerp.customer", customer, Phone="0182 2")
        assert {write["entity"] for write in world.sync().writes} == {"exact.accounts"}
        (hold,) = world.holds()
        assert (hold["entity"], hold["key"], hold["property"]) == (entity, one, "quote_status")
        assert "not in the value map" in hold["reason"]
        assert world.show(counterpart, pairs[one]) == before
        world.end_faults()
        for key in (one, other):
            world.edit(entity, key, Description="With a code that is known")
        world.sync()
        assert world.holds() == []
        assert {world.show(counterpart, pairs[key])["Description"] for key in (one, other)} == {
            "With a code that is known"
        }
        assert world.sync().writes == []
