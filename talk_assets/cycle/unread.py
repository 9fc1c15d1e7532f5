"""Entities that were never read: nobody knows what is there, so nothing is created there."""

from collections.abc import Iterable

import sqlalchemy as sa

from talk_assets.cycle.context import Cycle
from talk_assets.ledger.cursors import read_cursor
from talk_assets.ledger.records import mark_undecided


def unread(cycle: Cycle, connection: sa.Connection, entities: Iterable[str]) -> list[str]:
    """Which of the entities were never read, lines as part of their documents."""
    return [
        entity
        for entity in entities
        if read_cursor(connection, cycle.division, cycle.capabilities[entity].document or entity) is None
    ]


def read_at_last(cycle: Cycle, connection: sa.Connection, entity: str) -> None:
    """Have the subject of an entity that is read for the first time decided again: what lacked it may get it now."""
    if unread(cycle, connection, [entity]):
        subject = cycle.mappings.subject_of(entity)
        lines = subject.lines.entities if subject.lines is not None else []
        mark_undecided(connection, cycle.division, [*subject.entities, *lines])
