"""When single properties of records were changed, where that is not the time of the record."""

from collections.abc import Sequence

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP

from talk_assets.ledger.keys import keys_of, values_of
from talk_assets.ledger.tables import record

# The times of single properties, where none is told.
UNTOLD = "{}"


def times_of(connection: sa.Connection, division: str, entity: str, keys: pd.Series) -> pd.Series:
    """Index key, value the times of single properties as JSON, of those of the records that have any."""
    wanted = values_of(connection, "key", keys)
    times = sa.cast(record.c.times, sa.Text)
    found = connection.execute(
        sa.select(record.c.key, times)
        .join_from(record, wanted, wanted.c.key == record.c.key)
        .where(record.c.division == division, record.c.entity == entity, times != UNTOLD)
    )
    return pd.Series(dict(found.tuples().all()), dtype="object")


def advance_times(
    connection: sa.Connection, division: str, entity: str, frame: pd.DataFrame, properties: Sequence[str]
) -> None:
    """Note of the known records `key, modified` that there is a younger content, of which nothing is taken.

    What such a record held before, and waits for a decision, is not younger: its properties keep their times.
    """
    dated = frame.loc[frame["modified"].notna(), ["key", "modified"]].astype({"modified": "str"})
    if dated.empty:
        return
    given = keys_of(connection, dated, "key", "modified")
    moment = sa.cast(given.c.modified, TIMESTAMP(timezone=True))
    at = (record.c.division == division, record.c.entity == entity, record.c.key == given.c.key)
    names = sa.func.unnest(sa.cast(list(properties), ARRAY(sa.Text))).column_valued("name")
    former = sa.select(sa.func.jsonb_object_agg(names, sa.func.to_jsonb(record.c.modified))).correlate(record)
    kept = former.scalar_subquery().op("||")(record.c.times)
    connection.execute(
        sa.update(record)
        .values(modified=moment, times=sa.case((record.c.accounted, record.c.times), else_=kept))
        .where(*at, record.c.modified < moment)
    )
