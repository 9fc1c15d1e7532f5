"""Joining a query to keys that a frame holds."""

from collections.abc import Iterable

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from talk_assets.ledger.bulk import keys_table

# Up to here the keys travel within the statement; a temporary table costs several milliseconds to make and analyse.
_FEW = 500


def keys_of(connection: sa.Connection, frame: pd.DataFrame) -> sa.FromClause:
    """The frame's columns, as text, to join a query to.

    Args:
        connection: in a transaction; a temporary table ends with it.
        frame: text columns, without missing values; repeated rows count once.
    """
    rows = frame.drop_duplicates()
    names = [str(name) for name in rows.columns]
    if len(rows) > _FEW:
        return sa.table(keys_table(connection, rows), *(sa.column(name, sa.Text) for name in names))
    arrays = [sa.cast(sa.literal(rows[name].tolist(), ARRAY(sa.Text)), ARRAY(sa.Text)) for name in names]
    return sa.func.unnest(*arrays).table_valued(*(sa.column(name, sa.Text) for name in names)).render_derived()


def among(connection: sa.Connection, numbers: Iterable[int]) -> sa.Select[tuple[int]]:
    """Numbers, for `column.in_(...)`: however many there are, unlike parameters, of which 65,535 end a statement.

    Args:
        connection: in a transaction; a temporary table ends with it.
        numbers: of clusters, or of rows.
    """
    wanted = keys_of(connection, pd.DataFrame({"number": pd.Series([str(int(n)) for n in numbers], dtype="str")}))
    return sa.select(sa.cast(wanted.c.number, sa.BigInteger))
