"""Unlinking while a flow is left out: what that flow has linked goes with the record that it was linked to."""

from pathlib import Path

import pytest

from talk_assets.mappings.load import load_capabilities, load_mappings
from talk_assets.orders.unlinking import parted, unlink
from talk_assets_tests.cycle.harness import World, open_world
from talk_assets_tests.orders.conftest import WHO
from talk_assets_tests.orders.given import at_desk, linked


@pytest.mark.soak
def test_a_record_that_is_left_out_goes_with_its_own_counterpart(database_url: str, tmp_path: Path) -> None:
    """A colleague's surname would be written over a customer's contact who had been left out for a day."""
    with open_world(database_url, tmp_path) as world:
        customer = world.add("customerp.customer", Name="Klant BV", Number="700")
        world.sync()
        at = world.twin("customerp.customer", customer, "exact.accounts")
        name = {"FirstName": "Ann", "LastName": "Vos"}
        theirs = world.add("exact.contacts", Account=at, Email="ann@w.nl", BusinessEmail="ann@us.nl", **name)
        contact = world.add("customerp.contact", CustomerId=customer, Email="ann@w.nl", **name)
        employee = world.add("customerp.employee", Number="7", Email="ann@us.nl", **name)
        world.sync()
        names = [f"customerp.employee/{employee}", f"exact.contacts/{theirs}", f"customerp.contact/{contact}"]
        assert linked(world, *names)
        with world.reopened(talk_leave_out=["contact_contacts"]):
            world.sync()
            unlink(at_desk(world), names[0], names[1], WHO)
            assert world.sync().writes == []
        assert linked(world, *names[1:])
        assert not linked(world, *names[:2])
        world.edit("customerp.employee", employee, LastName="Bakker")
        world.edit("exact.contacts", theirs, FirstName="Anna")
        world.sync()
        shown = world.show("customerp.contact", contact)
        assert (shown["FirstName"], shown["LastName"]) == ("Anna", "Vos")
        assert world.sync().writes == []


def _order(world: World) -> tuple[str, str, str]:
    """An order, its quotation and its sales order, each with a line."""
    customer = world.add("customerp.customer", Name="Klant BV", Number="700")
    product = world.add("customerp.product", Number="P1", Name="Thing", Unit="piece", Price=5)
    line = {"ProductId": product, "Quantity": 3, "UnitPrice": 5}
    order = world.add("customerp.order", CustomerId=customer, CustomerReference="R1", Description="x", Lines=[line])
    world.sync()
    world.sync()
    quotation, sales = (world.twin("customerp.order", order, f"exact.{name}") for name in ("quotations", "salesorders"))
    return order, quotation, sales


@pytest.mark.soak
def test_a_document_that_is_left_out_goes_with_its_lines(database_url: str, tmp_path: Path) -> None:
    """A wrongly linked offer could not be taken apart while sales orders are left out, or lines would go astray."""
    with open_world(database_url, tmp_path) as world:
        order, quotation, sales = _order(world)
        with world.reopened(talk_leave_out=["order_salesorders"]):
            world.sync()
            unlink(at_desk(world), f"exact.quotations/{quotation}", f"customerp.order/{order}", WHO)
            assert world.sync().writes == []
        assert linked(world, f"customerp.order/{order}", f"exact.salesorders/{sales}")
        (mine,) = world.lines("customerp.order", order)
        (ours,), (theirs,) = world.lines("exact.salesorders", sales), world.lines("exact.quotations", quotation)
        assert linked(world, f"customerp.order_line/{mine}", f"exact.salesorder_lines/{ours}")
        assert not linked(world, f"customerp.order_line/{mine}", f"exact.quotation_lines/{theirs}")
        world.edit_line("customerp.order", order, mine, Quantity=7)
        world.sync()
        assert world.lines("exact.salesorders", sales)[ours]["Quantity"] == 7
        assert world.lines("exact.quotations", quotation)[theirs]["Quantity"] == 3
        assert world.sync().writes == []


def test_a_flow_that_is_left_out_still_pairs() -> None:
    """An offer would follow the sales order, and each of them be entered in the books a second time."""
    left_out = ["order_quotations"]
    documents = load_mappings(None, load_capabilities(), left_out).subjects["sales_document"]
    order, quotation, sales = "customerp.order/o", "exact.quotations/q", "exact.salesorders/s"
    expected = {order: order, quotation: order, sales: sales}
    assert parted([order, quotation, sales], sales, order, documents) == expected
    assert documents.lines is not None
    order, quotation, sales = "customerp.order_line/o", "exact.quotation_lines/q", "exact.salesorder_lines/s"
    expected = {order: order, quotation: order, sales: sales}
    assert parted([order, quotation, sales], sales, order, documents.lines) == expected
