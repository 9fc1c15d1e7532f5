"""`talk-assets sync` and `status` on both systems, small."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from talk_assets import installation
from talk_assets.ledger.database import open_ledger
from talk_assets.ledger.locks import division_lock
from talk_assets.ledger.secrets import open_cipher
from talk_assets.ledger.tokens import TokenStore
from talk_assets.settings import load_settings
from talk_assets_tests.conftest import DatabaseServer
from talk_assets_tests.installed import SMALL, Done, Home, Sandbox, home, sandbox

# A whole sync in a process of its own per test: minutes together.
pytestmark = pytest.mark.soak

FEEDS = {"read", "changed", "held"}
PAIRS = {"linked", "matched", "inserted", "ambiguous", "unmatched"}
WRITES = {"created", "updated", "deleted", "failed", "owed"}
ENTITIES = {
    *(f"customerp.{name}" for name in ("customer", "contact", "employee", "product", "quote", "order")),
    *(f"exact.{name}" for name in ("accounts", "contacts", "employees", "items", "quotations", "salesorders")),
}
FLOWS = {
    "customer_accounts",
    "contact_contacts",
    "employee_contacts",
    "employee_employees",
    "product_items",
    "order_quotations",
    "order_salesorders",
    "quote_quotations",
}
# What is edited in Customerp after the second sync; brackets are a language of their own to a terminal.
NAME = "Bakkerij De Gouden Aar [1951]"
DESCRIPTION = "Krentenbol [/los]"


@dataclass
class Told:
    """What commands said, one after the other, about the same two systems."""

    before: Done
    before_json: Done
    first: Done
    second: Done
    calls: dict[str, Counter[str]]


@pytest.fixture(scope="module")
def systems() -> Iterator[Sandbox]:
    with sandbox(SMALL) as served:
        yield served


@pytest.fixture(scope="module")
def place(systems: Sandbox, database_server: DatabaseServer) -> Iterator[Home]:
    with home(systems.settings, database_server) as made:
        yield made


@pytest.fixture(scope="module")
def told(place: Home, systems: Sandbox) -> Told:
    before, before_json = place.call("status"), place.call("status", "--json")
    first = place.run("sync", "--json")
    systems.forget_calls()
    second = place.call("sync", "--json")
    return Told(before, before_json, first, second, systems.calls())


@dataclass
class Previewed:
    """What was there before and after two previews of one edit, and what a sync of its subject did then."""

    tables: tuple[dict[str, list[str]], dict[str, list[str]]]
    calls: dict[str, Counter[str]]
    shown: Done
    as_json: Done
    subject: Done
    subject_calls: dict[str, Counter[str]]


@pytest.fixture(scope="module")
def previewed(told: Told, place: Home, systems: Sandbox) -> Previewed:
    assert told.second.code == 0
    held = {hold["key"] for hold in place.call("status", "--json").json["holds"]}
    for path, change in (("customers", {"Name": NAME}), ("products", {"Description": DESCRIPTION})):
        key = next(record["Id"] for record in systems.customerp(path) if record["Id"] not in held)
        systems.edit_customerp(f"{path}/{key}", **change)
    systems.forget_calls()
    before = place.tables()
    shown, as_json = place.call("sync", "--preview"), place.call("sync", "--preview", "--json")
    after = place.tables()
    calls = systems.calls()
    systems.forget_calls()
    subject = place.call("sync", "--subject", "organisation", "--json")
    subject_calls = systems.calls()
    return Previewed((before, after), calls, shown, as_json, subject, subject_calls)


def shape(totals: dict[str, Any]) -> dict[str, Any]:
    """What there is at each level of a summary."""
    levels = {section: {name: set(counts) for name, counts in totals[section].items()} for section in WITHIN}
    return {"all": set(totals), "calls": set(totals["calls"]), **levels}


WITHIN = ("feeds", "pairs", "writes")
SHAPE = {
    "all": {"run_id", "seconds", "feeds", "pairs", "writes", "conflicts", "holds", "calls"},
    "calls": {"customerp", "exact"},
    "feeds": dict.fromkeys(ENTITIES, FEEDS),
    "pairs": dict.fromkeys(FLOWS, PAIRS),
    "writes": dict.fromkeys(ENTITIES, WRITES),
}


def test_json_is_one_object_of_a_known_shape_and_nothing_else(told: Told) -> None:
    """A script that starts the sync cannot read what it did."""
    assert told.first.code == 0
    assert told.first.err == ""
    assert told.first.out.count("\n") == 1
    assert shape(told.first.json) == shape(told.second.json) == SHAPE
    counts = [count for section in WITHIN for row in told.first.json[section].values() for count in row.values()]
    assert {type(count) for count in counts} == {int}


def test_every_flow_has_linked_pairs_after_the_first_sync(told: Told) -> None:
    """Records of a kind stay apart in the two systems, or somebody who tries it out sees an empty table."""
    pairs = told.first.json["pairs"]
    assert {flow for flow, counts in pairs.items() if counts["linked"] == 0} == set()
    assert pairs["customer_accounts"]["matched"] > 0
    assert pairs["customer_accounts"]["inserted"] > 0
    assert pairs["contact_contacts"]["ambiguous"] > 0
    writes = told.first.json["writes"]
    assert writes["exact.accounts"]["created"] == pairs["customer_accounts"]["inserted"]
    assert writes["exact.employees"] == {"created": 0, "updated": 0, "deleted": 0, "failed": 0, "owed": 2}


def test_second_sync_does_nothing(told: Told) -> None:
    """Every round writes the same into somebody's books again."""
    assert told.second.code == 0
    for counts in told.second.json["writes"].values():
        assert (counts["created"], counts["updated"], counts["deleted"], counts["failed"]) == (0, 0, 0, 0)
    for flow, counts in told.second.json["pairs"].items():
        assert counts["linked"] == told.first.json["pairs"][flow]["linked"]
        assert counts["matched"] == counts["inserted"] == 0


