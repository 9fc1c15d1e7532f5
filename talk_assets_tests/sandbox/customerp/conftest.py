"""Fixtures: a running local Customerp."""

from collections.abc import Iterator

import pytest

from talk_assets_tests.sandbox.customerp.site import Site, Stage


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    stage = Stage()
    yield stage
    stage.close()


@pytest.fixture
def site(stage: Stage) -> Iterator[Site]:
    with stage.running() as site:
        yield site


@pytest.fixture
def customer(site: Site) -> str:
    return str(site.create("/customers", Name="Jansen Bouw B.V.")["Id"])


@pytest.fixture
def product(site: Site) -> str:
    return str(site.create("/products", Number="A-1", Name="Ding")["Id"])
