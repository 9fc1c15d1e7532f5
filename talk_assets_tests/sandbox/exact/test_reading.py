"""Reads of the ordinary and bulk sets."""

from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest

from talk_assets_tests.sandbox.exact.site import DIVISION, Site, message, running

MANDATORY = ("crm/Accounts", "logistics/Items", "salesorder/SalesOrders", "salesorder/SalesOrderLines")
FREE = ("crm/Contacts", "crm/Quotations", "crm/QuotationLines", "payroll/Employees")


def milliseconds(moment: datetime) -> str:
    """A wall-clock time, printed as if it were UTC."""
    return f"/Date({int(moment.replace(tzinfo=UTC).timestamp() * 1000)})/"


@pytest.mark.parametrize("path", MANDATORY)
def test_four_sets_need_a_listed_property_in_the_filter(site: Site, path: str) -> None:
    """A plain list would work here and be refused by the real Exact."""
    refused = site.call("GET", path)
    assert refused.status_code == 400
    assert message(refused).startswith("This endpoint has mandatory filtering applied. A GET request for this endpoint")
    key = {"SalesOrders": "OrderID"}.get(path.rpartition("/")[2], "ID")
    assert key in message(refused).rstrip(".").rpartition("url:")[2].split(",")
    assert site.call("GET", f"{path}/$count").text == "0"
    assert site.get(path, filter=f"{key} ne null") == {"results": []}


def test_only_listed_properties_satisfy_the_filter(site: Site) -> None:
    """A sync of order lines by Modified would be planned although Exact does not take it."""
    assert site.get("crm/Accounts", filter="Modified gt datetime'2024-01-01'") == {"results": []}
    assert site.call("GET", "crm/Accounts", params={"$filter": "Website eq 'x'"}).status_code == 400
    lines = site.call("GET", "salesorder/SalesOrderLines", params={"$filter": "Quantity gt 1"})
    assert lines.status_code == 400


@pytest.mark.parametrize("path", FREE)
def test_the_other_sets_list_without_a_filter(site: Site, path: str) -> None:
    """Reads that Exact allows would fail here."""
    assert site.get(path) == {"results": []}


def test_pages_hold_sixty_rows_and_link_to_the_next(site: Site, account: str) -> None:
    """A client that reads only the first page would take the rest for deleted."""
    keys = {site.state.add("Contacts", {"Account": account, "LastName": f"N{n:03}"}) for n in range(130)}
    page = site.get("crm/Contacts", select="ID")
    assert len(page["results"]) == 60
    assert page["__next"].startswith(f"{site.address}/api/v1/{DIVISION}/crm/Contacts?$select=ID&$skiptoken=guid'")
    assert {row["ID"] for row in site.rows("crm/Contacts", select="ID")} == keys
    named = site.rows("crm/Contacts", select="LastName", filter="LastName ge 'N100'")
    assert sorted(row["LastName"] for row in named) == [f"N{n}" for n in range(100, 130)]


def test_a_full_last_page_is_followed_by_an_empty_one(site: Site, account: str) -> None:
    """A client that trips over an empty page would fail once in sixty reads."""
    for n in range(60):
        site.state.add("Contacts", {"Account": account, "LastName": str(n)})
    page = site.get("crm/Contacts", select="ID")
    assert site.http.get(page["__next"]).json() == {"d": {"results": []}}


def test_top_gives_a_bare_array(site: Site, account: str) -> None:
    """A client that expects `results` would fail on the first look-up."""
    for n in range(3):
        site.state.add("Contacts", {"Account": account, "LastName": str(n)})
    rows = site.get("crm/Contacts", top="2", select="LastName")
    assert isinstance(rows, list)
    assert len(rows) == 2
    assert site.get("crm/Contacts", top="0") == []
    assert site.call("GET", "crm/Contacts", params={"$top": "x"}).status_code == 400


def test_a_top_above_the_page_is_read_in_pages(site: Site, account: str) -> None:
    """Rows beyond the page would be lost without a sign."""
    for n in range(100):
        site.state.add("Contacts", {"Account": account, "LastName": str(n)})
    page = site.get("crm/Contacts", top="70", select="ID")
    assert len(page["results"]) == 60
    last = site.http.get(page["__next"]).json()["d"]
    assert len(last["results"]) == 10
    assert "__next" not in last


