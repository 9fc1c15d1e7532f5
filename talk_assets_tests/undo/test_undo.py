"""What a run wrote is put back on both sides, and only that: one world, in which nights are undone."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from talk_assets.cycle.collect import collect
from talk_assets.cycle.deliver import confirm, deliver
from talk_assets.cycle.match import match
from talk_assets.cycle.merge import merge
from talk_assets.errors import OrderRefused
from talk_assets.undo.carry_out import Undone, carry_out
from talk_assets.undo.written import find_run
from talk_assets_tests.conftest import DatabaseServer
from talk_assets_tests.cycle.harness import World, open_world

pytestmark = pytest.mark.xdist_group("undo")

CUSTOMER, ACCOUNT = "customerp.customer", "exact.accounts"
HOUSE = {"Address1": "Kade 1", "City": "Goes"}
NEW_HOUSE = {"Address1": "Plein 2", "Address2": "Rear", "City": "Ede"}
NAMES = ("changed", "corrected", "moved", "half moved", "touched there", "matched")


@dataclass
class Nights:
    """Customers and accounts only, to save time, and what undoing their nights came to.

    Attributes:
        world: the world.
        ours: by what happens to it, a customer's key.
        theirs: its account's.
        shown: what both sides held after a step, by the step's name.
        undone: what an undo came to, by its run.
        wrote: what a sync wrote.
    """

    world: World
    ours: dict[str, str] = field(default_factory=dict)
    theirs: dict[str, str] = field(default_factory=dict)
    shown: dict[str, dict[str, tuple[dict[str, Any], dict[str, Any]]]] = field(default_factory=dict)
    undone: dict[str, Undone] = field(default_factory=dict)
    wrote: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def edit(self, name: str, **values: object) -> None:
        self.world.edit(CUSTOMER, self.ours[name], **values)

    def sync(self, run: str) -> None:
        """One round over the organisations."""
        with self.world.installation.cycle(run) as cycle:
            for entity in (CUSTOMER, ACCOUNT):
                collect(cycle, entity)
            match(cycle, "customer_accounts")
            merge(cycle, "organisation")
            written: list[dict[str, Any]] = []
            for entity in (ACCOUNT, CUSTOMER):
                written += deliver(cycle, entity).writes
                confirm(cycle, entity)
        self.wrote[run] = written

    def undo(self, run: str, name: str, *, preview: bool = False, only: str | None = None) -> None:
        cluster = None if only is None else self.world.cluster(ACCOUNT, self.theirs[only])
        with self.world.installation.cycle(name, preview=preview) as cycle:
            self.undone[name] = carry_out(cycle, run, cluster, "Anna")
        ours, theirs = self.world.all(CUSTOMER), self.world.all(ACCOUNT)
        self.shown[name] = {each: (ours[self.ours[each]], theirs[self.theirs[each]]) for each in NAMES}

    def both(self, step: str, customer: str, name: str) -> tuple[object, object]:
        """A property of a customer on both sides after a step."""
        ours, theirs = self.shown[step][customer]
        return ours.get(name) or None, theirs.get(
            {"Address1": "AddressLine1", "Address2": "AddressLine2"}.get(name, name)
        )

    def left(self, step: str, customer: str) -> dict[str, str]:
        """What was left as it is of a customer, and why."""
        record = f"{ACCOUNT}/{self.theirs[customer]}"
        return {each.property: each.reason for each in self.undone[step].plan.left if each.record == record}

    def back(self, step: str, customer: str) -> dict[str, tuple[str | None, str | None]]:
        """What was put back of a customer: written by the run, and before."""
        record = f"{ACCOUNT}/{self.theirs[customer]}"
        plan = self.undone[step].plan
        return {each.property: (each.written, each.former) for each in plan.back if each.record == record}


@pytest.fixture(scope="module")
def nights(database_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    url = database_server.create_ledger()
    with open_world(url, tmp_path_factory.mktemp("undo")) as world:
        yield _live(Nights(world))
    database_server.drop(url)


def _live(nights: Nights) -> Nights:
    world = nights.world
    world.add(ACCOUNT, Name="De Vries, firma", ChamberOfCommerce="5", modified="2024-01-01T00:00:00Z")
    for number, name in enumerate(NAMES):
        record = {"Name": name, "OrganizationNumber": str(number), "Phone": "1", **HOUSE}
        nights.ours[name] = world.add(CUSTOMER, **record)
    nights.sync("first")
    nights.theirs = {name: world.twin(CUSTOMER, key, ACCOUNT) for name, key in nights.ours.items()}
    nights.edit("changed", Phone="2", Email="info@changed.example")
    nights.edit("corrected", Phone="2")
    for name in ("moved", "half moved"):
        nights.edit(name, **NEW_HOUSE, Phone="2")
    nights.edit("touched there", Phone="2")
    nights.sync("night")
    nights.edit("corrected", Phone="3")
    nights.sync("day")
    world.edit(ACCOUNT, nights.theirs["touched there"], Phone="4")
    world.edit(ACCOUNT, nights.theirs["half moved"], City="Urk")
    nights.undo("night", "previewed", preview=True, only="changed")
    nights.undo("night", "undone")
    nights.sync("quiet")
    nights.undo("undone", "undone again", only="moved")
    nights.undo("first", "first undone", only="matched")
    nights.edit("changed", Phone="9")
    nights.sync("after")
    nights.shown["after"] = {
        "changed": (world.show(CUSTOMER, nights.ours["changed"]), world.show(ACCOUNT, nights.theirs["changed"]))
    }
    return nights


def test_a_preview_tells_and_writes_nothing(nights: Nights) -> None:
    """Somebody who only wanted to look has changed the books."""
    assert nights.back("previewed", "changed") == {"phone": ("2", "1")}
    assert {write["entity"] for write in nights.undone["previewed"].writes} == {CUSTOMER, ACCOUNT}
    assert {write["outcome"] for write in nights.undone["previewed"].writes} == {"would be sent"}
    assert nights.both("previewed", "changed", "Phone") == ("2", "2")
    assert nights.world.rows("select * from talk.history where run = 'previewed'") == []


def test_what_a_run_wrote_is_put_back_and_stays(nights: Nights) -> None:
    """A mistake that was carried over at night is corrected by hand in two systems, or comes back the next night."""
    assert {write["outcome"] for write in nights.undone["undone"].writes} == {"done"}
    assert nights.both("undone", "changed", "Phone") == ("1", "1")
    assert nights.wrote["quiet"] == []
    query = "select before, after, run, detail->>'run' as undone, detail->>'who' as who from talk.history where "
    (decided,) = nights.world.rows(
        query + "rule = 'undo' and kind = 'decision' and run = 'undone' and cluster_id = :cluster",
        cluster=nights.world.cluster(ACCOUNT, nights.theirs["changed"]),
    )
    assert decided == {"before": "2", "after": "1", "run": "undone", "undone": "night", "who": "Anna"}
    (order,) = nights.world.rows(query + "kind = 'person' and run = 'undone'")
    assert (order["who"], order["undone"]) == ("Anna", "night")


def test_what_was_changed_since_is_left_out(nights: Nights) -> None:
    """Somebody's later correction is undone with what it corrected, whether a sync has seen it or not."""
    corrected = nights.left("undone", "corrected")["phone"]
    assert corrected == f"it was decided anew in run day: '3' of {CUSTOMER}/{nights.ours['corrected']}"
    touched = nights.left("undone", "touched there")["phone"]
    assert touched == f"it was decided anew in run undone: '4' of {ACCOUNT}/{nights.theirs['touched there']}"
    assert nights.both("undone", "corrected", "Phone") == ("3", "3")
    assert nights.both("undone", "touched there", "Phone") == ("4", "4")


