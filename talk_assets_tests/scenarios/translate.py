"""From the rules of a case to a mapping and to what the entities can take."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from talk_assets.mappings.capabilities import Capabilities, EntityCapability, PropertyCapability
from talk_assets.mappings.model import Flow, Mappings, Property, Subject
from talk_assets_tests.scenarios.case import SYSTEMS, Case, NotExpressible, Values, properties_of, split_member
from talk_assets_tests.scenarios.memory import Kind, moment
from talk_assets_tests.scenarios.nested import line_id, lines_of
from talk_assets_tests.scenarios.removal import REMOVAL_RULES, beside, deletions, guards, when_gone

KNOWN_RULES = {
    "keys",
    "inserts",
    "shared",
    "merge",
    "tie_break",
    "groups",
    "empty",
    "allow_clear",
    "compare",
    "value_map",
    "defaults",
    "constants",
    "required",
    "read_only",
    "write",
    "one_cluster_of",
    "pairing",
    "same_side_duplicates",
    "unresolved_reference",
    "line_key",
    "managed_line_properties",
    "nested",
    "target_stores",
    "target_update",
    "external_reference",
    "history",
    "onboarded_at",
    "transform",
    "transforms",
    "outbound",
    "outbound_transforms",
    *REMOVAL_RULES,
}


@dataclass(frozen=True)
class Translation:
    """A case's rules in the platform's words.

    Attributes:
        mappings: what is synchronised.
        capabilities: what the entities can take.
        kinds: the entities, by name.
    """

    mappings: Mappings
    capabilities: Capabilities
    kinds: dict[str, Kind]

    def entity_of(self, side: str, type_: str, record: Values) -> str:
        """The entity of a record of a side."""
        for kind in self.kinds.values():
            if kind.side == side and kind.type == type_ and all(record.get(n) == v for n, v in kind.where.items()):
                return kind.entity
        raise NotExpressible(f"{side}/{type_} {record} belongs to no entity")


@dataclass
class Group:
    """Entities that are about the same thing."""

    name: str
    kinds: list[Kind]
    pairs: list[tuple[Kind, Kind]]
    together: bool = False
    lines: bool = False


def translate(case: Case, inserts: str | None = None) -> Translation:
    """Make a mapping of a case.

    Args:
        case: the case.
        inserts: where records are created, instead of what the rules say.

    Raises:
        NotExpressible: the rules hold a word that the runner does not know.
    """
    unknown = set(case.rules) - KNOWN_RULES
    if unknown:
        raise NotExpressible(f"unknown rules: {', '.join(sorted(unknown))}")
    seen = _Seen(case)
    groups = list(_groups(case, seen))
    capabilities: Capabilities = {}
    kinds: dict[str, Kind] = {}
    subjects: dict[str, Subject] = {}
    for group in groups:
        rows = {name: _row(case, seen, groups, group, name) for name in _shared(case, seen, group)}
        for kind in group.kinds:
            names = {name: row for name, row in rows.items() if kind.entity in row["members"]}
            types = {row["members"][kind.entity]["name"]: row["type"] for row in names.values()}
            kinds[kind.entity] = replace(kind, types=types)
            capabilities[kind.entity] = _capability(case, kind, names)
        subjects[group.name] = _subject(case, group, rows, inserts or str(case.rules.get("inserts", "both")))
    _put_lines_under_documents(case, groups, subjects, capabilities)
    return Translation(Mappings(subjects=_ordered(subjects)), capabilities, kinds)


def _put_lines_under_documents(
    case: Case, groups: list[Group], subjects: dict[str, Subject], capabilities: Capabilities
) -> None:
    places = lines_of(case)
    for group in groups:
        if not group.lines:
            continue
        for kind in group.kinds:
            document = f"{SYSTEMS[kind.side]}.{places[kind.side].document}"
            capabilities[document] = capabilities[document].model_copy(update={"lines": kind.entity})
            below = {"document": document, "document_key": places[kind.side].document}
            capabilities[kind.entity] = capabilities[kind.entity].model_copy(update=below)
        name = next(iter(places.values())).document
        subjects[name] = subjects[name].model_copy(update={"lines": subjects.pop(group.name)})


class _Seen:
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
            for line in values[at.inside]:
                self._take(side, at.type, line_id(id_, line, at), line)
            values = {name: value for name, value in values.items() if name != at.inside}
        self.ids.setdefault((side, type_), set()).add(id_)
        self.values.setdefault((side, type_), []).append(values)

    def of(self, kinds: list[Kind], name: str) -> list[Any]:
        """The values of a property that are not empty."""
        held = [row[name] for kind in kinds for row in self.values.get((kind.side, kind.type), []) if name in row]
        return [value for value in held if value not in (None, "")]

    def names(self, kind: Kind) -> set[str]:
        return {name for row in self.values.get((kind.side, kind.type), []) for name in row}


def _groups(case: Case, seen: _Seen) -> Iterator[Group]:
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


def _shared(case: Case, seen: _Seen, group: Group) -> list[str]:
    """Properties that are synchronised or matched by, in the order in which they are shown."""
    rules, beside = case.rules, _beside(case, group)
    shown: dict[str, None] = {}
    for kind in group.kinds:
        for row in seen.values.get((kind.side, kind.type), []):
            shown |= dict.fromkeys(row)
    keys = {name for alternative in _keys(case, group) for name in alternative}
    if group.lines:
        managed = rules.get("managed_line_properties") or [name for name in shown if name not in beside]
        return [name for name in shown if name in keys or name in managed]
    for values in (rules.get("defaults") or {}).values():
        shown |= dict.fromkeys(values)
    if "shared" in rules:
        return [name for name in shown if name in rules["shared"] or name in keys]
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


def _keys(case: Case, group: Group) -> list[list[str]]:
    if group.lines:
        return [sorted({kind.line_key for kind in group.kinds})[:1]]
    keys = case.rules.get("keys") or []
    if isinstance(keys, dict):
        return next((keys[t] for t in [group.name, *(kind.type for kind in group.kinds)] if t in keys), [])
    return list(keys)


def _option(case: Case, group: Group, rule: str, name: str) -> Any:
    """What a rule says of a property, by its name alone or with its type."""
    options = case.rules.get(rule) or {}
    for key in [f"{kind.type}.{name}" for kind in group.kinds] + [name]:
        if key in options:
            return options[key]
    return None


def _row(case: Case, seen: _Seen, groups: list[Group], group: Group, name: str) -> Values:
    rules = case.rules
    keys = {n for alternative in _keys(case, group) for n in alternative}
    only_match = ("shared" in rules and name not in rules["shared"]) or (group.lines and name in keys)
    values = seen.of(group.kinds, name)
    row: Values = {"type": _type(values), "compare": "exact"}
    as_shown = only_match or group.together
    holders = [kind for kind in group.kinds if not as_shown or name in seen.names(kind)]
    row["members"] = {kind.entity: _member(case, group, kind, name) for kind in holders}
    if only_match:
        row["direction"] = "match"
    target = _target(seen, groups, group, name)
    if target is not None:
        row |= {"type": "reference", "to": target, "unresolved": _unresolved(case)}
    if any("values" in member for member in row["members"].values()):
        row["type"] = "choice"
    _compare(row, _option(case, group, "compare", name))
    _merge(row, _option(case, group, "merge", name), group)
    for title, names in (rules.get("groups") or {}).items():
        if name in names:
            row["group"] = title
    clear = rules.get("allow_clear") or {}
    if name in clear:
        sides = clear[name] if isinstance(clear, dict) else list(SYSTEMS)
        row["clear"] = _entities(group, sides)
    if row["type"] == "reference" and name in keys:
        row["required"] = False
    return row


def _type(values: list[Any]) -> str:
    if values and all(isinstance(value, bool) for value in values):
        return "boolean"
    if values and all(isinstance(value, list) for value in values):
        return "list"
    if values and all(isinstance(value, int | float) for value in values):
        return "decimal"
    return "text"


def _target(seen: _Seen, groups: list[Group], group: Group, name: str) -> str | None:
    """The subject that a property points to: all its values are ids of that subject's records on the same side."""
    held = [(kind.side, value) for kind in group.kinds for value in seen.of([kind], name)]
    if not held:
        return None
    for other in groups:
        ids = {
            side: {i for kind in other.kinds if kind.side == side for i in seen.ids.get((side, kind.type), ())}
            for side in SYSTEMS
        }
        if all(isinstance(value, str) and (value in ids[side] or value.startswith("new#")) for side, value in held):
            return other.name
    return None


