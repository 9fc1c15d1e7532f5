"""Guards that tripped: noted until what they saw is over, or a person has let it pass once."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from talk_assets.ledger.bulk import read_columns
from talk_assets.ledger.keys import keys_of
from talk_assets.ledger.tables import cluster, guard, owed

# Kinds of guard: the feed, or that of the lines, is empty; known records are missing from a whole read; many are
# reported as deleted; many writes are owed; many of them delete or archive a record.
EMPTY, MISSING, DELETED, VOLUME, REMOVALS = "empty", "missing", "deleted", "volume", "removals"


@dataclass(frozen=True)
class Accepted:
    """What a person let pass.

    Attributes:
        seen: how many records or writes.
        keys: of the records, where these and no others may pass; None where their number counts.
    """

    seen: int
    keys: frozenset[str] | None


def trip(
    connection: sa.Connection,
    division: str,
    entity: str,
    kind: str,
    *,
    reason: str,
    seen: int,
    keys: Collection[str] | None,
    run: str,
) -> bool:
    """Note that a guard tripped; whether that is news. One that waits keeps its date, an accepted one does not."""
    told = {"reason": reason, "seen": seen, "keys": sa.null() if keys is None else sorted(keys)}
    if connection.execute(sa.update(guard).values(told).where(*_at(division, entity, kind), _waiting())).rowcount:
        return False
    anew = {**told, "tripped_at": sa.func.now(), "run": run, "accepted_at": None, "accepted_by": None}
    connection.execute(
        insert(guard)
        .values(division=division, entity=entity, kind=kind, **anew)
        .on_conflict_do_update(index_elements=["division", "entity", "kind"], set_=anew)
    )
    return True


def accepted(connection: sa.Connection, division: str, entity: str, kind: str) -> Accepted | None:
    """What a person let pass; None when nobody did."""
    told = sa.select(guard.c.seen, guard.c["keys"]).where(
        *_at(division, entity, kind), guard.c.accepted_at.is_not(None)
    )
    found = connection.execute(told).one_or_none()
    return None if found is None else Accepted(found[0], None if found[1] is None else frozenset(found[1]))


def waits(connection: sa.Connection, division: str, entities: Sequence[str], kinds: Sequence[str]) -> bool:
    """Whether a guard of one of the kinds tripped for one of the entities and waits for a person."""
    mine = (guard.c.entity.in_(entities), guard.c.kind.in_(kinds))
    waiting = sa.exists().where(guard.c.division == division, *mine, _waiting())
    return bool(connection.execute(sa.select(waiting)).scalar_one())


def accept(
    connection: sa.Connection, division: str, entity: str, kind: str | None, who: str
) -> Sequence[sa.Row[tuple[str, str, int]]]:
    """Let tripped guards of an entity pass, of one kind or of any; `kind, reason, seen` of those that waited."""
    of_kind = sa.true() if kind is None else guard.c.kind == kind
    return connection.execute(
        sa.update(guard)
        .values(accepted_at=sa.func.now(), accepted_by=who)
        .where(guard.c.division == division, guard.c.entity == entity, of_kind, _waiting())
        .returning(guard.c.kind, guard.c.reason, guard.c.seen)
    ).all()


def lift(connection: sa.Connection, division: str, entity: str, kinds: Sequence[str]) -> None:
    """Forget guards: what they saw is over, or is let pass now."""
    of_entity = (guard.c.division == division, guard.c.entity == entity)
    connection.execute(sa.delete(guard).where(*of_entity, guard.c.kind.in_(kinds)))


def tripped(connection: sa.Connection, division: str, entities: list[str] | None = None) -> pd.DataFrame:
    """`entity, kind, reason, seen, tripped_at, accepted_at` of the guards that tripped, of some entities or of all."""
    names = ("entity", "kind", "reason", "seen", "tripped_at", "accepted_at")
    mine = sa.true() if entities is None else guard.c.entity.in_(entities)
    return read_columns(connection, guard, names, guard.c.division == division, mine, order=("entity", "kind"))


def waiting(connection: sa.Connection, division: str) -> pd.DataFrame:
    """Those of the guards that tripped that nobody has accepted; columns as of `tripped`."""
    found = tripped(connection, division)
    return found[found["accepted_at"].isna()]


def first_run(connection: sa.Connection, division: str, subject: str) -> str | None:
    """The run that first found records of a subject; None before there was one."""
    return connection.execute(
        sa.select(cluster.c.created_run)
        .where(cluster.c.division == division, cluster.c.subject == subject)
        .order_by(cluster.c.id)
        .limit(1)
    ).scalar_one_or_none()


def planned_by(connection: sa.Connection, division: str, debts: Sequence[tuple[str, int, int]], run: str) -> int:
    """How many of the debts, named by entity, cluster and slot, were planned by a run."""
    named = pd.DataFrame(debts, columns=["entity", "cluster_id", "slot"]).astype("str")
    wanted = keys_of(connection, named, "entity", "cluster_id", "slot")
    return connection.execute(
        sa.select(sa.func.count())
        .select_from(owed)
        .join(
            wanted,
            sa.and_(
                wanted.c.entity == owed.c.entity,
                sa.cast(wanted.c.cluster_id, sa.BigInteger) == owed.c.cluster_id,
                sa.cast(wanted.c.slot, sa.Integer) == owed.c.slot,
            ),
        )
        .where(owed.c.division == division, owed.c.run == run)
    ).scalar_one()


def _at(division: str, entity: str, kind: str) -> tuple[sa.ColumnElement[bool], ...]:
    return guard.c.division == division, guard.c.entity == entity, guard.c.kind == kind


def _waiting() -> sa.ColumnElement[bool]:
    return guard.c.accepted_at.is_(None)
