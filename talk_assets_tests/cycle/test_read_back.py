"""What is known of a record between our write and the read that brings it back."""

import httpx
import pytest
import sqlalchemy as sa

from talk_assets.cycle.collect import collect
from talk_assets.cycle.deliver import deliver
from talk_assets.cycle.match import match
from talk_assets.cycle.merge import merge
from talk_assets.ledger.cursors import forget_cursors
from talk_assets_tests.cycle.done import Report
from talk_assets_tests.cycle.harness import Values, World

JANSEN = {"Name": "Jansen Transport BV", "OrganizationNumber": "12345678", "Phone": "1"}


def deliver_without_reading_back(world: World) -> None:
    with world.installation.cycle("not read back") as cycle:
        world.take(cycle, Report())
        deliver(cycle, "exact.accounts")


def edited(world: World) -> tuple[str, str]:
    """A customer whose new telephone number is in Exact, and not read back; its key and its account's."""
    customer = world.add("customerp.customer", **JANSEN)
    world.sync()
    world.edit("customerp.customer", customer, Phone="2")
    deliver_without_reading_back(world)
    return customer, world.twin("customerp.customer", customer, "exact.accounts")


def test_a_decision_before_the_read_back_takes_our_own_write_for_no_edit(world: World) -> None:
    """The value that we had just replaced would come back as somebody's edit, and beat the newer one."""
    customer, account = edited(world)
    world.edit("customerp.customer", customer, Email="info@jansen.example")
    with world.installation.cycle("the other side only") as cycle:
        collect(cycle, "customerp.customer")
        match(cycle, "customer_accounts")
        merge(cycle, "organisation")
        done = deliver(cycle, "customerp.customer")
    assert done.writes == []
    world.sync()
    assert world.show("customerp.customer", customer)["Phone"] == "2"
    assert world.show("exact.accounts", account)["Phone"] == "2"
    assert world.rows("select * from talk.history where property = 'phone' and loser is not null") == []


@pytest.mark.soak
def test_a_value_put_back_before_the_read_back_is_seen(world: World) -> None:
    """Both systems would differ for ever, without a hold and without a debt."""
    customer, account = edited(world)
    world.edit("exact.accounts", account, Phone="1")
    world.sync()
    world.sync()
    phones = {world.show("customerp.customer", customer)["Phone"], world.show("exact.accounts", account)["Phone"]}
    assert len(phones) == 1
    assert world.sync().writes == []


def test_a_page_from_before_our_write_is_no_edit(world: World) -> None:
    """A cached answer would count as somebody putting the old value back, and undo the edit on both sides."""
    customer = world.add("customerp.customer", **JANSEN)
    world.sync()
    account = world.twin("customerp.customer", customer, "exact.accounts")
    settings = world.installation.settings
    assert settings.customerp_token is not None
    headers = {"Authorization": f"Bearer {settings.customerp_token.get_secret_value()}"}
    address = f"{settings.customerp_url}/customers"
    page = httpx.get(address, headers=headers).raise_for_status().json()
    assert [record["Phone"] for record in page["items"]] == ["1"]
    world.edit("exact.accounts", account, Phone="2")
    with world.installation.cycle("not read back") as cycle:
        world.take(cycle, Report())
        deliver(cycle, "customerp.customer")
    newest = httpx.get(address, headers=headers).raise_for_status().json()["token"]
    stale = {**page, "token": newest}
    world.fault("customerp", method="GET", path="^/customers$", status=200, body=stale, times=1)
    for _ in range(2):
        assert world.sync().writes == []
    assert world.show("exact.accounts", account)["Phone"] == "2"
    assert world.show("customerp.customer", customer)["Phone"] == "2"


def test_a_write_without_effect_does_not_stay_hidden(world: World) -> None:
    """After an answer of success that changed nothing both systems would differ for ever, without a debt."""
    customer = world.add("customerp.customer", **JANSEN)
    world.sync()
    account = world.twin("customerp.customer", customer, "exact.accounts")
    world.edit("exact.accounts", account, Phone="2")
    unchanged = world.show("customerp.customer", customer)
    world.fault("customerp", method="PATCH", path="^/customers/", status=200, body=unchanged, times=1)
    assert len(world.sync().writes) == 1
    with world.installation.ledger.begin() as connection:
        connection.execute(sa.text("update talk.record set written_at = written_at - interval '1 hour'"))
        forget_cursors(connection, world.installation.division, ["customerp.customer"])
    world.sync()
    assert world.show("exact.accounts", account)["Phone"] == "1"


