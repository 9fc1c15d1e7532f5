"""Conditions on properties of records, in words: `status = active and city is set`, `archived`, `{kind: person}`."""

import re
from typing import Any

from talk_assets_tests.scenarios.words import NotExpressible, Values, plain

_FILLED = frozenset({"set", "filled", "present", "given", "there", "not empty", "not null", "not blank", "not none"})
_EMPTY = frozenset(
    {"empty", "null", "none", "nil", "blank", "missing", "absent", "unset", "not set", "not filled", "not there", ""}
)
_EQUAL = ("==", "=", "equals", "equal to", "is equal to", "is", "eq", "in", "one of", "is one of", "is in")
_DIFFERENT = (
    "is not equal to",
    "not equal to",
    "is not one of",
    "is not in",
    "not in",
    "is not",
    "isn't",
    "!=",
    "<>",
    "differs from",
    "not equals",
    "differs",
    "not",
    "ne",
)
_SIGNS = sorted((*_EQUAL, *_DIFFERENT), key=len, reverse=True)
# A sign of letters ends where a word ends.
_SIGN = "|".join(re.escape(sign) + (r"\b" if sign[0].isalpha() else "") for sign in _SIGNS)
_PART = re.compile(rf"(\w+)\s*({_SIGN})\s*(.*)")
_THERE = re.compile(r"(\w+) (?:exists|has a value|has value|is there|is filled in)")
_WORD = re.compile(r"(not |!\s*)?(\w+)")
# What a property that is a flag holds where it says no.
_UNTRUE = ["false", ""]


def conditions(wish: Any, rule: str) -> list[Values]:
    """The conditions of a mapping, all of which must hold.

    Args:
        wish: a text, a mapping of properties to values, or a list of such.
        rule: what they are for, for the sentence.

    Raises:
        NotExpressible: it is not understood, or says what a mapping cannot say.
    """
    if isinstance(wish, dict):
        return [condition for name, value in wish.items() for condition in _of_value(str(name), value, rule)]
    if isinstance(wish, list):
        return [condition for part in wish for condition in conditions(part, rule)]
    if not isinstance(wish, str):
        raise NotExpressible(f"{rule}: {wish!r} is no condition")
    parts = re.split(r"\s+and\s+|\s*&&?\s*|\s*;\s*", wish.strip())
    return [condition for part in parts for condition in _of_alternatives(part.strip(), rule)]


def _of_alternatives(text: str, rule: str) -> list[Values]:
    """`status = open or status = new`, `status is open or new`: one property with one of some values."""
    parts = [part.strip() for part in re.split(r"\s+or\s+|\s*\|\|?\s*", text)]
    first = _of_words(parts[0], rule)
    if len(parts) == 1:
        return first
    if len(first) != 1 or "equals" not in first[0]:
        raise NotExpressible(f"{rule}: {text}")
    values = list(first[0]["equals"])
    for part in parts[1:]:
        found = [{"name": first[0]["name"], "equals": _texts_of(part)}] if " " not in part else _of_words(part, rule)
        if len(found) != 1 or found[0]["name"] != first[0]["name"] or "equals" not in found[0]:
            raise NotExpressible(f"{rule}: {text}")
        values += found[0]["equals"]
    return [{"name": first[0]["name"], "equals": values}]


def _of_words(text: str, rule: str) -> list[Values]:
    if found := _THERE.fullmatch(text):
        return [{"name": found[1], "filled": True}]
    if found := _WORD.fullmatch(text):
        if found[1]:
            return [{"name": found[2], "equals": _UNTRUE}]
        return [{"name": found[2], "filled": True}, {"name": found[2], "differs": ["false"]}]
    found = _PART.fullmatch(text)
    if found is None or not found[3]:
        raise NotExpressible(f"{rule}: {text}")
    name, sign, rest = found.groups()
    against = sign in _DIFFERENT
    if plain(rest.strip("'\"")) in _FILLED | _EMPTY:
        return [{"name": name, "filled": (plain(rest.strip("'\"")) in _FILLED) != against}]
    return [{"name": name, "differs" if against else "equals": _texts_of(rest)}]


def _texts_of(text: str) -> list[str]:
    inner = text.strip()
    several = inner[:1] in "[({" and inner[-1:] in "])}"
    if not several and re.search(r"[<>=]", inner):
        raise NotExpressible(f"{text!r} is no value of a condition")
    parts = inner[1:-1].split(",") if several else [inner]
    return [part.strip().strip("'\"") for part in parts]


def _of_value(name: str, value: Any, rule: str) -> list[Values]:
    if not isinstance(value, dict):
        return _of_plain(name, value, rule)
    found: list[Values] = []
    for word, given in value.items():
        said = plain(word)
        if said in ("not", "differs", "not equals", "ne", "not in", "is not", "!=", "<>"):
            found += _against(name, _of_plain(name, given, rule), rule)
        elif said in ("in", "equals", "eq", "is", "=", "==", "any of", "one of"):
            found += _of_plain(name, given, rule)
        elif said in ("set", "filled", "exists", "present", "empty", "missing", "null") and isinstance(given, bool):
            found.append({"name": name, "filled": given != (said in _EMPTY)})
        else:
            raise NotExpressible(f"{rule}: {name}: {value}")
    return found


def _of_plain(name: str, value: Any, rule: str) -> list[Values]:
    """`{status: active}`, `{closed: null}`, `{kind: [a, b]}`, `{deleted_at: is set}`."""
    if value is None or value == "":
        return [{"name": name, "filled": False}]
    if isinstance(value, str) and plain(value).removeprefix("is ") in _FILLED | _EMPTY:
        return [{"name": name, "filled": plain(value).removeprefix("is ") in _FILLED}]
    if isinstance(value, dict):
        raise NotExpressible(f"{rule}: {name}: {value}")
    values = value if isinstance(value, list) else [value]
    return [{"name": name, "equals": ["" if each is None else text_of(each) for each in values]}]


def _against(name: str, found: list[Values], rule: str) -> list[Values]:
    if len(found) != 1:
        raise NotExpressible(f"{rule}: not {found}")
    if "filled" in found[0]:
        return [{"name": name, "filled": not found[0]["filled"]}]
    return [{"name": name, "differs": found[0]["equals"]}]


def text_of(value: Any) -> str:
    """A value as the platform writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
