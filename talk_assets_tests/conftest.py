"""What tests of several rooms share: a real PostgreSQL server, and a fresh ledger for every test."""

import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from talk_assets.ledger.database import Ledger, normalise, open_ledger
from talk_assets.ledger.embedded import release_embedded, start_embedded
from talk_assets_tests.administration import Administration, administered
from talk_assets_tests.installed import FEW, Home, Sandbox, home, sandbox


class DatabaseServer:
    """An embedded server that forgets everything when power fails, with an up-to-date ledger to copy from."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        careless = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}
        self._address = normalise(start_embedded(folder, careless))
        self._administration = psycopg.connect(
            self._address.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False),
            autocommit=True,
        )
        self._template = self.create("template1")
        open_ledger(self._template).close()

    def create(self, template: str) -> str:
        """Make a database and give its address."""
        name = f"talk_{uuid.uuid4().hex}"
        self._administration.execute(f"create database {name} template {template} strategy file_copy")
        return self._address.set(database=name).render_as_string(hide_password=False)

    def create_ledger(self) -> str:
        """Make a database that holds an empty ledger, and give its address."""
        return self.create(str(normalise(self._template).database))

    def drop(self, url: str) -> None:
        """Remove a database, whoever uses it."""
        self._administration.execute(f"drop database {normalise(url).database} with (force)")

    def close(self) -> None:
        """Stop the server and remove its data."""
        self._administration.close()
        release_embedded(self._folder)
        while (self._folder / "data" / "postmaster.pid").exists():
            time.sleep(0.02)
        shutil.rmtree(self._folder)


@pytest.fixture(scope="session")
def database_server() -> Iterator[DatabaseServer]:
    # Not in pytest's own folder: pytest takes away the rights that the server's user has there.
    folder = Path(tempfile.mkdtemp(prefix="talk-tests-"))
    server = DatabaseServer(folder)
    yield server
    server.close()


@pytest.fixture
def database_url(database_server: DatabaseServer) -> Iterator[str]:
    """Address of a database of the test's own, which holds an empty, migrated ledger."""
    url = database_server.create_ledger()
    yield url
    database_server.drop(url)


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    """An empty ledger of the test's own."""
    opened = open_ledger(database_url)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def module_ledger(database_server: DatabaseServer) -> Iterator[Ledger]:
    """One ledger for all tests of a module, which keep apart by divisions or roll back what they do."""
    url = database_server.create_ledger()
    opened = open_ledger(url)
    yield opened
    opened.close()
    database_server.drop(url)


@pytest.fixture(scope="module")
def systems() -> Iterator[Sandbox]:
    """A sandbox with a few organisations, as a program."""
    with sandbox(FEW) as served:
        yield served


@pytest.fixture(scope="module")
def place(systems: Sandbox, database_server: DatabaseServer) -> Iterator[Home]:
    """An installation that connects the sandbox, with an empty ledger."""
    with home(systems.settings, database_server) as made:
        yield made


@pytest.fixture(scope="session")
def administration(database_server: DatabaseServer) -> Iterator[Administration]:
    """Both systems after three syncs; who uses it belongs to the xdist group `administration`."""
    with administered(database_server) as made:
        yield made


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests have to report beside their outcome, also of those that ran in another process."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, text in report.user_properties:
                if name == "told":
                    terminalreporter.write_line(f"{report.nodeid}: {text}")
