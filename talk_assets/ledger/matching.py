"""What records are found by: the keys of merge criteria, and the pairs that criteria propose."""

from collections.abc import Sequence

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from talk_assets.ledger.bulk import read_frame, upsert_frame
from talk_assets.ledger.keys import among, keys_of, values_of
from talk_assets.ledger.tables import match_key, member, proposal, record


def store_match_keys(
    connection: sa.Connection, division: str, flow: str, records: pd.DataFrame, keys: pd.DataFrame
) -> None:
    """Replace the criterion keys of the records `entity, key` for a flow by `entity, key, alternative, value`."""
    wanted = keys_of(connection, records, "entity", "key")
    connection.execute(
        sa.delete(match_key).where(
            match_key.c.division == division,
            match_key.c.flow == flow,
            match_key.c.entity == wanted.c.entity,
            match_key.c.key == wanted.c.key,
        )
    )
    rows = keys[["entity", "key", "alternative", "value"]].assign(division=division, flow=flow)
    upsert_frame(connection, match_key, rows, key=["division", "entity", "key", "flow", "alternative"])


def forget_match_keys(connection: sa.Connection, division: str, records: pd.DataFrame) -> None:
    """Have the records `entity, key` found by nothing."""
    wanted = keys_of(connection, records, "entity", "key")
    for table in (match_key, proposal):
        connection.execute(
            sa.delete(table).where(
                table.c.division == division, table.c.entity == wanted.c.entity, table.c.key == wanted.c.key
            )
        )
    connection.execute(
        sa.delete(proposal).where(
            proposal.c.division == division,
            proposal.c.other_entity == wanted.c.entity,
            proposal.c.other_key == wanted.c.key,
        )
    )


def sharing_keys(connection: sa.Connection, division: str, flow: str, keys: pd.DataFrame) -> pd.DataFrame:
    """`entity, key, alternative, value` of every live record that shares one of the values `alternative, value`."""
    wanted = keys_of(connection, keys.astype({"alternative": "str"}), "alternative", "value")
    live = sa.and_(
        record.c.division == match_key.c.division,
        record.c.entity == match_key.c.entity,
        record.c.key == match_key.c.key,
        record.c.deleted_at.is_(None),
    )
    return read_frame(
        connection,
        sa.select(match_key.c.entity, match_key.c.key, match_key.c.alternative, match_key.c.value)
        .join_from(
            match_key,
            wanted,
            sa.and_(
                sa.cast(wanted.c.alternative, sa.Integer) == match_key.c.alternative,
                wanted.c.value == match_key.c.value,
            ),
        )
        .join(record, live)
        .where(match_key.c.division == division, match_key.c.flow == flow),
    )


def sharing_across(
    connection: sa.Connection, division: str, one: tuple[str, str, int], other: tuple[str, str, int], keys: pd.Series
) -> pd.DataFrame:
    """Which records of an entity have in one flow the value that live records of another entity have in another one.

    Args:
        connection: in a transaction.
        division: the division.
        one: entity, flow and alternative of the first.
        other: those of the second.
        keys: the records of the first entity that are meant.

    Returns:
        `key, other_key`.
    """
    wanted = values_of(connection, "key", keys)
    mine, theirs = match_key.alias(), match_key.alias()

    def at(place: sa.FromClause, named: tuple[str, str, int]) -> sa.ColumnElement[bool]:
        entity, flow, alternative = named
        found = (place.c.division == division, place.c.entity == entity, place.c.flow == flow)
        return sa.and_(*found, place.c.alternative == alternative)

    live = sa.and_(
        *(record.c[name] == theirs.c[name] for name in ("division", "entity", "key")), record.c.deleted_at.is_(None)
    )
    return read_frame(
        connection,
        sa.select(mine.c.key, theirs.c.key.label("other_key"))
        .join_from(mine, wanted, wanted.c.key == mine.c.key)
        .join(theirs, theirs.c.value == mine.c.value)
        .join(record, live)
        .where(at(mine, one), at(theirs, other)),
    )


