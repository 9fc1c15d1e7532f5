"""What must still be delivered: owed writes, and the intents that keep an insert single."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

import pandas as pd
import sqlalchemy as sa

from talk_assets.ledger.bulk import json_columns, read_frame
from talk_assets.ledger.keys import among
from talk_assets.ledger.tables import cluster, cursor, intent, owed

COLUMNS = ["cluster_id", "operation", "key", "state", "reason", "attempts", "next_try"]


def drop_owed(
    connection: sa.Connection,
    division: str,
    clusters: pd.Index,
    to: str | Sequence[str] | None = None,
    slot: int | None = None,
) -> None:
    """Forget what is owed for clusters, to one entity, to several, or to all (None); or in one slot only."""
    if clusters.empty or to == []:
        return
    statement = sa.delete(owed).where(owed.c.division == division, owed.c.cluster_id.in_(among(connection, clusters)))
    if to is not None:
        statement = statement.where(owed.c.entity.in_([to] if isinstance(to, str) else to))
    if slot is not None:
        statement = statement.where(owed.c.slot == slot)
    connection.execute(statement)


def owed_to(
    connection: sa.Connection,
    division: str,
    entity: str,
    properties: Sequence[str],
    states: Sequence[str],
    slot: int = 1,
) -> pd.DataFrame:
    """The creates and updates that are owed to an entity, in one slot, and can be tried now.

    Returns:
        `COLUMNS`, `document_id`, and per property `v:<name>`, the value to write ('' clears), and `e:<name>`, what the
        record held of it when the debt was planned.
    """
    return read_frame(
        connection,
        sa.select(
            *(owed.c[name] for name in COLUMNS),
            cluster.c.document_id,
            *json_columns(owed.c["values"], properties, prefix="v:"),
            *json_columns(owed.c.expected, properties, prefix="e:"),
        )
        .join_from(owed, cluster, cluster.c.id == owed.c.cluster_id)
        .where(
            owed.c.division == division,
            owed.c.entity == entity,
            owed.c.slot == slot,
            owed.c.operation != "delete",
            owed.c.state.in_(states),
            sa.or_(owed.c.next_try.is_(None), owed.c.next_try <= sa.func.now()),
        )
        .order_by(owed.c.cluster_id),
    )


def removals_owed(connection: sa.Connection, division: str, entity: str) -> pd.DataFrame:
    """`cluster_id, slot, key, values, attempts, reason` of the deletions owed to an entity that can be tried now.

    `values` is JSON text: under the system's own names what is set instead, `{}` where the record is deleted.
    """
    return read_frame(
        connection,
        sa.select(owed.c.cluster_id, owed.c.slot, owed.c.key, owed.c["values"], owed.c.attempts, owed.c.reason)
        .where(
            owed.c.division == division,
            owed.c.entity == entity,
            owed.c.operation == "delete",
            owed.c.state.in_(["owed", "waiting"]),
            sa.or_(owed.c.next_try.is_(None), owed.c.next_try <= sa.func.now()),
        )
        .order_by(owed.c.cluster_id, owed.c.slot),
    )


def clusters_to_remove(connection: sa.Connection, division: str, entities: Collection[str]) -> pd.Index:
    """The clusters of which a record of some entities is to be deleted or archived, however that stands."""
    what = (owed.c.division == division, owed.c.entity.in_(entities), owed.c.operation == "delete")
    found = connection.execute(sa.select(owed.c.cluster_id).where(*what).distinct())
    return pd.Index([int(number) for number in found.scalars()], dtype="int64")


def slots_owed(connection: sa.Connection, division: str, entity: str) -> list[int]:
    """The slots of an entity to which something is owed."""
    rows = connection.execute(
        sa.select(owed.c.slot).where(owed.c.division == division, owed.c.entity == entity).distinct()
    )
    return sorted(rows.scalars())


def updates_owed(connection: sa.Connection, division: str, clusters: pd.Index) -> pd.DataFrame:
    """`cluster_id, entity` of the updates that are owed for clusters, however they stand."""
    return read_frame(
        connection,
        sa.select(owed.c.cluster_id, owed.c.entity).where(
            owed.c.division == division,
            owed.c.operation == "update",
            owed.c.cluster_id.in_(among(connection, clusters)),
        ),
    )


def count_owed(connection: sa.Connection, division: str) -> pd.DataFrame:
    """`entity, state, count` over all debts of a division."""
    return read_frame(
        connection,
        sa.select(owed.c.entity, owed.c.state, sa.func.count().label("count"))
        .where(owed.c.division == division)
        .group_by(owed.c.entity, owed.c.state),
    )


def is_owed(connection: sa.Connection, division: str, entities: Sequence[str]) -> bool:
    """Whether something that can be sent, or waits for something else, is owed to some of the entities."""
    what = (owed.c.division == division, owed.c.entity.in_(entities), owed.c.state.in_(["owed", "waiting"]))
    return bool(connection.execute(sa.select(sa.exists().where(*what))).scalar_one())


def set_state(
    connection: sa.Connection,
    division: str,
    entity: str,
    cluster_id: int,
    *,
    state: str,
    reason: str,
    attempts: int | None = None,
    next_try: datetime | None = None,
    slot: int = 1,
) -> None:
    """Say how a debt stands."""
    values: dict[str, object] = {"state": state, "reason": reason, "next_try": next_try}
    if attempts is not None:
        values["attempts"] = attempts
    connection.execute(
        sa.update(owed)
        .values(**values)
        .where(
            owed.c.division == division,
            owed.c.entity == entity,
            owed.c.cluster_id == cluster_id,
            owed.c.slot == slot,
        )
    )


def explain(connection: sa.Connection, division: str, entity: str, cluster_id: int, reason: str) -> None:
    """Say why what is owed to an entity is not delivered, where nothing is said yet."""
    at = (owed.c.division == division, owed.c.entity == entity, owed.c.cluster_id == cluster_id)
    connection.execute(sa.update(owed).values(reason=reason).where(*at, owed.c.reason == ""))


def settle_owed(
    connection: sa.Connection,
    division: str,
    entity: str,
    cluster_id: int,
    key: str,
    remaining: Mapping[str, str],
    reason: str,
    slot: int = 1,
) -> None:
    """A debt was delivered: it goes, or only the given values remain owed, waiting for the reason named."""
    at = (
        owed.c.division == division,
        owed.c.entity == entity,
        owed.c.cluster_id == cluster_id,
        owed.c.slot == slot,
    )
    if not remaining:
        connection.execute(sa.delete(owed).where(*at))
        return
    connection.execute(
        sa.update(owed)
        .values(
            values=dict(remaining), operation="update", key=key, expected={}, state="waiting", reason=reason, attempts=0
        )
        .where(*at)
    )


def open_intent(
    connection: sa.Connection,
    division: str,
    entity: str,
    cluster_id: int,
    values: Mapping[str, str],
    run: str,
    key: str | None = None,
) -> uuid.UUID:
    """Note that an insert, or an update of the record `key`, is about to be sent."""
    number = uuid.uuid4()
    connection.execute(
        sa.insert(intent).values(
            id=number,
            division=division,
            entity=entity,
            cluster_id=cluster_id,
            key=key,
            values=dict(values),
            opened_at=sa.func.now(),
            run=run,
        )
    )
    return number


def close_intent(connection: sa.Connection, number: uuid.UUID | str, outcome: str) -> None:
    """Note what became of a write."""
    connection.execute(
        sa.update(intent).values(closed_at=sa.func.now(), outcome=outcome).where(intent.c.id == uuid.UUID(str(number)))
    )


def note_answer(connection: sa.Connection, numbers: Sequence[uuid.UUID], outcome: str) -> None:
    """Note that writes were carried out, although it is not known yet which records they made: they stay open."""
    connection.execute(sa.update(intent).values(outcome=outcome).where(intent.c.id.in_(numbers)))


def lose_sight(connection: sa.Connection, number: uuid.UUID) -> None:
    """Note that no answer came to a write: from now on it may arrive unseen."""
    connection.execute(sa.update(intent).values(opened_at=sa.func.now()).where(intent.c.id == number))


def open_intents(
    connection: sa.Connection,
    division: str,
    entity: str,
    properties: Sequence[str],
    *,
    feed: str,
    latest_arrival: timedelta,
    updates: bool = False,
) -> pd.DataFrame:
    """Inserts whose outcome is not known, or such updates.

    Args:
        connection: in a transaction.
        division: the division.
        entity: the entity inserted into.
        properties: canonical names of the values wanted.
        feed: in which the inserted records are read.
        latest_arrival: how long after we lost sight of it a write may still be carried out.
        updates: updates are wanted.

    Returns:
        `id, cluster_id, key, opened_at`, `outcome` (see `note_answer`), `looked` (whether the feed was read since),
        `overdue` (whether it was read when the write could no longer arrive), and per property the value sent.
    """

    def read_after(moment: sa.ColumnElement[datetime], label: str) -> sa.ColumnElement[bool]:
        at = (cursor.c.division == intent.c.division, cursor.c.feed == feed)
        return sa.exists().where(*at, cursor.c.updated_at > moment).label(label)

    return read_frame(
        connection,
        sa.select(
            intent.c.id,
            intent.c.cluster_id,
            intent.c.key,
            intent.c.opened_at,
            intent.c.outcome,
            read_after(intent.c.opened_at, "looked"),
            read_after(intent.c.opened_at + latest_arrival, "overdue"),
            *json_columns(intent.c["values"], properties),
        )
        .where(
            intent.c.division == division,
            intent.c.entity == entity,
            intent.c.closed_at.is_(None),
            intent.c.key.is_not(None) if updates else intent.c.key.is_(None),
        )
        .order_by(intent.c.opened_at),
    )


def reasons_of(connection: sa.Connection, division: str, entity: str, clusters: pd.Index) -> pd.Series:
    """Index cluster number as text, value why what is owed to an entity for that cluster was not delivered yet."""
    found = read_frame(
        connection,
        sa.select(owed.c.cluster_id, owed.c.reason)
        .where(
            owed.c.division == division,
            owed.c.entity == entity,
            owed.c.reason != "",
            owed.c.cluster_id.in_(among(connection, clusters)),
        )
        .distinct(owed.c.cluster_id)
        .order_by(owed.c.cluster_id, owed.c.slot),
    )
    return pd.Series(found["reason"].to_numpy(), index=pd.Index(found["cluster_id"].astype("str")), dtype="str")


def entities_with_intent(connection: sa.Connection, division: str) -> set[str]:
    """Entities to which a write was sent whose outcome is not known."""
    rows = connection.execute(
        sa.select(intent.c.entity).where(intent.c.division == division, intent.c.closed_at.is_(None)).distinct()
    )
    return set(rows.scalars())


def clusters_with_intent(connection: sa.Connection, division: str, entity: str) -> set[int]:
    """Clusters for which an insert into an entity was sent and its outcome is not known."""
    rows = connection.execute(
        sa.select(intent.c.cluster_id).where(
            intent.c.division == division,
            intent.c.entity == entity,
            intent.c.closed_at.is_(None),
            intent.c.key.is_(None),
        )
    )
    return {int(number) for number in rows.scalars()}


def latest_owed(
    connection: sa.Connection,
    division: str,
    *,
    entities: Sequence[str] | None = None,
    states: Sequence[str] | None = None,
    limit: int | None = None,
) -> pd.DataFrame:
    """The debts that need attention first, dead ones before others.

    Columns: `entity, key, cluster_id, operation, state, reason, values, since`.

    Args:
        connection: in a transaction.
        division: the division.
        entities: only what is owed to these.
        states: only debts in these states.
        limit: at most so many.
    """
    urgency = sa.case({"dead": 0, "waiting": 1, "person": 2, "owed": 3}, value=owed.c.state)
    return read_frame(
        connection,
        sa.select(
            owed.c.entity,
            owed.c.key,
            owed.c.cluster_id,
            owed.c.operation,
            owed.c.state,
            owed.c.reason,
            owed.c["values"],
            owed.c.since,
        )
        .where(
            owed.c.division == division,
            sa.true() if entities is None else owed.c.entity.in_(entities),
            sa.true() if states is None else owed.c.state.in_(states),
        )
        .order_by(urgency, owed.c.entity, owed.c.cluster_id)
        .limit(limit),
    )


def creates_owed(connection: sa.Connection, division: str, entity: str) -> set[int]:
    """Clusters that are owed a new record of an entity, however that debt stands."""
    rows = connection.execute(
        sa.select(owed.c.cluster_id).where(
            owed.c.division == division, owed.c.entity == entity, owed.c.operation == "create"
        )
    )
    return {int(number) for number in rows.scalars()}


def try_again(connection: sa.Connection, division: str, entities: Sequence[str], clusters: Sequence[int]) -> None:
    """Send refused creates again, because something that belongs to them was corrected."""
    connection.execute(
        sa.update(owed)
        .values(state="owed", reason="", attempts=0, next_try=None)
        .where(
            owed.c.division == division,
            owed.c.entity.in_(entities),
            owed.c.cluster_id.in_(among(connection, clusters)),
            owed.c.operation == "create",
            owed.c.state == "dead",
        )
    )
