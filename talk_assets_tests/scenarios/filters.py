"""What the rules of a case say about filters, in the words of a mapping."""

from dataclasses import replace

from talk_assets_tests.scenarios.case import Case
from talk_assets_tests.scenarios.conditions import conditions
from talk_assets_tests.scenarios.kinds import Kind
from talk_assets_tests.scenarios.words import NotExpressible, Place, Values, place_of

_RULE = "filters"


def filters(case: Case, kinds: list[Kind]) -> Values:
    """A subject's `filters`."""
    found: Values = {}
    for kind in kinds:
        own: Values = {}
        for place, wish in _places(case):
            sends = place.to is not None
            if place.type in (None, kind.type) and kind.side in (place.side, place.to):
                own.setdefault("write" if sends else "read", []).extend(conditions(wish, _RULE))
        if own:
            found[kind.entity] = own
    return found


def sent_by(case: Case) -> set[str]:
    """Properties that filters for sending look at."""
    wishes = [wish for place, wish in _places(case) if place.to is not None]
    return {condition["name"] for wish in wishes for condition in conditions(wish, _RULE)}


def _places(case: Case) -> list[tuple[Place, object]]:
    """What is filtered: by `side/type` what is read, by `to_side/type` what is sent."""
    found = []
    rule = case.rules.get(_RULE) or {}
    if not isinstance(rule, dict):
        raise NotExpressible(f"filters: {rule!r} names no side")
    for key, wish in rule.items():
        place = place_of(key, case.types)
        if place is None or (place.side, place.to) == (None, None):
            raise NotExpressible(f"filters: {key} names no side")
        inner = wish if isinstance(wish, dict) and place.type is None else {}
        types = [place_of(each, case.types) for each in inner]
        if inner and all(each is not None and each.type is not None for each in types):
            # {left: {contact: ..., account: ...}}
            found += [(replace(place, type=each.type), inner[k]) for each, k in zip(types, inner, strict=True) if each]
        else:
            found.append((place, wish))
    return found
