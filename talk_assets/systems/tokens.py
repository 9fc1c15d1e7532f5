"""OAuth tokens as a system's connector hands them to whatever keeps them.

The dataclass and the protocol live beside the connectors, because connectors import nothing of the ledger; the
ledger's token store imports `StoredToken` from here and implements `TokenStore` (encrypted at rest).
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

# Logins of years; only the sandbox, which makes up a first token at each start, comes beyond.
_SEEDS_KEPT = 100


@dataclass(frozen=True, slots=True)
class StoredToken:
    """An access token with the refresh token that came with it.

    Attributes:
        access_token: sent with every call; secret.
        refresh_token: buys the next pair, once; secret.
        issued_at: when the token call was answered, with offset (UTC).
        expires_at: when the access token stops working, with offset (UTC).
        seeds: SHA-256 (hexadecimal) of each configured refresh token that was used so far, or that a login in the
            browser came after, the latest last; another configured token means that a person has logged in again.
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    issued_at: datetime
    expires_at: datetime
    seeds: tuple[str, ...] = ()


def with_seeds(seeds: Sequence[str], more: Sequence[str]) -> tuple[str, ...]:
    """The seeds to remember once further ones are spent."""
    return tuple(dict.fromkeys([*seeds, *more]))[-_SEEDS_KEPT:]


class TokenStore(Protocol):
    """Keeps one current token per system and login, shared by all processes."""

    def load(self, system: str) -> StoredToken | None:
        """The current token of a system; None before the first one was stored."""

    def seeds(self, system: str) -> tuple[str, ...]:
        """The seeds of the current token, also when the token itself cannot be read any more."""

    def save(self, system: str, token: StoredToken) -> None:
        """Replace the current token; durable when this returns."""

    def locked(self, system: str) -> AbstractContextManager[None]:
        """Hold the system's refresh lock; waits while another process holds it."""
