"""What the app and its user may do, and how a client is told."""

from typing import Any

import pytest

from talk_assets_tests.sandbox.exact.site import Site, message, running

ASK = "users/UserHasRights"


def has_right(site: Site, endpoint: str, action: str = "GET") -> bool:
    answer = site.call("GET", ASK, params={"endpoint": f"'{endpoint}'", "action": f"'{action}'"})
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert shown.keys() == {"d"}
    return bool(shown["d"]["UserHasRights"])


def give(site: Site, kind: str, **wish: Any) -> Any:
    answer = site.http.put(f"/_admin/{kind}", json=wish)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_right_that_is_missing_is_told(account: str, site: Site) -> None:
    """What a client says about a user without rights could not be tried."""
    assert give(site, "rights", Contacts="none")["Contacts"] == "none"
    for method, path in (("GET", "crm/Contacts"), ("GET", "sync/CRM/Contacts"), ("GET", "crm/Contacts/$count")):
        refused = site.call(method, path)
        assert (refused.status_code, message(refused)) == (403, "Forbidden"), path
    refused = site.call("POST", "crm/Contacts", json={"Account": account, "LastName": "Vos"})
    assert refused.status_code == 403
    assert site.one("crm/Accounts", account)["Name"] == "Vos BV"


def test_a_set_without_rights_may_look_empty(account: str, site: Site) -> None:
    """The accident that looks like an empty administration, and must not delete anything, could not be tried."""
    give(site, "rights", Accounts="hidden", Deleted="hidden")
    assert site.rows("crm/Accounts", filter="Name ne 'x'") == []
    assert site.get("crm/Accounts", filter="Name ne 'x'", top=1) == []
    assert site.rows("sync/CRM/Accounts", filter="Timestamp gt 1L") == []
    assert site.rows("bulk/CRM/Accounts", filter="Name ne 'x'", select="ID") == []
    assert site.call("GET", "crm/Accounts/$count", params={"$filter": "Name ne 'x'"}).text == "0"
    assert site.call("GET", f"crm/Accounts(guid'{account}')").status_code == 404
    assert site.call("GET", "crm/Accounts").status_code == 400, "the rules of a read hold all the same"
    assert site.call("POST", "crm/Accounts", json={"Name": "x"}).status_code == 403
    assert site.put("crm/Accounts", account, Name="x").status_code == 403
    other = site.state.add("Items", {"Code": "B", "Description": "b"})
    site.state.remove("Items", other)
    assert site.rows("sync/Deleted", filter="Timestamp gt 1L") == []
    site.http.delete("/_admin/rights")
    assert len(site.rows("crm/Accounts", filter="Name ne 'x'")) == 1
    assert len(site.rows("sync/Deleted", filter="Timestamp gt 1L")) == 1


def test_a_user_may_read_without_writing(account: str, site: Site) -> None:
    """A sync whose every write is refused could not be tried."""
    give(site, "rights", Accounts="read", Quotations="read", Divisions="hidden")
    assert site.one("crm/Accounts", account)["Name"] == "Vos BV"
    assert site.put("crm/Accounts", account, Name="x").status_code == 403
    assert site.delete("crm/Accounts", account).status_code == 403
    assert site.call("POST", "crm/AcceptQuotation", json={"QuotationID": account}).status_code == 403
    assert site.rows("system/Divisions") == []


