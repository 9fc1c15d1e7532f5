"""The declared entity sets against the facts they were made from, and the sandbox's independence."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from talk_assets.sandbox.exact.model import SETS

PROJECT = Path(__file__).parents[3]
REFERENCE = PROJECT.parent / "shared" / "reference" / "exact-entities.json"


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    if not REFERENCE.exists():
        pytest.skip("the reference is not beside this checkout, so the declaration has nothing to be compared with")
    facts: dict[str, Any] = json.loads(REFERENCE.read_text(encoding="utf-8"))
    return facts


@pytest.mark.parametrize("name", sorted(SETS))
def test_every_property_is_declared_as_documented(name: str, reference: dict[str, Any]) -> None:
    """The sandbox would take or show what the real Exact does not, and tests would prove nothing."""
    fields = reference[name]["fields"]
    declared = {p.name: p for p in SETS[name].properties.values() if p.ordinary}
    assert set(declared) == set(fields)
    for field, fact in fields.items():
        prop = declared[field]
        write = "always" if fact["updatable"] else "create" if fact["writable"] else "never"
        assert (f"Edm.{prop.type}" if not prop.is_collection else prop.type) == fact["type"], field
        assert (prop.write, prop.required, prop.max_length, prop.satisfies_filter, prop.webhook) == (
            write,
            fact["required"],
            fact.get("maxlen"),
            bool(fact.get("mandatory_filter_candidate")),
            bool(fact.get("webhook_trigger")),
        ), field


@pytest.mark.parametrize("name", sorted(SETS))
def test_every_set_is_where_it_is_documented(name: str, reference: dict[str, Any]) -> None:
    """A connector that works here would get 404 from the real Exact, or miss deletions."""
    entity_set, fact = SETS[name], reference[name]
    root = "/api/v1/{division}/"
    assert root + entity_set.path == fact["endpoint"]
    assert f"{root}sync/{entity_set.sync_path}" == fact["sync"]["endpoint"]
    assert (root + f"bulk/{entity_set.bulk_path}" if entity_set.bulk_path else None) == fact["bulk_endpoint"]
    assert (entity_set.key, entity_set.scope, entity_set.deleted_type) == (
        fact["key"],
        fact["scope"],
        fact["sync"]["deleted_entity_types"][0],
    )
    assert (entity_set.topic, entity_set.writable) == (fact["webhook_topic"], "POST" in fact["methods"])
    assert entity_set.mandatory_filter == fact["filter_mandatory_on_list"]
    visible, in_sync = set(entity_set.visible("ordinary")), set(entity_set.visible("sync"))
    assert in_sync - visible == set(fact["sync"]["extra_fields"])
    assert visible - in_sync == set(fact["sync"]["missing_fields"])


def imported(folder: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                modules = [node.module]
            found.setdefault(str(path.relative_to(PROJECT)), set()).update(modules)
    return found


def test_the_sandbox_is_an_independent_witness() -> None:
    """A wrong idea about Exact shared by product and sandbox would pass every test."""
    for path, modules in imported(PROJECT / "talk_assets" / "sandbox" / "exact").items():
        own = {m for m in modules if m.startswith("talk_assets") and not m.startswith("talk_assets.sandbox")}
        assert own == set(), path
    for room in ("systems", "sync", "ledger", "mappings", "schemas"):
        for path, modules in imported(PROJECT / "talk_assets" / room).items():
            assert not [m for m in modules if m.startswith("talk_assets.sandbox")], path
