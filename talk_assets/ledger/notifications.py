"""What Exact told of changes: each notification once, for as long as somebody may look at it."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from talk_assets.ledger.tables import notification

# Exact sends a notification again for a day; people look back for longer.
KEPT = timedelta(days=60)


def keep(
    connection: sa.Connection, *, division: str, topic: str, action: str, key: str, told_at: str, mark: str
) -> bool:
    """Store a notification, and drop those that are too old; whether it is new.

    Args:
        connection: in a transaction.
        division: the division.
        topic: as Accounts.
        action: Create, Update or Delete.
        key: of the record.
        told_at: when Exact made it, in its words.
        mark: by which it is known when it comes again.
    """
    connection.execute(
        sa.delete(notification).where(
            notification.c.division == division, notification.c.received_at < sa.func.now() - KEPT
        )
    )
    row = {"division": division, "topic": topic, "action": action, "key": key, "told_at": told_at, "mark": mark}
    statement = insert(notification).values(received_at=sa.func.now(), **row)
    return connection.execute(statement.on_conflict_do_nothing(index_elements=["division", "mark"])).rowcount == 1


def latest(connection: sa.Connection, division: str) -> dict[str, Any]:
    """`day`, how many came within a day, and `received_at` of the last one, None when none ever came."""
    day = sa.func.count().filter(notification.c.received_at > sa.func.now() - timedelta(days=1))
    found = connection.execute(
        sa.select(day, sa.func.max(notification.c.received_at)).where(notification.c.division == division)
    ).one()
    last: datetime | None = found[1]
    return {"day": int(found[0]), "received_at": last}
