"""Where orders are given: the ledger under the division's lock, without any system."""

import getpass
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from talk_assets.cycle.context import Cycle
from talk_assets.declared import load_declared
from talk_assets.errors import OrderRefused
from talk_assets.ledger.database import Ledger, open_ledger
from talk_assets.ledger.embedded import database_url
from talk_assets.ledger.locks import division_lock
from talk_assets.ledger.notes import latest_division
from talk_assets.mappings.capabilities import Capabilities
from talk_assets.mappings.model import Mappings
from talk_assets.settings import Settings

# How long an order waits for a run to end.
WAIT_SECONDS = 30.0


def desk(
    ledger: Ledger, division: str, mappings: Mappings, capabilities: Capabilities, run_id: str | None = None
) -> Cycle:
    """What orders work with: a cycle that reaches the ledger and no system.

    Args:
        ledger: the state.
        division: the division.
        mappings: what is synchronised.
        capabilities: what the entities can take.
        run_id: under which history keeps the orders; by default one of their own.
    """
    return Cycle(
        division=division,
        run_id=run_id or f"order {uuid.uuid4()}",
        ledger=ledger,
        mappings=mappings,
        capabilities=capabilities,
        systems={},
        defaults={},
    )


@contextmanager
def open_desk(
    settings: Settings, run_id: str | None = None, *, reading: bool = False, wait_seconds: float | None = None
) -> Iterator[Cycle]:
    """Open the ledger of an installation to give orders, or only to look.

    Args:
        settings: of the installation; no system is connected, and the sandbox is not started.
        run_id: under which history keeps the orders.
        reading: nothing is changed, so that a run may go on meanwhile.
        wait_seconds: how long to wait for a run to end; by default half a minute.

    Raises:
        ConfigurationError: a setting or a mapping is wrong.
        LedgerError: the ledger cannot be used, or a run of the division goes on.
        OrderRefused: no sync has run yet.
    """
    mappings, capabilities = load_declared(settings)
    with ExitStack() as stack:
        ledger = open_ledger(database_url(settings))
        stack.callback(ledger.close)
        with ledger.begin() as connection:
            known = latest_division(connection)
        division = str(settings.exact_division) if settings.exact_division is not None else known
        if division is None:
            raise OrderRefused("No sync has run yet, so there is nothing to settle. Start one with: talk-assets sync")
        at = desk(ledger, division, mappings, capabilities, run_id)
        if not reading:
            patience = WAIT_SECONDS if wait_seconds is None else wait_seconds
            stack.enter_context(division_lock(ledger, division, patience, at.run_id))
        yield at


def current_user() -> str:
    """The name of the operating system's user, who gives an order where nobody else is named."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run as a number that has no name.
        return "unknown"
