"""What the rules of a case say about deletions and guards, in the words of a mapping."""

from typing import TYPE_CHECKING, Any

from talk_assets_tests.scenarios.case import Case
from talk_assets_tests.scenarios.conditions import conditions, text_of
from talk_assets_tests.scenarios.kinds import Kind
from talk_assets_tests.scenarios.words import (
    SYSTEMS,
    NotExpressible,
    Values,
    flag,
    meant,
    of_places,
    other,
    plain,
    share,
    told,
    whole,
)

if TYPE_CHECKING:
    from talk_assets_tests.scenarios.groups import Seen

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
_POLICIES = {
    "ignore": {"none", "no", "false", "off", "keep", "nothing", "do nothing", "note", "leave"},
    "delete": {"yes", "true", "on", "propagate", "remove", "hard", "hard delete", "cascade", "follow"},
    "archive": {"soft", "soft delete", "deactivate", "inactivate", "block", "mark"},
    "restore": {"recreate", "revive", "put back", "undelete", "undo", "re create", "reinsert"},
}
_EDITED = {
    "conflict": {"ask", "manual", "hold", "report", "operator", "person", "decide", "none", "review"},
    "edit": {"edited", "keep", "restore", "edit survives", "keep edit", "update", "revive", "the edit"},
    "delete": {"deleted", "remove", "deletion", "keep delete", "the delete", "the deletion"},
}
# Flags by which systems commonly say that a record is out of use, and what they then hold.
_FLAGS = {
    "true": (
        "archived",
        "is_archived",
        "inactive",
        "is_inactive",
        "deleted",
        "is_deleted",
        "blocked",
        "disabled",
        "closed",
    ),
    "false": ("active", "is_active", "enabled", "in_use"),
}


def when_gone(case: Case, one: Kind, two: Kind) -> Values:
    """A flow's `when_gone`: what happens when the record of either side is gone."""
    found: Values = {SYSTEMS[kind.side]: policy(case, kind) for kind in (one, two)}
    wish = case.rules.get("edit_versus_delete")
    wishes = [told(wish, kind.side, kind.type, case.types, gone=True) for kind in (one, two)]
    edited = {_edited(each) for each in wishes if each is not None}
    if len(edited) > 1:
        raise NotExpressible(f"edit_versus_delete: {wish} differs by side")
    return {**found, "edited": edited.pop()} if edited else found


def _edited(wish: Any) -> str:
    return meant(plain(wish).removesuffix(" wins").removesuffix(" win"), _EDITED, "edit_versus_delete")


def policy(case: Case, kind: Kind) -> str:
    """What becomes of the counterpart when a record of this kind is gone."""
    wish = told(case.rules.get("deletes"), kind.side, kind.type, case.types, gone=True)
    if isinstance(wish, dict) and len(wish) == 1:
        # {archive: {right: {active: false}}}
        wish = next(iter(wish))
    return "ignore" if wish is None else meant(wish, _POLICIES, "deletes")


def deletions(case: Case, seen: "Seen", kinds: list[Kind]) -> Values:
    """A subject's `deletions`."""
    return {kind.entity: _deletions(case, seen, kind) for kind in kinds}


def _deletions(case: Case, seen: "Seen", kind: Kind) -> Values:
    def said(rule: str, default: Any) -> Any:
        found = told(case.rules.get(rule), kind.side, kind.type, case.types)
        return default if found is None else found

    found: Values = {
        "misses_needed": whole(said("misses_needed", 1), "misses_needed"),
        "verify": flag(said("verify_deletes", False), "verify_deletes"),
    }
    marks = _marks(case, kind)
    if marks:
        found["deleted_when"] = deleted_when(case, seen, kind, marks)
    if kind.archive is not None:
        name, value = kind.archive
        found["archive"] = {"name": name, "value": value}
    return found


def guards(case: Case, kinds: list[Kind]) -> Values:
    """A subject's `guards`."""
    return {kind.entity: _guards(case, kind) for kind in kinds}


def _guards(case: Case, kind: Kind) -> Values:
    def said(rule: str) -> Any:
        return told(case.rules.get(rule), kind.side, kind.type, case.types)

    own: Values = {}
    if said("max_missing_share") is not None:
        own |= {"max_missing": 0, "max_missing_share": share(said("max_missing_share"), "max_missing_share")}
    most = said("max_writes_per_run")
    if most is not None and plain(most).endswith(("%", "percent")):
        part = share(most, "max_writes_per_run")
        deletes = int(part * len(case.records[kind.side].get(kind.type, [])))
        own |= {"max_writes_per_run": 0, "max_writes_share": part, "max_deletes_per_run": deletes}
    elif most is not None:
        number = whole(most, "max_writes_per_run")
        own |= {"max_writes_per_run": number, "max_writes_share": 0, "max_deletes_per_run": number}
    if most is not None:
        # Where the case does not say otherwise, its limit is for every run.
        later = said("guard_from_second_run")
        own["guard_from_second_run"] = later is not None and flag(later, "guard_from_second_run")
    if said("max_retries") is not None:
        own["max_retries"] = whole(said("max_retries"), "max_retries")
    return own


