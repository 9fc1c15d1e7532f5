"""A ledger for scenario files that are run by hand."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from talk_assets.ledger.database import Ledger, open_ledger
from talk_assets_tests.conftest import DatabaseServer


@contextmanager
def scenario_ledger() -> Iterator[Ledger]:
    """An empty ledger on a PostgreSQL server of its own, which is gone afterwards."""
    server = DatabaseServer(Path(tempfile.mkdtemp(prefix="talk-scenarios-")))
    try:
        ledger = open_ledger(server.create_ledger())
        try:
            yield ledger
        finally:
            ledger.close()
    finally:
        server.close()