def test_what_was_empty_is_not_cleared_where_nobody_may_clear(nights: Nights) -> None:
    """An undo empties what the mapping protects from being emptied."""
    reason = nights.left("undone", "changed")["email"]
    assert reason == "it was empty before, and its mapping lets nobody clear it: clear it in both systems by hand"
    assert nights.both("undone", "changed", "Email") == ("info@changed.example", "info@changed.example")


def test_an_address_is_put_back_whole_or_not_at_all(nights: Nights) -> None:
    """Half an old address stands beside half a new one."""
    assert set(nights.back("undone", "moved")) == {"address_line1", "address_line2", "city", "phone"}
    assert nights.both("undone", "moved", "Address1") == ("Kade 1", "Kade 1")
    assert nights.both("undone", "moved", "Address2") == (None, None)
    assert nights.both("undone", "moved", "City") == ("Goes", "Goes")
    kept = nights.left("undone", "half moved")
    assert kept["address_line1"] == "it is decided together with city, which is left as it is"
    assert nights.both("undone", "half moved", "Address1") == ("Plein 2", "Plein 2")
    assert nights.both("undone", "half moved", "City") == ("Urk", "Urk")
    assert set(nights.back("undone", "half moved")) == {"phone"}


def test_an_undo_can_be_undone_for_one_record(nights: Nights) -> None:
    """Who undid too much has to enter a night's work again."""
    for name, value in {**NEW_HOUSE, "Phone": "2"}.items():
        assert nights.both("undone again", "moved", name) == (value, value)
    assert nights.both("undone again", "changed", "Phone") == ("1", "1")


def test_the_first_match_can_be_undone_and_nothing_is_deleted(nights: Nights) -> None:
    """What the other side held before the first sync is gone for good, or an undo deletes customers from the books."""
    assert nights.back("first undone", "matched") == {"name": ("matched", "De Vries, firma")}
    assert nights.both("first undone", "matched", "Name") == ("De Vries, firma", "De Vries, firma")
    nights.undo("first", "all of it", preview=True)
    created = {f"{ACCOUNT}/{key}" for name, key in nights.theirs.items() if name != "matched"}
    assert set(nights.undone["all of it"].plan.created) == created
    assert {write["operation"] for write in nights.undone["all of it"].writes} <= {"update"}


def test_an_edit_after_an_undo_travels(nights: Nights) -> None:
    """What was put back once can never be changed again."""
    assert nights.both("after", "changed", "Phone") == ("9", "9")
    assert [write["values"] for write in nights.wrote["after"]] == [{"Phone": "9"}]


def test_a_run_is_found_by_how_it_begins(nights: Nights) -> None:
    """A mistyped run is undone as nothing, and taken for done."""
    with nights.world.installation.ledger.begin() as connection:
        division = nights.world.installation.division
        assert find_run(connection, division, "nig") == "night"
        with pytest.raises(OrderRefused, match=r"no run of that name wrote anything. The latest that wrote: after \("):
            find_run(connection, division, "noon")
        with pytest.raises(OrderRefused, match="more than one run begins so"):
            find_run(connection, division, "")