def beside(case: Case, kind: Kind) -> set[str]:
    """Properties that only say that a record of this kind is deleted."""
    found = {condition["name"] for condition in _marks(case, kind)}
    archive = _archive_rule(case, kind)
    return found | (set(archive) if archive else set())


def archived_by(case: Case, seen: "Seen", kind: Kind) -> tuple[str, Any] | None:
    """The property that is set, and its value, where a record of this kind is archived instead of deleted.

    Named by the rule `archive`; otherwise what the rule `deleted_when` goes by; otherwise a flag that the records
    show. Where the case says nothing of it, the side has a flag of its own for it.
    """
    far = Kind("", other(kind.side), kind.type)
    types = {far.type, *(type_ for type_ in case.records[far.side])}
    policies = {policy(case, Kind("", far.side, type_)) for type_ in types}
    rule = _archive_rule(case, kind)
    if rule is None and "archive" not in policies:
        return None
    if rule is not None:
        if len(rule) != 1:
            raise NotExpressible(f"archive: {rule} sets more than one property")
        return next(iter(rule.items()))
    marks = _marks(case, kind)
    if marks:
        return marks[0]["name"], _marking(case, seen, kind, marks)
    shown = seen.names(kind)
    for value, names in _FLAGS.items():
        for name in names:
            if name in shown:
                return name, value == "true"
    return "archived", True


def _archive_rule(case: Case, kind: Kind) -> Values | None:
    rule = case.rules.get("archive")
    inner = told(case.rules.get("deletes"), other(kind.side), kind.type, case.types, gone=True)
    if rule is None and isinstance(inner, dict) and len(inner) == 1 and isinstance(next(iter(inner.values())), dict):
        rule = next(iter(inner.values()))
    wish = told(rule, kind.side, kind.type, case.types)
    if wish is None or isinstance(wish, dict):
        return wish
    found = conditions(wish, "archive")
    if len(found) != 1 or len(found[0].get("equals", [])) != 1:
        raise NotExpressible(f"archive: {wish} does not say what is set")
    return {found[0]["name"]: _typed(found[0]["equals"][0])}


def _typed(text: str) -> Any:
    return {"true": True, "false": False}.get(text.lower(), text)


def _marking(case: Case, seen: "Seen", kind: Kind, marks: list[Values]) -> Any:
    """A value by which `deleted_when` knows a deleted record."""
    equals = deleted_when(case, seen, kind, marks).get("equals")
    if equals is None:
        dated = marks[0]["name"].endswith(("_at", "_on", "date", "_time"))
        return "2020-01-01" if dated else True
    filled = [text for text in equals if text]
    if not filled:
        raise NotExpressible(f"deletes: archive: no value of {marks[0]['name']} says that a record is archived")
    return _typed(filled[0])


def _marks(case: Case, kind: Kind) -> list[Values]:
    rule = case.rules.get("deleted_when")
    wish = told(rule, kind.side, kind.type, case.types)
    if wish is None or wish == {}:
        return []
    if (
        isinstance(rule, dict)
        and not of_places(rule, case.types)
        and wish is rule
        and any(str(key).split("/")[0] in SYSTEMS for key in rule)
    ):
        raise NotExpressible(f"deleted_when: {rule} mixes places and properties")
    found = conditions(wish, "deleted_when")
    if len({condition["name"] for condition in found}) != 1:
        raise NotExpressible(f"deleted_when: {wish} goes by more than one property")
    return found


def deleted_when(case: Case, seen: "Seen", kind: Kind, marks: list[Values]) -> Values:
    """By which values of a property a record counts as deleted."""
    name = marks[0]["name"]
    if {"name": name, "filled": True} in marks:
        return {"name": name}
    if len(marks) != 1:
        raise NotExpressible(f"deleted_when: {marks}")
    (mark,) = marks
    if "filled" in mark:
        return {"name": name, "equals": [""]}
    if "equals" in mark:
        return mark
    # Everything else that the case shows, and nothing at all.
    against = {text.lower() for text in mark["differs"]}
    others = dict.fromkeys(text_of(value) for value in seen.of([kind], name))
    return {"name": name, "equals": [*(text for text in others if text.lower() not in against), ""]}
