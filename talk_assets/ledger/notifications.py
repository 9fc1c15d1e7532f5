"""What Exact told of changes: each notification once, for as long as somebody may look at it.

A notification is settled once what it tells was read.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from talk_assets.ledger.bulk import read_frame
from talk_assets.ledger.tables import notification, record

# Exact sends a notification again for a day; people look back for longer.
KEPT = timedelta(days=60)
_REMOVAL = notification.c.action == "Delete"


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


def settle_read(connection: sa.Connection, division: str, topics: Mapping[str, str]) -> None:
    """Settle the notifications whose record was read, or found to be gone, since they came; and those of other topics.

    Args:
        connection: in a transaction.
        division: the division.
        topics: entity to the topic under which Exact tells of it.
    """
    entities = sa.case({topic: entity for entity, topic in topics.items()}, value=notification.c.topic, else_=None)
    since = sa.func.greatest(record.c.read_at, record.c.deleted_at)
    read = sa.exists().where(
        record.c.division == division,
        record.c.entity == entities,
        record.c.key == notification.c.key,
        since >= notification.c.received_at,
    )
    _settle(connection, division, sa.or_(notification.c.topic.not_in(list(topics.values())), read))


def settle_removals(connection: sa.Connection, division: str, before: datetime) -> None:
    """Settle what came about removed records before a moment: the list of them had nothing new afterwards."""
    _settle(connection, division, sa.and_(_REMOVAL, notification.c.received_at <= before))


def settle_topic(connection: sa.Connection, division: str, topic: str, before: datetime) -> None:
    """Settle what else came about a topic before a moment: there was nothing new afterwards."""
    mine = sa.and_(notification.c.topic == topic, ~_REMOVAL, notification.c.received_at <= before)
    _settle(connection, division, mine)


def unsettled(connection: sa.Connection, division: str) -> pd.DataFrame:
    """`topic, deletion, first, last`: of what is not settled, per topic, when it came first and last.

    `deletion` tells whether it is about a record that was removed, which a list of its own shows.
    """
    deletion = _REMOVAL.label("deletion")
    return read_frame(
        connection,
        sa.select(
            notification.c.topic,
            deletion,
            sa.func.min(notification.c.received_at).label("first"),
            sa.func.max(notification.c.received_at).label("last"),
        )
        .where(notification.c.division == division, notification.c.settled_at.is_(None))
        .group_by(notification.c.topic, deletion),
    )


def _settle(connection: sa.Connection, division: str, which: sa.ColumnElement[bool]) -> None:
    connection.execute(
        sa.update(notification)
        .where(notification.c.division == division, notification.c.settled_at.is_(None), which)
        .values(settled_at=sa.func.now())
    )
