"""Step 7: what looks like an accident waits for a person.

A guard that tripped is kept in the ledger, so that it survives restarts. It is over when what it saw is over, or when a
person lets it pass once: `talk-assets accept`. That holds for what the person was told of, records that are gone by
their keys and writes by their number, and for as much as is let through anyway; more than that trips it anew.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from talk_assets.cycle.context import Cycle
from talk_assets.ledger import guards, notes
from talk_assets.ledger.absence import missed
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


@dataclass(frozen=True)
class _Seen:
    """What a guard sees.

    Attributes:
        kind: of guard.
        rule: by which it is told of in history.
        count: how many records or writes.
        limit: how many are let through.
        what: that in words.
        then: what comes of it, and what a person can do.
        keys: of the records, where an acceptance is about these and no others.
    """

    kind: str
    rule: str
    count: int
    limit: int
    what: str
    then: str
    keys: Collection[str] | None = None

    @property
    def over(self) -> bool:
        return self.count > self.limit

    def beyond(self, accepted: guards.Accepted) -> bool:
        """Whether it is more than a person let pass, and than is let through anyway."""
        if self.keys is None or accepted.keys is None:
            return self.count - accepted.seen > self.limit
        return len(set(self.keys) - accepted.keys) > self.limit


def stops_empty_feed(cycle: Cycle, connection: sa.Connection, entity: str, known: int, *, empty: bool) -> bool:
    """Whether nothing may be taken from a whole read because it is empty although records were known.

    Args:
        cycle: the run.
        connection: in a transaction.
        entity: the entity read.
        known: how many live records were known.
        empty: whether the whole read was.
    """
    needed = cycle.mappings.subject_of(entity).deletions_of(entity).misses_needed
    # What was let pass before, and only could not be looked up, need not be let pass again.
    fresh = known - len(missed(connection, cycle.division, entity, needed)) if empty and known else 0
    seen = _Seen(
        guards.EMPTY,
        EMPTY_FEED,
        fresh,
        0,
        f"the feed is empty although {known:,} records were known",
        "nothing was taken from it. Check the rights of the connection and the address.",
    )
    return _stop(cycle, connection, entity, [seen])


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


def stops_gone(
    cycle: Cycle, connection: sa.Connection, entity: str, kind: str, gone: Collection[str], known: int
) -> bool:
    """Whether records do not count as deleted because they are too many.

    Args:
        cycle: the run.
        connection: in a transaction.
        entity: the entity read.
        kind: how that they are gone showed: MISSING from a whole read, or DELETED, as the system or they say.
        gone: their keys.
        known: of how many that were known.
    """
    most = cycle.mappings.subject_of(entity).guards_of(entity).most_missing(known)
    shown, look = _GONE[kind]
    what = f"{len(gone):,} of {known:,} known records are {shown}, more than {most:,}"
    then = f"none of them was taken for deleted. {look}"
    return _stop(cycle, connection, entity, [_Seen(kind, TOO_MANY_MISSING, len(gone), most, what, then, gone)])


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
    then = "nothing was written and all of it stays owed. `talk-assets status` lists it."
    owed = f"{counted:,} writes are owed, more than {most:,}"
    most_deletes = limits.max_deletes_per_run
    removed = f"{deletes:,} records are to be deleted or archived, more than {most_deletes:,}"
    seen = [
        _Seen(guards.VOLUME, TOO_MANY_WRITES, counted, most, owed, then),
        _Seen(guards.REMOVALS, TOO_MANY_WRITES, deletes, most_deletes, removed, then),
    ]
    return _stop(cycle, connection, entity, seen)


def _stop(cycle: Cycle, connection: sa.Connection, entity: str, sights: Sequence[_Seen]) -> bool:
    """Whether any of the guards stops the step; only where none does, what a person let pass is used up."""
    guards.lift(connection, cycle.division, entity, [seen.kind for seen in sights if not seen.over])
    accepted = {}
    stopped = False
    for seen in sights:
        if not seen.over:
            continue
        at = (entity, seen.kind)
        known = cycle.let_pass.get(at) or guards.accepted(connection, cycle.division, entity, seen.kind)
        if known is not None and not seen.beyond(known):
            accepted[at] = known
        else:
            stopped = True
            _trip(cycle, connection, entity, seen, known)
    if not stopped and accepted:
        guards.lift(connection, cycle.division, entity, [kind for _, kind in accepted])
        # For the whole run: a step that is repeated must not trip over what it has left to do.
        cycle.let_pass.update(accepted)
    return stopped


def _trip(cycle: Cycle, connection: sa.Connection, entity: str, seen: _Seen, accepted: guards.Accepted | None) -> None:
    beyond = ""
    if accepted is not None:
        of_these = seen.keys is not None and accepted.keys is not None and not accepted.keys.issubset(seen.keys)
        beyond = f", and a person accepted {accepted.seen:,}{', others among them' if of_these else ''}"
    reason = f"{seen.what}{beyond}; {seen.then}"
    at = (connection, cycle.division, entity, seen.kind)
    if guards.trip(*at, reason=reason, seen=seen.count, keys=seen.keys, run=cycle.run_id):
        subject = cycle.mappings.subject_of(entity).subject
        skip = {"subject": subject, "entity": entity, "rule": seen.rule, "detail": {"reason": reason}}
        notes.add_events(connection, cycle.division, [{**skip, "kind": "skip"}], cycle.run_id)
