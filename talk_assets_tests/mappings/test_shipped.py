"""The four mappings as they are shipped."""

import pytest

from talk_assets.mappings.load import load_capabilities, load_mappings
from talk_assets.mappings.model import Subject

CAPABILITIES = load_capabilities()
MAPPINGS = load_mappings(None, CAPABILITIES)
PARTS = [part for subject in MAPPINGS.subjects.values() for part in (subject, subject.lines) if part is not None]


def test_the_flows_are_the_eight_that_were_promised() -> None:
    """A kind of record would not be synchronised at all."""
    assert {name: flow.entities for name, flow in MAPPINGS.flows.items()} == {
        "customer_accounts": ("customerp.customer", "exact.accounts"),
        "product_items": ("customerp.product", "exact.items"),
        "contact_contacts": ("customerp.contact", "exact.contacts"),
        "employee_contacts": ("customerp.employee", "exact.contacts"),
        "employee_employees": ("customerp.employee", "exact.employees"),
        "quote_quotations": ("customerp.quote", "exact.quotations"),
        "order_quotations": ("customerp.order", "exact.quotations"),
        "order_salesorders": ("customerp.order", "exact.salesorders"),
    }


def test_what_is_referred_to_comes_first() -> None:
    """Contacts and documents would be sent before the customer or product that they name."""
    assert list(MAPPINGS.subjects) == ["organisation", "product", "person", "sales_document"]


def test_every_entity_that_is_declared_is_mapped() -> None:
    """A whole entity could drop out of the mappings unnoticed."""
    assert {entity for part in PARTS for entity in part.entities} == set(CAPABILITIES)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.subject)
def test_everything_is_explained(part: Subject) -> None:
    """Dagit and the document would show columns that nobody can interpret."""
    rows = {"subject": part.meaning}
    rows |= {name: flow.meaning for name, flow in part.flows.items()}
    rows |= {name: row.meaning for name, row in part.properties.items()}
    for name, meaning in rows.items():
        assert meaning.endswith("."), name
        assert len(meaning.split()) >= 4, name


def test_read_and_written_names_are_those_of_the_list() -> None:
    """A property of the agreed list would not travel, or travel into another column."""
    held = {
        entity: {name: row.members[entity].name for name, row in MAPPINGS.subject_of(entity).held_by(entity).items()}
        for entity in CAPABILITIES
    }
    assert held["exact.accounts"] == {
        "number": "Code",
        "name": "Name",
        "registration_number": "ChamberOfCommerce",
        "vat_number": "VATNumber",
        "email": "Email",
        "phone": "Phone",
        "website": "Website",
        "address_line1": "AddressLine1",
        "address_line2": "AddressLine2",
        "postcode": "Postcode",
        "city": "City",
        "country": "Country",
    }
    assert list(held["customerp.customer"].values()) == [
        "Number", "Name", "OrganizationNumber", "VatNumber", "Email", "Phone", "Website",
        "Address1", "Address2", "ZipCode", "City", "Country",
    ]  # fmt: skip
    assert held["customerp.employee"]["email"] == held["exact.employees"]["email"] == "PrivateEmail"
    assert held["customerp.employee"]["business_email"] == "Email"
    assert held["exact.contacts"]["business_email"] == held["exact.employees"]["business_email"] == "BusinessEmail"
    assert held["exact.items"] == {
        "code": "Code",
        "name": "Description",
        "description": "ExtraDescription",
        "barcode": "Barcode",
        "unit": "Unit",
        "cost_price": "CostPriceStandard",
        "sales_price": "StandardSalesPrice",
    }
    assert held["exact.quotations"]["quote_date"] == held["exact.quotations"]["order_date"] == "QuotationDate"
    assert held["exact.quotations"]["valid_until"] == "DueDate"
    assert held["exact.salesorder_lines"]["delivery_date"] == "DeliveryDate"
    assert "delivery_date" not in held["exact.quotation_lines"]


def test_no_unmapped_property_of_the_contract_is_touched() -> None:
    """Credit limits, notes and weights belong to people: a sync that wrote them would destroy their work."""
    untouched = {"CreditLimit", "Notes", "Newsletter", "Department", "Weight", "InternalNote", "Remark"}
    for entity in CAPABILITIES:
        if entity.startswith("customerp."):
            assert untouched.isdisjoint(MAPPINGS.wanted(entity))


