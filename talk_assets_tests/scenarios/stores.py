"""What the systems of a case make of values that they are given, and how they can be read."""

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

from talk_assets_tests.scenarios.case import Case
from talk_assets_tests.scenarios.kinds import Kind
from talk_assets_tests.scenarios.per_side import values_to
from talk_assets_tests.scenarios.words import meant, plain, told

Store = Callable[[Any], Any]
_SNAPSHOTS = {
    "full": {"whole", "complete", "true", "yes", "snapshot", "always", "every read", "full snapshot", "on"},
    "changes": {"false", "no", "none", "incremental", "delta", "changes only", "off"},
}
_FIRST = re.compile(
    r"(?:(?:the|only|at most|max|maximum|up to|(?:cut|truncated?) (?:at|to|after)) )*(?:first )?(\d+)"
    r"(?: (?:characters?|chars?|letters?))?(?: only| at most)?"
)
_DECIMALS = re.compile(r"(?:round(?:ed)? (?:to )?)?(\d) decimals?(?: places)?")


def whole_reads(case: Case, kinds: Sequence[Kind]) -> frozenset[str]:
    """The types of which every read is a whole one."""
    found = {}
    for kind in kinds:
        wish = told(case.rules.get("snapshot"), kind.side, kind.type, case.types)
        found[kind.type] = wish is not None and meant(wish, _SNAPSHOTS, "snapshot") == "full"
    return frozenset(type_ for type_, whole in found.items() if whole)


def stores_of(case: Case, kinds: Sequence[Kind]) -> dict[str, dict[str, Store]]:
    """Per type and property what a side makes of a value that it is given."""
    found: dict[str, dict[str, Store]] = {}
    for kind in kinds:
        wishes = values_to(case, "target_stores", kind)
        found.setdefault(kind.type, {}).update({name: storing(str(wish)) for name, wish in wishes.items()})
    return found


def storing(wish: str) -> Store:
    """From `first 10 characters`, `upper case`, `whole number`, `2 decimals` to what becomes of a value.

    Raises:
        NotExpressible: the words say nothing that is known.
    """
    said = plain(wish)
    if found := _DECIMALS.fullmatch(said):
        places = int(found[1])
        return lambda value: _numeric(value, lambda number: _rounded(number, places))
    if found := _FIRST.fullmatch(said):
        length = int(found[1])
        return lambda value: value[:length] if isinstance(value, str) else value
    texts: dict[str, Callable[[str], str]] = {
        "upper": str.upper,
        "lower": str.lower,
        "trimmed": str.strip,
        "capitalised": str.title,
        "digits": lambda text: re.sub(r"\D", "", text),
        "compact": lambda text: re.sub(r"\s", "", text),
        "day": lambda text: text[:10],
    }
    numbers: dict[str, Callable[[float], float]] = {
        "floor": math.floor,
        "ceiling": math.ceil,
        "rounded": lambda number: _rounded(number, 0),
    }
    meaning = meant(said, _STORINGS, "target_stores")
    if meaning in texts:
        return lambda value: texts[meaning](value) if isinstance(value, str) else value
    return lambda value: _numeric(value, numbers[meaning])


def is_numeric(wish: object) -> bool:
    """Whether what a side makes of values is about numbers."""
    said = plain(wish)
    return bool(_DECIMALS.fullmatch(said)) or (
        not _FIRST.fullmatch(said) and meant(said, _STORINGS, "target_stores") in ("floor", "ceiling", "rounded")
    )


_STORINGS = {
    "upper": {"upper case", "uppercase", "upper cased", "capitals", "in capitals"},
    "lower": {"lower case", "lowercase", "small letters"},
    "trimmed": {"trim", "without blanks around"},
    "capitalised": {"title case", "capitalized", "title", "capitalise", "capitalize"},
    "digits": {"digits only", "only digits", "only the digits"},
    "compact": {"without spaces", "no spaces", "without blanks"},
    "day": {"date", "date only", "only the date", "without time"},
    "floor": {"floor to integer", "rounded down", "round down", "truncated to integer", "down"},
    "ceiling": {"rounded up", "round up", "ceil", "up"},
    "rounded": {"whole number", "integer", "rounded to integer", "whole numbers", "rounded to whole number", "round"},
}


def _rounded(number: float, places: int) -> float:
    """Half away from zero, as people count."""
    scaled = math.floor(abs(number) * 10**places + 0.5) / 10**places
    return math.copysign(scaled, number) if scaled else 0


def _numeric(value: Any, change: Callable[[float], float]) -> Any:
    """A number that lies as number or as text."""
    if isinstance(value, bool) or not re.fullmatch(r"[+-]?\d+(\.\d+)?", str(value)):
        return value
    changed = change(float(value))
    plain_number = int(changed) if float(changed).is_integer() else changed
    return str(plain_number) if isinstance(value, str) else plain_number
