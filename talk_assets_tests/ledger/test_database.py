"""Opening the ledger, migrating it, transactions and preview."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from talk_assets.errors import LedgerError
from talk_assets.ledger.database import Ledger, check_server, normalise, open_ledger
from talk_assets.ledger.tables import metadata
from talk_assets.ledger.tables import run as runs
from talk_assets_tests.conftest import DatabaseServer

CHECKS = """
    select conname, pg_get_constraintdef(oid) from pg_constraint
    where connamespace = cast(:schema as regnamespace) and contype in ('c', 'f', 'p') order by conname
"""
INDEXES = (
    "select indexname, replace(indexdef, :schema || '.', '') from pg_indexes where schemaname = :schema order by 1"
)


def run_row(run_id: str) -> sa.Insert:
    return sa.insert(runs).values(run_id=run_id, division="1", started_at=sa.func.now())


def stored_runs(ledger: Ledger) -> list[str]:
    with ledger.begin() as connection:
        return list(connection.execute(sa.select(runs.c.run_id).order_by(runs.c.run_id)).scalars())


def test_migrations_make_the_declared_tables(ledger: Ledger) -> None:
    """Else code and database would disagree after an upgrade, and a sync would fail half-way."""
    with ledger.begin() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "version_table_schema": "talk",
                "include_schemas": True,
                "include_name": lambda name, kind, _: kind != "schema" or name == "talk",
                "compare_server_default": True,
            },
        )
        assert compare_metadata(context, metadata) == []


def test_migrations_make_the_declared_constraints_and_indexes(ledger: Ledger) -> None:
    """Else a constraint that the code relies on (one open conflict per property) could be missing."""
    copy = sa.MetaData(schema="declared", naming_convention=metadata.naming_convention)
    for table in metadata.sorted_tables:
        table.to_metadata(copy, schema="declared")
    with ledger.begin() as connection:
        connection.execute(sa.schema.CreateSchema("declared"))
        copy.create_all(connection)
        for query in (CHECKS, INDEXES):
            declared = connection.execute(sa.text(query), {"schema": "declared"}).all()
            migrated = connection.execute(sa.text(query), {"schema": "talk"}).all()
            found = {(name, text.replace("declared.", "talk.")) for name, text in declared}
            assert found == {(name, text) for name, text in migrated if not name.startswith("alembic")}
            assert len(found) > 10


def test_every_table_says_what_it_is(ledger: Ledger) -> None:
    """Else a data team reading the ledger in SQL has to guess."""
    assert [table.name for table in metadata.sorted_tables if not table.comment] == []
    # A token belongs to a login, which may enter several divisions.
    assert [table.name for table in metadata.sorted_tables if "division" not in table.c] == ["token"]


def test_processes_that_start_at_once_migrate_once(database_server: DatabaseServer) -> None:
    """Else the first start of daemon and webserver together would fail."""
    url = database_server.create("template1")
    program = f"from talk_assets.ledger.database import open_ledger; open_ledger({url!r})"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    started = [
        subprocess.Popen([sys.executable, "-c", program], env=environment, stderr=subprocess.PIPE) for _ in range(3)
    ]
    assert [(process.communicate()[1], process.returncode) for process in started] == [(b"", 0)] * 3
    database_server.drop(url)


def test_a_schema_newer_than_the_code_is_refused(ledger: Ledger, database_url: str) -> None:
    """Else an old version would write what a newer one no longer understands."""
    with ledger.begin() as connection:
        connection.exec_driver_sql("update talk.alembic_version set version_num = '9999'")
    with pytest.raises(LedgerError, match=r"9999.*newer version"):
        open_ledger(database_url)


def test_an_unreachable_database_is_named_without_its_password() -> None:
    """Else a person could not tell what to correct, or a password would be in the log."""
    with pytest.raises(LedgerError) as caught:
        open_ledger("postgresql://someone:geheim@127.0.0.1:1/books")
    text = str(caught.value)
    assert "TALK_DATABASE_URL" in text
    assert "127.0.0.1" in text
    assert "port 1," in text
    assert "geheim" not in text
    assert "\n" not in text


def test_a_missing_database_is_named(database_url: str) -> None:
    """Else a misspelt database name ends in a trace."""
    with pytest.raises(LedgerError, match="nowhere"):
        open_ledger(normalise(database_url).set(database="nowhere").render_as_string(hide_password=False))


def test_a_server_that_is_too_old_is_refused() -> None:
    """Else the first migration ends in a syntax error."""
    with pytest.raises(LedgerError, match=r"PostgreSQL 13\.4, and PostgreSQL 14 or newer"):
        check_server((13, 4))
    check_server((14, 0))


def test_sessions_speak_utc_and_iso_whatever_the_server_says(ledger: Ledger, database_url: str) -> None:
    """Else times would be read wrongly from a server that was set up for another country."""
    name = normalise(database_url).database
    with ledger.begin() as connection:
        connection.exec_driver_sql(f"alter database {name} set timezone = 'Europe/Amsterdam'")
        connection.exec_driver_sql(f"alter database {name} set datestyle = 'SQL, DMY'")
    fresh = open_ledger(database_url)
    with fresh.begin() as connection:
        text = connection.exec_driver_sql("select cast('2024-07-01 12:00:00+02'::timestamptz as text)").scalar_one()
    fresh.close()
    assert text == "2024-07-01 10:00:00+00"


def test_a_failing_block_stores_nothing(ledger: Ledger) -> None:
    """Else bases and cursors could be stored without each other."""

    def fail() -> None:
        with ledger.begin() as connection:
            connection.execute(run_row("half"))
            raise LedgerError("stop")

    with pytest.raises(LedgerError, match="stop"):
        fail()
    assert stored_runs(ledger) == []


def test_a_preview_sees_its_own_changes_and_stores_nothing(ledger: Ledger) -> None:
    """Else a preview would change the ledger, or could not show a whole cycle."""
    with ledger.preview() as preview:
        with preview.begin() as connection:
            connection.execute(run_row("tried"))
        assert stored_runs(preview) == ["tried"]
        assert preview.previewing
        assert not ledger.previewing
    assert stored_runs(ledger) == []


def test_a_failed_step_leaves_the_rest_of_a_preview_usable(ledger: Ledger) -> None:
    """Else one bad record would end a preview."""
    with ledger.preview() as preview:
        with preview.begin() as connection:
            connection.execute(run_row("first"))
        with pytest.raises(sa.exc.IntegrityError), preview.begin() as connection:
            connection.execute(run_row("first"))
        assert stored_runs(preview) == ["first"]


def test_what_is_stored_apart_outlives_a_preview(ledger: Ledger) -> None:
    """Else a token rotated during a preview would be lost, and with it the access to Exact."""
    with ledger.preview() as preview, preview.begin_apart() as connection:
        connection.execute(run_row("apart"))
    assert stored_runs(ledger) == ["apart"]
