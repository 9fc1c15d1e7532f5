"""From the rules of a case to the rows of a mapping."""

import re
from typing import Any

from talk_assets_tests.scenarios.case import Case
from talk_assets_tests.scenarios.conditions import text_of
from talk_assets_tests.scenarios.events import shown_names
from talk_assets_tests.scenarios.filters import sent_by
from talk_assets_tests.scenarios.groups import Group, Seen, keys_of, shared_of
from talk_assets_tests.scenarios.kinds import Kind
from talk_assets_tests.scenarios.per_side import names_at, says_flag, values_to
from talk_assets_tests.scenarios.stores import is_numeric
from talk_assets_tests.scenarios.words import (
    SYSTEMS,
    NotExpressible,
    Values,
    flag,
    listed,
    meant,
    of_places,
    plain,
    told,
)

_COMPARE = {
    "exact": {"trim", "trimmed", "text", "none", "case sensitive", "strict", "as is"},
    "ignore_case": {"case insensitive", "caseless", "casefold", "lower", "lower case", "any case", "no case", "case"},
    "digits": {"digits only", "only digits", "numeric digits", "phone"},
    "compact": {"ignore spaces", "ignore whitespace", "ignore blanks", "no spaces"},
    "alphanumeric": {"letters and digits", "ignore punctuation", "alnum"},
    "unordered": {"set", "any order", "ignore order", "as set", "order independent", "bag"},
    "date": {"day", "calendar day", "date only"},
    "decimal": {"number", "numeric", "as number", "numerically"},
}
_RULES = {
    "latest": {"newest", "last", "most recent", "last write wins", "lww", "newer", "latest wins", "newest wins"},
    "manual": {"ask", "conflict", "person", "operator", "by hand", "hold"},
    "union": {"collect", "all", "merge", "set union", "combine"},
}
_WAYS = {"owner", "prefer", "non_owner_edit", "as", "rule"}
_NON_OWNER = {
    "revert": {"put back", "undo", "overwrite", "restore", "reset", "correct"},
    "ignore": {"leave", "keep", "report", "conflict", "allow"},
}
_UNRESOLVED = {
    "wait": {"hold", "defer", "block", "required"},
    "omit": {"insert without then update", "insert without", "leave out", "without then update", "optional", "later"},
}
_SPELLINGS = {"upper": {"uppercase", "upper case", "capitals"}, "lower": {"lowercase", "lower case"}}
_EMPTY = {
    "loses": {
        "ignore",
        "ignored",
        "keep",
        "false",
        "no",
        "never",
        "never wins",
        "never replaces",
        "an empty value never replaces a non empty one",
        "does not win",
        "default",
    },
    "clears": {"wins", "allow", "allowed", "true", "yes", "replaces", "clear", "may clear", "allow clear", "a value"},
}
_ROUNDINGS = {
    "down": {"floor", "floor to integer", "down to integer", "truncate", "floor to whole", "round down"},
    "up": {"ceil", "ceiling", "ceiling to integer", "up to integer", "round up"},
    "half_up": {
        "integer",
        "to integer",
        "nearest",
        "nearest integer",
        "whole",
        "whole number",
        "to whole number",
        "to nearest integer",
        "nearest whole number",
        "half up to integer",
        "unit",
        "0",
        "0 decimals",
        "round",
    },
}
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MIDNIGHT = re.compile(r"\d{4}-\d\d-\d\d([T ]00:00(:00(\.0+)?)?(Z|\+00:?00)?)?")


def option(case: Case, group: Group, rule: str, name: str, titles: tuple[str, ...] = ()) -> Any:
    """What a rule says of a property: by its name alone or with its type, by a group's title, or for all.

    Args:
        case: the case.
        group: the property's group.
        rule: the rule.
        name: the property.
        titles: groups of properties that it is in.
    """
    options = case.rules.get(rule)
    if not isinstance(options, dict):
        return options
    types = [kind.type for kind in group.kinds]
    for key in options:
        if str(key).split("/")[0] in SYSTEMS:
            raise NotExpressible(f"{rule}: {key} names a side, not a property")
    named = [f"{type_}.{each}" for each in (name, *titles) for type_ in types]
    for key in [*named, name, *titles]:
        if key in options and not _by_type(case, key, options[key]):
            return options[key]
    for type_ in types:
        if _by_type(case, type_, options.get(type_)):
            inner = options[type_]
            return next((inner[key] for key in (name, *titles, "*", "default") if key in inner), None)
    # What is said of a type and not of a property that is called like it.
    every = [type_ for type_ in types if type_ not in shown_names(case)]
    return next((options[key] for key in (*every, "*", "default", "all", "others") if key in options), None)


def _by_type(case: Case, key: str, wish: Any) -> bool:
    """`{contact: {name: latest}}`: what is said of the properties of a type."""
    own = {"owner", "prefer", "round", "left", "right", "rule"}
    return key in case.types and isinstance(wish, dict) and not own & set(wish)