def test_second_sync_costs_one_read_per_feed(told: Told) -> None:
    """Exact's budget of calls for a day is spent by rounds in which nothing happens."""
    paths = ("customers", "contacts", "employees", "products", "quotes", "orders", "deletions")
    assert told.calls["customerp"] == {f"GET /{path}": 1 for path in paths}
    # Quotations and sales orders come with a feed of their lines.
    feeds = [path.rpartition("/")[2] for path in told.calls["exact"]]
    lines = {"QuotationLines", "SalesOrderLines"}
    sets = {"Accounts", "Contacts", "Employees", "Items", "QuotationHeaders", "Quotations", "SalesOrderHeaders"}
    assert len(feeds) == 9, feeds
    assert lines <= set(feeds), feeds
    assert {"Deleted", "Accounts", "Contacts", "Items"} <= set(feeds) <= sets | lines | {"Deleted", "SalesOrders"}, (
        feeds
    )
    assert set(told.calls["exact"].values()) == {1}
    assert told.second.json["calls"] == {"customerp": 7, "exact": 9}


def test_no_secret_is_shown_or_stored_in_clear(told: Told, place: Home, systems: Sandbox) -> None:
    """Whoever may look at Dagit, a log or the database can act as the company in both systems."""
    with place.environment():
        settings = load_settings()
        ledger = open_ledger(place.settings["TALK_DATABASE_URL"])
        stored = TokenStore(ledger, open_cipher(settings), str(settings.exact_division)).load("exact")
        ledger.close()
    assert stored is not None
    secrets = [*systems.secrets, stored.access_token, stored.refresh_token]
    said = [text for done in (told.first, told.second, place.call("status")) for text in (done.out, done.err)]
    rows = [row for table in place.tables().values() for row in table]
    files = [path for path in place.folder.rglob("*") if path.is_file()]
    assert [path for path in files if path.suffix == ".db"], "Dagster's event log is not where it was looked for"
    for secret in secrets:
        assert not [text for text in said if secret in text]
        assert not [row for row in rows if secret in row]
        assert not [path for path in files if secret.encode() in path.read_bytes()]


def test_tables_and_progress_for_people(told: Told, place: Home) -> None:
    """Somebody at a terminal does not see how far the sync is, or what it did."""
    done = place.call("sync", "--subject", "product")
    assert done.code == 0
    for title in ("Read", "Matched pairs", "Written"):
        assert f"{title} " in done.out
    rows = {line.split()[0]: line.split()[1:] for line in done.out.splitlines() if line.strip()}
    linked = told.second.json["pairs"]["product_items"]["linked"]
    assert rows["product_items"][0] == str(linked)
    assert "4/4" in done.err
    assert "1/1" in done.err


def test_preview_shows_each_write_and_its_values(previewed: Previewed) -> None:
    """A team decides on a first sync without knowing what would be written."""
    assert previewed.shown.code == 0
    assert "update exact.accounts/" in previewed.shown.out
    assert f"    Name: {NAME!r}\n" in previewed.shown.out
    assert DESCRIPTION in previewed.shown.out
    assert previewed.shown.out.rstrip().endswith("Nothing was written or stored.")
    assert "2 writes would be sent" in previewed.shown.out


