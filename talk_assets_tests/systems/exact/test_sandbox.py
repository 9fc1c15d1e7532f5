"""The connector against the local Exact Online, with the shipped mappings."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from talk_assets.errors import AccessDenied, RecordChanged, RecordGone, RecordRejected, SystemUnavailable
from talk_assets.mappings.load import load_capabilities, load_mappings
from talk_assets.systems.exact.entities import ENDPOINTS
from talk_assets.systems.exact.system import ExactSystem
from talk_assets.systems.exact.token_calls import Credentials
from talk_assets_tests.sandbox.exact.site import DIVISION, Site, running
from talk_assets_tests.systems.exact.tenant import Store


@contextmanager
def connected(
    site: Site, store: Store, *, division: int = DIVISION, secret: str = "app-secret"
) -> Iterator[ExactSystem]:
    """A connector that reads what the shipped mappings name; sleeping moves the site's clock."""
    capabilities = load_capabilities()
    mappings = load_mappings(None, capabilities)
    exact = ExactSystem(
        site.address,
        division,
        Credentials("app", SecretStr(secret), SecretStr("first-refresh")),
        store,
        capabilities,
        {entity: mappings.wanted(entity) for entity in ENDPOINTS},
        now=site.clock,
        sleep=lambda seconds: site.clock.advance(seconds=seconds),
    )
    try:
        yield exact
    finally:
        exact.close()


@pytest.fixture
def site() -> Iterator[Site]:
    with running() as site:
        yield site


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def exact(site: Site, store: Store) -> Iterator[ExactSystem]:
    with connected(site, store) as exact:
        yield exact


def names(exact: ExactSystem, entity: str, name: str, cursor: str | None = None) -> list[Any]:
    return [record[name] for record in exact.read(entity, cursor).records]


def test_a_good_connection_checks_well(exact: ExactSystem, site: Site) -> None:
    """A connection that works must not be reported as broken."""
    exact.check()
    assert exact.calls == 3


def test_a_wrong_administration_names_the_setting(site: Site, store: Store) -> None:
    """The first run would fail entity by entity instead of saying which setting is wrong."""
    with connected(site, store, division=999) as exact, pytest.raises(AccessDenied, match="EXACT_DIVISION=999"):
        exact.check()


def test_a_wrong_secret_names_the_setting(site: Site, store: Store) -> None:
    """A person would look for a lost login instead of a typing error."""
    with connected(site, store, secret="typo") as exact, pytest.raises(AccessDenied, match="EXACT_CLIENT_SECRET"):
        exact.check()


def test_every_entity_reads_and_is_quiet_afterwards(exact: ExactSystem, site: Site) -> None:
    """A name that Exact does not know in a sync set refuses every read of it."""
    account = site.state.add("Accounts", {"Name": "Vos BV", "Code": "28", "Country": "NL"})
    site.state.add("Contacts", {"Account": account, "LastName": "Vos", "BirthDate": "1964-02-29"})
    site.state.add("Employees", {"LastName": "Vos", "StartDate": "2020-02-01"})
    item = site.state.add("Items", {"Code": "A1", "Description": "Ding", "StandardSalesPrice": 10.25})
    site.state.add_document("Quotations", {"OrderAccount": account}, [{"Item": item, "Discount": 0.055}])
    site.state.add_document("SalesOrders", {"OrderedBy": account}, [{"Item": item, "Quantity": 3}])
    cursors: dict[str, str] = {}
    for entity in ENDPOINTS:
        if entity.endswith("_lines"):
            continue
        read = exact.read(entity, None)
        assert len(read.records) == 1
        assert read.records[0]["_modified"] == site.clock().replace(microsecond=0).isoformat()
        assert len(read.lines) == (1 if entity in ("exact.quotations", "exact.salesorders") else 0)
        cursors[entity] = read.cursor
    assert exact.read("exact.accounts", None).records[0]["Code"] == f"{'28':>18}"
    assert names(exact, "exact.contacts", "BirthDate") == ["1964-02-29"]
    assert names(exact, "exact.employees", "StartDate") == ["2020-02-01"]
    assert names(exact, "exact.items", "StandardSalesPrice") == [10.25]
    assert exact.read("exact.quotations", None).lines[0]["Discount"] == 0.055
    before = exact.calls
    for entity, cursor in cursors.items():
        quiet = exact.read(entity, cursor)
        assert (quiet.records, quiet.lines, quiet.cursor) == ([], [], cursor)
    assert exact.calls - before == 8, "a quiet read is one call per feed"


