"""Whether the values of a mapping can travel: types, conversions, value maps, who is written, what a create needs."""

import re
from collections.abc import Mapping

from talk_assets.mappings.capabilities import PropertyCapability, ValueType, Writable
from talk_assets.mappings.checked import Checked
from talk_assets.mappings.model import MemberProperty, Property, PropertyType
from talk_assets.mappings.source import suggestion
from talk_assets.settings import Settings

# The types of a system's property that can hold each canonical type.
HOLDS: dict[PropertyType, frozenset[ValueType]] = {
    "text": frozenset({"string"}),
    "code": frozenset({"string"}),
    "email": frozenset({"string"}),
    "country": frozenset({"string"}),
    "currency": frozenset({"string"}),
    "date": frozenset({"date", "datetime", "string"}),
    "decimal": frozenset({"decimal", "string"}),
    "integer": frozenset({"integer", "decimal", "string"}),
    "boolean": frozenset({"boolean"}),
    "reference": frozenset({"guid", "string"}),
    "choice": frozenset({"string", "integer"}),
    "list": frozenset({"string"}),
}
STRENGTH: dict[Writable, int] = {"never": 0, "create": 1, "always": 2}
WRITTEN_TEXT: dict[ValueType, re.Pattern[str]] = {
    "boolean": re.compile(r"true|false"),
    "integer": re.compile(r"-?\d+"),
    "decimal": re.compile(r"-?\d+(\.\d+)?"),
    "date": re.compile(r"\d{4}-\d{2}-\d{2}"),
}


def check_values(checked: Checked) -> None:
    """Check what the values of each property can do; the names in the mapping are known to exist.

    Raises:
        MappingError: the first mistake, with file, line and field.
    """
    for name, row in checked.subject.properties.items():
        for entity, member in row.members.items():
            _check_conversion(checked, name, entity, member)
            _check_type(checked, name, entity)
        if row.type == "choice":
            _check_value_maps(checked, name, row)
        _check_written(checked, name, row)
    _check_constants(checked)
    _check_creates(checked)


def written(checked: Checked, row: Property, entity: str) -> Writable:
    """When a property is written in an entity: what the mapping wants, as far as the entity takes it."""
    wanted, possible = row.writes(entity), checked.column(entity, row.members[entity].name).write
    return min(wanted, possible, key=STRENGTH.__getitem__)


def _check_conversion(checked: Checked, name: str, entity: str, member: MemberProperty) -> None:
    kind = checked.subject.properties[name].type
    place = ("properties", name, "members", entity)
    if member.factor is not None and kind != "decimal":
        raise checked.error(*place, "factor", problem=f"belongs to type decimal, but {name} is {kind}.")
    if member.factor is not None and not 0 < abs(member.factor) < float("inf"):
        raise checked.error(*place, "factor", problem="has to be a number other than 0.")
    if member.only_digits and kind not in ("code", "text"):
        raise checked.error(*place, "only_digits", problem=f"belongs to type code or text, but {name} is {kind}.")
    if member.separator is not None and kind != "list":
        raise checked.error(*place, "separator", problem=f"belongs to type list, but {name} is {kind}.")
    if member.unless_taken and checked.subject.properties[name].writes(entity) != "create":
        problem = f"belongs to what is sent only when the record is created; {name} is written at other times too."
        raise checked.error(*place, "unless_taken", problem=problem)
    if (member.values is None) == (kind == "choice"):
        raise checked.error(
            *place,
            "values",
            problem=f"a value map belongs to type choice and every choice needs one; {name} is {kind}.",
        )
    if member.default_setting is not None and member.default_setting not in Settings.model_fields:
        known = [setting for setting in Settings.model_fields if setting.startswith(entity.partition(".")[0])]
        raise checked.error(
            *place,
            "default_setting",
            problem=f"no setting {member.default_setting}; {suggestion(member.default_setting, known)}",
        )


def _check_type(checked: Checked, name: str, entity: str) -> None:
    row = checked.subject.properties[name]
    member = row.members[entity]
    column = checked.column(entity, member.name)
    if written(checked, row, entity) == "never":
        return
    holds = HOLDS[row.type]
    if member.only_digits:
        holds = holds | {"integer"}
    if column.type not in holds:
        hint = " unless it has `only_digits: true`" if column.type == "integer" and row.type in ("code", "text") else ""
        raise checked.error(
            "properties",
            name,
            "members",
            entity,
            problem=f"{member.name} of {entity} is {column.type} and cannot hold {row.type}{hint}.",
        )