def test_what_a_system_kept_of_a_value_is_told(world: World) -> None:
    """A name shortened by somebody right after our write would never be heard of."""
    customer = world.add("customerp.customer", **JANSEN)
    deliver_without_reading_back(world)
    account = next(key for key, values in world.all("exact.accounts").items() if values["Name"] == JANSEN["Name"])
    world.edit("exact.accounts", account, Name="Jansen")
    world.sync()
    (kept,) = world.rows("select * from talk.history where rule = 'kept as' and property = 'name'")
    assert (kept["before"], kept["after"], kept["key"]) == (JANSEN["Name"], "Jansen", account)
    assert world.twin("customerp.customer", customer, "exact.accounts") == account


@pytest.mark.soak
def test_a_reference_that_cannot_be_changed_is_told(world: World) -> None:
    """A quotation would stay in another customer's books, and nobody would know."""
    one = world.add("customerp.customer", **JANSEN)
    two = world.add("customerp.customer", Name="De Wit", OrganizationNumber="87654321")
    contact = world.add("customerp.contact", CustomerId=one, LastName="Bos", Email="bos@jansen.example")
    world.sync()
    person = world.twin("customerp.contact", contact, "exact.contacts")
    account = world.twin("customerp.customer", one, "exact.accounts")
    world.edit("customerp.contact", contact, CustomerId=two)
    world.sync()
    assert world.show("exact.contacts", person)["Account"] == account
    (hold,) = [hold for hold in world.holds() if hold["kind"] == "unfit"]
    assert (hold["entity"], hold["key"], hold["property"]) == ("customerp.contact", contact, "organisation")
    assert "exact.contacts takes Account only when a record is created" in str(hold["reason"])
    assert account in str(hold["reason"])
    assert world.sync().writes == []
    world.edit("customerp.contact", contact, CustomerId=one)
    world.sync()
    assert world.held("unfit") == set()


@pytest.mark.parametrize("late", ["from before our write", "long known"])
def test_a_page_with_lines_as_they_once_were_is_no_edit(world: World, late: str) -> None:
    """The quantity that somebody corrected would come back in the other system, and both would differ for ever."""
    customer = world.add("customerp.customer", **JANSEN)
    product = world.add("customerp.product", Number="P1", Name="Paint")
    lines = [{"ProductId": product, "Quantity": 1, "UnitPrice": 4}]
    quote = world.add("customerp.quote", CustomerId=customer, Lines=lines)
    world.sync()
    quotation = world.twin("customerp.quote", quote, "exact.quotations")
    page = listed(world, "quotes")
    if late == "long known":
        (line,) = world.lines("customerp.quote", quote)
        world.edit_line("customerp.quote", quote, line, Quantity=5)
        world.add_line("customerp.quote", quote, ProductId=product, Quantity=7, UnitPrice=4)
        world.sync()
        # What is new moves the token on.
        world.add("customerp.quote", CustomerId=customer)
    else:
        (line,) = world.lines("exact.quotations", quotation)
        world.edit("exact.quotation_lines", line, Quantity=5)
        with world.installation.cycle("not read back") as cycle:
            world.take(cycle, Report())
            deliver(cycle, "customerp.quote")
    stale = {**page, "token": listed(world, "quotes")["token"]}
    world.fault("customerp", method="GET", path="^/quotes$", status=200, body=stale, times=1)
    for _ in range(2):
        assert world.sync().writes == []
    there = (world.lines("customerp.quote", quote), world.lines("exact.quotations", quotation))
    wanted = [5, 7] if late == "long known" else [5]
    assert [[line["Quantity"] for line in each.values()] for each in there] == [wanted, wanted]
    assert world.holds() == []


def test_a_late_page_of_what_is_gone_is_no_edit(world: World) -> None:
    """A number of long ago would be written to the account of a customer that somebody has just deleted."""
    customer = world.add("customerp.customer", **JANSEN)
    world.sync()
    account = world.twin("customerp.customer", customer, "exact.accounts")
    page = listed(world, "customers")
    world.edit("customerp.customer", customer, Phone="2")
    world.sync()
    world.remove("customerp.customer", customer)
    world.add("customerp.customer", Name="What is new moves the token on")
    stale = {**page, "token": listed(world, "customers")["token"]}
    # Not told before it is shown, as by a system that keeps no list of what was deleted.
    untold = {**listed(world, "deletions"), "items": []}
    world.fault("customerp", method="GET", path="^/deletions$", status=200, body=untold, times=1)
    world.fault("customerp", method="GET", path="^/customers$", status=200, body=stale, times=1)
    world.sync()
    world.sync()
    assert world.show("exact.accounts", account)["Phone"] == "2"


def listed(world: World, path: str) -> Values:
    """What Customerp lists there, from the beginning."""
    settings = world.installation.settings
    assert settings.customerp_token is not None
    headers = {"Authorization": f"Bearer {settings.customerp_token.get_secret_value()}"}
    answer: Values = httpx.get(f"{settings.customerp_url}/{path}", headers=headers).raise_for_status().json()
    return answer