def test_rights_can_be_asked_for(site: Site) -> None:
    """A client that asks first, as Exact advises, could not be tried."""
    for endpoint, action, expected in (
        ("Logistics/Items", "GET", True),
        ("logistics/Items", "delete", True),
        ("sync/CRM/Accounts", "GET", True),
        ("sync/CRM/Accounts", "POST", False),
        ("payroll/Employees", "GET", True),
        ("payroll/Employees", "POST", False),
        ("crm/AcceptQuotation", "POST", True),
        ("crm/AcceptQuotation", "GET", False),
        ("financial/GLAccounts", "GET", False),
    ):
        assert has_right(site, endpoint, action) is expected, endpoint
    give(site, "rights", Items="read", Accounts="hidden", Contacts="none", Quotations="read")
    assert [has_right(site, "Logistics/Items", action) for action in ("GET", "POST", "PUT", "DELETE")] == [
        True,
        False,
        False,
        False,
    ]
    assert [has_right(site, endpoint) for endpoint in ("crm/Accounts", "crm/Contacts")] == [False, False]
    assert not has_right(site, "crm/AcceptQuotation", "POST")


def test_the_question_has_to_be_whole(site: Site) -> None:
    """A client that leaves out a parameter would take the refusal for a missing right."""
    for params in ({}, {"endpoint": "'crm/Accounts'"}, {"endpoint": "'crm/Accounts'", "action": "'LOOK'"}):
        refused = site.call("GET", ASK, params=params)
        assert (refused.status_code, "endpoint and action" in message(refused)) == (400, True)
    plain = site.call("GET", ASK, params={"endpoint": "'crm/Accounts'", "action": "'GET'"}, headers={"Accept": "*/*"})
    assert plain.headers["Content-Type"].startswith("application/xml")
    assert ">true</UserHasRights>" in plain.text
    give(site, "scopes", **{"organization/administration": None})
    assert site.call("GET", ASK, params={"endpoint": "'crm/Accounts'", "action": "'GET'"}).status_code == 403


def test_scopes_change_while_the_server_runs(site: Site) -> None:
    """A scope that is withdrawn, or granted at last, could not be tried."""
    granted = site.http.get("/_admin/scopes").json()
    assert set(granted.values()) == {"manage"}
    assert set(granted) == {
        "crm/accounts", "crm/quotes", "sales/orders", "logistics/items", "hrm/payroll", "organization/administration",
    }  # fmt: skip
    assert give(site, "scopes", **{"crm/accounts": "read"})["crm/accounts"] == "read"
    assert site.call("GET", "crm/Contacts").status_code == 200
    assert "manage 'crm.accounts'" in message(site.call("POST", "crm/Contacts", json={}))
    give(site, "scopes", **{"crm/accounts": None})
    assert "read 'crm.accounts'" in message(site.call("GET", "crm/Contacts"))
    assert site.http.delete("/_admin/scopes").json() == granted
    assert site.call("GET", "crm/Contacts").status_code == 200


def test_rights_and_scopes_are_configured() -> None:
    """A server could not begin without a right."""
    with running(rights={"Items": "none"}, scopes={"logistics/items": "read", "crm/accounts": "manage"}) as site:
        site.log_in()
        assert site.call("GET", "logistics/Items").status_code == 403
        assert site.http.get("/_admin/rights").json()["Items"] == "none"
        give(site, "rights", Items="manage")
        assert site.call("GET", "logistics/Items", params={"$filter": "Code eq 'x'"}).status_code == 200
        assert site.http.delete("/_admin/rights").json()["Items"] == "none"
        assert site.http.delete("/_admin/scopes").json()["crm/quotes"] is None


@pytest.mark.parametrize(
    ("kind", "wish"),
    [
        ("rights", {"Nothing": "read"}),
        ("rights", {"Items": "some"}),
        ("rights", {"Items": None}),
        ("scopes", {"crm/nothing": "read"}),
        ("scopes", {"crm/accounts": "hidden"}),
        ("scopes", {"crm/accounts": ["read"]}),
    ],
)
def test_a_mistake_is_named(site: Site, kind: str, wish: dict[str, Any]) -> None:
    """A test would believe that it took a right away."""
    before = site.http.get(f"/_admin/{kind}").json()
    refused = site.http.put(f"/_admin/{kind}", json=wish)
    assert (refused.status_code, "there is no" in refused.json()["error"]) == (400, True)
    assert site.http.get(f"/_admin/{kind}").json() == before
