"""The published contract, what the connector declares, and the default profile say the same."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from talk_assets.mappings.capabilities import Capabilities
from talk_assets.systems.customerp.dialect import dialects
from talk_assets.systems.customerp.profile import Profile
from talk_assets.systems.customerp.profile_file import load_profile

CONTRACT: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parents[3] / "docs" / "customerp-openapi.yaml").read_text(encoding="utf-8")
)
SCHEMAS = CONTRACT["components"]["schemas"]
TITLES = {
    "customerp.customer": "Customer",
    "customerp.contact": "Contact",
    "customerp.employee": "Employee",
    "customerp.product": "Product",
    "customerp.quote": "Quote",
    "customerp.quote_line": "QuoteLine",
    "customerp.order": "Order",
    "customerp.order_line": "OrderLine",
}
TYPES = {"string": "string", "number": "decimal", "integer": "integer", "boolean": "boolean"}
FORMATS = {"date": "date", "date-time": "datetime"}


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        return {**SCHEMAS[schema["$ref"].rpartition("/")[2]], **schema}
    if "oneOf" in schema:
        return {**resolved(schema["oneOf"][0]), **schema}
    return schema


def properties_of(title: str) -> dict[str, dict[str, Any]]:
    """What a record of the contract holds when it is read."""
    found: dict[str, dict[str, Any]] = {}
    for part in SCHEMAS[title]["allOf"]:
        found |= resolved(part)["properties"]
    return {name: resolved(schema) for name, schema in found.items()}


def type_of(schema: dict[str, Any]) -> str:
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    kind = str(next(kind for kind in kinds if kind != "null"))
    return FORMATS.get(schema.get("format", ""), TYPES.get(kind, kind))


def every_response() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", status, response)
        for path, methods in CONTRACT["paths"].items()
        for method, operation in methods.items()
        if method != "parameters"
        for status, response in operation["responses"].items()
    ]


def test_the_contract_is_valid_openapi() -> None:
    """Whoever builds the server from it with a generator gets nothing otherwise."""
    validate(CONTRACT)


def test_every_example_fits_its_schema() -> None:
    """An example that the schema refuses sends the reader the wrong way."""
    checked = 0
    places = [response for _, _, response in every_response()]
    places += [
        operation["requestBody"]
        for methods in CONTRACT["paths"].values()
        for method, operation in methods.items()
        if method != "parameters" and "requestBody" in operation
    ]
    places += CONTRACT["components"]["responses"].values()
    for place in places:
        for content in place.get("content", {}).values():
            schema = {**content["schema"], "components": CONTRACT["components"]}
            Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(
                content["example"]
            )
            checked += 1
    assert checked > 40


@pytest.mark.parametrize("entity", TITLES)
def test_the_contract_and_the_capabilities_agree(entity: str, capabilities: Capabilities) -> None:
    """A length, type or name that differs is found out by refused writes in production."""
    contract = properties_of(TITLES[entity])
    contract.pop("Lines", None)
    declared = capabilities[entity].properties
    assert set(contract) == set(declared)
    assert {name: schema.get("maxLength") for name, schema in contract.items()} == {
        name: capability.max_length for name, capability in declared.items()
    }
    assert {name: type_of(schema) for name, schema in contract.items()} == {
        name: capability.type for name, capability in declared.items()
    }
    assert {name for name, schema in contract.items() if schema.get("readOnly")} == {
        name for name, capability in declared.items() if capability.write == "never"
    }


@pytest.mark.parametrize("entity", TITLES)
def test_the_contract_and_the_capabilities_require_the_same(entity: str, capabilities: Capabilities) -> None:
    """A create that the server refuses for a missing value would be sent all the same."""
    create = SCHEMAS[f"{TITLES[entity]}Create"]["allOf"]
    required = {name for part in create for name in part.get("required", [])}
    any_of = [[option["required"][0] for option in part["anyOf"]] for part in create if "anyOf" in part]
    assert required == {name for name, known in capabilities[entity].properties.items() if known.required}
    assert any_of == capabilities[entity].any_of


def test_every_answer_to_a_fault_is_described() -> None:
    """A server written from the contract would invent its own error statuses."""
    said: dict[str, set[str]] = {}
    for operation, status, _ in every_response():
        said.setdefault(operation, set()).add(status)
    for operation, statuses in said.items():
        assert {"401", "403", "429", "500", "503"} <= statuses, operation
    assert {"404", "409", "412", "422", "400"} <= said["PATCH /orders/{id}"]
    assert {"400", "409", "422"} <= said["POST /orders"]
    for response in CONTRACT["components"]["responses"].values():
        assert list(response["content"]) == ["application/problem+json"]
    assert CONTRACT["components"]["responses"]["TooManyRequests"]["headers"]["Retry-After"]["required"]


def test_the_default_profile_speaks_the_contract(capabilities: Capabilities) -> None:
    """A default that drifts from the published document breaks every ERP that was built from it."""
    profile = load_profile(None)
    for entity, dialect in dialects(profile, capabilities, None).items():
        listed = CONTRACT["paths"][dialect.list]
        one = CONTRACT["paths"][dialect.one.replace("{key}", "{id}")]
        assert listed["get"]["operationId"] == f"list{TITLES[entity]}Changes"
        assert dialect.create.path in CONTRACT["paths"]
        assert dialect.create.method.lower() in listed
        assert dialect.update.method.lower() in one
        assert dialect.delete.method.lower() in one
        assert dialect.shape.names == {name: name for name in dialect.shape.names}
    parameters = CONTRACT["components"]["parameters"]
    assert profile.paging.parameter == profile.changes.parameter == parameters["since"]["name"]  # type: ignore[union-attr]
    assert profile.paging.size == parameters["limit"]["schema"]["default"]  # type: ignore[union-attr]
    assert profile.create.idempotency_header == parameters["idempotencyKey"]["name"]
    assert profile.deletions is not None
    assert profile.deletions.path in CONTRACT["paths"]


def test_the_default_profile_names_every_default() -> None:
    """A team copies the file to start from; a setting with another value there would mislead."""
    written, built_in = load_profile(None).model_dump(), Profile().model_dump()
    del written["entities"], built_in["entities"]
    assert written == built_in
