"""Whether a feed has something that was not read yet: asked of its system without reading it, and without a run."""

import hashlib
from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from talk_assets.ledger.cursors import read_cursor
from talk_assets.ledger.database import Ledger
from talk_assets.ledger.tables import deletion, record
from talk_assets.systems.base import Deletion, Sight, Watched

# Of what was never read, or is to be read from the beginning, there is always news.
_FROM_THE_BEGINNING = "from the beginning"


def deletions_of(system: str) -> str:
    """The name of a system's list of removed records among feeds."""
    return f"{system}.deletions"


def news_of(ledger: Ledger, division: str, system: Watched, feed: str) -> str | None:
    """What distinguishes the news of a feed from news that came before or comes later; None when there is none.

    The feed's own cursor says what was read, so nothing is passed over: what a run did not store is news again. What a
    system lists once more, although it was read, is none. Asking takes one call, of documents with a feed of lines two.

    Args:
        ledger: the state.
        division: the division.
        system: which the feed is of.
        feed: an entity, or `deletions_of` the system.

    Raises:
        TalkError: the system did not answer, or the cursor is not one of its connector.
    """
    with ledger.begin() as connection:
        cursor = read_cursor(connection, division, feed)
    if cursor is None:
        return _FROM_THE_BEGINNING
    if feed == deletions_of(system.name):
        for removed in system.glance_deletions(cursor):
            with ledger.begin() as connection:
                missing = _not_noted(connection, division, removed)
            if missing:
                return _mark(cursor, (f"{each.entity}/{each.key} {each.at}" for each in missing))
        return None
    for page in system.glance(feed, cursor):
        with ledger.begin() as connection:
            unread = _not_read(connection, division, page)
        if unread:
            return _mark(cursor, (f"{each.entity}/{each.key} {each.modified} {each.version}" for each in unread))
    return None


def _not_read(connection: sa.Connection, division: str, page: list[Sight]) -> list[Sight]:
    """Those whose content, by version or time, is not the one that was read last."""
    entities, keys = {each.entity for each in page}, [each.key for each in page]
    rows = connection.execute(
        sa.select(record.c.entity, record.c.key, record.c.modified, record.c.version).where(
            record.c.division == division, record.c.entity.in_(entities), record.c.key.in_(keys)
        )
    )
    known = {(row.entity, row.key): (row.modified, row.version) for row in rows}
    return [each for each in page if not _is_read(each, *known.get((each.entity, each.key), (None, None)))]


def _is_read(sight: Sight, modified: datetime | None, version: str | None) -> bool:
    if sight.version is not None and version is not None:
        return sight.version == version
    return sight.modified is not None and modified is not None and datetime.fromisoformat(sight.modified) == modified


def _not_noted(connection: sa.Connection, division: str, page: list[Deletion]) -> list[Deletion]:
    rows = connection.execute(
        sa.select(deletion.c.entity, deletion.c.key, deletion.c.deleted_at).where(
            deletion.c.division == division, deletion.c.key.in_([each.key for each in page])
        )
    )
    known = {(row.entity, row.key): row.deleted_at for row in rows}
    return [each for each in page if not _is_noted(each, known)]


def _is_noted(removed: Deletion, known: dict[tuple[str, str], datetime | None]) -> bool:
    name = (removed.entity, removed.key)
    at = datetime.fromisoformat(removed.at) if removed.at is not None else None
    return name in known and known[name] == at


def _mark(cursor: str, parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join([cursor, *sorted(parts)]).encode()).hexdigest()[:16]
