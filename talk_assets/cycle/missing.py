"""Which known records a whole read lacks, and whether they are really gone."""

import logging

import sqlalchemy as sa

from talk_assets.cycle.context import Cycle
from talk_assets.cycle.guards import stops_gone
from talk_assets.errors import SystemFault
from talk_assets.ledger import absence, guards, notes
from talk_assets.ledger.cursors import read_cursor, store_cursor
from talk_assets.ledger.records import count_live, delete_lines_of_deleted

STILL_EXISTS = "still_exists"

logger = logging.getLogger(__name__)


def reads_whole(cycle: Cycle, connection: sa.Connection, entity: str) -> bool:
    """Whether an entity is to be read from the beginning now: once a run, where the mapping says so."""
    options = cycle.mappings.subject_of(entity).deletions_of(entity)
    return options.snapshot and not _counted(cycle, connection, entity)


def note_absent(cycle: Cycle, connection: sa.Connection, entity: str, present: list[str]) -> list[str]:
    """Count the known records that a whole read lacks; the keys of those that were missing often enough.

    Only one read of a run counts: two in one minute say no more than one.

    Args:
        cycle: the run.
        connection: in the transaction in which the read was stored.
        entity: the entity read.
        present: keys of all the records that the read brought.
    """
    if _counted(cycle, connection, entity):
        return []
    store_cursor(connection, cycle.division, _feed(entity), cycle.run_id, cycle.run_id)
    missing = absence.missing_keys(connection, cycle.division, entity, present)
    needed = cycle.mappings.subject_of(entity).deletions_of(entity).misses_needed
    if (entity, guards.EMPTY) not in cycle.let_pass:
        known = count_live(connection, cycle.division, entity)
        # What was let pass before, and only could not be looked up, need not be let pass again.
        fresh = missing - absence.missed(connection, cycle.division, entity, needed)
        if stops_gone(cycle, connection, entity, guards.MISSING, fresh, known) or not missing:
            return []
    # What a person let pass need not be missing again.
    passed = [cycle.let_pass[at] for at in ((entity, guards.EMPTY), (entity, guards.MISSING)) if at in cycle.let_pass]
    certain = set[str]().union(*(missing if each.keys is None else each.keys for each in passed))
    return absence.note_misses(connection, cycle.division, entity, present, needed=needed, certain=certain)


def take_for_deleted(cycle: Cycle, entity: str, suspects: list[str], witness: str | None) -> None:
    """Look suspects up where the mapping wants it, and take those for deleted that do not exist.

    Args:
        cycle: the run.
        entity: their entity.
        suspects: keys of records that were missing often enough.
        witness: key of a record that was just read: a look-up that does not find it either says nothing. Without
            rights some systems answer with an empty list.
    """
    there: set[str] = set()
    if cycle.mappings.subject_of(entity).deletions_of(entity).verify:
        asked = [*suspects, *([witness] if witness is not None else [])]
        try:
            found = cycle.system_of(entity).find(entity, asked)
        except SystemFault as error:
            logger.warning("%d records of %s are missing and could not be looked up: %s", len(suspects), entity, error)
            return
        there = {str(record["_key"]) for record in found.records}
        if witness is not None and witness not in there:
            logger.warning("looking up %d records of %s found not even %s", len(suspects), entity, witness)
            return
    lines = cycle.lines_of(entity)
    with cycle.ledger.begin() as connection:
        absence.forget_misses(connection, cycle.division, entity, sorted(there))
        absence.mark_gone(connection, cycle.division, entity, [key for key in suspects if key not in there])
        if lines is not None:
            delete_lines_of_deleted(connection, cycle.division, entity, lines)
        subject = cycle.mappings.subject_of(entity).subject
        skips = [
            {"subject": subject, "kind": "skip", "entity": entity, "key": key, "rule": STILL_EXISTS}
            for key in suspects
            if key in there
        ]
        notes.add_events(connection, cycle.division, skips, cycle.run_id)


def _feed(entity: str) -> str:
    return f"whole.{entity}"


def _counted(cycle: Cycle, connection: sa.Connection, entity: str) -> bool:
    return read_cursor(connection, cycle.division, _feed(entity)) == cycle.run_id
