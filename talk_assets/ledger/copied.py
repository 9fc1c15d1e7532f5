"""What COPY gives, through Arrow: whole, or in pieces that fit into memory however long the result is."""

import io
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.csv as pacsv
import sqlalchemy as sa

from talk_assets.ledger.database import driver_connection, render

# What PostgreSQL's types become; every other type is read as its text.
_ARROW_TYPES: dict[str, pa.DataType] = {
    "bool": pa.bool_(),
    "int2": pa.int64(),
    "int4": pa.int64(),
    "int8": pa.int64(),
    "float4": pa.float64(),
    "float8": pa.float64(),
    "timestamptz": pa.timestamp("us", tz="UTC"),
}
_BLOCK_BYTES = 8 << 20
# So much text is parsed at once, in about a hundred milliseconds.
_PIECE_BYTES = 16 << 20


def read_pieces(
    connection: sa.Connection, statement: sa.TextClause, params: Mapping[str, Any], piece_bytes: int = _PIECE_BYTES
) -> Iterator[pa.Table]:
    """Read a query's result piece by piece, each as an Arrow table; at least one, which may be empty.

    Args:
        connection: in a transaction of the ledger.
        statement: a query, in which parameters are written `:name`.
        params: values of the named parameters.
        piece_bytes: how much text makes a piece.
    """
    driver = driver_connection(connection)
    query = render(connection, statement, params)
    types = describe(driver, query)
    data, longest, given = io.BytesIO(), 0, False
    with driver.cursor() as cursor, cursor.copy(b"COPY (" + query + b") TO STDOUT (FORMAT csv)") as copy:
        for line in copy:
            longest = max(longest, data.write(line))
            if data.tell() >= piece_bytes:
                yield parse(data, types, longest)
                data, longest, given = io.BytesIO(), 0, True
    if data.tell() or not given:
        yield parse(data, types, longest)


def parse(data: io.BytesIO, types: Mapping[str, pa.DataType], longest: int) -> pa.Table:
    """Whole rows as COPY wrote them, as a table.

    Args:
        data: the rows.
        types: of the columns, see `describe`.
        longest: bytes of the longest row.
    """
    if not data.tell():
        return pa.schema(types.items()).empty_table()
    return pacsv.read_csv(
        pa.py_buffer(data.getbuffer()),
        read_options=pacsv.ReadOptions(column_names=list(types), block_size=max(_BLOCK_BYTES, 2 * longest)),
        parse_options=pacsv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=pacsv.ConvertOptions(
            column_types=types,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["t"],
            false_values=["f"],
        ),
    )


def describe(driver: psycopg.Connection[Any], query: bytes) -> dict[str, pa.DataType]:
    """Names and types of the columns that a query gives."""
    result = driver.pgconn.prepare(b"", query)
    if result.status == psycopg.pq.ExecStatus.COMMAND_OK:
        result = driver.pgconn.describe_prepared(b"")
    if result.status != psycopg.pq.ExecStatus.COMMAND_OK:
        raise psycopg.errors.error_from_result(result, driver.info.encoding)
    types = {}
    for index in range(result.nfields):
        name, known = (
            (result.fname(index) or b"").decode(driver.info.encoding),
            driver.adapters.types.get(result.ftype(index)),
        )
        types[name] = _ARROW_TYPES.get(known.name if known else "", pa.large_string())
    return types
