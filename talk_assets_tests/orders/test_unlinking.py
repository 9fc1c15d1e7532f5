"""Two records that a person said are not the same stay apart, whatever they hold."""

import pytest

from talk_assets.errors import OrderRefused
from talk_assets.mappings.load import load_capabilities, load_mappings
from talk_assets.orders.accepting import accept_creation
from talk_assets.orders.linking import link
from talk_assets.orders.listing import list_holds
from talk_assets.orders.unlinking import parted, unlink
from talk_assets_tests.cycle.harness import World
from talk_assets_tests.orders.conftest import WHO
from talk_assets_tests.orders.given import at_desk, edit, given, linked, number, pair, show


def test_unlinked_records_stay_apart_though_they_share_a_key(world: World) -> None:
    """A wrong link comes back with the next edit, and one company's data is written over another's again."""
    customer, account = pair(world, Phone="1")
    unlink(at_desk(world), customer, account, WHO)
    edit(world, customer, Phone="2")
    edit(world, account, Email="other@elsewhere.example", Name="JANSEN")
    for _ in range(2):
        report = world.sync()
        assert report.writes == []
        assert not linked(world, customer, account)
    assert (show(world, account)["Phone"], show(world, customer)["Email"]) == ("1", None)
    assert {customer, account} <= world.held("unlinked")
    (row,) = given(world, "unlink", customer)
    assert (row["who"], row["detail"]) != (None, None)
    assert row["who"] == WHO
    assert account in row["detail"]


def test_nothing_is_created_until_a_person_accepts_it(world: World) -> None:
    """A second account appears in the books for each link that somebody corrects."""
    customer, account = pair(world)
    unlink(at_desk(world), customer, account, WHO)
    world.sync()
    assert world.sync().writes == []
    accept_creation(at_desk(world), customer, WHO)
    world.sync()
    own = world.twin("customerp.customer", customer.partition("/")[2], "exact.accounts")
    assert f"exact.accounts/{own}" != account
    assert world.sync().writes == []
    assert customer not in world.held("unlinked")
    assert [row["who"] for row in given(world, "accept", customer)] == [WHO]
    with pytest.raises(OrderRefused, match="not held as unlinked"):
        accept_creation(at_desk(world), customer, WHO)


@pytest.mark.soak
def test_a_right_link_takes_the_place_of_a_wrong_one(world: World) -> None:
    """A correction by hand is undone by the key that made the mistake."""
    customer, wrong = pair(world)
    right = "exact.accounts/" + world.add("exact.accounts", Name="Jansen Beheer", Phone="7")
    world.sync()
    unlink(at_desk(world), customer, wrong, WHO)
    link(at_desk(world), customer, right, WHO)
    world.sync()
    assert linked(world, customer, right)
    assert show(world, customer)["Phone"] == "7"
    assert show(world, right)["ChamberOfCommerce"] == show(world, customer)["OrganizationNumber"]
    edit(world, customer, Phone="8")
    world.sync()
    assert (show(world, right)["Phone"], show(world, wrong)["Phone"]) == ("8", None)
    assert not {customer} & world.held("unlinked")


def test_linking_again_takes_the_block_away(world: World) -> None:
    """Whoever unlinks the wrong pair can never undo it."""
    customer, account = pair(world)
    unlink(at_desk(world), customer, account, WHO)
    world.sync()
    link(at_desk(world), customer, account, WHO)
    edit(world, customer, Phone="5")
    world.sync()
    assert linked(world, customer, account)
    assert show(world, account)["Phone"] == "5"
    assert world.rows("select * from talk.block where key = :k", k=customer.partition("/")[2]) == []
    assert not {customer, account} & world.held()
    assert world.sync().writes == []


@pytest.mark.soak
def test_a_value_of_the_other_that_was_not_delivered_yet_is_not(world: World) -> None:
    """The very edit that showed the mistake is still written into the wrong company."""
    customer, account = pair(world, Phone="1")
    edit(world, account, Phone="666", Email="wrong@elsewhere.example")
    world.fault("customerp", method="PATCH", path="^/customers", status=503, times=None)
    world.sync()
    world.end_faults()
    assert [owed["key"] for owed in world.owed("customerp.customer")] == [customer.partition("/")[2]]
    unlink(at_desk(world), customer, account, WHO)
    world.sync()
    assert (show(world, customer)["Phone"], show(world, customer)["Email"]) == ("1", None)
    assert world.owed() == []


