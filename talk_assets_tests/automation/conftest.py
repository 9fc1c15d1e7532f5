"""One installation, synced once, for the tests of a module."""

import pytest

from talk_assets_tests.installed import Home


@pytest.fixture(scope="module")
def synced(place: Home) -> Home:
    """The installation after a sync: nothing is new."""
    done = place.call("sync", "--confirm")
    assert done.code == 0, done.err
    return place


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have the tests of one module run in one process, or each process makes the installation anew."""
    for item in items:
        if "synced" in getattr(item, "fixturenames", ()) and "automation" in item.path.parts:
            item.add_marker(pytest.mark.xdist_group(f"automation {item.path.name}"))
