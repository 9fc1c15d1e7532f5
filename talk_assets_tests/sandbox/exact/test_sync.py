"""The sync sets, sync/Deleted and SyncTimestamp: how changes are followed."""

from datetime import UTC, datetime

import pytest

from talk_assets.sandbox.exact.model import SETS
from talk_assets_tests.sandbox.exact.site import Site, message, running


def changes(site: Site, path: str, since: int) -> list[tuple[str, int]]:
    rows = site.rows(f"sync/{path}", filter=f"Timestamp gt {since}L")
    return [(row["ID"], row["Timestamp"]) for row in rows]


def test_only_what_changed_comes_back_in_order_of_change(site: Site) -> None:
    """A sync would read everything every time, or skip an edit; the first read asks for row versions above 1."""
    first = site.state.add("Items", {"Code": "A", "Description": "a"})
    second = site.state.add("Items", {"Code": "B", "Description": "b"})
    versions = dict(changes(site, "Logistics/Items", 1))
    assert versions[first] < versions[second]
    site.put("logistics/Items", first, Description="c")
    changed = changes(site, "Logistics/Items", versions[second])
    assert [key for key, _ in changed] == [first]
    assert changed[0][1] > versions[second]
    assert changes(site, "Logistics/Items", changed[0][1]) == []


@pytest.mark.parametrize("path", ["sync/CRM/Accounts", "sync/Deleted"])
@pytest.mark.parametrize("filter_", ["Timestamp gt null", "null le Timestamp", "Timestamp eq null"])
def test_no_row_version_is_above_null(site: Site, account: str, path: str, filter_: str) -> None:
    """The server itself would fail, in a way that no client has to expect."""
    site.state.remove("Accounts", site.state.add("Accounts", {"Name": account}))
    assert site.rows(path, filter=filter_) == []


def test_an_update_that_changes_nothing_raises_the_row_version(site: Site, item: str) -> None:
    """Our own echo would go unnoticed here and cause endless writes against the real Exact."""
    before = changes(site, "Logistics/Items", 0)[0][1]
    assert site.put("logistics/Items", item, Description="Ding").status_code == 204
    assert changes(site, "Logistics/Items", 0)[0][1] > before


def test_a_change_of_a_line_raises_its_document_too(site: Site, account: str, item: str) -> None:
    """A document whose lines changed would keep its old total in the other system."""
    key = site.state.add_document("SalesOrders", {"OrderedBy": account}, [{"Item": item}])
    line = site.rows("salesorder/SalesOrderLines", filter=f"OrderID eq guid'{key}'")[0]["ID"]

    def version() -> int:
        return changes(site, "SalesOrder/SalesOrderHeaders", 0)[0][1]

    before = version()
    site.put("salesorder/SalesOrderLines", line, Quantity=3)
    edited = version()
    site.post("salesorder/SalesOrderLines", OrderID=key, Item=item)
    added = version()
    site.delete("salesorder/SalesOrderLines", line)
    assert before < edited < added < version()
    header_only = changes(site, "SalesOrder/SalesOrderLines", added)
    site.put("salesorder/SalesOrders", key, Description="x")
    assert changes(site, "SalesOrder/SalesOrderLines", added) == header_only


@pytest.mark.parametrize("name", sorted(SETS))
def test_every_sync_set_shows_its_own_properties(site: Site, name: str) -> None:
    """A property that only one of the two reads has would be taken for cleared."""
    account = site.state.add("Accounts", {"Name": "Vos"})
    item = site.state.add("Items", {"Code": "B", "Description": "b"})
    site.state.add("Contacts", {"Account": account, "LastName": "Bos"})
    site.state.add("Employees", {"LastName": "Bos"})
    site.state.add_document("Quotations", {"OrderAccount": account}, [{"Item": item}])
    site.state.add_document("SalesOrders", {"OrderedBy": account}, [{"Item": item}])
    entity_set = SETS[name]
    row = site.get(f"sync/{entity_set.sync_path}", filter="Timestamp gt 1L")["results"][0]
    assert set(row) - {"__metadata"} == {p.name for p in entity_set.properties.values() if p.sync}
    assert row["Timestamp"] > 1
    assert row["Modified"] == row["Created"] == "/Date(1719835205000)/"


def test_pages_are_followed_by_row_version() -> None:
    """Records after the first thousand would never arrive; an edit during paging would be lost."""
    with running(large_page_size=4) as site:
        site.log_in()
        keys = [site.state.add("Items", {"Code": str(n), "Description": "x"}) for n in range(8)]
        page = site.get("sync/Logistics/Items", filter="Timestamp gt 1", select="ID,Timestamp")
        assert page["__next"].endswith(f"$skiptoken={page['results'][-1]['Timestamp']}L")
        site.put("logistics/Items", keys[1], Description="edited while paging")
        rows = site.rows("sync/Logistics/Items", filter="Timestamp gt 1", select="ID,Timestamp")
        assert [row["ID"] for row in rows] == [keys[0], *keys[2:], keys[1]]
        following = site.http.get(page["__next"]).json()["d"]
        assert [row["ID"] for row in following["results"]] == keys[4:]
        last = site.http.get(following["__next"]).json()["d"]
        assert [row["ID"] for row in last["results"]] == [keys[1]]
        assert "__next" not in last


