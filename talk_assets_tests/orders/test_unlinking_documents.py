"""Unlinking where more than two records are the same thing, and where documents have lines."""

import pytest

from talk_assets.errors import OrderRefused
from talk_assets.orders.accepting import accept_creation
from talk_assets.orders.linking import link
from talk_assets.orders.unlinking import unlink
from talk_assets_tests.cycle.harness import World
from talk_assets_tests.orders.conftest import WHO
from talk_assets_tests.orders.given import at_desk, edit, linked, number, pair, show

pytestmark = pytest.mark.soak


def test_of_three_the_other_two_stay_together(whole_world: World) -> None:
    """Who corrects one link of an employee loses the others, and with them what was agreed."""
    world = whole_world
    mail = f"e{number()}@here.example"
    person = {"FirstName": "Eva", "LastName": "Vos"}
    employee = "customerp.employee/" + world.add("customerp.employee", Number=number()[-5:], Email=mail, **person)
    listed = "exact.employees/" + world.add("exact.employees", BusinessEmail=mail, Mobile="061", **person)
    world.sync()
    contact = "exact.contacts/" + world.twin("customerp.employee", employee.partition("/")[2], "exact.contacts")
    assert linked(world, employee, listed, contact)
    unlink(at_desk(world), employee, contact, WHO)
    edit(world, listed, Mobile="062")
    world.sync()
    world.sync()
    assert linked(world, employee, listed)
    assert not linked(world, employee, contact)
    assert (show(world, employee)["Mobile"], show(world, contact)["Mobile"]) == ("062", "061")
    assert {employee, contact} <= world.held("unlinked")
    assert listed not in world.held()


def test_documents_are_taken_apart_with_their_lines(whole_world: World) -> None:
    """An edited order is still written into an offer that belongs to another one."""
    world = whole_world
    customer, _ = pair(world)
    product = world.add("customerp.product", Number=number(), Name="Paint", Unit="piece")
    lines = [{"ProductId": product, "Quantity": n, "UnitPrice": 4} for n in (1, 2)]
    at = {"CustomerId": customer.partition("/")[2], "CustomerReference": number()}
    order = world.add("customerp.order", OrderDate="2024-02-09", Lines=lines, **at)
    world.sync()
    quotation = world.twin("customerp.order", order, "exact.quotations")
    sales = world.twin("customerp.order", order, "exact.salesorders")
    unlink(at_desk(world), f"customerp.order/{order}", f"exact.quotations/{quotation}", WHO)
    first = next(iter(world.lines("customerp.order", order)))
    world.edit_line("customerp.order", order, first, Quantity=7)
    world.edit("customerp.order", order, Description="changed")
    world.sync()
    assert world.sync().writes == []
    assert sorted(line["Quantity"] for line in world.lines("exact.salesorders", sales).values()) == [2, 7]
    assert sorted(line["Quantity"] for line in world.lines("exact.quotations", quotation).values()) == [1, 2]
    assert world.show("exact.salesorders", sales)["Description"] == "changed"
    assert linked(world, f"customerp.order/{order}", f"exact.salesorders/{sales}")
    assert world.partner("customerp.order", order, "exact.quotations") is None


@pytest.mark.soak
def test_a_join_brings_nobody_back(whole_world: World) -> None:
    """An order finds its way back to an offer through the quote that it names."""
    world = whole_world
    customer, _ = pair(world)
    product = world.add("customerp.product", Number=number(), Name="Paint", Unit="piece")
    at = {"CustomerId": customer.partition("/")[2], "Lines": [{"ProductId": product, "Quantity": 10, "UnitPrice": 4}]}
    quote = world.add("customerp.quote", QuoteDate="2024-02-01", **at)
    order = world.add("customerp.order", OrderDate="2024-02-09", QuoteId=quote, **at)
    world.sync()
    quotation = world.twin("customerp.order", order, "exact.quotations")
    sales = world.twin("customerp.order", order, "exact.salesorders")
    unlink(at_desk(world), f"customerp.order/{order}", f"exact.quotations/{quotation}", WHO)
    world.edit("customerp.order", order, Description="changed")
    world.edit("customerp.quote", quote, Description="offered")
    for _ in range(2):
        world.sync()
        assert linked(world, f"customerp.quote/{quote}", f"exact.quotations/{quotation}")
        assert linked(world, f"customerp.order/{order}", f"exact.salesorders/{sales}")
        assert not linked(world, f"customerp.order/{order}", f"exact.quotations/{quotation}")
    assert world.sync().writes == []
    assert world.show("exact.quotations", quotation)["Description"] == "offered"


