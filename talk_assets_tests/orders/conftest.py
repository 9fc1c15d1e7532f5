"""Fixtures: one world for the tests of a module, with some properties that a person decides."""

from collections.abc import Iterator
from dataclasses import replace as replaced
from pathlib import Path

import pytest

from talk_assets.mappings.model import Mappings
from talk_assets_tests.conftest import DatabaseServer
from talk_assets_tests.cycle.harness import World, open_world
from talk_assets_tests.mappings.broken import copy_mappings, replace

# Who gives the orders.
WHO = "anna"


@pytest.fixture(scope="module")
def world(database_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Both systems with organisations only; their website and address are decided by hand."""
    path = copy_mappings(tmp_path_factory.mktemp("mappings")) / "organisation.yaml"
    replace(path, "  website:\n", "  website:\n    rule: manual\n    clear: [customerp, exact]\n")
    text = path.read_text()
    path.write_text(text.replace("    group: address\n", "    group: address\n    rule: manual\n"))
    url = database_server.create_ledger()
    with open_world(url, tmp_path_factory.mktemp("home"), mappings=path.parent) as opened:
        subjects = {"organisation": opened.installation.mappings.subjects["organisation"]}
        opened.installation = replaced(opened.installation, mappings=Mappings(subjects=subjects))
        yield opened
    database_server.drop(url)


@pytest.fixture(scope="module")
def whole_world(database_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Both systems with everything that the shipped mappings name."""
    url = database_server.create_ledger()
    with open_world(url, tmp_path_factory.mktemp("home")) as opened:
        yield opened
    database_server.drop(url)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests that share a world in one process."""
    for item in items:
        if {"world", "whole_world"} & set(getattr(item, "fixturenames", ())) and item.path.parent == Path(
            __file__
        ).parent:
            item.add_marker(pytest.mark.xdist_group(f"orders {item.path.stem}"))
