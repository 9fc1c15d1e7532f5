"""A `generate` text stands for rows that a harness makes up: `200 contacts L1..L200 with email p<n>@x.example`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from talk_assets_tests.scenarios.words import SYSTEMS, NotExpressible, Values, Words, listed, other, plain

_RANGE = re.compile(
    r"(?:(left|right)/(\w+)/)?([A-Za-z][\w#]*?)(\d+)"
    r"(?:\s*\.\.\.?\s*|\s+(?:to|through)\s+|\s*-\s*(?=[A-Za-z]))"
    r"(?:(?:left|right)/\w+/)?([A-Za-z][\w#]*?)?(\d+)\b"
)
_PLACEHOLDER = re.compile(r"<(?:i|n|nr|no|number)>|\{(?:i|n|nr|no|number)\}|%d")
_COUNT = re.compile(r"(\d[\d,]*)\s+(.+)")
_VALUE = re.compile(r"(\w+)\s*(?::|=|\s)\s*(\S.*)")
# What connects the parts of a text, and says nothing by itself.
_LINK_WORDS = frozenset(
    [
        "with",
        "and",
        "each",
        "having",
        "where",
        "all",
        "of",
        "the",
        "in",
        "on",
        "both",
        "sides",
        "are",
        "rows",
        "row",
        "records",
        "record",
        "linked",
        "matched",
        "equal",
        "pairs",
        "pair",
        "matching",
        "same",
        "generated",
        "whose",
        "has",
        "have",
        "ids",
        "id",
    ]
)
_TOGETHER = re.compile(r"\b(?:linked|matched)\b|\bpairs?\b")
# What rows are last changed at where the text says nothing.
_WHEN = 5


@dataclass
class Made:
    """Rows that a text describes.

    Attributes:
        ids: per range that it names: side, type (where named) and ids.
        count: how many there are.
        values: property to value, in which `<n>` stands for the number of the row.
        linked: whether the rows of both sides are linked and agreed.
        type: the type, where a word of the text names it.
    """

    ids: list[tuple[str | None, str | None, list[str]]] = field(default_factory=list)
    count: int | None = None
    values: Values = field(default_factory=dict)
    linked: bool = False
    type: str | None = None


def rows(wish: Any, side: str, type_: str) -> list[Values]:
    """The rows of a type on a side."""
    made = _made(wish, {type_})
    if made.linked or len(made.ids) > 1:
        raise NotExpressible(f"generate: {wish!r} is about more than {side}/{type_}")
    ids = made.ids[0][2] if made.ids else [f"{side[0].upper()}{n}" for n in range(1, (made.count or 0) + 1)]
    return _rows(ids, made, wish)


def add_rows(wish: Any, records: dict[str, dict[str, list[Values]]], base: list[Values], links: list[Any]) -> None:
    """Add the rows of a text that stands beside both sides, with links and bases where it says so."""
    types = {type_ for own in records.values() for type_ in own}
    made = _made(wish, types)
    named = {each for _, each, _ in made.ids if each} | ({made.type} if made.type else set())
    found = named or types
    if len(found) != 1:
        raise NotExpressible(f"generate: {wish!r} names no type")
    (type_,) = found
    if not made.ids and made.count:
        wanted = list(SYSTEMS) if made.linked else []
        made.ids = [(side, None, [f"{side[0].upper()}{n}" for n in range(1, made.count + 1)]) for side in wanted]
    if not made.ids or len(made.ids) > 2 or (made.linked and len(made.ids) != 2):
        raise NotExpressible(f"generate: {wish!r} does not say which rows")
    sides = [side or _side_of(ids[0]) for side, _, ids in made.ids]
    for side, (_, _, ids) in zip(sides, made.ids, strict=True):
        records[side].setdefault(type_, []).extend(_rows(ids, made, wish))
    if made.linked:
        if set(sides) != set(SYSTEMS):
            raise NotExpressible(f"generate: {wish!r} links rows of one side")
        for number, (one, two) in enumerate(zip(made.ids[0][2], made.ids[1][2], strict=True), 1):
            members = [f"{side}/{type_}/{id_}" for side, id_ in zip(sides, (one, two), strict=True)]
            values = {n: v for n, v in _values(made, number).items() if n not in ("t", "pt")}
            links.append(members)
            base.append({"members": members, "values": values})


def events(said: Values) -> Iterator[Values]:
    """An event for each record that `left/contact/L1..L20` stands for; otherwise the event itself."""
    for word in ("edit", "create", "delete", "touch"):
        found = _RANGE.fullmatch(str(said.get(word, "")))
        if found is None or not found[1]:
            continue
        for number, id_ in enumerate(_ids(found), 1):
            yield {n: _filled(v, number) for n, v in {**said, word: f"{found[1]}/{found[2]}/{id_}"}.items()}
        return
    yield said


def _made(wish: Any, types: set[str]) -> Made:
    return _structured(wish) if isinstance(wish, dict) else _read(str(wish), types)


def _structured(wish: Values) -> Made:
    """`{count: 20, id: L<n>, set: {email: p<n>@x.example}}`."""
    words = Words(wish, "generate")
    number = words.take("count", "number", "rows", "n", "times")
    ids, values = words.take("id", "ids", "key"), words.take("set", "values", "record", "with", default={})
    values = {**values, **{name: words.take(name) for name in ("t", "pt") if words.has(name)}}
    words.done()
    found = _RANGE.fullmatch(str(ids or ""))
    if found is not None:
        return Made([(found[1], found[2], _ids(found))], values=values)
    if not isinstance(number, int):
        raise NotExpressible(f"generate: {wish!r} does not say how many")
    made = Made(count=number, values=values)
    if ids is not None:
        made.ids = [(None, None, [_filled(str(ids), n) for n in range(1, number + 1)])]
    return made


def _read(text: str, types: set[str]) -> Made:
    made = Made()
    left = text
    for found in _RANGE.finditer(text):
        made.ids.append((found[1], found[2], _ids(found)))
        left = left.replace(found[0], " ; ", 1)
    made.linked = bool(_TOGETHER.search(plain(left)))
    for part in re.split(r"\s*[,;()]\s*|\s+and\s+|\s+with\s+|\s+having\s+|:\s+(?=\w+\s)", left):
        _take(part, made, types, text)
    sizes = {len(ids) for _, _, ids in made.ids}
    if made.count is not None and sizes - {made.count}:
        raise NotExpressible(f"generate: {text!r} does not say how many rows")
    return made


def _take(part: str, made: Made, types: set[str], text: str) -> None:
    """Understand a part of a text."""
    words = part.strip(" .").split()
    while words and words[0].lower() in _LINK_WORDS:
        words.pop(0)
    while words and words[-1].lower() in _LINK_WORDS:
        words.pop()
    counted = _COUNT.fullmatch(" ".join(words)) if len(words) > 1 else None
    if words and (counted or re.fullmatch(r"\d[\d,]*", words[0])):
        made.count = int(words[0].replace(",", ""))
        words = [word for word in words[1:] if word.lower() not in _LINK_WORDS]
    if not words:
        return
    if len(words) == 1:
        named = [type_ for type_ in types if words[0] in (type_, f"{type_}s", f"{type_.removesuffix('y')}ies")]
        if not named:
            raise NotExpressible(f"generate: {part.strip()!r} in {text!r}")
        made.type = named[0]
        return
    found = _VALUE.fullmatch(" ".join(words))
    # Several words are a value where they are marked as one.
    loose = found is not None and " " in found[2] and not _PLACEHOLDER.search(found[2]) and found[2][0] not in "'\""
    if found is None or (loose and not re.match(r"\w+\s*[:=]", " ".join(words))):
        raise NotExpressible(f"generate: {part.strip()!r} in {text!r}")
    made.values[found[1]] = _typed(found[2].strip("'\""))


def _typed(text: str) -> Any:
    return int(text) if re.fullmatch(r"0|[1-9]\d*", text) else text


def _ids(found: re.Match[str]) -> list[str]:
    _, _, prefix, first, again, last = found.groups()
    if again not in (None, "", prefix) or int(last) < int(first):
        raise NotExpressible(f"generate: {found[0]!r} is no range")
    return [f"{prefix}{number}" for number in range(int(first), int(last) + 1)]


def _rows(ids: list[str], made: Made, wish: Any) -> list[Values]:
    if not ids:
        raise NotExpressible(f"generate: {wish!r} does not say how many rows")
    return [{"t": _WHEN, **_values(made, number), "id": id_} for number, id_ in enumerate(ids, 1)]


def _values(made: Made, number: int) -> Values:
    return {name: _filled(value, number) for name, value in made.values.items()}


def _filled(value: Any, number: int) -> Any:
    """A value in which the number of the row stands where its sign stood."""
    if isinstance(value, dict):
        return {name: _filled(each, number) for name, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, number) for each in value]
    return _PLACEHOLDER.sub(str(number), value) if isinstance(value, str) else value


def _side_of(id_: str) -> str:
    found = {"L": "left", "R": "right"}.get(id_[0].upper())
    if found is None:
        raise NotExpressible(f"generate: of which side is {id_}?")
    return found


# What is expected.

_OPERATIONS = {
    "insert": "insert",
    "create": "insert",
    "creation": "insert",
    "update": "update",
    "delete": "delete",
    "deletion": "delete",
    "archive": "archive",
}


def writes(wish: Any, types: set[str]) -> list[Values]:
    """Expected writes: `20 inserts`, `updates of R1..R20 with name P<n>`; None stands for anything."""
    text = str(wish)
    found = re.match(r"\s*(\d+)?\s*([a-z]+?)s?\b", text)
    operation = _OPERATIONS.get(found[2]) if found else None
    if found is None or operation is None:
        raise NotExpressible(f"generate: {text!r} are no writes")
    made = _read(re.sub(r"^\s*(?:of|into|to)\b", "", text[found.end() :]), types)
    if len(made.ids) > 1 or (not made.ids and (made.values or not found[1])):
        raise NotExpressible(f"generate: {text!r} does not say which writes")
    ids: list[Any] = list(made.ids[0][2]) if made.ids else [None] * int(found[1])
    type_ = made.type or (made.ids[0][1] if made.ids else None)
    if found[1] and int(found[1]) != len(ids):
        raise NotExpressible(f"generate: {text!r} does not say how many writes")
    return [
        {"op": operation, "type": type_, "id": id_, "set": _values(made, number) if made.values else None}
        for number, id_ in enumerate(ids, 1)
    ]


def links(wish: Any, types: set[str]) -> list[list[str] | None]:
    """Expected links: `20 pairs`, `L1..L20 with R1..R20`; None stands for any cluster."""
    text = str(wish)
    made = _read(text, types)
    if not made.ids and made.count and not made.values:
        return [None] * made.count
    if len(made.ids) != 2 or len(made.ids[0][2]) != len(made.ids[1][2]) or made.values:
        raise NotExpressible(f"generate: {text!r} are no links")
    found = {type_ for _, type_, _ in made.ids if type_} | ({made.type} if made.type else set()) or types
    if len(found) != 1:
        raise NotExpressible(f"generate: {text!r} names no type")
    (type_,) = found
    first = made.ids[0][0] or _side_of(made.ids[0][2][0])
    sides = [first, made.ids[1][0] or other(first)]
    return [
        [f"{side}/{type_}/{id_}" for side, id_ in zip(sides, pair, strict=True)]
        for pair in zip(*(ids for _, _, ids in made.ids), strict=True)
    ]


def entries(wish: Any, names: list[str]) -> list[Values]:
    """Expected skips: `left/contact/L1..L20 historical`."""
    text = str(wish)
    found = _RANGE.search(text)
    reason = plain(text.replace(found[0], "", 1)).removeprefix("reason ").replace(" ", "_") if found else ""
    if found is None or not found[1] or reason not in names:
        raise NotExpressible(f"generate: {text!r} says nothing that can be counted")
    return [{"member": f"{found[1]}/{found[2]}/{id_}", "reason": reason} for id_ in _ids(found)]


def spread(entries_: Any, make: Any) -> list[Any]:
    """A list in which each `generate` is replaced by what it stands for."""
    found: list[Any] = []
    for entry in listed(entries_):
        found += make(entry["generate"]) if isinstance(entry, dict) and "generate" in entry else [entry]
    return found
