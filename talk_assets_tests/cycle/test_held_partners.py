"""A record that waits for another one, beside its counterpart that does not."""

import pytest

from talk_assets_tests.cycle.harness import World


@pytest.mark.parametrize("others", [1, pytest.param(0, marks=pytest.mark.soak)])
def test_the_counterpart_of_an_order_that_waits_for_its_quote_waits_as_well(world: World, others: int) -> None:
    """One mistyped day of a quote has its order twice in both systems after the first sync."""
    customer = world.add("customerp.customer", Name="Jansen BV", OrganizationNumber="12345678")
    product = world.add("customerp.product", Number="Paint", Name="Paint")
    world.sync()
    account = world.twin("customerp.customer", customer, "exact.accounts")
    item = world.twin("customerp.product", product, "exact.items")
    lines = [{"ProductId": product, "Quantity": 1, "UnitPrice": 4}]
    quote = world.add("customerp.quote", CustomerId=customer, QuoteDate="2024-12-13", Lines=lines)
    world.edit("customerp.quote", quote, checked=False, QuoteDate="2024-13-45")
    at = {"CustomerId": customer, "CustomerReference": "PO-1", "Lines": lines}
    orders = [world.add("customerp.order", QuoteId=quote, **at)]
    orders += [world.add("customerp.order", **at) for _ in range(others)]
    sales = world.add(
        "exact.salesorders", OrderedBy=account, YourRef="PO-1", SalesOrderLines=[{"Item": item, "Quantity": 1}]
    )
    for _ in range(2):
        world.sync()
    assert set(world.all("customerp.order")) == set(orders)
    assert set(world.all("exact.salesorders")) == {sales}
    world.edit("customerp.quote", quote, QuoteDate="2024-12-13")
    for _ in range(2):
        world.sync()
    assert set(world.all("customerp.order")) == set(orders)
    assert set(world.all("exact.salesorders")) == {sales}
