"""Which calls a system refused lately, shared by all processes of a division."""

import json
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from talk_assets.ledger.cursors import store_cursor
from talk_assets.ledger.database import Ledger
from talk_assets.ledger.tables import cursor

# Beside the cursors of feeds, whose names have no such beginning.
_PREFIX = "failed calls "


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

    def save(self, endpoint: str, times: Sequence[datetime]) -> None:
        """Keep the times of an endpoint instead of the former ones."""
        value = json.dumps([moment.isoformat() for moment in times])
        with self._ledger.begin_apart() as connection:
            store_cursor(connection, self._division, f"{_PREFIX}{endpoint}", value, "")
