"""What the rules of a case give to the records of a side, and which of their properties they name."""

from typing import Any

from talk_assets_tests.scenarios.case import Case
from talk_assets_tests.scenarios.kinds import Kind
from talk_assets_tests.scenarios.words import (
    NotExpressible,
    Place,
    Values,
    flag,
    listed,
    meets,
    of_places,
    place_of,
    plain,
    told,
)


def values_to(case: Case, rule: str, kind: Kind) -> Values:
    """What a rule gives to the records of a kind: `{to_left: {source: talk}}`, `{source: talk}`."""
    wish = case.rules.get(rule) or {}
    if not isinstance(wish, dict):
        raise NotExpressible(f"{rule}: {wish!r} gives no values")
    return _given(case, rule, wish, kind)


def _given(case: Case, rule: str, wish: Values, kind: Kind) -> Values:
    found: Values = {}
    for key, value in wish.items():
        place = place_of("all" if plain(key) in ("on insert", "insert", "on create") else key, case.types)
        # A property may be called like a type.
        if place is not None and isinstance(value, dict):
            found |= _given(case, rule, value, kind) if meets(place, kind.side, kind.type) else {}
        elif place is not None and place.type is None:
            raise NotExpressible(f"{rule}: {key}: {value!r} gives no values")
        elif isinstance(value, dict) and not of_places(value, case.types):
            raise NotExpressible(f"{rule}: {key}: {value} names no side")
        else:
            inner = told(value, kind.side, kind.type, case.types)
            found |= {} if inner is None else {str(key): inner}
    return found


def names_at(case: Case, rule: str, kind: Kind, *, gone: bool = False) -> list[str]:
    """The properties that a rule names for a kind: `{right/account: [name]}`, `[name]`, `{name: right}`.

    Args:
        case: the case.
        rule: the rule.
        kind: the kind.
        gone: a direction (`left_to_right`) names the kind where it begins.
    """
    wish = case.rules.get(rule)
    if not isinstance(wish, dict):
        return _own_names(listed(wish), kind)
    found: list[str] = []
    for key, value in wish.items():
        place, named = place_of(key, case.types), [place_of(each, case.types) for each in listed(value)]
        of_property = place is None or (place == Place(type=str(key)) and any(each and each.side for each in named))
        if not of_property:
            found += _own_names(listed(told({key: value}, kind.side, kind.type, case.types, gone=gone)), kind)
        elif says_flag(value):
            found += _own_names([key] if flag(value, rule) else [], kind)
        elif None in named:
            raise NotExpressible(f"{rule}: {key}: {value} names no side")
        elif any(told({each: True}, kind.side, kind.type, case.types, gone=gone) for each in listed(value)):
            found += _own_names([key], kind)
    return found


def says_flag(value: Any) -> bool:
    """Whether a word is a plain yes or no."""
    return plain(value) in ("true", "false", "yes", "no")


def _own_names(names: list[Any], kind: Kind) -> list[str]:
    parts = [str(name).rpartition(".") for name in names]
    return [own for type_, dot, own in parts if not dot or type_ == kind.type]


def writes_to(case: Case, kind: Kind) -> bool:
    """Whether the rules let records of a kind be written."""
    wish = told(case.rules.get("write"), kind.side, kind.type, case.types)
    only = {"left only": "left", "right only": "right", "to left": "left", "to right": "right"}.get(plain(wish))
    return wish is None or (only == kind.side if only else flag(wish, "write"))
