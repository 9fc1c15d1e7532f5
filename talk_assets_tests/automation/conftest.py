"""One installation, synced once, for all tests of the room."""

from collections.abc import Iterator

import dagster as dg
import pytest

from talk_assets_tests.automation.looks import Sensor
from talk_assets_tests.conftest import DatabaseServer
from talk_assets_tests.installed import FEW, Home, Sandbox, home, sandbox


@pytest.fixture(scope="package")
def systems() -> Iterator[Sandbox]:
    """A sandbox with a few organisations, as a program."""
    with sandbox(FEW) as served:
        yield served


@pytest.fixture(scope="package")
def synced(systems: Sandbox, database_server: DatabaseServer) -> Iterator[Home]:
    """An installation that connects it, after a sync: nothing is new."""
    with home(systems.settings, database_server) as place:
        done = place.call("sync", "--confirm")
        assert done.code == 0, done.err
        yield place


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    """Where Dagster keeps the runs of a module."""
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture
def customerp(synced: Home, instance: dg.DagsterInstance) -> Sensor:
    return Sensor(synced, instance, "customerp_changes")


@pytest.fixture
def exact(synced: Home, instance: dg.DagsterInstance) -> Sensor:
    return Sensor(synced, instance, "exact_changes")


@pytest.fixture
def owed(synced: Home, instance: dg.DagsterInstance) -> Sensor:
    return Sensor(synced, instance, "owed_writes")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have these tests run in one process, or each process makes the installation anew."""
    for item in items:
        if "synced" in getattr(item, "fixturenames", ()) and "automation" in item.path.parts:
            item.add_marker(pytest.mark.xdist_group("automation"))
