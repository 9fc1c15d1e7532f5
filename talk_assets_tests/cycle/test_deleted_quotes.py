"""A quote that is deleted while an order shares its quotation, over real HTTP."""

import pytest

from talk_assets_tests.cycle.harness import World


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
