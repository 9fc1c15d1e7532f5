"""Which entities of a case are about the same thing, and which of their properties are shared."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from talk_assets_tests.scenarios.case import SYSTEMS, Case, Values, properties_of, split_member
from talk_assets_tests.scenarios.filters import sent_by
from talk_assets_tests.scenarios.kinds import Kind
from talk_assets_tests.scenarios.nested import LineNumbers, lines_of
from talk_assets_tests.scenarios.removal import beside


@dataclass
class Group:
    """Entities that are about the same thing."""

    name: str
    kinds: list[Kind]
    pairs: list[tuple[Kind, Kind]]
    together: bool = False
    lines: bool = False


class Seen:
    """Every record that the case shows, and what its properties hold."""

    def __init__(self, case: Case) -> None:
        self.values: dict[tuple[str, str], list[Values]] = {}
        self.ids: dict[tuple[str, str], set[str]] = {}
        self.places = lines_of(case)
        for side, types in case.records.items():
            for type_, records in types.items():
                self.ids.setdefault((side, type_), set())
                self.values.setdefault((side, type_), [])
                for record in records:
                    self._take(side, type_, str(record["id"]), properties_of(record))
        for event in case.events:
            for word in ("edit", "create", "deliver_late"):
                if word in event:
                    member = str(event[word])
                    side, type_, id_ = split_member(member if member.count("/") > 1 else f"{member}/{event.get('id')}")
                    self._take(side, type_, id_, event.get("set") or event.get("record") or {})

    def _take(self, side: str, type_: str, id_: str, values: Values) -> None:
        at = self.places.get(side)
        if at is not None and at.inside in values:
            lines = values[at.inside]
            for key, line in zip(LineNumbers().keys(id_, lines, at.key), lines, strict=True):
                self._take(side, at.type, key, line)
            values = {name: value for name, value in values.items() if name != at.inside}
        self.ids.setdefault((side, type_), set()).add(id_)
        self.values.setdefault((side, type_), []).append(values)

    def of(self, kinds: list[Kind], name: str) -> list[Any]:
        """The values of a property that are not empty."""
        held = [row[name] for kind in kinds for row in self.values.get((kind.side, kind.type), []) if name in row]
        return [value for value in held if value not in (None, "")]

    def names(self, kind: Kind) -> set[str]:
        return {name for row in self.values.get((kind.side, kind.type), []) for name in row}


def groups_of(case: Case, seen: Seen) -> Iterator[Group]:
    """The entities of a case, those that are about the same thing together."""
    rules = case.rules
    taken: set[tuple[str, str]] = set()
    if "one_cluster_of" in rules:
        kinds = [_kind(*member.split("/", 1)) for member in rules["one_cluster_of"]]
        pairs = [(a, b) for a in kinds for b in kinds if a.side == "left" and b.side == "right"]
        taken |= {(kind.side, kind.type) for kind in kinds}
        yield Group(kinds[0].type, kinds, pairs, together=True)
    for left, right in (rules.get("pairing") or {}).items():
        one, other = _kind(*left.split("/", 1)), _kind(*right.split("/", 1))
        taken |= {(one.side, one.type), (other.side, other.type)}
        yield Group(other.type, [one, other], [(one, other)])
    lines = {at.type for at in seen.places.values()}
    for type_ in lines:
        kinds = [
            replace(_kind(side, type_), document=at.document, inside=at.inside, line_key=at.key)
            for side, at in seen.places.items()
        ]
        yield Group(type_, kinds, [(kinds[0], kinds[1])], lines=True)
    for type_ in dict.fromkeys(type_ for _, type_ in seen.ids if type_ not in lines):
        if ("left", type_) not in taken and ("right", type_) not in taken:
            one, other = _kind("left", type_), _kind("right", type_)
            yield Group(type_, [one, other], [(one, other)])


def _kind(side: str, type_: str) -> Kind:
    """`relation kind=person` is the part of type relation whose kind is person."""
    name, _, condition = type_.partition(" ")
    where = dict(part.split("=", 1) for part in condition.split()) if condition else {}
    suffix = "".join(f"_{value}" for value in where.values())
    return Kind(f"{SYSTEMS[side]}.{name}{suffix}", side, name, where)


def shared_properties(case: Case, seen: Seen, group: Group) -> list[str]:
    """Properties that are synchronised or matched by, in the order in which they are shown."""
    rules, beside = case.rules, _beside(case, group)
    shown: dict[str, None] = {}
    for kind in group.kinds:
        for row in seen.values.get((kind.side, kind.type), []):
            shown |= dict.fromkeys(row)
    keys = {name for alternative in keys_of(case, group) for name in alternative}
    if group.lines:
        managed = rules.get("managed_line_properties") or [name for name in shown if name not in beside]
        return [name for name in shown if name in keys or name in managed]
    for values in (rules.get("defaults") or {}).values():
        shown |= dict.fromkeys(values)
    if "shared" in rules:
        return [name for name in shown if name in rules["shared"] or name in keys or name in sent_by(case)]
    return [name for name in shown if name not in beside]


def _beside(case: Case, group: Group) -> set[str]:
    """Properties that mean something to one side only."""
    rules = case.rules
    found = {name for kind in group.kinds for name in kind.where}
    for values in (rules.get("constants") or {}).values():
        found |= set(values)
    found |= beside(case)
    found |= set((rules.get("external_reference") or {}).values())
    # A line's key within its document says nothing to the other side; the document itself does.
    found |= {name for names in (rules.get("line_key") or {}).values() for name in names}
    found |= {at.document for at in lines_of(case).values()} if group.lines else set()
    return found if group.lines else found - {type_ for types in case.records.values() for type_ in types}


def keys_of(case: Case, group: Group) -> list[list[str]]:
    """What makes records of a group the same: alternatives of properties."""
    if group.lines:
        return [sorted({kind.line_key for kind in group.kinds})[:1]]
    keys = case.rules.get("keys") or []
    if isinstance(keys, dict):
        return next((keys[t] for t in [group.name, *(kind.type for kind in group.kinds)] if t in keys), [])
    return list(keys)
