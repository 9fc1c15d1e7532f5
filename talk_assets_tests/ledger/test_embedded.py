"""The embedded server: shared by processes, gone with the last of them."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from talk_assets.errors import ConfigurationError, LedgerError
from talk_assets.ledger.database import normalise, open_ledger
from talk_assets.ledger.embedded import database_url, release_embedded, start_embedded
from talk_assets.settings import Settings

PROGRAM = """
import sys
from pathlib import Path
from talk_assets.ledger.embedded import start_embedded
print(start_embedded(Path(sys.argv[1]), {"fsync": "off"}), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not in pytest's own folder, which the server's user may not enter.
    made = Path(tempfile.mkdtemp(prefix="talk-embedded-"))
    yield made / "postgres"
    shutil.rmtree(made)


def user_of(folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )


def said(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def answers(url: str) -> bool:
    address = normalise(url).set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        psycopg.connect(address, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def stops(folder: Path) -> bool:
    deadline = time.monotonic() + 20
    while (folder / "data" / "postmaster.pid").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    return not (folder / "data" / "postmaster.pid").exists()


def test_two_processes_share_a_server_that_stops_with_the_last_however_it_ends(folder: Path) -> None:
    """Else Dagster's webserver, daemon and runs could not work together, or a server would stay behind for ever."""
    first, second = user_of(folder), user_of(folder)
    with first, second:
        url = said(first)
        assert url == said(second)
        first.communicate("")
        assert first.returncode == 0
        time.sleep(0.3)
        assert answers(url)
        second.send_signal(signal.SIGKILL)
        second.wait()
    assert stops(folder)
    assert not answers(url)


def test_what_was_stored_is_there_after_a_stop(folder: Path) -> None:
    """Else links and history were lost with every restart."""
    url = start_embedded(folder)
    ledger = open_ledger(url)
    with ledger.begin() as connection:
        connection.exec_driver_sql("create table kept as select 'yes' as answer")
    ledger.close()
    release_embedded(folder)
    assert stops(folder)
    ledger = open_ledger(start_embedded(folder))
    with ledger.begin() as connection:
        assert connection.exec_driver_sql("select answer from kept").scalar_one() == "yes"
    ledger.close()
    release_embedded(folder)
    assert stops(folder)


def test_an_interrupted_first_start_is_made_good(folder: Path) -> None:
    """Else a process killed during its first start would leave a folder that never starts again."""
    (folder / "data.new").mkdir(parents=True)
    (folder / "data.new" / "PG_VERSION").write_text("18\n")
    assert answers(start_embedded(folder, {"fsync": "off"}))
    release_embedded(folder)
    assert stops(folder)


def test_a_path_too_long_for_a_socket_works(folder: Path) -> None:
    """Else an installation in a deep folder could not start."""
    deep = folder / ("a long name " * 5) / ("another, long name " * 5)
    url = start_embedded(deep, {"fsync": "off"})
    sockets = Path(str(normalise(url).query["host"]))
    assert answers(url)
    assert sockets.stat().st_mode & 0o077 == 0
    release_embedded(deep)
    assert stops(deep)
    shutil.rmtree(sockets)


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """Else a person would see a trace instead of the setting to correct."""
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(LedgerError, match="TALK_HOME") as caught:
        database_url(Settings(talk_home=tmp_path / "taken"))
    assert str(tmp_path / "taken") in str(caught.value)


def test_data_of_another_postgresql_is_left_alone(folder: Path) -> None:
    """Else an upgrade could damage a ledger, or end in a trace."""
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "PG_VERSION").write_text("16\n")
    with pytest.raises(LedgerError, match=r"made by PostgreSQL 16.*pg_dump"):
        start_embedded(folder)
    release_embedded(folder)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2"])
def test_the_usual_spellings_of_an_address_are_accepted(scheme: str) -> None:
    """Else an address copied from a hosting provider would be refused."""
    settings = Settings.model_validate(
        {"talk_database_url": f"{scheme}://me:p%40ss@db.example:6432/books?sslmode=require"}
    )
    assert database_url(settings) == "postgresql+psycopg://me:p%40ss@db.example:6432/books?sslmode=require"


@pytest.mark.parametrize("text", ["mysql://me:geheim@db/books", "geheim", "postgresql://me:geheim@db:port/books", ""])
def test_another_address_is_refused_without_showing_it(text: str) -> None:
    """Else a password would end up in a log."""
    with pytest.raises(ConfigurationError, match="TALK_DATABASE_URL") as caught:
        normalise(text)
    assert "geheim" not in str(caught.value)
