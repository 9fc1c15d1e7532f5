"""A link made by hand holds, and one that would mix up records is refused."""

import pytest

from talk_assets.errors import OrderRefused
from talk_assets.orders.linking import link
from talk_assets.sandbox.exact.state import ExactState
from talk_assets.sandbox.installation import EXACT_DIVISION
from talk_assets_tests.cycle.harness import World
from talk_assets_tests.orders.conftest import WHO
from talk_assets_tests.orders.given import at_desk, edit, given, linked, number, pair, show


def alone(world: World) -> tuple[str, str]:
    """A customer that is refused in Exact, and an account with another key; as `entity/key`."""
    world.fault("exact", method="POST", path="crm/Accounts", status=500, message="no")
    customer = "customerp.customer/" + world.add("customerp.customer", Name="Vos", OrganizationNumber=number())
    account = "exact.accounts/" + world.add("exact.accounts", Name="Vos BV", Email="vos@here.example")
    world.sync()
    world.end_faults()
    return customer, account


def test_a_link_by_hand_makes_both_equal_and_holds(world: World) -> None:
    """A company that stands under two numbers is created once more, or never kept equal."""
    customer, account = alone(world)
    link(at_desk(world), customer, account, WHO)
    world.sync()
    assert linked(world, customer, account)
    assert show(world, customer)["Email"] == "vos@here.example"
    assert show(world, account)["ChamberOfCommerce"] == show(world, customer)["OrganizationNumber"]
    assert world.owed("exact.accounts") == []
    edit(world, account, Phone="3", ChamberOfCommerce=number())
    world.sync()
    assert show(world, customer)["Phone"] == "3"
    assert world.sync().writes == []
    (row,) = given(world, "link", account)
    assert row["who"] == WHO
    origins = world.rows("select distinct origin from talk.member where key = :k", k=account.partition("/")[2])
    assert origins == [{"origin": "person"}]


def test_ambiguous_records_are_settled_by_one_link(world: World) -> None:
    """Of two companies that share a number neither is ever synchronised."""
    shared = number()
    one = "customerp.customer/" + world.add("customerp.customer", Name="One", OrganizationNumber=shared)
    two = "customerp.customer/" + world.add("customerp.customer", Name="Two", OrganizationNumber=shared)
    account = "exact.accounts/" + world.add("exact.accounts", Name="One", ChamberOfCommerce=shared, Phone="4")
    world.sync()
    link(at_desk(world), one, account, WHO)
    report = world.sync()
    assert linked(world, one, account)
    assert show(world, one)["Phone"] == "4"
    assert [write for write in report.writes if write["operation"] == "create"] == []
    assert two in world.held("ambiguous")
    assert not {one, account} & world.held("ambiguous")


def test_of_several_that_an_insert_may_have_made_a_person_names_the_right_one(world: World) -> None:
    """After a cut connection a customer waits for ever, or is created a second time."""
    shared = number()
    twins: list[str] = []

    def cut(method: str, path: str) -> bool:
        lost = method == "POST" and path.endswith("crm/Accounts") and not twins
        if lost:
            state = ExactState(world.stores["exact"], EXACT_DIVISION)
            twins.append(state.add("Accounts", {"Name": "Bos", "ChamberOfCommerce": shared}))
        return lost

    customer = "customerp.customer/" + world.add("customerp.customer", Name="Bos", OrganizationNumber=shared)
    # Without it, a number of digits would be sent, which Exact keeps for one of them only.
    edit(world, customer, Number="BOS")
    world.interrupt(cut)
    world.sync()
    world.interrupt(None)
    assert len(world.rows("select * from talk.intent where closed_at is null")) == 1
    (mine,) = [
        key
        for key, kept in world.all("exact.accounts").items()
        if kept.get("ChamberOfCommerce") == shared and key not in twins
    ]
    link(at_desk(world), customer, f"exact.accounts/{mine}", WHO)
    assert world.rows("select * from talk.intent where closed_at is null") == []
    assert world.sync().writes == []
    assert linked(world, customer, f"exact.accounts/{mine}")
    assert world.owed("exact.accounts") == []


def test_two_records_of_one_entity_never_come_together(world: World) -> None:
    """Two customers are written over one another."""
    customer, account = pair(world)
    other, its_account = pair(world)
    for one, two, words in (
        (customer, other, "are both of customerp.customer"),
        (customer, its_account, "cannot be linked: .* a record has one counterpart of a kind"),
        (customer, account, "are linked already"),
    ):
        with pytest.raises(OrderRefused, match=words):
            link(at_desk(world), one, two, WHO)
    assert linked(world, customer, account)
    assert linked(world, other, its_account)
    assert not linked(world, customer, other)
    assert world.sync().writes == []


def test_what_is_gone_is_not_linked(world: World) -> None:
    """A link leads to a record that nobody can see any more."""
    customer, account = alone(world)
    world.remove("exact.accounts", account.partition("/")[2])
    world.sync()
    with pytest.raises(OrderRefused, match="is gone from its system"):
        link(at_desk(world), customer, account, WHO)
