"""The admin routes, faults on order, and the Python way to fill an administration."""

import time
from datetime import UTC, date, datetime

import httpx
import pytest

from talk_assets.sandbox.exact.errors import Refused
from talk_assets_tests.sandbox.exact.site import DIVISION, Site, message, running


def admin(site: Site, method: str, path: str, **values: object) -> httpx.Response:
    return site.http.request(method, f"/_admin/{path}", json=values or None)


def test_a_person_edits_what_the_api_cannot(site: Site, account: str, item: str) -> None:
    """Statuses, prices and employees could never change, so half of the flows could not be tried."""
    made = admin(site, "POST", f"{DIVISION}/Employees", LastName="Bos", BirthDate="1980-02-03")
    assert made.status_code == 201
    employee = made.json()["key"]
    assert made.json()["values"]["BirthDate"] == "1980-02-03T00:00:00"
    assert site.one("payroll/Employees", employee)["BirthDate"] == "/Date(318384000000)/"
    key = site.state.add_document("Quotations", {"OrderAccount": account}, [{"Item": item}])
    edited = admin(site, "PUT", f"{DIVISION}/Quotations/{key}", Status=50, modified="2024-06-01T08:00:00+02:00")
    assert edited.status_code == 200
    shown = site.one("crm/Quotations", key)
    assert (shown["Status"], shown["Modified"]) == (50, "/Date(1717228800000)/")
    admin(site, "PUT", f"{DIVISION}/Items/{item}", StandardSalesPrice=12.5)
    assert site.one("logistics/Items", item)["StandardSalesPrice"] == 12.5
    assert admin(site, "DELETE", f"{DIVISION}/Employees/{employee}").status_code == 204
    assert admin(site, "GET", f"{DIVISION}/Employees").json() == {"items": []}
    assert admin(site, "GET", f"{DIVISION}/Employees/{employee}").status_code == 403


def test_a_person_makes_documents_with_lines(site: Site, account: str, item: str) -> None:
    """Documents that begin in Exact could not be tried."""
    made = admin(
        site, "POST", f"{DIVISION}/SalesOrders", OrderedBy=account, SalesOrderLines=[{"Item": item}], Status=20
    )
    assert made.json()["values"]["Status"] == 20
    lines = admin(site, "GET", f"{DIVISION}/SalesOrderLines").json()["items"]
    assert [line["values"]["OrderID"] for line in lines] == [made.json()["key"]]
    assert lines[0]["timestamp"] > 1


def test_admin_says_what_is_wrong(site: Site, account: str) -> None:
    """A mistake in a test's preparation would go unnoticed."""
    for method, path, values, status in (
        ("POST", f"{DIVISION}/Nothing", {"Name": "x"}, 404),
        ("POST", "999/Accounts", {"Name": "x"}, 404),
        ("POST", f"{DIVISION}/Accounts", {"Nonsense": "x"}, 400),
        ("POST", f"{DIVISION}/Accounts", {"Phone": "x"}, 422),
        ("POST", f"{DIVISION}/Accounts", {"Name": "x", "modified": "2024-01-01"}, 400),
        ("POST", f"{DIVISION}/Accounts", {"Name": "x", "modified": 5}, 400),
        ("PUT", f"{DIVISION}/Accounts/{account}", {"Country": "Holland"}, 422),
        ("POST", "faults", {"nonsense": 1}, 400),
        ("POST", "faults", {"path": "("}, 400),
    ):
        answer = site.http.request(method, f"/_admin/{path}", json=values)
        assert (answer.status_code, bool(answer.json()["error"])) == (status, True), path
    for body in (b"nonsense", b"[]"):
        assert site.http.post(f"/_admin/{DIVISION}/Accounts", content=body).status_code == 400


def test_admin_is_absent_unless_configured() -> None:
    """Anyone who reaches the port could edit records without a token."""
    with running(admin=False) as site:
        for path in ("calls", "clock", "divisions", "faults", "rights", "scopes", "webhooks"):
            assert site.http.get(f"/_admin/{path}").status_code == 404
        assert site.http.get(f"/_admin/{DIVISION}/Accounts").status_code == 404


def test_a_fault_strikes_as_often_as_ordered(site: Site, account: str) -> None:
    """Behaviour under faults could not be tried."""
    site.fault(method="PUT", path="crm/Accounts", status=503, message="Onderhoud", times=2)
    for _ in range(2):
        answer = site.put("crm/Accounts", account, Name="x")
        assert (answer.status_code, message(answer)) == (503, "Onderhoud")
    assert site.call("GET", f"crm/Accounts(guid'{account}')").status_code == 200
    assert site.put("crm/Accounts", account, Name="x").status_code == 204
    assert admin(site, "GET", "faults").json()[0]["hits"] == 2
    assert site.http.delete("/_admin/faults").json() == []


