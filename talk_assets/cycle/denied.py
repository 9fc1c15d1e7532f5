"""Entities that a system does not let us read and that we never write: the run does without them.

Anything else that may not be read stops what rests on it: what is created there, or from it, could be there already.
"""

from datetime import UTC, datetime, timedelta

from talk_assets.cycle.context import Cycle
from talk_assets.ledger.cursors import forget_cursors, read_cursor, store_cursor
from talk_assets.mappings.capabilities import Capabilities
from talk_assets.mappings.leaving_out import asked_about
from talk_assets.mappings.model import Mappings

# A system bears few refused calls; a right that is given is noticed after this long.
ASKED_AGAIN = timedelta(hours=1)


def can_be_missed(capabilities: Capabilities, mappings: Mappings, entity: str) -> bool:
    """Whether a run can do without an entity: nothing is written to it, or elsewhere because it has no record."""
    return capabilities[entity].read_only is not None and entity not in asked_about(mappings, mappings.flows)


def denied_lately(cycle: Cycle, entity: str) -> str | None:
    """What the system said when it was asked within the last hour; None when it has to be asked."""
    with cycle.ledger.begin() as connection:
        noted = read_cursor(connection, cycle.division, _name(entity))
    if noted is None:
        return None
    at, _, said = noted.partition(" ")
    return said if datetime.fromisoformat(at) + ASKED_AGAIN > datetime.now(UTC) else None


def note_denied(cycle: Cycle, entity: str, said: str) -> None:
    """Remember what the system said."""
    with cycle.ledger.begin() as connection:
        now = datetime.now(UTC).isoformat()
        store_cursor(connection, cycle.division, _name(entity), f"{now} {said}", cycle.run_id)


def forget_denied(cycle: Cycle, entity: str) -> None:
    """The entity can be read."""
    with cycle.ledger.begin() as connection:
        forget_cursors(connection, cycle.division, [_name(entity)])


def _name(entity: str) -> str:
    return f"denied.{entity}"
