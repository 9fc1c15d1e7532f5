from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from talk_assets.errors import (
    RecordRejected,
    SystemUnavailable,
    UnexpectedAnswer,
)
from talk_assets.systems.exact.system import ExactSystem
from talk_assets_tests.systems.exact.tenant import DIVISION, Clock, Tenant, error, key, printed, say, writes
from talk_assets_tests.systems.loopback import Answer, Asked

BASE = f"/api/v1/{DIVISION}"


def test_a_create_sends_json_types_and_takes_the_filled_answer(exact: ExactSystem, tenant: Tenant) -> None:
    """Text where Exact wants numbers is refused; and the base of the record is what the answer holds."""
    row = {"ID": key(4), "Code": "A", "Description": "Bolt", "StandardSalesPrice": None, "IsSalesItem": True}
    say(tenant, Answer(201, {"d": {**row, "CostPriceStandard": 2.5, "Modified": printed("2025-01-15T11:00:00")}}))
    values = {"Code": "A", "Description": "Bolt", "CostPriceStandard": "2.50", "IsSalesItem": "true", "Barcode": None}
    written = exact.create("exact.items", values)
    (asked,) = writes(tenant)
    assert (asked.method, asked.path) == ("POST", f"{BASE}/logistics/Items")
    assert asked.json == {
        "Code": "A", "Description": "Bolt", "CostPriceStandard": 2.5, "IsSalesItem": True, "Barcode": None
    }  # fmt: skip
    assert asked.headers["Prefer"] == "return=representation"
    assert asked.headers["Content-Type"] == "application/json"
    assert (written.key, written.status, written.lines) == (key(4), 201, None)
    assert written.record == {
        "Code": "A",
        "StandardSalesPrice": None,
        "_key": key(4),
        "_modified": "2025-01-15T10:00:00+00:00",
        "_version": None,
    }


def test_an_answer_with_only_the_key_is_no_record(exact: ExactSystem, tenant: Tenant) -> None:
    """Taken as the record it would make a base of empty values, and the next read would look like edits."""
    say(tenant, Answer(201, {"d": {"ID": key(4), "Name": None, "Code": None}}))
    written = exact.create("exact.accounts", {"Name": "One"})
    assert (written.key, written.record) == (key(4), None)


@pytest.mark.parametrize("body", [None, "<html>Thanks</html>", {"d": {}}, {"d": []}])
def test_a_key_in_the_location_is_enough(exact: ExactSystem, tenant: Tenant, body: Any) -> None:
    """A record that was made but whose key is not taken over is made once more."""
    where = f"https://start.exactonline.nl/api/v1/1/crm/Accounts(guid'{key(4)}')"
    say(tenant, Answer(201, body, {"Location": where}))
    written = exact.create("exact.accounts", {"Name": "One"})
    assert (written.key, written.record) == (key(4), None)


def test_a_create_without_any_key_is_of_unknown_outcome(exact: ExactSystem, tenant: Tenant) -> None:
    """It was most likely carried out: sending it again makes a duplicate."""
    say(tenant, Answer(201, "<html>Thanks</html>"))
    with pytest.raises(SystemUnavailable, match="look the record up") as caught:
        exact.create("exact.accounts", {"Name": "One"})
    assert caught.value.outcome_unknown
    assert len(writes(tenant)) == 1


def test_a_document_is_created_with_its_lines(exact: ExactSystem, tenant: Tenant) -> None:
    """Exact refuses a document without lines, and half a document must never stand in the books."""
    line = {"Item": key(8), "Quantity": 2, "Discount": 0.055, "LineNumber": 1, "Description": "x"}
    header = {"QuotationID": key(4), "OrderAccount": key(5), "QuotationDate": printed("2025-01-31T00:00:00")}
    lines = {"results": [{**line, "ID": key(41)}, {**line, "ID": key(42), "LineNumber": 2}]}
    say(tenant, Answer(201, {"d": {**header, "QuotationLines": lines}}))
    sent = {"Item": key(8), "Quantity": "2", "Discount": "0.055"}
    written = exact.create(
        "exact.quotations", {"OrderAccount": key(5), "QuotationDate": "2025-01-31"}, [sent, {"Item": key(8)}]
    )
    (asked,) = writes(tenant)
    assert asked.path == f"{BASE}/crm/Quotations"
    assert asked.json == {
        "OrderAccount": key(5),
        "QuotationDate": "2025-01-31T00:00:00",
        "QuotationLines": [{"Item": key(8), "Quantity": 2.0, "Discount": 0.055}, {"Item": key(8)}],
    }
    assert written.record is not None
    assert written.record["QuotationDate"] == "2025-01-31"
    assert written.lines is not None
    assert [(made["_key"], made["_document"], made["_position"], made["Discount"]) for made in written.lines] == [
        (key(41), key(4), 1, 0.055),
        (key(42), key(4), 2, 0.055),
    ]