def titles_of(case: Case, group: Group, name: str) -> tuple[str, ...]:
    """The groups of properties that a property is decided in."""
    rule = case.rules.get("groups") or {}
    if isinstance(rule, list):
        rule = {"_".join(map(str, names)): names for names in rule}
    types = {kind.type for kind in group.kinds}
    found = []
    for title, names in rule.items():
        if isinstance(names, dict):
            # {account: {address: [street, city]}}
            found += [str(t) for t, own in names.items() if title in types and name in map(str, listed(own))]
            continue
        type_, dot, own = str(title).rpartition(".")
        listed_names = {each.removeprefix(f"{t}.") for each in map(str, listed(names)) for t in (types | {""})}
        if name in listed_names and (not dot or type_ in types):
            found.append(own)
    return tuple(found)


def row_of(case: Case, seen: Seen, groups: list[Group], group: Group, name: str) -> Values:
    """The row of a property in the group's mapping."""
    keys = {n for alternative in keys_of(case, group) for n in alternative}
    only = shared_of(case, group)
    only_match = only is not None and name not in only and not group.lines
    values = seen.of(group.kinds, name)
    # Lines are numbered by each side itself.
    numbers = {kind.line_key for kind in group.kinds}
    numbered = group.lines and name in keys and name in numbers and type_of(values) == "decimal"
    only_match |= numbered
    row: Values = {"type": type_of(values), "compare": "exact"}
    as_shown = only_match and not numbered
    holders = [kind for kind in group.kinds if _holds(case, seen, group, kind, name, as_shown=as_shown)]
    row["members"] = {kind.entity: _member(case, kind, name) for kind in holders}
    if only_match and name not in sent_by(case):
        row["direction"] = "match"
    target = _target(seen, groups, group, name)
    if target is not None:
        row |= {"type": "reference", "to": target, "unresolved": _unresolved(case, group, name)}
    if any("values" in member for member in row["members"].values()):
        row["type"] = "choice"
    stored = [values_to(case, "target_stores", kind).get(name) for kind in group.kinds]
    if any(wish is not None and is_numeric(wish) for wish in stored):
        row["type"] = "decimal"
    _compare(row, option(case, group, "compare", name))
    titles = titles_of(case, group, name)
    merge = case.rules.get("merge")
    for_all = isinstance(merge, dict) and bool(merge) and not set(merge) - _WAYS and not set(merge) & seen.shown(group)
    _merge(row, merge if for_all else option(case, group, "merge", name, titles), group)
    if titles:
        row["group"] = titles[0]
    _clear(case, group, name, row)
    if row["type"] == "reference" and name in keys:
        row["required"] = False
    return row


def _holds(case: Case, seen: Seen, group: Group, kind: Kind, name: str, *, as_shown: bool) -> bool:
    if as_shown:
        return name in seen.names(kind)
    if not group.together:
        return True
    # In a cluster of several types each type has its own properties.
    namesakes = [other for other in group.kinds if other.type == kind.type]
    shown = {each for namesake in namesakes for each in seen.names(namesake)}
    return name in shown or not shown


def type_of(values: list[Any]) -> str:
    if not values:
        return "text"
    if all(isinstance(value, list) for value in values):
        return "list"
    told_of = {type(value) for value in values}
    texts = [str(value) for value in values]
    if bool in told_of and all(text.lower() in ("true", "false") for text in texts):
        return "boolean"
    if told_of & {int, float} and bool not in told_of and all(_NUMBER.fullmatch(text) for text in texts):
        # A text with leading zeros is no number.
        return "text" if any(re.match(r"0\d", text) for text in texts) else "decimal"
    if all(_MIDNIGHT.fullmatch(text) for text in texts) and any(_DAY.fullmatch(text) for text in texts):
        # Both forms of a day, or all of one.
        return "date" if len({_DAY.fullmatch(text) is None for text in texts}) > 1 else "text"
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


def _unresolved(case: Case, group: Group, name: str) -> str:
    rule = case.rules.get("unresolved_reference")
    wish = None
    if of_places(rule, case.types):
        placed = [told(rule, kind.side, kind.type, case.types) for kind in group.kinds]
        wish = next((each for each in placed if each is not None), None)
    if wish is None:
        wish = option(case, group, "unresolved_reference", name)
    return meant("wait" if wish is None else wish, _UNRESOLVED, "unresolved_reference")


def _member(case: Case, kind: Kind, name: str) -> Values:
    member: Values = {"name": name}
    codes = _codes(case, kind, name)
    if codes is not None:
        member["values"] = codes
    spelling = _spelling(case, kind, name)
    if spelling is not None:
        member["spelling"] = meant(spelling, _SPELLINGS, f"transform of {name}")
    default = values_to(case, "defaults", kind).get(name)
    if default is not None:
        member["default"] = text_of(default)
    return member


