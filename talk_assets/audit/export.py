"""The audit of a period as files, one per view; read and written in pieces, so that its length does not matter."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import IO, Literal

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import sqlalchemy as sa

from talk_assets.ledger.copied import read_pieces
from talk_assets.ledger.database import Ledger

Format = Literal["parquet", "csv"]
# Per view: what belongs to a period, and the order of the rows. A link belongs to that of its beginning and of its end.
_VIEWS = {
    "change": ("at >= :first and at < :after", "at, id nulls first, cluster_id, property"),
    "write": ("sent_at >= :first and sent_at < :after", "id"),
    "link": (
        "(linked_at >= :first and linked_at < :after or unlinked_at >= :first and unlinked_at < :after)",
        "id",
    ),
}
_MEANINGS = sa.text(
    "select a.attname, col_description(a.attrelid, a.attnum) from pg_attribute a "
    "where a.attrelid = cast(:view as regclass) and a.attnum > 0"
)


@dataclass(frozen=True)
class Exported:
    """A file that was written: of which view, where, and with how many rows."""

    view: str
    file: Path
    rows: int


def export(ledger: Ledger, division: str, first: date, last: date, folder: Path, form: Format) -> list[Exported]:
    """Write what happened in a division from one day to another, both included, as days are in UTC.

    All files tell of the same moment. A file is there whole or not at all, and readable by its owner only.

    Args:
        ledger: the state.
        division: the division.
        first: the first day.
        last: the last day.
        folder: where the files go; it is made where it is missing, and files of the same name are replaced.
        form: of the files.

    Raises:
        OSError: the folder cannot be written.
        LedgerLost: the ledger stopped answering.
    """
    folder.mkdir(parents=True, exist_ok=True)
    at = {"division": division, "first": f"{first} 00:00+00", "after": f"{last + timedelta(days=1)} 00:00+00"}
    done = []
    with ledger.begin() as connection:
        connection.execute(sa.text("set transaction isolation level repeatable read, read only"))
        for view, (period, order) in _VIEWS.items():
            # Nothing of the text comes from outside.
            query = f"select * from audit.{view} where division = :division and {period} order by {order}"  # noqa: S608
            meanings = dict(connection.execute(_MEANINGS, {"view": f"audit.{view}"}).tuples().all())
            file = folder / f"{view}_{first}_{last}.{form}"
            with _whole(file) as target:
                rows = _write(read_pieces(connection, sa.text(query), at), meanings, target, form)
            done.append(Exported(view, file, rows))
    return done


def _write(pieces: Iterator[pa.Table], meanings: dict[str, str], target: IO[bytes], form: Format) -> int:
    """Write the pieces of a table; how many rows there were."""
    piece = next(pieces)
    schema = pa.schema([field.with_metadata({"comment": meanings[field.name]}) for field in piece.schema])
    rows = 0
    with (
        pq.ParquetWriter(target, schema, compression="zstd")
        if form == "parquet"
        else pacsv.CSVWriter(target, schema, write_options=pacsv.WriteOptions(quoting_style="needed"))
    ) as writer:
        while piece is not None:
            rows += piece.num_rows
            if piece.num_rows:
                # Arrow 26 writes garbage for a table whose first chunk is empty, so the chunks are made one.
                writer.write_table(piece.cast(schema).combine_chunks())
            piece = next(pieces, None)
    return rows


@contextmanager
def _whole(file: Path) -> Iterator[IO[bytes]]:
    """A file under another name until it is complete."""
    part = file.with_name(f".{file.name}.part")
    part.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
            yield target
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
