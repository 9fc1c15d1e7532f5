"""Bulk in and out of PostgreSQL by COPY, through Arrow: null and '' stay apart, any text survives."""

import functools
import io
import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from talk_assets.ledger.copied import describe, parse
from talk_assets.ledger.database import driver_connection, render

_PANDAS_TYPES: dict[pa.DataType, Any] = {
    pa.bool_(): pd.BooleanDtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.float64(): pd.Float64Dtype(),
    pa.large_string(): pd.StringDtype(na_value=float("nan")),
    pa.timestamp("us", tz="UTC"): pd.DatetimeTZDtype("us", "UTC"),
}
# Up to here rows travel within a statement; a temporary table costs several milliseconds to make and analyse.
FEW = 500
# A table whose rows grew or changed by more than this share is analysed at once; PostgreSQL does so a minute later.
_GROWN = 0.1


def read_frame(
    connection: sa.Connection,
    statement: sa.Select[Any] | sa.CompoundSelect[Any] | sa.TextClause,
    params: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """Read a query's result by COPY.

    Args:
        connection: in a transaction of the ledger.
        statement: a query; in text, parameters are written `:name`.
        params: values of the named parameters; a list fits `= any(:name)`.

    Returns:
        One row per result row. Types follow the result's columns, also when there is no row: text, uuid, jsonb, date
        and numeric are `str`; integers `Int64`; bool `boolean`; floats `Float64`; timestamptz `datetime64[us, UTC]`.
    """
    driver = driver_connection(connection)
    query = render(connection, statement, params)
    types = describe(driver, query)
    data, longest = io.BytesIO(), 0
    with driver.cursor() as cursor, cursor.copy(b"COPY (" + query + b") TO STDOUT (FORMAT csv)") as copy:
        for line in copy:
            longest = max(longest, data.write(line))
    table = parse(data, types, longest)
    frame: pd.DataFrame = table.to_pandas(types_mapper=_PANDAS_TYPES.get)
    return frame


def read_columns(
    connection: sa.Connection,
    table: sa.Table,
    names: Sequence[str],
    *where: sa.ColumnElement[bool],
    order: Sequence[str],
) -> pd.DataFrame:
    """Read some columns of a table's rows in an order of columns; types as of `read_frame`."""
    columns = table.c
    query = sa.select(*(columns[name] for name in names)).where(*where).order_by(*(columns[name] for name in order))
    return read_frame(connection, query)


def copy_frame(connection: sa.Connection, table_name: str, frame: pd.DataFrame, columns: Sequence[str]) -> None:
    """Append columns of a frame to an existing table, which may be temporary.

    Args:
        connection: in a transaction of the ledger.
        table_name: `schema.table` or the name of a temporary table.
        frame: the rows.
        columns: names that both the frame and the table have; missing values become null, jsonb takes JSON text.
    """
    if frame.empty:
        return
    data = io.BytesIO()
    pacsv.write_csv(
        _written_out(_arrow_table(frame, columns)),
        data,
        write_options=pacsv.WriteOptions(include_header=False, quoting_style="needed"),
    )
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(
        sql.Identifier(*table_name.split(".")), _names(columns)
    )
    with driver_connection(connection).cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(data.getbuffer())


def upsert_frame(
    connection: sa.Connection,
    table: sa.Table,
    frame: pd.DataFrame,
    *,
    key: Sequence[str],
    update: Sequence[str] | None = None,
    within: Mapping[str, Sequence[str]] | None = None,
) -> int:
    """Insert the rows of a frame, or update those whose key exists.

    Args:
        connection: in a transaction of the ledger.
        table: the table to change.
        frame: its columns are columns of the table; at most one row per key; jsonb columns hold JSON text.
        key: columns of a unique constraint of the table.
        update: columns to overwrite where the key exists; None: all of the frame but the key; empty: leave the row.
        within: of columns of jsonb objects: names that are overwritten, or left out; all other names stay.

    Returns:
        How many rows were inserted or updated.
    """
    if frame.empty:
        return 0
    columns = tuple(str(name) for name in frame.columns)
    changed = tuple(name for name in columns if name not in key) if update is None else tuple(update)
    parts = tuple((name, tuple(names)) for name, names in (within or {}).items())
    driver = driver_connection(connection)
    if len(frame) <= FEW:
        texts = [column.cast(pa.large_string()) for column in _written_out(_arrow_table(frame, columns)).columns]
        rows = json.dumps(pa.table(texts, names=columns).to_pylist())
        return driver.execute(_upsert_few(table, columns, tuple(key), changed, parts), [rows]).rowcount
    staged = temporary_table(connection, [table.c[name] for name in columns])
    copy_frame(connection, staged, frame, columns)
    statement = _upsert(table, columns, _names(columns), sql.Identifier(staged), key, changed, parts)
    count = driver.execute(statement).rowcount
    driver.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(staged)))
    analyse_grown(connection, table, count)
    return count


