"""Query options, as clients in use write them: paging, selecting, expanding, counting."""

import httpx
import pytest

from talk_assets_tests.sandbox.exact.site import DIVISION, Site, message, running

SELECT_NEEDED = "Please add a $select or a $top=1 statement to the query string."


@pytest.fixture
def quotation(site: Site, account: str, item: str) -> str:
    return site.state.add_document("Quotations", {"OrderAccount": account}, [{"Item": item}] * 70)


def test_old_sets_skip_and_younger_ones_do_not(site: Site, account: str) -> None:
    """A client that pages by $skip could not be tried, or would be trusted where Exact refuses it."""
    for n in range(70):
        site.state.add("Contacts", {"Account": account, "LastName": f"N{n:02}"})
    page = site.get("crm/Contacts", orderby="LastName", select="LastName", skip="5")
    assert [row["LastName"] for row in page["results"]][::59] == ["N05", "N64"]
    assert "$skip=" not in page["__next"]
    following = site.http.get(page["__next"]).json()["d"]["results"]
    assert [row["LastName"] for row in following] == [f"N{n}" for n in range(65, 70)]
    bare = site.get("crm/Contacts", orderby="LastName", skip="68", top="10")
    assert [row["LastName"] for row in bare] == ["N68", "N69"]
    assert site.get("crm/Contacts", skip="70", select="ID") == {"results": []}
    counted = site.get("crm/Contacts", skip="68", inlinecount="allpages", select="ID")
    assert (counted["__count"], len(counted["results"])) == ("70", 2)
    for path in ("sync/CRM/Contacts", "bulk/CRM/Contacts"):
        assert site.call("GET", path, params={"$select": "ID", "$skip": "5"}).status_code == 400


def test_a_bounded_read_is_followed_to_its_end(site: Site, account: str) -> None:
    """A client would lose rows beyond the page, or stop at a page of another shape than the first."""
    for n in range(130):
        site.state.add("Contacts", {"Account": account, "LastName": f"N{n:03}"})
    for top, sizes in (("100", [60, 40]), ("120", [60, 60]), ("500", [60, 60, 10])):
        page = site.get("crm/Contacts", top=top, select="ID")
        pages = [len(page["results"])]
        while "__next" in page:
            page = site.http.get(page["__next"]).json()["d"]
            pages.append(len(page["results"]))
        assert pages == sizes, top


def test_an_empty_skiptoken_begins_at_the_beginning(site: Site, item: str) -> None:
    """Taps that keep the token of their last row send an empty one at first (tap-exactonline)."""
    rows = site.rows("sync/Logistics/Items", skiptoken="", select="ID,Timestamp")
    assert [row["ID"] for row in rows] == [item]
    assert site.rows("sync/Logistics/Items", skiptoken=f"{rows[0]['Timestamp']}L") == []


@pytest.mark.parametrize("path", ["bulk/CRM/Contacts", "bulk/CRM/Quotations", "bulk/CRM/QuotationLines"])
def test_bulk_sets_say_that_they_need_a_select(site: Site, path: str) -> None:
    """The refusal that people meet would have another text than the one they can look up."""
    refused = site.call("GET", path)
    assert (refused.status_code, message(refused)) == (400, SELECT_NEEDED)
    assert site.get(path, top="1") == []
    assert site.get(path, select="*") == {"results": []}
    assert site.call("GET", f"{path}/$count").text == "0"


def test_a_missing_filter_is_told_with_the_properties_that_would_do(site: Site) -> None:
    """A client that reads the list out of the message would read something else from Exact."""
    text = message(site.call("GET", "crm/Accounts"))
    assert text.startswith(
        "This endpoint has mandatory filtering applied. A GET request for this endpoint must have a $filter parameter "
        "with one of the following fields in the url:Accountant,AccountManager,AddressLine1,"
    )
    assert text.endswith(",Status,Type,VATNumber.")
    assert len(text.partition("url:")[2].split(",")) == 47