def test_rows_can_be_counted(site: Site, account: str) -> None:
    """Checks of completeness could not be tried."""
    for n in range(61):
        site.state.add("Contacts", {"Account": account, "LastName": str(n)})
    count = site.http.get(f"/api/v1/{DIVISION}/crm/Contacts/$count", headers={"Accept": ""})
    assert (count.text, count.headers["content-type"]) == ("61", "text/plain;charset=utf-8")
    page = site.get("crm/Contacts", inlinecount="allpages", filter="LastName eq '7'", select="ID")
    assert (page["__count"], len(page["results"])) == ("1", 1)
    assert site.get("crm/Contacts", inlinecount="allpages", top="1")["__count"] == "61"


def test_rows_can_be_sorted_across_pages(site: Site, account: str) -> None:
    """A list for people would come in any order, or repeat rows on its second page."""
    for n in range(70):
        site.state.add("Contacts", {"Account": account, "LastName": f"N{n % 35:02}", "FirstName": f"{n:02}"})
    rows = site.rows("crm/Contacts", orderby="LastName desc,FirstName", select="LastName,FirstName")
    names = [(row["LastName"], row["FirstName"]) for row in rows]
    assert names == sorted(sorted(names, key=lambda name: name[1]), key=lambda name: name[0], reverse=True)
    assert len(set(names)) == 70


def test_select_shows_the_named_properties_only(site: Site, account: str) -> None:
    """A mistyped property name would silently come back empty."""
    row = site.get(f"crm/Accounts(guid'{account}')", select="Name,Code")
    assert set(row) == {"__metadata", "Name", "Code"}
    wrong = site.call("GET", "crm/Contacts", params={"$select": "Name"})
    assert (wrong.status_code, "'Name'" in message(wrong)) == (400, True)
    assert set(site.get(f"crm/Accounts(guid'{account}')", select="*")) > {"Name", "Website", "BankAccounts"}


def test_a_record_shows_all_its_properties(site: Site, account: str) -> None:
    """A feed could not tell an empty property from one that is gone."""
    row = site.one("crm/Accounts", account)
    assert row["__metadata"] == {
        "uri": f"{site.address}/api/v1/{DIVISION}/crm/Accounts(guid'{account}')",
        "type": "Exact.Web.Api.Models.Account",
    }
    assert row["Phone"] is None
    assert row["BankAccounts"] == {"__deferred": {"uri": f"{row['__metadata']['uri']}/BankAccounts"}}
    assert site.http.get(row["BankAccounts"]["__deferred"]["uri"]).json() == {"d": {"results": []}}
    assert "Timestamp" not in row


def test_fixed_width_codes_come_back_padded(site: Site) -> None:
    """Untrimmed codes would look like changes, or match nothing."""
    account = site.post(
        "crm/Accounts", Name="Vos", Country="NL", State="ZH", Language="NL", SalesVATCode="2", PurchaseVATCode="1"
    )
    assert account["Code"] == "                 1"
    assert (account["Country"], account["State"], account["Language"]) == ("NL ", "ZH ", "NL        ")
    assert (account["SalesVATCode"], account["PurchaseVATCode"]) == ("2  ", "1  ")
    item = site.post("logistics/Items", Code="A1", Description="Ding", Unit="hour", SalesVatCode="2")
    assert (item["Code"], item["Unit"], item["SalesVatCode"]) == ("A1", "hour    ", "2  ")
    contact = site.post("crm/Contacts", Account=account["ID"], LastName="Bos")
    assert (contact["Code"], contact["Country"], contact["AccountName"]) == ("                 1", "NL ", "Vos")


