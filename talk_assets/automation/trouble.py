"""What keeps a sensor from asking a system: kept until it answers again, so that a person can be told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

import sqlalchemy as sa

from talk_assets.automation.watch import Watch
from talk_assets.errors import AccessDenied, SystemFault
from talk_assets.ledger.cursors import cursors_named, forget_cursors, read_cursor, store_cursor

# Nobody but a person can give a login, or the right to one entity.
LOGIN, RIGHT = "login", "right"
PASSING = "passing"
_NAMED = "trouble."
# In the ledger's list of what runs remember, where no run is concerned.
_NO_RUN = "sensor"


@dataclass(frozen=True)
class Trouble:
    """Why a feed could not be asked for news, since when, and whether only a person can help (`LOGIN`, `RIGHT`)."""

    feed: str
    kind: str
    since: datetime
    said: str


def note_trouble(watch: Watch, feed: str, fault: SystemFault) -> None:
    """Keep what hindered a question, and since when."""
    division, name = watch.installation.division, f"{_NAMED}{feed}"
    kind = PASSING
    if isinstance(fault, AccessDenied):
        kind = RIGHT if fault.status == HTTPStatus.FORBIDDEN else LOGIN
    with watch.installation.ledger.begin() as connection:
        noted = read_cursor(connection, division, name)
        known = _read(name, noted) if noted is not None else None
        since = known.since if known is not None and known.kind == kind else watch.now
        store_cursor(connection, division, name, f"{kind} {since.isoformat()} {fault}", _NO_RUN)


def forget_trouble(watch: Watch, feed: str) -> None:
    """The question was answered."""
    with watch.installation.ledger.begin() as connection:
        forget_cursors(connection, watch.installation.division, [f"{_NAMED}{feed}"])


def forget_other_troubles(watch: Watch, system: str, feeds: Sequence[str]) -> None:
    """A system is asked about these feeds only: others are left out or mapped no more."""
    division = watch.installation.division
    with watch.installation.ledger.begin() as connection:
        noted = cursors_named(connection, division, f"{_NAMED}{system}.")
        left = noted.keys() - {f"{_NAMED}{feed}" for feed in feeds}
        if left:
            forget_cursors(connection, division, sorted(left))


def troubles(connection: sa.Connection, division: str) -> list[Trouble]:
    """What keeps feeds from being asked, by their names."""
    return [_read(name, value) for name, value in sorted(cursors_named(connection, division, _NAMED).items())]


def _read(name: str, noted: str) -> Trouble:
    kind, since, said = noted.split(" ", 2)
    return Trouble(name.removeprefix(_NAMED), kind, datetime.fromisoformat(since), said)
