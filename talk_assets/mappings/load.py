"""Reading mapping files and capability declarations; every mistake is named with file, line and field."""

from collections.abc import Collection, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from talk_assets.errors import MappingError
from talk_assets.mappings.capabilities import Capabilities, EntityCapability
from talk_assets.mappings.check_structure import check_flows, check_structure
from talk_assets.mappings.check_values import check_values
from talk_assets.mappings.checked import Checked
from talk_assets.mappings.leaving_out import SETTING, noting_left_out, without_flows
from talk_assets.mappings.model import Mappings, Subject
from talk_assets.mappings.source import Place, Source, read_source, suggestion

PACKAGED_MAPPINGS = Path(__file__).parent
PACKAGED_CAPABILITIES = tuple(
    Path(__file__).parents[1] / "systems" / system / "capabilities.yaml" for system in ("customerp", "exact")
)
# The subjects that the assets are made of: a folder of mappings has to declare each of them.
SUBJECTS = ("organisation", "product", "person", "sales_document")

Model = TypeVar("Model", bound=BaseModel)


def load_capabilities(*paths: Path) -> Capabilities:
    """Read what the systems' entities can take; without paths the two declarations that are shipped.

    Raises:
        MappingError: a file is wrong or declares an entity again; the text names file, line and field.
    """
    found: Capabilities = {}
    for path in paths or PACKAGED_CAPABILITIES:
        source = read_source(path)
        for entity, content in source.data.items():
            if entity in found:
                raise source.error((entity,), "this entity was already declared; declare it once.")
            capability = _validate(EntityCapability, content, source, (entity,))
            _check_capability(entity, capability, source)
            found[entity] = capability
        for entity in source.data:
            _check_lines(entity, found, source)
    return found


def load_mappings(folder: Path | None, capabilities: Capabilities, leave_out: Collection[str] = ()) -> Mappings:
    """Read and check all mapping files of a folder.

    Args:
        folder: holds one `.yaml` file per subject; None means the shipped mappings.
        capabilities: what the entities can take.
        leave_out: flows that are not synchronised, see `leaving_out`.

    Returns:
        The subjects in dependency order: what is referred to comes first.

    Raises:
        MappingError: a file is missing or wrong; the text names file, line and field.
        ConfigurationError: a flow to leave out is unknown, or the only one of its subject.
    """
    if not leave_out:
        return _load(folder, capabilities, leave_out)
    try:
        return _load(folder, capabilities, leave_out)
    except MappingError as error:
        problem = f"{error.problem} It is so without the flows of {SETTING}: {', '.join(leave_out)}."
        raise MappingError(error.path, error.line, error.field, problem) from None


def _load(folder: Path | None, capabilities: Capabilities, leave_out: Collection[str]) -> Mappings:
    where = folder or PACKAGED_MAPPINGS
    sources: dict[str, Source] = {}
    subjects: dict[str, Subject] = {}
    read = [read_source(path) for path in sorted([*where.glob("*.yaml"), *where.glob("*.yml")])]
    for whole, source in zip(read, without_flows(read, leave_out, capabilities), strict=True):
        subject = _validate(Subject, source.data, source, ())
        _check_not_said(subject, source)
        subject = noting_left_out(subject, whole.data, leave_out, capabilities)
        if subject.subject in subjects:
            raise source.error(
                ("subject",), f"{subject.subject} is already the subject of {sources[subject.subject].path.name}."
            )
        sources[subject.subject], subjects[subject.subject] = source, subject
    missing = [name for name in SUBJECTS if name not in subjects]
    if missing:
        raise MappingError(
            where,
            None,
            "",
            f"no file in this folder has the subject {missing[0]}; copy {missing[0]}.yaml from "
            f"the shipped mappings and change it there.",
        )
    for name, subject in subjects.items():
        checked = Checked(subject, sources[name], capabilities)
        parts = [part for part in (checked, checked.line_part()) if part is not None]
        for part in parts:
            check_flows(part)
        for part in parts:
            check_structure(part)
            check_values(part)
    _check_together(subjects, sources)
    return Mappings(subjects={name: subjects[name] for name in _in_order(subjects, sources)})


def _validate(model: type[Model], content: Any, source: Source, at: Place) -> Model:
    try:
        return model.model_validate(content)
    except ValidationError as error:
        # A misspelt key is also a missing one: the misspelling is what a person can see.
        first = min(
            error.errors(),
            key=lambda detail: (source.error((*at, *detail["loc"]), "").line or 0, detail["type"] == "missing"),
        )
        raise source.error((*at, *_without_marks(first)), _sentence(first, model)) from None


def _without_marks(detail: ErrorDetails) -> Place:
    return tuple(part for part in detail["loc"] if part != "[key]")


