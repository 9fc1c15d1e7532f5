import json
import time
from typing import Any

import pytest

from talk_assets.errors import LedgerError, SystemUnavailable, UnexpectedAnswer
from talk_assets.systems.base import System
from talk_assets.systems.exact.system import ExactSystem
from talk_assets_tests.systems.exact.tenant import DIVISION, Tenant, error, key, printed
from talk_assets_tests.systems.loopback import CUT, Answer, Asked

ACCOUNTS = "sync/CRM/Accounts"
BULK_ITEMS = "bulk/Logistics/Items"
ITEMS = "sync/Logistics/Items"
HEADERS = "sync/CRM/QuotationHeaders"
LINES = "sync/CRM/QuotationLines"


def account(number: int, version: int, **more: Any) -> dict[str, Any]:
    modified = printed("2025-01-15T12:00:00")
    return {"ID": key(number), "Timestamp": version, "Modified": modified, "Name": f"Account {number}", **more}


def test_it_is_a_system(exact: ExactSystem) -> None:
    """Whatever asks a system for records could not ask this one."""
    system: System = exact
    assert system.name == "exact"


def test_a_first_read_asks_for_everything_and_only_what_is_wanted(exact: ExactSystem, tenant: Tenant) -> None:
    """Unmapped personal data would travel, and a set refuses a read without a selection."""
    tenant.sets[ACCOUNTS] = [account(1, 5, Code="                28", Country="NL ", Email="a@b.example")]
    read = exact.read("exact.accounts", None)
    (asked,) = tenant.resources()
    assert asked.path == f"/api/v1/{DIVISION}/{ACCOUNTS}"
    assert asked.query == {"$filter": "Timestamp gt 1L", "$select": "Code,Country,ID,Modified,Name,Timestamp"}
    assert asked.headers["Accept"] == "application/json"
    assert read.records == [
        {
            "Code": "                28",
            "Country": "NL ",
            "Name": "Account 1",
            "_key": key(1),
            "_modified": "2025-01-15T11:00:00+00:00",
            "_version": "5",
        }
    ]
    assert (read.complete, read.cursor, read.lines) == (True, "5", [])


@pytest.mark.parametrize("as_text", [False, True])
def test_a_quiet_read_is_one_call_and_keeps_the_cursor(exact: ExactSystem, tenant: Tenant, as_text: bool) -> None:
    """Else every quiet sync costs the budget of a busy one; Exact may print row versions as text."""
    tenant.timestamps_as_text = as_text
    tenant.sets[ACCOUNTS] = [account(1, 9_007_199_254_740_993), account(2, 7)]
    cursor = exact.read("exact.accounts", None).cursor
    assert cursor == "9007199254740993"
    tenant.asked.clear()
    read = exact.read("exact.accounts", cursor)
    assert (read.records, read.cursor, read.complete) == ([], cursor, False)
    assert len(tenant.asked) == 1


def test_an_empty_set_leaves_the_cursor_at_the_start(exact: ExactSystem) -> None:
    """The first record would never be read."""
    assert exact.read("exact.accounts", None).cursor == "1"


def test_pages_are_followed_to_an_empty_last_one(exact: ExactSystem, tenant: Tenant) -> None:
    """Records after the first page would be missing; a full last page is followed by an empty one."""
    tenant.page = 10
    tenant.sets[ACCOUNTS] = [account(number, number + 1) for number in range(1, 31)]
    read = exact.read("exact.accounts", None)
    assert [record["_version"] for record in read.records] == [str(version) for version in range(2, 32)]
    assert read.cursor == "31"
    assert len(tenant.resources()) == 4


def test_a_record_changed_while_pages_are_read_counts_once_in_its_last_state(
    exact: ExactSystem, tenant: Tenant
) -> None:
    """The old state, coming second, would undo the new one."""
    tenant.page = 2
    tenant.sets[ACCOUNTS] = [account(1, 2), account(2, 3), account(3, 4), account(1, 9, Name="New")]
    read = exact.read("exact.accounts", None)
    assert [(record["_key"], record["Name"]) for record in read.records] == [
        (key(2), "Account 2"),
        (key(3), "Account 3"),
        (key(1), "New"),
    ]


