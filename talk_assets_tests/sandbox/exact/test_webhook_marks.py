"""What webhooks tell, as declared, against the facts it was made from."""

import json
from pathlib import Path

import pytest

from talk_assets.sandbox.exact.model import SETS

REFERENCE = Path(__file__).parents[4] / "shared" / "reference" / "exact-entities.json"


@pytest.mark.parametrize("name", sorted(SETS))
def test_what_is_told_is_declared_as_documented(name: str) -> None:
    """A client that relies on webhooks would be told here of edits of which the real Exact is silent."""
    if not REFERENCE.exists():
        pytest.skip("the reference is not beside this checkout, so the declaration has nothing to be compared with")
    fact = json.loads(REFERENCE.read_text(encoding="utf-8"))[name]
    assert SETS[name].topic == fact["webhook_topic"]
    marked = {field for field, about in fact["fields"].items() if about.get("webhook_trigger")}
    assert {prop.name for prop in SETS[name].properties.values() if prop.webhook} == marked