def test_select_takes_a_star_beside_other_names(site: Site, quotation: str) -> None:
    """A client that names lines beside everything else could not read documents."""
    row = site.get(
        f"crm/Quotations(guid'{quotation}')", select="*, QuotationLines/Item", expand="QuotationLines"
    )  # fmt: skip
    assert row["QuotationNumber"] == 1
    assert {tuple(line) for line in row["QuotationLines"]["results"]} == {("__metadata", "Item")}
    assert site.call("GET", "crm/Contacts", params={"$select": ""}).status_code == 400


def test_any_collection_expands(site: Site, quotation: str) -> None:
    """A client that expands all it knows of would be refused for the collections that are empty here."""
    both = site.get(
        f"crm/Quotations(guid'{quotation}')", expand="QuotationLines, QuotationOrderChargeLines"
    )  # fmt: skip
    assert len(both["QuotationLines"]["results"]) == 70
    assert both["QuotationOrderChargeLines"] == {"results": []}
    accounts = site.rows("crm/Accounts", filter="Name ne ''", expand="BankAccounts", select="ID,BankAccounts/IBAN")
    assert [account["BankAccounts"] for account in accounts] == [{"results": []}]
    hidden = site.get(f"crm/Quotations(guid'{quotation}')", expand="QuotationLines", select="QuotationNumber")
    assert set(hidden) == {"__metadata", "QuotationNumber"}
    for wrong in ("Name", "Nonsense", ""):
        assert site.call("GET", "crm/Quotations", params={"$expand": wrong}).status_code == 400


def test_the_lines_behind_a_link_come_in_pages_and_can_be_filtered(site: Site, quotation: str) -> None:
    """Lines after the sixtieth would be taken for removed."""
    path = f"crm/Quotations(guid'{quotation}')/QuotationLines"
    page = site.get(path, select="LineNumber")
    assert len(page["results"]) == 60
    assert [row["LineNumber"] for row in site.rows(path, select="LineNumber")] == list(range(1, 71))
    assert [row["LineNumber"] for row in site.get(path, filter="LineNumber gt 10", top="2")] == [11, 12]
    assert [row["LineNumber"] for row in site.get(path, orderby="LineNumber desc", top="1")] == [70]
    assert site.get(path, inlinecount="allpages", filter="LineNumber le 3")["__count"] == "3"


@pytest.mark.parametrize("text", ["LastName desc", "LastName  desc , FirstName", "LastName asc"])
def test_orderby_may_be_spaced(site: Site, text: str) -> None:
    """A query that Exact takes would fail here."""
    assert site.get("crm/Contacts", orderby=text) == {"results": []}


@pytest.mark.parametrize("text", ["LastName descending", "LastName asc desc", "", "LastName,"])
def test_a_wrong_orderby_is_refused(site: Site, text: str) -> None:
    """Rows would come in any order without a word."""
    assert site.call("GET", "crm/Contacts", params={"$orderby": text}).status_code == 400


def test_deletions_can_be_counted(site: Site) -> None:
    """A check that all deletions were read could not be tried."""
    with running(large_page_size=2) as site:
        site.log_in()
        for n in range(5):
            site.delete("logistics/Items", site.state.add("Items", {"Code": str(n), "Description": "x"}))
        page = site.get("sync/Deleted", inlinecount="allpages", filter="EntityType eq 9 and Timestamp gt 1L")
        assert (page["__count"], len(page["results"])) == ("5", 2)


def test_a_filter_has_its_own_texts(site: Site) -> None:
    """A client that tells refusals apart by their words would not meet the real ones."""
    for text, said in (
        ("", "This $filter parameter is not supported for this resource"),
        ("FullName", "This $filter parameter is not supported for this resource"),
        ("Account/Name eq 'x'", "Filtering on these fields is not supported: Account/Name"),
    ):
        refused = site.call("GET", "crm/Contacts", params={"$filter": text})
        assert (refused.status_code, message(refused)) == (400, said)


