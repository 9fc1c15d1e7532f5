"""What a body may hold, and what comes back of it."""

import base64
import json
from typing import Any

import pytest

from talk_assets_tests.sandbox.exact.site import DIVISION, Site, message, running

OBJECT_TEXT = "Error processing request stream. The request should be a valid top-level resource object."


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "application/atom+xml"])
def test_a_body_has_to_be_sent_as_json(site: Site, account: str, kind: str) -> None:
    """A client that forgets the header would learn of it from the real Exact only."""
    body = json.dumps({"Account": account, "LastName": "Bos"})
    answer = site.call("POST", "crm/Contacts", content=body, headers={"Content-Type": kind})
    assert (answer.status_code, message(answer)) == (400, OBJECT_TEXT)
    right = site.call("POST", "crm/Contacts", content=body, headers={"Content-Type": "application/json; charset=utf-8"})
    assert right.status_code == 201


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"StartDate": "/Date(99999999999999999)/"}, "StartDate"),
        ({"StartDate": "2024-W05-1"}, "StartDate"),
        ({"StartDate": "20240131"}, "StartDate"),
        ({"SecurityLevel": "1_0"}, "SecurityLevel"),
        ({"SecurityLevel": "٣"}, "SecurityLevel"),
        ({"SecurityLevel": "1e999999999"}, "SecurityLevel"),
        ({"CreditLineSales": "1e400"}, "CreditLineSales"),
        ({"CreditLineSales": "9" * 400}, "CreditLineSales"),
        ({"Logo": "not base64"}, "Logo"),
        ({"Parent": "{11111111-1111-1111-1111-111111111111}"}, "Parent"),
    ],
)
def test_an_odd_value_is_refused(site: Site, values: dict[str, Any], name: str) -> None:
    """A value that no database holds would end the call without a word, or be kept as another one."""
    answer = site.call("POST", "crm/Accounts", json={"Name": "Vos"} | values)
    assert answer.status_code == 400
    assert f"'{name}'" in message(answer)


@pytest.mark.parametrize(
    "body",
    [
        b'{"Name": "\\ud800"}',
        b'{"\\ud800": "x"}',
        b'{"Name": NaN}',
        b'{"CreditLineSales": Infinity, "Name": "x"}',
        b'{"Name": ' + b"[" * 100_000,
        b'{"SecurityLevel": ' + b"9" * 10_000 + b"}",
        b"\xff\xfe",
    ],
)
def test_an_odd_body_is_refused(site: Site, body: bytes) -> None:
    """A broken client would break the server instead of being told."""
    headers = {"Content-Type": "application/json"}
    for accept in ("application/json", "*/*"):
        answer = site.call("POST", "crm/Accounts", content=body, headers=headers | {"Accept": accept})
        assert answer.status_code == 400, answer.text


def test_a_body_may_have_ten_megabytes_without_what_base64_adds() -> None:
    """A picture that Exact takes would be refused here, or one that it refuses be taken."""
    with running(body_bytes=30_000) as site:
        site.log_in()
        logo = base64.b64encode(b"x" * 29_500).decode()
        account = site.post("crm/Accounts", Name="Vos", Logo=logo)
        assert account["Logo"] == logo
        for values in ({"Logo": base64.b64encode(b"x" * 30_100).decode()}, {"Remarks": "x" * 30_000}):
            answer = site.call("POST", "crm/Accounts", json={"Name": "Vos"} | values)
            assert (answer.status_code, message(answer)) == (413, "Maximum request length exceeded.")
        endless = site.call("POST", "crm/Accounts", content=b"x" * 1_000_000)
        assert endless.status_code == 413
        assert len(site.store.list("exact", str(DIVISION), "Accounts")) == 1


def test_a_body_of_megabytes_is_kept_whole(site: Site) -> None:
    """A long remark would be cut without a word."""
    account = site.post("crm/Accounts", Name="Vos", Remarks="lang " * 1_900_000)
    assert len(site.one("crm/Accounts", account["ID"])["Remarks"]) == len("lang " * 1_900_000) - 1


def test_a_picture_is_written_and_never_read(site: Site, account: str) -> None:
    """A sync that compares pictures would send them again for ever."""
    picture = base64.b64encode(b"picture").decode()
    contact = site.post("crm/Contacts", Account=account, LastName="Bos", Picture=picture, PictureName="bos.png")
    assert (contact["Picture"], contact["PictureName"]) == (None, "bos.png")


def test_an_update_answers_with_the_record_when_that_is_preferred(site: Site, account: str) -> None:
    """A client that fills its object from the answer would hold an old one (picqer/exact-php-client)."""
    answer = site.call(
        "PUT", f"crm/Accounts(guid'{account}')", json={"City": "Delft"}, headers={"Prefer": "return=representation"}
    )
    assert answer.status_code == 200
    assert (answer.json()["d"]["City"], answer.json()["d"]["Name"]) == ("Delft", "Vos BV")
    plain = site.put("crm/Accounts", account, City="Gouda")
    assert (plain.status_code, plain.content) == (204, b"")