def test_a_record_that_is_no_other_gets_its_own_counterpart(world: World) -> None:
    """Two companies that share a number are held for ever, although a person has said which is which."""
    shared = number()
    one = "customerp.customer/" + world.add("customerp.customer", Name="One", OrganizationNumber=shared)
    two = "customerp.customer/" + world.add("customerp.customer", Name="Two", OrganizationNumber=shared)
    account = "exact.accounts/" + world.add("exact.accounts", Name="One", ChamberOfCommerce=shared)
    world.sync()
    assert {one, two, account} <= world.held("ambiguous")
    unlink(at_desk(world), two, account, WHO)
    world.sync()
    assert linked(world, one, account)
    assert not linked(world, two, account)
    assert world.partner("customerp.customer", two.partition("/")[2], "exact.accounts") is not None
    assert not {one, two, account} & world.held("ambiguous")
    assert world.sync().writes == []


@pytest.mark.soak
def test_a_third_record_joins_the_one_that_it_can_belong_to(world: World) -> None:
    """What comes later is kept from its counterpart because of a pair that a person took apart."""
    shared = number()
    customer, account = pair(world, OrganizationNumber=shared)
    unlink(at_desk(world), customer, account, WHO)
    world.sync()
    other = "customerp.customer/" + world.add("customerp.customer", Name="Jansen", OrganizationNumber=shared)
    world.sync()
    assert linked(world, other, account)
    assert not linked(world, customer, account)
    assert world.sync().writes == []


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        ("customerp.customer", "exact.accounts/x", "names no record"),
        ("customerp.nothing/1", "exact.accounts/x", "is not synchronised; it is one of customerp.customer"),
        ("customerp.customer/none", "exact.accounts/x", "no run has read a record"),
        ("customerp.customer/{key}", "customerp.customer/{key}", "is named twice"),
    ],
)
def test_a_wrong_name_is_refused_in_one_sentence(world: World, one: str, other: str, words: str) -> None:
    """A mistyped key takes the wrong records apart, or ends in an error that nobody understands."""
    names = {"key": next(iter(world.all("customerp.customer")))}
    before = world.rows("select * from talk.block order by key, other_key")
    with pytest.raises(OrderRefused, match=words):
        unlink(at_desk(world), one.format(**names), other.format(**names), WHO)
    assert world.rows("select * from talk.block order by key, other_key") == before


def test_the_others_stay_with_whom_a_flow_pairs_them() -> None:
    """Records follow the wrong one of the two, and are written from it."""
    person = load_mappings(None, load_capabilities()).subjects["person"]
    employee, listed = "customerp.employee/e", "exact.employees/l"
    contact, other = "exact.contacts/c", "customerp.contact/o"
    everyone = [contact, other, employee, listed]
    sides = parted(everyone, employee, contact, person)
    assert sides == {employee: employee, listed: employee, contact: contact, other: contact}
    # The contact in Exact is paired with both by a flow; that of contacts comes first.
    assert parted(everyone, employee, other, person) == {
        employee: employee,
        listed: employee,
        contact: other,
        other: other,
    }


@pytest.mark.parametrize("first", ["unlinked", "deleted"])
def test_a_record_that_comes_back_is_still_unlinked(world: World, first: str) -> None:
    """A company that was restored from a backup would be entered in the books a second time."""
    customer, account = pair(world, Phone="1")
    held = show(world, customer)
    entity, _, key = customer.partition("/")
    if first == "unlinked":
        unlink(at_desk(world), customer, account, WHO)
        assert world.sync().writes == []
    world.remove(entity, key)
    world.sync()
    if first == "deleted":
        unlink(at_desk(world), customer, account, WHO)
    assert world.sync().writes == []
    # Nobody has to do anything about it meanwhile.
    assert customer not in {row["record"] for row in list_holds(at_desk(world))}
    before = set(world.all("exact.accounts"))
    world.restore(entity, key, **held)
    for _ in range(2):
        assert world.sync().writes == []
    assert set(world.all("exact.accounts")) == before
    assert customer in {row["record"] for row in list_holds(at_desk(world), "unlinked")}
    accept_creation(at_desk(world), customer, WHO)
    world.sync()
    assert len(set(world.all("exact.accounts")) - before) == 1
    assert world.sync().writes == []