def test_what_is_written_is_read_back(exact: ExactSystem, site: Site) -> None:
    """What the connector sends must mean to Exact what it means to us."""
    account = exact.create("exact.accounts", {"Name": "Vos BV", "Country": "NL", "Status": "C"})
    contact = exact.create(
        "exact.contacts", {"Account": account.key, "LastName": "Vos", "BirthDate": "1964-02-29", "FirstName": None}
    )
    values = {"Code": "A1", "Description": "Ding", "CostPriceStandard": "2.50", "IsSalesItem": "true"}
    item = exact.create("exact.items", values)
    order = exact.create(
        "exact.salesorders",
        {"OrderedBy": account.key, "OrderedByContactPerson": contact.key, "OrderDate": "2024-03-31"},
        [{"Item": item.key, "Quantity": "2", "UnitPrice": "10.5", "Discount": "0.055", "DeliveryDate": "2024-04-01"}],
    )
    assert exact.read("exact.accounts", None).records[0]["_key"] == account.key
    (read,) = exact.read("exact.contacts", None).records
    assert contact.record is not None
    assert {**contact.record, "_version": read["_version"]} == read
    assert (read["BirthDate"], read["Account"]) == ("1964-02-29", account.key)
    documents = exact.read("exact.salesorders", None)
    assert documents.records[0]["OrderDate"] == "2024-03-31"
    (line,) = documents.lines
    assert (line["Quantity"], line["UnitPrice"], line["Discount"]) == (2, 10.5, 0.055)
    assert (line["DeliveryDate"], line["_document"], line["_position"]) == ("2024-04-01", order.key, 1)
    if order.lines is not None:
        assert [{**echoed, "_version": line["_version"]} for echoed in order.lines] == [line]


def test_an_update_leaves_everything_else_alone(exact: ExactSystem, site: Site) -> None:
    """Properties that no mapping names must never change."""
    key = site.state.add("Accounts", {"Name": "Vos BV", "City": "Leiden", "CreditLineSales": 5000})
    cursor = exact.read("exact.accounts", None).cursor
    exact.update("exact.accounts", key, {"Name": "Vos & Zn BV", "City": None})
    assert names(exact, "exact.accounts", "Name", cursor) == ["Vos & Zn BV"]
    kept = site.state.get("Accounts", key).body
    assert (kept["CreditLineSales"], kept.get("City")) == (5000, None)


def test_one_line_is_written_alone(exact: ExactSystem, site: Site) -> None:
    """A document written as a whole would lose what only Exact knows of its lines."""
    account = site.state.add("Accounts", {"Name": "Vos BV"})
    item = site.state.add("Items", {"Code": "A1", "Description": "Ding"})
    document = site.state.add_document("Quotations", {"OrderAccount": account}, [{"Item": item, "Notes": "keep"}])
    before = exact.read("exact.quotations", None)
    line = before.lines[0]["_key"]
    added = exact.create_line("exact.quotation_lines", document, {"Item": item, "Quantity": "4"})
    exact.update_lines("exact.quotation_lines", document, {line: {"Quantity": "7.5"}})
    read = exact.read("exact.quotations", before.cursor)
    assert {changed["_key"]: (changed["Quantity"], changed["_position"]) for changed in read.lines} == {
        line: (7.5, 1),
        added.key: (4, 2),
    }
    assert site.state.get("QuotationLines", line).body["Notes"] == "keep"


def test_records_are_looked_up_by_their_keys(exact: ExactSystem, site: Site) -> None:
    """A record that only fell out of a list would be taken for deleted, and its counterpart removed."""
    keys = [site.state.add("Accounts", {"Name": f"Klant {number}"}) for number in range(45)]
    site.state.remove("Accounts", keys[7])
    calls = exact.calls
    found = exact.find("exact.accounts", keys)
    names = {record["_key"]: record["Name"] for record in found.records}
    assert names == {key: f"Klant {number}" for number, key in enumerate(keys) if number != 7}
    assert (found.complete, exact.calls - calls) == (False, 4)  # a token, and 20 keys a call
    item = site.state.add("Items", {"Code": "A1", "Description": "Ding"})
    document = site.state.add_document("SalesOrders", {"OrderedBy": keys[0]}, [{"Item": item}])
    employee = site.state.add("Employees", {"LastName": "Vos"})
    contact = site.state.add("Contacts", {"Account": keys[0], "LastName": "Vos"})
    for entity, key in (
        ("exact.items", item),
        ("exact.salesorders", document),
        ("exact.employees", employee),
        ("exact.contacts", contact),
    ):
        assert [record["_key"] for record in exact.find(entity, [key, keys[7]]).records] == [key]