def test_a_link_never_brings_together_what_was_unlinked(whole_world: World) -> None:
    """Somebody joins by a third record what a colleague has just taken apart."""
    world = whole_world
    mail = f"e{number()}@here.example"
    employee = "customerp.employee/" + world.add("customerp.employee", Number=number()[-5:], Email=mail, LastName="Vos")
    listed = "exact.employees/" + world.add("exact.employees", LastName="Vos", BusinessEmail=f"x{mail}")
    world.sync()
    contact = "exact.contacts/" + world.twin("customerp.employee", employee.partition("/")[2], "exact.contacts")
    unlink(at_desk(world), contact, listed, WHO)
    with pytest.raises(OrderRefused, match="were unlinked by hand"):
        link(at_desk(world), employee, listed, WHO)
    assert not linked(world, employee, listed)
    with pytest.raises(OrderRefused, match="can never be the same"):
        unlink(at_desk(world), employee, f"exact.accounts/{world.employer}", WHO)


def test_a_link_with_another_kind_of_record_creates_nothing(whole_world: World) -> None:
    """An employee that was unlinked from a contact gets a new one as soon as anything else of it is put right."""
    world = whole_world
    mail = f"e{number()}@here.example"
    person = {"FirstName": "Eva", "LastName": "Vos"}
    employee = world.add("customerp.employee", Number=number()[-5:], Email=mail, **person)
    world.sync()
    contact = world.twin("customerp.employee", employee, "exact.contacts")
    listed = world.add("exact.employees", BusinessEmail=f"x{mail}", **person)
    world.sync()
    unlink(at_desk(world), f"customerp.employee/{employee}", f"exact.contacts/{contact}", WHO)
    world.sync()
    before = set(world.all("exact.contacts"))
    link(at_desk(world), f"customerp.employee/{employee}", f"exact.employees/{listed}", WHO)
    for _ in range(2):
        world.sync()
    assert linked(world, f"customerp.employee/{employee}", f"exact.employees/{listed}")
    assert set(world.all("exact.contacts")) == before
    assert f"customerp.employee/{employee}" in world.held("unlinked")
    link(at_desk(world), f"customerp.employee/{employee}", f"exact.contacts/{contact}", WHO)
    assert f"customerp.employee/{employee}" not in world.held("unlinked")


@pytest.mark.parametrize("alike", [False, True])
@pytest.mark.parametrize("side", ["exact.salesorders", "customerp.order"])
def test_a_line_that_somebody_deleted_stays_deleted_when_documents_are_linked_again(
    whole_world: World, side: str, *, alike: bool
) -> None:
    """Who corrects a correction has a line back in the books, or in the order, that somebody had deleted."""
    world = whole_world
    customer, _ = pair(world)
    products = [world.add("customerp.product", Number=number(), Name="Paint", Unit="piece") for _ in range(2)]
    products = products[:1] * 2 if alike else products
    lines = [{"ProductId": key, "Quantity": n, "UnitPrice": 4} for n, key in enumerate(products, start=1)]
    at = {"CustomerId": customer.partition("/")[2], "CustomerReference": number()}
    order = world.add("customerp.order", OrderDate="2024-02-09", Lines=lines, **at)
    world.sync()
    sales = world.twin("customerp.order", order, "exact.salesorders")
    names = (f"customerp.order/{order}", f"exact.salesorders/{sales}")
    gone_from = order if side == "customerp.order" else sales
    line = next(key for key, held in world.lines(side, gone_from).items() if held["Quantity"] == 2)
    world.remove_line(side, gone_from, line)
    world.sync()
    unlink(at_desk(world), *names, WHO)
    world.sync()
    assert not linked(world, *names)
    link(at_desk(world), *names, WHO)
    for _ in range(2):
        world.sync()
    assert linked(world, *names)
    kept = {entity: world.lines(entity, key) for entity, key in (name.split("/") for name in names)}
    counts = {entity: sorted(held["Quantity"] for held in lines.values()) for entity, lines in kept.items()}
    assert counts.pop(side) == [1]
    assert list(counts.values()) == [[1, 2]]
    assert any(name.endswith(f"/{line}") for name in world.held("removed_line"))
    kept_line = next(key for key, held in world.lines("customerp.order", order).items() if held["Quantity"] == 1)
    world.edit_line("customerp.order", order, kept_line, Quantity=5)
    world.sync()
    assert [held["Quantity"] for held in world.lines(side, gone_from).values()] == [5]
    assert world.sync().writes == []


