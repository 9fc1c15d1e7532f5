"""Creates that are safe to send again: the same key creates once and answers the first result."""

import hashlib
import json

from talk_assets.sandbox.customerp.problems import Problem
from talk_assets.sandbox.store import Store

_LONGEST_KEY = 128


class Idempotency:
    """Remembers, for as long as the store lives, what creates with an Idempotency-Key answered."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def recall(self, key: str, collection: str, content: bytes) -> bytes | None:
        """The first answer to this key; None when the key is new.

        Raises:
            Problem: 422, the key was used for something else, or is empty or too long.
        """
        if not 1 <= len(key) <= _LONGEST_KEY:
            raise Problem(422, f"The Idempotency-Key has {len(key)} characters; it must have 1 to {_LONGEST_KEY}.")
        text = self._store.setting(_name(key))
        if text is None:
            return None
        known = json.loads(text)
        if known["request"] != _fingerprint(collection, content):
            raise Problem(422, "The Idempotency-Key was used before, for another record.")
        return str(known["answer"]).encode()

    def remember(self, key: str, collection: str, content: bytes, answer: bytes) -> None:
        """Keep the first answer; to be called in the transaction of the create."""
        kept = {"request": _fingerprint(collection, content), "answer": answer.decode()}
        self._store.set_setting(_name(key), json.dumps(kept))


def _name(key: str) -> str:
    return f"customerp/idempotency/{key}"


def _fingerprint(collection: str, content: bytes) -> str:
    return hashlib.sha256(collection.encode() + b"\n" + content).hexdigest()
