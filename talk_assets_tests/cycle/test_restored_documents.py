"""Documents that were deleted and are made again have their lines, but for those removed before, over real HTTP."""

from pathlib import Path

import pytest

from talk_assets_tests.cycle.harness import World
from talk_assets_tests.cycle.test_whole_documents import Quote, due, flow_of_quotes


def restored(world: World, quote: Quote) -> None:
    """Delete its quotation, which the next sync makes again."""
    quotation = quote.quotation
    assert quotation is not None
    world.sync()
    world.remove("exact.quotations", quotation)
    world.sync()


@pytest.mark.soak
def test_a_restored_quotation_has_its_lines(database_url: str, tmp_path: Path) -> None:
    """What somebody deleted by mistake would be back as an empty quotation, or never."""
    with flow_of_quotes(database_url, tmp_path, "when_gone: {exact: restore}") as world:
        quote = Quote(world)
        world.sync()
        restored(world, quote)
        assert quote.quantities() == [3, 3]


def test_a_restored_quotation_has_the_line_that_was_added_meanwhile(database_url: str, tmp_path: Path) -> None:
    """The quotation would come back with the new line alone."""
    with flow_of_quotes(database_url, tmp_path, "when_gone: {exact: restore}") as world:
        quote = Quote(world)
        world.sync()
        world.fault("exact", method="POST", path="Quotations", status=429, times=1)
        restored(world, quote)
        world.add_line("customerp.quote", quote.key, ProductId=quote.products[0], Quantity=9, UnitPrice=5)
        due(world)
        world.sync()
        assert quote.quantities() == [3, 3, 9]


@pytest.mark.soak
def test_a_line_that_was_removed_before_does_not_come_back(database_url: str, tmp_path: Path) -> None:
    """A line that a colleague took out of the quotation would be offered to the customer again."""
    with flow_of_quotes(database_url, tmp_path, "when_gone: {exact: restore}") as world:
        quote = Quote(world)
        world.sync()
        world.sync()
        quotation = world.twin("customerp.quote", quote.key, "exact.quotations")
        line = next(iter(world.lines("exact.quotations", quotation)))
        world.remove_line("exact.quotations", quotation, line)
        assert world.sync().writes == []
        restored(world, quote)
        assert quote.quantities() == [3]


@pytest.mark.soak
def test_a_quote_restored_in_customerp_has_its_lines(database_url: str, tmp_path: Path) -> None:
    """The same in the other direction."""
    with flow_of_quotes(database_url, tmp_path, "when_gone: {customerp: restore}") as world:
        quote = Quote(world)
        world.sync()
        quotation = world.twin("customerp.quote", quote.key, "exact.quotations")
        world.sync()
        world.remove("customerp.quote", quote.key)
        world.sync()
        again = world.twin("exact.quotations", quotation, "customerp.quote")
        assert len(world.lines("customerp.quote", again)) == 2
        assert world.sync().writes == []


@pytest.mark.soak
def test_a_quote_that_is_brought_back_has_its_lines_in_exact(database_url: str, tmp_path: Path) -> None:
    """A quote deleted by mistake and put back would be an empty quotation from then on."""
    with flow_of_quotes(database_url, tmp_path, "when_gone: {customerp: delete}") as world:
        quote = Quote(world)
        world.sync()
        world.sync()
        held = world.show("customerp.quote", quote.key)
        world.remove("customerp.quote", quote.key)
        world.sync()
        assert quote.quotation is None
        world.restore("customerp.quote", quote.key, **held)
        world.sync()
        world.sync()
        assert quote.quantities() == [3, 3]


@pytest.mark.soak
@pytest.mark.parametrize("removed", [False, True])
def test_a_deleted_quotation_stays_deleted(world: World, *, removed: bool) -> None:
    """Lines would be written to a quotation that somebody deleted, or make it anew, although the mapping does not."""
    quote = Quote(world)
    world.sync()
    restored(world, quote)
    if removed:
        quote.edit_line()
    for _ in range(2):
        assert world.sync().writes == []
    assert quote.quotation is None
