"""Plain words for what the ledger keeps in codes."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from talk_assets.mappings.model import Property, Subject

_RULES = {
    "latest": "the latest edit wins",
    "manual": "a person decides between different edits",
    "union": "what anybody added stays, what anybody removed goes",
    "empty never wins": "an empty value never replaces another one",
    "to_exact": "only edits in Customerp count",
    "to_customerp": "only edits in Exact count",
    "create_in_exact": "the value is Customerp's, and sent once, when the record is created in Exact",
    "claims": "edits made there do not count",
    "undo": "a person undid a run",
}
_SKIPS = {
    "stale": "what was read is older than what is known",
    "changed_since_read": "the record had moved since it was read, and was decided again",
    "partner_deleted": "its counterpart was deleted",
    "deleted_at_source": "it was deleted where it came from",
    "still_exists": "it is still there",
    "empty_feed": "the feed was suddenly empty",
    "missing_required": "a required value is missing",
    "historical": "it is older than what is synchronised",
    "out_of_filter": "it is outside of what is synchronised",
    "tombstone": "it was deleted before",
    "too_many_missing": "too many records were missing at once",
    "too_many_writes": "too many writes were due at once",
    "writes_off": "writing is switched off there",
    "unmapped_value": "its value has no counterpart there",
}


def moment(at: datetime | str | None) -> str:
    """A time for people: UTC, to the second."""
    if at is None:
        return "at a time that was not kept"
    known = datetime.fromisoformat(at) if isinstance(at, str) else at
    return f"{known.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def quoted(value: str | None) -> str:
    """A value for people."""
    return repr(value) if value else "(empty)"


def rule(name: str | None, row: Property | None = None, detail: Mapping[str, Any] | None = None) -> str:
    """A rule with what it means; `row` is its property, `detail` what was kept with the decision."""
    if not name:
        return "a rule that was not kept"
    order = " before ".join(row.order) if row is not None else ""
    if name == "owner" and order:
        return f"owner: {order}"
    if name == "prefer" and order:
        return f"prefer: {order}"
    who = (detail or {}).get("who", "a person")
    if name == "undo" and detail and detail.get("run"):
        return f"undo: {who} undid run {detail['run']}"
    if name == "resolve":
        return f"resolve: {who} decided it"
    return f"{name}: {_RULES[name]}" if name in _RULES else name


def skip(reason: str | None) -> str:
    """Why a write was left out."""
    return _SKIPS.get(reason or "", reason or "for a reason that was not kept")


def link(origin: str | None, subject: Subject) -> str:
    """How a record came to be linked, to go after its name."""
    if origin is None or origin == "alone":
        return "was taken up by itself"
    if origin == "insert":
        return "was created by us"
    if origin == "insert found after an interruption":
        return "was created by us; the answer was lost, and it was found again"
    if origin.endswith(" names it"):
        return f"was linked because {origin}"
    parts = origin.split(" and ")
    if all(part == "position" or part in subject.properties for part in parts):
        return f"was linked because {origin} {'is' if len(parts) == 1 else 'are'} equal"
    return f"was linked: {origin}"


def noted(changed: datetime | str | None, read_at: datetime | str | None, read_run: str | None) -> str:
    """When a value was changed and read, in brackets; '' when neither is known."""
    parts = [f"changed there {moment(changed)}"] if changed is not None else []
    if read_at is not None:
        parts.append(f"read {moment(read_at)}" + (f" in run {read_run}" if read_run else ""))
    return f" ({', '.join(parts)})" if parts else ""