def _check_value_maps(checked: Checked, name: str, row: Property) -> None:
    """Whether each written member has a code of its own for everything that another member can say."""
    said = {
        canonical: entity
        for entity, member in row.members.items()
        if row.claims(entity) and member.values
        for canonical in member.values.values()
    }
    for entity, member in row.members.items():
        values = member.values or {}
        column = checked.column(entity, member.name)
        place = ("properties", name, "members", entity, "values")
        for stored, canonical in values.items():
            if not canonical:
                raise checked.error(*place, stored, problem="needs the shared code it stands for.")
            if not _fits(stored, column):
                raise checked.error(*place, stored, problem=f"{member.name} of {entity} cannot hold this code.")
        if written(checked, row, entity) == "never":
            continue
        for canonical, other in said.items():
            if canonical not in values.values():
                raise checked.error(
                    *place,
                    problem=f"{other} can say {canonical}, but no code here stands for it, so it could not be written "
                    f"to {entity}; add one.",
                )


def _check_written(checked: Checked, name: str, row: Property) -> None:
    for entity, member in row.members.items():
        possible = checked.column(entity, member.name).write
        if member.write is not None and STRENGTH[member.write] > STRENGTH[possible]:
            raise checked.error(
                "properties",
                name,
                "members",
                entity,
                "write",
                problem=f"says {member.write}, but {entity} takes {member.name} {_when(possible)}.",
            )
    if row.direction == "match":
        return
    if not any(row.claims(entity) for entity in row.members):
        raise checked.error(
            "properties", name, "direction", problem=f"{row.direction}, but no entity whose edits count holds {name}."
        )
    targets = [entity for entity in row.members if row.writes(entity) != "never"]
    if not targets:
        raise checked.error(
            "properties", name, "direction", problem=f"{row.direction}, but no entity that is written holds {name}."
        )
    for system in ("customerp", "exact"):
        there = [entity for entity in targets if entity.startswith(f"{system}.")]
        if there and not any(_takes(checked, row, entity) for entity in there):
            raise checked.error(
                "properties",
                name,
                "direction",
                problem=f"{row.direction}, but {system} computes {name} itself and takes it in none of "
                f"{', '.join(there)}; choose a direction that does not write {system}, or match.",
            )


def _takes(checked: Checked, row: Property, entity: str) -> bool:
    return checked.capabilities[entity].read_only is not None or written(checked, row, entity) != "never"


def _when(possible: Writable) -> str:
    return "only when the record is created" if possible == "create" else "never"


def _fits(text: str, column: PropertyCapability) -> bool:
    pattern = WRITTEN_TEXT.get(column.type)
    if pattern is not None and not pattern.fullmatch(text):
        return False
    return column.max_length is None or len(text) <= column.max_length


def _check_constants(checked: Checked) -> None:
    for entity, values in checked.subject.constants.items():
        mapped = {
            row.members[entity].name: name
            for name, row in checked.subject.held_by(entity).items()
            if row.writes(entity) != "never"
        }
        for name, text in values.items():
            column = checked.column(entity, name)
            if column.write == "never":
                raise checked.error("constants", entity, name, problem=f"{entity} computes it; it cannot be sent.")
            if name in mapped:
                raise checked.error(
                    "constants", entity, name, problem=f"property {mapped[name]} writes it already; keep one of both."
                )
            if not _fits(text, column):
                raise checked.error("constants", entity, name, problem=f"cannot hold {text}: it is {_shape(column)}.")


def _shape(column: PropertyCapability) -> str:
    limit = f" of at most {column.max_length} characters" if column.max_length else ""
    return f"{column.type}{limit}"


def _check_creates(checked: Checked) -> None:
    """Whether each entity that a flow creates in gets every value without which it refuses a record."""
    for name, flow in checked.subject.flows.items():
        for wanted, entity in ((flow.create.customerp, flow.customerp), (flow.create.exact, flow.exact)):
            capability = checked.capabilities[entity]
            if not wanted or capability.read_only is not None:
                continue
            given = _given(checked, entity) | {capability.document_key}
            groups = [[column] for column, row in capability.properties.items() if row.required]
            for group in [*groups, *capability.any_of]:
                if given.isdisjoint(group):
                    raise checked.error(
                        "flows",
                        name,
                        problem=f"{entity} refuses a new record without {' or '.join(group)}; map it under "
                        f"`properties`, give it under `constants`, or create nothing there (`create`).",
                    )


def _given(checked: Checked, entity: str) -> set[str | None]:
    constants: Mapping[str, str] = checked.subject.constants.get(entity, {})
    rows = checked.subject.held_by(entity).values()
    return {*constants, *(row.members[entity].name for row in rows if written(checked, row, entity) != "never")}