def test_a_removal_is_carried_out_once(exact: ExactSystem, site: Site) -> None:
    """A policy that lets deletions travel would not do anything, or fail on what is gone already."""
    key = site.state.add("Accounts", {"Name": "Vos BV"})
    site.state.add("Accounts", {"Name": "De Wit BV"})
    assert exact.delete("exact.accounts", key).status == 204
    assert exact.find("exact.accounts", [key]).records == []
    with pytest.raises(RecordGone):
        exact.delete("exact.accounts", key)
    employee = site.state.add("Employees", {"LastName": "Vos"})
    with pytest.raises(RecordRejected):
        exact.delete("exact.employees", employee)


def test_refusals_and_removals_are_told_apart(exact: ExactSystem, site: Site) -> None:
    """A duplicate that is tried for ever, or a deletion taken for a lost right, stops the sync."""
    key = site.state.add("Accounts", {"Name": "Vos BV"})
    site.state.add("Accounts", {"Name": "De Wit BV"})
    site.state.add("Items", {"Code": "A1", "Description": "Ding"})
    with pytest.raises(RecordRejected, match="Gegeven bestaat reeds"):
        exact.create("exact.items", {"Code": "A1", "Description": "Nog een"})
    cursor = exact.read_deletions(None).cursor
    site.state.remove("Accounts", key)
    with pytest.raises(RecordChanged):
        exact.update("exact.accounts", key, {"Name": "Weg BV"})
    gone = exact.read_deletions(cursor)
    assert [(deletion.entity, deletion.key) for deletion in gone.deletions] == [("exact.accounts", key)]
    assert gone.deletions[0].at == site.clock().replace(microsecond=0).isoformat()
    assert exact.read_deletions(gone.cursor).deletions == []


def test_a_lost_answer_to_a_create_makes_no_second_record(exact: ExactSystem, site: Site) -> None:
    """The worst that a connector can do is to enter things twice."""
    site.fault(path="crm/Accounts", method="POST", status=504, after=True)
    with pytest.raises(SystemUnavailable) as caught:
        exact.create("exact.accounts", {"Name": "Vos BV"})
    assert caught.value.outcome_unknown
    assert names(exact, "exact.accounts", "Name") == ["Vos BV"]


def test_a_day_of_work_holds_one_connection(exact: ExactSystem, site: Site, store: Store) -> None:
    """Tokens last ten minutes; a refresh missed or made twice ends the login."""
    site.state.add("Accounts", {"Name": "Vos BV"})
    for _ in range(100):
        site.clock.advance(minutes=7)
        assert names(exact, "exact.accounts", "Name") == ["Vos BV"]
    with connected(site, store) as restarted:
        assert names(restarted, "exact.accounts", "Name") == ["Vos BV"]


def test_the_minute_is_respected_without_a_refusal(store: Store) -> None:
    """Calls over the limit are refused and, in number, block the app."""
    with running(calls_per_minute=10) as site, connected(site, store) as exact:
        began = site.clock()
        for _ in range(25):
            exact.read("exact.accounts", None)
        assert exact.calls == 26, "no call was refused"
        assert timedelta(minutes=1) < site.clock() - began < timedelta(minutes=3)


def test_a_seeded_administration_is_read_page_by_page(store: Store) -> None:
    """Large sets come in pages; a row lost between two of them would be created anew on the other side."""
    with running(large_page_size=7, int64_as_text=True) as site, connected(site, store) as exact:
        made = {site.state.add("Accounts", {"Name": f"Bedrijf {number}"}) for number in range(21)}
        read = exact.read("exact.accounts", None)
        assert {record["_key"] for record in read.records} == made
        assert exact.read("exact.accounts", read.cursor).records == []
