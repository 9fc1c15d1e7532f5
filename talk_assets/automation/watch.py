"""One look of a sensor at a division: what is known of it, and its systems, without beginning a run."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from talk_assets.installation import Installation, open_installation
from talk_assets.ledger.locks import holder_of_division
from talk_assets.onboarding.gate import is_confirmed
from talk_assets.settings import load_settings

# Why nothing starts by itself.
UNCONFIRMED = (
    "Nobody has confirmed the first sync of this installation yet: look at the asset reports/onboarding, and then run "
    "the job sync with resources.talk.config.confirm: true, or `talk-assets sync --confirm`."
)


@dataclass(frozen=True)
class Watch:
    """What a sensor works with.

    Attributes:
        installation: opened; nothing is locked.
        now: the time by the ledger's clock.
        hindrance: why no run is started now, as a sentence; None when one can be.
        busy: whether somebody works on the division at this moment.
    """

    installation: Installation
    now: datetime
    hindrance: str | None
    busy: bool = False


@contextmanager
def watching(division: str | None) -> Iterator[Watch]:
    """Open the installation to look around.

    Args:
        division: which one, where several are configured.

    Raises:
        ConfigurationError: a setting or a mapping is wrong.
        LedgerError: the ledger cannot be used.
    """
    with open_installation(load_settings(division=division)) as installation:
        with installation.ledger.begin() as connection:
            now: datetime = connection.execute(sa.select(sa.func.now())).scalar_one()
            holder = holder_of_division(connection, installation.division)
        yield Watch(installation, now, _hindrance(installation, holder), holder is not None)


def _hindrance(installation: Installation, holder: str | None) -> str | None:
    if not installation.sandbox and not is_confirmed(installation.ledger, installation.division):
        return UNCONFIRMED
    if holder is not None:
        return f"The division is at work ({holder}); what changes meanwhile is looked at afterwards."
    return None