@pytest.mark.parametrize(
    "lines",
    [
        {"__deferred": {"uri": "x"}},
        {"results": []},
        {"results": [{"ID": key(41), "Item": None}]},
        [{"Item": key(8)}],
        None,
    ],
)
def test_lines_that_the_answer_does_not_hold_are_not_made_up(exact: ExactSystem, tenant: Tenant, lines: Any) -> None:
    """Lines without their keys would be linked wrongly; the next read brings them."""
    say(tenant, Answer(201, {"d": {"OrderID": key(4), "OrderedBy": key(5), "SalesOrderLines": lines}}))
    written = exact.create("exact.salesorders", {"OrderedBy": key(5)}, [{"Item": key(8)}])
    assert written.key == key(4)
    assert written.lines is None


def test_an_update_names_only_what_changes(exact: ExactSystem, tenant: Tenant) -> None:
    """Properties that no mapping names must never change."""
    say(tenant, Answer(204))
    written = exact.update("exact.contacts", key(4), {"LastName": "De Wit", "BirthDate": None}, version="9")
    (asked,) = writes(tenant)
    assert (asked.method, asked.path) == ("PUT", f"{BASE}/crm/Contacts(guid'{key(4)}')")
    assert asked.json == {"LastName": "De Wit", "BirthDate": None}
    assert (written.key, written.record, written.status) == (key(4), None, 204)


def test_lines_are_written_one_by_one(exact: ExactSystem, tenant: Tenant) -> None:
    """A header write with all lines would replace lines and what only Exact knows of them."""
    say(tenant, Answer(201, {"d": {"ID": key(43), "OrderID": key(4), "Item": key(8), "LineNumber": 3}}))
    written = exact.create_line("exact.salesorder_lines", key(4), {"Item": key(8), "DeliveryDate": "2025-02-01"})
    say(tenant, Answer(204))
    exact.update_lines("exact.quotation_lines", key(4), {key(41): {"Quantity": "-3.5"}})
    made, changed = writes(tenant)
    assert made.path == f"{BASE}/salesorder/SalesOrderLines"
    assert made.json == {"Item": key(8), "DeliveryDate": "2025-02-01T00:00:00", "OrderID": key(4)}
    assert written.record is not None
    assert (written.key, written.record["_document"], written.record["_position"]) == (key(43), key(4), 3)
    assert (changed.method, changed.path) == ("PUT", f"{BASE}/crm/QuotationLines(guid'{key(41)}')")
    assert changed.json == {"Quantity": -3.5}


@pytest.mark.parametrize(
    ("entity", "values", "problem"),
    [
        ("exact.employees", {"LastName": "De Wit"}, "only reads employees"),
        ("exact.items", {"StandardSalesPrice": "1"}, "StandardSalesPrice is not to be written"),
        ("exact.accounts", {"Nmae": "One"}, "Nmae is no property"),
        ("exact.accounts", {}, "no property is named"),
        ("exact.items", {"Code": "A", "CostPriceStandard": "cheap"}, "CostPriceStandard is a decimal"),
        ("exact.items", {"CostPriceStandard": "inf"}, "CostPriceStandard is a decimal"),
        ("exact.items", {"IsSalesItem": "yes"}, "IsSalesItem is a boolean"),
        ("exact.contacts", {"BirthDate": "31-01-2024"}, "BirthDate is a date"),
        ("exact.quotations", {"OrderAccount": key(5)}, "without lines"),
        ("exact.quotations", {"QuotationNumber": "1.5"}, "QuotationNumber is a integer"),
    ],
)
def test_what_exact_cannot_take_is_refused_before_any_call(
    exact: ExactSystem, tenant: Tenant, entity: str, values: dict[str, str], problem: str
) -> None:
    """Ten refused calls in an hour block the app for everybody."""
    with pytest.raises(RecordRejected, match=problem):
        exact.create(entity, values)
    assert tenant.asked == []


