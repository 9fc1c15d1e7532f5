"""What keeps a sensor from asking a system: kept until it answers again, so that a person can be told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

import sqlalchemy as sa

from talk_assets.automation.watch import Watch
from talk_assets.errors import AccessDenied, SystemFault, SystemUnavailable, TalkError
from talk_assets.ledger.cursors import cursors_named, forget_cursors, read_cursor, store_cursor

# Nobody but a person can give a login, the right to one entity, or what is missing or wrong on our side.
LOGIN, RIGHT, OURS = "login", "right", "ours"
PASSING = "passing"
_NAMED = "trouble."
_HELP = {
    ("customerp", LOGIN): "correct CUSTOMERP_TOKEN",
    ("customerp", RIGHT): "give the owner of CUSTOMERP_TOKEN the right to it",
    ("exact", LOGIN): (
        "log in again with `talk-assets exact login`, and where that does not help look at EXACT_CLIENT_ID, "
        "EXACT_CLIENT_SECRET and EXACT_DIVISION"
    ),
    ("exact", RIGHT): "give the user who logged in, and the app's registration, the right to it",
}
# In the ledger's list of what runs remember, where no run is concerned.
_NO_RUN = "sensor"


@dataclass(frozen=True)
class Trouble:
    """Why a feed could not be asked for news, since when, and whether only a person can help (all but `PASSING`)."""

    feed: str
    kind: str
    since: datetime
    said: str


def note_trouble(watch: Watch, feed: str, fault: TalkError) -> None:
    """Keep what hindered a question, in our own words, and since when."""
    division, name = watch.installation.division, f"{_NAMED}{feed}"
    kind = PASSING if isinstance(fault, SystemFault) else OURS
    if isinstance(fault, AccessDenied):
        kind = RIGHT if fault.status == HTTPStatus.FORBIDDEN else LOGIN
    with watch.installation.ledger.begin() as connection:
        noted = read_cursor(connection, division, name)
        known = _read(name, noted) if noted is not None else None
        since = known.since if known is not None and known.kind == kind else watch.now
        store_cursor(connection, division, name, f"{kind} {since.isoformat()} {_sentence(feed, kind, fault)}", _NO_RUN)


def forget_trouble(watch: Watch, feed: str) -> None:
    """The question was answered."""
    with watch.installation.ledger.begin() as connection:
        forget_cursors(connection, watch.installation.division, [f"{_NAMED}{feed}"])


def known_troubles(watch: Watch, system: str, feeds: Sequence[str]) -> dict[str, str]:
    """Which of a system's feeds could not be asked, and why; what is left out or mapped no more is forgotten."""
    division = watch.installation.division
    with watch.installation.ledger.begin() as connection:
        known = {
            trouble.feed: trouble.said
            for trouble in troubles(connection, division)
            if trouble.feed.partition(".")[0] == system
        }
        left = sorted(known.keys() - set(feeds))
        if left:
            forget_cursors(connection, division, [f"{_NAMED}{feed}" for feed in left])
    return {feed: said for feed, said in known.items() if feed not in left}


def troubles(connection: sa.Connection, division: str) -> list[Trouble]:
    """What keeps feeds from being asked, by their names."""
    return [_read(name, value) for name, value in sorted(cursors_named(connection, division, _NAMED).items())]


def _sentence(feed: str, kind: str, fault: TalkError) -> str:
    """What is wrong in our own words: a system's can hold what its records hold, and this is sent to a chat."""
    if not isinstance(fault, SystemFault):
        return str(fault)
    system, status = fault.system.capitalize(), "no answer" if fault.status is None else str(fault.status)
    if kind != PASSING:
        what = f"{feed} may not be read" if kind == RIGHT else f"{system} refuses the login"
        return f"{what} ({status}); {_HELP[fault.system, kind]}."
    does = "does not answer as it should" if isinstance(fault, SystemUnavailable) else "gives another answer than known"
    return f"{system} {does} when {feed} is asked for ({status}); Dagit shows its words at {fault.system}_changes."


def _read(name: str, noted: str) -> Trouble:
    kind, since, said = noted.split(" ", 2)
    return Trouble(name.removeprefix(_NAMED), kind, datetime.fromisoformat(since), said)
