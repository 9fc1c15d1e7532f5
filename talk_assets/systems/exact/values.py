"""Values between Exact's JSON and the platform's: dates and clock on reading, JSON types on writing."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

from talk_assets.errors import RecordRejected
from talk_assets.mappings.capabilities import EntityCapability, ValueType
from talk_assets.systems.base import Record, Values
from talk_assets.systems.exact import dates
from talk_assets.systems.exact.entities import Endpoint
from talk_assets.systems.exact.odata import Row

MODIFIED = "Modified"
TIMESTAMP = "Timestamp"


def decode(
    row: Row,
    names: Sequence[str],
    capability: EntityCapability,
    endpoint: Endpoint,
    zone: tzinfo,
    now: datetime,
) -> Record:
    """A record in the shape of `talk_assets.systems.base` from a row of any set.

    A property that the row lacks is left out; one that cannot be read is handed on as it is, so that the record is held
    with its reason instead of stopping the feed. Codes keep the spaces that Exact pads them with.
    """
    record: Record = {
        name: _decoded(row[name], capability.properties[name].type, zone, now) for name in names if name in row
    }
    record["_key"] = row.get(capability.key)
    record["_modified"] = decode_time(row.get(MODIFIED), zone, now)
    record["_version"] = str(row[TIMESTAMP]) if row.get(TIMESTAMP) is not None else None
    if capability.document_key is not None:
        record["_document"] = row.get(capability.document_key)
    if endpoint.position is not None:
        record["_position"] = row.get(endpoint.position)
    return record


def decode_time(value: Any, zone: tzinfo, now: datetime) -> str | None:
    """The UTC time of a printed moment; None when there is none or it cannot be read."""
    try:
        return dates.read_instant(value, zone, now) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        return None


def encode(values: Values, capability: EntityCapability, zone: tzinfo, doing: str) -> Row:
    """The JSON body of a write from canonical text; None becomes null.

    Raises:
        RecordRejected: a text does not fit the property's type; nothing was sent.
    """
    body: Row = {}
    for name, text in values.items():
        kind = capability.properties[name].type
        try:
            body[name] = None if text is None else _ENCODERS[kind](text, zone)
        except (ValueError, KeyError, OverflowError):
            raise RecordRejected(
                "exact", f"{doing}: {name} is a {kind}, which {text!r} is not; nothing was sent", property_name=name
            ) from None
    return body


def _decoded(value: Any, kind: ValueType, zone: tzinfo, now: datetime) -> Any:
    if not isinstance(value, str) or kind not in ("date", "datetime"):
        return value
    try:
        return dates.read_date(value) if kind == "date" else dates.read_instant(value, zone, now)
    except (ValueError, OverflowError):
        return value


def _decimal(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("not a number that JSON can hold")
    return number


_ENCODERS: Mapping[ValueType, Callable[[str, tzinfo], Any]] = {
    "string": lambda text, _zone: text,
    "guid": lambda text, _zone: text,
    "integer": lambda text, _zone: int(text),
    "decimal": lambda text, _zone: _decimal(text),
    "boolean": lambda text, _zone: {"true": True, "false": False}[text],
    "date": lambda text, _zone: dates.write_date(text),
    "datetime": dates.write_instant,
}