def test_an_update_may_be_empty(site: Site, account: str) -> None:
    """A client that sends what changed, which can be nothing, would fail."""
    assert site.put("crm/Accounts", account).status_code == 204


def test_empty_collections_that_the_sandbox_does_not_keep_are_ignored(site: Site, account: str, item: str) -> None:
    """A client that sends its whole object back would be refused for collections it never used."""
    made = site.post(
        "crm/Quotations",
        OrderAccount=account,
        QuotationLines=[{"Item": item}],
        QuotationOrderChargeLines=[],
    )
    assert made["QuotationNumber"] == 1
    order = {"OrderedBy": account, "SalesOrderLines": [{"Item": item}]}
    charged = site.call("POST", "salesorder/SalesOrders", json=order | {"SalesOrderOrderChargeLines": [{"Charge": 1}]})
    assert (charged.status_code, message(charged)) == (500, "Niet ondersteund: SalesOrderOrderChargeLines")
    unwrapped = site.post("salesorder/SalesOrders", **order, SalesOrderOrderChargeLines={"results": []})
    assert unwrapped["OrderNumber"] == 1


def test_a_whole_record_can_be_sent_back(site: Site, account: str, item: str) -> None:
    """Clients that read, change one property and send all would be refused for what they only repeat."""
    contact = site.post("crm/Contacts", Account=account, LastName="Bos", BirthDate="1980-02-29")
    row = site.one("crm/Contacts", contact["ID"])
    assert site.put("crm/Contacts", contact["ID"], **row | {"LastName": "Vos"}).status_code == 204
    assert site.one("crm/Contacts", contact["ID"]) == row | {"LastName": "Vos", "FullName": "Vos"}
    for path, key in (("crm/Accounts", account), ("logistics/Items", item)):
        row = site.one(path, key)
        assert site.put(path, key, **row).status_code == 204
        assert site.one(path, key) == row


def test_an_order_can_only_be_given_a_known_approval(site: Site, account: str, item: str) -> None:
    """An order would be approved with a status that means nothing."""
    order = site.post("salesorder/SalesOrders", OrderedBy=account, SalesOrderLines=[{"Item": item}])
    wrong = site.put("salesorder/SalesOrders", order["OrderID"], ApprovalStatus=7)
    assert (wrong.status_code, message(wrong)) == (500, "Ongeldig: ApprovalStatus (7)")
    assert site.put("salesorder/SalesOrders", order["OrderID"], ApprovalStatus=2).status_code == 204
    assert site.one("salesorder/SalesOrders", order["OrderID"])["ApprovalStatusDescription"] == "Approved"


def test_what_nobody_filled_shows_what_exact_shows(site: Site, account: str, item: str) -> None:
    """A client with typed models would find null where Exact has never sent any (exactpy)."""
    row = site.one("crm/Accounts", account)
    assert (row["IsSupplier"], row["CanDropShip"], row["CreditLineSales"], row["SecurityLevel"]) == (
        False,
        False,
        0,
        10,
    )
    assert site.one("logistics/Items", item)["FreeBoolField_01"] is False
    assert len(site.rows("crm/Accounts", filter="IsReseller eq false and SecurityLevel eq 10")) == 1
    assert site.rows("crm/Accounts", filter="Code ne '' and SecurityLevel eq 20") == []
    site.put("crm/Accounts", account, SecurityLevel=20, IsSupplier=True)
    site.put("crm/Accounts", account, IsSupplier=None)
    assert site.one("crm/Accounts", account)["IsSupplier"] is False
    assert len(site.rows("crm/Accounts", filter="Code ne '' and SecurityLevel eq 20")) == 1


@pytest.mark.parametrize(
    "line",
    [
        {"Quantity": 1e300},
        {"UnitPrice": 1e300, "Quantity": 1e300},
        {"UnitPrice": 1e308, "Discount": -1e308, "Quantity": 0},
        {"AmountFC": 1e308, "Quantity": 1e-300},
    ],
)
def test_amounts_beyond_all_measure_are_refused(site: Site, account: str, item: str, line: dict[str, Any]) -> None:
    """A slip of the finger would end the call without a word, or leave an amount that no JSON can hold."""
    order = {"OrderedBy": account, "SalesOrderLines": [{"Item": item} | line]}
    answer = site.call("POST", "salesorder/SalesOrders", json=order)
    assert (answer.status_code, message(answer)) == (500, "Ongeldig: bedrag te groot")
    assert site.rows("salesorder/SalesOrders", filter="OrderNumber ne null") == []
