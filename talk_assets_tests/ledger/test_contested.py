"""What was said about a deletion that met an edit, when more is said about the same cluster."""

import pandas as pd
import pytest
import sqlalchemy as sa

from talk_assets.ledger.contested import keep, store_contested, verdicts
from talk_assets.ledger.database import Ledger
from talk_assets.ledger.tables import cluster, conflict, member
from talk_assets.sync.frames import DELETE, EDIT, KEEP

_NOW = pd.Timestamp("2026-01-05T10:00:00Z")


@pytest.mark.parametrize(
    ("said", "holds"),
    [
        # A sales order that was to be made again for an edit of its order never would be.
        ([EDIT, KEEP], EDIT),
        ([EDIT, KEEP, KEEP], EDIT),
        # An order that somebody brought back, or let be created, would be deleted.
        ([DELETE, KEEP], KEEP),
        ([EDIT, DELETE, KEEP], KEEP),
        ([KEEP, DELETE], DELETE),
    ],
)
def test_what_was_said_last_hides_no_answer_that_still_counts(ledger: Ledger, said: list[str], holds: str) -> None:
    """Which record is there in the end depends on the order in which two other things were answered."""
    order, sales = "customerp.order", "exact.salesorders"
    with ledger.begin() as connection:
        made = {"subject": "sales_document", "division": "1", "created_at": _NOW, "created_run": "r"}
        number = connection.execute(sa.insert(cluster).values(**made).returning(cluster.c.id)).scalar_one()
        links = {"division": "1", "cluster_id": number, "origin": "insert", "linked_at": _NOW, "linked_run": "r"}
        connection.execute(sa.insert(member).values(entity=order, key="o", deleted_at=None, **links))
        connection.execute(sa.insert(member).values(entity=sales, key="s", deleted_at=_NOW, **links))
    for word in said:
        with ledger.begin() as connection:
            if word == KEEP:
                kept = pd.DataFrame({"entity": [order], "key": ["o"], "cluster_id": [number]})
                keep(connection, "1", kept, "sales_document", "r")
                continue
            met = {"cluster_id": [number], "entity": [sales], "key": ["s"], "other_entity": [order], "other_key": ["o"]}
            store_contested(connection, "1", "sales_document", pd.DataFrame({**met, "wins": [EDIT]}), "r")
            if word == DELETE:
                last = sa.select(sa.func.max(conflict.c.id)).scalar_subquery()
                taken = f"anna took {sales}/s"
                connection.execute(sa.update(conflict).values(resolution=taken).where(conflict.c.id == last))
    with ledger.begin() as connection:
        assert verdicts(connection, "1", pd.Index([number])).to_dict() == {number: holds}
