"""POST, PUT and DELETE on the ordinary sets: what is kept, computed, ignored and refused."""

from typing import Any

import pytest

from talk_assets_tests.sandbox.exact.site import DIVISION, Site, message

GONE = "11111111-1111-1111-1111-111111111111"
OBJECT_TEXT = "Error processing request stream. The request should be a valid top-level resource object."


def refused(site: Site, path: str, status: int, **values: Any) -> str:
    answer = site.call("POST", path, json=values)
    assert answer.status_code == status, answer.text
    return message(answer)


def test_a_create_echoes_only_the_key_unless_asked(site: Site) -> None:
    """A client that takes the echo for the record would store nulls as the agreed values."""
    answer = site.call("POST", "crm/Accounts", json={"Name": "Vos"})
    created = answer.json()["d"]
    assert answer.status_code == 201
    assert answer.headers["Location"] == created["__metadata"]["uri"]
    assert {name for name, value in created.items() if value is not None} == {"__metadata", "ID", "BankAccounts"}
    assert site.one("crm/Accounts", created["ID"])["Name"] == "Vos"
    assert site.post("crm/Accounts", Name="Bos")["Name"] == "Bos"


def test_an_update_changes_only_what_it_names(site: Site) -> None:
    """Properties that no mapping knows would be wiped, or the sandbox would hide that they are."""
    account = site.post("crm/Accounts", Name="Vos", Remarks="keep", Phone="1")
    site.clock.advance(minutes=5)
    answer = site.put("crm/Accounts", account["ID"], Name="Bos", Phone=None)
    assert (answer.status_code, answer.content) == (204, b"")
    now = site.one("crm/Accounts", account["ID"])
    assert (now["Name"], now["Remarks"], now["Phone"]) == ("Bos", "keep", None)
    assert (now["Created"], now["Modified"]) == (account["Created"], "/Date(1719835505000)/")


def test_an_emptied_text_reads_as_null(site: Site) -> None:
    """Null and empty text would come back as different values."""
    account = site.post("crm/Accounts", Name="Vos", Phone="1", City="")
    assert account["City"] is None
    site.put("crm/Accounts", account["ID"], Phone="")
    assert site.one("crm/Accounts", account["ID"])["Phone"] is None


