"""Guards that tripped: noted until what they saw is over, or a person has let it pass once."""

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from talk_assets.ledger.bulk import read_frame
from talk_assets.ledger.tables import cluster, guard, owed

# Kinds of guard: the feed is empty; known records are missing from a whole read; many are reported as deleted; many
# writes are owed.
EMPTY, MISSING, DELETED, VOLUME = "empty", "missing", "deleted", "volume"


def trip(connection: sa.Connection, division: str, entity: str, kind: str, *, reason: str, seen: int, run: str) -> bool:
    """Note that a guard tripped; whether it had not done so before. One that did keeps its date."""
    known = connection.execute(
        sa.update(guard).values(reason=reason, seen=seen).where(*_at(division, entity, kind))
    ).rowcount
    if known:
        return False
    connection.execute(
        insert(guard).values(
            division=division,
            entity=entity,
            kind=kind,
            reason=reason,
            seen=seen,
            tripped_at=sa.func.now(),
            run=run,
        )
    )
    return True


def use(connection: sa.Connection, division: str, entity: str, kind: str) -> bool:
    """Use up a person's acceptance of a tripped guard; whether there was one."""
    accepted = sa.delete(guard).where(*_at(division, entity, kind), guard.c.accepted_at.is_not(None))
    return connection.execute(accepted).rowcount > 0


def waits(connection: sa.Connection, division: str, entity: str, kind: str) -> bool:
    """Whether a guard tripped and waits for a person."""
    waiting = sa.exists().where(*_at(division, entity, kind), guard.c.accepted_at.is_(None))
    return bool(connection.execute(sa.select(waiting)).scalar_one())


def lift(connection: sa.Connection, division: str, entity: str, kind: str) -> None:
    """Forget a guard: what it saw is over."""
    connection.execute(sa.delete(guard).where(*_at(division, entity, kind)))


def tripped(connection: sa.Connection, division: str, entities: list[str] | None = None) -> pd.DataFrame:
    """`entity, kind, reason, seen, tripped_at, accepted_at` of the guards that tripped, of some entities or of all."""
    names = ("entity", "kind", "reason", "seen", "tripped_at", "accepted_at")
    mine = sa.true() if entities is None else guard.c.entity.in_(entities)
    return read_frame(
        connection,
        sa.select(*(guard.c[name] for name in names))
        .where(guard.c.division == division, mine)
        .order_by(guard.c.entity, guard.c.kind),
    )


def first_run(connection: sa.Connection, division: str, subject: str) -> str | None:
    """The run that first found records of a subject; None before there was one."""
    return connection.execute(
        sa.select(cluster.c.created_run)
        .where(cluster.c.division == division, cluster.c.subject == subject)
        .order_by(cluster.c.id)
        .limit(1)
    ).scalar_one_or_none()


def planned_by(connection: sa.Connection, division: str, entities: list[str], run: str) -> int:
    """How many of the writes that can be sent to some entities were planned by a run."""
    return connection.execute(
        sa.select(sa.func.count()).where(
            owed.c.division == division, owed.c.entity.in_(entities), owed.c.state == "owed", owed.c.run == run
        )
    ).scalar_one()


def _at(division: str, entity: str, kind: str) -> tuple[sa.ColumnElement[bool], ...]:
    return guard.c.division == division, guard.c.entity == entity, guard.c.kind == kind
