"""What the server insists on before it saves a record."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from talk_assets.sandbox.customerp.entities import Entity, Property
from talk_assets.sandbox.customerp.problems import Fault

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "date": (str,),
    "integer": (int,),
    "decimal": (int, Decimal),
    "boolean": (bool,),
}
# Whether an entity has a record with this key.
Exists = Callable[[str, str], bool]


def faults(entity: Entity, given: Mapping[str, Any], whole: Mapping[str, Any], exists: Exists) -> list[Fault]:
    """Everything that is wrong with a record, without its lines.

    Args:
        entity: what kind of record it is.
        given: the properties that the write names; `Lines` is passed over.
        whole: the record as it would be saved.
        exists: looks up what is referred to.
    """
    found: list[Fault] = []
    for name, value in given.items():
        prop = entity.properties.get(name)
        if prop is not None:
            fault = None if value is None else _fault(prop, value, exists)
        elif name == "Lines" and entity.lines is not None:
            continue
        else:
            fault = _unknown(entity, name)
        if fault is not None:
            found.append((name, fault))
    for name, prop in entity.properties.items():
        if prop.required and _empty(whole.get(name)):
            found.append((name, f"{name} is required."))
    if entity.any_of and all(_empty(whole.get(name)) for name in entity.any_of):
        found.append((entity.any_of[0], f"One of {', '.join(entity.any_of)} is required."))
    return found


def _empty(value: Any) -> bool:
    return value is None or value == ""


def _unknown(entity: Entity, name: str) -> str:
    if name in ("Id", "Modified", "Version"):
        return f"{name} is set by the server."
    return f"A {entity.name} has no property {name}."


def _fault(prop: Property, value: Any, exists: Exists) -> str | None:
    fits = isinstance(value, _PYTHON_TYPES[prop.type]) and isinstance(value, bool) == (prop.type == "boolean")
    if not fits:
        return f"The value must be of type {prop.type}."
    if prop.type == "date":
        return None if _is_date(value) else f"{value} is no date such as 2024-01-31."
    if prop.type == "integer":
        return None if value >= 1 else f"{value} is too small; the first is 1."
    return _text_fault(prop, value, exists) if prop.type == "string" else None


def _text_fault(prop: Property, value: str, exists: Exists) -> str | None:
    if prop.max_length is not None and len(value) > prop.max_length:
        return f"The text has {len(value)} characters; at most {prop.max_length} are kept."
    if prop.choices and value not in prop.choices:
        return f"{value} is none of {', '.join(prop.choices)}."
    if prop.pattern is not None and re.fullmatch(prop.pattern, value) is None:
        return f"{value} does not have the form {prop.pattern}."
    if prop.refers_to is not None and not exists(prop.refers_to, value):
        return f"There is no {prop.refers_to} {value}."
    return None


def _is_date(text: str) -> bool:
    if _DATE.fullmatch(text) is None:
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
