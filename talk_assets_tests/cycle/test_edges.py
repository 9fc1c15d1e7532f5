"""Records that come back, clocks that go wrong, numbers that are taken, prices that are none."""

from datetime import datetime

import pytest

from talk_assets.cycle.collect import collect
from talk_assets_tests.cycle.done import Report
from talk_assets_tests.cycle.harness import World

VAT = "NL001234567B01"


@pytest.mark.soak
def test_a_record_that_comes_back_to_a_place_that_is_taken_is_held(world: World) -> None:
    """Two companies would be written as one, or the whole sync would end in an error."""
    customer = world.add("customerp.customer", Name="One", VatNumber=VAT, Phone="1")
    world.sync()
    first = world.twin("customerp.customer", customer, "exact.accounts")
    world.remove("exact.accounts", first)
    second = world.add("exact.accounts", Name="Two", VATNumber=VAT, Phone="2")
    world.sync()
    assert world.twin("customerp.customer", customer, "exact.accounts") == second
    world.restore("exact.accounts", first, ID=first, Code="77", Name="One again", VATNumber=VAT, Phone="3", Status="C")
    world.edit("exact.accounts", second, Phone="4")
    report = world.sync()
    names = {f"customerp.customer/{customer}", f"exact.accounts/{first}", f"exact.accounts/{second}"}
    assert world.held("invalid_pair") == names
    assert all(name in hold["reason"] for hold in world.holds() for name in names)
    assert report.writes == []
    assert world.show("customerp.customer", customer)["Phone"] == "2"
    world.remove("exact.accounts", first)
    world.sync()
    assert world.holds() == []
    assert world.twin("customerp.customer", customer, "exact.accounts") == second
    assert world.show("customerp.customer", customer)["Phone"] == "4"


def test_a_record_that_comes_back_to_its_own_place_is_linked_again(world: World) -> None:
    """A company restored from the bin would be forgotten, or be created a second time."""
    customer = world.add("customerp.customer", Name="One", VatNumber=VAT)
    world.sync()
    account = world.twin("customerp.customer", customer, "exact.accounts")
    world.remove("exact.accounts", account)
    world.sync()
    assert world.partner("customerp.customer", customer, "exact.accounts") is None
    world.restore("exact.accounts", account, ID=account, Code="77", Name="One", VATNumber=VAT, Phone="5", Status="C")
    world.sync()
    assert world.twin("customerp.customer", customer, "exact.accounts") == account
    assert world.show("customerp.customer", customer)["Phone"] == "5"
    assert len(world.all("exact.accounts")) == 2


def test_an_edit_made_under_a_clock_that_was_put_back_arrives(world: World) -> None:
    """Edits would vanish for hours after a server's clock was corrected."""
    customer = world.add("customerp.customer", Name="One", Phone="1", modified="2031-01-01T12:00:00Z")
    world.sync()
    account = world.twin("customerp.customer", customer, "exact.accounts")
    for time, phone in (("2031-01-01T12:00:00Z", "2"), ("2024-01-01T12:00:00Z", "3")):
        world.edit("customerp.customer", customer, Phone=phone, modified=time)
        world.sync()
        assert world.show("exact.accounts", account)["Phone"] == phone
        assert world.show("customerp.customer", customer)["Phone"] == phone


def test_edits_made_while_a_feed_is_read_are_not_passed_over(world: World) -> None:
    """Whoever saves in the very moment of a sync would have saved for nothing."""
    at = "2030-06-01T12:00:00+00:00"
    customers = [world.add("customerp.customer", Name=f"Customer {n}", Phone="1", modified=at) for n in range(3)]
    done: list[str] = []

    def meanwhile(method: str, path: str) -> bool:
        # While the changes are being asked for, and again once they were read: always with the same time.
        if method == "GET" and path in ("/customers", "/products") and path not in done:
            done.append(path)
            # Not over HTTP: the server is busy with this very call.
            store, key = world.stores["customerp"], customers[len(done)]
            held = store.get("customerp", "main", "customer", key)
            assert held is not None
            body = held.body | {"Phone": "2"}
            store.update("customerp", "main", "customer", key, body, modified=datetime.fromisoformat(at))
        return False

    world.interrupt(meanwhile)
    world.sync()
    world.interrupt(None)
    world.sync()
    assert done == ["/customers", "/products"]
    accounts = [world.twin("customerp.customer", key, "exact.accounts") for key in customers]
    assert [world.show("exact.accounts", key)["Phone"] for key in accounts] == ["1", "2", "2"]


