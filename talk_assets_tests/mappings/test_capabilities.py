"""What the systems' entities can take: the declarations that are shipped, and reading them."""

import json
from pathlib import Path

import pytest

from talk_assets.errors import MappingError
from talk_assets.mappings.load import PACKAGED_CAPABILITIES, load_capabilities

REFERENCE = Path(__file__).parents[2].parent / "shared" / "reference" / "exact-entities.json"
RESOURCES = {
    "exact.accounts": "Accounts",
    "exact.contacts": "Contacts",
    "exact.employees": "Employees",
    "exact.items": "Items",
    "exact.quotations": "Quotations",
    "exact.quotation_lines": "QuotationLines",
    "exact.salesorders": "SalesOrders",
    "exact.salesorder_lines": "SalesOrderLines",
}
TYPES = {
    "Edm.Guid": {"guid"},
    "Edm.String": {"string"},
    "Edm.Int16": {"integer"},
    "Edm.Int32": {"integer"},
    "Edm.Double": {"decimal"},
    "Edm.Boolean": {"boolean"},
    "Edm.DateTime": {"date", "datetime"},
}
EXACT = load_capabilities(PACKAGED_CAPABILITIES[1])


@pytest.fixture(scope="module")
def reference() -> dict[str, dict[str, object]]:
    if not REFERENCE.exists():
        pytest.skip("the machine-readable copy of Exact's reference is not part of the project")
    loaded: dict[str, dict[str, object]] = json.loads(REFERENCE.read_text(encoding="utf-8"))
    return loaded


def test_every_exact_entity_is_compared() -> None:
    """An entity without a comparison could say anything about Exact."""
    assert set(EXACT) == set(RESOURCES)


@pytest.mark.parametrize("entity", RESOURCES)
def test_exact_is_declared_as_its_reference_says(reference: dict[str, dict[str, object]], entity: str) -> None:
    """Exact would refuse writes, cut texts or get values it never takes, call after call."""
    capability, documented = EXACT[entity], reference[RESOURCES[entity]]
    fields = documented["fields"]
    assert isinstance(fields, dict)
    assert documented["key"] == capability.key
    assert (documented["methods"] == ["GET"]) == (capability.read_only is not None)
    for name, declared in capability.properties.items():
        field = fields[name]
        where = f"{entity}.{name}"
        assert declared.type in TYPES[field["type"]], where
        assert declared.max_length == field.get("maxlen"), where
        if capability.read_only is None:
            expected = "always" if field["updatable"] else "create" if field["writable"] else "never"
            assert declared.write == expected, where
        either = any(name in group for group in capability.any_of)
        assert (declared.required or either) == field["required"], where


@pytest.mark.parametrize("entity", RESOURCES)
def test_nothing_that_exact_requires_is_left_out(reference: dict[str, dict[str, object]], entity: str) -> None:
    """A create would be planned that Exact can only refuse."""
    capability, fields = EXACT[entity], reference[RESOURCES[entity]]["fields"]
    assert isinstance(fields, dict)
    required = {name for name, field in fields.items() if field["required"]}
    collections = {name for name in required if fields[name]["type"].startswith("Collection")}
    assert required - collections <= set(capability.properties)
    assert bool(collections) == capability.requires_lines


def test_customerp_declares_its_whole_contract() -> None:
    """A property of the contract could not be mapped, or an update could be built from the wrong names."""
    customerp = load_capabilities(PACKAGED_CAPABILITIES[0])
    assert {entity: len(row.properties) for entity, row in customerp.items()} == {
        "customerp.customer": 17,
        "customerp.contact": 14,
        "customerp.employee": 16,
        "customerp.product": 11,
        "customerp.quote": 14,
        "customerp.quote_line": 8,
        "customerp.order": 15,
        "customerp.order_line": 9,
    }
    for entity, capability in customerp.items():
        never = {name for name, row in capability.properties.items() if row.write == "never"}
        assert never == ({"Id"} if capability.document else {"Id", "Modified", "Version"}), entity


BASE = "exact.items:\n  key: ID\n  properties:\n    ID: {type: guid, write: never}\n    Code: {max_length: 30}\n"


@pytest.mark.parametrize(
    ("text", "line", "field", "problem"),
    [
        (
            BASE.replace("max_length", "maxlength"),
            5,
            "exact.items.properties.Code.maxlength",
            "did you mean max_length?",
        ),
        (BASE.replace("30", "none"), 5, "exact.items.properties.Code.max_length", "written is none"),
        (BASE.replace("30", "0"), 5, "exact.items.properties.Code.max_length", "greater than 0"),
        (BASE.replace("guid", "uuid"), 4, "exact.items.properties.ID.type", "'guid'"),
        (BASE.replace("key: ID", "key: Id"), 2, "exact.items.key", "did you mean ID?"),
        (BASE.replace("  key: ID\n", ""), 1, "exact.items.key", "missing"),
        (BASE + "  any_of: [[Code, Nmae]]\n", 6, "exact.items.any_of[0][1]", "no property Nmae"),
        (BASE + "  lines: exact.item_lines\n", 6, "exact.items.lines", "unknown entity"),
        (BASE + "  lines: exact.items\n", 6, "exact.items.lines", "both have to agree"),
        (BASE + "  document_key: Parent\n", 6, "exact.items.document_key", "no property Parent"),
        (BASE + BASE, 6, "exact.items", "already given on line 1"),
        ("exact.items:\n", 1, "exact.items", "valid dictionary"),
    ],
)
def test_a_wrong_declaration_names_its_line(tmp_path: Path, text: str, line: int, field: str, problem: str) -> None:
    """A team that adapts the limits of its Customerp would get no hint where it went wrong."""
    path = tmp_path / "capabilities.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(MappingError) as caught:
        load_capabilities(path)
    assert (caught.value.line, caught.value.field) == (line, field)
    assert problem in caught.value.problem


def test_an_entity_is_declared_once(tmp_path: Path) -> None:
    """Of two files one would silently win."""
    for name in ("one.yaml", "two.yaml"):
        (tmp_path / name).write_text(BASE, encoding="utf-8")
    with pytest.raises(MappingError, match=r"two\.yaml:1: exact\.items: this entity was already declared"):
        load_capabilities(tmp_path / "one.yaml", tmp_path / "two.yaml")
