"""Which command, or else what in a system, settles what is held or owed."""

from collections.abc import Mapping

from talk_assets.cycle.agree import INVALID_GOLDEN, UNFIT
from talk_assets.cycle.collect import INVALID, INVALID_LINE
from talk_assets.cycle.duplicates import DUPLICATE_KEY
from talk_assets.cycle.lines import AMBIGUOUS_LINES
from talk_assets.cycle.linking import AMBIGUOUS
from talk_assets.cycle.pairs import INVALID_PAIR
from talk_assets.cycle.references import REFERENCE
from talk_assets.cycle.removed_lines import REMOVED_LINE
from talk_assets.ledger.former import UNLINKED

# A tripped guard, beside the kinds of hold.
GUARD = "guard"
_CORRECT = "correct it in its system; the next talk-assets sync takes it"
_HOLDS: Mapping[str, str] = {
    AMBIGUOUS: "talk-assets link {record} OTHER (the same) or talk-assets unlink {record} OTHER (not the same)",
    AMBIGUOUS_LINES: "talk-assets link {record} OTHER",
    DUPLICATE_KEY: "correct the wrong value in its system; a wrong link: talk-assets unlink {record} OTHER",
    GUARD: "talk-assets accept {record}",
    INVALID: _CORRECT,
    INVALID_GOLDEN: _CORRECT,
    INVALID_LINE: _CORRECT,
    INVALID_PAIR: "talk-assets unlink {record} OTHER",
    REFERENCE: "settle what it waits for",
    REMOVED_LINE: "remove the line there too, or add it again",
    UNFIT: _CORRECT,
    UNLINKED: "talk-assets link {record} OTHER or talk-assets accept {record}",
}
_DEBTS: Mapping[str, str] = {
    "dead": "talk-assets retry {record}, or correct the record: it is then sent again",
    "person": "enter it; the next talk-assets sync sees it",
    "waiting": "settle what it waits for",
    "owed": "the next talk-assets sync sends it",
}


def with_command(reason: str, advice: str) -> str:
    """Why something waits, with the command that settles it where there is one."""
    return f"{reason.rstrip('.')}. To settle it: {advice}" if "talk-assets" in advice else reason


def settled_by(kind: str, record: str) -> str:
    """What settles a hold of a kind, or a tripped guard; '' for a kind that says so in its reason.

    Args:
        kind: of the hold, or `GUARD`.
        record: the record as `entity/key`, of a guard the entity.
    """
    return _HOLDS.get(kind, "").format(record=record)


def resolved_by(record: str, name: str) -> str:
    """What settles a conflict of a property."""
    return f"talk-assets resolve {record} {name} --take RECORD_OR_VALUE"


def delivered_by(state: str, record: str) -> str:
    """What settles a debt in a state; '' for an unknown one. `record`: its record, or the one that it is made from."""
    return _DEBTS.get(state, "").format(record=record)