def test_a_number_that_another_account_has_is_left_to_exact(world: World) -> None:
    """A customer would never come to Exact, and all orders with it, because of a number that Exact can choose."""
    taken = world.add("customerp.customer", Name="Number of the employer", Number="900000")
    fine = world.add("customerp.customer", Name="Number of its own", Number="800000")
    world.sync()
    codes = {
        key: world.show("exact.accounts", world.twin("customerp.customer", key, "exact.accounts"))["Code"].strip()
        for key in (taken, fine)
    }
    assert codes[fine] == "800000"
    assert codes[taken] not in ("900000", "800000")
    assert world.owed() == []
    assert world.show("exact.accounts", world.employer)["Name"] == "Werkgever BV"
    assert world.sync().writes == []


@pytest.mark.soak
def test_an_item_without_a_price_leaves_customerps_price(world: World) -> None:
    """Goods would be sold for nothing."""
    product = world.add("customerp.product", Number="P1", Name="Paint", Price=12.5)
    other = world.add("customerp.product", Number="P2", Name="Brush", Price=3)
    item = world.add("exact.items", Code="P1", Description="Paint", StandardSalesPrice=0)
    world.add("exact.items", Code="P2", Description="Brush")
    world.sync()
    world.sync()
    assert float(world.show("customerp.product", product)["Price"]) == 12.5
    assert float(world.show("customerp.product", other)["Price"]) == 3
    world.edit("exact.items", item, StandardSalesPrice=14)
    world.sync()
    assert float(world.show("customerp.product", product)["Price"]) == 14
    world.edit("exact.items", item, StandardSalesPrice=0)
    world.sync()
    assert world.sync().writes == []
    assert float(world.show("customerp.product", product)["Price"]) == 14


@pytest.mark.soak
@pytest.mark.parametrize("later", ["an invalid page", "another edit"])
def test_an_edit_that_waits_for_a_decision_keeps_its_time(world: World, later: str) -> None:
    """A number would come back that a colleague has corrected since, because something else was edited after that."""
    customer = world.add("customerp.customer", Name="Jansen", Phone="1", modified="2024-01-01T00:00:00Z")
    organisations(world, "first")
    account = world.twin("customerp.customer", customer, "exact.accounts")
    world.edit("customerp.customer", customer, Phone="2", modified="2030-01-01T10:00:00Z")
    read_customers(world, "ended before its decision")
    world.edit("exact.accounts", account, Phone="3", modified="2030-01-01T11:00:00Z")
    if later == "an invalid page":
        world.edit("customerp.customer", customer, Email="none", checked=False, modified="2030-01-01T12:00:00Z")
        read_customers(world, "ended as well")
    world.add("customerp.customer", Name="New, and read together with it")
    world.edit("customerp.customer", customer, Email="a@b.example", modified="2030-01-01T13:00:00Z")
    organisations(world, "decided")
    shown = [world.show(*place) for place in (("customerp.customer", customer), ("exact.accounts", account))]
    assert [(record["Phone"], record["Email"]) for record in shown] == [("3", "a@b.example")] * 2


def read_customers(world: World, run: str) -> None:
    """Read the customers and decide nothing."""
    with world.installation.cycle(run) as cycle:
        collect(cycle, "customerp.customer")


def organisations(world: World, run: str) -> None:
    """A round over the organisations."""
    report = Report()
    with world.installation.cycle(run) as cycle:
        world.take(cycle, report, ["organisation"])
        world.give(cycle, report, ["organisation"])
