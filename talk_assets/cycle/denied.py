"""Entities that a system does not let us read and that we never write: the run does without them.

Anything else that may not be read stops what rests on it: what is created there, or from it, could be there already.

What a system said is kept apart from what a run stores, so that a preview remembers it, too.
"""

from datetime import UTC, datetime, timedelta

from talk_assets.ledger.cursors import forget_cursors, forget_named, read_cursor, store_cursor
from talk_assets.ledger.database import Ledger
from talk_assets.mappings.capabilities import Capabilities
from talk_assets.mappings.leaving_out import asked_about
from talk_assets.mappings.model import Mappings

# A system bears few refused calls; a right that is given is noticed after this long.
ASKED_AGAIN = timedelta(hours=1)
# For which login notes were made; they are named after it.
_NOTES = "denied"


def can_be_missed(capabilities: Capabilities, mappings: Mappings, entity: str) -> bool:
    """Whether a run can do without an entity: nothing is written to it, or elsewhere because it has no record."""
    return capabilities[entity].read_only is not None and entity not in asked_about(mappings, mappings.flows)


def denied_lately(ledger: Ledger, division: str, entity: str) -> str | None:
    """What the system said when it was asked within the last hour; None when it has to be asked."""
    noted = _noted(ledger, division, entity)
    if noted is None:
        return None
    at, said = noted
    # A note from the future was made by a clock that was ahead.
    return said if timedelta() <= datetime.now(UTC) - at < ASKED_AGAIN else None


def denied_last(ledger: Ledger, division: str, entity: str) -> str | None:
    """What the system said when it was asked last, however long ago; None when it let us read the entity."""
    noted = _noted(ledger, division, entity)
    return None if noted is None else noted[1]


def note_denied(ledger: Ledger, division: str, entity: str, said: str, run_id: str) -> None:
    """Remember what the system said."""
    with ledger.begin_apart() as connection:
        store_cursor(connection, division, _name(entity), f"{datetime.now(UTC).isoformat()} {said}", run_id)


def forget_denied(ledger: Ledger, division: str, entity: str) -> None:
    """The entity can be read."""
    with ledger.begin_apart() as connection:
        forget_cursors(connection, division, [_name(entity)])


def forget_denials(ledger: Ledger) -> None:
    """Somebody logged in: it may be somebody who may read more."""
    with ledger.begin_apart() as connection:
        forget_named(connection, None, f"{_NOTES}.")


def heed_login(ledger: Ledger, division: str, login: str, run_id: str) -> None:
    """Forget what was said to another login than this one."""
    with ledger.begin_apart() as connection:
        if read_cursor(connection, division, _NOTES) != login:
            forget_named(connection, division, f"{_NOTES}.")
            store_cursor(connection, division, _NOTES, login, run_id)


def _noted(ledger: Ledger, division: str, entity: str) -> tuple[datetime, str] | None:
    with ledger.begin_apart() as connection:
        noted = read_cursor(connection, division, _name(entity))
    if noted is None:
        return None
    at, _, said = noted.partition(" ")
    return datetime.fromisoformat(at), said


def _name(entity: str) -> str:
    return f"{_NOTES}.{entity}"
