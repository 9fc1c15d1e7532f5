"""Whether what a mapping says about deleted records, guards and filters names what exists and can be done."""

from talk_assets.mappings.checked import Checked
from talk_assets.mappings.model import Flow
from talk_assets.mappings.source import suggestion


def check_safety(checked: Checked) -> None:
    """Check `when_gone`, `deletions`, `guards` and `filters`.

    Raises:
        MappingError: the first mistake, with file, line and field.
    """
    for entity in checked.subject.deletions:
        _check_deletions(checked, entity)
    for entity in checked.subject.guards:
        if entity not in checked.subject.entities:
            known = suggestion(entity, checked.subject.entities)
            raise checked.error("guards", entity, problem=f"unknown entity; {known}")
    for entity in checked.subject.filters:
        _check_filters(checked, entity)
    for name, flow in checked.subject.flows.items():
        _check_flow(checked, name, flow)


def _check_filters(checked: Checked, entity: str) -> None:
    if entity not in checked.subject.entities:
        raise checked.error(
            "filters", entity, problem=f"unknown entity; {suggestion(entity, checked.subject.entities)}"
        )
    if checked.document is not None:
        raise checked.error("filters", entity, problem="a line takes part with its document: filter the documents.")
    filters = checked.subject.filters[entity]
    own, shared = checked.capabilities[entity].properties, checked.subject.properties
    for field, conditions, names in (("read", filters.read, own), ("write", filters.write, shared)):
        for condition in conditions:
            if condition.name not in names:
                problem = f"unknown property {condition.name}; {suggestion(condition.name, names)}"
                raise checked.error("filters", entity, field, problem=problem)


def _check_deletions(checked: Checked, entity: str) -> None:
    if entity not in checked.subject.entities:
        raise checked.error(
            "deletions", entity, problem=f"unknown entity; {suggestion(entity, checked.subject.entities)}"
        )
    if checked.document is not None:
        raise checked.error(
            "deletions", entity, problem="a line goes with its document; of one that was removed a person is told."
        )
    options = checked.subject.deletions[entity]
    properties = checked.capabilities[entity].properties
    for field, named in (("deleted_when", options.deleted_when), ("archive", options.archive)):
        if named is not None and named.name not in properties:
            problem = f"{entity} has no property {named.name}; {suggestion(named.name, properties)}"
            raise checked.error("deletions", entity, field, "name", problem=problem)
    archive = options.archive
    if archive is None:
        return
    place = ("deletions", entity, "archive", "name")
    if properties[archive.name].write != "always":
        raise checked.error(*place, problem=f"{archive.name} of {entity} cannot be written afterwards.")
    for name, row in checked.subject.held_by(entity).items():
        if row.members[entity].name == archive.name:
            raise checked.error(
                *place, problem=f"{archive.name} is already shared as {name}, which would carry it to the other system."
            )


def _check_flow(checked: Checked, name: str, flow: Flow) -> None:
    for system, entity, other in (
        ("customerp", flow.customerp, flow.exact),
        ("exact", flow.exact, flow.customerp),
    ):
        policy = flow.when_gone.policy(entity)
        if policy == "ignore":
            continue
        place = ("flows", name, "when_gone", system)
        if checked.document is not None:
            raise checked.error(*place, problem="lines go with their documents; a single one is never deleted.")
        target = checked.subject.deletions.get(other)
        if policy == "archive" and (target is None or target.archive is None):
            raise checked.error(
                *place, problem=f"archive needs to know how: name a property under deletions, {other}, archive."
            )
