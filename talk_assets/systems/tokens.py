"""OAuth tokens as a system's connector hands them to whatever keeps them.

The dataclass and the protocol live beside the connectors, because connectors import nothing of the ledger; the
ledger's token store imports `StoredToken` from here and implements `TokenStore` (encrypted at rest).
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StoredToken:
    """An access token with the refresh token that came with it.

    Attributes:
        access_token: sent with every call; secret.
        refresh_token: buys the next pair, once; secret.
        issued_at: when the token call was answered, with offset (UTC).
        expires_at: when the access token stops working, with offset (UTC).
        seed: SHA-256 (hexadecimal) of the configured first refresh token that this one descends from; a different
            configured token means that a person has logged in again.
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    issued_at: datetime
    expires_at: datetime
    seed: str


class TokenStore(Protocol):
    """Keeps one current token per system, shared by all processes."""

    def load(self, system: str) -> StoredToken | None:
        """The current token of a system; None before the first one was stored."""

    def save(self, system: str, token: StoredToken) -> None:
        """Replace the current token; durable when this returns."""

    def locked(self, system: str) -> AbstractContextManager[None]:
        """Hold the system's refresh lock; waits while another process holds it."""
