"""What each column of each asset is: its type in words, and its meaning."""

from collections.abc import Iterator, Mapping

from talk_assets.lineage.derive import constants_of
from talk_assets.lineage.parts import Part, parts_of, system_of
from talk_assets.mappings.capabilities import Capabilities
from talk_assets.mappings.model import Mappings
from talk_assets.schemas.frames import feed_schema, golden_schema, pair_schema
from talk_assets.schemas.report import ColumnDescription, table_schema

_Described = tuple[str, ColumnDescription]


def asset_columns(mappings: Mappings, capabilities: Capabilities) -> Mapping[str, Mapping[str, ColumnDescription]]:
    """Asset to its columns by name, in order; those of `derive.column_lineage`.

    Args:
        mappings: all subjects.
        capabilities: what the entities can take; sources and sinks have the types and names of their system.
    """
    found: dict[str, dict[str, ColumnDescription]] = {}
    for part in parts_of(mappings, capabilities):
        for asset, column in _described(part):
            name = part.prefix + column.name
            found.setdefault(asset, {}).setdefault(name, column._replace(name=name))
    return found


def _described(part: Part) -> Iterator[_Described]:
    for entity in part.subject.entities:
        yield from _of_source(part, entity)
    for entity in part.subject.entities:
        for column in table_schema(feed_schema(entity, part.mappings)):
            yield part.feed(entity), column
    for asset, name, flow in part.pairs():
        for column in table_schema(pair_schema(name, part.mappings)):
            yield asset, column
        for held in part.held_by_both(flow):
            both = part.subject.properties[held]
            for entity in flow.entities:
                meaning = f"{both.meaning} As {entity} has it.".strip()
                yield asset, ColumnDescription(f"{held}_{system_of(entity)}", both.type, meaning)
    for column in table_schema(golden_schema(part.subject.subject, part.mappings)):
        row = part.subject.properties.get(column.name)
        only = " It is compared only: nothing is agreed about it." if row and row.direction == "match" else ""
        yield part.merged, column._replace(description=f"{column.description}{only}")
    for entity in part.subject.entities:
        yield from _of_sink(part, entity)


def _of_source(part: Part, entity: str) -> Iterator[_Described]:
    capability, asset = part.capability(entity), part.source(entity)
    yield asset, _own(part, entity, capability.key, "The key of the record.")
    if capability.document_key is not None:
        yield asset, _own(part, entity, capability.document_key, "The key of the line's document.")
    for name in part.mappings.wanted(entity):
        yield asset, _own(part, entity, name, _meaning(part, entity, name))


def _of_sink(part: Part, entity: str) -> Iterator[_Described]:
    capability, asset = part.capability(entity), part.sink(entity)
    yield asset, _own(part, entity, capability.key, "The key of the record that is written.")
    if capability.document_key is not None:
        yield asset, _own(part, entity, capability.document_key, "The key of the line's document.")
    for name in part.written(entity):
        own = part.subject.properties[name].members[entity].name
        yield asset, _own(part, entity, own, _meaning(part, entity, own))
    for flow in part.subject.flows.values():
        if flow.join is not None and flow.join.written and flow.join.entity == entity:
            yield asset, _own(part, entity, flow.join.name, "The key of the record that this one was made from.")
    for own, what in constants_of(part, entity).items():
        yield asset, _own(part, entity, own, f"The same for every record: {what}.")


def _own(part: Part, entity: str, name: str, meaning: str) -> ColumnDescription:
    """A column under the system's own name, with the type that the system declares."""
    able = part.capability(entity).properties.get(name)
    return ColumnDescription(name, able.type if able is not None else "string", meaning)


def _meaning(part: Part, entity: str, own: str) -> str:
    """What a property means; several shared ones can have one name, each for other records."""
    rows = [row for row in part.subject.held_by(entity).values() if row.members[entity].name == own]
    told = [row.meaning for row in rows]
    for flow in part.subject.flows.values():
        if flow.join is not None and (flow.join.entity, flow.join.name) == (entity, own):
            told.append(f"The key of the {flow.join.to} that it belongs to.")
    if any(condition.name == own for condition in part.subject.filters_of(entity).read):
        told.append("Says whether the record takes part.")
    mark = part.subject.deletions_of(entity).mark
    if mark is not None and mark.name == own:
        told.append("Says whether the record counts as deleted.")
    return " Or: ".join(filter(None, dict.fromkeys(told)))
