"""Conflicts, refused writes and guards are settled by a person, who is named in history."""

import pytest
import sqlalchemy as sa

from talk_assets.errors import OrderRefused
from talk_assets.ledger.tables import guard
from talk_assets.orders.accepting import accept
from talk_assets.orders.resolving import resolve
from talk_assets.orders.retrying import retry
from talk_assets_tests.cycle.harness import World
from talk_assets_tests.orders.conftest import WHO
from talk_assets_tests.orders.given import at_desk, edit, given, number, pair, show


def disputed(world: World, **values: str) -> tuple[str, str]:
    """A customer and its account with two websites, which a person has to decide."""
    customer, account = pair(world, Website="old.example", **values)
    edit(world, customer, Website="ours.example")
    edit(world, account, Website="theirs.example")
    world.sync()
    assert len(world.rows("select * from talk.conflict where resolved_at is null")) == 1
    return customer, account


def websites(world: World, *names: str) -> set[str]:
    return {show(world, name)["Website"] for name in names}


@pytest.mark.parametrize("taken", ["account", "literal"])
def test_what_a_person_takes_is_written_everywhere(world: World, taken: str) -> None:
    """A conflict stays open for ever, or the wrong side is written."""
    customer, account = disputed(world)
    take, value = {
        "account": (account, "theirs.example"),
        "literal": ("right.example", "right.example"),
    }[taken]
    resolve(at_desk(world), customer, "website", take, WHO)
    world.sync()
    assert websites(world, customer, account) == {value}
    assert world.rows("select * from talk.conflict where resolved_at is null") == []
    assert world.sync().writes == []
    (row,) = given(world, "resolve", customer)
    assert (row["who"], row["property"], row["before"], row["after"]) == (WHO, "website", "old.example", value)
    lost = world.rows(
        "select loser, loser_value from talk.history where rule = 'resolve' and kind = 'decision' and cluster_id = :c",
        c=row["cluster_id"],
    )
    assert {(each["loser"], each["loser_value"]) for each in lost} == {
        (name, value) for name, value in ((customer, "ours.example"), (account, "theirs.example")) if name != take
    }


def test_an_edit_after_the_decision_is_a_new_conflict(world: World) -> None:
    """A colleague's correction is overwritten by a decision that is older than it."""
    customer, account = disputed(world)
    resolve(at_desk(world), customer, "website", account, WHO)
    edit(world, customer, Website="newest.example", modified="2035-01-01T10:00:00Z")
    world.sync()
    assert show(world, customer)["Website"] == "newest.example"
    (row,) = world.rows("select claims::text as claims from talk.conflict where resolved_at is null")
    assert "newest.example" in row["claims"]
    resolve(at_desk(world), customer, "website", customer, WHO)
    world.sync()
    assert websites(world, customer, account) == {"newest.example"}


@pytest.mark.soak
def test_a_cleared_value_can_be_taken(world: World) -> None:
    """A website that was taken down on purpose comes back, and a run ends in an error."""
    customer, account = pair(world, Website="old.example")
    edit(world, customer, Website="")
    edit(world, account, Website="theirs.example")
    world.sync()
    resolve(at_desk(world), account, "website", customer, WHO)
    world.sync()
    assert {show(world, name)["Website"] or "" for name in (customer, account)} == {""}
    assert world.sync().writes == []


@pytest.mark.soak
def test_what_is_decided_together_is_taken_together(world: World) -> None:
    """The street of one address is written beside the city of another."""
    customer, account = pair(world, Address1="Here 1", City="Delft", ZipCode="2611 AA")
    edit(world, customer, Address1="There 2", City="Breda")
    edit(world, account, AddressLine1="Elsewhere 3", Postcode="9711 BB")
    world.sync()
    with pytest.raises(OrderRefused, match="is decided together with"):
        resolve(at_desk(world), customer, "city", "Utrecht", WHO)
    resolve(at_desk(world), customer, "city", account, WHO)
    world.sync()
    found = show(world, customer)
    assert (found["Address1"], found["City"], found["ZipCode"]) == ("Elsewhere 3", "Delft", "9711 BB")
    assert show(world, account)["City"] == "Delft"
    assert world.rows("select * from talk.conflict where resolved_at is null") == []
    assert world.sync().writes == []


@pytest.mark.soak
def test_only_what_is_in_conflict_is_decided(world: World) -> None:
    """A slip of the keyboard changes a value that nobody disputed."""
    customer, account = disputed(world)
    for name, words in (("phone", "it has one of website"), ("nothing", "it has one of website")):
        with pytest.raises(OrderRefused, match=words):
            resolve(at_desk(world), customer, name, account, WHO)
    resolve(at_desk(world), customer, "website", account, WHO)
    with pytest.raises(OrderRefused, match="has no open conflict"):
        resolve(at_desk(world), customer, "website", account, WHO)
    world.sync()


def test_what_was_refused_is_sent_again(world: World) -> None:
    """What a system refused by its own mistake is lost until somebody edits the record."""
    world.fault("exact", method="POST", path="crm/Accounts", status=500, message="Verplicht: Postcode")
    customer = world.add("customerp.customer", Name="Jansen", OrganizationNumber=number())
    world.sync()
    world.end_faults()
    assert [owed["state"] for owed in world.owed("exact.accounts")] == ["dead"]
    assert world.sync().writes == []
    assert retry(at_desk(world), f"customerp.customer/{customer}", WHO) == [
        f"exact.accounts for customerp.customer/{customer}"
    ]
    world.sync()
    assert world.partner("customerp.customer", customer, "exact.accounts") is not None
    (row,) = given(world, "retry", f"customerp.customer/{customer}")
    assert row["who"] == WHO
    assert "Verplicht: Postcode" in row["detail"]
    with pytest.raises(OrderRefused, match="Nothing that is owed to "):
        retry(at_desk(world), f"customerp.customer/{customer}", WHO)
    assert retry(at_desk(world), None, WHO) == []


def test_a_guard_is_accepted_once_and_by_somebody(world: World) -> None:
    """Nobody can tell who let a thousand writes pass."""
    row = {"division": world.installation.division, "entity": "exact.accounts", "kind": "volume", "seen": 1000}
    with world.installation.ledger.begin() as connection:
        connection.execute(sa.insert(guard).values(**row, reason="1,000 of 50", tripped_at=sa.func.now(), run="r"))
    with pytest.raises(OrderRefused, match=r"Guards that wait: exact.accounts \(volume\)"):
        accept(at_desk(world), "customerp.customer", None, WHO)
    assert accept(at_desk(world), "exact.accounts", None, WHO) == ["volume: 1,000 of 50"]
    (kept,) = world.rows("select accepted_by, accepted_at from talk.guard")
    assert kept["accepted_by"] == WHO
    assert kept["accepted_at"] is not None
    with pytest.raises(OrderRefused, match="No guard of kind volume waits"):
        accept(at_desk(world), "exact.accounts", "volume", WHO)
    (row,) = world.rows("select detail->>'who' as who, entity from talk.history where rule = 'accept' and key is null")
    assert row == {"who": WHO, "entity": "exact.accounts"}