def _unresolved(case: Case) -> str:
    return {"insert_without_then_update": "omit", "wait": "wait"}[case.rules.get("unresolved_reference", "wait")]


def _member(case: Case, group: Group, kind: Kind, name: str) -> Values:
    rules = case.rules
    member: Values = {"name": name}
    codes = (rules.get("value_map") or {}).get(name)
    if codes and kind.side in codes:
        member["values"] = {str(stored): str(canonical) for stored, canonical in codes[kind.side].items()}
    spelling = _spelling(case, kind, name)
    if spelling is not None:
        if spelling not in ("upper", "lower"):
            raise NotExpressible(f"transform {spelling}")
        member["spelling"] = spelling
    for direction, values in (rules.get("defaults") or {}).items():
        if direction == f"{_other(kind.side)}_to_{kind.side}_insert" and name in values:
            member["default"] = _text(values[name])
    return member


def _spelling(case: Case, kind: Kind, name: str) -> str | None:
    """How a property is spelled on its way to a side, written per side or per property."""
    for rule in ("transform", "transforms", "outbound", "outbound_transforms"):
        wishes = case.rules.get(rule) or {}
        for first, second in ((kind.side, name), (name, kind.side)):
            for key in (first, f"to_{first}", f"{kind.side}/{kind.type}", f"to_{kind.side}/{kind.type}"):
                found = wishes.get(key)
                if isinstance(found, dict):
                    wish = found.get(second) or found.get(f"to_{second}")
                    if wish is not None:
                        return str(wish)
    return None