def test_a_line_that_somebody_deleted_is_in_a_document_that_is_created_anew(whole_world: World) -> None:
    """The order that takes the place of an unlinked one lacks a line that only the unlinked one had lost."""
    world = whole_world
    customer, _ = pair(world)
    products = [world.add("customerp.product", Number=number(), Name="Paint", Unit="piece") for _ in range(2)]
    lines = [{"ProductId": key, "Quantity": n, "UnitPrice": 4} for n, key in enumerate(products, start=1)]
    at = {"CustomerId": customer.partition("/")[2], "CustomerReference": number()}
    order = world.add("customerp.order", OrderDate="2024-02-09", Lines=lines, **at)
    world.sync()
    sales = world.twin("customerp.order", order, "exact.salesorders")
    line = next(key for key, held in world.lines("exact.salesorders", sales).items() if held["Quantity"] == 2)
    world.remove_line("exact.salesorders", sales, line)
    world.sync()
    unlink(at_desk(world), f"customerp.order/{order}", f"exact.salesorders/{sales}", WHO)
    accept_creation(at_desk(world), f"customerp.order/{order}", WHO)
    for _ in range(2):
        world.sync()
    anew = world.twin("customerp.order", order, "exact.salesorders")
    assert anew != sales
    assert sorted(held["Quantity"] for held in world.lines("exact.salesorders", anew).values()) == [1, 2]
    assert [held["Quantity"] for held in world.lines("exact.salesorders", sales).values()] == [1]
    assert world.sync().writes == []


def test_lines_that_were_linked_crosswise_stay_so_when_documents_are_linked_again(whole_world: World) -> None:
    """Who corrects a correction has each line twice, in the quote and in the books."""
    world = whole_world
    customer, _ = pair(world)
    product = world.add("customerp.product", Number=number(), Name="Paint", Unit="piece")
    lines = [{"ProductId": product, "Quantity": n, "UnitPrice": 4} for n in (1, 2)]
    at = {"CustomerId": customer.partition("/")[2], "CustomerReference": number()}
    quote = world.add("customerp.quote", QuoteDate="2024-02-09", Lines=lines, **at)
    world.sync()
    quotation = world.twin("customerp.quote", quote, "exact.quotations")
    names = (f"customerp.quote/{quote}", f"exact.quotations/{quotation}")
    keys = list(world.lines("customerp.quote", quote))
    theirs = [f"exact.quotation_lines/{world.twin('customerp.quote_line', k, 'exact.quotation_lines')}" for k in keys]
    ours = [f"customerp.quote_line/{key}" for key in keys]
    for one, other in zip(ours, theirs, strict=True):
        unlink(at_desk(world), one, other, WHO)
    for one, other in zip(ours, reversed(theirs), strict=True):
        link(at_desk(world), one, other, WHO)
    for _ in range(2):
        world.sync()
    unlink(at_desk(world), *names, WHO)
    world.sync()
    link(at_desk(world), *names, WHO)
    for _ in range(2):
        world.sync()
    assert [len(world.lines(*name.split("/"))) for name in names] == [2, 2]
    assert all(linked(world, one, other) for one, other in zip(ours, reversed(theirs), strict=True))
    assert world.sync().writes == []


@pytest.mark.parametrize("first", ["exact.quotations", "exact.salesorders"])
def test_an_order_unlinked_from_two_documents_waits_for_both(whole_world: World, first: str) -> None:
    """Whoever puts one of two wrong links right has a second quotation, or sales order, in the books for the other."""
    world = whole_world
    customer, account = pair(world)
    product = world.add("customerp.product", Number=number(), Name="Paint", Unit="piece")
    at = {"CustomerId": customer.partition("/")[2], "CustomerReference": number()}
    order = world.add(
        "customerp.order", OrderDate="2024-02-09", Lines=[{"ProductId": product, "Quantity": 1, "UnitPrice": 4}], **at
    )
    world.sync()
    wrong = {e: world.twin("customerp.order", order, e) for e in ("exact.quotations", "exact.salesorders")}
    item = world.twin("customerp.product", product, "exact.items")
    for entity in sorted(wrong, key=lambda name: name != first):
        unlink(at_desk(world), f"customerp.order/{order}", f"{entity}/{wrong[entity]}", WHO)
        world.sync()
    # What no flow pairs has nothing to do with one another.
    assert not linked(world, *(f"{entity}/{key}" for entity, key in wrong.items()))
    last = next(entity for entity in wrong if entity != first)
    names = {
        "exact.quotations": ("OrderAccount", "QuotationLines"),
        "exact.salesorders": ("OrderedBy", "SalesOrderLines"),
    }
    account_at, lines_at = names[last]
    right = world.add(last, **{account_at: account.partition("/")[2], lines_at: [{"Item": item, "Quantity": 1}]})
    world.sync()
    before = set(world.all(first))
    link(at_desk(world), f"customerp.order/{order}", f"{last}/{right}", WHO)
    for _ in range(2):
        world.sync()
    assert world.partner("customerp.order", order, last) == right
    assert set(world.all(first)) == before
    assert f"customerp.order/{order}" in world.held("unlinked")
    accept_creation(at_desk(world), f"customerp.order/{order}", WHO)
    world.sync()
    assert world.twin("customerp.order", order, first) not in before
