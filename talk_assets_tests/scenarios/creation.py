"""What the rules of a case say about where missing records are created."""

from typing import Any

from talk_assets_tests.scenarios.case import Case
from talk_assets_tests.scenarios.groups import Group
from talk_assets_tests.scenarios.kinds import Kind
from talk_assets_tests.scenarios.store import moment
from talk_assets_tests.scenarios.words import NotExpressible, Values, meant, of_places, told

_INSERTS = {
    "both": {"true", "yes", "on", "all", "both sides", "both ways", "everywhere", "either", "allowed"},
    "none": {"false", "no", "off", "never", "nowhere", "neither", "forbidden"},
    "left_only": {"left", "to left", "only left", "into left", "on left", "right to left"},
    "right_only": {"right", "to right", "only right", "into right", "on right", "left to right"},
}
_HISTORY = {
    "leave": {
        "ignore",
        "ignored",
        "new only",
        "only new",
        "false",
        "no",
        "none",
        "off",
        "exclude",
        "excluded",
        "skip",
        "skipped",
        "never",
        "not imported",
        "match only",
        "link only",
        "do not insert",
        "no inserts",
        "without",
        "hold",
        "from onboarding",
    },
    "take": {
        "import",
        "include",
        "included",
        "all",
        "full",
        "true",
        "yes",
        "on",
        "import all",
        "everything",
        "complete",
        "migrate",
        "sync",
        "with",
        "insert",
    },
}


def may_create(case: Case, inserts: Any, one: Kind, two: Kind) -> Values:
    """On which sides of a flow the rules let records be created.

    Args:
        case: the case.
        inserts: what an event says instead of the rules; None when it says nothing.
        one: the left kind.
        two: the right kind.
    """
    wish = case.rules.get("inserts") if inserts is None else inserts
    return {kind.side: _may(case, wish, kind, far) for kind, far in ((one, two), (two, one))}


def _may(case: Case, wish: Any, kind: Kind, far: Kind) -> bool:
    found = told(wish, kind.side, kind.type, case.types)
    if found is None and of_places(wish, case.types):
        # Said of the type that it is created from.
        found = told({k: v for k, v in wish.items() if k == far.type}, kind.side, far.type, case.types)
    if found is None or found == {}:
        return True
    meaning = meant(found, _INSERTS, "inserts")
    return meaning == "both" or meaning == f"{kind.side}_only"


def creation(case: Case, group: Group, one: Kind, two: Kind, may: Values, rows: dict[str, Values]) -> Values:
    """A flow's `create`.

    In a cluster of several types a record gets a counterpart on the other side: its namesake, or where that side has no
    such type any of the cluster. Nothing is created beside it on its own side.
    """
    found: Values = {"exact": may["right"], "customerp": may["left"]}
    if group.together:
        lefts = {kind.type for kind, _ in group.pairs}
        rights = {kind.type for _, kind in group.pairs}
        found["exact"] &= one.type == two.type or one.type not in rights
        found["customerp"] &= one.type == two.type or two.type not in lefts
        found |= _unless(group, one, two, lefts, rights)
    for kind, system in ((one, "customerp"), (two, "exact")):
        # Nobody makes a record of which nothing is known.
        found[system] &= any(kind.entity in row["members"] for row in rows.values() if row.get("direction") != "match")
    since = _since(case, one, two)
    if since is not None:
        found["since"] = moment(since)
    return found


def _unless(group: Group, one: Kind, two: Kind, lefts: set[str], rights: set[str]) -> Values:
    """Nothing is created beside a record without namesake only because that one got a counterpart."""
    if one.type != two.type:
        return {}
    alone = [kind.entity for pair in group.pairs for kind in pair if kind.type not in lefts & rights]
    return {"unless": alone[0]} if alone else {}


def _since(case: Case, one: Kind, two: Kind) -> float | None:
    """Since when a record has to have been changed to be created elsewhere; None when its age does not matter."""
    wishes = [told(case.rules.get("history"), kind.side, kind.type, case.types) for kind in (one, two)]
    said = {meant(wish, _HISTORY, "history") for wish in wishes if wish is not None}
    at = [told(case.rules.get("onboarded_at"), kind.side, kind.type, case.types) for kind in (one, two)]
    dates = {float(each) for each in at if isinstance(each, int | float)}
    if any(each is not None and not isinstance(each, int | float) for each in at) or len(said) > 1 or len(dates) > 1:
        raise NotExpressible(f"history, onboarded_at: {case.rules.get('history')}, {case.rules.get('onboarded_at')}")
    by_type = isinstance(case.rules.get("history"), dict)
    if "take" in said or (by_type and not said):
        return None
    if "leave" in said and not dates:
        raise NotExpressible("history: the case does not say when it was onboarded (`onboarded_at`)")
    return dates.pop() if dates else None
