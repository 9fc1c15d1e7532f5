"""What a changed mapping or setting concerns is read and decided again: its records did not change, its rules did."""

import hashlib
import json
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from talk_assets.cycle.absent import told_feed
from talk_assets.cycle.context import Cycle
from talk_assets.cycle.writes import FORBIDDEN
from talk_assets.ledger.cursors import forget_cursors, read_cursor, store_cursor
from talk_assets.ledger.former import UNLINKED
from talk_assets.ledger.planned import owe_anew
from talk_assets.ledger.records import mark_undecided
from talk_assets.ledger.unmapped import drop_unmapped, drop_without_member
from talk_assets.mappings.model import Subject

# However often a mapping is changed, a hopeless write is sent again once in this time: a system bears few refusals.
_OWED_ANEW = timedelta(hours=1)


def renew(cycle: Cycle, reading: str) -> None:
    """Have the subjects read from the beginning and decided again whose rules are not those of the last run.

    What was kept about entities that are mapped no more goes, but for what a person said.

    Args:
        cycle: the run.
        reading: how the systems are read, as text: another connector profile can give other values.
    """
    with cycle.ledger.begin() as connection:
        drop_unmapped(connection, cycle.division, cycle.mappings.with_lines, [UNLINKED])
        for name, subject in cycle.mappings.subjects.items():
            rules = _rules(cycle, subject, reading)
            known = read_cursor(connection, cycle.division, f"rules.{name}")
            if known == rules:
                continue
            store_cursor(connection, cycle.division, f"rules.{name}", rules, cycle.run_id)
            if known is not None:
                _begin_again(cycle, connection, subject)


def read_from_the_beginning(cycle: Cycle) -> None:
    """Have every entity read whole, which finds what lists of changes and of removed records left out."""
    with cycle.ledger.begin() as connection:
        forget_cursors(connection, cycle.division, cycle.mappings.entities)


def _begin_again(cycle: Cycle, connection: sa.Connection, subject: Subject) -> None:
    entities = [*subject.entities, *(subject.lines.entities if subject.lines is not None else [])]
    forget_cursors(connection, cycle.division, [*entities, *map(told_feed, entities)])
    mark_undecided(connection, cycle.division, entities)
    drop_without_member(connection, cycle.division, cycle.mappings.with_lines)
    _owe_anew(cycle, connection, subject, entities)


def _owe_anew(cycle: Cycle, connection: sa.Connection, subject: Subject, entities: list[str]) -> None:
    """Send again what was refused: of a mended code the canonical value, by which debts are compared, is the same."""
    name, now = f"owed anew.{subject.subject}", datetime.now(UTC)
    before = read_cursor(connection, cycle.division, name)
    again = now if before is None else datetime.fromisoformat(before) + _OWED_ANEW
    # One from the future was noted by a clock that was ahead.
    later = again if now < again <= now + _OWED_ANEW else None
    if owe_anew(connection, cycle.division, entities, forbidden=FORBIDDEN, not_before=later) and later is None:
        store_cursor(connection, cycle.division, name, now.isoformat(), cycle.run_id)


def _rules(cycle: Cycle, subject: Subject, reading: str) -> str:
    """A mark of everything by which a subject is read, matched and decided."""
    subjects = [subject, *([subject.lines] if subject.lines is not None else [])]
    members = [member for each in subjects for row in each.properties.values() for member in row.members.values()]
    settings = sorted({member.default_setting for member in members if member.default_setting is not None})
    parts = [
        reading,
        # How much may change at once says nothing about what is right.
        subject.model_dump_json(exclude={"guards": True, "lines": {"guards"}}),
        *(cycle.capabilities[entity].model_dump_json() for each in subjects for entity in each.entities),
        *(f"{name}={cycle.defaults.get(name)}" for name in settings),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