def analyse_grown(connection: sa.Connection, table: sa.Table, count: int) -> None:
    """Have PostgreSQL look at a table of which many rows are new, so that what follows is planned well.

    Without it a table that was just filled for the first time is taken for one of a handful of rows, and joining it
    takes a time that grows with the square of their number.

    Args:
        connection: in the transaction that changed them.
        table: the table.
        count: how many rows are new or changed.
    """
    name = sql.Identifier(*filter(None, (table.schema, table.name)))
    known = sa.text("select reltuples from pg_class where oid = to_regclass(:name)")
    rows = connection.execute(known, {"name": table.fullname}).scalar_one()
    if count > _GROWN * max(rows, 0):
        # A run of another division that is doing the same is not waited for: both could wait for each other.
        driver_connection(connection).execute(sql.SQL("ANALYZE (SKIP_LOCKED) {}").format(name))


# There are as many as tables and ways to change them, and to write one takes longer than to store a row.
@functools.lru_cache(maxsize=100)
def _upsert_few(
    table: sa.Table,
    columns: tuple[str, ...],
    key: tuple[str, ...],
    changed: tuple[str, ...],
    parts: tuple[tuple[str, tuple[str, ...]], ...],
) -> bytes:
    """The statement for rows that are its parameter: a JSON array of objects of texts."""
    dialect = sa.URL.create("postgresql").get_dialect()()
    values = [
        sql.SQL("{}::{}").format(sql.Identifier(name), sql.SQL(table.c[name].type.compile(dialect=dialect)))
        for name in columns
    ]
    texts = sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(name)) for name in columns)
    rows = sql.SQL("json_to_recordset(%s::json) AS given ({})").format(texts)
    return _upsert(table, columns, sql.SQL(", ").join(values), rows, key, changed, parts).as_bytes(None)


def _upsert(
    table: sa.Table,
    columns: Sequence[str],
    values: sql.Composable,
    rows: sql.Composable,
    key: Sequence[str],
    changed: Sequence[str],
    parts: Sequence[tuple[str, Sequence[str]]],
) -> sql.Composed:
    action: sql.Composable = sql.SQL("DO NOTHING")
    if changed:
        given = {name: sql.SQL("excluded.{}").format(sql.Identifier(name)) for name in changed}
        for name, names in parts:
            held = sql.SQL("{} - {}::text[]").format(sql.Identifier(table.name, name), sql.Literal(list(names)))
            given[name] = sql.SQL("({}) || {}").format(held, given[name])
        sets = (sql.SQL("{} = {}").format(sql.Identifier(name), value) for name, value in given.items())
        action = sql.SQL("DO UPDATE SET {}").format(sql.SQL(", ").join(sets))
    return sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} ON CONFLICT ({}) {}").format(
        sql.Identifier(*filter(None, (table.schema, table.name))),
        _names(columns),
        values,
        rows,
        _names(key),
        action,
    )


