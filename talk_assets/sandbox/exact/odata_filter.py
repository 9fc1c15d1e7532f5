"""The `$filter` language, as far as Exact Online is known to speak it (Exact reference, query options).

Operators `eq ne gt ge lt le and or not`, functions `substringof startswith endswith trim`, parentheses, and literals
for text, GUID, DateTime, numbers (`12`, `12L`, `1.5`), booleans and null. Text compares as SQL does: trailing spaces
do not count, leading ones do.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from talk_assets.sandbox.exact.errors import Refused, bad_request
from talk_assets.sandbox.exact.model import Property
from talk_assets.sandbox.exact.values import parse_datetime, parse_guid

Row = Callable[[str], Any]
Kind = Literal["text", "guid", "number", "boolean", "datetime", "null"]

_TOKEN = re.compile(
    r"\s*(?:(?P<guid>guid ?'(?P<guid_text>[^']*)')|(?P<datetime>datetime'(?P<datetime_text>[^']*)')"
    r"|'(?P<text>(?:[^']|'')*)'|(?P<number>-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)[LlMmDdFf]?(?![\w.])"
    r"|(?P<word>[A-Za-z_]\w*(?:/[A-Za-z_]\w*)*)|(?P<mark>[(),]))"
)
_UNSUPPORTED = "This $filter parameter is not supported for this resource"
_DEEPEST = 100  # parentheses and nots inside one another
_LARGEST = 2**63 - 1  # whole number
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda left, right: bool(left == right),
    "ne": lambda left, right: bool(left != right),
    "gt": lambda left, right: left is not None and right is not None and left > right,
    "ge": lambda left, right: left is not None and right is not None and left >= right,
    "lt": lambda left, right: left is not None and right is not None and left < right,
    "le": lambda left, right: left is not None and right is not None and left <= right,
}
_FUNCTIONS = {"substringof": 2, "startswith": 2, "endswith": 2, "trim": 1}
_MIRRORED = {"eq": "eq", "ne": "ne", "gt": "lt", "ge": "le", "lt": "gt", "le": "ge"}


@dataclass(frozen=True, slots=True)
class Comparison:
    """A property compared with a literal, as found in a filter; lets a caller look up by an index."""

    name: str
    operator: str
    value: Any


@dataclass(frozen=True, slots=True)
class Filter:
    """A parsed filter.

    Attributes:
        names: the properties that occur in it.
        test: whether a row satisfies it; the row is given as a function from property name to value.
        required: comparisons that every matching row satisfies (those joined by `and` at the top).
    """

    names: frozenset[str]
    test: Callable[[Row], bool]
    required: tuple[Comparison, ...]


@dataclass(frozen=True, slots=True)
class _Node:
    kind: Kind
    value: Callable[[Row], Any]
    comparisons: tuple[Comparison, ...] = ()
    name: str | None = None
    literal: bool = False


def parse_filter(text: str, properties: Mapping[str, Property]) -> Filter:
    """Parse a filter over a set with these properties.

    Raises:
        Refused: 400, it is malformed, compares different types, or names what cannot be filtered.
    """
    if not text.strip():
        raise bad_request(_UNSUPPORTED)
    parser = _Parser(text, properties)
    node = parser.whole()
    if node.kind != "boolean":
        raise bad_request(_UNSUPPORTED)
    return Filter(frozenset(parser.names), lambda row: bool(node.value(row)), node.comparisons)


class _Parser:
    """Recursive descent over the tokens; one method per level of precedence."""

    def __init__(self, text: str, properties: Mapping[str, Property]) -> None:
        self.names: set[str] = set()
        self._properties = properties
        self._tokens = _tokens(text)
        self._position = 0
        self._depth = 0

    def whole(self) -> _Node:
        node = self._or()
        if self._position != len(self._tokens):
            raise _syntax(f"unexpected {self._peek()[1]!r}")
        return node

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._position] if self._position < len(self._tokens) else ("end", "the end")

    def _take(self) -> tuple[str, str]:
        token = self._peek()
        self._position += 1
        return token

    def _word(self, *words: str) -> str | None:
        kind, text = self._peek()
        if kind == "word" and text in words:
            self._position += 1
            return text
        return None

    def _expect(self, mark: str) -> None:
        kind, text = self._take()
        if kind != "mark" or text != mark:
            raise _syntax(f"expected {mark!r}, found {text!r}")

    def _or(self) -> _Node:
        terms = [self._and()]
        while self._word("or"):
            terms.append(self._and())
        return terms[0] if len(terms) == 1 else _any_of([_condition(term) for term in terms])

    def _and(self) -> _Node:
        terms = [self._not()]
        while self._word("and"):
            terms.append(self._not())
        return terms[0] if len(terms) == 1 else _all_of([_condition(term) for term in terms])

    def _not(self) -> _Node:
        if self._word("not"):
            with self._deeper():
                inner = _condition(self._not())
            return _Node("boolean", lambda row: not inner.value(row))
        return self._comparison()

    @contextmanager
    def _deeper(self) -> Iterator[None]:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _syntax("recursion depth exceeds the allowed limit")
        yield
        self._depth -= 1

    def _comparison(self) -> _Node:
        left = self._operand()
        operator = self._word(*_COMPARE)
        return left if operator is None else _compared(left, operator, self._operand())

    def _operand(self) -> _Node:
        kind, text = self._take()
        if kind == "mark" and text == "(":
            with self._deeper():
                node = self._or()
            self._expect(")")
            return node
        if kind == "word":
            return self._named(text)
        if kind in _LITERALS:
            return _LITERALS[kind](text)
        raise _syntax(f"unexpected {text!r}")

    def _named(self, word: str) -> _Node:
        if self._peek() == ("mark", "("):
            return self._call(word)
        if word in ("true", "false"):
            return _constant("boolean", word == "true")
        if word == "null":
            return _constant("null", None)
        prop = self._properties.get(word)
        if "/" in word or (prop is not None and (prop.is_collection or prop.type == "Binary")):
            raise bad_request(f"Filtering on these fields is not supported: {word}")
        if prop is None:
            raise bad_request(f"No property '{word}' exists in type.")
        self.names.add(word)
        return _property(prop)

    def _call(self, function: str) -> _Node:
        if function not in _FUNCTIONS:
            raise bad_request(f"Unknown function '{function}'.")
        self._expect("(")
        with self._deeper():
            arguments = [self._or()]
            while self._peek() == ("mark", ","):
                self._take()
                arguments.append(self._or())
        self._expect(")")
        if len(arguments) != _FUNCTIONS[function] or any(argument.kind != "text" for argument in arguments):
            raise bad_request(f"No applicable function found for '{function}' with the specified arguments.")
        return _called(function, arguments)


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    position, text = 0, text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _syntax(f"cannot read {text[position : position + 20]!r}")
        kind = str(match.lastgroup)
        tokens.append((kind, _content(kind, match)))
        position = match.end()
    return tokens


def _content(kind: str, match: re.Match[str]) -> str:
    if kind in ("guid", "datetime"):
        return match[f"{kind}_text"]
    return match[kind].replace("''", "'") if kind == "text" else match[kind]


def _syntax(problem: str) -> Refused:
    return bad_request(f"Syntax error in $filter: {problem}.")


def _constant(kind: Kind, value: Any) -> _Node:
    return _Node(kind, lambda _row: value, literal=True)


def _guid(text: str) -> _Node:
    try:
        return _constant("guid", parse_guid(text))
    except ValueError:
        raise _syntax(f"{text!r} is not a GUID") from None


def _datetime(text: str) -> _Node:
    try:
        return _constant("datetime", parse_datetime(text))
    except ValueError:
        raise _syntax(f"{text!r} is not a DateTime") from None


def _number(text: str) -> _Node:
    whole = text.lstrip("-").isdigit() and len(text) <= len(str(_LARGEST)) + 1
    number = int(text) if whole else float(text)
    if not math.isfinite(number) or (whole and abs(number) > _LARGEST):
        raise _syntax(f"the number {text[:30]!r} is too large")
    return _constant("number", number)


_LITERALS: Mapping[str, Callable[[str], _Node]] = {
    "guid": _guid,
    "datetime": _datetime,
    "text": lambda text: _constant("text", text.rstrip(" ")),
    "number": _number,
}


def _property(prop: Property) -> _Node:
    name = prop.name
    if prop.type == "DateTime":
        return _Node("datetime", lambda row: _moment(row(name)), name=name)
    if prop.type == "String":
        return _Node("text", lambda row: _trimmed(row(name)), name=name)
    if prop.type == "Guid":
        return _Node("guid", lambda row: row(name), name=name)
    kind: Kind = "boolean" if prop.type == "Boolean" else "number"
    return _Node(kind, lambda row: row(name), name=name)


def _moment(value: Any) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


def _trimmed(value: Any) -> str | None:
    return None if value is None else str(value).rstrip(" ")


def _condition(node: _Node) -> _Node:
    if node.kind != "boolean":
        raise bad_request(_UNSUPPORTED)
    return node


def _all_of(terms: list[_Node]) -> _Node:
    comparisons = tuple(part for term in terms for part in term.comparisons)
    return _Node("boolean", lambda row: all(term.value(row) for term in terms), comparisons)


def _any_of(terms: list[_Node]) -> _Node:
    return _Node("boolean", lambda row: any(term.value(row) for term in terms))


def _compared(left: _Node, operator: str, right: _Node) -> _Node:
    if left.kind != right.kind and "null" not in (left.kind, right.kind):
        raise bad_request(f"Operator '{operator}' incompatible with operand types '{left.kind}' and '{right.kind}'.")
    compare = _COMPARE[operator]
    comparisons: tuple[Comparison, ...] = ()
    if left.name is not None and right.literal:
        comparisons = (Comparison(left.name, operator, right.value(_no_row)),)
    elif right.name is not None and left.literal:
        comparisons = (Comparison(right.name, _MIRRORED[operator], left.value(_no_row)),)
    return _Node("boolean", lambda row: compare(left.value(row), right.value(row)), comparisons)


def _no_row(name: str) -> Any:
    raise LookupError(name)


def _called(function: str, arguments: list[_Node]) -> _Node:
    if function == "trim":
        return _Node("text", lambda row: (arguments[0].value(row) or "").strip(" "))
    first, second = arguments
    if function == "substringof":
        return _Node("boolean", lambda row: (first.value(row) or "") in (second.value(row) or ""))
    if function == "startswith":
        return _Node("boolean", lambda row: (first.value(row) or "").startswith(second.value(row) or ""))
    return _Node("boolean", lambda row: (first.value(row) or "").endswith(second.value(row) or ""))
