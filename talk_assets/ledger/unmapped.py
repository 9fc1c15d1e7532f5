"""What was kept about entities that no flow is about any more: nobody can settle it."""

from collections.abc import Collection

import sqlalchemy as sa

from talk_assets.ledger.tables import guard, hold, member, owed


def drop_unmapped(connection: sa.Connection, division: str, entities: Collection[str], said: Collection[str]) -> None:
    """Drop debts, holds and tripped guards of other entities than these; links and history stay.

    When the entities are mapped again all of it is found anew, but not what a person said.

    Args:
        connection: in a transaction.
        division: the division.
        entities: all that the mappings are about, lines included.
        said: kinds of holds that a person's order makes; they stay.
    """
    for table in (owed, hold, guard):
        kept = table.c.kind.in_(said) if table is hold else sa.false()
        where = (table.c.division == division, table.c.entity.not_in(list(entities)), ~kept)
        connection.execute(sa.delete(table).where(*where))


def drop_without_member(connection: sa.Connection, division: str, entities: Collection[str]) -> None:
    """Drop the debts of clusters that have no record of these entities, because the flow was left out that made them.

    Nobody decides them any more: they would be delivered as they were planned. Put back, the flow plans them anew.

    Args:
        connection: in a transaction.
        division: the division.
        entities: all that the mappings are about, lines included.
    """
    there = sa.exists().where(
        member.c.division == owed.c.division,
        member.c.cluster_id == owed.c.cluster_id,
        member.c.deleted_at.is_(None),
        member.c.entity.in_(list(entities)),
    )
    connection.execute(sa.delete(owed).where(owed.c.division == division, ~there))
