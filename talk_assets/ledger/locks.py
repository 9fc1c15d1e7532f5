"""Locks between processes, held by PostgreSQL for as long as their holder's connection lives."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
import sqlalchemy as sa

from talk_assets.errors import LedgerError, LedgerLost
from talk_assets.ledger.database import Ledger

# The name of a connection that holds a lock for a run begins so.
_OF_RUN = "talk-assets run "
_KEY = sa.text("hashtextextended(:name, 0)")
# What pg_locks shows of a 64-bit key: its halves.
_HOLDER = sa.text(
    "select activity.application_name, activity.backend_start from pg_locks as lock "
    "join pg_stat_activity as activity using (pid), hashtextextended(:name, 0) as key "
    "where lock.locktype = 'advisory' and lock.granted and lock.objsubid = 1 "
    "and lock.database = (select oid from pg_database where datname = current_database()) "
    "and lock.classid = ((key >> 32) & 4294967295)::oid and lock.objid = (key & 4294967295)::oid"
)


@dataclass(frozen=True, slots=True)
class HeldLock:
    """A lock that this process holds.

    Attributes:
        name: what is locked.
    """

    name: str
    connection: sa.Connection

    def confirm(self) -> None:
        """Make sure that the lock is still held, before something that must not happen twice.

        Raises:
            LedgerLost: the connection that held it was lost, so another process may have taken the lock.
        """
        try:
            self.connection.execute(sa.text("select 1"))
        except (sa.exc.DBAPIError, sa.exc.PendingRollbackError) as error:
            raise LedgerLost(
                f"The connection to the ledger that held the lock on {self.name} was lost; another process may hold "
                "the lock now. Nothing more is done and nothing is lost; start the sync again."
            ) from error


@contextmanager
def division_lock(ledger: Ledger, division: str, wait_seconds: float, run: str = "") -> Iterator[HeldLock]:
    """Let one sync of a division go on at a time.

    The lock ends with the block, and with the process however it ends.

    Args:
        ledger: the ledger that is locked; the lock is real also within a preview.
        division: the division.
        wait_seconds: how long to wait for another sync to end; 0: not at all.
        run: id of this run, told to those who find the lock taken.

    Raises:
        LedgerError: another sync of the division is still going on.
    """
    with advisory_lock(ledger, f"division {division}", wait_seconds, run) as held:
        yield held


def holder_of_division(connection: sa.Connection, division: str) -> str | None:
    """Who syncs a division at this moment, as a person would say it; None when nobody does."""
    row = connection.execute(_HOLDER, {"name": f"talk:division {division}"}).one_or_none()
    return None if row is None else _holder(connection, f"division {division}")


def run_of_division(connection: sa.Connection, division: str) -> str | None:
    """The run that goes on in a division at this moment; None when none does."""
    row = connection.execute(_HOLDER, {"name": f"talk:division {division}"}).one_or_none()
    name = "" if row is None else str(row[0])
    return name.removeprefix(_OF_RUN) if name.startswith(_OF_RUN) else None


@contextmanager
def advisory_lock(ledger: Ledger, name: str, wait_seconds: float, run: str = "") -> Iterator[HeldLock]:
    """Hold a lock by name on a connection of its own.

    Args:
        ledger: the ledger whose processes are kept apart.
        name: what is locked, as a person would say it; equal names exclude each other.
        wait_seconds: how long to wait for the lock; 0: not at all.
        run: id of this run, told to those who find the lock taken.

    Raises:
        LedgerError: the lock is held elsewhere for longer than that.
    """
    with ledger.dedicated(f"{_OF_RUN}{run}" if run else "talk-assets") as connection:
        if not _acquire(connection, name, wait_seconds):
            raise LedgerError(
                f"The lock on {name} is held by {_holder(connection, name)}; waited {wait_seconds:g} s. Wait until it "
                "has ended, or end it, and try again."
            )
        yield HeldLock(name, connection)


def _acquire(connection: sa.Connection, name: str, wait_seconds: float) -> bool:
    key = {"name": f"talk:{name}"}
    if wait_seconds <= 0:
        return bool(connection.execute(sa.text(f"select pg_try_advisory_lock({_KEY})"), key).scalar_one())
    milliseconds = str(max(1, round(wait_seconds * 1000)))
    connection.execute(sa.func.set_config("lock_timeout", milliseconds, False).select())
    try:
        connection.execute(sa.text(f"select pg_advisory_lock({_KEY})"), key)
    except sa.exc.OperationalError as error:
        if isinstance(error.orig, psycopg.errors.LockNotAvailable):
            return False
        raise
    return True


def _holder(connection: sa.Connection, name: str) -> str:
    row = connection.execute(_HOLDER, {"name": f"talk:{name}"}).one_or_none()
    if row is None:
        return "another process, which has ended since"
    application, since = row
    holder = application.removeprefix("talk-assets ") if application else "another process"
    return f"{holder if holder != 'talk-assets' else 'another process'} since {since:%Y-%m-%d %H:%M:%S} UTC"