def test_a_fault_can_be_meant_for_one_record(site: Site, account: str) -> None:
    """One failing record among many could not be tried."""
    other = site.state.add("Accounts", {"Name": "Ander"})
    site.fault(path="crm/Accounts", match={"Name": "Vos BV"}, times=None, status=500, message="Verplicht: Serie")
    assert site.put("crm/Accounts", other, Phone="1").status_code == 204
    for _ in range(2):
        assert site.put("crm/Accounts", account, Phone="1").status_code == 500
    assert site.call("POST", "crm/Accounts", json={"Name": "Vos BV"}).status_code == 500
    assert site.call("POST", "crm/Accounts", json={"Name": "Bos BV"}).status_code == 201


def test_a_fault_can_come_after_the_write(site: Site) -> None:
    """A lost answer to a create, which leads to duplicates, could not be tried."""
    site.fault(method="POST", path="crm/Accounts", status=502, after=True)
    assert site.call("POST", "crm/Accounts", json={"Name": "Toch"}).status_code == 502
    assert len(site.rows("crm/Accounts", filter="Name eq 'Toch'")) == 1


def test_a_fault_can_have_any_body_and_headers_or_only_delay(site: Site) -> None:
    """Answers of another shape than documented, and time-outs, could not be tried."""
    site.fault(path="crm/Contacts", status=429, body={"odd": 1}, headers={"Reason": "BlockedUser"})
    answer = site.call("GET", "crm/Contacts")
    assert (answer.status_code, answer.json(), answer.headers["Reason"]) == (429, {"odd": 1}, "BlockedUser")
    site.fault(path="crm/Contacts", status=None, delay=0.2)
    began = time.monotonic()
    assert site.call("GET", "crm/Contacts").status_code == 200
    assert time.monotonic() - began >= 0.2


def test_the_token_address_can_fail_too(site: Site) -> None:
    """A token call that is carried out without its answer arriving could not be tried."""
    site.clock.advance(seconds=600)
    site.fault(path="oauth2/token", status=500, message="down")
    assert site.token(grant_type="refresh_token", refresh_token="x").json() == {"error": "down"}
    site.fault(path="oauth2/token", status=None, delay=0.01)
    assert site.token(grant_type="refresh_token", refresh_token="first-refresh").status_code == 400
    with running() as fresh:
        fresh.fault(path="oauth2/token", status=502, after=True)
        assert fresh.token(grant_type="refresh_token", refresh_token="first-refresh").status_code == 502
        assert fresh.token(grant_type="refresh_token", refresh_token="first-refresh").status_code == 400


def test_calls_are_counted_per_method_and_path(site: Site, account: str) -> None:
    """A sync that is quiet but chatty would not be noticed."""
    site.http.delete("/_admin/calls")
    site.one("crm/Accounts", account)
    site.one("crm/Accounts", account)
    site.put("crm/Accounts", account, Name="x")
    site.token(grant_type="refresh_token", refresh_token="x")
    counted = site.http.get("/_admin/calls").json()
    root = f"/api/v1/{DIVISION}/crm/Accounts(key)"
    assert counted == {
        "total": 4,
        "calls": {f"GET {root}": 2, f"PUT {root}": 1, "POST /api/oauth2/token": 1},
    }


def test_a_document_line_is_added_from_python_too(site: Site, account: str, item: str) -> None:
    """Made-up data would lack lines or totals."""
    moment = datetime(2023, 3, 4, 5, 6, 7, tzinfo=UTC)
    key = site.state.add_document(
        "Quotations",
        {"OrderAccount": account, "QuotationDate": date(2023, 3, 4), "DueDate": datetime(2023, 4, 4)},  # noqa: DTZ001
        [{"Item": item}],
        key="22222222-2222-2222-2222-222222222222",
        modified=moment,
    )
    assert key == "22222222-2222-2222-2222-222222222222"
    site.state.add("QuotationLines", {"QuotationID": key, "Item": item}, modified=moment)
    stored = site.state.get("Quotations", key)
    assert stored.modified == stored.created == "2023-03-04T05:06:07.000000+00:00"
    assert (stored.body["QuotationDate"], stored.body["DueDate"]) == ("2023-03-04T00:00:00", "2023-04-04T00:00:00")
    assert stored.body["AmountFC"] == 20


def test_python_is_told_of_mistakes_as_well(site: Site, account: str) -> None:
    """The seeding of made-up data could build what Exact never holds."""
    with pytest.raises(Refused, match="no property 'Naam'"):
        site.state.add("Accounts", {"Naam": "x"})
    with pytest.raises(Refused, match="Verplicht: QuotationLines"):
        site.state.add("Quotations", {"OrderAccount": account})
    with pytest.raises(Refused, match="'StartDate'"):
        site.state.add("Accounts", {"Name": "x", "StartDate": datetime(2024, 1, 1, tzinfo=UTC)})
