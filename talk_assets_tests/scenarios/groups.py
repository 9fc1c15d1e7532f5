"""Which entities of a case are about the same thing, and which of their properties are shared."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from talk_assets_tests.scenarios.case import Case, properties_of, split_member
from talk_assets_tests.scenarios.events import written
from talk_assets_tests.scenarios.filters import sent_by
from talk_assets_tests.scenarios.kinds import Kind
from talk_assets_tests.scenarios.nested import LineNumbers, LinesAt, Nest, line_parts, lines_at, nests_of
from talk_assets_tests.scenarios.removal import beside
from talk_assets_tests.scenarios.words import (
    SYSTEMS,
    NotExpressible,
    Values,
    listed,
    of_places,
    place_of,
    told,
)


@dataclass
class Group:
    """Entities that are about the same thing.

    Attributes:
        name: of the subject.
        kinds: the entities.
        pairs: those of them that are compared with each other, left and right.
        together: all of them may be in one cluster.
        lines: they are lines of documents.
        criteria: of lines, and of records that are numbered within others: what makes two the same.
    """

    name: str
    kinds: list[Kind]
    pairs: list[tuple[Kind, Kind]]
    together: bool = False
    lines: bool = False
    criteria: list[list[str]] = field(default_factory=list)


class Seen:
    """Every record that the case shows, and what its properties hold."""

    def __init__(self, case: Case) -> None:
        self.values: dict[tuple[str, str], list[Values]] = {}
        self.ids: dict[tuple[str, str], set[str]] = {}
        # How many of the rows of `values` are whole records; what comes later may be an edit of some properties.
        self.whole: dict[tuple[str, str], int] = {}
        self.nests = nests_of(case)
        for side, types in case.records.items():
            for type_, records in types.items():
                self.ids.setdefault((side, type_), set())
                self.values.setdefault((side, type_), [])
                for record in records:
                    self._take(side, type_, str(record["id"]), properties_of(record))
        self.whole = {place: len(rows) for place, rows in self.values.items()}
        for side, type_, id_, values in written(case):
            self._take(side, type_, id_, values)
        for entry in case.base:
            for member in entry["members"]:
                side, type_, id_ = split_member(member)
                if id_ not in self.ids.get((side, type_), ()) and not self._is_line(side, type_, id_):
                    # Gone before the case begins.
                    seen = (entry.get("seen") or {}).get(member) or {}
                    self._take(side, type_, id_, {**(entry.get("values") or {}), **seen})

    def _is_line(self, side: str, type_: str, id_: str) -> bool:
        return lines_at(self.nests, side, type_) is not None and line_parts(id_) is not None

    def _take(self, side: str, type_: str, id_: str, values: Values) -> None:
        at = lines_at(self.nests, side, type_)
        if at is not None and line_parts(id_) is not None:
            type_ = at.type
        elif at is not None and at.inside in values:
            lines = values[str(at.inside)] or []
            for key, line in zip(LineNumbers().keys(id_, lines, at.key), lines, strict=True):
                self._take(side, at.type, key, line)
            values = {name: value for name, value in values.items() if name != at.inside}
        self.ids.setdefault((side, type_), set()).add(id_)
        self.values.setdefault((side, type_), []).append(values)

    def of(self, kinds: list[Kind], name: str) -> list[Any]:
        """The values of a property that are not empty."""
        held = [row[name] for kind in kinds for row in self.values.get((kind.side, kind.type), []) if name in row]
        return [value for value in held if value not in (None, "")]

    def given(self, kind: Kind) -> list[Values]:
        """The records that the case begins with; of a kind that has none all that is seen of it."""
        place = (kind.side, kind.type)
        return self.values.get(place, [])[: self.whole.get(place) or None]

    def names(self, kind: Kind) -> set[str]:
        """The properties that an entity is seen with; where it has no records those of its namesake, or of all."""
        found = self._names(kind.side, kind.type)
        if found:
            return found
        return self._names("left", kind.type) | self._names("right", kind.type)

    def shown(self, group: Group) -> set[str]:
        """The properties that some entity of a group is seen with."""
        return {name for kind in group.kinds for name in self.names(kind)}

    def _names(self, side: str, type_: str) -> set[str]:
        return {name for row in self.values.get((side, type_), []) for name in row}


def groups_of(case: Case, seen: Seen) -> Iterator[Group]:
    """The entities of a case, those that are about the same thing together."""
    taken: set[tuple[str, str]] = set()
    for group in [*_clustered(case), *_paired(case)]:
        taken |= {(kind.side, kind.type) for kind in group.kinds}
        yield group
    lines = {at.type for nest in seen.nests for at in nest.values()}
    for nest in seen.nests:
        kinds = [_line_kind(side, at) for side, at in sorted(nest.items())]
        group = Group(kinds[0].type, kinds, [(kinds[0], kinds[1])], lines=True)
        yield replace(group, criteria=_line_criteria(case, seen, group, nest))
    for type_ in dict.fromkeys(type_ for _, type_ in seen.ids if type_ not in lines):
        if ("left", type_) not in taken and ("right", type_) not in taken:
            one, far = _kind("left", type_), _kind("right", type_)
            yield Group(type_, [one, far], [(one, far)], criteria=_numbered(case, seen, type_))


def _clustered(case: Case) -> Iterator[Group]:
    rule = listed(case.rules.get("one_cluster_of"))
    for each in rule if rule and isinstance(rule[0], list) else [rule]:
        if each:
            kinds = [_kind(*_named(member)) for member in each]
            pairs = [(a, b) for a in kinds for b in kinds if a.side == "left" and b.side == "right"]
            if not pairs:
                raise NotExpressible(f"one_cluster_of: {each} is about one side only")
            yield Group(kinds[0].type, kinds, pairs, together=True)


def _paired(case: Case) -> Iterator[Group]:
    rule = case.rules.get("pairing") or {}
    if isinstance(rule, list):
        if any(not isinstance(each, list) or len(each) != 2 for each in rule):
            raise NotExpressible(f"pairing: {rule}")
        rule = {str(one): two for one, two in rule}
    for one, others in rule.items():
        for each in listed(others):
            kinds = sorted((_kind(*_named(one)), _kind(*_named(each))), key=lambda kind: kind.side)
            if [kind.side for kind in kinds] != ["left", "right"]:
                raise NotExpressible(f"pairing: {one} with {each}")
            yield Group(kinds[1].type, kinds, [(kinds[0], kinds[1])])


def _named(member: Any) -> tuple[str, str]:
    side, slash, type_ = str(member).partition("/")
    if not slash or side not in SYSTEMS:
        raise NotExpressible(f"{member!r} names no side and type")
    return side, type_


def _kind(side: str, type_: str) -> Kind:
    """`relation kind=person` is the part of type relation whose kind is person."""
    name, _, condition = type_.replace("[", " ").replace("]", "").partition(" ")
    words = condition.replace(" = ", "=").replace("where ", "").replace("with ", "").replace(" and ", " ").split()
    if any(word.count("=") != 1 for word in words):
        raise NotExpressible(f"{side}/{type_} names no part of a type")
    where = dict(word.split("=", 1) for word in words)
    suffix = "".join(f"_{value}" for value in where.values())
    return Kind(f"{SYSTEMS[side]}.{name}{suffix}", side, name, where)


def _line_kind(side: str, at: LinesAt) -> Kind:
    kind = _kind(side, at.type)
    return replace(kind, document=at.document, under=at.under or at.document, inside=at.inside, line_key=at.key)


def _line_criteria(case: Case, seen: Seen, group: Group, nest: Nest) -> list[list[str]]:
    """By what lines of one document are the same: by their key where both sides tell them so, or by all they hold."""
    keys = {at.key for at in nest.values()}
    if len(keys) == 1 and "" not in keys and all(at.stable for at in nest.values()):
        return [sorted(keys)]
    rows = [row for kind in group.kinds for row in seen.given(kind)]
    shared = [name for name in shared_properties(case, seen, group) if name not in keys]
    full = [name for name in shared if all(row.get(name) not in (None, "") for row in rows)]
    if not full:
        raise NotExpressible(f"lines of {group.name} have neither a key nor a property that all of them fill")
    return [full]


def _numbered(case: Case, seen: Seen, type_: str) -> list[list[str]]:
    """Of records that both sides number alike within others (`line_key`): what makes two the same."""
    rule = case.rules.get("line_key")
    if rule is None:
        return []
    types = case.types
    wishes = [listed(told(rule, side, type_, types)) for side in SYSTEMS]
    if not wishes[0] or list(map(str, wishes[0])) != list(map(str, wishes[1])):
        return []
    names = list(map(str, wishes[0]))
    shown = {name for side in SYSTEMS for row in seen.values.get((side, type_), []) for name in row}
    if not set(names) <= shown:
        return []
    above = [name for name in shown if name in types and name != type_ and name not in names]
    return [above[:1] + names] if not set(names) & types else [names]


def shared_properties(case: Case, seen: Seen, group: Group) -> list[str]:
    """Properties that are synchronised or matched by, in the order in which they are shown."""
    rules, left_out = case.rules, _beside(case, seen, group)
    shown: dict[str, None] = {}
    for kind in group.kinds:
        for row in seen.values.get((kind.side, kind.type), []):
            shown |= dict.fromkeys(row)
    keys = {name for alternative in keys_of(case, group) for name in alternative}
    if group.lines:
        managed = managed_of(case, group) or [name for name in shown if name not in left_out]
        return [name for name in shown if name in keys or name in managed]
    for values in (rules.get("defaults") or {}).values():
        shown |= dict.fromkeys(values) if isinstance(values, dict) else {}
    only = shared_of(case, group)
    if only is not None:
        return [name for name in shown if name in only or name in keys or name in sent_by(case)]
    return [name for name in shown if name not in left_out or name in keys]


def shared_of(case: Case, group: Group) -> list[str] | None:
    """The properties that the rules say are synchronised; None for all that are shown."""
    rule = case.rules.get("shared")
    if rule is None or str(rule).lower() in ("all", "true", "every property", "everything"):
        return None
    if isinstance(rule, dict) and not of_places(rule, case.types):
        rule = [name for name, wish in rule.items() if wish]
    found: list[str] = []
    for kind in group.kinds:
        wish = told(rule, kind.side, kind.type, case.types)
        if wish is None:
            return None
        for name in map(str, listed(wish)):
            type_, dot, own = name.rpartition(".")
            if not dot or type_ == kind.type:
                found.append(own)
    return found


def managed_of(case: Case, group: Group) -> list[str]:
    """The properties of lines that the rules name."""
    rule = case.rules.get("managed_line_properties")
    # Said of the lines, or of the documents that they belong to.
    places = [(kind.side, type_) for kind in group.kinds for type_ in (kind.type, str(kind.document))]
    wishes = [told(rule, side, type_, case.types) for side, type_ in places]
    return [str(name) for wish in wishes for name in listed(wish)]


def _beside(case: Case, seen: Seen, group: Group) -> set[str]:
    """Properties that mean something to one side only."""
    rules = case.rules
    found = {name for kind in group.kinds for name in kind.where}
    for key, values in (rules.get("constants") or {}).items():
        inner = values if isinstance(values, dict) else {key: values}
        found |= {name for name, value in inner.items() if not isinstance(value, dict)}
    for kind in group.kinds:
        found |= beside(case, kind)
    reference = rules.get("external_reference")
    found |= {str(name) for name in (reference.values() if isinstance(reference, dict) else listed(reference))}
    # A line's key within its document says nothing to the other side; the document itself does.
    line_key = rules.get("line_key")
    places = line_key.values() if isinstance(line_key, dict) else [line_key]
    found |= {str(name) for names in places for name in listed(names) if not isinstance(name, dict)}
    if not group.lines:
        return found - case.types
    for nest in seen.nests:
        found |= {name for at in nest.values() for name in (at.document, at.under, at.key)}
    return found


def keys_of(case: Case, group: Group) -> list[list[str]]:
    """What makes records of a group the same: alternatives of properties.

    Raises:
        NotExpressible: the rule names none.
    """
    if group.lines:
        return group.criteria
    rule: Any = case.rules.get("keys")
    if isinstance(rule, dict):
        # Types that the case does not show have no records to be matched.
        known = {key: wish for key, wish in rule.items() if place_of(key, case.types) is not None}
        placed = [told(known, kind.side, kind.type, case.types) if known else None for kind in group.kinds]
        rule = next((wish for wish in placed if wish is not None), None)
    found = []
    for alternative in listed(rule):
        names = [part.strip() for name in listed(alternative) for part in re.split(r"\s+and\s+|\s*\+\s*", str(name))]
        if not names or not all(re.fullmatch(r"\w+", name) for name in names):
            raise NotExpressible(f"keys: {alternative!r} names no properties")
        found.append(names)
    return [*found, *(each for each in group.criteria if each not in found)]