def _sentence(detail: ErrorDetails, model: type[BaseModel]) -> str:
    if detail["type"] == "extra_forbidden":
        return f"unknown key; {suggestion(str(detail['loc'][-1]), _known_keys(model, detail['loc'][:-1]))}"
    if detail["type"] == "missing":
        return "this key is missing; it has to be given."
    problem = detail["msg"].removeprefix("Value error, ").removeprefix("Input ")
    given = detail["input"]
    return f"{problem}; written is {given or 'nothing'}." if isinstance(given, str | None) else f"{problem}."


def _known_keys(model: type[BaseModel], place: Place) -> list[str]:
    """The keys of the model that lies at a place within a model."""
    here: Any = model
    for part in place:
        if isinstance(here, type) and issubclass(here, BaseModel):
            here = here.model_fields[str(part)].annotation
        elif get_origin(here) in (list, dict):
            here = get_args(here)[-1]
        if get_origin(here) in (Union, UnionType):
            here = next(option for option in get_args(here) if option is not type(None))
    return list(here.model_fields) if isinstance(here, type) and issubclass(here, BaseModel) else []


def _check_capability(entity: str, capability: EntityCapability, source: Source) -> None:
    named: list[tuple[Place, str]] = [((entity, "key"), capability.key)]
    if capability.document_key is not None:
        named.append(((entity, "document_key"), capability.document_key))
    for at, names in enumerate(capability.any_of):
        named += [((entity, "any_of", at, within), name) for within, name in enumerate(names)]
    for place, name in named:
        if name not in capability.properties:
            raise source.error(place, f"{entity} has no property {name}; {suggestion(name, capability.properties)}")


def _check_lines(entity: str, found: Capabilities, source: Source) -> None:
    for field, back in (("lines", "document"), ("document", "lines")):
        other = getattr(found[entity], field)
        if other is None:
            continue
        if other not in found:
            raise source.error((entity, field), f"unknown entity {other}; {suggestion(other, found)}")
        if getattr(found[other], back) != entity:
            raise source.error((entity, field), f"{other} does not name {entity} as its `{back}`; both have to agree.")


def _check_not_said(subject: Subject, source: Source) -> None:
    for part, prefix in ((subject, ()), (subject.lines, ("lines",))):
        if part is not None and "left_out" in part.model_fields_set:
            raise source.error((*prefix, "left_out"), f"unknown key; the flows to leave out are named by {SETTING}.")


def _check_together(subjects: Mapping[str, Subject], sources: Mapping[str, Source]) -> None:
    """What one file cannot show: an entity or a flow that two subjects have, a reference to no subject."""
    entities: dict[str, str] = {}
    flows: dict[str, str] = {}
    for name, subject in subjects.items():
        for part, prefix in ((subject, ()), (subject.lines, ("lines",))):
            if part is None:
                continue
            for flow_name, flow in part.flows.items():
                place: Place = (*prefix, "flows", flow_name)
                if flow_name in flows:
                    raise sources[name].error(place, f"subject {flows[flow_name]} has a flow of this name already.")
                flows[flow_name] = part.subject
                for field, entity in zip(("customerp", "exact"), flow.entities, strict=True):
                    if entities.setdefault(entity, part.subject) != part.subject:
                        raise sources[name].error(
                            (*place, field), f"{entity} belongs to subject {entities[entity]} already."
                        )
            _check_references(part, prefix, subjects, sources[name])


def _check_references(part: Subject, prefix: Place, subjects: Mapping[str, Subject], source: Source) -> None:
    for name, row in part.properties.items():
        place: Place = (*prefix, "properties", name)
        if row.to is not None and row.to not in subjects:
            raise source.error((*place, "to"), f"no subject {row.to}; {suggestion(row.to, subjects)}")
        for entity, member in row.members.items():
            if row.to is None and member.entity is not None:
                raise source.error(
                    (*place, "members", entity, "entity"), f"belongs to type reference, but {name} is {row.type}."
                )
            if row.to is None:
                continue
            system = entity.partition(".")[0]
            targets = [other for other in subjects[row.to].entities if other.partition(".")[0] == system]
            if not targets:
                raise source.error((*place, "members", entity), f"{row.to} has no entity in {system}.")
            if member.entity is not None and member.entity not in targets:
                raise source.error(
                    (*place, "members", entity, "entity"),
                    f"{member.entity} is no entity of {row.to} in {system}; {suggestion(member.entity, targets)}",
                )


def _in_order(subjects: Mapping[str, Subject], sources: Mapping[str, Source]) -> list[str]:
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for name, subject in subjects.items():
        rows = [*subject.properties.values(), *(subject.lines.properties.values() if subject.lines else ())]
        sorter.add(name, *(row.to for row in rows if row.to is not None))
    try:
        sorter.prepare()
    except CycleError as error:
        names = error.args[1]
        raise sources[names[0]].error((), f"{' -> '.join(names)} refer to each other in a circle.") from None
    ordered: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        ordered += ready
        sorter.done(*ready)
    return ordered
