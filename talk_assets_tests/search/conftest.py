"""What the tests of the search share."""

from collections.abc import Iterator

import pytest

from talk_assets.ledger.database import Ledger, open_ledger
from talk_assets_tests.conftest import DatabaseServer


@pytest.fixture(scope="module")
def town_ledger(database_server: DatabaseServer) -> Iterator[Ledger]:
    """One ledger: every town has a division of its own."""
    url = database_server.create_ledger()
    opened = open_ledger(url)
    yield opened
    opened.close()
    database_server.drop(url)
