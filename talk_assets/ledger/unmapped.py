"""What was kept about entities that no flow is about any more: nobody can settle it."""

from collections.abc import Collection

import sqlalchemy as sa

from talk_assets.ledger.tables import guard, hold, owed


def drop_unmapped(connection: sa.Connection, division: str, entities: Collection[str]) -> None:
    """Drop debts, holds and tripped guards of other entities than these; links and history stay.

    Args:
        connection: in a transaction.
        division: the division.
        entities: all that the mappings are about, lines included.
    """
    for table in (owed, hold, guard):
        connection.execute(sa.delete(table).where(table.c.division == division, table.c.entity.not_in(list(entities))))
