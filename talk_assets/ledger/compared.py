"""Linked pairs that are to be compared with their systems, and what is known of their records."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd
import sqlalchemy as sa

from talk_assets.ledger.bulk import columns_under, json_columns, read_frame
from talk_assets.ledger.cursors import read_cursor, store_cursor
from talk_assets.ledger.keys import among, values_of
from talk_assets.ledger.tables import base, cursor, member, owed, record, run

# Under which name it is remembered up to where the pairs of a flow were compared.
_COMPARED = "compared."


@dataclass(frozen=True)
class Known:
    """What is known of some records of an entity; index: key.

    Attributes:
        modified: when their system says that each last changed.
        accounted: whether a decision has been taken on what was read last.
        gone: whether it is known to be gone.
        written: when it was last written, where it was not read back since.
        current: what each held when it was read, a canonical `str` column per property, NA when empty.
        base: what it held when it was last accounted for, the same columns.
        sent: what was last sent to it, where it holds something coarser since.
    """

    modified: pd.Series
    accounted: pd.Series
    gone: pd.Series
    written: pd.Series
    current: pd.DataFrame
    base: pd.DataFrame
    sent: pd.DataFrame


def count_pairs(connection: sa.Connection, division: str, customerp: str, exact: str) -> int:
    """How many linked pairs of two entities there are."""
    return connection.execute(sa.select(sa.func.count()).select_from(_pairs(division, customerp, exact))).scalar_one()


def next_pairs(
    connection: sa.Connection, division: str, flow: str, customerp: str, exact: str, most: int
) -> pd.DataFrame:
    """The linked pairs whose turn it is, so that all are compared before one is compared again.

    Args:
        connection: in a transaction.
        division: the division.
        flow: name of the flow.
        customerp: its entity in Customerp.
        exact: its entity in Exact.
        most: at most so many.

    Returns:
        `cluster_id, customerp, exact`: cluster and keys, from where the last comparison ended.
    """
    pairs = _pairs(division, customerp, exact)
    at = sa.tuple_(pairs.c.cluster_id, pairs.c.customerp, pairs.c.exact)
    query = sa.select(pairs).order_by(pairs.c.cluster_id, pairs.c.customerp, pairs.c.exact)
    after = read_cursor(connection, division, _COMPARED + flow)
    if after is None:
        return read_frame(connection, query.limit(most))
    cluster, *keys = json.loads(after)
    last = sa.tuple_(sa.literal(cluster, sa.BigInteger), *(sa.literal(key, sa.Text) for key in keys))
    # The clusters are named beside the keys, because that is what PostgreSQL has an index for.
    found = read_frame(connection, query.where(pairs.c.cluster_id >= cluster, at > last).limit(most))
    if len(found) == most:
        return found
    first = read_frame(connection, query.where(pairs.c.cluster_id <= cluster, at <= last).limit(most - len(found)))
    return pd.concat([found, first], ignore_index=True)


def note_compared(connection: sa.Connection, division: str, flow: str, pairs: pd.DataFrame, run: str) -> None:
    """Remember that pairs, as of `next_pairs`, were compared."""
    if len(pairs):
        cluster, *keys = pairs.iloc[-1][["cluster_id", "customerp", "exact"]]
        store_cursor(connection, division, _COMPARED + flow, json.dumps([int(cluster), *map(str, keys)]), run)


def read_from(connection: sa.Connection, division: str, feed: str) -> datetime | None:
    """A moment from which on edits may not have been read yet: before the last complete read of a feed began.

    A read is noted when it has ended, and an edit made while it goes on may be on a page that it had passed. Which run
    read it tells when it cannot have begun; None where the feed is to be read from the beginning.
    """
    began = sa.and_(run.c.division == cursor.c.division, run.c.run_id == cursor.c.run)
    return connection.execute(
        sa.select(sa.func.least(cursor.c.updated_at, run.c.started_at))
        .join_from(cursor, run, began, isouter=True)
        .where(cursor.c.division == division, cursor.c.feed == feed)
    ).scalar_one_or_none()


def known_records(
    connection: sa.Connection, division: str, entity: str, keys: pd.Series, properties: Sequence[str]
) -> Known:
    """What is known of records.

    Args:
        connection: in a transaction.
        division: the division.
        entity: the entity.
        keys: own keys of records that were read once.
        properties: canonical names.
    """
    wanted = values_of(connection, "key", keys)
    same = (base.c[name] == record.c[name] for name in ("division", "entity", "key"))
    found = read_frame(
        connection,
        sa.select(
            record.c.key,
            record.c.modified,
            record.c.accounted,
            record.c.deleted_at.is_not(None).label("gone"),
            record.c.written_at,
            *json_columns(record.c["values"], properties, prefix="c:"),
            *json_columns(base.c["values"], properties, prefix="b:"),
            *json_columns(base.c.sent, properties, prefix="s:"),
        )
        .join_from(record, wanted, wanted.c.key == record.c.key)
        .join(base, sa.and_(*same), isouter=True)
        .where(record.c.division == division, record.c.entity == entity),
    ).set_index("key")
    return Known(
        modified=found["modified"],
        accounted=found["accounted"].astype(bool),
        gone=found["gone"].astype(bool),
        written=found["written_at"],
        current=columns_under(found, "c:", properties),
        base=columns_under(found, "b:", properties),
        sent=columns_under(found, "s:", properties),
    )


def owed_properties(connection: sa.Connection, division: str, clusters: pd.Index) -> pd.DataFrame:
    """`entity, key, property` of what is owed to records of clusters; '' where a record is to be deleted."""
    found = connection.execute(
        sa.select(owed.c.entity, owed.c.key, owed.c.operation, owed.c["values"]).where(
            owed.c.division == division, owed.c.cluster_id.in_(among(connection, clusters)), owed.c.key.is_not(None)
        )
    )
    rows = [
        (row.entity, row.key, name)
        for row in found
        for name in ([""] if row.operation == "delete" else row._mapping["values"])
    ]
    return pd.DataFrame(rows, columns=["entity", "key", "property"], dtype="str")


def _pairs(division: str, customerp: str, exact: str) -> sa.Subquery:
    """`cluster_id, customerp, exact` of the linked pairs whose records are there, as far as is known."""
    one, two = member.alias("one"), member.alias("two")
    sides = []
    for each, entity in ((one, customerp), (two, exact)):
        there = sa.exists().where(
            *(record.c[name] == each.c[name] for name in ("division", "entity", "key")), record.c.deleted_at.is_(None)
        )
        sides += [each.c.division == division, each.c.entity == entity, each.c.deleted_at.is_(None), there]
    return (
        sa.select(one.c.cluster_id, one.c.key.label("customerp"), two.c.key.label("exact"))
        .join_from(one, two, two.c.cluster_id == one.c.cluster_id)
        .where(*sides)
        .subquery("pair")
    )