def test_a_filter_may_be_long_but_not_deep(site: Site, account: str) -> None:
    """A look-up of many keys at once would break the server, or a loop of brackets would stop it."""
    contact = site.state.add("Contacts", {"Account": account, "LastName": "Bos"})
    ids = " or ".join([f"HID eq {n}" for n in range(300)] + [f"ID eq guid'{contact}'"])
    assert [row["ID"] for row in site.rows("crm/Contacts", filter=ids, select="ID")] == [contact]
    flat = " and ".join(["ID ne null"] * 300)
    assert len(site.rows("crm/Contacts", filter=flat)) == 1
    nested = f"{'(' * 60}LastName eq 'Bos'{')' * 60}"
    assert len(site.rows("crm/Contacts", filter=nested)) == 1
    for text in ("(" * 900, "not " * 900 + "true", f"{'trim(' * 400}LastName{')' * 400} eq 'Bos'"):
        assert site.call("GET", "crm/Contacts", params={"$filter": text}).status_code == 400


def test_addresses_are_as_long_as_6000_characters(site: Site) -> None:
    """A query that the real server cuts off would work here."""
    start = len(f"{site.address}/api/v1/{DIVISION}/crm/Contacts?$filter=LastName eq ''".replace(" ", "%20"))
    fits = f"LastName eq '{'x' * (6000 - start)}'"
    assert site.http.get(f"/api/v1/{DIVISION}/crm/Contacts?$filter={fits}").status_code == 200
    long = site.http.get(f"/api/v1/{DIVISION}/crm/Contacts?$filter={fits.replace('x', 'xx', 1)}")
    assert long.status_code == 414
    assert "6000" in message(long)


@pytest.mark.parametrize(
    "text",
    [
        "Modified gt datetime'2024-01-01'",
        "Modified gt datetime'2024-01-01T00:00:00.000000Z'",
        "ID ne guid '11111111-1111-1111-1111-111111111111'",
        "trim(LastName) eq 'Bos' and (startswith(LastName,'B') eq true)",
    ],
)
def test_literals_are_read_as_clients_write_them(site: Site, account: str, text: str) -> None:
    """Clients that work with the real Exact would not work here (tap-exact, exactpy)."""
    site.state.add("Contacts", {"Account": account, "LastName": "Bos"})
    assert len(site.rows("crm/Contacts", filter=text)) == 1


def test_doubled_slashes_and_a_language_are_borne(site: Site, item: str) -> None:
    """Clients that put addresses together carelessly, or ask for a language, would fail here only (tap-exact)."""
    answer = site.http.get(
        f"/api/v1/{DIVISION}//logistics/Items",
        params={"$filter": f"ID eq guid'{item}'"},
        headers={"CustomDescriptionLanguage": "NL"},
    )
    assert [row["ID"] for row in answer.json()["d"]["results"]] == [item]


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "MERGE", "PATCH"])
def test_verbs_that_exact_does_not_have_are_told_as_such(site: Site, account: str, method: str) -> None:
    """A client that merges by MERGE or PATCH would find out in production."""
    answer: httpx.Response = site.call(method, f"crm/Accounts(guid'{account}')")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, PUT, DELETE")
    assert site.call(method, "crm/Accounts").headers["Allow"] == "GET, POST"


@pytest.mark.parametrize("number", ["9" * 19, "-" + "9" * 30, "9" * 400, "9" * 5000, "1e309", "5000000000000000000L"])
def test_numbers_that_no_database_holds_break_nothing(site: Site, account: str, number: str) -> None:
    """A mistake in a program's number would end the call without a word."""
    for path, option, text in (
        ("crm/Contacts", "$filter", f"HID eq {number}"),
        ("sync/CRM/Contacts", "$filter", f"Timestamp gt {number}"),
        ("sync/Deleted", "$filter", f"{number} lt Timestamp"),
        ("sync/CRM/Contacts", "$skiptoken", number),
        ("crm/Contacts", "$top", number),
        ("crm/Contacts", "$skip", number),
    ):
        answer = site.call("GET", path, params={option: text})
        assert answer.status_code in (200, 400), (path, option)
        assert answer.status_code == 400 or answer.json()["d"]["results"] == []