def test_read_only_properties_are_ignored_and_unknown_ones_refused(site: Site, account: str, item: str) -> None:
    """A mapping to a computed property would seem to work, or a mistyped name would vanish."""
    made = site.post("logistics/Items", Code="B", Description="b", StandardSalesPrice=99, Stock=5, Created="2020-01-01")
    assert (made["StandardSalesPrice"], made["Stock"]) == (None, 0)
    assert made["Created"] == "/Date(1719835205000)/"
    assert site.put("logistics/Items", item, StandardSalesPrice=99).status_code == 204
    assert site.one("logistics/Items", item)["StandardSalesPrice"] == 10
    contact = site.post("crm/Contacts", Account=account, LastName="Bos", FullName="Other", ID=GONE, City="Delft")
    assert (contact["FullName"], contact["City"], contact["ID"] == GONE) == ("Bos", None, False)
    assert "'Nonsense'" in refused(site, "crm/Accounts", 400, Name="x", Nonsense=1)
    assert "'Timestamp'" in refused(site, "crm/Accounts", 400, Name="x", Timestamp=1)
    answer = site.put("crm/Accounts", account, Nonsense=1)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"Name": 5}, "Name"),
        ({"Blocked": "true"}, "Blocked"),
        ({"Blocked": 1}, "Blocked"),
        ({"SecurityLevel": 1.5}, "SecurityLevel"),
        ({"SecurityLevel": True}, "SecurityLevel"),
        ({"SecurityLevel": "many"}, "SecurityLevel"),
        ({"SecurityLevel": 2**31}, "SecurityLevel"),
        ({"IsAccountant": 256}, "IsAccountant"),
        ({"Parent": "not-a-guid"}, "Parent"),
        ({"Parent": 5}, "Parent"),
        ({"StartDate": "31-01-2024"}, "StartDate"),
        ({"StartDate": "2024-01-31T00:00:00+01:00"}, "StartDate"),
        ({"StartDate": 5}, "StartDate"),
        ({"CreditLineSales": "NaN"}, "CreditLineSales"),
        ({"CreditLineSales": []}, "CreditLineSales"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(site: Site, values: dict[str, Any], name: str) -> None:
    """A wrong conversion would be written, and noticed in the real books."""
    text = refused(site, "crm/Accounts", 400, **({"Name": "Vos"} | values))
    assert f"'{name}'" in text


def test_numbers_may_come_as_text(site: Site) -> None:
    """A write that Exact takes would fail here."""
    account = site.post("crm/Accounts", Name="Vos", SecurityLevel="50", CreditLineSales="12.50")
    assert (account["SecurityLevel"], account["CreditLineSales"]) == (50, 12.5)


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[]", b"5", b"null"])
def test_a_malformed_body_is_refused(site: Site, account: str, body: bytes) -> None:
    """A broken request would create an empty record."""
    for method, path in (("POST", "crm/Contacts"), ("PUT", f"crm/Accounts(guid'{account}')")):
        answer = site.call(method, path, content=body)
        assert (answer.status_code, message(answer)) == (400, OBJECT_TEXT)


@pytest.mark.parametrize(
    ("path", "values", "text"),
    [
        ("crm/Accounts", {}, "Verplicht: Name"),
        ("crm/Contacts", {"LastName": "x"}, "Verplicht: Account"),
        ("crm/Contacts", {"Account": "ACCOUNT"}, "Verplicht: LastName"),
        ("logistics/Items", {"Code": "x"}, "Verplicht: Description"),
        ("logistics/Items", {"Description": "x"}, "Verplicht: Code"),
        ("crm/Quotations", {"QuotationLines": [{"Item": "ITEM"}]}, "Verplicht: OrderAccount"),
        ("crm/Quotations", {"OrderAccount": "ACCOUNT"}, "Verplicht: QuotationLines"),
        ("crm/Quotations", {"OrderAccount": "ACCOUNT", "QuotationLines": []}, "Verplicht: QuotationLines"),
        ("crm/Quotations", {"OrderAccount": "ACCOUNT", "QuotationLines": [{}]}, "Verplicht: Item"),
        ("crm/QuotationLines", {"Item": "ITEM"}, "Verplicht: QuotationID"),
        ("salesorder/SalesOrders", {"OrderedBy": "ACCOUNT"}, "Verplicht: SalesOrderLines"),
        ("salesorder/SalesOrderLines", {"Item": "ITEM"}, "Verplicht: OrderID"),
        ("crm/Accounts", {"Name": "x" * 51}, "Te lang: Name (maximaal 50 tekens)"),
        ("logistics/Items", {"Code": "x", "Description": "x" * 61}, "Te lang: Description (maximaal 60 tekens)"),
        ("crm/Accounts", {"Name": "x", "Status": "Z"}, "Ongeldig: Status (Z)"),
        ("crm/Accounts", {"Name": "x", "Country": "1L"}, "Ongeldig: Country (1L)"),
        ("crm/Accounts", {"Name": "x", "Code": "A12"}, "Ongeldig: Code (alleen cijfers)"),
        ("logistics/Items", {"Code": "x", "Description": "x", "Unit": "furlong"}, "Ongeldig: Unit (furlong)"),
        ("crm/Contacts", {"Account": GONE, "LastName": "x"}, "Bestaat niet: Account"),
        ("crm/Quotations", {"OrderAccount": GONE, "QuotationLines": [{"Item": "ITEM"}]}, "Bestaat niet: OrderAccount"),
        ("crm/Quotations", {"OrderAccount": "ACCOUNT", "QuotationLines": [{"Item": GONE}]}, "Bestaat niet: Item"),
        (
            "crm/Quotations",
            {"OrderAccount": "ACCOUNT", "Currency": "XXX", "QuotationLines": [{"Item": "ITEM"}]},
            "Ongeldig: Currency (XXX)",
        ),
        ("crm/QuotationLines", {"QuotationID": GONE, "Item": "ITEM"}, "Bestaat niet: QuotationID"),
        ("logistics/Items", {"Code": "A1", "Description": "x"}, "Gegeven bestaat reeds."),
        ("crm/Accounts", {"Code": "1", "Name": "x"}, "Gegeven bestaat reeds."),
    ],
)
def test_a_business_rule_answers_500_with_a_readable_text(
    site: Site, account: str, item: str, path: str, values: dict[str, Any], text: str
) -> None:
    """A refusal for good would be taken for a passing fault and tried for ever, or not happen at all."""

    def known(value: Any) -> Any:
        if isinstance(value, list):
            return [{name: known(part) for name, part in line.items()} for line in value]
        return {"ACCOUNT": account, "ITEM": item}.get(value, value)

    before = site.store.last_sequence("exact", str(DIVISION))
    assert refused(site, path, 500, **{name: known(value) for name, value in values.items()}) == text
    assert site.store.last_sequence("exact", str(DIVISION)) == before


def test_an_update_cannot_break_the_rules_either(site: Site, account: str, item: str) -> None:
    """A bad update would be accepted here and refused in production."""
    for path, key, values, text in (
        ("crm/Accounts", account, {"Name": None}, "Verplicht: Name"),
        ("crm/Accounts", account, {"Name": "x" * 51}, "Te lang: Name (maximaal 50 tekens)"),
        ("crm/Accounts", account, {"MainContact": GONE}, "Bestaat niet: MainContact"),
        ("logistics/Items", item, {"Code": site.post("logistics/Items", Code="B", Description="b")["Code"]}, None),
    ):
        answer = site.put(path, key, **values)
        assert (answer.status_code, message(answer)) == (500, text or "Gegeven bestaat reeds.")
    assert site.put("logistics/Items", item, Code="A1").status_code == 204


def test_what_is_fixed_after_creation_cannot_change(site: Site, account: str, item: str) -> None:
    """A contact that moves to another company would be shown as moved although Exact cannot."""
    other = site.state.add("Accounts", {"Name": "Ander"})
    contact = site.post("crm/Contacts", Account=account, LastName="Bos")["ID"]
    moved = site.put("crm/Contacts", contact, Account=other)
    assert (moved.status_code, message(moved)) == (500, "Niet te wijzigen na aanmaken: Account")
    assert site.put("crm/Contacts", contact, Account=account, LastName="Vos").status_code == 204
    assert site.put("logistics/Items", item, CostPriceStandard=5).status_code == 500
    assert site.post("logistics/Items", Code="C", Description="c", CostPriceStandard=5)["CostPriceStandard"] == 5
    order = site.state.add_document("SalesOrders", {"OrderedBy": account}, [{"Item": item}])
    assert site.put("salesorder/SalesOrders", order, OrderedBy=other).status_code == 500
    nested = site.put("salesorder/SalesOrders", order, SalesOrderLines=[{"Item": item}])
    assert (nested.status_code, message(nested)) == (500, "Niet te wijzigen via de kop: SalesOrderLines")
    second = site.state.add_document("SalesOrders", {"OrderedBy": account}, [{"Item": item}])
    line = site.rows("salesorder/SalesOrderLines", filter=f"OrderID eq guid'{order}'")[0]["ID"]
    assert site.put("salesorder/SalesOrderLines", line, OrderID=second).status_code == 500


def test_numbers_are_given_out_above_the_highest_in_use(site: Site, account: str, item: str) -> None:
    """Two records would get one number, or a number given by hand would be overrun."""
    assert site.one("crm/Accounts", account)["Code"].strip() == "1"
    assert site.post("crm/Accounts", Name="x", Code="40")["Code"].strip() == "40"
    assert site.post("crm/Accounts", Name="x", Code="7".rjust(18))["Code"].strip() == "7"
    assert site.post("crm/Accounts", Name="x")["Code"].strip() == "41"
    order = {"OrderedBy": account, "SalesOrderLines": [{"Item": item}]}
    assert site.post("salesorder/SalesOrders", **order)["OrderNumber"] == 1
    assert site.post("salesorder/SalesOrders", **order, OrderNumber=900)["OrderNumber"] == 900
    assert site.post("salesorder/SalesOrders", **order)["OrderNumber"] == 901
    assert refused(site, "salesorder/SalesOrders", 500, **order, OrderNumber=900) == "Gegeven bestaat reeds."
    quotation = {"OrderAccount": account, "QuotationLines": [{"Item": item}]}
    assert site.post("crm/Quotations", **quotation)["QuotationNumber"] == 1


def test_a_quotation_is_filled_in_and_added_up(site: Site, account: str, item: str) -> None:
    """Totals, defaults and statuses would differ from what Exact makes of the same lines."""
    lines: list[dict[str, Any]] = [
        {"Item": item, "Quantity": "2", "Discount": 0.055},
        {"Item": item, "NetPrice": 8},
        {"Item": item, "UnitPrice": 2.5, "Quantity": 4, "VATCode": "1"},
    ]
    made = site.post("crm/Quotations", OrderAccount=account, YourRef="R1", Status=50, AmountDC=1, QuotationLines=lines)
    assert made["Status"] == 25
    assert (made["StatusDescription"], made["Currency"], made["VersionNumber"]) == ("Open", "EUR", 1)
    assert made["QuotationDate"] == "/Date(1719792000000)/"
    assert (made["InvoiceAccount"], made["DeliveryAccount"]) == (account, account)
    assert (made["OrderAccountName"], made["OrderAccountCode"]) == ("Vos BV", "1".rjust(18))
    assert (made["AmountFC"], made["AmountDC"], made["VATAmountFC"]) == (36.9, 36.9, 6.55)
    shown = site.get(f"crm/Quotations(guid'{made['QuotationID']}')", expand="QuotationLines")["QuotationLines"][
        "results"
    ]
    assert [line["LineNumber"] for line in shown] == [1, 2, 3]
    assert [line["Quantity"] for line in shown] == [2, 1, 4]
    assert [line["UnitPrice"] for line in shown] == [10, 10, 2.5]
    assert [line["Discount"] for line in shown] == [0.055, 0.2, 0]
    assert [line["NetPrice"] for line in shown] == [9.45, 8, 2.5]
    assert [line["AmountFC"] for line in shown] == [18.9, 8, 10]
    assert [line["VATPercentage"] for line in shown] == [0.21, 0.21, 0.09]
    assert {line["Description"] for line in shown} == {"Ding"}
    assert {line["UnitCode"] for line in shown} == {"pc      "}
    assert {line["QuotationNumber"] for line in shown} == {made["QuotationNumber"]}


def test_lines_are_added_changed_and_removed_one_by_one(site: Site, account: str, item: str) -> None:
    """The document's totals would go stale after a change of one line."""
    order = site.post(
        "salesorder/SalesOrders",
        OrderedBy=account,
        DeliveryDate="2024-08-01",
        SalesOrderLines=[{"Item": item, "Quantity": 2}],
    )
    key = order["OrderID"]
    assert (order["Status"], order["DeliveryStatus"], order["InvoiceStatus"]) == (12, 12, 12)
    assert (order["AmountFCExclVat"], order["AmountFC"]) == (20, 24.2)
    line = site.post("salesorder/SalesOrderLines", OrderID=key, Item=item, Quantity=-1, Notes="keep")
    assert (line["LineNumber"], line["AmountFC"], line["ItemCode"]) == (2, -10, "A1")
    assert line["DeliveryDate"] == "/Date(1722470400000)/"
    assert site.one("salesorder/SalesOrders", key)["AmountFCExclVat"] == 10
    assert site.put("salesorder/SalesOrderLines", line["ID"], Quantity=3).status_code == 204
    assert site.one("salesorder/SalesOrderLines", line["ID"])["Notes"] == "keep"
    assert site.one("salesorder/SalesOrders", key)["AmountFCExclVat"] == 50
    assert site.put("salesorder/SalesOrderLines", line["ID"], AmountFC=15).status_code == 204
    changed = site.one("salesorder/SalesOrderLines", line["ID"])
    assert (changed["NetPrice"], changed["Discount"]) == (5, 0.5)
    assert site.delete("salesorder/SalesOrderLines", line["ID"]).status_code == 204
    assert site.one("salesorder/SalesOrders", key)["AmountFCExclVat"] == 20


def test_a_refused_line_leaves_no_half_document(site: Site, account: str, item: str) -> None:
    """A document without its lines would be left behind, and its number used up."""
    lines: list[dict[str, Any]] = [{"Item": item}, {"Item": item, "VATCode": "77"}]
    assert refused(site, "crm/Quotations", 500, OrderAccount=account, QuotationLines=lines) == "Ongeldig: VATCode (77)"
    assert site.rows("crm/Quotations") == []
    lines = [{"Item": item, "Nonsense": 1}]
    assert "'Nonsense'" in refused(site, "crm/Quotations", 400, OrderAccount=account, QuotationLines=lines)
    wrapped = site.post("crm/Quotations", OrderAccount=account, QuotationLines={"results": [{"Item": item}]})
    assert wrapped["QuotationNumber"] == 1
    for bad in (5, [5], {"results": 5}):
        assert refused(site, "crm/Quotations", 400, OrderAccount=account, QuotationLines=bad) == OBJECT_TEXT


def test_a_completed_order_is_closed_to_the_api(site: Site, account: str, item: str) -> None:
    """Writes to delivered orders would be planned although Exact refuses them."""
    key = site.state.add_document("SalesOrders", {"OrderedBy": account}, [{"Item": item}])
    line = site.rows("salesorder/SalesOrderLines", filter=f"OrderID eq guid'{key}'")[0]["ID"]
    assert site.put("salesorder/SalesOrders", key, Status=21).status_code == 204
    assert site.one("salesorder/SalesOrders", key)["Status"] == 12
    site.state.edit("SalesOrders", key, {"Status": 21})
    for answer in (
        site.put("salesorder/SalesOrders", key, Description="x"),
        site.put("salesorder/SalesOrderLines", line, Quantity=2),
        site.call("POST", "salesorder/SalesOrderLines", json={"OrderID": key, "Item": item}),
        site.delete("salesorder/SalesOrderLines", line),
        site.delete("salesorder/SalesOrders", key),
    ):
        assert (answer.status_code, message(answer)) == (500, "Niet te wijzigen: de verkooporder is voltooid.")


def test_a_deleted_record_is_gone_and_deleting_twice_is_forbidden(site: Site) -> None:
    """A record removed by a person would seem to be there, or a missing one to be a missing right."""
    key = site.state.add("Items", {"Code": "weg", "Description": "x"})
    gone = site.delete("logistics/Items", key)
    assert (gone.status_code, gone.content) == (204, b"")
    assert site.call("GET", f"logistics/Items(guid'{key}')").status_code == 404
    again = site.delete("logistics/Items", key)
    assert (again.status_code, message(again)) == (403, "Forbidden")
    assert site.put("logistics/Items", key, Description="y").status_code == 403
    assert site.put("logistics/Items", GONE, Description="y").status_code == 404
    assert site.rows("logistics/Items", filter="Code eq 'weg'") == []
    assert site.post("logistics/Items", Code="weg", Description="nieuw")["ID"] != key


def test_what_is_in_use_cannot_be_removed(site: Site, account: str, item: str) -> None:
    """References would point to nothing."""
    contact = site.state.add("Contacts", {"Account": account, "LastName": "Bos"})
    site.state.edit("Accounts", account, {"MainContact": contact})
    order = site.state.add_document(
        "SalesOrders", {"OrderedBy": account, "OrderedByContactPerson": contact}, [{"Item": item}]
    )
    for path, key in (("crm/Accounts", account), ("crm/Contacts", contact), ("logistics/Items", item)):
        answer = site.delete(path, key)
        assert answer.status_code == 500
        assert "in gebruik" in message(answer)
    assert site.delete("salesorder/SalesOrders", order).status_code == 204
    assert site.delete("logistics/Items", item).status_code == 204
    assert site.delete("crm/Accounts", account).status_code == 204
    assert site.rows("crm/Contacts") == []


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_employees_can_only_be_read(site: Site, method: str) -> None:
    """Writing employees would seem possible although Exact's API has no way for it."""
    key = site.state.add("Employees", {"FirstName": "Jo", "LastName": "Bos", "BusinessEmail": "jo@example.com"})
    path = "payroll/Employees" if method == "POST" else f"payroll/Employees(guid'{key}')"
    answer = site.call(method, path, json={"LastName": "x"})
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")
    row = site.one("payroll/Employees", key)
    assert (row["FullName"], row["EmployeeHID"], row["HID"], row["Code"]) == ("Jo Bos", 1, 1, "1")


def test_other_verbs_are_refused(site: Site, account: str) -> None:
    """A client that sends PATCH or puts a key on POST would work here only."""
    for method, path in (
        ("PATCH", f"crm/Accounts(guid'{account}')"),
        ("POST", f"crm/Accounts(guid'{account}')"),
        ("PUT", "crm/Accounts"),
        ("DELETE", "crm/Accounts"),
    ):
        assert site.call(method, path, json={"Name": "x"}).status_code == 405


def test_an_inactive_currency_is_dropped_without_a_word(site: Site) -> None:
    """A value that Exact silently empties would be written again at every sync."""
    account = site.post("crm/Accounts", Name="Vos", SalesCurrency="ZWL", PurchaseCurrency="USD")
    assert (account["SalesCurrency"], account["PurchaseCurrency"]) == (None, "USD")


def test_the_main_contact_is_chosen_on_the_account(site: Site, account: str) -> None:
    """The only way to choose a main contact could not be tried."""
    contact = site.post("crm/Contacts", Account=account, LastName="Bos", IsMainContact=True)
    assert contact["IsMainContact"] is False
    site.put("crm/Accounts", account, MainContact=contact["ID"])
    assert site.one("crm/Contacts", contact["ID"])["IsMainContact"] is True
    site.delete("crm/Contacts", contact["ID"])
    assert site.one("crm/Accounts", account)["MainContact"] is None