def test_pages_out_of_order_lose_no_edit(exact: ExactSystem, tenant: Tenant) -> None:
    """Paged by key, an edit behind the reader's back has a lower row version than the last row seen."""
    tenant.page = 2
    tenant.sets[ACCOUNTS] = [account(1, 2), account(2, 30), account(3, 4), account(4, 41)]

    def edit(asked: Asked) -> Answer | None:
        if "$skiptoken" in asked.query:
            tenant.sets[ACCOUNTS][0] = account(1, 40, Name="Edited")
        return None

    tenant.script = edit
    first = exact.read("exact.accounts", None)
    assert first.cursor == "30"
    second = exact.read("exact.accounts", first.cursor)
    assert "Edited" in [record["Name"] for record in second.records]
    assert second.cursor == "41"


def test_dates_and_clock_are_decoded(exact: ExactSystem, tenant: Tenant) -> None:
    """A birth date a day early, or a time two hours off, would travel to the other system."""
    row = {"ID": key(1), "Timestamp": 2, "Modified": printed("2025-07-01T14:30:00"), "LastName": "De Wit"}
    tenant.sets["sync/CRM/Contacts"] = [{**row, "BirthDate": printed("1964-02-29T00:00:00"), "Account": key(8)}]
    (record,) = exact.read("exact.contacts", None).records
    assert record["BirthDate"] == "1964-02-29"
    assert record["_modified"] == "2025-07-01T12:30:00+00:00"
    assert record["Account"] == key(8)


def test_an_unreadable_date_is_handed_on_with_its_record(exact: ExactSystem, tenant: Tenant) -> None:
    """One bad record would stop all contacts, or lose its date without a word."""
    rows = [
        {"ID": key(1), "Timestamp": 2, "Modified": "never", "BirthDate": "/Date(odd)/"},
        {"ID": key(2), "Timestamp": 3},
    ]
    tenant.sets["sync/CRM/Contacts"] = rows
    odd, good = exact.read("exact.contacts", None).records
    assert (odd["BirthDate"], odd["_modified"]) == ("/Date(odd)/", None)
    assert good["BirthDate"] is None


def test_a_property_gone_from_the_answer_is_missing_not_empty(exact: ExactSystem, tenant: Tenant) -> None:
    """A column that Exact drops would read as if everybody had cleared it."""
    rows = [{"ID": key(1), "Timestamp": 2, "Name": None}]
    tenant.script = lambda asked: Answer(200, {"d": {"results": rows}}) if "sync" in asked.path else None
    (record,) = exact.read("exact.accounts", None).records
    assert "Country" not in record
    assert record["Name"] is None


def test_computed_prices_come_from_the_bulk_set(exact: ExactSystem, tenant: Tenant) -> None:
    """Items would have no sales price at all: the sync set lacks it."""
    row = {"ID": key(1), "Timestamp": 2, "Modified": printed("2025-07-01T14:30:00"), "Code": "A"}
    tenant.sets[ITEMS] = [row, {**row, "ID": key(2), "Timestamp": 3, "Modified": printed("2025-07-02T14:30:00")}]
    tenant.sets[BULK_ITEMS] = [{"ID": key(1), "StandardSalesPrice": 12.5}]
    first, second = exact.read("exact.items", None).records
    assert first["StandardSalesPrice"] == 12.5
    assert "StandardSalesPrice" not in second
    sync, bulk = tenant.resources()
    assert "StandardSalesPrice" not in sync.query["$select"]
    assert bulk.query == {"$filter": "Modified ge datetime'2025-07-01T12:30:00'", "$select": "ID,StandardSalesPrice"}


def test_no_bulk_read_when_no_item_changed(exact: ExactSystem, tenant: Tenant) -> None:
    """Every quiet sync would cost a second call."""
    assert exact.read("exact.items", "9").records == []
    assert len(tenant.resources()) == 1


def document_sets(tenant: Tenant) -> None:
    modified = printed("2025-01-15T12:00:00")
    header = {"QuotationID": key(1), "Timestamp": 10, "Modified": modified, "OrderAccount": key(5)}
    line = {
        "ID": key(11),
        "Timestamp": 11,
        "Modified": modified,
        "QuotationID": key(1),
        "LineNumber": 1,
        "Discount": 0.055,
    }
    tenant.sets[HEADERS] = [header]
    tenant.sets[LINES] = [line, {**line, "ID": key(12), "Timestamp": 12, "LineNumber": 2}]


