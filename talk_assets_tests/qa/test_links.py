"""What is told of the records that were made, and of nobody else's."""

from datetime import UTC, datetime

import sqlalchemy as sa

from talk_assets.ledger.clusters import new_clusters, store_insert
from talk_assets.ledger.database import Ledger
from talk_assets.ledger.tables import hold
from talk_assets.mappings.load import load_capabilities, load_mappings
from talk_assets.qa.books import Books
from talk_assets.qa.case import RECORD, Case
from talk_assets.qa.links import Links, Place, read_links
from talk_assets.qa.making import Made
from talk_assets.qa.play import learn
from talk_assets.qa.scope import scopes

DIVISION = "1"
CAPABILITIES = load_capabilities()


def test_records_of_other_people_with_the_same_key_are_left_alone(ledger: Ledger) -> None:
    """An ERP that numbers customers and products alike: cleaning up deletes somebody's item in Exact."""
    with ledger.begin() as connection:
        ours, theirs = new_clusters(connection, DIVISION, "any", [None, None], "run")
        for entity, key, cluster in (
            ("customerp.customer", "7", ours),
            ("exact.accounts", "a", ours),
            ("customerp.product", "7", theirs),
            ("exact.items", "b", theirs),
        ):
            store_insert(connection, DIVISION, entity, key, cluster, "run")
        connection.execute(sa.text("update talk.member set origin = 'alone' where key = '7'"))
    links = read_links(ledger, DIVISION, [("customerp.customer", "7")], ["run"])
    assert links.inserted == {("exact.accounts", "a")}
    assert links.counterparts("customerp.customer", "7", "exact.accounts") == ["a"]
    assert links.counterparts("customerp.product", "7", "exact.items") == []


def test_a_record_that_somebody_else_made_is_not_taken_for_ours() -> None:
    """It has the code that a row made up, is linked to the row's record, and the row edits and deletes it."""
    scope = next(
        each for each in scopes(load_mappings(None, CAPABILITIES), CAPABILITIES) if each.name == "product_items"
    )
    case = Case(scope, RECORD, "deleted-in-exact", "deleted", "", scope.exact, record="one")
    places = [(scope.customerp, "p"), (scope.exact, "theirs")]
    books = Books({}, CAPABILITIES, [], _held={(scope.exact, "theirs"): {}})
    for inserted, learned in (set[Place](), []), ({(scope.exact, "theirs")}, ["theirs"]):
        made = {"one": Made({scope.customerp: ["p"]})}
        learn([case], made, Links(dict.fromkeys(places, 7), {7: places}, {}, set(), set(), inserted), books)
        assert made["one"].keys[scope.exact] == learned


def test_records_are_found_to_be_held_that_belong_to_nothing(ledger: Ledger) -> None:
    """Each row about ambiguous records is red, as they are in no cluster, or one about a held record says no reason."""
    with ledger.begin() as connection:
        connection.execute(
            sa.insert(hold),
            [
                {"division": DIVISION, "entity": entity, "key": "7", "kind": "ambiguous", "property": "", "run": "run"}
                | {"since": datetime.now(UTC), "reason": "two are the same"}
                for entity in ("customerp.customer", "customerp.product")
            ],
        )
    place = ("customerp.customer", "7")
    links = read_links(ledger, DIVISION, [place])
    assert links.ambiguous == {place}
    assert links.told([place]) == ["customerp.customer/7 is held (ambiguous): two are the same"]
