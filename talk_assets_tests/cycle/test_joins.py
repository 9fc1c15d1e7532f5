"""An order that is read before the quote that it was made from."""

import pytest

from talk_assets.cycle.collect import collect
from talk_assets.cycle.deliver import deliver
from talk_assets.cycle.match import match
from talk_assets.cycle.merge import merge
from talk_assets_tests.cycle.harness import World


@pytest.mark.parametrize("delivered", [True, pytest.param(False, marks=pytest.mark.soak)])
def test_an_order_that_is_read_before_its_quote_shares_its_quotation(world: World, *, delivered: bool) -> None:
    """Who makes a quote and an order from it during a run would have the offer in the books twice."""
    customer = world.add("customerp.customer", Name="Jansen BV", OrganizationNumber="12345678")
    paint, brush = (world.add("customerp.product", Number=name, Name=name) for name in ("Paint", "Brush"))
    world.sync()
    taken = [{"ProductId": paint, "Quantity": 1, "UnitPrice": 4}]
    offered = [*taken, {"ProductId": brush, "Quantity": 3, "UnitPrice": 4}]
    quote = world.add("customerp.quote", CustomerId=customer, Lines=offered)
    order = world.add("customerp.order", CustomerId=customer, QuoteId=quote, Lines=taken)
    with world.installation.cycle("orders only") as cycle:
        collect(cycle, "customerp.order")
        for flow in cycle.mappings.subjects["sales_document"].flows:
            match(cycle, flow)
        merge(cycle, "sales_document")
        if delivered:
            deliver(cycle, "exact.quotations")
    assert len(world.all("exact.quotations")) == delivered
    world.sync()
    world.sync()
    (quotation,) = world.all("exact.quotations")
    assert world.twin("customerp.quote", quote, "exact.quotations") == quotation
    assert world.twin("customerp.order", order, "exact.quotations") == quotation
    assert [float(line["Quantity"]) for line in world.lines("exact.quotations", quotation).values()] == [1, 3]
    assert [line["Quantity"] for line in world.lines("customerp.order", order).values()] == [1]
    assert world.holds() == []
    assert world.sync().writes == []
