"""What the rules of a case say about filters, in the words of a mapping."""

import re
from typing import Any

from talk_assets_tests.scenarios.case import Case, NotExpressible, Values
from talk_assets_tests.scenarios.kinds import Kind


def filters(case: Case, kinds: list[Kind]) -> Values:
    """A subject's `filters`."""
    found: Values = {}
    for kind in kinds:
        own: Values = {}
        for place, wish in (case.rules.get("filters") or {}).items():
            if place in (f"{kind.side}/{kind.type}", kind.side):
                own["read"] = conditions(wish)
            elif place in (f"to_{kind.side}/{kind.type}", f"to_{kind.side}"):
                own["write"] = conditions(wish)
            elif not re.fullmatch(r"(to_)?(left|right)(/\w+)?", str(place)):
                raise NotExpressible(f"filters: {place}")
        if own:
            found[kind.entity] = own
    return found


def sent_by(case: Case) -> set[str]:
    """Properties that filters for sending look at."""
    wishes = [wish for place, wish in (case.rules.get("filters") or {}).items() if str(place).startswith("to_")]
    return {condition["name"] for wish in wishes for condition in conditions(wish)}


def conditions(wish: Any) -> list[Values]:
    """From `status = active and city is set`, or `{status: active}`, to the conditions of a mapping."""
    if isinstance(wish, dict):
        return [_of_value(str(name), value) for name, value in wish.items()]
    if isinstance(wish, list):
        return [condition for part in wish for condition in conditions(part)]
    return [_of_words(part.strip()) for part in re.split(r"\s+and\s+|\s*&&?\s*", str(wish))]


def _of_value(name: str, value: Any) -> Values:
    if isinstance(value, dict):
        word, given = next(iter(value.items()))
        if word in ("not", "differs", "not_equals", "ne"):
            return {"name": name, "differs": _texts(given)}
        if word in ("in", "equals", "eq", "is"):
            return {"name": name, "equals": _texts(given)}
        raise NotExpressible(f"filters: {name}: {value}")
    return {"name": name, "filled": False} if value is None else {"name": name, "equals": _texts(value)}


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [str(each).lower() if isinstance(each, bool) else str(each) for each in values]


def _of_words(text: str) -> Values:
    found = re.fullmatch(r"(\w+)\s*(not in|in|is not|is|!=|<>|==|=|equals)\s*(.+)", text)
    if found is None:
        raise NotExpressible(f"filters: {text}")
    name, sign, rest = found.groups()
    values = [part.strip().strip("'\"") for part in rest.strip("[]() ").split(",")]
    against = sign in ("not in", "is not", "!=", "<>")
    if rest in ("set", "filled", "empty", "null", "not set", "not empty", "not null"):
        wants = rest in ("set", "filled", "not empty", "not null")
        return {"name": name, "filled": wants != against}
    return {"name": name, "differs" if against else "equals": values}
