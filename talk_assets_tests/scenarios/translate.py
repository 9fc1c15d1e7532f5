"""From the rules of a case to a mapping and to what the entities can take."""

from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from talk_assets.mappings.capabilities import Capabilities, EntityCapability, PropertyCapability
from talk_assets.mappings.model import Flow, Mappings, Property, Subject
from talk_assets_tests.scenarios.case import Case
from talk_assets_tests.scenarios.conditions import text_of
from talk_assets_tests.scenarios.creation import creation, may_create
from talk_assets_tests.scenarios.filters import filters
from talk_assets_tests.scenarios.groups import Group, Seen, groups_of, keys_of, shared_properties
from talk_assets_tests.scenarios.kinds import Kind
from talk_assets_tests.scenarios.nested import Nest, lines_at
from talk_assets_tests.scenarios.per_side import names_at, values_to, writes_to
from talk_assets_tests.scenarios.removal import REMOVAL_RULES, archived_by, deletions, guards, when_gone
from talk_assets_tests.scenarios.rows import entities_of, row_of, type_of
from talk_assets_tests.scenarios.words import SYSTEMS, NotExpressible, Values, listed, meant, plain, told

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
    "line_ids",
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
_DUPLICATES = {
    "hold": {"report", "conflict", "ask", "ambiguous", "manual"},
    "keep_in_sync": {"sync", "allow", "keep", "keep all in sync", "in sync"},
}
_UPDATES = {
    "replace": {"whole record replace", "whole record", "whole", "full", "put", "replace whole record", "full replace"},
    "patch": {"partial", "merge", "changed only", "changes only", "properties", "delta", "normal"},
}


@dataclass(frozen=True)
class Translation:
    """A case's rules in the platform's words.

    Attributes:
        mappings: what is synchronised.
        capabilities: what the entities can take.
        kinds: the entities, by name.
        nests: where lines of documents are kept.
    """

    mappings: Mappings
    capabilities: Capabilities
    kinds: dict[str, Kind]
    nests: list[Nest]

    def entity_of(self, side: str, type_: str, record: Values) -> str:
        """The entity of a record of a side."""
        found = [kind for kind in self.kinds.values() if kind.side == side and kind.type == type_]
        for kind in found:
            if all(record.get(name) == value for name, value in kind.where.items()):
                return kind.entity
        raise NotExpressible(f"{side}/{type_} {record} belongs to no entity")

    def kind_of_lines(self, side: str, type_: str) -> Kind | None:
        """The lines of a type of document, or of that type, on a side."""
        at = lines_at(self.nests, side, type_)
        found = [kind for kind in self.kinds.values() if at and kind.side == side and kind.type == at.type]
        return found[0] if found else None


def translate(case: Case, inserts: Any = None) -> Translation:
    """Make a mapping of a case.

    Args:
        case: the case.
        inserts: where records are created, instead of what the rules say.

    Raises:
        NotExpressible: the rules hold a word that the runner does not know.
    """
    unknown = set(map(str, case.rules)) - KNOWN_RULES
    if unknown:
        raise NotExpressible(f"unknown rules: {', '.join(sorted(unknown))}")
    try:
        return _translated(case, inserts)
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(map(str, problem["loc"]))
        raise NotExpressible(f"the rules make no mapping: {place}: {problem['msg']}") from error


def _translated(case: Case, inserts: Any) -> Translation:
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
            kinds[kind.entity] = _kept(case, seen, kind, types)
            capabilities[kind.entity] = _capability(case, kind, names)
        own = replace(group, kinds=[kinds[kind.entity] for kind in group.kinds])
        subjects[group.name] = _subject(case, seen, own, rows, inserts)
    _put_lines_under_documents(groups, subjects, capabilities)
    return Translation(Mappings(subjects=_ordered(subjects)), capabilities, kinds, seen.nests)


def _kept(case: Case, seen: Seen, kind: Kind, types: dict[str, str]) -> Kind:
    """A kind with all that says how its records lie on its side."""
    archive = archived_by(case, seen, kind)
    beside = {name: type_of(seen.of([kind], name)) for name in seen.names(kind) if name not in types}
    given = values_to(case, "constants", kind) | (dict([archive]) if archive else {})
    beside |= {name: type_of([value]) for name, value in given.items() if name not in types | beside}
    update = told(case.rules.get("target_update"), kind.side, kind.type, case.types)
    return replace(
        kind,
        types={**beside, **types},
        archive=None if archive is None else (archive[0], text_of(archive[1])),
        replaced=update is not None and meant(update, _UPDATES, "target_update") == "replace",
    )


