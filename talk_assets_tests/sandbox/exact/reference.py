"""The facts about eight entity sets that the sandbox was made from, where the reference lies beside this checkout."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

_FACTS = Path(__file__).parents[4] / "shared" / "reference" / "exact-entities.json"


@cache
def _read() -> dict[str, Any] | None:
    facts = json.loads(_FACTS.read_text(encoding="utf-8")) if _FACTS.exists() else None
    return facts and {name: fact for name, fact in facts.items() if name != "_meta"}


def facts() -> dict[str, Any]:
    """The facts per set; the calling test is skipped where there are none."""
    found = _read()
    if found is None:
        pytest.skip("the reference is not beside this checkout, so there is nothing to compare with")
    return found


def fields(set_name: str) -> dict[str, dict[str, Any]]:
    """The facts about the properties of a set."""
    found: dict[str, dict[str, Any]] = facts()[set_name]["fields"]
    return found
