"""A quote and an order of one customer with the same reference, which no name connects."""

from talk_assets.orders.unlinking import unlink
from talk_assets_tests.cycle.harness import World
from talk_assets_tests.cycle.test_promises import order
from talk_assets_tests.orders.given import at_desk


def _delivered(world: World) -> tuple[str, str, str]:
    """An order that is in Exact; its customer, a product and its key."""
    found = order(world, Description="the order")
    world.sync()
    world.sync()
    return found


def _quote(world: World, customer: str, product: str, description: str) -> str:
    lines = [{"ProductId": product, "Quantity": 500, "UnitPrice": 8}]
    at = {"CustomerId": customer, "CustomerReference": "PO 1", "QuoteDate": "2024-06-01"}
    return world.add("customerp.quote", **at, Description=description, Lines=lines)


def test_a_later_quote_does_not_take_an_order_over(world: World) -> None:
    """An offer with the reference of a project would overwrite quantities and prices that were ordered and booked."""
    customer, product, key = _delivered(world)
    sales = world.twin("customerp.order", key, "exact.salesorders")
    quote = _quote(world, customer, product, "a new offer")
    for _ in range(2):
        world.sync()
        assert world.held("ambiguous") == {f"customerp.quote/{quote}"}
    assert f"customerp.order/{key}, which does not name it" in world.holds()[0]["reason"]
    assert world.show("customerp.order", key)["Description"] == "the order"
    assert sorted(line["Quantity"] for line in world.lines("exact.salesorders", sales).values()) == [1, 2]
    # Once the order names it, they are one.
    world.edit("customerp.order", key, QuoteId=quote)
    world.sync()
    world.sync()
    assert world.holds() == []


def test_a_later_quote_that_is_said_to_be_another_one_gets_its_own_quotation(world: World) -> None:
    """Whoever says that the two are not one would be asked for ever."""
    customer, product, key = _delivered(world)
    quotation = world.twin("customerp.order", key, "exact.quotations")
    quote = _quote(world, customer, product, "a new offer")
    world.sync()
    unlink(at_desk(world), f"customerp.quote/{quote}", f"exact.quotations/{quotation}", "eva")
    world.sync()
    world.sync()
    assert world.held("ambiguous") == set()
    assert world.twin("customerp.quote", quote, "exact.quotations") != quotation


def test_a_quote_and_an_order_that_are_new_together_share_a_quotation(world: World) -> None:
    """Exact would get two quotations for one, and the order never become a sales order."""
    customer, product, key = order(world, Description="the order")
    quote = _quote(world, customer, product, "an offer")
    for _ in range(3):
        world.sync()
    assert world.holds() == []
    assert world.owed() == []
    assert list(world.all("exact.quotations")) == [world.twin("customerp.quote", quote, "exact.quotations")]
    assert len(world.all("exact.salesorders")) == 1
    assert world.twin("customerp.order", key, "customerp.quote") == quote
