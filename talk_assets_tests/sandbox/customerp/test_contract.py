"""Real answers against the schemas of the published contract."""

from typing import Any

import jsonschema
import pytest
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from talk_assets.sandbox.exact.state import ExactState
from talk_assets.sandbox.seed.generate import generate
from talk_assets.sandbox.seed.load import load
from talk_assets.sandbox.seed.options import SeedOptions
from talk_assets_tests.sandbox.customerp.contract import CONTRACT
from talk_assets_tests.sandbox.customerp.site import Site

REGISTRY: Registry[Any] = Registry().with_resource("contract", DRAFT202012.create_resource(CONTRACT))


def check(value: Any, schema: str) -> None:
    reference = {"$ref": f"contract#/components/schemas/{schema}"}
    validator = jsonschema.Draft202012Validator(
        reference, registry=REGISTRY, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
    validator.validate(value)


@pytest.mark.parametrize("name", ["Customer", "Contact", "Employee", "Product", "Quote", "Order"])
def test_seeded_records_fit_the_contract(site: Site, name: str) -> None:
    """Without it the demonstration would show records that no real Customerp may answer."""
    options = SeedOptions(customers=40, contacts=40, employees=10, products=30, quotes=20, orders=20)
    load(generate(options), site.store, ExactState(site.store, 1))
    page = site.http.get(f"/{name.lower()}s").json()
    check(page, f"{name}Page")
    assert len(page["items"]) == getattr(options, f"{name.lower()}s")


def test_deletions_service_and_problems_fit_the_contract(site: Site, customer: str) -> None:
    """Without it a client built by the contract would stumble over the less usual answers."""
    site.http.delete(f"/customers/{customer}")
    check(site.get("/deletions"), "DeletionPage")
    check(site.get("/"), "Service")
    for answer in (
        site.http.get("/customers/none"),
        site.http.post("/customers", json={"Nam": "x"}),
        site.http.get("/customers", params={"since": "x"}),
        site.http.get("/nowhere"),
        site.http.put("/customers"),
        site.http.get("/", headers={"Authorization": "Bearer wrong"}),
    ):
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        check(problem, "Problem")
        assert problem["status"] == answer.status_code


@pytest.mark.parametrize("collection", ["customers", "contacts", "employees", "products", "quotes", "orders"])
def test_every_example_of_a_create_is_taken(site: Site, collection: str) -> None:
    """Without it the contract's examples would be refused by the first server that serves it."""
    example = CONTRACT["paths"][f"/{collection}"]["post"]["requestBody"]["content"]["application/json"]["example"]
    site.create("/_admin/customers", key="cus-000042", Name="Zonnebloem")
    site.create("/_admin/contacts", key="con-000107", LastName="Dijk")
    site.create("/_admin/products", key="pro-000007", Number="P7", Name="Pump")
    site.create("/_admin/quotes", key="quo-000031")
    answer = site.http.post(f"/{collection}", json=example)
    assert answer.status_code == 201, answer.text
    record = answer.json()
    assert {name: record[name] for name in example if name != "Lines"} == {
        name: value for name, value in example.items() if name != "Lines"
    }
