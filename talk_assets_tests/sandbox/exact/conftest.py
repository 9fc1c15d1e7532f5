"""Fixtures: a running local Exact Online, logged in."""

from collections.abc import Iterator

import pytest

from talk_assets_tests.sandbox.exact.site import Site, running


@pytest.fixture
def site() -> Iterator[Site]:
    with running() as site:
        site.log_in()
        yield site


@pytest.fixture
def account(site: Site) -> str:
    return site.state.add("Accounts", {"Name": "Vos BV"})


@pytest.fixture
def item(site: Site) -> str:
    return site.state.add("Items", {"Code": "A1", "Description": "Ding", "StandardSalesPrice": 10})