def test_an_account_is_found_by_its_padded_code_only(site: Site) -> None:
    """A look-up by the bare code would succeed here and find nothing in the real Exact."""
    site.post("crm/Accounts", Name="Vos", Code="28")
    assert site.get("crm/Accounts", filter="Code eq '28'", select="Name") == {"results": []}
    padded = "28".rjust(18)
    assert [row["Name"] for row in site.rows("crm/Accounts", filter=f"Code eq '{padded}'")] == ["Vos"]
    assert [row["Name"] for row in site.rows("crm/Accounts", filter="trim(Code) eq '28'")] == ["Vos"]


def test_records_are_found_by_stored_and_by_computed_values(site: Site, account: str, item: str) -> None:
    """A look-up after a crash would miss the record that was created, and create it twice."""
    contact = site.post("crm/Contacts", Account=account, FirstName="Jo", MiddleName="de", LastName="Boer")
    assert contact["FullName"] == "Jo de Boer"
    for found in (
        f"ID eq guid'{contact['ID']}'",
        f"Account eq guid'{account}' and LastName eq 'Boer'",
        "FullName eq 'Jo de Boer'",
        "AccountName eq 'Vos BV'",
        f"HID eq {contact['HID']}",
    ):
        assert [row["ID"] for row in site.rows("crm/Contacts", filter=found)] == [contact["ID"]], found
    assert site.get("crm/Contacts", filter=f"Account eq guid'{item}'") == {"results": []}
    assert site.get("crm/Contacts", filter=f"ID eq guid'{item}'") == {"results": []}
    assert site.get("crm/Contacts", filter="LastName eq ''") == {"results": []}


def test_times_are_the_local_clock_printed_as_utc(site: Site, account: str) -> None:
    """Created and Modified would be one or two hours off, and the wrong edit would win."""
    row = site.one("crm/Accounts", account)
    assert row["Modified"] == row["Created"] == milliseconds(datetime(2024, 7, 1, 12, 0, 5))  # noqa: DTZ001
    site.clock.now = datetime(2024, 12, 1, 10, 0, 0, 250_000, tzinfo=UTC)
    site.state.edit("Accounts", account, {"Name": "Vos"})
    site.clock.advance(minutes=1)
    winter = site.state.reader().value(site.state.get("Accounts", account), "Modified")
    assert winter == "2024-12-01T11:00:00.250"


@pytest.mark.parametrize("text", ["2016-02-18", "2016-02-18T00:00:00", "02/18/2016 00:00:00", "2016-02-18T00:00:00Z"])
def test_a_date_comes_back_as_midnight_utc(site: Site, account: str, text: str) -> None:
    """A birthday would move by a day."""
    contact = site.post("crm/Contacts", Account=account, LastName="Bos", BirthDate=text)
    assert contact["BirthDate"] == "/Date(1455753600000)/"
    found = site.get("crm/Contacts", filter="BirthDate eq datetime'2016-02-18'", select="ID")
    assert [row["ID"] for row in found["results"]] == [contact["ID"]]


def test_lines_are_deferred_or_expanded(site: Site, account: str, item: str) -> None:
    """Lines would be taken for missing."""
    key = site.state.add_document("Quotations", {"OrderAccount": account}, [{"Item": item}, {"Item": item}])
    row = site.one("crm/Quotations", key)
    deferred = row["QuotationLines"]["__deferred"]["uri"]
    lines = site.http.get(deferred).json()["d"]["results"]
    assert [line["LineNumber"] for line in lines] == [1, 2]
    expanded = site.get("crm/Quotations", expand="QuotationLines", select="QuotationNumber,QuotationLines/LineNumber")
    assert [set(line) for line in expanded["results"][0]["QuotationLines"]["results"]] == [
        {"__metadata", "LineNumber"},
        {"__metadata", "LineNumber"},
    ]
    whole = site.get(f"crm/Quotations(guid'{key}')", expand="QuotationLines")
    assert whole["QuotationLines"]["results"][0]["ItemDescription"] == "Ding"
    assert site.call("GET", "crm/Quotations", params={"$expand": "Lines"}).status_code == 400
    assert site.call("GET", "crm/Quotations", params={"$select": "QuotationLines/Item"}).status_code == 400


