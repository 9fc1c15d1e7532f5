"""From the rules of a case to a mapping and to what the entities can take."""

from dataclasses import dataclass, replace

from talk_assets.mappings.capabilities import Capabilities, EntityCapability, PropertyCapability
from talk_assets.mappings.model import Flow, Mappings, Property, Subject
from talk_assets_tests.scenarios.case import SYSTEMS, Case, NotExpressible, Values
from talk_assets_tests.scenarios.filters import filters
from talk_assets_tests.scenarios.groups import Group, Seen, groups_of, keys_of, shared_properties
from talk_assets_tests.scenarios.kinds import Kind
from talk_assets_tests.scenarios.memory import moment
from talk_assets_tests.scenarios.nested import lines_of
from talk_assets_tests.scenarios.removal import REMOVAL_RULES, deletions, guards, when_gone
from talk_assets_tests.scenarios.rows import as_text, entities_of, row_of

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
    "filters",
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
    seen = Seen(case)
    groups = list(groups_of(case, seen))
    capabilities: Capabilities = {}
    kinds: dict[str, Kind] = {}
    subjects: dict[str, Subject] = {}
    for group in groups:
        rows = {name: row_of(case, seen, groups, group, name) for name in shared_properties(case, seen, group)}
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
        for alternative in keys_of(case, group)
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
                "join": _written_key(case, group, one, other),
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
        "filters": filters(case, group.kinds),
    }
    if group.together:
        content["criteria"] = criteria
    if not (group.lines or _has_lines(case, group)):
        content["same_side_duplicates"] = rules.get("same_side_duplicates", "hold")
    if "tie_break" in rules:
        content["tie_break"] = entities_of(group, rules["tie_break"])
    return Subject.model_validate(content)


def _has_lines(case: Case, group: Group) -> bool:
    documents = {(side, at.document) for side, at in lines_of(case).items()}
    return any((kind.side, kind.type) in documents for kind in group.kinds)


def _written_key(case: Case, group: Group, one: Kind, other: Kind) -> Values | None:
    """The property by which what we create names the record that it was made from."""
    for side, name in (case.rules.get("external_reference") or {}).items():
        mine, its = (one, other) if side == "left" else (other, one)
        first = next(pair for pair in group.pairs if mine in pair)
        if first != (one, other):
            continue
        return {"entity": mine.entity, "name": str(name), "to": its.entity, "written": True}
    return None


def _holds(rows: dict[str, Values], alternative: list[Values], *kinds: Kind) -> bool:
    return all(kind.entity in rows[part["property"]]["members"] for part in alternative for kind in kinds)


def _constants(case: Case, group: Group) -> Values:
    found: Values = {}
    for direction, values in (case.rules.get("constants") or {}).items():
        for kind in group.kinds:
            if direction in (f"to_{kind.side}", f"to_{kind.side}/{kind.type}"):
                found[kind.entity] = {name: as_text(value) for name, value in values.items()}
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
