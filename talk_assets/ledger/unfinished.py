"""What waits for a run although no system has news: debts whose time has come, runs that failed, orders of people."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa

from talk_assets.ledger.bulk import read_frame
from talk_assets.ledger.notes import DONE
from talk_assets.ledger.tables import history, owed, request, run


def due(connection: sa.Connection, division: str) -> pd.DataFrame:
    """`entity, count, since, tried`: the debts that can be sent now, with the newest one's time and last attempt."""
    return read_frame(
        connection,
        sa.select(
            owed.c.entity,
            sa.func.count().label("count"),
            sa.func.max(owed.c.since).label("since"),
            sa.func.max(owed.c.next_try).label("tried"),
        )
        .where(
            owed.c.division == division,
            owed.c.state == "owed",
            sa.or_(owed.c.next_try.is_(None), owed.c.next_try <= sa.func.now()),
        )
        .group_by(owed.c.entity)
        .order_by(owed.c.entity),
    )


def times_answered(
    connection: sa.Connection, division: str, entity: str, cluster_id: int, key: str | None, slot: int, outcome: str
) -> int:
    """How often a system answered so when what is owed to a record was sent, since it is owed."""
    return connection.execute(
        sa.select(sa.func.count())
        .select_from(request)
        .join(owed, sa.and_(*(owed.c[name] == request.c[name] for name in ("division", "cluster_id", "entity"))))
        .where(
            owed.c.division == division,
            owed.c.entity == entity,
            owed.c.cluster_id == cluster_id,
            owed.c.slot == slot,
            request.c.key == key,
            request.c.outcome == outcome,
            request.c.sent_at >= owed.c.since,
        )
    ).scalar_one()


def failed_runs(connection: sa.Connection, division: str, going_on: str | None = None) -> tuple[int, datetime | None]:
    """How many runs failed or were cut off since the last one that did not, and when the latest of them began.

    Args:
        connection: in a transaction.
        division: the division.
        going_on: the run that has not ended yet, where there is one.
    """
    ended_well = sa.select(sa.func.max(run.c.started_at)).where(run.c.division == division, run.c.outcome == DONE)
    found = connection.execute(
        sa.select(sa.func.count(), sa.func.max(run.c.started_at)).where(
            run.c.division == division,
            run.c.outcome.is_distinct_from(DONE),
            run.c.run_id != (going_on or ""),
            run.c.started_at > sa.func.coalesce(ended_well.scalar_subquery(), sa.text("'-infinity'::timestamptz")),
        )
    ).one()
    return int(found[0]), found[1]


def order_since_last_run(connection: sa.Connection, division: str) -> int | None:
    """Number in history of the latest order that a person gave since the last run began; None when there is none."""
    last = (
        sa.select(run.c.run_id, run.c.started_at)
        .where(run.c.division == division)
        .order_by(run.c.started_at.desc())
        .limit(1)
        .subquery()
    )
    latest = (
        sa.select(history.c.id, history.c.at, history.c.run)
        .where(history.c.division == division, history.c.kind == "person")
        .order_by(history.c.id.desc())
        .limit(1)
        .subquery()
    )
    found: Any = connection.execute(
        sa.select(latest.c.id).where(latest.c.at > last.c.started_at, latest.c.run != last.c.run_id)
    ).scalar_one_or_none()
    return None if found is None else int(found)


def late(
    connection: sa.Connection, division: str, before: datetime, entities: Sequence[str] | None = None
) -> tuple[int, datetime | None]:
    """How many writes are owed, or stay refused, since before a moment, and since when the oldest is.

    Args:
        connection: in a transaction.
        division: the division.
        before: the moment.
        entities: to which they are owed; None: to all.
    """
    mine = sa.true() if entities is None else owed.c.entity.in_(entities)
    found = connection.execute(
        sa.select(sa.func.count(), sa.func.min(owed.c.since)).where(
            owed.c.division == division, owed.c.state.in_(["owed", "dead"]), owed.c.since < before, mine
        )
    ).one()
    return int(found[0]), found[1]


def late_per_entity(
    connection: sa.Connection, division: str, before: datetime, states: Sequence[str] = ("owed", "dead")
) -> list[tuple[str, int, datetime]]:
    """Entity, how many writes to it stand so since before a moment, and since when the oldest does."""
    rows = connection.execute(
        sa.select(owed.c.entity, sa.func.count(), sa.func.min(owed.c.since))
        .where(owed.c.division == division, owed.c.state.in_(states), owed.c.since < before)
        .group_by(owed.c.entity)
        .order_by(owed.c.entity)
    )
    return [(str(entity), int(count), oldest) for entity, count, oldest in rows]
