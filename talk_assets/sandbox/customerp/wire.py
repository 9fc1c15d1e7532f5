"""JSON as it travels: decimals keep every digit they are written with."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
from starlette.responses import Response

from talk_assets.sandbox.customerp.problems import Problem, bad_request

_encoder = msgspec.json.Encoder(decimal_format="number")
_decoder = msgspec.json.Decoder(float_hook=Decimal)


def encode(value: Any) -> bytes:
    """JSON of a value."""
    return _encoder.encode(value)


def decode_object(content: bytes) -> dict[str, Any]:
    """The JSON object that a body holds.

    Raises:
        Problem: 400, it holds none.
    """
    try:
        value = _decoder.decode(content)
    except (ValueError, RecursionError) as error:
        raise bad_request(f"The body is not JSON: {error}.") from None
    if not isinstance(value, dict):
        raise bad_request("The body is not a JSON object.")
    return value


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer with JSON."""
    return Response(encode(value), status, headers, media_type="application/json")


def problem_response(problem: Problem) -> Response:
    """An answer with problem details."""
    return Response(encode(problem.body()), problem.status, problem.headers, media_type="application/problem+json")
