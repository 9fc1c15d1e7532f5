"""Cases of two-way sync that come from other projects' tests and reports, and our own, on engine and ledger."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from talk_assets.ledger.database import Ledger, open_ledger
from talk_assets_tests.conftest import DatabaseServer
from talk_assets_tests.scenarios.case import Case, read_cases
from talk_assets_tests.scenarios.run import judged

_SHARED = Path(__file__).parents[2].parent / "shared" / "scenarios.yaml"
_OWN = sorted(Path(__file__).parent.glob("*.yaml"))


def _cases(paths: list[Path]) -> list[Case]:
    return [case for path in paths if path.exists() for case in read_cases(path)]


@pytest.fixture(scope="module")
def shared_ledger(database_server: DatabaseServer) -> Iterator[Ledger]:
    """One ledger: every case has a division of its own."""
    url = database_server.create_ledger()
    opened = open_ledger(url)
    yield opened
    opened.close()
    database_server.drop(url)


@pytest.mark.skipif(not _SHARED.exists(), reason="the shared scenarios are not beside this checkout")
@pytest.mark.parametrize("case", _cases([_SHARED]), ids=lambda case: case.id)
def test_shared_case(case: Case, shared_ledger: Ledger) -> None:
    """A case that people reported of other systems would go wrong in somebody's books."""
    assert judged(case, shared_ledger) == []


@pytest.mark.parametrize("case", _cases(_OWN), ids=lambda case: case.id)
def test_own_case(case: Case, shared_ledger: Ledger) -> None:
    """A case that went wrong once would go wrong again."""
    assert judged(case, shared_ledger) == []
