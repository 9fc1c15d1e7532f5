"""Known records that a system does not show any more: reported as removed, or missing from whole reads."""

from collections.abc import Collection, Sequence

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from talk_assets.ledger.keys import values_of
from talk_assets.ledger.tables import deletion, record


def unapplied(division: str, entities: Sequence[str]) -> list[sa.ColumnElement[bool]]:
    """The removals that a system reported and that nothing was made of yet."""
    return [deletion.c.division == division, deletion.c.entity.in_(entities), deletion.c.applied_at.is_(None)]


def reported(division: str, entities: Sequence[str]) -> list[sa.ColumnElement[bool]]:
    """The live records that such a removal is about; one that was read since is there again."""
    about = [deletion.c.entity == record.c.entity, deletion.c.key == record.c.key]
    return [
        record.c.division == division,
        record.c.entity.in_(entities),
        record.c.deleted_at.is_(None),
        sa.exists().where(*unapplied(division, entities), *about, deletion.c.seen_at >= record.c.read_at),
    ]


def reported_keys(connection: sa.Connection, division: str, entity: str) -> set[str]:
    """The keys of live records that are reported as removed and not marked so yet."""
    new = sa.exists().where(*unapplied(division, [entity]))
    if not connection.execute(sa.select(new)).scalar_one():
        return set()
    return set(connection.execute(sa.select(record.c.key).where(*reported(division, [entity]))).scalars())


def live_among(connection: sa.Connection, division: str, entity: str, keys: Sequence[str]) -> set[str]:
    """Which of the keys are those of live known records."""
    if not keys:
        return set()
    among = _among(connection, keys)
    return set(connection.execute(sa.select(record.c.key).where(*_live(division, entity), among)).scalars())


def deleted_among(connection: sa.Connection, division: str, entity: str, keys: Sequence[str]) -> set[str]:
    """Which of the keys are of records that were found, or reported, deleted; not of those that say so themselves."""
    if not keys:
        return set()
    marked = sa.type_coerce(record.c["values"], JSONB)["marked"].astext
    found = connection.execute(
        sa.select(record.c.key).where(
            record.c.division == division,
            record.c.entity == entity,
            _among(connection, keys),
            sa.or_(
                sa.and_(record.c.deleted_at.is_not(None), marked.is_distinct_from("true")),
                sa.and_(*reported(division, [entity])),
            ),
        )
    )
    return set(found.scalars())


def missing_keys(connection: sa.Connection, division: str, entity: str, present: Sequence[str]) -> set[str]:
    """The keys of live known records that are not among those present."""
    absent = ~_among(connection, present)
    return set(connection.execute(sa.select(record.c.key).where(*_live(division, entity), absent)).scalars())


def note_misses(
    connection: sa.Connection,
    division: str,
    entity: str,
    present: Sequence[str],
    *,
    needed: int,
    certain: Collection[str],
) -> list[str]:
    """Count one more whole read in which known records were missing; the keys of those that were often enough.

    Args:
        connection: in a transaction.
        division: the division.
        entity: the entity read.
        present: keys of the records that the read brought.
        needed: in how many whole reads in a row a record has to be missing.
        certain: keys of those for which this read is enough.
    """
    absent = ~_among(connection, present)
    counted = sa.case((_among(connection, sorted(certain)), needed), else_=record.c.misses + 1)
    rows = connection.execute(
        sa.update(record)
        .values(misses=counted)
        .where(*_live(division, entity), absent)
        .returning(record.c.key, record.c.misses)
    )
    return sorted(str(row.key) for row in rows if row.misses >= needed)


def missed(connection: sa.Connection, division: str, entity: str, times: int) -> set[str]:
    """The keys of live known records that were missing from so many whole reads in a row."""
    found = sa.select(record.c.key).where(*_live(division, entity), record.c.misses >= times)
    return set(connection.execute(found).scalars())


def forget_misses(connection: sa.Connection, division: str, entity: str, keys: Sequence[str]) -> None:
    """Take records for there again."""
    among = _among(connection, keys)
    connection.execute(sa.update(record).values(misses=0).where(*_live(division, entity), among))


def mark_gone(connection: sa.Connection, division: str, entity: str, keys: Sequence[str]) -> None:
    """Take records for deleted; a decision on that has to be taken."""
    connection.execute(
        sa.update(record)
        .values(deleted_at=sa.func.now(), accounted=False, misses=0)
        .where(*_live(division, entity), _among(connection, keys))
    )


def mark_removed(connection: sa.Connection, division: str, entity: str, line: str | None, key: str) -> None:
    """Note that we removed a record, of a document with its lines; about it there is nothing more to decide."""
    at = (record.c.division == division, record.c.deleted_at.is_(None))
    connection.execute(
        sa.update(record)
        .values(deleted_at=sa.func.now(), accounted=True, written_at=None)
        .where(*at, record.c.entity == entity, record.c.key == key)
    )
    if line is not None:
        connection.execute(
            sa.update(record)
            .values(deleted_at=sa.func.now(), accounted=False)
            .where(*at, record.c.entity == line, record.c.document == key)
        )


def forget(connection: sa.Connection, division: str, entity: str, lines: str | None, keys: Sequence[str]) -> int:
    """Forget what records, and the lines of documents, hold; how many records were known."""
    gone = values_of(connection, "key", keys)
    if lines is not None:
        at = (record.c.division == division, record.c.entity == lines, record.c.document == gone.c.key)
        connection.execute(sa.delete(record).where(*at))
    at = (record.c.division == division, record.c.entity == entity, record.c.key == gone.c.key)
    return connection.execute(sa.delete(record).where(*at)).rowcount


def _live(division: str, entity: str) -> tuple[sa.ColumnElement[bool], ...]:
    return record.c.division == division, record.c.entity == entity, record.c.deleted_at.is_(None)


def _among(connection: sa.Connection, keys: Sequence[str]) -> sa.ColumnElement[bool]:
    named = values_of(connection, "key", keys)
    return sa.exists().where(named.c.key == record.c.key)
