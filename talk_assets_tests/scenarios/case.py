"""A scenario file: cases as they are written, before anything is made of them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

Values = dict[str, Any]
# What a record of a scenario says beside its properties.
BESIDE = ("id", "t", "pt", "version")
SYSTEMS = {"left": "customerp", "right": "exact"}
SIDES = {system: side for side, system in SYSTEMS.items()}


class NotExpressible(Exception):
    """A case says something that the runner cannot play; the case fails."""


@dataclass(frozen=True)
class Case:
    """One scenario.

    Attributes:
        id: its name.
        rules: how the two systems are synchronised.
        records: per side and type the records there are.
        base: what was agreed before.
        links: clusters known before, as lists of `side/type/id`.
        blocked: pairs that a person has ruled out.
        events: what happens, in order.
        expect: what must be so at the end.
    """

    id: str
    rules: Values
    records: dict[str, dict[str, list[Values]]]
    base: list[Values]
    links: list[list[str]]
    blocked: list[list[str]]
    events: list[Values]
    expect: Values = field(default_factory=dict)


def read_cases(path: Path) -> list[Case]:
    """The cases of a file.

    Raises:
        NotExpressible: the file has no scenarios of format 1.
    """
    # YAML 1.2: the country NO is a text.
    content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict) or content.get("format") != 1 or "scenarios" not in content:
        raise NotExpressible(f"{path} is no scenario file of format 1")
    return [_case(raw) for raw in content["scenarios"]]


def _case(raw: Values) -> Case:
    given = raw["given"]
    return Case(
        id=str(raw["id"]),
        rules=given.get("rules") or {},
        records={side: {t: list(rows or []) for t, rows in (given.get(side) or {}).items()} for side in SYSTEMS},
        base=given.get("base") or [],
        links=given.get("links") or [],
        blocked=given.get("blocked") or [],
        events=raw["when"],
        expect=raw["expect"],
    )


def properties_of(record: Values) -> Values:
    """A record's own properties."""
    return {str(name): value for name, value in record.items() if name not in BESIDE}


def split_member(member: str) -> tuple[str, str, str]:
    """Side, type and id of `side/type/id`.

    Raises:
        NotExpressible: it has another form.
    """
    parts = str(member).split("/", 2)
    if len(parts) != 3 or parts[0] not in SYSTEMS:
        raise NotExpressible(f"{member} is no member of the form side/type/id")
    return parts[0], parts[1], parts[2]
