"""The sandbox's own declaration of Customerp against what the product declares and what is published."""

from typing import Any

import pytest
import yaml

from talk_assets.sandbox.customerp.entities import ENTITIES, UNITS, Entity
from talk_assets_tests.sandbox.customerp.contract import CONTRACT, ROOT

CAPABILITIES = yaml.safe_load((ROOT / "talk_assets/systems/customerp/capabilities.yaml").read_text())
ALL = [entity for top in ENTITIES.values() for entity in (top, top.lines) if entity is not None]


@pytest.mark.parametrize("entity", ALL, ids=lambda entity: entity.name)
def test_product_and_sandbox_declare_the_same(entity: Entity) -> None:
    """Without it the product could believe in limits that no Customerp has, and find out by refused writes."""
    declared = CAPABILITIES[f"customerp.{entity.name}"]
    written = {name: facts for name, facts in declared["properties"].items() if facts.get("write") != "never"}
    assert set(written) == set(entity.properties)
    for name, facts in written.items():
        prop = entity.properties[name]
        assert facts.get("type", "string") == prop.type, name
        assert facts.get("max_length") == prop.max_length, name
        assert facts.get("required", False) == prop.required, name
    assert [tuple(group) for group in declared.get("any_of", [])] == ([entity.any_of] if entity.any_of else [])
    lines = None if entity.lines is None else f"customerp.{entity.lines.name}"
    assert declared.get("lines") == lines


@pytest.mark.parametrize("entity", ALL, ids=lambda entity: entity.name)
def test_published_contract_and_sandbox_declare_the_same(entity: Entity) -> None:
    """Without it a team would build its Customerp by a contract that was never tried out."""
    schema = CONTRACT["components"]["schemas"][f"{_camel(entity.name)}Properties"]["properties"]
    assert set(schema) == set(entity.properties)
    for name, facts in schema.items():
        prop = entity.properties[name]
        assert facts.get("maxLength") == prop.max_length, name
        assert facts.get("pattern", "^$") == f"^{prop.pattern or ''}$", name
        assert _choices(facts) == prop.choices, name
        expected = {"decimal": "number", "date": "string"}.get(prop.type, prop.type)
        assert "oneOf" in facts or facts["type"] == [expected, "null"], name
        assert (facts.get("format") == "date") == (prop.type == "date"), name


def test_units_are_those_of_the_contract() -> None:
    """Without it a product could come in a unit that no value map knows."""
    assert tuple(CONTRACT["components"]["schemas"]["Unit"]["enum"]) == UNITS


def _choices(facts: dict[str, Any]) -> tuple[str, ...]:
    for option in facts.get("oneOf", []):
        if "$ref" in option:
            return tuple(CONTRACT["components"]["schemas"][option["$ref"].rpartition("/")[2]]["enum"])
    return ()


def _camel(name: str) -> str:
    return "".join(part.title() for part in name.split("_"))
