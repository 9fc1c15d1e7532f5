"""What is told of the records that were made, and of nobody else's."""

import sqlalchemy as sa

from talk_assets.ledger.clusters import new_clusters, store_insert
from talk_assets.ledger.database import Ledger
from talk_assets.qa.links import read_links

DIVISION = "1"


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
