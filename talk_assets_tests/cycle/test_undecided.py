"""Documents and lines that would be created without what a person has yet to decide."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from talk_assets.orders.desk import desk
from talk_assets.orders.resolving import resolve
from talk_assets_tests.cycle.harness import World, open_world
from talk_assets_tests.mappings.broken import copy_mappings, replace


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[World]:
    """A world in which people decide about quantities and descriptions of documents."""
    path = copy_mappings(tmp_path) / "sales_document.yaml"
    replace(path, "    quantity:\n", "    quantity:\n      rule: manual\n")
    replace(path, "\n  description:\n", "\n  description:\n    rule: manual\n")
    with open_world(database_url, tmp_path, mappings=tmp_path) as world:
        yield world


def _met(world: World, ours: str, theirs: str, *, quantity: int) -> tuple[str, str]:
    """An order and a quotation that meet, with other descriptions and quantities; the order, and its product."""
    customer = world.add("customerp.customer", Name="Klant BV", Number="700")
    product = world.add("customerp.product", Number="P1", Name="Thing", Unit="piece", Price=5)
    world.sync()
    account = world.twin("customerp.customer", customer, "exact.accounts")
    line = {"Item": world.twin("customerp.product", product, "exact.items"), "Quantity": 7, "UnitPrice": 5}
    world.add("exact.quotations", OrderAccount=account, YourRef="R1", Description=theirs, QuotationLines=[line])
    line = {"ProductId": product, "Quantity": quantity, "UnitPrice": 5}
    order = world.add("customerp.order", CustomerId=customer, CustomerReference="R1", Description=ours, Lines=[line])
    for _ in range(2):
        world.sync()
    return order, product


def _resolve(world: World, record: str, name: str, take: str) -> None:
    at = world.installation
    resolve(desk(at.ledger, at.division, at.mappings, at.capabilities), record, name, take, "ann")


def _orders(world: World) -> dict[str, list[object]]:
    """Description of each sales order in Exact, and the quantities of its lines."""
    return {
        str(held["Description"]): [line["Quantity"] for line in world.lines("exact.salesorders", key).values()]
        for key, held in world.all("exact.salesorders").items()
    }


def test_a_document_waits_for_a_decision_about_it(world: World) -> None:
    """An order would stand in the books without its description, or never come there once somebody has decided."""
    order, _ = _met(world, "ours", "theirs", quantity=7)
    assert _orders(world) == {}
    (debt,) = world.owed("exact.salesorders")
    assert (debt["state"], debt["attempts"]) == ("waiting", 0)
    assert debt["reason"] == "waits for a person to decide about description: talk-assets conflicts"
    _resolve(world, f"customerp.order/{order}", "description", "theirs")
    world.sync()
    assert _orders(world) == {"theirs": [7]}
    assert world.owed() == []
    assert world.sync().writes == []


@pytest.mark.soak
def test_a_document_waits_for_a_decision_about_its_line(world: World) -> None:
    """Exact fills in a quantity of 1: somebody would get one piece, and three quantities be claimed."""
    order, _ = _met(world, "same", "same", quantity=3)
    assert _orders(world) == {}
    (debt,) = world.owed("exact.salesorders")
    assert "decide about quantity" in debt["reason"]
    (claims,) = world.rows("select claims from talk.conflict where resolved_at is null")
    assert sorted(claim["value"] for claim in json.loads(claims["claims"])) == ["3", "7"]
    (line,) = world.lines("customerp.order", order)
    _resolve(world, f"customerp.order_line/{line}", "quantity", "3")
    world.sync()
    assert _orders(world) == {"same": [3]}
    assert world.owed() == []
    assert world.sync().writes == []


@pytest.mark.soak
def test_a_line_waits_for_a_decision_about_it(world: World) -> None:
    """The same where a line is added to an order that is there already."""
    order, product = _met(world, "same", "same", quantity=7)
    assert _orders(world) == {"same": [7]}
    (quotation,) = world.all("exact.quotations")
    item = world.twin("customerp.product", product, "exact.items")
    line = world.add_line("customerp.order", order, ProductId=product, Quantity=2, UnitPrice=5, Description="more")
    world.add_line("exact.quotations", quotation, Item=item, Quantity=4, UnitPrice=5, Description="more")
    for _ in range(2):
        world.sync()
    assert _orders(world) == {"same": [7]}
    (debt,) = world.owed("exact.salesorder_lines")
    assert "decide about quantity" in debt["reason"]
    _resolve(world, f"customerp.order_line/{line}", "quantity", "4")
    world.sync()
    assert _orders(world) == {"same": [7, 4]}
    assert world.sync().writes == []
