"""The audit as files."""

import json
import stat
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from talk_assets.audit.export import Exported, Format, export
from talk_assets.ledger.copied import read_pieces
from talk_assets.ledger.database import Ledger
from talk_assets_tests.audit.conftest import Books
from talk_assets_tests.conftest import DatabaseServer
from talk_assets_tests.orders.office import office

TODAY = datetime.now(UTC).date()
_UTC = pa.timestamp("us", tz="UTC")


def exported(books: Books, folder: Path, form: Format, first: date = TODAY) -> dict[str, Exported]:
    installation = books.world.installation
    # The tests may run over midnight.
    last = first + timedelta(days=2)
    return {each.view: each for each in export(installation.ledger, installation.division, first, last, folder, form)}


def _as_read(row: dict[str, Any]) -> dict[str, Any]:
    """A row of a file as the ledger gives it."""
    texts = {name: json.loads(row[name]) for name in ("values", "lines") if row.get(name) is not None}
    return {**row, **texts}


def test_the_files_hold_what_the_views_hold(books: Books, tmp_path: Path) -> None:
    """An auditor takes along half of what happened, or other values than those in the ledger."""
    for view, each in exported(books, tmp_path / "new" / "folder", "parquet").items():
        table = pq.read_table(each.file)
        with books.world.installation.ledger.begin() as connection:
            held = [dict(row) for row in connection.execute(sa.text(f"select * from audit.{view}")).mappings()]
        told = [_as_read(row) for row in table.to_pylist()]
        assert (sorted(told, key=str), each.rows) == (sorted(held, key=str), len(held))
        assert table.column_names == list(held[0])
        assert stat.S_IMODE(each.file.stat().st_mode) == 0o600
    assert not list(tmp_path.rglob("*.part"))


def test_columns_have_types_and_say_what_they_mean(books: Books, tmp_path: Path) -> None:
    """Times are read as text, in somebody's time zone; numbers are summed as words."""
    schema = pq.read_schema(exported(books, tmp_path, "parquet")["write"].file)
    assert (schema.field("sent_at").type, schema.field("answered_at").type) == (_UTC, _UTC)
    assert (schema.field("status").type, schema.field("restored").type) == (pa.int64(), pa.bool_())
    assert schema.field("values").type == pa.large_string()
    assert schema.field("status").metadata[b"comment"] == b"HTTP status of the answer; empty without an answer."


def test_csv_tells_nothing_from_an_empty_text_and_times_in_utc(books: Books, tmp_path: Path) -> None:
    """A spreadsheet shows times of another zone, or a value that spans lines as several rows."""
    file = exported(books, tmp_path, "csv")["write"].file
    text = file.read_text()
    assert text.startswith('"division","id","sent_at"')
    frame = pd.read_csv(file, keep_default_na=False)
    assert len(frame) == len(books.world.query("select * from audit.write"))
    assert frame["sent_at"].str.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}Z").all()
    assert json.loads(frame["values"][frame["outcome"].eq("refused")].item()) == {"Phone": "no"}


def test_only_the_period_is_told(books: Books, tmp_path: Path) -> None:
    """A year's audit holds other years, or lacks its last day."""
    for view, each in exported(books, tmp_path, "parquet", date(2020, 1, 1)).items():
        assert (each.rows, pq.read_table(each.file).num_rows) == (0, 0), view
    before = exported(books, tmp_path, "parquet", TODAY - timedelta(days=1))
    assert before["write"].rows > 0
    assert before["write"].file.name == f"write_{TODAY - timedelta(days=1)}_{TODAY + timedelta(days=1)}.parquet"


def test_a_long_result_comes_in_pieces(ledger: Ledger) -> None:
    """The audit of a large company needs more memory than the machine has."""
    query = sa.text("select n, case when n % 2 = 0 then repeat('x', :n) end as t from generate_series(1, 1000) n")
    with ledger.begin() as connection:
        pieces = list(read_pieces(connection, query, {"n": 100}, piece_bytes=10_000))
        (none,) = read_pieces(connection, sa.text("select 1 as n where :n < 0"), {"n": 1})
    assert len(pieces) > 4
    assert pa.concat_tables(pieces).column("n").to_pylist() == list(range(1, 1001))
    assert pa.concat_tables(pieces).column("t").null_count == 500
    assert (none.num_rows, none.schema.field("n").type) == (0, pa.int64())


def test_an_export_that_breaks_leaves_no_file(books: Books, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a file is handed to an auditor as the whole one."""
    monkeypatch.setattr("talk_assets.audit.export._write", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(OSError, match="full"):
        exported(books, tmp_path, "parquet")
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_a_file_per_view_and_says_where(database_server: DatabaseServer) -> None:
    """Who is asked for last year's audit finds out in the manual of a database how to get it."""
    with office(database_server) as place:
        done = place.call("audit", "export", "--from", "2024-01-01", "--to", "2024-12-31", "--format", "csv", "--json")
        assert done.code == 0, done.err
        assert done.json["files"][0] == {"view": "change", "file": "change_2024-01-01_2024-12-31.csv", "rows": 0}
        assert (place.folder / "link_2024-01-01_2024-12-31.csv").read_text().startswith('"division","id","linked_at"')
        listed = place.call("audit", "export", "--from", "2024-01-01", "--to", "2024-12-31", "--out", "files")
        assert listed.out.splitlines()[1] == "write\t0\tfiles/write_2024-01-01_2024-12-31.parquet"
        wrong = place.call("audit", "export", "--from", "2024-12-31", "--to", "2024-01-01")
        assert (wrong.code, "2024-01-01 is before 2024-12-31" in wrong.complaint) == (2, True)
        (place.folder / "taken").write_text("")
        taken = place.call("audit", "export", "--from", "2024-01-01", "--to", "2024-01-01", "--out", "taken")
        assert (taken.code, "--out: taken cannot be written" in taken.complaint) == (2, True)
