"""A bad record in every feed: it is held with a sentence, the rest goes on, and corrected it goes through."""

from typing import Any

import pytest

from talk_assets_tests.cycle.clear import MAPPINGS
from talk_assets_tests.cycle.harness import Values, World

# What cannot be read, by the type of the property; Exact's own dates are always dates.
_BAD = {"email": "no address", "choice": "99", "currency": "EURO", "date": "31 februari"}
_FEEDS = MAPPINGS.entities


def _bad_property(entity: str) -> tuple[str, str, str]:
    """A property of an entity that can hold nonsense: its canonical and its own name, and the nonsense."""
    types = [kind for kind in _BAD if kind != "date" or entity.startswith("customerp")]
    for kind in types:
        for name, row in MAPPINGS.subject_of(entity).held_by(entity).items():
            if row.type == kind and row.members[entity].when is None:
                return name, row.members[entity].name, _BAD[kind]
    raise AssertionError(f"{entity} has no property that can hold nonsense")


class _Records:
    """A good and a bad record per feed; `bad` and `good` hold their keys."""

    def __init__(self, world: World) -> None:
        self.world = world
        add = world.add
        self.customer = add("customerp.customer", Name="Customer of all")
        self.product = add("customerp.product", Number="P", Name="Product of all")
        self.account = add("exact.accounts", Name="Account of all")
        self.item = add("exact.items", Code="I", Description="Item of all")
        self.good = {entity: add(entity, **self._plain(entity, "good", 1)) for entity in _FEEDS}
        self.before: dict[str, Any] = {}
        self.bad = {entity: self._add_bad(entity) for entity in _FEEDS}

    def correct(self) -> None:
        """Take the nonsense away."""
        for entity, key in self.bad.items():
            _, own, _ = _bad_property(entity)
            self._set(entity, key, own, self.before[entity])

    def _plain(self, entity: str, name: str, number: int) -> Values:
        line = {"ProductId": self.product, "Quantity": 1, "UnitPrice": 1}
        exact_line = {"Item": self.item, "Quantity": 1, "UnitPrice": 1}
        plain: dict[str, Values] = {
            "customerp.customer": {"Name": f"{name} customer"},
            "customerp.contact": {"CustomerId": self.customer, "LastName": f"{name} contact"},
            "customerp.employee": {"LastName": f"{name} employee", "Number": f"1{number}"},
            "customerp.product": {"Name": f"{name} product", "Number": f"P{number}"},
            "customerp.quote": {"CustomerId": self.customer, "CustomerReference": f"{name} quote", "Lines": [line]},
            "customerp.order": {"CustomerId": self.customer, "CustomerReference": f"{name} order", "Lines": [line]},
            "exact.accounts": {"Name": f"{name} account"},
            "exact.contacts": {"Account": self.account, "LastName": f"{name} contact of Exact"},
            "exact.employees": {"EmployeeHID": 20 + number, "LastName": f"{name} employee of Exact"},
            "exact.items": {"Code": f"I{number}", "Description": f"{name} item"},
            "exact.quotations": {"OrderAccount": self.account, "QuotationLines": [exact_line]},
            "exact.salesorders": {"OrderedBy": self.account, "SalesOrderLines": [exact_line]},
        }
        return plain[entity]

    def _add_bad(self, entity: str) -> str:
        _, own, nonsense = _bad_property(entity)
        key = self.world.add(entity, **self._plain(entity, "bad", 2))
        self.before[entity] = self.world.show(entity, key).get(own)
        self._set(entity, key, own, nonsense)
        return key

    def _set(self, entity: str, key: str, own: str, value: Any) -> None:
        if entity.startswith("customerp"):
            self.world.edit(entity, key, checked=False, **{own: value})
        else:
            self.world.overwrite(entity, key, **{own: value})


@pytest.mark.soak
def test_a_bad_record_in_every_feed(world: World, subtests: pytest.Subtests) -> None:
    """One mistyped value would stop a whole feed, be written into the other books, or leave nobody a hint."""
    records = _Records(world)
    world.sync()
    invalid = {(hold["entity"], hold["key"]): hold for hold in world.holds() if hold["kind"] == "invalid"}
    for entity, key in records.bad.items():
        name, _, nonsense = _bad_property(entity)
        with subtests.test("held, with record, property, value and a sentence", entity=entity):
            hold = invalid[entity, key]
            assert hold["property"] == name
            assert nonsense in str(hold["value"])
            assert hold["reason"]
        with subtests.test("not taken over", entity=entity):
            for flow in MAPPINGS.flows.values():
                other = {flow.customerp: flow.exact, flow.exact: flow.customerp}.get(entity)
                if other is not None:
                    assert world.partner(entity, key, other) is None
    assert set(invalid) == {(entity, key) for entity, key in records.bad.items()}
    for flow_name, flow in MAPPINGS.flows.items():
        with subtests.test("what does not depend on it is synchronised", flow=flow_name):
            wanted = flow.exact != "exact.employees"
            assert (world.partner(flow.customerp, records.good[flow.customerp], flow.exact) is not None) == wanted
    records.correct()
    world.sync()
    with subtests.test("corrected, nothing is held any more"):
        assert world.holds() == []
    for flow_name, flow in MAPPINGS.flows.items():
        if flow.exact != "exact.employees":
            with subtests.test("corrected, it goes through", flow=flow_name):
                assert world.partner(flow.customerp, records.bad[flow.customerp], flow.exact) is not None


