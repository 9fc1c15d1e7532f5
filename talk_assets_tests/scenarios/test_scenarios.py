"""Cases of two-way sync that come from other projects' tests and reports, and our own, on engine and ledger."""

from pathlib import Path
from typing import Any

import pytest

from talk_assets.ledger.database import Ledger
from talk_assets_tests.scenarios.case import Case, read_cases
from talk_assets_tests.scenarios.run import judged

_SHARED = Path(__file__).parents[2].parent / "shared" / "scenarios.yaml"
_OWN = sorted(Path(__file__).parent.glob("*.yaml"))
# Syncs of a case that is left to soak.
_LONG = 3


def _cases(paths: list[Path]) -> list[Case]:
    return [case for path in paths if path.exists() for case in read_cases(path)]


def _own_cases() -> list[Any]:
    """Those of several syncs take most of the time."""
    return [
        pytest.param(case, id=case.id, marks=[pytest.mark.soak] if str(case.events).count("sync") >= _LONG else [])
        for case in _cases(_OWN)
    ]


@pytest.mark.skipif(not _SHARED.exists(), reason="the shared scenarios are not beside this checkout")
@pytest.mark.parametrize("case", _cases([_SHARED]), ids=lambda case: case.id)
def test_shared_case(case: Case, module_ledger: Ledger) -> None:
    """A case that people reported of other systems would go wrong in somebody's books."""
    assert judged(case, module_ledger) == []


@pytest.mark.parametrize("case", _own_cases())
def test_own_case(case: Case, module_ledger: Ledger) -> None:
    """A case that went wrong once would go wrong again."""
    assert judged(case, module_ledger) == []