@pytest.mark.parametrize(
    ("entity", "name", "write"),
    [
        ("exact.accounts", "number", "create"),
        ("customerp.customer", "number", "never"),
        ("exact.contacts", "organisation", "create"),
        ("exact.items", "cost_price", "create"),
        ("customerp.product", "cost_price", "never"),
        ("exact.items", "sales_price", "never"),
        ("customerp.product", "sales_price", "always"),
        ("exact.quotations", "customer", "create"),
        ("exact.salesorders", "customer", "create"),
        ("exact.quotations", "quote_status", "never"),
        ("customerp.quote", "quote_status", "always"),
        ("exact.salesorders", "order_status", "never"),
        ("customerp.order", "order_status", "always"),
        ("exact.quotations", "quote_number", "never"),
        ("customerp.quote", "quote_number", "never"),
        ("exact.salesorders", "order_number", "never"),
        ("customerp.order", "order_number", "never"),
        ("exact.quotation_lines", "discount", "always"),
        ("customerp.order_line", "discount", "always"),
    ],
)
def test_who_is_written(entity: str, name: str, write: str) -> None:
    """A number, price or status would be overwritten where the other system decides it."""
    assert MAPPINGS.subject_of(entity).properties[name].writes(entity) == write


def test_codes_travel_as_the_systems_spell_them() -> None:
    """An accepted quotation would show as rejected, or kilograms as pieces."""
    documents = MAPPINGS.subjects["sales_document"].properties
    assert documents["quote_status"].members["exact.quotations"].values == {
        "5": "rejected", "6": "closed", "10": "draft", "20": "draft", "25": "open", "35": "open",
        "40": "sent", "60": "sent", "50": "accepted", "70": "accepted",
    }  # fmt: skip
    assert documents["order_status"].members["exact.salesorders"].values == {
        "12": "open", "20": "partial", "21": "complete", "45": "cancelled",
    }  # fmt: skip
    unit = MAPPINGS.subjects["product"].properties["unit"].members
    spelt, codes = unit["customerp.product"].values or {}, unit["exact.items"].values or {}
    assert all(stored == canonical for stored, canonical in spelt.items())
    assert set(codes.values()) == set(spelt)
    assert len(codes) == len(spelt) == 13
    assert (codes["pc"], codes["kg"], codes["m2"]) == ("piece", "kilogram", "square_metre")


def test_an_order_shares_its_quotes_quotation() -> None:
    """An order made from a quote would get a second quotation, with the order's date over the quote's."""
    flow = MAPPINGS.flows["order_quotations"]
    assert flow.join is not None
    assert (flow.join.entity, flow.join.name, flow.join.to) == ("customerp.order", "QuoteId", "customerp.quote")
    rows = MAPPINGS.subjects["sales_document"].properties
    assert rows["quote_date"].members["exact.quotations"].when == "customerp.quote"
    assert rows["order_date"].members["exact.quotations"].unless == "customerp.quote"
    lines = MAPPINGS.subjects["sales_document"].lines
    assert lines is not None
    assert lines.flows["order_line_quotation_lines"].create.unless == "customerp.quote"
    assert all(flow.create.customerp and flow.create.exact for flow in lines.flows.values())


def test_nothing_but_lines_is_made_in_customerp() -> None:
    """Every account and item that exists only in Exact would appear in Customerp unasked."""
    assert all(flow.create.exact and not flow.create.customerp for flow in MAPPINGS.flows.values())


def test_only_the_second_address_line_can_be_emptied() -> None:
    """An empty value would wipe a filled one, or a new street would keep the old second line."""
    clearing = {name: row.clear for part in PARTS for name, row in part.properties.items() if row.clear}
    assert clearing == {"address_line2": ["customerp", "exact"]}
    group = {name for name, row in MAPPINGS.subjects["organisation"].properties.items() if row.group == "address"}
    assert group == {"address_line1", "address_line2", "postcode", "city", "country"}


def test_references_point_to_the_entity_whose_key_they_hold() -> None:
    """A document's contact would be looked up among employees."""
    assert MAPPINGS.target_of("customerp.order", "contact") == "customerp.contact"
    assert MAPPINGS.target_of("exact.quotations", "contact") == "exact.contacts"
    assert MAPPINGS.target_of("exact.contacts", "organisation") == "exact.accounts"
    assert MAPPINGS.target_of("exact.salesorder_lines", "product") == "exact.items"
