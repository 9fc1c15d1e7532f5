"""Properties that a feed no longer tells."""

import logging
from collections.abc import Collection, Sequence

import sqlalchemy as sa

from talk_assets.cycle.context import Cycle
from talk_assets.errors import UnexpectedAnswer
from talk_assets.ledger import records as store
from talk_assets.ledger.cursors import read_cursor, store_cursor
from talk_assets.systems.base import Record

# A column missing from fewer records than this may be a system that leaves out what is empty; one that has left out
# nothing in so many does not.
_ENOUGH_TO_TELL = 10
_LEAVES_OUT = "leaves out"

logger = logging.getLogger(__name__)


def check_names(
    cycle: Cycle,
    connection: sa.Connection,
    entity: str,
    records: Sequence[Record],
    names: Collection[str],
    *,
    complete: bool,
) -> None:
    """Refuse a feed from which a property is gone.

    A system may leave out what is empty; then a few records tell nothing, and many tell only of a property that some
    known record has. Which kind a system is shows in what it gave so far: of one that has always told everything, a
    record without a property is a broken one.

    Args:
        cycle: the run.
        connection: in a transaction.
        entity: the feed's entity.
        records: those read, not none.
        names: all that any of them tells.
        complete: whether these are all records.

    Raises:
        UnexpectedAnswer: a property is gone; nothing may be taken from the feed.
    """
    wanted = cycle.mappings.wanted(entity)
    gone = [name for name in wanted if name not in names]
    # Records that tell all that any of them tells have as many names as there are.
    lacking = gone or min(map(len, records)) < len(names)
    partly = [name for name in wanted if any(name not in record for record in records)] if lacking else []
    known_as = read_cursor(connection, cycle.division, told_feed(entity))
    if partly and known_as == str(_ENOUGH_TO_TELL):
        count = sum(any(name not in record for name in partly) for record in records)
        raise _refused(
            entity,
            f"{', '.join(partly)} is missing from {count} of {len(records)} records, although the system has left "
            "nothing out before",
        )
    _remember(cycle, connection, entity, known_as, partly, len(records))
    many = len(records) >= _ENOUGH_TO_TELL
    leaves_out = known_as == _LEAVES_OUT or min(map(len, records)) < len(names)
    if gone and (not many or leaves_out):
        held = cycle.mappings.subject_of(entity).held_by(entity)
        own = {name: row.members[entity].name for name, row in held.items() if row.members[entity].name in gone}
        asked = list(own) if complete or many else []
        known = store.properties_in_use(connection, cycle.division, entity, asked) if asked else []
        unused = [name for name in gone if name not in {own[name] for name in known}]
        if unused and many and complete:
            logger.warning(
                "Reading %s: none of %d records tells %s. If no record has a value there, all is well: the system "
                "leaves out what is empty. Otherwise correct the name in the mapping or the connector profile.",
                entity,
                len(records),
                ", ".join(unused),
            )
        gone = sorted({own[name] for name in known})
    if gone:
        raise _refused(entity, f"{', '.join(gone)} is missing from all {len(records)} records")


def refuse_without(entity: str, records: Sequence[Record], names: Sequence[str]) -> None:
    """Refuse a feed none of whose records tells a property that decides whether they take part.

    Raises:
        UnexpectedAnswer: such a property is missing from all of enough records to tell.
    """
    gone = [name for name in names if all(name not in record for record in records)]
    if gone and len(records) >= _ENOUGH_TO_TELL:
        raise _refused(entity, f"{', '.join(gone)}, by which records are filtered, is missing from all of them")


def told_feed(entity: str) -> str:
    """The name, beside those of feeds, under which it is kept how much a system tells of an entity."""
    return f"told of {entity}"


def _remember(
    cycle: Cycle, connection: sa.Connection, entity: str, before: str | None, partly: list[str], count: int
) -> None:
    """Keep of how many records nothing was left out, or that something was."""
    whole = int(before) if before is not None and before != _LEAVES_OUT else 0
    now = _LEAVES_OUT if partly or before == _LEAVES_OUT else str(min(whole + count, _ENOUGH_TO_TELL))
    if now != before:
        store_cursor(connection, cycle.division, told_feed(entity), now, cycle.run_id)


def _refused(entity: str, seen: str) -> UnexpectedAnswer:
    return UnexpectedAnswer(
        entity.partition(".")[0],
        f"Reading {entity}: {seen}; nothing was taken from the feed. Correct the name in the mapping or the connector "
        "profile, or restore the property.",
    )
