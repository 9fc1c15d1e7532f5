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
from talk_assets.systems.tokens import StoredToken, with_seeds


class TokenStore:
    """The tokens of one login: a refresh token belongs to a user of an app registration on a site, not to a division.

    Args:
        ledger: where they are stored; also within a preview they are stored at once, because the system that gave
            them has already forgotten the former ones.
        cipher: encrypts them.
        login: the site and the app registration; whoever names the same shares the tokens.
        division: the division of this installation: under it tokens were stored before revision 0009.
        wait_seconds: how long `locked` waits for another process.
    """

    def __init__(
        self, ledger: Ledger, cipher: Cipher, login: str, division: str | None = None, *, wait_seconds: float = 120
    ) -> None:
        self._ledger = ledger
        self._cipher = cipher
        self._login = login
        self._division = division
        self._wait_seconds = wait_seconds

    def load(self, system: str) -> StoredToken | None:
        """Give the stored tokens of a system, or None.

        Raises:
            LedgerError: they were encrypted with another key.
        """
        with self._ledger.begin_apart() as connection:
            self._adopt(connection, system)
            row = connection.execute(sa.select(token).where(*self._own(system))).mappings().one_or_none()
        if row is None:
            return None
        what = f"The stored token of {system} for {self._login}"
        try:
            content = json.loads(self._cipher.decrypt(bytes(row["secret"]), what))
            return StoredToken(
                content["access"], content["refresh"], row["issued_at"], row["expires_at"], tuple(row["seeds"])
            )
        except (ValueError, KeyError, TypeError):
            raise LedgerError(f"{what} is damaged. Log in again with `talk-assets {system} login`.") from None

    def seeds(self, system: str) -> tuple[str, ...]:
        """The seeds of the stored tokens, for which no key is needed."""
        with self._ledger.begin_apart() as connection:
            self._adopt(connection, system)
            found = connection.execute(sa.select(token.c.seeds).where(*self._own(system))).scalar_one_or_none()
        return tuple(found or ())

    def save(self, system: str, stored: StoredToken) -> None:
        """Store the tokens of a system instead of the former ones; they are committed when this returns."""
        content = json.dumps({"access": stored.access_token, "refresh": stored.refresh_token})
        row = {
            "secret": self._cipher.encrypt(content),
            "seeds": list(stored.seeds),
            "issued_at": stored.issued_at,
            "expires_at": stored.expires_at,
        }
        statement = insert(token).values(login=self._login, system=system, **row)
        with self._ledger.begin_apart() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=["login", "system"], set_=row))

    @contextmanager
    def locked(self, system: str) -> Iterator[None]:
        """Let one process at a time refresh the tokens of a system; load them again inside the block.

        Raises:
            LedgerError: another process holds the lock for longer than the store waits.
        """
        with advisory_lock(self._ledger, f"the token of {system} for {self._login}", self._wait_seconds):
            yield

    def _own(self, system: str) -> tuple[sa.ColumnElement[bool], ...]:
        return token.c.login == self._login, token.c.system == system

    def _adopt(self, connection: sa.Connection, system: str) -> None:
        """Take over what was stored under the division, of which only this installation knows whose login it is.

        When another division of the same login came first, its token stays, and the seeds are remembered with it: the
        settings they came from are not those of a newer login.
        """
        if self._division is None:
            return
        former = (token.c.login == f"division {self._division}", token.c.system == system)
        found = connection.execute(sa.select(token.c.seeds).where(*former).with_for_update()).scalar_one_or_none()
        if found is None:
            return
        known = connection.execute(
            sa.select(token.c.seeds).where(*self._own(system)).with_for_update()
        ).scalar_one_or_none()
        if known is None:
            connection.execute(sa.update(token).where(*former).values(login=self._login))
            return
        merged = list(with_seeds(known, found))
        connection.execute(sa.update(token).where(*self._own(system)).values(seeds=merged))
        connection.execute(sa.delete(token).where(*former))
