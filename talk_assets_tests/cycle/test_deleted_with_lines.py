"""A document is deleted on one side and one of its lines edited on the other, over real HTTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from talk_assets.orders.resolving import resolve
from talk_assets_tests.cycle.harness import World
from talk_assets_tests.cycle.test_whole_documents import Quote, due, flow_of_quotes


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[World]:
    """A world in which the quotation of a deleted quote is deleted."""
    with flow_of_quotes(database_url, tmp_path, "when_gone: {customerp: delete}") as world:
        yield world


def quoted(world: World) -> tuple[Quote, str, str]:
    """A quote, its quotation, and the quotation's first line."""
    quote = Quote(world)
    world.sync()
    world.sync()
    quotation = world.twin("customerp.quote", quote.key, "exact.quotations")
    return quote, quotation, next(iter(world.lines("exact.quotations", quotation)))


def asked(world: World) -> list[str]:
    """What a person is asked."""
    return [row["kind"] for row in world.rows("select kind from talk.conflict where resolved_at is null")]


@pytest.mark.soak
def test_an_edited_line_keeps_its_document(world: World) -> None:
    """What a colleague changed in a line would be deleted with the document, without anybody being asked."""
    quote, quotation, line = quoted(world)
    world.edit_line("exact.quotations", quotation, line, Quantity=8)
    world.remove("customerp.quote", quote.key)
    for _ in range(2):
        assert world.sync().writes == []
        assert quotation in world.all("exact.quotations")
        assert asked(world) == ["edit_versus_delete"]
    name = f"exact.quotations/{quotation}"
    with world.installation.cycle("order") as cycle:
        resolve(cycle, name, "record", name, "piet")
    world.sync()
    again = world.twin("exact.quotations", quotation, "customerp.quote")
    assert sorted(float(line["Quantity"]) for line in world.lines("customerp.quote", again).values()) == [3, 8]


@pytest.mark.soak
def test_an_added_line_keeps_its_document(world: World) -> None:
    """The same of a line that the deleted quote never had."""
    quote, quotation, line = quoted(world)
    item = world.lines("exact.quotations", quotation)[line]["Item"]
    world.add_line("exact.quotations", quotation, Item=item, Quantity=8)
    world.remove("customerp.quote", quote.key)
    world.sync()
    assert quotation in world.all("exact.quotations")
    assert asked(world) == ["edit_versus_delete"]


@pytest.mark.soak
def test_a_deletion_that_is_owed_gives_way_to_an_edited_line(world: World) -> None:
    """The edit was made before the deletion was carried out, and would go with it."""
    quote, quotation, line = quoted(world)
    world.fault("exact", method="DELETE", path="Quotations", status=503, times=5)
    world.remove("customerp.quote", quote.key)
    world.sync()
    world.end_faults()
    due(world)
    world.edit_line("exact.quotations", quotation, line, Quantity=8)
    world.sync()
    assert quotation in world.all("exact.quotations")
    assert asked(world) == ["edit_versus_delete"]


@pytest.mark.soak
def test_an_edited_line_that_was_not_delivered_keeps_its_document(world: World) -> None:
    """An edit that the quote could not be given before it was deleted is one nevertheless."""
    quote, quotation, line = quoted(world)
    world.edit_line("exact.quotations", quotation, line, Quantity=8)
    world.fault("customerp", method="PATCH", status=503, times=5)
    world.sync()
    world.end_faults()
    assert len(world.rows("select key from talk.owed where entity = 'customerp.quote_line'")) == 1
    world.remove("customerp.quote", quote.key)
    world.sync()
    assert quotation in world.all("exact.quotations")
    assert asked(world) == ["edit_versus_delete"]


@pytest.mark.soak
def test_a_document_goes_where_nothing_was_edited(world: World) -> None:
    """A deletion would never arrive."""
    quote, quotation, _ = quoted(world)
    quote.edit_line()
    world.sync()
    world.remove("customerp.quote", quote.key)
    world.sync()
    assert quotation not in world.all("exact.quotations")
    assert asked(world) == []
