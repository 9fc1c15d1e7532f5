"""Where the next read of each feed starts, and what else is remembered from one run to the next by a name."""

from collections.abc import Sequence

import sqlalchemy as sa

from talk_assets.ledger.tables import cursor

# Text, because SQLAlchemy compiles an insert with ON CONFLICT every time.
_READ_UP_TO = sa.text(
    """
    INSERT INTO talk.cursor (division, feed, value, updated_at, run) VALUES (:division, :feed, :value, now(), :run)
    ON CONFLICT (division, feed) DO UPDATE
    SET value = excluded.value, updated_at = excluded.updated_at, run = excluded.run
    """
)


def read_cursor(connection: sa.Connection, division: str, feed: str) -> str | None:
    """Where the next read of a feed starts; None when it was never read."""
    return connection.execute(
        sa.select(cursor.c.value).where(cursor.c.division == division, cursor.c.feed == feed)
    ).scalar_one_or_none()


def store_cursor(connection: sa.Connection, division: str, feed: str, value: str, run: str) -> None:
    """Remember where the next read of a feed starts."""
    connection.execute(_READ_UP_TO, {"division": division, "feed": feed, "value": value, "run": run})


def forget_cursors(connection: sa.Connection, division: str, feeds: Sequence[str]) -> None:
    """Have feeds read from the beginning next time."""
    connection.execute(sa.delete(cursor).where(cursor.c.division == division, cursor.c.feed.in_(feeds)))


def forget_named(connection: sa.Connection, division: str | None, beginning: str) -> None:
    """Forget all that is remembered under names with a beginning, of one division or of all (None)."""
    mine = sa.true() if division is None else cursor.c.division == division
    connection.execute(sa.delete(cursor).where(mine, cursor.c.feed.startswith(beginning, autoescape=True)))


def cursors_named(connection: sa.Connection, division: str, beginning: str) -> dict[str, str]:
    """What is remembered under names that begin so: name to value."""
    mine = (cursor.c.division == division, cursor.c.feed.startswith(beginning, autoescape=True))
    rows = connection.execute(sa.select(cursor.c.feed, cursor.c.value).where(*mine))
    return {row.feed: row.value for row in rows}