def test_documents_come_with_their_lines(exact: ExactSystem, tenant: Tenant) -> None:
    """Orders without lines, or lines without their order, would be written to the other side."""
    document_sets(tenant)
    read = exact.read("exact.quotations", None)
    assert (read.complete, read.lines_complete) == (True, True)
    assert [record["_key"] for record in read.records] == [key(1)]
    assert [(line["_key"], line["_document"], line["_position"], line["Discount"]) for line in read.lines] == [
        (key(11), key(1), 1, 0.055),
        (key(12), key(1), 2, 0.055),
    ]
    assert json.loads(read.cursor) == {"headers": 10, "lines": 12}
    tenant.asked.clear()
    again = exact.read("exact.quotations", read.cursor)
    assert (again.records, again.lines, again.cursor, again.complete, again.lines_complete) == (
        [],
        [],
        read.cursor,
        False,
        False,
    )
    assert len(tenant.asked) == 2


def test_a_document_made_between_both_reads_comes_with_its_lines(exact: ExactSystem, tenant: Tenant) -> None:
    """Its lines are read once: without their document they would be lost for good."""
    document_sets(tenant)
    with_lines, tenant.sets[HEADERS] = tenant.sets[HEADERS], []
    still_without = {**with_lines[0], "QuotationID": key(2), "Timestamp": 15}

    def make(asked: Asked) -> Answer | None:
        if asked.path.endswith("QuotationLines"):
            tenant.sets[HEADERS] = [*with_lines, still_without]
        return None

    tenant.script = make
    read = exact.read("exact.quotations", None)
    assert [record["_key"] for record in read.records] == [key(1)]
    assert len(read.lines) == 2
    assert json.loads(read.cursor)["headers"] == 1


def test_a_changed_line_alone_brings_no_strange_documents(exact: ExactSystem, tenant: Tenant) -> None:
    """A document that has no lines yet in this read would look as if they were removed."""
    document_sets(tenant)
    tenant.sets[LINES][0]["Timestamp"] = 20
    read = exact.read("exact.quotations", json.dumps({"headers": 10, "lines": 12}))
    assert (read.records, len(read.lines)) == ([], 1)


@pytest.mark.parametrize(("entity", "cursor"), [("exact.accounts", "soon"), ("exact.quotations", "12")])
def test_a_damaged_cursor_is_told(exact: ExactSystem, tenant: Tenant, entity: str, cursor: str) -> None:
    """Reading from the start instead would hide that the ledger is damaged."""
    with pytest.raises(LedgerError, match=entity):
        exact.read(entity, cursor)
    assert tenant.asked == []


def test_deletions_name_our_entities(exact: ExactSystem, tenant: Tenant) -> None:
    """A removed record would stay for ever on the other side, unreported."""
    at = printed("2025-01-15T12:00:00")
    types = [2, 5, 42, 9, 34, 35, 33, 32, 12, 1]
    rows = [
        {"ID": key(50 + n), "Timestamp": 10 + n, "EntityType": kind, "EntityKey": key(min(n, 7)), "DeletedDate": at}
        for n, kind in enumerate(types)
    ]
    tenant.sets["sync/Deleted"] = rows
    read = exact.read_deletions(None)
    assert [(deletion.entity, deletion.key) for deletion in read.deletions] == [
        ("exact.accounts", key(0)),
        ("exact.contacts", key(1)),
        ("exact.employees", key(2)),
        ("exact.items", key(3)),
        ("exact.quotations", key(4)),
        ("exact.quotation_lines", key(5)),
        ("exact.salesorder_lines", key(6)),
        ("exact.salesorders", key(7)),
    ]
    assert {deletion.at for deletion in read.deletions} == {"2025-01-15T11:00:00+00:00"}
    assert read.cursor == "19"
    assert exact.read_deletions("19").deletions == []
    assert [asked.query["$filter"] for asked in tenant.resources()] == ["Timestamp gt 1L", "Timestamp gt 19L"]


