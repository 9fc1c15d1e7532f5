"""What the commands do. Each has a module of its own, loaded when it is asked for: Dagster alone takes a second."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from talk_assets import console
from talk_assets.declared import load_declared
from talk_assets.ledger.database import Ledger, open_ledger
from talk_assets.ledger.embedded import database_url
from talk_assets.ledger.notes import latest_division
from talk_assets.mappings.model import Mappings
from talk_assets.settings import BOTH_SYSTEMS, Settings, load_settings


@dataclass(frozen=True)
class State:
    """What is known, without asking a system: the ledger, the mappings, and the division that is meant."""

    ledger: Ledger
    mappings: Mappings
    division: str


def told_settings(needed: Sequence[str] = BOTH_SYSTEMS) -> Settings:
    """The settings; where no system is configured, everybody is told so, on standard error.

    Args:
        needed: names of the variables that the command needs where a system is configured.

    Raises:
        ConfigurationError: one of them is not set, or a setting is wrong.
    """
    settings = load_settings(needed)
    if settings.sandbox:
        console.remark(
            f"No system is configured: using the sandbox, with its state and the ledger under {settings.talk_home}."
        )
    return settings


@contextmanager
def open_state() -> Iterator[State]:
    """Open what is known about the division that is configured, or else was last synchronised.

    Raises:
        TalkError: a setting or a mapping is wrong, or the ledger cannot be used.
    """
    settings = told_settings()
    mappings, _ = load_declared(settings)
    ledger = open_ledger(database_url(settings))
    try:
        with ledger.begin() as connection:
            known = latest_division(connection)
        division = str(settings.exact_division) if settings.exact_division is not None else known
        yield State(ledger, mappings, division or "")
    finally:
        ledger.close()