def test_what_is_fixed_after_creation_is_not_updated(exact: ExactSystem, tenant: Tenant) -> None:
    """Exact may ignore it without a word, and the two sides would differ for ever."""
    with pytest.raises(RecordRejected, match=r"Account is not to be written \(create\)") as caught:
        exact.update("exact.contacts", key(4), {"Account": key(5)})
    assert caught.value.property_name == "Account"
    with pytest.raises(RecordRejected, match="only reads employees"):
        exact.update("exact.employees", key(4), {"LastName": "De Wit"})
    with pytest.raises(RecordRejected, match="no key of Exact"):
        exact.update("exact.accounts", "28", {"Name": "One"})
    with pytest.raises(RecordRejected, match="has no lines"):
        exact.create("exact.accounts", {"Name": "One"}, [{"Item": key(8)}])
    with pytest.raises(RecordRejected, match="has no documents"):
        exact.create_line("exact.accounts", key(4), {"Name": "One"})
    assert tenant.asked == []


def test_a_write_with_a_refused_token_is_sent_again_with_the_new_one(
    opened: Callable[..., ExactSystem], tenant: Tenant, clock: Clock
) -> None:
    """A token that another process replaced meanwhile would cost a write."""
    one, other = opened(), opened()
    other.check()
    clock.time += timedelta(seconds=575)
    one.check()
    clock.time -= timedelta(seconds=10)

    def accept(asked: Asked) -> Answer | None:
        new = asked.headers.get("Authorization") == f"Bearer {tenant.access_token}"
        return Answer(201, {"d": {"ID": key(4)}}) if asked.method == "POST" and new else None

    tenant.script = accept
    assert other.create("exact.accounts", {"Name": "One"}).key == key(4)
    refused, accepted = writes(tenant)
    assert (refused.json, accepted.json) == ({"Name": "One"}, {"Name": "One"})
    assert accepted.headers["Authorization"] == "Bearer access-2"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Required: Name", "Name"),
        ("Mandatory: Vat number", "VATNumber"),
        ("Code: Data already exists.", "Code"),
        ("Verplicht: Naam", None),
        ("Name and Code do not fit", None),
        ("Named after nobody", None),
        ("", None),
    ],
)
def test_the_property_at_fault_is_named_only_when_it_is_clear(
    exact: ExactSystem, tenant: Tenant, text: str, name: str | None
) -> None:
    """A person would correct the wrong property."""
    say(tenant, error(500, text) if text else error(400, text))
    with pytest.raises(RecordRejected) as caught:
        exact.update("exact.accounts", key(4), {"Name": "One", "Code": "1", "VATNumber": "NL1"})
    assert caught.value.property_name == name


@pytest.mark.parametrize("answer", [Answer(200, "<html>Log in</html>"), Answer(200, {"ok": True}), Answer(200, [])])
def test_an_update_that_something_else_answers_is_no_success(
    exact: ExactSystem, tenant: Tenant, answer: Answer
) -> None:
    """A page of a proxy would be taken for a write that never reached Exact."""
    say(tenant, answer)
    with pytest.raises(UnexpectedAnswer, match="EXACT_URL"):
        exact.update("exact.accounts", key(4), {"Name": "One"})


def test_an_update_may_answer_with_the_record(exact: ExactSystem, tenant: Tenant) -> None:
    """Some sets are said to answer so; the write would be reported as failed."""
    say(tenant, Answer(200, {"d": {"ID": key(4), "Name": "One"}}))
    assert exact.update("exact.accounts", key(4), {"Name": "One"}).status == 200
