"""JSON that keeps decimals as they are written, and dotted paths into it.

Python's own `json` writes a decimal number only by way of a binary one; msgspec writes and reads `decimal.Decimal`.
"""

from decimal import Decimal
from typing import Any

import msgspec

from talk_assets.errors import UnexpectedAnswer
from talk_assets.systems.json_text import whole_characters

_encoder = msgspec.json.Encoder(decimal_format="number")
_decoder = msgspec.json.Decoder(float_hook=Decimal)


class _Missing:
    """Says that an answer has no such place; null is a value."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING = _Missing()


def encode(value: Any) -> bytes:
    """JSON of dictionaries, lists, text, integers, booleans, None and decimals, each decimal digit by digit."""
    return _encoder.encode(value)


def decode(content: bytes) -> Any:
    """The value of a JSON text; numbers with a fraction or an exponent become `Decimal`.

    Raises:
        ValueError: it is not JSON.
    """
    return _decoder.decode(whole_characters(content))


def get(value: Any, path: str) -> Any:
    """What is at a dotted path; '' is the value itself.

    A name that itself holds dots (`@odata.nextLink`) is found as well. Below a null everything is null.

    Returns:
        The value there, or `MISSING`.
    """
    if not path:
        return value
    if isinstance(value, dict) and path in value:
        return value[path]
    for name in path.split("."):
        if value is None:
            return None
        if not isinstance(value, dict) or name not in value:
            return MISSING
        value = value[name]
    return value


def put(target: dict[str, Any], path: str, value: Any) -> None:
    """Set what is at a dotted path, making the objects on the way.

    Raises:
        UnexpectedAnswer: something else than an object is on the way.
    """
    *above, last = path.split(".")
    for name in above:
        if target.get(name) is None:
            target[name] = {}
        if not isinstance(target[name], dict):
            raise UnexpectedAnswer(
                "customerp", f"{path}: {name} is no object in the record as it was read; correct the profile's names"
            )
        target = target[name]
    target[last] = value


def remove(target: dict[str, Any], path: str) -> None:
    """Take away what is at a dotted path, if it is there."""
    above, _, last = path.rpartition(".")
    parent = get(target, above)
    if isinstance(parent, dict):
        parent.pop(last, None)


def wrapped(value: Any, path: str) -> Any:
    """The value inside objects, so that it is at the dotted path."""
    if not path:
        return value
    outside: dict[str, Any] = {}
    put(outside, path, value)
    return outside