def test_sync_sets_filter_on_timestamp_only(site: Site) -> None:
    """A read would be planned that the real Exact refuses."""
    wrong = site.call("GET", "sync/CRM/Accounts", params={"$filter": "Modified gt datetime'2024-01-01'"})
    assert (wrong.status_code, message(wrong)) == (400, "Filtering on these fields is not supported: Modified")
    for option in ({"$orderby": "Timestamp"}, {"$expand": "BankAccounts"}):
        assert site.call("GET", "sync/CRM/Accounts", params=option).status_code == 400
    for path in ("sync/CRM/Contacts", "sync/Logistics/Items"):
        assert site.call("GET", path, params={"$select": "*"}).status_code == 400
    assert site.get("sync/CRM/Accounts", select="*") == {"results": []}
    price = site.call("GET", "sync/Logistics/Items", params={"$select": "StandardSalesPrice"})
    assert price.status_code == 400
    assert site.call("POST", "sync/CRM/Accounts", json={"Name": "x"}).status_code == 405


def test_row_versions_bound_from_all_sides(site: Site) -> None:
    """A rescan of a part would return the wrong records."""
    keys = [site.state.add("Items", {"Code": str(n), "Description": "x"}) for n in range(4)]
    first = dict(changes(site, "Logistics/Items", 0))[keys[0]]
    for text, expected in (
        (f"Timestamp ge {first + 1}L", keys[1:]),
        (f"Timestamp gt {first}L and Timestamp le {first + 2}L", keys[1:3]),
        (f"{first + 1}L eq Timestamp", [keys[1]]),
        (f"Timestamp gt {first + 2}L or Timestamp eq {first}L", [keys[0], keys[3]]),
    ):
        assert [row["ID"] for row in site.rows("sync/Logistics/Items", filter=text)] == expected, text


def test_int64_can_be_sent_as_text() -> None:
    """A client that only takes numbers would break if the real Exact sends text."""
    with running(int64_as_text=True) as site:
        site.log_in()
        site.state.add("Items", {"Code": "A", "Description": "x"})
        assert site.get("sync/Logistics/Items", select="Timestamp")["results"][0]["Timestamp"].isdecimal()


def test_deletions_are_listed_with_their_type(site: Site, account: str, item: str) -> None:
    """A removed record would live on in the other system, or the wrong kind would be removed."""
    quotation = site.state.add_document("Quotations", {"OrderAccount": account}, [{"Item": item}])
    lone = site.state.add("Accounts", {"Name": "Weg"})
    contact = site.state.add("Contacts", {"Account": lone, "LastName": "Ook weg"})
    before = changes(site, "CRM/Contacts", 0)[0][1]
    site.delete("crm/Quotations", quotation)
    site.delete("crm/Accounts", lone)
    rows = site.rows("sync/Deleted", filter=f"Timestamp gt {before}L")
    assert [row["EntityType"] for row in rows] == [35, 34, 5, 2]
    assert [rows[1]["EntityKey"], rows[2]["EntityKey"], rows[3]["EntityKey"]] == [quotation, contact, lone]
    assert rows[0]["DeletedDate"] == "/Date(1719835205000)/"
    only = site.rows("sync/Deleted", filter=f"Timestamp gt {before}L and EntityType eq 2", select="EntityKey")
    assert [row["EntityKey"] for row in only] == [lone]
    assert site.rows("crm/Quotations") == []
    assert site.rows("sync/CRM/QuotationHeaders", filter="Timestamp gt 1L") == []
    wrong = site.call("GET", "sync/Deleted", params={"$filter": f"EntityKey eq guid'{lone}'"})
    assert wrong.status_code == 400


def test_deletions_are_forgotten_after_two_months() -> None:
    """A sync that slept for a quarter would believe it saw all deletions."""
    with running(token_seconds=10_000_000) as site:
        site.log_in()
        site.delete("logistics/Items", site.state.add("Items", {"Code": "A", "Description": "x"}))
        site.clock.advance(days=60)
        assert len(site.rows("sync/Deleted")) == 1
        site.clock.advance(days=2)
        assert site.rows("sync/Deleted") == []


def test_deletions_come_in_pages() -> None:
    """Only the first thousand deletions would be seen."""
    with running(large_page_size=2) as site:
        site.log_in()
        keys = [site.state.add("Items", {"Code": str(n), "Description": "x"}) for n in range(5)]
        for key in keys:
            site.delete("logistics/Items", key)
        assert [row["EntityKey"] for row in site.rows("sync/Deleted")] == keys


def test_a_moment_becomes_a_row_version_for_documents_only(site: Site, account: str, item: str) -> None:
    """A first read from a date would start at the wrong record, or rely on a set Exact does not translate for."""
    for _ in range(3):
        site.state.add_document("Quotations", {"OrderAccount": account}, [{"Item": item}])
        site.clock.advance(days=1)
    path = "read/sync/Sync/SyncTimestamp"

    def ask(modified: str, end_point: str = "'QuotationHeaders'") -> int:
        answer = site.call("GET", path, params={"modified": modified, "endPoint": end_point})
        assert answer.status_code == 200, answer.text
        return int(answer.json()["d"]["results"][0]["TimeStampAsBigInt"])

    site.clock.now = datetime(2024, 7, 1, 10, 0, 5, tzinfo=UTC)
    versions = [row["Timestamp"] for row in site.rows("sync/CRM/QuotationHeaders", filter="Timestamp gt 1L")]
    assert ask("datetime'2024-01-01'") == versions[0]
    assert ask("datetime'2024-07-01T12:00:06'") == versions[1]
    assert ask("datetime'2030-01-01'") >= versions[2]
    for parameters in (
        {"modified": "datetime'2024-01-01'"},
        {"endPoint": "'QuotationHeaders'"},
        {"modified": "datetime'2024-01-01'", "endPoint": "'Accounts'"},
        {"modified": "2024", "endPoint": "'QuotationHeaders'"},
        {"modified": "datetime'soon'", "endPoint": "'QuotationHeaders'"},
    ):
        assert site.call("GET", path, params=parameters).status_code == 400, parameters
