"""What the first run planned is not counted among the writes of a run, over real HTTP; all else is."""

from pathlib import Path

import pytest

from talk_assets_tests.cycle.harness import Values, World, open_world
from talk_assets_tests.mappings.broken import copy_mappings, replace

_FEW = "max_writes_per_run: 2, max_writes_share: 0"


def with_guard(folder: Path, subject: str, entity: str) -> Path:
    """The shipped mappings with a low limit of writes to an entity."""
    copy_mappings(folder)
    replace(folder / f"{subject}.yaml", "\nproperties:\n", f"\nguards:\n  {entity}: {{{_FEW}}}\n\nproperties:\n")
    return folder


def waiting(world: World) -> list[Values]:
    return world.rows("select entity, kind, seen from talk.guard where accepted_at is null")


def test_creates_that_fail_for_ever_hide_no_wrong_import(database_url: str, tmp_path: Path) -> None:
    """Six customers that Exact refuses since the first run would let six more than the limit through, unseen."""
    with open_world(database_url, tmp_path, mappings=with_guard(tmp_path, "organisation", "exact.accounts")) as world:
        for number in range(6):
            world.fault("exact", fault="refusal", match={"Name": f"Odd {number}"}, message="Never seen", times=None)
            world.add("customerp.customer", Name=f"Odd {number}", Number=f"80{number}")
        keys = [world.add("customerp.customer", Name=f"K{n}", Number=f"70{n}") for n in range(6)]
        world.sync()
        assert len(world.owed("exact.accounts")) == 6
        world.sync()
        for key in keys:
            world.edit("customerp.customer", key, Name="Wrong import")
        assert world.sync().writes == []
        assert waiting(world) == [{"entity": "exact.accounts", "kind": "volume", "seen": 6}]


@pytest.mark.soak
def test_lines_of_documents_that_fail_hide_no_wrong_import(database_url: str, tmp_path: Path) -> None:
    """A quote of ten lines that Exact does not take would let ten wrong quotations through above the limit."""
    folder = with_guard(tmp_path, "sales_document", "exact.quotations")
    with open_world(database_url, tmp_path, mappings=folder) as world:
        customer = world.add("customerp.customer", Name="Klant BV", Number="700")
        product = world.add("customerp.product", Number="P1", Name="Thing", Unit="piece", Price=5)
        line = {"ProductId": product, "Quantity": 3, "UnitPrice": 5}
        world.fault("exact", fault="refusal", match={"Description": "Odd"}, message="Never seen", times=None)
        world.add("customerp.quote", CustomerId=customer, CustomerReference="R0", Description="Odd", Lines=[line] * 10)
        keys = [
            world.add("customerp.quote", CustomerId=customer, CustomerReference=f"R{n}", Description="x", Lines=[line])
            for n in range(1, 6)
        ]
        world.sync()
        assert len(world.all("exact.quotations")) == 5
        world.sync()
        for key in keys:
            world.edit("customerp.quote", key, Description="Wrong import")
        assert world.sync().writes == []
        assert waiting(world) == [{"entity": "exact.quotations", "kind": "volume", "seen": 5}]