@pytest.mark.soak
def test_what_cannot_be_created_says_why(world: World, subtests: pytest.Subtests) -> None:
    """An order would be booked without a line, or a record wait for ever and nobody know for what."""
    add, edit = world.add, world.edit
    customer = add("customerp.customer", Name="Customer of all")
    product = add("customerp.product", Number="P", Name="Product of all")
    nameless = add("customerp.customer", City="Nowhere", checked=False)
    lost = add("customerp.contact", CustomerId="cus-999999", LastName="Lost", checked=False)
    long = "1" * 80
    too_long = add("customerp.product", Number="L", Name="Long", Barcode="x", checked=False)
    edit("customerp.product", too_long, Number=long, checked=False)
    line = {"ProductId": product, "Quantity": 1, "UnitPrice": 1}
    unread = add("customerp.order", CustomerId=customer, Lines=[line, {**line, "Quantity": "a dozen"}], checked=False)
    unknown = add(
        "customerp.order", CustomerId=customer, Lines=[line, {**line, "ProductId": "pro-999999"}], checked=False
    )
    fine = add("customerp.order", CustomerId=customer, Lines=[line])
    world.sync()
    holds = {(hold["entity"], hold["key"]): hold for hold in world.holds()}

    def reasons(cluster: int | None) -> str:
        return " ".join(str(debt["reason"]) for debt in world.owed() if debt["cluster_id"] == cluster)

    with subtests.test("a required value that is missing is named"):
        assert "Name" in reasons(world.cluster("customerp.customer", nameless))
    with subtests.test("a reference to nothing is named"):
        hold = holds["customerp.contact", lost]
        assert (hold["property"], hold["value"]) == ("organisation", "customerp.customer/cus-999999")
        assert "customerp.customer/cus-999999" in hold["reason"]
    with subtests.test("a value that is too long to be shortened is named"):
        hold = holds["customerp.product", too_long]
        assert (hold["property"], hold["value"]) == ("code", long)
        assert "characters" in hold["reason"]
    for key, words in ((unread, "a dozen"), (unknown, "pro-999999")):
        with subtests.test("a document with a bad line is not created without it, and says why", words=words):
            assert world.partner("customerp.order", key, "exact.salesorders") is None
            told = reasons(world.cluster("customerp.order", key)) + str(
                [hold for hold in world.holds() if hold["entity"].startswith("customerp.order")]
            )
            assert words in told
    with subtests.test("what has no bad line is created"):
        assert world.partner("customerp.order", fine, "exact.salesorders") is not None
    edit("customerp.customer", nameless, Name="Named")
    edit("customerp.contact", lost, CustomerId=customer)
    edit("customerp.product", too_long, Number="L2")
    for key, values in ((unread, {"Quantity": 12}), (unknown, {"ProductId": product})):
        bad = list(world.lines("customerp.order", key))[1]
        world.edit_line("customerp.order", key, bad, **values)
    world.sync()
    with subtests.test("corrected, everything goes through"):
        assert world.holds() == []
        assert world.partner("customerp.customer", nameless, "exact.accounts") is not None
        assert world.partner("customerp.contact", lost, "exact.contacts") is not None
        assert world.partner("customerp.product", too_long, "exact.items") is not None
        for key in (unread, unknown):
            made = world.twin("customerp.order", key, "exact.salesorders")
            assert len(world.lines("exact.salesorders", made)) == 2


def test_a_bad_record_that_is_removed_waits_for_nobody(world: World) -> None:
    """Somebody would be asked for ever to correct a company that is not there any more."""
    account = world.add("exact.accounts", Name="Odd BV", Status="C")
    world.overwrite("exact.accounts", account, Country="Nowhere")
    world.sync()
    assert world.held("invalid") == {f"exact.accounts/{account}"}
    world.remove("exact.accounts", account)
    world.sync()
    assert world.holds() == []
    assert world.sync().writes == []
