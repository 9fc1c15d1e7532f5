"""Which calls a system refused lately, shared by all processes of a division."""

import json
from datetime import datetime

import sqlalchemy as sa

from talk_assets.ledger.cursors import read_cursor, store_cursor
from talk_assets.ledger.database import Ledger
from talk_assets.ledger.tables import cursor

# Beside the cursors of feeds, whose names have no such beginning.
_PREFIX = "failed calls "
# Until the end of the transaction: two processes that add to what both have read would lose one of both.
_LOCK = sa.text("select pg_advisory_xact_lock(hashtextextended(:name, 0))")


class FailedCallStore:
    """The failed calls of one division.

    Args:
        ledger: where they are kept; also within a preview they are kept at once, because the system has counted them.
        division: the division.
    """

    def __init__(self, ledger: Ledger, division: str) -> None:
        self._ledger = ledger
        self._division = division

    def load(self) -> dict[str, list[datetime]]:
        """The times of failed calls per endpoint."""
        statement = sa.select(cursor.c.feed, cursor.c.value).where(
            cursor.c.division == self._division, cursor.c.feed.startswith(_PREFIX)
        )
        with self._ledger.begin_apart() as connection:
            rows = connection.execute(statement).all()
        return {
            feed.removeprefix(_PREFIX): [datetime.fromisoformat(moment) for moment in json.loads(value)]
            for feed, value in rows
        }

    def add(self, endpoint: str, moment: datetime, since: datetime) -> None:
        """Keep one more of an endpoint, beside those after `since`."""
        name = f"{_PREFIX}{endpoint}"
        with self._ledger.begin_apart() as connection:
            connection.execute(_LOCK, {"name": f"{name} of {self._division}"})
            known = json.loads(read_cursor(connection, self._division, name) or "[]")
            times = [each for each in known if datetime.fromisoformat(each) > since]
            store_cursor(connection, self._division, name, json.dumps([*times, moment.isoformat()]), "")
