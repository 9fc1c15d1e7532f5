"""Whether the names in a mapping exist and fit together: entities, flows, criteria, members, groups."""

import re

from talk_assets.mappings.check_safety import check_safety
from talk_assets.mappings.checked import Checked
from talk_assets.mappings.model import Creation, Flow, Join, MemberProperty
from talk_assets.mappings.source import suggestion

SYSTEMS = ("customerp", "exact")
# Columns that the frames have beside the canonical properties.
RESERVED = ("key", "modified", "version", "document", "position", "join", "cluster_id", "origin", "marked")
CANONICAL_NAME = re.compile(r"[a-z][a-z0-9_]*")


def check_flows(checked: Checked) -> None:
    """Check that the flows name entities of the right system and kind; all other checks rely on it.

    Raises:
        MappingError: the first mistake, with file, line and field.
    """
    _check_names(checked)
    for name, flow in checked.subject.flows.items():
        _check_flow(checked, name, flow)
    _check_pairs(checked)


def check_structure(checked: Checked) -> None:
    """Check everything else that names something; the checks of values rely on it.

    Raises:
        MappingError: the first mistake, with file, line and field.
    """
    _check_lines(checked)
    _check_twins(checked)
    for name in checked.subject.properties:
        _check_members(checked, name)
        _check_preferences(checked, name)
    for name, flow in checked.subject.flows.items():
        _check_criteria(checked, name, flow)
        _check_join(checked, name, flow)
    _check_columns(checked)
    _check_groups(checked)
    _check_constants(checked)
    check_safety(checked)


def _check_names(checked: Checked) -> None:
    subject = checked.subject
    if not CANONICAL_NAME.fullmatch(subject.subject):
        raise checked.error("subject", problem="has to be lower-case letters, digits and underscores.")
    if not subject.flows:
        raise checked.error("flows", problem="a subject needs at least one flow.")
    for section, names in (("flows", subject.flows), ("properties", subject.properties)):
        for name in names:
            if not CANONICAL_NAME.fullmatch(name):
                raise checked.error(section, name, problem="has to be lower-case letters, digits and underscores.")
    for name in subject.properties:
        if name in RESERVED:
            raise checked.error("properties", name, problem="this name is taken by the tables; choose another one.")


def _check_flow(checked: Checked, name: str, flow: Flow) -> None:
    for system, entity in zip(SYSTEMS, flow.entities, strict=True):
        if entity not in checked.capabilities:
            raise checked.error(
                "flows", name, system, problem=f"unknown entity {entity}; {suggestion(entity, checked.capabilities)}"
            )
        if entity.partition(".")[0] != system:
            raise checked.error("flows", name, system, problem=f"{entity} is no entity of {system}.")
        document = checked.capabilities[entity].document
        if checked.document is None and document is not None:
            raise checked.error(
                "flows", name, system, problem=f"{entity} is a line of {document}; its flow belongs under `lines`."
            )
        if checked.document is not None and document not in checked.document.entities:
            raise checked.error(
                "flows", name, system, problem=f"{entity} is no line of {', '.join(checked.document.entities)}."
            )
    _check_creation(checked, name, flow.create)


def _check_creation(checked: Checked, name: str, create: Creation) -> None:
    if create.unless is not None and create.unless not in checked.cluster_entities:
        raise checked.error(
            "flows",
            name,
            "create",
            "unless",
            problem=f"unknown entity {create.unless}; {suggestion(create.unless, checked.cluster_entities)}",
        )


def _check_criteria(checked: Checked, name: str, flow: Flow) -> None:
    for at, alternative in enumerate(flow.criteria):
        if not alternative:
            raise checked.error(
                "flows", name, "criteria", at, problem="an alternative without properties would match everything."
            )
        for within, criterion in enumerate(alternative):
            place = ("flows", name, "criteria", at, within, "property")
            row = checked.subject.properties.get(criterion.property)
            if row is None:
                known = suggestion(criterion.property, checked.subject.properties)
                raise checked.error(*place, problem=f"no property {criterion.property} in this mapping; {known}")
            for entity in flow.entities:
                if entity not in row.members:
                    raise checked.error(
                        *place,
                        problem=f"{entity} does not hold {criterion.property}, so nothing could ever be equal; add "
                        f"it to the property's `members` or leave the property out.",
                    )


def _check_join(checked: Checked, name: str, flow: Flow) -> None:
    join = flow.join
    if join is None:
        return
    if join.entity not in flow.entities:
        raise checked.error(
            "flows", name, "join", "entity", problem=f"has to be one of this flow's: {' or '.join(flow.entities)}."
        )
    properties = checked.capabilities[join.entity].properties
    if join.name not in properties:
        raise checked.error(
            "flows",
            name,
            "join",
            "name",
            problem=f"{join.entity} has no property {join.name}; {suggestion(join.name, properties)}",
        )
    for before, other in checked.subject.flows.items():
        if before == name:
            break
        if other.join is not None and other.join.entity == join.entity:
            problem = f"records of {join.entity} name another one in flow {before} already; they can name one only."
            raise checked.error("flows", name, "join", problem=problem)
    if join.written:
        _check_written(checked, name, flow, join)
        return
    system = join.entity.partition(".")[0]
    siblings = [entity for entity in checked.subject.entities if entity.startswith(f"{system}.")]
    if join.to not in siblings:
        raise checked.error(
            "flows", name, "join", "to", problem=f"unknown entity {join.to}; {suggestion(join.to, siblings)}"
        )


