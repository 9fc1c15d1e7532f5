"""Lists as a faulty server gives them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from talk_assets.sandbox.faults.model import Fault, System

# Decimals keep every digit they are written with.
_encoder = msgspec.json.Encoder(decimal_format="number")
_decoder = msgspec.json.Decoder(float_hook=Decimal)


def altered(fault: Fault, system: System, content: bytes, since: str | None) -> bytes:
    """The content of a list's answer after a fault; an answer that holds no list stays as it is.

    Args:
        fault: with one of the effects of `PAGES`.
        system: whose answer it is.
        content: the answer's JSON.
        since: Customerp's change token that was asked with.
    """
    if fault.effect == "truncated_page":
        return content[: len(content) // 2]
    answer = _decoder.decode(content)
    rows = _rows(answer, system)
    if rows is None:
        return content
    if fault.effect == "missing_property":
        for row in rows:
            for name in fault.properties:
                row.pop(name, None)
        return _encoder.encode(answer)
    if fault.effect == "overlaid_page":
        for row in rows:
            row.update(fault.values)
        return _encoder.encode(answer)
    kept = rows[: len(rows) // 2] if fault.effect == "short_page" else []
    if system == "exact":
        return _encoder.encode({"d": {"results": kept}})
    token = _token(kept, since) if fault.effect == "short_page" else answer["token"]
    return _encoder.encode({"items": kept, "next": None, "token": token})


def _rows(answer: Any, system: System) -> list[dict[str, Any]] | None:
    found = answer
    for name in ("d", "results") if system == "exact" else ("items",):
        found = found.get(name) if isinstance(found, dict) else found
    return found if isinstance(found, list) else None


def _token(kept: list[dict[str, Any]], since: str | None) -> str:
    """Where the next reading starts when no more than these records were given."""
    last: Mapping[str, Any] = kept[-1] if kept else {}
    return str(last.get("Version", since or "0"))
