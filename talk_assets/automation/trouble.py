"""What keeps a sensor from asking a system: kept until the system answers again, so that a person can be told."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from talk_assets.automation.watch import Watch
from talk_assets.errors import AccessDenied, SystemFault
from talk_assets.ledger.cursors import forget_cursors, read_cursor, store_cursor

# Nobody but a person can give a right or a login.
LOGIN = "login"
PASSING = "passing"
# In the ledger's list of what runs remember, where no run is concerned.
_NO_RUN = "sensor"


@dataclass(frozen=True)
class Trouble:
    """Why a system could not be asked, since when, and whether only a person can help (`LOGIN`)."""

    kind: str
    since: datetime
    said: str


@contextmanager
def noting_trouble(watch: Watch, system: str) -> Iterator[None]:
    """Keep what hinders the block, or forget what hindered it before.

    Raises:
        TalkError: what the block raises.
    """
    installation = watch.installation
    with installation.ledger.begin() as connection:
        known = trouble_with(connection, installation.division, system)
    try:
        yield
    except SystemFault as fault:
        kind = LOGIN if isinstance(fault, AccessDenied) else PASSING
        since = known.since if known is not None and known.kind == kind else watch.now
        with installation.ledger.begin() as connection:
            value = f"{kind} {since.isoformat()} {fault}"
            store_cursor(connection, installation.division, _name(system), value, _NO_RUN)
        raise
    if known is not None:
        with installation.ledger.begin() as connection:
            forget_cursors(connection, installation.division, [_name(system)])


def trouble_with(connection: sa.Connection, division: str, system: str) -> Trouble | None:
    """What keeps the sensor from asking a system; None when nothing did the last time."""
    noted = read_cursor(connection, division, _name(system))
    if noted is None:
        return None
    kind, since, said = noted.split(" ", 2)
    return Trouble(kind, datetime.fromisoformat(since), said)


def _name(system: str) -> str:
    return f"trouble.{system}"
