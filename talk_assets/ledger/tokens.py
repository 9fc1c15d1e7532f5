"""Access and refresh tokens of the systems, kept encrypted and shared by all processes."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from talk_assets.errors import LedgerError
from talk_assets.ledger.database import Ledger
from talk_assets.ledger.locks import advisory_lock
from talk_assets.ledger.secrets import Cipher
from talk_assets.ledger.tables import token
from talk_assets.systems.tokens import StoredToken


class TokenStore:
    """The tokens of one division.

    Args:
        ledger: where they are stored; also within a preview they are stored at once, because the system that gave
            them has already forgotten the former ones.
        cipher: encrypts them.
        division: the division that they belong to.
        wait_seconds: how long `locked` waits for another process.
    """

    def __init__(self, ledger: Ledger, cipher: Cipher, division: str, *, wait_seconds: float = 120) -> None:
        self._ledger = ledger
        self._cipher = cipher
        self._division = division
        self._wait_seconds = wait_seconds

    def load(self, system: str) -> StoredToken | None:
        """Give the stored tokens of a system, or None.

        Raises:
            LedgerError: they were encrypted with another key.
        """
        statement = sa.select(token).where(token.c.division == self._division, token.c.system == system)
        with self._ledger.begin_apart() as connection:
            row = connection.execute(statement).mappings().one_or_none()
        if row is None:
            return None
        what = f"The stored token of {system} for division {self._division}"
        try:
            content = json.loads(self._cipher.decrypt(bytes(row["secret"]), what))
            return StoredToken(content["access"], content["refresh"], row["issued_at"], row["expires_at"], row["seed"])
        except (ValueError, KeyError, TypeError):
            raise LedgerError(f"{what} is damaged. Remove the row from talk.token and authorise again.") from None

    def save(self, system: str, stored: StoredToken) -> None:
        """Store the tokens of a system instead of the former ones; they are committed when this returns."""
        content = json.dumps({"access": stored.access_token, "refresh": stored.refresh_token})
        row = {
            "secret": self._cipher.encrypt(content),
            "seed": stored.seed,
            "issued_at": stored.issued_at,
            "expires_at": stored.expires_at,
        }
        statement = insert(token).values(division=self._division, system=system, **row)
        with self._ledger.begin_apart() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=["division", "system"], set_=row))

    @contextmanager
    def locked(self, system: str) -> Iterator[None]:
        """Let one process at a time refresh the tokens of a system; load them again inside the block.

        Raises:
            LedgerError: another process holds the lock for longer than the store waits.
        """
        with advisory_lock(self._ledger, f"the token of {system} for division {self._division}", self._wait_seconds):
            yield