def _codes(case: Case, kind: Kind, name: str) -> dict[str, str] | None:
    maps = case.rules.get("value_map") or {}
    codes = next((maps[key] for key in (f"{kind.type}.{name}", name) if key in maps), None)
    if codes is None:
        return None
    if not of_places(codes, case.types):
        raise NotExpressible(f"value_map: {name}: the codes of no side are named")
    own = told(codes, kind.side, kind.type, case.types)
    # A flag that a value map knows reaches the platform as it is printed.
    return {str(stored): text_of(canonical) for stored, canonical in own.items()} if own else None


def _spelling(case: Case, kind: Kind, name: str) -> Any:
    """How a property is spelled on its way to a side, written per side or per property."""
    for rule in ("transform", "transforms", "outbound", "outbound_transforms"):
        found = values_to(case, rule, kind) if rule in case.rules else {}
        for key in (f"{kind.type}.{name}", name):
            if key in found:
                return found[key]
    return None


def _compare(row: Values, wish: Any) -> None:
    """Several ways may be named at once; `exact` adds nothing."""
    for each in wish if isinstance(wish, list) else [wish]:
        if each is None:
            continue
        if isinstance(each, dict) and set(each) & {"round", "rounding", "decimals", "scale", "precision"}:
            _round(row, next(iter(each.values())) if len(each) == 1 else each)
        elif isinstance(each, dict):
            raise NotExpressible(f"compare: {each}")
        elif plain(each).startswith("round") or re.fullmatch(r"\d+ decimals?|cents?", plain(each)):
            _round(row, re.sub(r"^round(ed)?( to)? ?", "", plain(each)) or "integer")
        else:
            meaning = meant(each, _COMPARE, "compare")
            if meaning == "unordered":
                row["type"] = "list"
            elif meaning in ("date", "decimal"):
                row["type"] = meaning
            elif meaning != "exact":
                row["compare"] = meaning


def _round(row: Values, wish: Any) -> None:
    if isinstance(wish, dict):
        inner = {plain(key) for key in wish}
        if len(wish) != 1 or not inner & {"decimals", "scale", "precision", "to", "digits"}:
            raise NotExpressible(f"compare: unknown rounding {wish}")
        wish = next(iter(wish.values()))
    said = plain(wish)
    found = re.fullmatch(r"(?:to )?(\d)(?: decimals?| places?| digits?)?", said)
    if found is not None and found[1] != "0":
        row |= {"type": "decimal", "scale": int(found[1])}
    elif said in ("cent", "cents", "two decimals"):
        row |= {"type": "decimal", "scale": 2}
    else:
        row |= {"type": "decimal", "round": meant(wish, _ROUNDINGS, "compare: rounding")}


def _merge(row: Values, wish: Any, group: Group) -> None:
    if wish is None:
        return
    if not isinstance(wish, dict):
        rule = meant(wish, _RULES, "merge")
        row["rule"] = rule
        if rule == "union":
            row["type"] = "list"
        return
    if set(wish) - _WAYS or not {"owner", "prefer", "rule"} & set(wish):
        raise NotExpressible(f"merge: unknown rule {wish}")
    if "as" in wish and plain(wish["as"]) not in ("whole set", "whole", "whole list", "one value", "set"):
        raise NotExpressible(f"merge: {wish}")
    if "rule" in wish:
        _merge(row, wish["rule"], group)
    elif "owner" in wish:
        row |= {"rule": "owner", "order": _order(group, [wish["owner"]])}
        if "non_owner_edit" in wish:
            row["non_owner_edit"] = meant(wish["non_owner_edit"], _NON_OWNER, "non_owner_edit")
    else:
        row |= {"rule": "prefer", "order": _order(group, wish["prefer"])}


def _order(group: Group, sides: Any) -> list[str]:
    found = entities_of(group, sides)
    if not found:
        raise NotExpressible(f"merge: {sides} names none of {', '.join(kind.entity for kind in group.kinds)}")
    return found


def _clear(case: Case, group: Group, name: str, row: Values) -> None:
    """From where emptying travels: by the rule `allow_clear`, or as the rule `empty` says of all or of a property."""
    rule = case.rules.get("allow_clear")
    found = []
    for kind in group.kinds:
        if says_flag(rule) or plain(rule) == "all":
            named = plain(rule) == "all" or flag(rule, "allow_clear")
        else:
            named = name in names_at(case, "allow_clear", kind, gone=True)
        if named or _counts_empty(case, group, kind, name):
            found.append(kind.entity)
    if found:
        row["clear"] = found


def _counts_empty(case: Case, group: Group, kind: Kind, name: str) -> bool:
    rule = case.rules.get("empty")
    by_place = of_places(rule, case.types)
    wish = rule if by_place or not isinstance(rule, dict) else option(case, group, "empty", name)
    found = told(wish, kind.side, kind.type, case.types, gone=True)
    return found is not None and meant(found, _EMPTY, "empty") == "clears"


def entities_of(group: Group, sides: Any) -> list[str]:
    """Entities of the sides, or of the types within sides, in order."""
    return [
        kind.entity
        for name in map(str, listed(sides))
        for kind in group.kinds
        if name in (kind.side, f"{kind.side}/{kind.type}", kind.entity, SYSTEMS[kind.side])
    ]