def _check_written(checked: Checked, name: str, flow: Flow, join: Join) -> None:
    (other,) = (entity for entity in flow.entities if entity != join.entity)
    if join.to != other:
        raise checked.error(
            "flows", name, "join", "to", problem=f"a written key is that of the flow's other entity: {other}."
        )
    shared = {row.members[join.entity].name for row in checked.subject.held_by(join.entity).values()}
    if checked.capabilities[join.entity].properties[join.name].write == "never" or join.name in shared:
        raise checked.error(
            "flows",
            name,
            "join",
            "name",
            problem=f"{join.name} of {join.entity} cannot be written for this: it needs a property that can be written "
            "and is not shared.",
        )


def _check_pairs(checked: Checked) -> None:
    pairs: dict[tuple[str, str], str] = {}
    for name, flow in checked.subject.flows.items():
        if flow.entities in pairs:
            raise checked.error("flows", name, problem=f"flow {pairs[flow.entities]} has the same two entities.")
        pairs[flow.entities] = name


def _check_lines(checked: Checked) -> None:
    if checked.document is not None:
        if checked.subject.lines is not None:
            raise checked.error("lines", problem="lines have no lines of their own.")
        return
    lines = checked.subject.lines
    for entity in checked.subject.entities:
        needed = checked.capabilities[entity].lines
        if needed is not None and (lines is None or needed not in lines.entities):
            raise checked.error("lines", problem=f"{entity} has lines, but no flow under `lines` has {needed}.")
    if lines is not None and not any(checked.capabilities[entity].lines for entity in checked.subject.entities):
        raise checked.error("lines", problem=f"none of {', '.join(checked.subject.entities)} has lines.")


def _check_twins(checked: Checked) -> None:
    subject = checked.subject
    if not subject.keeps_twins:
        return
    place = "same_side_duplicates"
    if checked.document is not None or subject.lines is not None:
        problem = "keep_in_sync is for records without lines: whose line a line of several documents is cannot be told."
        raise checked.error(place, problem=problem)
    for name, flow in subject.flows.items():
        if flow.join is not None and not flow.join.written:
            problem = (
                f"keep_in_sync does not go with the `join` of flow {name}: what names one record would be the same as "
                "all that name it."
            )
            raise checked.error(place, problem=problem)


def _check_members(checked: Checked, name: str) -> None:
    for entity, member in checked.subject.properties[name].members.items():
        place = ("properties", name, "members", entity)
        if entity not in checked.capabilities:
            raise checked.error(*place, problem=f"unknown entity; {suggestion(entity, checked.subject.entities)}")
        if entity not in checked.subject.entities:
            raise checked.error(
                *place,
                problem=f"no flow of {checked.subject.subject} has this entity; "
                f"{suggestion(entity, checked.subject.entities)}",
            )
        properties = checked.capabilities[entity].properties
        if member.name not in properties:
            raise checked.error(
                *place, "name", problem=f"{entity} has no property {member.name}; {suggestion(member.name, properties)}"
            )
        for field, other in (("when", member.when), ("unless", member.unless)):
            if other is not None and other not in checked.cluster_entities:
                raise checked.error(
                    *place, field, problem=f"unknown entity {other}; {suggestion(other, checked.cluster_entities)}"
                )


def _check_preferences(checked: Checked, name: str) -> None:
    row = checked.subject.properties[name]
    for field, named in (("order", row.order), ("clear", row.clear)):
        for at, word in enumerate(named):
            if word not in SYSTEMS and word not in row.members:
                raise checked.error(
                    "properties",
                    name,
                    field,
                    at,
                    problem=f"{word} is no system and no entity that holds {name}; "
                    f"{suggestion(word, [*SYSTEMS, *row.members])}",
                )


def _check_columns(checked: Checked) -> None:
    taken: dict[tuple[str, str], list[tuple[str, MemberProperty]]] = {}
    for name, row in checked.subject.properties.items():
        for entity, member in row.members.items():
            others = taken.setdefault((entity, member.name), [])
            for other_name, other in others:
                if not _exclude_each_other(member, other):
                    raise checked.error(
                        "properties",
                        name,
                        "members",
                        entity,
                        "name",
                        problem=f"{member.name} of {entity} already belongs to {other_name}; two properties can share "
                        f"it only when one has `when` and the other `unless` with the same entity.",
                    )
            others.append((name, member))


def _exclude_each_other(one: MemberProperty, other: MemberProperty) -> bool:
    return (one.when is not None and one.when == other.unless) or (other.when is not None and other.when == one.unless)


def _check_groups(checked: Checked) -> None:
    groups: dict[str, list[str]] = {}
    for name, row in checked.subject.properties.items():
        if row.group is not None:
            groups.setdefault(row.group, []).append(name)
    for group, names in groups.items():
        if len(names) == 1:
            raise checked.error(
                "properties", names[0], "group", problem=f"group {group} has no other property; is the name right?"
            )
        first = checked.subject.properties[names[0]]
        for name in names[1:]:
            row = checked.subject.properties[name]
            for field in ("rule", "order", "direction"):
                if getattr(row, field) != getattr(first, field):
                    raise checked.error(
                        "properties",
                        name,
                        field,
                        problem=f"a group is decided together, but {names[0]} has another `{field}`; give all "
                        f"properties of group {group} the same.",
                    )


def _check_constants(checked: Checked) -> None:
    for entity, values in checked.subject.constants.items():
        if entity not in checked.subject.entities:
            raise checked.error(
                "constants", entity, problem=f"unknown entity; {suggestion(entity, checked.subject.entities)}"
            )
        properties = checked.capabilities[entity].properties
        for name in values:
            if name not in properties:
                raise checked.error(
                    "constants",
                    entity,
                    name,
                    problem=f"{entity} has no property {name}; {suggestion(name, properties)}",
                )
