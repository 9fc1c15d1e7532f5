"""Each merge criterion of each flow by itself, read from the mapping: a new criterion is tested without a new test."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from talk_assets.mappings.model import CriterionProperty
from talk_assets_tests.cycle.clear import MAPPINGS, FlowOf, flows, own, sample
from talk_assets_tests.cycle.harness import Values, World


@dataclass
class _Case:
    """Two records that are the same by one criterion only."""

    flow: FlowOf
    criterion: list[CriterionProperty]
    customerp: str = ""
    exact: str = ""

    @property
    def name(self) -> str:
        return f"{self.flow.name}: {' and '.join(part.property for part in self.criterion)}"


def _cases() -> Iterator[_Case]:
    for flow in flows(*MAPPINGS.subjects):
        for criterion in MAPPINGS.flows[flow.name].criteria if flow.name in MAPPINGS.flows else []:
            yield _Case(flow, criterion)


class _Both:
    """A world whose references lead to one linked customer and product."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.number = 0
        self.mine = {
            "organisation": [world.add("customerp.customer", Name="Target", OrganizationNumber="10000001")],
            "product": [world.add("customerp.product", Number="TARGET", Name="Target")],
        }
        self.theirs = {
            "organisation": [world.add("exact.accounts", Name="Target", ChamberOfCommerce="10000001")],
            "product": [world.add("exact.items", Code="TARGET", Description="Target")],
        }

    def add(self, entity: str, values: Values) -> str:
        """A record with these values and what its system insists on, which is different in every record."""
        return self.world.add(entity, **{**self._needed(entity), **values})

    def _needed(self, entity: str) -> Values:
        self.number += 1
        n = self.number
        line = {"ProductId": self.mine["product"][0], "Quantity": n, "UnitPrice": n}
        exact_line = {"Item": self.theirs["product"][0], "Quantity": n, "UnitPrice": n}
        customer, account = self.mine["organisation"][0], self.theirs["organisation"][0]
        needed: dict[str, Values] = {
            "customerp.customer": {"Name": f"Needed {n}"},
            "customerp.contact": {"CustomerId": customer, "LastName": f"Needed {n}"},
            "customerp.employee": {"LastName": f"Needed {n}", "Number": f"{n}"},
            "customerp.product": {"Name": f"Needed {n}", "Number": f"N{n}"},
            "customerp.quote": {"CustomerId": customer, "Lines": [line]},
            "customerp.order": {"CustomerId": customer, "Lines": [line]},
            "exact.accounts": {"Name": f"Needed {n}"},
            "exact.contacts": {"Account": account, "LastName": f"Needed {n}"},
            "exact.employees": {"EmployeeHID": 5000 + n, "LastName": f"Needed {n}"},
            "exact.items": {"Code": f"N{n}", "Description": f"Needed {n}"},
            "exact.quotations": {"OrderAccount": account, "QuotationLines": [exact_line]},
            "exact.salesorders": {"OrderedBy": account, "SalesOrderLines": [exact_line]},
        }
        return needed[entity]


def _values(case: _Case, entity: str, both: _Both) -> Values:
    """What the criterion compares, the same in both systems."""
    targets = both.mine if entity.startswith("customerp") else both.theirs
    found: dict[str, Any] = {}
    for part in case.criterion:
        row = case.flow.subject.properties[part.property]
        value = (
            0
            if row.to is not None
            else sample(part.property, row, 0, case.name.replace(": ", ".").replace(" and ", "."))
        )
        found[row.members[entity].name] = own(row, entity, value, targets)
    return found


@pytest.mark.soak
def test_each_criterion_by_itself(world: World, subtests: pytest.Subtests) -> None:
    """A company that is in both systems would be created twice, or strangers be joined because both lack data."""
    both = _Both(world)
    cases = list(_cases())
    for case in cases:
        case.customerp = both.add(case.flow.customerp, _values(case, case.flow.customerp, both))
        case.exact = both.add(case.flow.exact, _values(case, case.flow.exact, both))
    bare = {entity: both.add(entity, {}) for entity in MAPPINGS.entities}
    world.sync()
    for case in cases:
        with subtests.test("the same", criterion=case.name):
            assert world.partner(case.flow.customerp, case.customerp, case.flow.exact) == case.exact
    for name, flow in MAPPINGS.flows.items():
        with subtests.test("what is empty is equal to nothing", flow=name):
            assert world.partner(flow.customerp, bare[flow.customerp], flow.exact) != bare[flow.exact]
    with subtests.test("nothing is ambiguous"):
        assert [hold for hold in world.holds() if hold["kind"] != "removed_line"] == []
    _check_references(world, both, bare, subtests)


def _check_references(world: World, both: _Both, bare: dict[str, str], subtests: pytest.Subtests) -> None:
    """References arrive as the other system's own keys."""
    account, item = both.theirs["organisation"][0], both.theirs["product"][0]
    with subtests.test("a contact's customer is the account"):
        contact = world.twin("customerp.contact", bare["customerp.contact"], "exact.contacts")
        assert world.show("exact.contacts", contact)["Account"] == account
    for entity, other, name in (
        ("customerp.quote", "exact.quotations", "OrderAccount"),
        ("customerp.order", "exact.quotations", "OrderAccount"),
        ("customerp.order", "exact.salesorders", "OrderedBy"),
    ):
        with subtests.test("a document's customer and items are the account and the items", entity=entity, other=other):
            made = world.twin(entity, bare[entity], other)
            assert world.show(other, made)[name] == account
            assert [line["Item"] for line in world.lines(other, made).values()] == [item]


@pytest.mark.soak
def test_a_key_that_becomes_a_duplicate_tears_nothing_apart(world: World) -> None:
    """Two companies would be merged, or torn from their accounts, because one number was mistyped later."""
    one = world.add("customerp.customer", Name="One", VatNumber="NL001234567B01", Phone="1")
    two = world.add("customerp.customer", Name="Two", VatNumber="NL007654321B01", Phone="2")
    world.sync()
    pairs = {key: world.twin("customerp.customer", key, "exact.accounts") for key in (one, two)}
    world.edit("customerp.customer", two, VatNumber="NL001234567B01")
    world.sync()
    world.sync()
    assert {key: world.twin("customerp.customer", key, "exact.accounts") for key in (one, two)} == pairs
    assert len(world.all("exact.accounts")) == 3
    assert [world.show("customerp.customer", key)["Phone"] for key in (one, two)] == ["1", "2"]
    told = [hold for hold in world.holds() if hold["kind"] == "duplicate_key"]
    assert {hold["key"] for hold in told} >= {one, two}
    assert all(key in hold["reason"] for hold in told if hold["entity"] == "customerp.customer" for key in (one, two))
    world.edit("customerp.customer", one, Phone="3")
    assert world.sync().writes != []
    assert world.show("exact.accounts", pairs[one])["Phone"] == "3"
    assert world.sync().writes == []
    world.edit("customerp.customer", two, VatNumber="NL007654321B01")
    world.sync()
    assert world.holds() == []
