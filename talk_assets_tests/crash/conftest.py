"""Fixtures: a world of the test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from talk_assets_tests.cycle.harness import World, open_world


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[World]:
    """Both systems, empty but for the employer's own account."""
    with open_world(database_url, tmp_path) as world:
        yield world
