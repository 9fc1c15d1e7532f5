"""A scenario file: cases as they are written, before anything is made of them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from talk_assets_tests.scenarios import generate
from talk_assets_tests.scenarios.words import REMARKS, SYSTEMS, NotExpressible, Values, Words, listed, plain

# What a record of a scenario says beside its properties.
BESIDE = ("id", "t", "pt", "version")
# What a case says about itself.
_ABOUT = ("source", "area", "basis", "title", "name", "description", "tags", "status", "url", "see", "license")
_EXPECTED = frozenset({"writes_left", "writes_right", "links", "skipped", "conflicts"})
_ALONE = {"sync": {"do": "sync"}, "preview": {"do": "preview"}, "restart": {"restart": True}}


@dataclass(frozen=True)
class Case:
    """One scenario.

    Attributes:
        id: its name.
        rules: how the two systems are synchronised.
        records: per side and type the records there are.
        base: what was agreed before.
        links: clusters known before, as lists of `side/type/id`.
        blocked: pairs that a person has ruled out.
        events: what happens, in order.
        expect: what must be so at the end.
        broken: why the case cannot be played, when its form is not understood.
    """

    id: str
    rules: Values
    records: dict[str, dict[str, list[Values]]]
    base: list[Values]
    links: list[list[str]]
    blocked: list[list[str]]
    events: list[Values]
    expect: Values = field(default_factory=dict)
    broken: str = ""

    @cached_property
    def types(self) -> frozenset[str]:
        """The types that the case names as such."""
        found = {type_ for types in self.records.values() for type_ in types}
        members = [member for entry in [*self.links, *(e["members"] for e in self.base)] for member in entry]
        for named in [*members, *_clustered(self.rules), *_paired(self.rules), *_happening(self.events)]:
            parts = str(named).split("/")
            if len(parts) > 1 and parts[0] in SYSTEMS:
                found.add(parts[1].split()[0])
        return frozenset(found)


def _clustered(rules: Values) -> Iterator[str]:
    for each in listed(rules.get("one_cluster_of")):
        yield from map(str, listed(each))


def _paired(rules: Values) -> Iterator[str]:
    pairing = rules.get("pairing")
    if isinstance(pairing, dict):
        for one, others in pairing.items():
            yield from map(str, (one, *listed(others)))


def _happening(events: list[Values]) -> Iterator[str]:
    for event in events:
        for word, said in event.items():
            if str(word).startswith("between"):
                yield from _happening([each for each in listed(said) if isinstance(each, dict)])
            elif word in ("create", "edit", "feed"):
                yield from map(str, listed(said))


def read_cases(path: Path) -> list[Case]:
    """The cases of a file.

    Raises:
        NotExpressible: the file has no scenarios of format 1.
    """
    # YAML 1.2: the country NO is a text.
    content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict) or content.get("format") != 1 or not isinstance(content.get("scenarios"), list):
        raise NotExpressible(f"{path} is no scenario file of format 1")
    return [_read(raw, number) for number, raw in enumerate(content["scenarios"], 1)]


def _read(raw: Any, number: int) -> Case:
    """A case; one whose form is not understood fails by itself."""
    name = str(raw.get("id", f"case {number}")) if isinstance(raw, dict) else f"case {number}"
    try:
        return _case(name, raw)
    except NotExpressible as error:
        return Case(name, {}, {side: {} for side in SYSTEMS}, [], [], [], [], broken=str(error))


def _case(name: str, raw: Any) -> Case:
    if not isinstance(raw, dict) or not isinstance(raw.get("given"), dict):
        raise NotExpressible(f"{name} has no `given`")
    words = Words({n: v for n, v in raw.items() if n not in _ABOUT}, "the case")
    words.take("id")
    given = Words(words.take("given"), "given")
    rules = given.take("rules", default={}) or {}
    if not isinstance(rules, dict):
        raise NotExpressible(f"rules: {rules!r}")
    records = {side: _records(given.take(side), side) for side in SYSTEMS}
    base, links = _base(given.take("base")), _clusters(given.take("links"), "links")
    for text in listed(given.take("generate")):
        generate.add_rows(text, records, base, links)
    blocked = _clusters(given.take("blocked", "blocks"), "blocked")
    given.done()
    events = [event for said in listed(words.need("when")) for event in _events(said)]
    expect = _expected(words.need("expect"))
    words.done()
    return Case(name, rules, records, base, links, blocked, events, expect)


def _records(given: Any, side: str) -> dict[str, list[Values]]:
    if not isinstance(given or {}, dict):
        raise NotExpressible(f"given.{side}: {given!r} is no mapping of types to records")
    found: dict[str, list[Values]] = {}
    for type_, rows in (given or {}).items():
        own = found.setdefault(str(type_), [])
        for row in listed(rows):
            if isinstance(row, dict) and "generate" in row:
                own += generate.rows(row["generate"], side, str(type_))
            elif isinstance(row, dict) and "id" in row:
                own.append(row)
            else:
                raise NotExpressible(f"given.{side}.{type_}: {row!r} is no record with an id")
    return found


def _base(given: Any) -> list[Values]:
    found = []
    for entry in listed(given):
        words = Words(entry if isinstance(entry, dict) else {}, "an entry of base")
        words.need("members")
        for name in ("values", "seen", "pt", "lines"):
            words.take(name)
        words.done()
        found.append(entry)
    return found


def _clusters(given: Any, what: str) -> list[list[str]]:
    found = []
    for entry in listed(given):
        members = entry.get("members") if isinstance(entry, dict) else entry
        if not isinstance(members, list):
            raise NotExpressible(f"{what}: {entry!r} is no list of members")
        found.append([str(member) for member in members])
    return found


def _events(said: Any) -> Iterator[Values]:
    if isinstance(said, str) and plain(said) in _ALONE:
        said = _ALONE[plain(said)]
    if not isinstance(said, dict) or not said:
        raise NotExpressible(f"{said!r} is no event")
    yield from generate.events(said)


def _expected(given: Any) -> Values:
    if not isinstance(given, dict):
        raise NotExpressible(f"expect: {given!r}")
    found = {str(name): value for name, value in given.items() if name not in REMARKS}
    writes = found.pop("writes", None)
    if isinstance(writes, dict):
        found |= {f"writes_{side}": writes[side] for side in SYSTEMS if side in writes}
    elif writes:
        raise NotExpressible(f"expect: writes {writes!r} name no side")
    if unknown := set(found) - _EXPECTED:
        raise NotExpressible(f"expect: unknown {', '.join(sorted(unknown))}")
    return found


def properties_of(record: Values) -> Values:
    """A record's own properties."""
    return {str(name): value for name, value in record.items() if name not in BESIDE}


def split_member(member: str) -> tuple[str, str, str]:
    """Side, type and id of `side/type/id`.

    Raises:
        NotExpressible: it has another form.
    """
    parts = str(member).split("/", 2)
    if len(parts) != 3 or parts[0] not in SYSTEMS or not all(parts):
        raise NotExpressible(f"{member} is no member of the form side/type/id")
    return parts[0], parts[1], parts[2]
