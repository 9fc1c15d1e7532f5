"""What the rules of a case say about deletions and guards, in the words of a mapping."""

from typing import Any

from talk_assets_tests.scenarios.case import SYSTEMS, Case, NotExpressible, Values
from talk_assets_tests.scenarios.kinds import Kind

REMOVAL_RULES = {
    "deletes",
    "archive",
    "deleted_when",
    "snapshot",
    "verify_deletes",
    "misses_needed",
    "edit_versus_delete",
    "max_missing_share",
    "max_writes_per_run",
    "guard_from_second_run",
    "max_retries",
}


def when_gone(case: Case, one: Kind, other: Kind) -> Values:
    """A flow's `when_gone`: what happens when the record of either side is gone."""
    found: Values = {SYSTEMS[kind.side]: _of(case.rules.get("deletes"), kind) or "ignore" for kind in (one, other)}
    edited = case.rules.get("edit_versus_delete")
    return found if edited is None else {**found, "edited": str(edited).removesuffix("_wins")}


def deletions(case: Case, kinds: list[Kind]) -> Values:
    """A subject's `deletions`."""
    return {kind.entity: _deletions(case, kind) for kind in kinds}


def guards(case: Case, kinds: list[Kind]) -> Values:
    """A subject's `guards`."""
    rules, found = case.rules, {}
    for kind in kinds:
        own: Values = {}
        if rules.get("max_missing_share") is not None:
            own |= {"max_missing": 0, "max_missing_share": float(_of(rules["max_missing_share"], kind))}
        if rules.get("max_writes_per_run") is not None:
            most = int(_of(rules["max_writes_per_run"], kind))
            own |= {"max_writes_per_run": most, "max_writes_share": 0, "max_deletes_per_run": most}
        if rules.get("guard_from_second_run") is not None:
            own["guard_from_second_run"] = bool(rules["guard_from_second_run"])
        if rules.get("max_retries") is not None:
            own["max_retries"] = int(_of(rules["max_retries"], kind))
        found[kind.entity] = own
    return found


def beside(case: Case) -> set[str]:
    """Properties that only say that a record is deleted."""
    named = {str(condition).split()[0] for condition in (case.rules.get("deleted_when") or {}).values()}
    return named | {name for values in (case.rules.get("archive") or {}).values() for name in values}


def _deletions(case: Case, kind: Kind) -> Values:
    rules = case.rules
    found: Values = {
        "misses_needed": int(rules.get("misses_needed", 1)),
        "verify": bool(rules.get("verify_deletes", False)),
    }
    condition = (rules.get("deleted_when") or {}).get(kind.side)
    if condition is not None:
        found["deleted_when"] = _condition(str(condition))
    for name, value in ((rules.get("archive") or {}).get(kind.side) or {}).items():
        found["archive"] = {"name": name, "value": str(value).lower() if isinstance(value, bool) else str(value)}
    return found


def _condition(text: str) -> Values:
    """`deleted_at is set`, `status is closed`, `active = false`."""
    name, sign, value = text.split(maxsplit=2)
    if sign not in ("is", "=", "==", "equals"):
        raise NotExpressible(f"deleted_when: {text}")
    return {"name": name} if value == "set" else {"name": name, "equals": [value.strip("'\"")]}


def _of(wish: Any, kind: Kind) -> Any:
    """What a rule says for all, or for a side or type by name."""
    if not isinstance(wish, dict):
        return wish
    return next((wish[name] for name in (f"{kind.side}/{kind.type}", kind.side, kind.type) if name in wish), None)
