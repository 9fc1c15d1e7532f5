"""A notification of Exact: which record changed, and whether Exact said so (Exact reference, Webhooks)."""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_CONTENT = re.compile(r'"Content"\s*:\s*(?=\{)')
_DIGEST = re.compile(r"[0-9A-Fa-f]{64}")
_GUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_DECODER = json.JSONDecoder()


class NotOfExact(ValueError):
    """What came is no notification; the text says why, and repeats nothing."""


class NotSigned(NotOfExact):
    """What came was not signed with the secret of the division that it tells of."""


@dataclass(frozen=True, slots=True)
class Notification:
    """What Exact tells of a change; it holds none of the record's values.

    Attributes:
        division: the administration.
        topic: what kind of record, as Accounts; lines are told of under the topic of their documents.
        action: Create, Update or Delete.
        key: of the record.
        told_at: when Exact made it, as it says; empty when it does not.
        mark: SHA-256 of what was signed, by which it is known when it comes again.
    """

    division: str
    topic: str
    action: str
    key: str
    told_at: str
    mark: str


def notification_of(body: bytes, secrets: Mapping[str, str]) -> Notification:
    """Read a notification, and make sure that it was signed with the secret of its division.

    The signature is an HMAC-SHA256 over the raw text of `Content`. Only that text is read, so that nothing beside it
    can say something else.

    Args:
        body: as it came.
        secrets: division to the webhook secret of its app.

    Raises:
        NotOfExact: it is malformed.
        NotSigned: it is signed with another secret, or about another division.
    """
    text, digest = _parts(body)
    signing = {division for division, secret in secrets.items() if _is_signed(text, digest, secret)}
    if not signing:
        raise NotSigned("the signature is not that of EXACT_WEBHOOK_SECRET")
    content = _parsed(text)
    division, topic, action, key = (content.get(name) for name in ("Division", "Topic", "Action", "Key"))
    named = isinstance(topic, str) and isinstance(action, str) and isinstance(key, str) and isinstance(division, int)
    if not named or isinstance(division, bool) or _GUID.fullmatch(str(key).strip("{}")) is None:
        raise NotOfExact("it is signed and names no division, topic, action or record")
    if str(division) not in signing:
        raise NotSigned(f"it is about another division than {', '.join(sorted(signing))}")
    told_at = content.get("EventCreatedOn")
    return Notification(
        division=str(division),
        topic=str(topic),
        action=str(action),
        key=str(key).strip("{}").lower(),
        told_at=told_at if isinstance(told_at, str) else "",
        mark=hashlib.sha256(text.encode()).hexdigest(),
    )


def _is_signed(text: str, digest: str, secret: str) -> bool:
    signed = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    return hmac.compare_digest(signed, digest.lower())


def _parts(body: bytes) -> tuple[str, str]:
    """The raw text of `Content`, and `HashCode`."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise NotOfExact("it is no UTF-8 text") from None
    outer = _parsed(text)
    digest, found = outer.get("HashCode"), _CONTENT.search(text)
    if found is None or not isinstance(digest, str) or _DIGEST.fullmatch(digest) is None:
        raise NotOfExact("it has no Content and HashCode")
    try:
        _, end = _DECODER.raw_decode(text, found.end())
    except (ValueError, RecursionError):
        raise NotOfExact("its Content is no JSON") from None
    return text[found.end() : end], digest


def _parsed(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise NotOfExact("it is no JSON") from None
    if not isinstance(found, dict):
        raise NotOfExact("it is no JSON object")
    return found
