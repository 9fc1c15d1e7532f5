"""From which columns each column of each asset comes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from talk_assets.lineage.parts import Part, parts_of, system_of
from talk_assets.lineage.paths import merged_path, pair_path
from talk_assets.lineage.words import decided_words, read_words, written_words
from talk_assets.mappings.capabilities import Capabilities
from talk_assets.mappings.model import CriterionProperty, Flow, Mappings
from talk_assets.sync.match import told_by


class Origin(NamedTuple):
    """A column that another one comes from.

    Attributes:
        asset: its asset, as `customerp/customer`.
        column: its name.
        taken: whether values are taken from it; otherwise it only has a say in which record or value is taken.
        how: what happens to the value on the way, in words; empty where it stays as it is.
    """

    asset: str
    column: str
    taken: bool = True
    how: str = ""


# Asset to its columns, in order, each with what it comes from. What begins a line, as a column of a source, and what
# comes from nowhere, as a constant, have no origin. The columns of lines begin with `lines.`.
ColumnLineage = Mapping[str, Mapping[str, Sequence[Origin]]]
_Row = tuple[str, str, Iterable[Origin]]


def column_lineage(mappings: Mappings, capabilities: Capabilities) -> ColumnLineage:
    """Derive the lineage of every column: source, feed, matched pairs, golden records, what is written.

    Args:
        mappings: all subjects.
        capabilities: what the entities can take.
    """
    found: dict[str, dict[str, list[Origin]]] = {}
    for part in parts_of(mappings, capabilities):
        for layer in (_sources, _feeds, _pairs, _merged, _written):
            for asset, column, origins in layer(part):
                known = found.setdefault(asset, {}).setdefault(part.prefix + column, [])
                known += [origin for origin in origins if origin not in known]
    return found


def _sources(part: Part) -> Iterator[_Row]:
    for entity in part.subject.entities:
        capability = part.capability(entity)
        above = [capability.document_key] if capability.document_key is not None else []
        for name in [capability.key, *above, *part.mappings.wanted(entity)]:
            yield part.source(entity), name, []


def _feeds(part: Part) -> Iterator[_Row]:
    for entity in part.subject.entities:
        source, feed, capability = part.source(entity), part.feed(entity), part.capability(entity)
        yield feed, "key", [Origin(source, part.prefix + capability.key), *_taking_part(part, entity)]
        yield feed, "modified", []
        yield feed, "version", []
        if part.lines:
            # Lines that do not name their document are read inside it.
            above = part.prefix + capability.document_key if capability.document_key is not None else None
            yield feed, "document", [Origin(source, above or part.capabilities[str(capability.document)].key)]
            yield feed, "position", []
        for flow in part.subject.flows.values():
            if flow.join is not None and flow.join.entity == entity:
                how = f"key of {flow.join.to}"
                yield feed, "join", [Origin(source, part.prefix + flow.join.name, how=how)]
        for name, row in part.subject.held_by(entity).items():
            target = part.mappings.target_of(entity, name) if row.to in part.mappings.subjects else None
            member = row.members[entity]
            yield feed, name, [Origin(source, part.prefix + member.name, how=read_words(member, target))]


def _taking_part(part: Part, entity: str) -> Iterator[Origin]:
    """What says whether a record is there and takes part."""
    for condition in part.subject.filters_of(entity).read:
        yield Origin(part.source(entity), part.prefix + condition.name, taken=False, how="says whether it takes part")
    mark = part.subject.deletions_of(entity).mark
    if mark is not None:
        yield Origin(part.source(entity), part.prefix + mark.name, taken=False, how="says whether it counts as deleted")


def _pairs(part: Part) -> Iterator[_Row]:
    for asset, _, flow in part.pairs():
        for entity in flow.entities:
            yield asset, f"{system_of(entity)}_key", [Origin(part.feed(entity), f"{part.prefix}key")]
        same = list(_same(part, flow))
        yield asset, "cluster_id", same
        yield asset, "origin", same
        for name in part.held_by_both(flow):
            for entity in flow.entities:
                yield asset, f"{name}_{system_of(entity)}", [Origin(part.feed(entity), part.prefix + name)]


def _same(part: Part, flow: Flow) -> Iterator[Origin]:
    """What says that two records are the same."""
    if flow.join is not None:
        yield Origin(part.feed(flow.join.entity), f"{part.prefix}join", taken=False, how="names the other record")
    if part.lines:
        for entity in flow.entities:
            for name in ("document", "position"):
                yield Origin(part.feed(entity), part.prefix + name, taken=False, how="place of the line")
        names = told_by(flow)
    else:
        criteria: list[list[CriterionProperty]] = [*flow.criteria, *part.subject.criteria]
        names = list(dict.fromkeys(each.property for alternative in criteria for each in alternative))
    for name in names:
        row = part.subject.properties.get(name)
        for entity in flow.entities:
            if row is not None and entity in row.members:
                yield Origin(part.feed(entity), part.prefix + name, taken=False, how="merge criterion")
        if row is not None and row.to in part.mappings.subjects:
            yield _pointed_to(str(row.to))


def _pointed_to(subject: str) -> Origin:
    return Origin(merged_path(subject), "cluster_id", taken=False, how="compared by what it points to")


def _merged(part: Part) -> Iterator[_Row]:
    shown = list(part.pairs())
    yield part.merged, "cluster_id", [Origin(asset, f"{part.prefix}cluster_id") for asset, _, _ in shown]
    for name, row in part.subject.properties.items():
        origins = []
        how = decided_words(row)
        for entity in row.members if row.direction != "match" else ():
            if not row.claims(entity):
                continue
            side = f"{part.prefix}{name}_{system_of(entity)}"
            paired = [
                Origin(asset, side, how=how)
                for asset, _, flow in shown
                if entity in flow.entities and set(flow.entities) <= set(row.members)
            ]
            # What no counterpart holds is beside no value of a pair.
            origins += paired or [Origin(part.feed(entity), part.prefix + name, how=how)]
        if origins and row.to in part.mappings.subjects:
            origins.append(_pointed_to(str(row.to)))
        yield part.merged, name, origins


def _written(part: Part) -> Iterator[_Row]:
    for entity in part.subject.entities:
        sink, capability = part.sink(entity), part.capability(entity)
        key = f"{part.prefix}{system_of(entity)}_key"
        keys = [Origin(asset, key, how="a new record is given its key there") for asset in _pairs_with(part, entity)]
        conditions = [
            Origin(part.merged, part.prefix + condition.name, taken=False, how="says whether it is written")
            for condition in part.subject.filters_of(entity).write
        ]
        yield sink, capability.key, [*keys, *conditions]
        if capability.document_key is not None:
            above = f"{system_of(entity)}_key"
            yield sink, capability.document_key, [Origin(asset, above) for asset in _pairs_with(part, entity)]
        for name in part.written(entity):
            row = part.subject.properties[name]
            own = row.members[entity].name
            able = capability.properties.get(own)
            on_create = row.writes(entity) == "create" or (able is not None and able.write == "create")
            how = written_words(row, entity, on_create=on_create, longest=able.max_length if able is not None else None)
            yield sink, own, [Origin(part.merged, part.prefix + name, how=how), *_links_to(part, entity, name)]
        for flow in part.subject.flows.values():
            if flow.join is not None and flow.join.written and flow.join.entity == entity:
                other = next(each for each in flow.entities if each != entity)
                origins = [
                    Origin(asset, f"{part.prefix}{system_of(other)}_key", how="on create only")
                    for asset, _, each in part.pairs()
                    if each == flow
                ]
                yield sink, flow.join.name, origins
        for own in constants_of(part, entity):
            yield sink, own, []


def constants_of(part: Part, entity: str) -> dict[str, str]:
    """What is written to an entity whatever the other side holds: the system's own name to when and what."""
    found = {name: f"'{value}' on create" for name, value in part.subject.constants.get(entity, {}).items()}
    archive = part.subject.deletions_of(entity).archive
    if archive is not None:
        found[archive.name] = f"'{archive.value}' when the counterpart is gone and the mapping has it archived"
    return found


def _pairs_with(part: Part, entity: str) -> list[str]:
    return [asset for asset, _, flow in part.pairs() if entity in flow.entities]


def _links_to(part: Part, entity: str, name: str) -> Iterator[Origin]:
    """Where the key of what a reference points to is from: the pairs of that record."""
    to = part.subject.properties[name].to
    if to not in part.mappings.subjects:
        return
    target = part.mappings.target_of(entity, name)
    for flow_name, flow in part.mappings.subjects[str(to)].flows.items():
        if target in flow.entities:
            yield Origin(pair_path(flow_name), f"{system_of(target)}_key", how="key of the linked record")