def _names(columns: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def keys_table(connection: sa.Connection, frame: pd.DataFrame) -> str:
    """Put a frame of text columns into a temporary table, for joins; it ends with the transaction.

    Returns:
        The table's name; its columns are those of the frame, of type text.
    """
    columns = [str(name) for name in frame.columns]
    name = temporary_table(connection, [sa.Column(column, sa.Text) for column in columns])
    copy_frame(connection, name, frame, columns)
    # Temporary tables are never analysed by themselves, and the planner would guess their size.
    driver_connection(connection).execute(sql.SQL("ANALYZE {}").format(sql.Identifier(name)))
    return name


def temporary_table(connection: sa.Connection, columns: Sequence[sa.Column[Any]]) -> str:
    """Create an empty temporary table with the names and types of columns; it ends with the transaction.

    Returns:
        The table's name.
    """
    name = f"staged_{uuid.uuid4().hex}"
    table = sa.Table(
        name,
        sa.MetaData(),
        *(sa.Column(column.name, column.type, autoincrement=False) for column in columns),
        prefixes=["TEMPORARY"],
        postgresql_on_commit="DROP",
    )
    table.create(connection, checkfirst=False)
    return name


def pack_json(frame: pd.DataFrame) -> "pd.Series[str]":
    """Make one JSON object per row, of a frame's columns.

    Args:
        frame: columns of text, integers, floats, booleans or times with a time zone.

    Returns:
        JSON text with the frame's index. A missing value is left out, '' is kept; times become ISO 8601 text in UTC
        with microseconds and the offset `+00:00`.
    """
    table = _arrow_table(frame, [str(name) for name in frame.columns])
    members = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        texts, quote = _json_texts(column)
        label = f",{json.dumps(name, ensure_ascii=False)}:{quote}"
        members.append(pc.fill_null(_join(label, texts, quote), _scalar("")))
    if not members:
        return pd.Series("{}", index=frame.index, dtype="str")
    # Every member brings its comma; the first one becomes the brace. (Joining with skipped nulls loses all-null rows.)
    texts = _join(pc.binary_replace_slice(_join(*members), start=0, stop=1, replacement=b"{"), "}")
    return pd.Series(texts.to_pandas(types_mapper=_PANDAS_TYPES.get).array, index=frame.index)


def json_columns(
    column: sa.ColumnElement[Any], names: Sequence[str], *, as_timestamp: bool = False, prefix: str = ""
) -> tuple[sa.Label[Any], ...]:
    """Expand keys of a jsonb column to columns of a query, each labelled with its key; an absent key is null.

    Args:
        column: a jsonb column.
        names: the keys wanted.
        as_timestamp: the values are ISO 8601 times with offset, to be read as timestamptz instead of text.
        prefix: what the labels begin with.
    """
    return _json_columns(column, tuple(names), as_timestamp, prefix)


# There are as many as a mapping has entities and properties, and to build one takes longer than to read a record.
@functools.lru_cache(maxsize=1000)
def _json_columns(
    column: sa.ColumnElement[Any], names: tuple[str, ...], as_timestamp: bool, prefix: str
) -> tuple[sa.Label[Any], ...]:
    texts = {f"{prefix}{name}": sa.type_coerce(column, JSONB)[name].astext for name in names}
    if as_timestamp:
        return tuple(sa.cast(text, TIMESTAMP(timezone=True)).label(label) for label, text in texts.items())
    return tuple(text.label(label) for label, text in texts.items())


def columns_under(found: pd.DataFrame, prefix: str, properties: Sequence[str]) -> pd.DataFrame:
    """Neighbouring columns, as `json_columns` makes them, under the properties' own names."""
    if not properties:
        return found[[]]
    first = found.columns.tolist().index(f"{prefix}{properties[0]}")
    part = found.iloc[:, first : first + len(properties)]
    part.columns = pd.Index(properties)
    return part


def _json_texts(column: pa.ChunkedArray) -> tuple[pa.ChunkedArray, str]:
    """The values as JSON, without the quotation mark that belongs around each of them."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        return _join(pc.binary_replace_slice(_time_texts(column), start=10, stop=11, replacement=b"T"), "+00:00"), '"'
    texts = column.cast(pa.large_string())
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        return texts, ""
    if pc.any(pc.match_substring_regex(texts, '[\\x00-\\x1f"\\\\]')).as_py():
        texts = pc.replace_substring(pc.replace_substring(texts, "\\", "\\\\"), '"', '\\"')
        for code in range(32):
            texts = pc.replace_substring(texts, chr(code), f"\\u{code:04x}")
    return texts, '"'


def _join(*parts: pa.ChunkedArray | str) -> pa.ChunkedArray:
    """Join texts element by element; null where one is null."""
    separated = [_scalar(part) if isinstance(part, str) else part for part in parts]
    return pc.binary_join_element_wise(*separated, _scalar(""))


def _scalar(text: str) -> pa.Scalar:
    return pa.scalar(text, pa.large_string())


def _time_texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Times as `2024-01-31 12:00:00.000000`, in UTC; Arrow is slow only where it has to write the zone too."""
    if column.type.tz is None:
        raise TypeError("a time without a time zone cannot be stored")
    return column.cast(pa.timestamp("us", tz="UTC")).cast(pa.timestamp("us")).cast(pa.large_string())


def _written_out(table: pa.Table) -> pa.Table:
    """The table with its times as the texts that PostgreSQL reads."""
    for index, column in enumerate(table.schema):
        if pa.types.is_timestamp(column.type):
            table = table.set_column(index, column.name, _join(_time_texts(table.column(index)), "+00"))
    return table


def _arrow_table(frame: pd.DataFrame, columns: Sequence[str]) -> pa.Table:
    # Arrow 26 writes garbage for a table whose first chunk is empty, so the chunks are made one.
    return pa.table({name: _arrow_array(frame[name]) for name in columns}).combine_chunks()


def _arrow_array(column: "pd.Series[Any]") -> pa.Array | pa.ChunkedArray:
    values = pa.array(column.array if isinstance(column.dtype, pd.StringDtype) else column)
    return values.cast(values.type.value_type) if pa.types.is_dictionary(values.type) else values