def _other(side: str) -> str:
    return "right" if side == "left" else "left"


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _compare(row: Values, wish: Any) -> None:
    if wish in (None, "exact"):
        return
    if wish == "unordered":
        row["type"] = "list"
    elif isinstance(wish, dict) and "round" in wish:
        row |= {"type": "decimal", "round": _rounding(str(wish["round"]))}
    else:
        row["compare"] = str(wish)


def _rounding(wish: str) -> str:
    known = {"floor_to_integer": "down", "ceiling_to_integer": "up", "to_integer": "half_up", "integer": "half_up"}
    if wish in known:
        return known[wish]
    raise NotExpressible(f"compare: unknown rounding {wish}")


def _merge(row: Values, wish: Any, group: Group) -> None:
    if wish is None or wish == "latest":
        return
    if isinstance(wish, str):
        row["rule"] = wish
        if wish == "union":
            row["type"] = "list"
    elif "owner" in wish:
        row |= {"rule": "owner", "order": _entities(group, [wish["owner"]])}
        if "non_owner_edit" in wish:
            row["non_owner_edit"] = wish["non_owner_edit"]
    elif "prefer" in wish:
        row |= {"rule": "prefer", "order": _entities(group, wish["prefer"])}
    else:
        raise NotExpressible(f"merge: unknown rule {wish}")


def _entities(group: Group, sides: Any) -> list[str]:
    """Entities of the sides, or of the types within sides, in order."""
    names = [sides] if isinstance(sides, str) else list(sides)
    return [
        kind.entity
        for name in names
        for kind in group.kinds
        if name in (kind.side, f"{kind.side}/{kind.type}", kind.entity)
    ]


def _capability(case: Case, kind: Kind, rows: dict[str, Values]) -> EntityCapability:
    rules = case.rules
    named = (kind.side, f"{kind.side}/{kind.type}")
    required = [name for place, names in (rules.get("required") or {}).items() if place in named for name in names]
    read_only = [name for place, names in (rules.get("read_only") or {}).items() if place in named for name in names]
    writes = {place: wish for place, wish in (rules.get("write") or {}).items() if place in named}
    properties = {
        name: PropertyCapability(write="never" if name in read_only else "always", required=name in required)
        for name in rows
    }
    properties["id"] = PropertyCapability(write="never")
    off = False in writes.values()
    return EntityCapability(key="id", properties=properties, read_only="writing is switched off" if off else None)


def _subject(case: Case, group: Group, rows: dict[str, Values], inserts: str) -> Subject:
    rules = case.rules
    criteria = [
        [{"property": name} for name in alternative]
        for alternative in _keys(case, group)
        if all(name in rows for name in alternative)
    ]
    since = rules.get("onboarded_at")
    create: Values = {"exact": inserts in ("both", "right_only"), "customerp": inserts in ("both", "left_only")}
    if since is not None and rules.get("history", "ignore") not in ("import", "include", "all"):
        create["since"] = moment(float(since))
    flows = {
        f"{one.entity}-{other.entity}": Flow.model_validate(
            {
                "customerp": one.entity,
                "exact": other.entity,
                "criteria": [a for a in criteria if _holds(rows, a, one, other)],
                "create": create,
                "when_gone": when_gone(case, one, other),
            }
        )
        for one, other in group.pairs
    }
    content: Values = {
        "subject": group.name,
        "flows": flows,
        "properties": {name: Property.model_validate(row) for name, row in rows.items()},
        "constants": _constants(case, group),
        "deletions": deletions(case, group.kinds),
        "guards": guards(case, group.kinds),
    }
    if group.together:
        content["criteria"] = criteria
    if "tie_break" in rules:
        content["tie_break"] = _entities(group, rules["tie_break"])
    return Subject.model_validate(content)


def _holds(rows: dict[str, Values], alternative: list[Values], *kinds: Kind) -> bool:
    return all(kind.entity in rows[part["property"]]["members"] for part in alternative for kind in kinds)


def _constants(case: Case, group: Group) -> Values:
    found: Values = {}
    for direction, values in (case.rules.get("constants") or {}).items():
        for kind in group.kinds:
            if direction in (f"to_{kind.side}", f"to_{kind.side}/{kind.type}"):
                found[kind.entity] = {name: _text(value) for name, value in values.items()}
    return found


def _ordered(subjects: dict[str, Subject]) -> dict[str, Subject]:
    """What is pointed to before what points to it; of a circle in the order given."""
    done: dict[str, Subject] = {}

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in done or name in path:
            return
        for row in subjects[name].properties.values():
            if row.to is not None:
                visit(row.to, (*path, name))
        done[name] = subjects[name]

    for name in subjects:
        visit(name, ())
    return done