def test_a_deletion_without_a_key_is_passed_over(
    exact: ExactSystem, tenant: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    """Every sync of two months would end at one row that names nothing."""
    row = {"EntityType": 2, "DeletedDate": printed("2025-01-15T12:00:00")}
    tenant.sets["sync/Deleted"] = [
        {"ID": key(50 + n), "Timestamp": 10 + n, "EntityKey": named, **row}
        for n, named in enumerate((None, "", key(7)))
    ]
    read = exact.read_deletions(None)
    assert [deletion.key for deletion in read.deletions] == [key(7)]
    assert read.cursor == "12"
    assert [record.message for record in caplog.records if key(50) in record.message]


@pytest.mark.parametrize("fault", [CUT, Answer(503, "<html>Maintenance</html>"), error(500, "Er ging iets mis")])
def test_a_read_survives_passing_faults(exact: ExactSystem, tenant: Tenant, fault: Answer) -> None:
    """Every hiccup would end a sync."""
    tenant.sets[ACCOUNTS] = [account(1, 5)]
    faults = [fault, fault]
    tenant.script = lambda asked: faults.pop() if faults and "sync" in asked.path else None
    assert len(exact.read("exact.accounts", None).records) == 1


def test_a_fault_on_a_later_page_brings_nothing(exact: ExactSystem, tenant: Tenant) -> None:
    """A partial read with a cursor at its end would skip the rest for ever."""
    tenant.page = 1
    tenant.sets[ACCOUNTS] = [account(1, 5), account(2, 6)]
    tenant.script = lambda asked: Answer(503) if "$skiptoken" in asked.query else None
    with pytest.raises(SystemUnavailable, match=r"reading exact\.accounts"):
        exact.read("exact.accounts", None)


@pytest.mark.parametrize("following", ["https://evil.example/next", "http://127.0.0.1:1/api/v1/next"])
def test_a_page_of_another_host_is_not_followed(exact: ExactSystem, tenant: Tenant, following: str) -> None:
    """The access token would be sent to whatever host an answer names."""
    tenant.script = lambda asked: (
        Answer(200, {"d": {"results": [], "__next": following}}) if "sync" in asked.path else None
    )
    with pytest.raises(UnexpectedAnswer, match="another host"):
        exact.read("exact.accounts", None)


def test_pages_in_a_circle_end(exact: ExactSystem, tenant: Tenant) -> None:
    """A faulty page link would spend the day's calls."""
    here = f"{tenant.url}/api/v1/1/sync/x"
    tenant.script = lambda asked: Answer(200, {"d": {"results": [], "__next": here}}) if "sync" in asked.path else None
    with pytest.raises(UnexpectedAnswer, match="circle"):
        exact.read("exact.accounts", None)
    assert len(tenant.resources()) == 2


@pytest.mark.parametrize(
    "body",
    [
        "<html>Log in</html>",
        {"rows": []},
        {"d": {"results": 5}},
        {"d": 5},
        {"d": {"results": [{"Name": "no key"}]}},
        [],
    ],
)
def test_an_answer_of_another_shape_is_not_taken(exact: ExactSystem, tenant: Tenant, body: Any) -> None:
    """An empty result would look as if all records were gone."""
    tenant.script = lambda asked: Answer(200, body) if "sync" in asked.path else None
    with pytest.raises(UnexpectedAnswer, match=r"reading exact\.accounts"):
        exact.read("exact.accounts", None)


@pytest.mark.parametrize("body", [{"d": {"results": [account(1, 5)]}}, {"d": [account(1, 5)]}, {"d": account(1, 5)}])
def test_all_documented_shapes_are_read(exact: ExactSystem, tenant: Tenant, body: Any) -> None:
    """Exact answers with different shapes per set and option."""
    tenant.script = lambda asked: Answer(200, body) if "sync" in asked.path else None
    assert [record["_key"] for record in exact.read("exact.accounts", None).records] == [key(1)]


def test_five_thousand_accounts_are_read_in_seconds(exact: ExactSystem, tenant: Tenant) -> None:
    """The first read of a real administration has to end before a person gives up."""
    tenant.sets[ACCOUNTS] = [
        account(number, number + 1, Code=f"{number:>18}", Country="NL ") for number in range(1, 5001)
    ]
    began = time.perf_counter()
    read = exact.read("exact.accounts", None)
    assert time.perf_counter() - began < 5
    assert len(read.records) == 5000
    assert len(tenant.resources()) == 6
    assert read.cursor == "5001"
