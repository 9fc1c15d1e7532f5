"""One sandbox: its store with made-up data, its credentials, and who may serve it."""

import json
import secrets
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Self
from uuid import uuid4

from talk_assets.errors import ConfigurationError
from talk_assets.sandbox.exact.reader import SYSTEM
from talk_assets.sandbox.exact.state import ExactState
from talk_assets.sandbox.seed.options import SeedOptions
from talk_assets.sandbox.store import Store

EXACT_DIVISION = 3412908
EXACT_COMPANY = "Zuiderlicht Techniek B.V."
_CREDENTIALS = "sandbox/credentials"
_EMPLOYER = "sandbox/employer_account"
_DIVISIONS = "sandbox/divisions"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What clients have to show; made once and kept with the records.

    Attributes:
        customerp_token: bearer token of Customerp.
        client_id: of the app that is registered with Exact.
        client_secret: of that app.
        webhook_secret: with which Exact signs.
    """

    customerp_token: str = field(repr=False)
    client_id: str
    client_secret: str = field(repr=False)
    webhook_secret: str = field(repr=False)

    @classmethod
    def of(cls, store: Store) -> Self:
        """The store's credentials; new ones for a new store."""
        text = store.setting(_CREDENTIALS)
        if text is not None:
            return cls(**json.loads(text))
        made = cls(
            customerp_token=secrets.token_urlsafe(24),
            client_id=str(uuid4()),
            client_secret=secrets.token_urlsafe(24),
            webhook_secret=secrets.token_urlsafe(24),
        )
        store.set_setting(_CREDENTIALS, json.dumps(asdict(made)))
        return made


def employer_account(store: Store) -> str | None:
    """The key of the employer's own account in Exact; None while the store is not filled."""
    return store.setting(_EMPLOYER)


def divisions_of(store: Store, wanted: Mapping[int, str]) -> dict[int, str]:
    """The divisions of a sandbox, number to name; those that are wanted are remembered with its records.

    Args:
        store: of the sandbox.
        wanted: none for those of the last time; the first one belongs to Customerp's company.

    Raises:
        ConfigurationError: the records were made for another first division.
    """
    text = store.setting(_DIVISIONS)
    kept = {EXACT_DIVISION: EXACT_COMPANY}
    if text is not None:
        kept = {int(number): name for number, name in json.loads(text).items()}
    if not wanted:
        return kept
    first, made_for = next(iter(wanted)), next(iter(kept))
    if first != made_for and employer_account(store) is not None:
        raise ConfigurationError(
            f"--division: the records of this sandbox were made for division {made_for}, not {first}. Name that one "
            "first, or give another --state."
        )
    store.set_setting(_DIVISIONS, json.dumps(wanted))
    return dict(wanted)


def ensure_seeded(
    store: Store, options: SeedOptions, division: int = EXACT_DIVISION, others: Iterable[int] = ()
) -> str:
    """Fill a new store with made-up data; leave one that has been filled as it is.

    Args:
        store: of the sandbox.
        options: how much of what.
        division: of Exact, which has records of Customerp's company.
        others: divisions of Exact that are to have records of companies of their own.

    Returns:
        The key of the employer's own account in Exact.
    """
    employer = employer_account(store)
    empty = [number for number in others if not store.count(SYSTEM, str(number), "Accounts")]
    if employer is not None and not empty:
        return employer
    # Making up data needs libraries that serving does not: loading them would slow every other start.
    from talk_assets.sandbox.seed.generate import generate
    from talk_assets.sandbox.seed.load import load, load_exact

    with store.transaction():
        if employer is None:
            seed = generate(options)
            load(seed, store, ExactState(store, division))
            employer = seed.employer_account
            store.set_setting(_EMPLOYER, employer)
        for number in empty:
            load_exact(generate(replace(options, seed=options.seed + number)), ExactState(store, number))
    return employer


class Turn:
    """The right to serve a state: one process has it, and it ends with the process.

    Args:
        state: file of the store; None: nobody else can want it.

    Raises:
        ConfigurationError: no file can be made beside the state.
    """

    def __init__(self, state: Path | None) -> None:
        self._state = state
        self._connection: sqlite3.Connection | None = None
        if state is None:
            return
        # An open transaction of a database beside the store is a lock that every platform gives back by itself.
        path = state.with_name(f"{state.name}.lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=0, isolation_level=None)
        except (sqlite3.Error, OSError) as error:
            raise _unusable(state, error) from error

    def take(self) -> bool:
        """Take the turn if nobody has it; whether this succeeded.

        Raises:
            ConfigurationError: the file beside the state cannot be used.
        """
        if self._connection is None:
            return True
        try:
            self._connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                return False
            raise _unusable(self._state, error) from error
        return True

    def close(self) -> None:
        """Give the turn back."""
        if self._connection is not None:
            self._connection.close()


def open_store(state: Path | None) -> Store:
    """The store of a sandbox, new when there is none yet.

    Raises:
        ConfigurationError: the file is not a store, or cannot be made.
    """
    try:
        return Store(state)
    except (sqlite3.Error, OSError) as error:
        raise _unusable(state, error) from error


def _unusable(state: Path | None, error: Exception) -> ConfigurationError:
    return ConfigurationError(
        f"The sandbox's state {state} cannot be used: {error}. Give another file with --state, or remove this one."
    )
