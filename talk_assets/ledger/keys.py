"""Joining a query to keys that a frame holds."""

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from talk_assets.ledger.bulk import FEW, keys_table


def keys_of(connection: sa.Connection, frame: pd.DataFrame, *names: str) -> sa.FromClause:
    """Columns of a frame, as text, to join a query to.

    Args:
        connection: in a transaction; a temporary table ends with it.
        frame: has text columns, without missing values; repeated rows count once.
        names: the columns that count.
    """
    if len(frame) > FEW:
        frame = frame[list(names)].drop_duplicates()
    if len(frame) > FEW:
        return sa.table(keys_table(connection, frame), *(sa.column(name, sa.Text) for name in names))
    rows = dict.fromkeys(zip(*(frame[name].tolist() for name in names), strict=True))
    return _unnested(sa.Text, {name: [row[place] for row in rows] for place, name in enumerate(names)})


def records_named(connection: sa.Connection, references: "pd.Series[str]") -> sa.FromClause:
    """The columns `entity` and `key` of references `entity/key`, to join a query to; repeated ones count once.

    Args:
        connection: in a transaction; a temporary table ends with it.
        references: missing ones, and what is no reference, are left out.
    """
    names = ["entity", "key"]
    parts = (name.partition("/") for name in dict.fromkeys(references.dropna()))
    rows = [(entity, key) for entity, slash, key in parts if slash]
    return keys_of(connection, pd.DataFrame(rows, columns=names, dtype="str"), *names)


def values_of(connection: sa.Connection, name: str, values: "Iterable[str] | pd.Series[str]") -> sa.FromClause:
    """Texts as the only column `name`, to join a query to; repeated ones count once, none may be missing.

    Args:
        connection: in a transaction; a temporary table ends with it.
        name: of the column.
        values: the texts.
    """
    rows = list(dict.fromkeys(values))
    if len(rows) > FEW:
        table = keys_table(connection, pd.DataFrame({name: pd.Series(rows, dtype="str")}))
        return sa.table(table, sa.column(name, sa.Text))
    return _unnested(sa.Text, {name: rows})


def numbers_of(connection: sa.Connection, numbers: Iterable[int]) -> sa.FromClause:
    """Numbers of clusters, or of rows, as the only column `number`, to join a query to; repeated ones count once.

    Args:
        connection: in a transaction; a temporary table ends with it.
        numbers: however many, unlike parameters, of which 65,535 end a statement.
    """
    rows = list(dict.fromkeys(map(int, numbers)))
    if len(rows) > FEW:
        texts = values_of(connection, "number", map(str, rows))
        return sa.select(sa.cast(texts.c.number, sa.BigInteger).label("number")).subquery()
    return _unnested(sa.BigInteger, {"number": rows})


def among(connection: sa.Connection, numbers: Iterable[int]) -> sa.Select[tuple[int]]:
    """Numbers as of `numbers_of`, for `column.in_(...)`."""
    return sa.select(numbers_of(connection, numbers).c.number)


def _unnested(kind: type[sa.types.TypeEngine[Any]], columns: dict[str, Sequence[Any]]) -> sa.FromClause:
    arrays = [sa.cast(sa.literal(values, ARRAY(kind)), ARRAY(kind)) for values in columns.values()]
    return sa.func.unnest(*arrays).table_valued(*(sa.column(name, kind) for name in columns)).render_derived()
