"""A backup of the state of one division, and its restoration."""

import sqlalchemy as sa

from talk_assets.ledger.database import Ledger
from talk_assets.ledger.tables import metadata
from talk_assets_tests.scenarios.words import Values

# Per table the rows of a division.
Backup = dict[str, list[Values]]
# Tokens belong to a login, whatever becomes of a division.
_TABLES = [table for table in metadata.sorted_tables if "division" in table.c]
# The state of a ledger that knows nothing.
NOTHING: Backup = {table.name: [] for table in _TABLES}


def take(ledger: Ledger, division: str) -> Backup:
    """What the ledger holds of a division."""
    with ledger.begin() as connection:
        return {
            table.name: [
                dict(row) for row in connection.execute(sa.select(table).where(table.c.division == division)).mappings()
            ]
            for table in _TABLES
        }


def restore(ledger: Ledger, division: str, backup: Backup) -> None:
    """Have the ledger hold of a division what it held when the backup was taken."""
    with ledger.begin() as connection:
        for table in reversed(_TABLES):
            connection.execute(sa.delete(table).where(table.c.division == division))
        for table in _TABLES:
            if backup[table.name]:
                connection.execute(sa.insert(table), backup[table.name])
