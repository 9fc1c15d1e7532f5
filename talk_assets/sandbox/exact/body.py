"""Bodies of calls: how large they may be, and the JSON in them."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from talk_assets.sandbox.exact.errors import Refused, bad_request
from talk_assets.sandbox.exact.model import EntitySet

BROKEN = "Error processing request stream. The request should be a valid top-level resource object."
_TOO_LARGE = "Maximum request length exceeded."


async def read_whole(request: Request, limit: int) -> bytes:
    """The body of a call.

    Args:
        request: the call.
        limit: in bytes; a third more may come, since base64 makes binaries longer and only they are counted as such.

    Raises:
        Refused: 413, the body is longer whatever is in it.
    """
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        # The rest is read all the same: a client that still sends would see a broken connection instead of the answer.
        if size <= limit * 4 // 3:
            chunks.append(chunk)
    if size > limit * 4 // 3:
        raise Refused(413, _TOO_LARGE)
    return b"".join(chunks)


def read_object(request: Request, body: bytes, entity_set: EntitySet, limit: int) -> Mapping[str, Any]:
    """The JSON object that a write sends.

    Raises:
        Refused: 400, it is not JSON, not sent as JSON (`Content-Type: application/json` is wanted: Exact reference,
            Hosts, paths, headers), or no object; 413, it is too large without what base64 adds to binaries.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    sent = read_json(body) if kind == "application/json" else None
    if not isinstance(sent, dict):
        raise bad_request(BROKEN)
    binaries = [sent.get(prop.name) for prop in entity_set.properties.values() if prop.type == "Binary"]
    added = sum(len(value) // 4 for value in binaries if isinstance(value, str))
    if len(body) - added > limit:
        raise Refused(413, _TOO_LARGE)
    return sent


def read_json(body: bytes) -> Any:
    """Any JSON.

    Raises:
        Refused: 400, it is none, or nested beyond reason.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise bad_request(BROKEN) from None