def test_bulk_sets_need_select_and_give_a_thousand_rows() -> None:
    """A bulk read without its rules would fail on the real Exact only."""
    with running(large_page_size=5) as site:
        site.log_in()
        for n in range(12):
            site.state.add("Items", {"Code": str(n), "Description": "x"})
        wanted = {"$filter": "Code ne ''"}
        assert site.call("GET", "bulk/Logistics/Items", params=wanted).status_code == 400
        assert site.call("GET", "bulk/Logistics/Items", params={"$select": "Code"}).status_code == 400
        page = site.get("bulk/Logistics/Items", select="Code", filter="Code ne ''")
        assert len(page["results"]) == 5
        assert len(site.rows("bulk/Logistics/Items", select="Code", filter="Code ne ''")) == 12
        assert site.call("GET", "bulk/Payroll/Employees", params={"$select": "ID"}).status_code == 404
        assert site.call("POST", "bulk/Logistics/Items", json={}).status_code == 405


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("crm/accounts", 404),
        ("crm/Nothing", 404),
        ("crm/Contacts('x')", 400),
        ("crm/Contacts(11111111-1111-1111-1111-111111111111)", 400),
        ("crm/Contacts(guid'nonsense')", 400),
        ("crm/Contacts(guid'11111111-1111-1111-1111-111111111111')", 404),
        ("crm/Contacts(guid'11111111-1111-1111-1111-111111111111')/LastName", 404),
        ("crm/Contacts/Nonsense", 404),
        ("crm/Contacts?$skip=x", 400),
        ("crm/Contacts?$skiptoken=5x", 400),
        ("crm/Contacts?$orderby=Nonsense", 400),
        ("crm/Contacts?$inlinecount=some", 400),
    ],
)
def test_a_wrong_address_is_refused(site: Site, path: str, status: int) -> None:
    """A mistake in an address would give an empty list."""
    assert site.call("GET", path).status_code == status


def test_me_tells_who_and_which_clock(site: Site) -> None:
    """The check before any work starts, and the clock's offset, could not be tried."""
    rows = site.http.get("/api/v1/current/Me").json()["d"]["results"]
    assert len(rows) == 1
    assert rows[0]["CurrentDivision"] == DIVISION
    assert rows[0]["ServerUtcOffset"] == 7200
    assert rows[0]["ServerTime"] == milliseconds(datetime(2024, 7, 1, 12, 0, 5))  # noqa: DTZ001
    only = site.http.get("/api/v1/current/Me", params={"$select": "CurrentDivision"}).json()["d"]["results"][0]
    assert set(only) == {"__metadata", "CurrentDivision"}
    assert site.http.post("/api/v1/current/Me").status_code == 405


def test_divisions_can_be_filtered(site: Site) -> None:
    """A person could not choose the administration."""
    rows = site.rows("system/Divisions", filter="Code eq 222", select="Code,Description,Current")
    assert [(row["Code"], row["Description"], row["Current"]) for row in rows] == [(222, "Tweede BV", False)]
    ordered = site.rows("system/Divisions", orderby="Code", select="Code")
    assert [row["Code"] for row in ordered] == [222, DIVISION]


def test_without_a_json_accept_header_xml_comes_back(site: Site, account: str) -> None:
    """A client that forgets the header would get JSON here and XML from the real Exact."""
    plain = {"Accept": "*/*"}
    path = f"/api/v1/{DIVISION}/crm/Accounts"
    name = "{http://schemas.microsoft.com/ado/2007/08/dataservices}Name"
    one = site.http.get(f"{path}(guid'{account}')", headers=plain)
    assert one.headers["content-type"].startswith("application/atom+xml")
    assert [element.text for element in ElementTree.fromstring(one.text).iter(name)] == ["Vos BV"]
    many = site.http.get(path, params={"$filter": "Name ne ''"}, headers=plain)
    assert [element.text for element in ElementTree.fromstring(many.text).iter(name)] == ["Vos BV"]
    wrong = site.http.get(path, headers=plain)
    assert "mandatory filtering" in (ElementTree.fromstring(wrong.text)[1].text or "")
    assert site.http.get(path, params={"$filter": "Name ne ''", "$format": "json"}, headers=plain).json()["d"]
