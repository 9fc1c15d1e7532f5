"""Reading a connector profile file; every mistake is named with file, line and field."""

from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from talk_assets.errors import MappingError
from talk_assets.mappings.load import load_capabilities
from talk_assets.mappings.source import Place, Source, read_source, suggestion
from talk_assets.systems.customerp.profile import Profile

DEFAULT_PROFILE = Path(__file__).with_name("default_profile.yaml")


def load_profile(path: Path | None) -> Profile:
    """Read the connector profile.

    Args:
        path: CUSTOMERP_PROFILE; None is the published contract.

    Raises:
        MappingError: the file is missing or wrong; the text names file, line and field.
    """
    return _published() if path is None else _read(path).named(str(path))


@cache
def _published() -> Profile:
    return _read(DEFAULT_PROFILE).named("the published contract's profile")


def _read(path: Path) -> Profile:
    source = read_source(path)
    try:
        profile = Profile.model_validate(source.data)
    except ValidationError as error:
        raise min((_problem(detail, source) for detail in error.errors()), key=lambda found: found.line or 0) from None
    contract = load_capabilities()
    for name, own in profile.entities.items():
        properties = contract[f"customerp.{name}"].properties
        for limited in own.limits:
            if limited not in properties:
                problem = f"the contract has no such property; {suggestion(limited, properties)}"
                raise source.error(("entities", name, "limits", limited), problem)
    return profile


def _problem(detail: ErrorDetails, source: Source) -> MappingError:
    if detail["type"] == "extra_forbidden":
        known = _known_keys(detail["loc"][:-1])
        return source.error(_place(detail, source), f"unknown key; {suggestion(str(detail['loc'][-1]), known)}")
    if detail["type"] in ("missing", "union_tag_not_found"):
        named = str(detail["ctx"]["discriminator"]).strip("'") if "ctx" in detail else str(detail["loc"][-1])
        return source.error((*_place(detail, source), named), "this key is missing; it has to be given.")
    problem = detail["msg"].removeprefix("Value error, ").removeprefix("Input ")
    written = f"; written is {detail['input'] or 'nothing'}" if isinstance(detail["input"], str | None) else ""
    return source.error(_place(detail, source), f"{problem}{written}.")


def _place(detail: ErrorDetails, source: Source) -> Place:
    """Where in the file an error is: without the style or kind by which pydantic names one of several sections."""
    place: Place = ()
    for part in detail["loc"]:
        if (*place, part) in source.lines:
            place = (*place, part)
    return place


def _known_keys(place: Place) -> list[str]:
    """The keys of the section at a place, where the style or kind of a section is one of the place's parts."""
    here: Any = Profile
    for part in place:
        if get_origin(here) in (Union, UnionType):
            here = next((option for option in _sections(here) if _has_tag(option, part)), _sections(here)[0])
            if _has_tag(here, part):
                continue
        if isinstance(here, type) and issubclass(here, BaseModel):
            here = here.model_fields[str(part)].annotation
        elif get_origin(here) is dict:
            here = get_args(here)[-1]
    if get_origin(here) in (Union, UnionType):
        here = _sections(here)[0]
    return list(here.model_fields) if isinstance(here, type) and issubclass(here, BaseModel) else []


def _sections(union: Any) -> list[Any]:
    """The sections that a union offers; those of an annotated union within it are offered too."""
    found = []
    for option in get_args(union):
        inner = getattr(option, "__origin__", option)
        found += _sections(inner) if get_origin(inner) in (Union, UnionType) else [inner]
    return [option for option in found if option is not type(None)]


def _has_tag(section: Any, tag: object) -> bool:
    fields = getattr(section, "model_fields", {})
    return any(name in fields and tag in get_args(fields[name].annotation) for name in ("style", "kind"))