def linked_duplicates(connection: sa.Connection, division: str, flow: str, records: pd.DataFrame) -> pd.DataFrame:
    """Linked live records that share a value with another one of their entity, as far as given records have the value.

    Args:
        connection: in a transaction.
        division: the division.
        flow: the flow whose criteria are meant.
        records: `entity, key` of records whose values are looked at.

    Returns:
        `entity, key, alternative, value, cluster_id`.
    """
    wanted = keys_of(connection, records, "entity", "key")
    values = (
        sa.select(match_key.c.alternative, match_key.c.value)
        .join_from(match_key, wanted, sa.and_(*(wanted.c[name] == match_key.c[name] for name in ("entity", "key"))))
        .where(match_key.c.division == division, match_key.c.flow == flow)
        .distinct()
        .subquery()
    )
    place = (match_key.c.entity, match_key.c.alternative, match_key.c.value)
    linked = (
        sa.select(*place, match_key.c.key, member.c.cluster_id, sa.func.count().over(partition_by=place).label("count"))
        .join_from(
            match_key,
            values,
            sa.and_(*(values.c[name] == match_key.c[name] for name in ("alternative", "value"))),
        )
        .join(member, sa.and_(*(member.c[name] == match_key.c[name] for name in ("division", "entity", "key"))))
        .where(match_key.c.division == division, match_key.c.flow == flow, member.c.deleted_at.is_(None))
        .subquery()
    )
    names = ("entity", "key", "alternative", "value", "cluster_id")
    return read_frame(connection, sa.select(*(linked.c[name] for name in names)).where(linked.c.count > 1))


def marked_sharing_keys(
    connection: sa.Connection, division: str, flows: Sequence[str], clusters: pd.Index
) -> pd.DataFrame:
    """`cluster_id, entity` where a record of the entity that is marked as deleted shares a value with a live member."""
    own, other = match_key, match_key.alias()
    same = [own.c[name] == other.c[name] for name in ("division", "flow", "alternative", "value")]
    marked = [
        *(record.c[name] == other.c[name] for name in ("division", "entity", "key")),
        record.c.deleted_at.is_not(None),
        sa.type_coerce(record.c["values"], JSONB)["marked"].astext == "true",
    ]
    return read_frame(
        connection,
        sa.select(member.c.cluster_id, other.c.entity)
        .distinct()
        .join_from(member, own, sa.and_(*(member.c[name] == own.c[name] for name in ("division", "entity", "key"))))
        .join(other, sa.and_(*same, own.c.entity != other.c.entity))
        .join(record, sa.and_(*marked))
        .where(
            member.c.division == division,
            member.c.deleted_at.is_(None),
            member.c.cluster_id.in_(among(connection, clusters)),
            own.c.flow.in_(flows),
        ),
    )


def replace_proposals(connection: sa.Connection, division: str, flow: str, proposals: pd.DataFrame, run: str) -> None:
    """Make the proposals of a flow those found: `entity, key, other_entity, other_key, criterion`."""
    connection.execute(sa.delete(proposal).where(proposal.c.division == division, proposal.c.flow == flow))
    rows = proposals.assign(division=division, flow=flow, run=run)
    upsert_frame(
        connection, proposal, rows, key=["division", "flow", "entity", "key", "other_entity", "other_key"], update=[]
    )


def proposals_of(connection: sa.Connection, division: str, flows: Sequence[str]) -> pd.DataFrame:
    """`entity, key, other_entity, other_key, criterion, flow` that the criteria of some flows propose."""
    names = ("entity", "key", "other_entity", "other_key", "criterion", "flow")
    return read_frame(
        connection,
        sa.select(*(proposal.c[name] for name in names))
        .where(proposal.c.division == division, proposal.c.flow.in_(flows))
        .order_by(*(proposal.c[name] for name in names)),
    )
