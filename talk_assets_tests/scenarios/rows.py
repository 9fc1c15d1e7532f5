"""From the rules of a case to the rows of a mapping."""

from typing import Any

from talk_assets_tests.scenarios.case import SYSTEMS, Case, NotExpressible, Values
from talk_assets_tests.scenarios.filters import sent_by
from talk_assets_tests.scenarios.groups import Group, Seen, keys_of
from talk_assets_tests.scenarios.kinds import Kind


def _option(case: Case, group: Group, rule: str, name: str) -> Any:
    """What a rule says of a property, by its name alone or with its type."""
    options = case.rules.get(rule) or {}
    for key in [f"{kind.type}.{name}" for kind in group.kinds] + [name]:
        if key in options:
            return options[key]
    return None


def row_of(case: Case, seen: Seen, groups: list[Group], group: Group, name: str) -> Values:
    """The row of a property in the group's mapping."""
    rules = case.rules
    keys = {n for alternative in keys_of(case, group) for n in alternative}
    only_match = "shared" in rules and name not in rules["shared"]
    values = seen.of(group.kinds, name)
    # Lines are numbered by each side itself.
    numbered = group.lines and name in keys and _type(values) == "decimal"
    only_match |= numbered
    row: Values = {"type": _type(values), "compare": "exact"}
    as_shown = (only_match and not numbered) or group.together
    holders = [kind for kind in group.kinds if not as_shown or name in seen.names(kind)]
    row["members"] = {kind.entity: _member(case, group, kind, name) for kind in holders}
    if only_match and name not in sent_by(case):
        row["direction"] = "match"
    target = _target(seen, groups, group, name)
    if target is not None:
        row |= {"type": "reference", "to": target, "unresolved": _unresolved(case)}
    if any("values" in member for member in row["members"].values()):
        row["type"] = "choice"
    _compare(row, _option(case, group, "compare", name))
    _merge(row, _option(case, group, "merge", name), group)
    for title, names in (rules.get("groups") or {}).items():
        if name in names:
            row["group"] = title
    clear = rules.get("allow_clear") or {}
    if name in clear:
        sides = clear[name] if isinstance(clear, dict) else list(SYSTEMS)
        row["clear"] = entities_of(group, sides)
    if row["type"] == "reference" and name in keys:
        row["required"] = False
    return row


def _type(values: list[Any]) -> str:
    if values and all(isinstance(value, bool) for value in values):
        return "boolean"
    if values and all(isinstance(value, list) for value in values):
        return "list"
    if values and all(isinstance(value, int | float) for value in values):
        return "decimal"
    return "text"


def _target(seen: Seen, groups: list[Group], group: Group, name: str) -> str | None:
    """The subject that a property points to: all its values are ids of that subject's records on the same side."""
    held = [(kind.side, value) for kind in group.kinds for value in seen.of([kind], name)]
    if not held:
        return None
    for other in groups:
        ids = {
            side: {i for kind in other.kinds if kind.side == side for i in seen.ids.get((side, kind.type), ())}
            for side in SYSTEMS
        }
        if all(isinstance(value, str) and (value in ids[side] or value.startswith("new#")) for side, value in held):
            return other.name
    return None


def _unresolved(case: Case) -> str:
    return {"insert_without_then_update": "omit", "wait": "wait"}[case.rules.get("unresolved_reference", "wait")]


def _member(case: Case, group: Group, kind: Kind, name: str) -> Values:
    rules = case.rules
    member: Values = {"name": name}
    codes = (rules.get("value_map") or {}).get(name)
    if codes and kind.side in codes:
        member["values"] = {str(stored): str(canonical) for stored, canonical in codes[kind.side].items()}
    spelling = _spelling(case, kind, name)
    if spelling is not None:
        if spelling not in ("upper", "lower"):
            raise NotExpressible(f"transform {spelling}")
        member["spelling"] = spelling
    for direction, values in (rules.get("defaults") or {}).items():
        if direction == f"{_other(kind.side)}_to_{kind.side}_insert" and name in values:
            member["default"] = as_text(values[name])
    return member


def _spelling(case: Case, kind: Kind, name: str) -> str | None:
    """How a property is spelled on its way to a side, written per side or per property."""
    for rule in ("transform", "transforms", "outbound", "outbound_transforms"):
        wishes = case.rules.get(rule) or {}
        for first, second in ((kind.side, name), (name, kind.side)):
            for key in (first, f"to_{first}", f"{kind.side}/{kind.type}", f"to_{kind.side}/{kind.type}"):
                found = wishes.get(key)
                if isinstance(found, dict):
                    wish = found.get(second) or found.get(f"to_{second}")
                    if wish is not None:
                        return str(wish)
    return None


def _other(side: str) -> str:
    return "right" if side == "left" else "left"


def as_text(value: Any) -> str:
    """A value of a rule as a mapping writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _compare(row: Values, wish: Any) -> None:
    if wish in (None, "exact"):
        return
    if wish == "unordered":
        row["type"] = "list"
    elif isinstance(wish, dict) and "round" in wish:
        row |= {"type": "decimal", "round": _rounding(str(wish["round"]))}
    else:
        row["compare"] = str(wish)


def _rounding(wish: str) -> str:
    known = {"floor_to_integer": "down", "ceiling_to_integer": "up", "to_integer": "half_up", "integer": "half_up"}
    if wish in known:
        return known[wish]
    raise NotExpressible(f"compare: unknown rounding {wish}")


def _merge(row: Values, wish: Any, group: Group) -> None:
    if wish is None or wish == "latest":
        return
    if isinstance(wish, str):
        row["rule"] = wish
        if wish == "union":
            row["type"] = "list"
    elif "owner" in wish:
        row |= {"rule": "owner", "order": entities_of(group, [wish["owner"]])}
        if "non_owner_edit" in wish:
            row["non_owner_edit"] = wish["non_owner_edit"]
    elif "prefer" in wish:
        row |= {"rule": "prefer", "order": entities_of(group, wish["prefer"])}
    else:
        raise NotExpressible(f"merge: unknown rule {wish}")


def entities_of(group: Group, sides: Any) -> list[str]:
    """Entities of the sides, or of the types within sides, in order."""
    names = [sides] if isinstance(sides, str) else list(sides)
    return [
        kind.entity
        for name in names
        for kind in group.kinds
        if name in (kind.side, f"{kind.side}/{kind.type}", kind.entity)
    ]