def _put_lines_under_documents(groups: list[Group], subjects: dict[str, Subject], capabilities: Capabilities) -> None:
    for group in groups:
        if not group.lines:
            continue
        documents = {}
        for kind in group.kinds:
            document = f"{SYSTEMS[kind.side]}.{kind.document}"
            if document not in capabilities:
                raise NotExpressible(f"nested: the case shows no {kind.side}/{kind.document}")
            capabilities[document] = capabilities[document].model_copy(update={"lines": kind.entity})
            below = {"document": document, "document_key": kind.under}
            capabilities[kind.entity] = capabilities[kind.entity].model_copy(update=below)
            documents[document] = kind
        above = {name for name, subject in subjects.items() if set(documents) & set(subject.entities)}
        if len(above) != 1:
            raise NotExpressible(f"nested: the documents of {group.name} are {', '.join(sorted(above))}")
        (name,) = above
        subjects[name] = subjects[name].model_copy(update={"lines": subjects.pop(group.name)})


def _capability(case: Case, kind: Kind, rows: dict[str, Values]) -> EntityCapability:
    required, read_only = names_at(case, "required", kind), names_at(case, "read_only", kind)
    properties = {
        name: PropertyCapability(write="never" if name in read_only else "always", required=name in required)
        for name in rows
    }
    properties["id"] = PropertyCapability(write="never")
    off = None if writes_to(case, kind) else "writing is switched off"
    return EntityCapability(key="id", properties=properties, read_only=off)


def _subject(case: Case, seen: Seen, group: Group, rows: dict[str, Values], inserts: Any) -> Subject:
    criteria = [
        [{"property": name} for name in alternative]
        for alternative in keys_of(case, group)
        if all(name in rows for name in alternative)
    ]
    flows = {
        f"{one.entity}-{two.entity}": Flow.model_validate(
            {
                "customerp": one.entity,
                "exact": two.entity,
                "criteria": [a for a in criteria if _holds(rows, a, one, two)],
                "create": creation(case, group, one, two, may_create(case, inserts, one, two), rows),
                "when_gone": when_gone(case, one, two),
                "join": _written_key(case, group, one, two),
            }
        )
        for one, two in group.pairs
    }
    content: Values = {
        "subject": group.name,
        "flows": flows,
        "properties": {name: Property.model_validate(row) for name, row in rows.items()},
        "constants": _constants(case, group),
        "deletions": deletions(case, seen, group.kinds),
        "guards": guards(case, group.kinds),
        "filters": filters(case, group.kinds),
    }
    if group.together:
        content["criteria"] = criteria
    if not (group.lines or _has_lines(seen, group)):
        content["same_side_duplicates"] = _duplicates(case, group)
    if "tie_break" in case.rules:
        content["tie_break"] = _tie_break(case, group)
    return Subject.model_validate(content)


def _tie_break(case: Case, group: Group) -> list[str]:
    named = [plain(each).removesuffix(" wins").removesuffix(" first") for each in listed(case.rules["tie_break"])]
    found = entities_of(group, named)
    if not found:
        raise NotExpressible(f"tie_break: {case.rules['tie_break']} names no side")
    return found


def _duplicates(case: Case, group: Group) -> str:
    wishes = [told(case.rules.get("same_side_duplicates"), k.side, k.type, case.types) for k in group.kinds]
    found = {meant(wish, _DUPLICATES, "same_side_duplicates") for wish in wishes if wish is not None}
    if len(found) > 1:
        raise NotExpressible("same_side_duplicates differs within one type")
    return found.pop() if found else "hold"


def _has_lines(seen: Seen, group: Group) -> bool:
    documents = {(side, at.document) for nest in seen.nests for side, at in nest.items()}
    return any((kind.side, kind.type) in documents for kind in group.kinds)


def _written_key(case: Case, group: Group, one: Kind, two: Kind) -> Values | None:
    """The property by which what we create names the record that it was made from."""
    rule = case.rules.get("external_reference")
    for mine, its in ((one, two), (two, one)):
        name = told(rule, mine.side, mine.type, case.types)
        first = next(pair for pair in group.pairs if mine in pair)
        if name is None or first != (one, two):
            continue
        if not isinstance(name, str):
            raise NotExpressible(f"external_reference: {rule} names no property")
        return {"entity": mine.entity, "name": name, "to": its.entity, "written": True}
    return None


def _holds(rows: dict[str, Values], alternative: list[Values], *kinds: Kind) -> bool:
    return all(kind.entity in rows[part["property"]]["members"] for part in alternative for kind in kinds)


def _constants(case: Case, group: Group) -> Values:
    found: Values = {}
    for kind in group.kinds:
        values = values_to(case, "constants", kind)
        if values:
            found[kind.entity] = {name: text_of(value) for name, value in values.items()}
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
