"""Step 7: what looks like an accident waits for a person.

A guard that tripped is kept in the ledger, so that it survives restarts. It is over when what it saw is over, or when a
person lets it pass once: `talk-assets accept`.
"""

from collections.abc import Sequence

import sqlalchemy as sa

from talk_assets.cycle.context import Cycle
from talk_assets.ledger import guards, notes
from talk_assets.ledger.records import count_live

EMPTY_FEED, TOO_MANY_MISSING, TOO_MANY_WRITES = "empty_feed", "too_many_missing", "too_many_writes"
# Per kind of guard over records that are gone: how that showed, and where a person looks.
_GONE = {
    guards.MISSING: (
        "missing from a whole read",
        "Check the rights of the connection and the filters of the system.",
    ),
    guards.DELETED: ("reported as deleted at once", "See in the system whether that is meant."),
}


def stops_empty_feed(cycle: Cycle, connection: sa.Connection, entity: str, known: int, *, empty: bool) -> bool:
    """Whether nothing may be taken from a whole read because it is empty although records were known.

    Args:
        cycle: the run.
        connection: in a transaction.
        entity: the entity read.
        known: how many live records were known.
        empty: whether the whole read was.
    """
    reason = (
        f"the feed is empty although {known:,} records were known; nothing was taken from it. Check the rights of the "
        "connection and the address."
    )
    over = empty and known > 0
    return _stops(cycle, connection, entity, guards.EMPTY, EMPTY_FEED, reason=reason, seen=known, over=over)


def stops_empty_lines(cycle: Cycle, connection: sa.Connection, lines: str, *, empty: bool) -> bool:
    """Whether nothing may be taken from a whole read of documents because it brings none of the lines known.

    Args:
        cycle: the run.
        connection: in a transaction.
        lines: the line entity.
        empty: whether the whole read brought documents and no line.
    """
    known = count_live(connection, cycle.division, lines) if empty else 0
    return stops_empty_feed(cycle, connection, lines, known, empty=empty)


def stops_gone(cycle: Cycle, connection: sa.Connection, entity: str, kind: str, gone: int, known: int) -> bool:
    """Whether records do not count as deleted because they are too many.

    Args:
        cycle: the run.
        connection: in a transaction.
        entity: the entity read.
        kind: how that they are gone showed: MISSING from a whole read, or DELETED, as the system or they say.
        gone: how many.
        known: of how many that were known.
    """
    most = cycle.mappings.subject_of(entity).guards_of(entity).most_missing(known)
    shown, look = _GONE[kind]
    seen = f"{gone:,} of {known:,} known records are {shown}, more than {most:,}"
    reason = f"{seen}; none of them was taken for deleted. {look}"
    return _stops(cycle, connection, entity, kind, TOO_MANY_MISSING, reason=reason, seen=gone, over=gone > most)


def stops_writes(
    cycle: Cycle, connection: sa.Connection, entity: str, writes: Sequence[tuple[str, int, int]], deletes: int
) -> bool:
    """Whether nothing may be written to an entity because it would be too much.

    Args:
        cycle: the run.
        connection: in a transaction.
        entity: the entity, which stands for its lines too.
        writes: entity, cluster and slot of the debts that can be delivered.
        deletes: how many of them delete or archive a record.
    """
    subject = cycle.mappings.subject_of(entity)
    limits = subject.guards_of(entity)
    # Counting all is dear, and none is never too many.
    most = limits.most_writes(count_live(connection, cycle.division, entity)) if writes else 0
    counted = len(writes)
    if counted > most and limits.guard_from_second_run:
        first = guards.first_run(connection, cycle.division, subject.subject)
        counted -= guards.planned_by(connection, cycle.division, writes, first or "")
    over = counted > most or deletes > limits.max_deletes_per_run
    what = f"{counted:,} writes are owed, more than {most:,}"
    if deletes > limits.max_deletes_per_run:
        what = f"{deletes:,} records are to be deleted or archived, more than {limits.max_deletes_per_run:,}"
    reason = f"{what}; nothing was written and all of it stays owed. `talk-assets status` lists it."
    return _stops(cycle, connection, entity, guards.VOLUME, TOO_MANY_WRITES, reason=reason, seen=counted, over=over)


def _stops(
    cycle: Cycle, connection: sa.Connection, entity: str, kind: str, rule: str, *, reason: str, seen: int, over: bool
) -> bool:
    if not over:
        guards.lift(connection, cycle.division, entity, kind)
        return False
    if (entity, kind) in cycle.let_pass or guards.use(connection, cycle.division, entity, kind):
        # For the whole run: a step that is repeated must not trip over what it has left to do.
        cycle.let_pass.add((entity, kind))
        return False
    if guards.trip(connection, cycle.division, entity, kind, reason=reason, seen=seen, run=cycle.run_id):
        subject = cycle.mappings.subject_of(entity).subject
        skip = {"subject": subject, "entity": entity, "rule": rule, "detail": {"reason": reason}}
        notes.add_events(connection, cycle.division, [{**skip, "kind": "skip"}], cycle.run_id)
    return True
