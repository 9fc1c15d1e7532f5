"""A quote that is deleted while an order shares its quotation, over real HTTP."""

from pathlib import Path

import pytest

from talk_assets.orders.accepting import accept_creation
from talk_assets.orders.unlinking import unlink
from talk_assets_tests.cycle.harness import World, open_world
from talk_assets_tests.mappings.broken import copy_mappings, replace
from talk_assets_tests.orders.given import at_desk


@pytest.mark.soak
@pytest.mark.parametrize(("count", "named"), [(2, False), (1, True)])
def test_an_order_keeps_its_own_lines_when_its_quote_is_deleted(world: World, count: int, *, named: bool) -> None:
    """Somebody tidies up old quotes, and every order of theirs is doubled, in both systems."""
    customer = world.add("customerp.customer", Name="Klant BV", Number="700")
    products = [world.add("customerp.product", Number=f"P{n}", Name="Thing", Unit="piece") for n in (1, 2)]
    lines = [{"ProductId": key, "Quantity": 3, "UnitPrice": 5} for key in products]
    shared = {"CustomerId": customer, "CustomerReference": "R1", "Description": "x"}
    quote = world.add("customerp.quote", **shared, Lines=lines)
    for _ in range(2):
        world.sync()
    beside = {"QuoteId": quote} if named else {}
    order = world.add("customerp.order", **shared, **beside, Lines=lines[:count])
    for _ in range(3):
        world.sync()
    sales = world.twin("customerp.order", order, "exact.salesorders")
    if named:
        # Customerp deletes no quote that an order names.
        world.edit("customerp.order", order, QuoteId=None)
        world.sync()
    assert world.sync().writes == []
    world.remove("customerp.quote", quote)
    for _ in range(3):
        world.sync()
    assert len(world.lines("customerp.order", order)) == count
    assert len(world.lines("exact.salesorders", sales)) == count


@pytest.mark.soak
def test_a_shared_quotation_keeps_the_day_of_its_offer_when_the_quote_is_deleted(world: World) -> None:
    """Somebody tidies up old quotes, and the offers of the books say that they were made on the day of the order."""
    order, quotation, quote = _of_one_quotation(world)
    world.remove("customerp.quote", quote)
    for _ in range(3):
        world.sync()
    assert world.show("exact.quotations", quotation)["QuotationDate"][:10] == "2024-02-01"
    world.edit("customerp.order", order, OrderDate="2024-02-12", Description="later")
    world.sync()
    held = world.show("exact.quotations", quotation)
    assert (held["QuotationDate"][:10], held["Description"]) == ("2024-02-01", "later")
    assert world.sync().writes == []


@pytest.mark.soak
def test_unlinking_a_quote_from_the_quotation_that_it_shares_changes_no_order(world: World) -> None:
    """Who corrects a wrong link has an order of four lines sold that was one of two, dated on the day of the offer."""
    order, quotation, quote = _of_one_quotation(world)
    sales = world.twin("customerp.order", order, "exact.salesorders")
    unlink(at_desk(world), f"customerp.quote/{quote}", f"exact.quotations/{quotation}", "eva")
    for _ in range(3):
        world.sync()
    assert len(world.lines("customerp.order", order)) == 1
    assert len(world.lines("exact.salesorders", sales)) == 1
    assert len(world.lines("exact.quotations", quotation)) == 2
    assert world.show("customerp.order", order)["OrderDate"][:10] == "2024-02-09"
    assert world.show("exact.quotations", quotation)["QuotationDate"][:10] == "2024-02-01"
    assert world.sync().writes == []


@pytest.mark.soak
def test_accepting_that_a_quotation_stays_without_its_quote_changes_no_order(world: World) -> None:
    """The offer in the books would be dated on the day of the order, and the order sold with all that was offered."""
    order, quotation, quote = _of_one_quotation(world)
    unlink(at_desk(world), f"customerp.quote/{quote}", f"exact.quotations/{quotation}", "eva")
    world.sync()
    accept_creation(at_desk(world), f"exact.quotations/{quotation}", "eva")
    for _ in range(3):
        world.sync()
    assert len(world.lines("customerp.order", order)) == 1
    assert world.show("exact.quotations", quotation)["QuotationDate"][:10] == "2024-02-01"
    assert world.show("customerp.order", order)["OrderDate"][:10] == "2024-02-09"


@pytest.mark.soak
def test_an_order_gets_a_quotation_of_its_own_after_a_wrong_quote_was_unlinked(world: World) -> None:
    """The quotation that is created for it is empty, and has no date: it would count as made from a quote."""
    order, quotation, quote = _of_one_quotation(world)
    for record in (f"customerp.quote/{quote}", f"customerp.order/{order}"):
        unlink(at_desk(world), record, f"exact.quotations/{quotation}", "eva")
        world.sync()
    # It shares a reference with both, so that nobody could tell with which it belongs.
    world.edit("customerp.order", order, CustomerReference="R2")
    accept_creation(at_desk(world), f"customerp.order/{order}", "eva")
    for _ in range(3):
        world.sync()
    own = world.twin("customerp.order", order, "exact.quotations")
    assert own != quotation
    assert world.show("exact.quotations", own)["QuotationDate"][:10] == "2024-02-09"
    assert (len(world.lines("exact.quotations", own)), len(world.lines("exact.quotations", quotation))) == (1, 2)
    assert world.show("exact.quotations", quotation)["QuotationDate"][:10] == "2024-02-01"


@pytest.mark.soak
def test_a_quote_that_leaves_a_filter_leaves_its_quotation_as_it_is(database_url: str, tmp_path: Path) -> None:
    """Closing a quote, where closed ones are not read, would date its offer on the day of the order."""
    shut = "filters:\n  customerp.quote:\n    read: [{name: Status, differs: [closed]}]\n\n"
    first = "properties:\n  quote_number:\n"
    replace(copy_mappings(tmp_path) / "sales_document.yaml", first, shut + first)
    with open_world(database_url, tmp_path, mappings=tmp_path) as world:
        order, quotation, quote = _of_one_quotation(world)
        world.edit("customerp.quote", quote, Status="closed")
        for _ in range(3):
            world.sync()
        assert world.show("exact.quotations", quotation)["QuotationDate"][:10] == "2024-02-01"
        assert len(world.lines("customerp.order", order)) == 1


def _of_one_quotation(world: World) -> tuple[str, str, str]:
    """An order of the first of two lines of a quote, the quotation that they share, and the quote."""
    customer = world.add("customerp.customer", Name="Klant BV", Number="700")
    products = [world.add("customerp.product", Number=f"P{n}", Name="Thing", Unit="piece") for n in (1, 2)]
    lines = [{"ProductId": key, "Quantity": 3, "UnitPrice": 5} for key in products]
    shared = {"CustomerId": customer, "CustomerReference": "R1", "Description": "x"}
    quote = world.add("customerp.quote", **shared, QuoteDate="2024-02-01", Lines=lines)
    for _ in range(2):
        world.sync()
    order = world.add("customerp.order", **shared, OrderDate="2024-02-09", Lines=lines[:1])
    for _ in range(3):
        world.sync()
    quotation = world.twin("customerp.quote", quote, "exact.quotations")
    assert world.partner("customerp.order", order, "exact.quotations") == quotation
    assert world.sync().writes == []
    return order, quotation, quote
