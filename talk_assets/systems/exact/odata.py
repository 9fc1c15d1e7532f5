"""The shapes of Exact's answers and the spelling of its queries (OData 2, verbose JSON)."""

import html
import json
import re
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx

Row = dict[str, Any]

# No record has it: a filter by it is one that every set takes, and lets every record pass.
NO_KEY = "00000000-0000-0000-0000-000000000000"

_KEY = re.compile(r"\(guid'([0-9a-fA-F-]{36})'\)$")
_XML_MESSAGE = re.compile(r"<(?:\w+:)?message\b[^>]*>(.*?)</(?:\w+:)?message>", re.DOTALL)


def query(**options: str) -> str:
    """The query part of an address, `?$filter=...&$select=...`, from options named without their dollar sign."""
    return "?" + "&".join(f"${name}={quote(value, safe=chr(39) + '(),:/')}" for name, value in options.items())


def guid(key: str) -> str:
    """The literal of a key, `guid'...'`; without the prefix Exact answers 400 (Exact reference, Resource path).

    Raises:
        ValueError: the key is not a GUID.
    """
    return f"guid'{UUID(key)}'"


def key_of(address: str) -> str | None:
    """The key in the address of an entity; None when there is none."""
    match = _KEY.search(address)
    return match[1] if match else None


def rows(payload: Any) -> tuple[list[Row], str | None]:
    """The rows of a list answer and the address of the next page, from `d.results`, a bare array or one entity.

    Raises:
        ValueError: the payload has none of these shapes.
    """
    inner = _inner(payload)
    following = None
    if isinstance(inner, dict) and "results" in inner:
        following = inner.get("__next")
        inner = inner["results"]
    elif isinstance(inner, dict):
        inner = [inner]
    if not isinstance(inner, list) or not all(isinstance(row, dict) for row in inner):
        raise ValueError("no list of rows under `d`")
    if following is not None and not isinstance(following, str):
        raise ValueError("`__next` is not an address")
    return inner, following


def entity(payload: Any) -> Row:
    """The one entity of an answer to a key or a write.

    Raises:
        ValueError: the payload does not hold exactly one.
    """
    found, _ = rows(payload)
    if len(found) != 1:
        raise ValueError(f"expected one entity under `d`, found {len(found)}")
    return found[0]


def nested(value: Any) -> list[Row] | None:
    """The rows of an expanded collection; None when it was not expanded (`__deferred`) or is absent."""
    if isinstance(value, dict):
        value = value.get("results")
    if isinstance(value, list) and all(isinstance(row, dict) for row in value):
        return value
    return None


def message(response: httpx.Response) -> str:
    """The text of an error body, JSON or XML, in one line; empty when the body is of another kind."""
    try:
        found = json.loads(response.text)["error"]["message"]
        text = found["value"] if isinstance(found, dict) else found
    except (ValueError, KeyError, TypeError):
        match = _XML_MESSAGE.search(response.text)
        text = html.unescape(match[1]) if match else ""
    return " ".join(str(text or "").split())


def _inner(payload: Any) -> Any:
    if not isinstance(payload, dict) or "d" not in payload:
        raise ValueError("no `d` in the answer")
    return payload["d"]
