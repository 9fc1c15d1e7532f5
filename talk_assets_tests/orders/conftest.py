"""Fixtures: one world for the tests of a module, with some properties that a person decides."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from talk_assets_tests.conftest import DatabaseServer
from talk_assets_tests.cycle.harness import World, open_world
from talk_assets_tests.mappings.broken import copy_mappings, replace

# Who gives the orders.
WHO = "anna"


@pytest.fixture(scope="module")
def world(database_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Both systems; of an organisation the website and the address are decided by hand."""
    path = copy_mappings(tmp_path_factory.mktemp("mappings")) / "organisation.yaml"
    replace(path, "  website:\n", "  website:\n    rule: manual\n    clear: [customerp, exact]\n")
    text = path.read_text()
    path.write_text(text.replace("    group: address\n", "    group: address\n    rule: manual\n"))
    url = database_server.create_ledger()
    with open_world(url, tmp_path_factory.mktemp("home"), mappings=path.parent) as opened:
        yield opened
    database_server.drop(url)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests that share a world in one process."""
    for item in items:
        if "world" in getattr(item, "fixturenames", ()) and item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.xdist_group(f"orders {item.path.stem}"))
