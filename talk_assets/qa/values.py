"""Values at the edges of what a property takes, as a person types them in a system's own form."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from talk_assets.mappings.capabilities import PropertyCapability
from talk_assets.mappings.model import MemberProperty, Property
from talk_assets.qa.meaning import own_form
from talk_assets.qa.scope import Scope

# How long a text is made where no limit is known on either side.
_LONG = 200
# From so many characters on a property takes several lines.
_SEVERAL_LINES = 1000
# The name under which the other record of a subject is meant, see `talk_assets.qa.stock`.
OTHER = "the other one"
# The name of the edge at which a property is emptied.
EMPTIED = "emptied"


# Edges that a system takes if it has the property as it is declared, beside the codes of a value map. Others may meet
# a rule that nobody declared, such as no negative price.
_TAKEN = frozenset({"changed", "another", "longest", "letter-case", "spring-forward", "true", "false", "one"})


def may_be_refused(edge: str) -> bool:
    """Whether a system may have a reason not to take an edit at this edge; '' is an ordinary value."""
    return edge != "" and edge not in _TAKEN and not edge.startswith("code-")


@dataclass(frozen=True)
class Edge:
    """One value to try.

    Attributes:
        name: short, part of the row's id.
        typed: in the system's own form, '' to empty the property.
        start: the shared value that the record has before, where the usual one would be the same.
    """

    name: str
    typed: str
    start: str | None = None


def edges(scope: Scope, name: str, source: str, base: str) -> list[Edge]:
    """The values to try in an entity, for a record that holds a usual one.

    Args:
        scope: the flow.
        name: the property.
        source: the entity in which a person edits.
        base: the shared value that the record holds before; texts keep it as their beginning.
    """
    row, member = scope.rows[name], scope.member(name, source)
    if row.type == "reference":
        return [Edge("changed", OTHER), Edge(EMPTIED, "")]
    if member.values is not None:
        found = _codes(scope, row, member, base)
    else:
        known = {"text": _texts, "code": _codes_of_letters, "email": _emails}.get(row.type)
        tried = _plain(row.type, base) if known is None else known(scope, name, source, base)
        found = [Edge(each, _typed(row, member, text)) for each, text in tried]
    return [*found, Edge(EMPTIED, "")]


def _typed(row: Property, member: MemberProperty, text: str) -> str:
    """A number in the entity's own unit; everything else as it is typed."""
    if row.type != "decimal" or member.factor is None:
        return text
    return f"{Decimal(text) / Decimal(str(member.factor)):f}"


def _plain(kind: str, base: str) -> Iterator[tuple[str, str]]:
    tried = {
        "date": [
            ("spring-forward", "2024-03-31"),
            ("autumn-back", "2024-10-27"),
            ("leap-day", "2024-02-29"),
            ("last-day-of-a-year", "1999-12-31"),
            ("far-ahead", "2099-01-01"),
        ],
        "decimal": [
            ("zero", "0"),
            ("negative", "-1.5"),
            ("many-decimals", "1.23456789"),
            ("half", "2.00005"),
            ("smallest", "0.0001"),
            ("large", "123456789.1234"),
        ],
        "integer": [("zero", "0"), ("negative", "-1"), ("large", "2000000000")],
        "boolean": [("true", "true"), ("false", "false")],
        "country": [("another", "BE"), ("lower-case", "de")],
        "currency": [("another", "USD")],
        "list": [("one", "qa one"), ("several", f"{base}\nqa two\nqa three"), ("accents", "Zoë\nÅngström")],
    }
    yield from tried.get(kind, [])


def _texts(scope: Scope, name: str, source: str, base: str) -> Iterator[tuple[str, str]]:
    own, other = (scope.able(name, entity) for entity in (source, scope.other(source)))
    room = own.max_length or (other.max_length + 10 if other.max_length else _LONG)
    yield "longest", _filled(base, room)
    if other.max_length is not None and other.max_length + 4 <= room:
        # The other system has to cut it just behind a blank.
        yield "blank-at-the-cut", _filled(base, other.max_length - 1) + " end"
    yield "padded", _within(f"  {base[: room - 6]} x  ", room)
    yield "accents", _within(f"{base[: max(room - 12, 0)]} Zoë Łódź ñß", room)
    yield "emoji", _within(f"{base[: max(room - 4, 0)]} 😀", room)
    yield "markup", _within(f"{base[: max(room - 12, 0)]} <b>&\"'\\%;", room)
    yield "letter-case", base.swapcase()
    if room >= _SEVERAL_LINES:
        yield "several-lines", f"{base}\nsecond line\n\nfourth line"


def _codes_of_letters(scope: Scope, name: str, source: str, base: str) -> Iterator[tuple[str, str]]:
    own, target = (scope.able(name, entity) for entity in (source, scope.other(source)))
    row, member = scope.rows[name], scope.member(name, scope.other(source))
    room = own.max_length or (target.max_length + 10 if target.max_length else _LONG)
    takes = min(room, target.max_length or room)
    digits = "".join(letter for letter in base if letter.isdigit())
    if own.type == "integer":
        yield "another", f"{int(digits or '1') + 50_000_000}"
        return
    yield "longest", (digits if member.only_digits else base).ljust(takes, "7")
    if target.max_length is not None and target.max_length < room:
        # A code that is shortened is another code.
        yield "too-long", base.ljust(room, "8")
    yield "leading-zeros", _within(f"00{digits}", room)
    yield "padded", _within(f" {digits}1 ", room)
    if not member.only_digits and not base.isdigit():
        yield "letter-case", base.swapcase()
    yield "punctuated", _within(f"{digits[:3]}.{digits[3:]}-9", room)
    if member.only_digits:
        yield "letters", _within(f"QA{digits}", room)
    elif row.compare != "exact":
        yield "spelled-apart", _within(f"{base[:4]}.{base[4:]}", room)


def _emails(scope: Scope, name: str, source: str, base: str) -> Iterator[tuple[str, str]]:
    own, target = (scope.able(name, entity) for entity in (source, scope.other(source)))
    room = own.max_length or (target.max_length + 10 if target.max_length else _LONG)
    takes = min(room, target.max_length or room)
    yield "longest", f"{'q' * (takes - len(base))}{base}"
    if target.max_length is not None and target.max_length < room:
        yield "too-long", f"{'q' * (room - len(base))}{base}"
    yield "padded", f"  x{base}  "
    yield "tagged", base.replace("@", "+o'tag_1@")
    yield "letter-case", base.upper()


def _codes(scope: Scope, row: Property, member: MemberProperty, base: str) -> list[Edge]:
    """Each code of the value map."""
    shared = list(dict.fromkeys((member.values or {}).values()))
    found = []
    for code, means in (member.values or {}).items():
        start = next((each for each in shared if each != means and _known(scope, row, each)), None)
        found.append(Edge(f"code-{code}", code, start if means == base else None))
    return found


def _known(scope: Scope, row: Property, shared: str) -> bool:
    """Whether every entity of the flow has a code for a shared value."""
    free = PropertyCapability()
    return all(own_form(shared, row, row.members[entity], free) is not None for entity in scope.flow.entities)


def _filled(base: str, length: int) -> str:
    """A text of exactly so many characters, with few blanks, that begins with the base and ends with a letter."""
    if length <= len(base):
        return base[: max(length - 1, 0)] + "z"
    return (f"{base} ".ljust(length - 1, "y") + "z")[:length]


def _within(text: str, room: int) -> str:
    return text[:room]