def test_preview_as_json_is_one_object(previewed: Previewed) -> None:
    """A script cannot check what a sync would do."""
    assert previewed.as_json.code == 0
    assert previewed.as_json.out.count("\n") == 1
    found = previewed.as_json.json
    assert shape(found) == {**SHAPE, "all": {*SHAPE["all"], "planned"}}
    planned = {write["entity"]: write for write in found["planned"]}
    assert planned.keys() == {"exact.accounts", "exact.items"}
    assert planned["exact.accounts"]["values"] == {"Name": NAME}
    assert planned["exact.accounts"]["before"]["name"] != NAME


def test_preview_writes_and_stores_nothing(previewed: Previewed) -> None:
    """Somebody who only wanted to look has changed the books, or the next sync skips what the preview saw."""
    before, after = previewed.tables
    assert before["record"]
    assert {name for name in before if before[name] != after[name]} <= {"token"}
    assert {call.split()[0] for call in previewed.calls["customerp"]} == {"GET"}
    assert {call for call in previewed.calls["exact"] if not call.startswith("GET ")} <= {"POST /api/oauth2/token"}


def test_one_subject_leaves_the_others_alone(previewed: Previewed, systems: Sandbox) -> None:
    """A team that starts with its customers finds its products changed as well."""
    assert previewed.subject.code == 0
    totals = previewed.subject.json
    assert shape(totals) == SHAPE
    assert {entity for entity, counts in totals["writes"].items() if counts["updated"]} == {"exact.accounts"}
    assert NAME in {account["Name"] for account in systems.exact("Accounts").values()}
    assert DESCRIPTION not in json.dumps(systems.exact("Items"))
    assert set(previewed.subject_calls["customerp"]) == {"GET /customers", "GET /deletions"}


def test_two_syncs_of_a_division_do_not_work_at_once(told: Told, place: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two schedules that overlap create every new record twice."""
    division = place.settings["EXACT_DIVISION"]
    ledger = open_ledger(place.settings["TALK_DATABASE_URL"])
    try:
        with division_lock(ledger, division, 0, "of somebody else"), monkeypatch.context() as patch:
            patch.setattr(installation, "WAIT_SECONDS", 0.2)
            refused = place.call("sync", "--json")
        assert (refused.code, refused.out) == (2, "")
        assert f"Error: The lock on division {division} is held by run of somebody else" in refused.complaint
        assert "Traceback" not in refused.err

        taken = threading.Event()

        def hold() -> None:
            with division_lock(ledger, division, 0):
                taken.set()
                waiting.wait(1)

        waiting = threading.Event()
        other = threading.Thread(target=hold)
        other.start()
        taken.wait()
        patient = place.call("sync", "--subject", "organisation", "--json")
        waiting.set()
        other.join()
    finally:
        ledger.close()
    assert patient.code == 0
    assert patient.json["seconds"] > 0.5


def test_status_before_the_first_sync(told: Told) -> None:
    """A newcomer who looks first is met by an error."""
    assert told.before.code == told.before_json.code == 0
    assert told.before.out == "No sync has run yet. Start one with: talk-assets sync\n"
    assert told.before_json.json["last_run"] is None
    assert told.before_json.json["holds"] == []


def test_status_says_what_is_held_owed_and_to_be_entered(told: Told, place: Home) -> None:
    """What needs a person lies in tables that nobody looks at."""
    done = place.call("status")
    assert done.code == 0
    assert told.second.json["run_id"] in done.out or "last run" in done.out
    lines = done.out.splitlines()
    assert [line for line in lines if "customerp.contact" in line and "cannot be told which belong together" in line]
    assert [line for line in lines if "exact.salesorders" in line and "waiting" in line and "its line" in line]
    entering = [line for line in lines if "exact.employees" in line and "create" in line]
    assert len(entering) == 2
    for line in entering:
        assert "LastName '" in line
        assert "EmployeeHID '" in line
        assert "REST API" not in line


def test_status_as_json_has_values_and_reasons(told: Told, place: Home) -> None:
    """A data team cannot watch holds and debts with a script."""
    found = place.call("status", "--json").json
    assert found["division"] == place.settings["EXACT_DIVISION"]
    assert set(found["pairs"]) == FLOWS
    assert found["last_run"]["outcome"] == "done"
    assert all(hold["reason"] and hold["entity"] and hold["key"] for hold in found["holds"])
    by_hand = [debt for debt in found["debts"] if debt["state"] == "person"]
    assert {debt["entity"] for debt in by_hand} == {"exact.employees"}
    assert all({"LastName", "EmployeeHID"} <= set(debt["values"]) for debt in by_hand)
    assert sum(row["count"] for row in found["owed"]) == len(found["debts"])
