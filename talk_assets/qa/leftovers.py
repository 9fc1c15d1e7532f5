"""What runs that were cut off left behind: it is named for a person, and not removed, as a mark alone proves little."""

import sqlalchemy as sa

from talk_assets.installation import Installation
from talk_assets.ledger.tables import record

# How a name begins that `talk_assets.qa.samples.Mark` gave, whatever was done to its letters since.
_MARKED = '": "QA [0-9]{4} [0-9]{4}[ "]'


def left_before(installation: Installation) -> list[str]:
    """`entity/key: reason` of records that bear the mark of a run, by what was last read; without lines of documents.

    Args:
        installation: whose ledger knows what both systems hold.
    """
    values = sa.cast(record.c["values"], sa.Text)
    asked = (
        sa.select(record.c.entity, record.c.key, sa.func.substring(values, "QA [0-9]{4}"))
        .where(
            record.c.division == installation.division,
            record.c.deleted_at.is_(None),
            record.c.document.is_(None),
            values.regexp_match(_MARKED, flags="i"),
        )
        .order_by(record.c.entity, record.c.key)
    )
    with installation.ledger.begin() as connection:
        found = connection.execute(asked).all()
    return [f"{entity}/{key}: left by an earlier run{f', {run}' if run else ''}" for entity, key, run in found]
