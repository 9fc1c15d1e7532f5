"""`talk-assets sync` and `status` on both systems, small."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import jsonschema
import pytest

from talk_assets.connection import token_store
from talk_assets.ledger.database import open_ledger
from talk_assets.settings import load_settings
from talk_assets_tests.administration import CITY, REFUSAL, Administration
from talk_assets_tests.conftest import DatabaseServer
from talk_assets_tests.installed import FEW, Done, Home, Sandbox, home, seed

pytestmark = pytest.mark.xdist_group("administration")

ENTITIES = {
    *(f"customerp.{name}" for name in ("customer", "contact", "employee", "product", "quote", "order")),
    *(f"exact.{name}" for name in ("accounts", "contacts", "employees", "items", "quotations", "salesorders")),
}
LINES = {"customerp.quote_line", "customerp.order_line", "exact.quotation_lines", "exact.salesorder_lines"}
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


@pytest.fixture(scope="module")
def place(administration: Administration) -> Home:
    return administration.place


@pytest.fixture(scope="module")
def systems(administration: Administration) -> Sandbox:
    return administration.systems


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
def previewed(place: Home, systems: Sandbox) -> Previewed:
    held = {hold["key"] for hold in place.call("status", "--json").json["holds"]}
    for path, change in (("customers", {"Name": NAME}), ("products", {"Description": DESCRIPTION})):
        key = next(record["Id"] for record in systems.customerp(path) if record["Id"] not in held)
        systems.edit_customerp(f"{path}/{key}", **change)
    systems.forget_calls()
    before = place.tables()
    shown = place.call("sync", "--preview")
    as_json = place.call("sync", "--preview", "--json", "--subject", "organisation")
    after = place.tables()
    calls = systems.calls()
    systems.forget_calls()
    subject = place.call("sync", "--subject", "organisation", "--json")
    subject_calls = systems.calls()
    return Previewed((before, after), calls, shown, as_json, subject, subject_calls)


def table(names: Iterable[str], columns: Iterable[str]) -> dict[str, Any]:
    """Schema of an object with these rows, each of these counts."""
    return exactly({name: exactly(dict.fromkeys(columns, COUNT)) for name in names})


def exactly(properties: dict[str, Any]) -> dict[str, Any]:
    """Schema of an object with these properties, all of them and no other."""
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


COUNT = {"type": "integer", "minimum": 0}
SUMMARY = {
    "run_id": {"type": "string", "format": "uuid"},
    "seconds": {"type": "number", "exclusiveMinimum": 0},
    "feeds": table(ENTITIES, ["read", "changed", "held"]),
    "pairs": table(FLOWS, ["linked", "matched", "inserted", "ambiguous", "unmatched"]),
    "writes": table(ENTITIES, ["created", "updated", "deleted", "failed", "owed"]),
    "conflicts": COUNT,
    "holds": COUNT,
    "calls": exactly({"customerp": COUNT, "exact": COUNT}),
    "calls_needed": exactly({"customerp": COUNT, "exact": COUNT}),
    "put_off": exactly({}),
}
PLANNED = {
    "entity": {"enum": sorted(ENTITIES | LINES)},
    "key": {"type": "string"},
    "cluster_id": COUNT,
    "operation": {"enum": ["create", "update"]},
    "values": {"type": "object"},
    "before": {"type": "object"},
    "lines": {"type": "array", "items": {"type": "object"}},
    "outcome": {"const": "would be sent"},
    "reason": {"const": ""},
    "source": {"type": "string"},
}


def check(found: Any, properties: dict[str, Any]) -> None:
    """Fail unless this is an object with exactly these properties."""
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    jsonschema.validate(found, exactly(properties), jsonschema.Draft202012Validator, format_checker=checker)


def test_json_is_one_object_of_a_known_shape_and_nothing_else(administration: Administration) -> None:
    """A script that starts the sync cannot read what it did."""
    for done in (administration.first, administration.second, administration.partly):
        assert done.out.count("\n") == 1
        check(done.json, SUMMARY)


def test_the_first_sync_is_confirmed_once(administration: Administration, place: Home) -> None:
    """Every night stops at a question, or nobody knows who let it write."""
    (order,) = [row for row in place.tables()["history"] if "first sync confirmed" in row]
    assert ",division,,person," in order
    assert f",{administration.first.json['run_id']}," in order
    assert '""who"":' in order.replace("\\", "")
    assert administration.partly.json["writes"]["exact.accounts"]["updated"] == 1


def test_what_went_wrong_is_said_beside_it(administration: Administration) -> None:
    """A script takes a run for good in which a record was refused, or a person finds no word about it."""
    first, second, partly = administration.first, administration.second, administration.partly
    assert (first.code, first.err) == (second.code, second.err) == (0, "")
    unread, refused, tripped = partly.err.splitlines()
    assert partly.code == 1
    assert unread.startswith("Failed: customerp__product: reading customerp.product: ")
    assert refused.startswith(f"Failed: customerp.customer/{administration.newcomer}: creating in exact.accounts: ")
    assert REFUSAL in refused
    words = "Owed: 1 refused: correct the record, it is then sent again. To see which: talk-assets status"
    assert tripped == f"Check: written/exact/accounts, undelivered: {words}"


def test_every_flow_has_linked_pairs_after_the_first_sync(administration: Administration) -> None:
    """Records of a kind stay apart in the two systems, or somebody who tries it out sees an empty table."""
    pairs = administration.first.json["pairs"]
    assert {flow for flow, counts in pairs.items() if counts["linked"] == 0} == set()
    assert pairs["customer_accounts"]["matched"] > 0
    assert pairs["customer_accounts"]["inserted"] > 0
    assert pairs["contact_contacts"]["ambiguous"] > 0
    writes = administration.first.json["writes"]
    assert writes["exact.accounts"]["created"] == pairs["customer_accounts"]["inserted"]
    assert writes["exact.employees"] == {"created": 0, "updated": 0, "deleted": 0, "failed": 0, "owed": 2}


def test_second_sync_does_nothing(administration: Administration) -> None:
    """Every round writes the same into somebody's books again."""
    for counts in administration.second.json["writes"].values():
        assert (counts["created"], counts["updated"], counts["deleted"], counts["failed"]) == (0, 0, 0, 0)
    for flow, counts in administration.second.json["pairs"].items():
        assert counts["linked"] == administration.first.json["pairs"][flow]["linked"]
        assert counts["matched"] == counts["inserted"] == 0


def test_second_sync_costs_one_read_per_feed(administration: Administration) -> None:
    """Exact's budget of calls for a day is spent by rounds in which nothing happens."""
    paths = ("customers", "contacts", "employees", "products", "quotes", "orders", "deletions")
    assert administration.second_calls["customerp"] == {f"GET /{path}": 1 for path in paths}
    # Quotations and sales orders come with a feed of their lines.
    feeds = [path.rpartition("/")[2] for path in administration.second_calls["exact"]]
    lines = {"QuotationLines", "SalesOrderLines"}
    sets = {"Accounts", "Contacts", "Employees", "Items", "QuotationHeaders", "Quotations", "SalesOrderHeaders"}
    assert len(feeds) == 9, feeds
    assert lines <= set(feeds), feeds
    assert {"Deleted", "Accounts", "Contacts", "Items"} <= set(feeds) <= sets | lines | {"Deleted", "SalesOrders"}, (
        feeds
    )
    assert set(administration.second_calls["exact"].values()) == {1}
    assert administration.second.json["calls"] == {"customerp": 7, "exact": 9}


def test_no_secret_is_shown_or_stored_in_clear(administration: Administration, place: Home, systems: Sandbox) -> None:
    """Whoever may look at Dagit, a log or the database can act as the company in both systems."""
    with place.environment():
        settings = load_settings()
        ledger = open_ledger(place.settings["TALK_DATABASE_URL"])
        stored = token_store(ledger, settings).load("exact")
        ledger.close()
    assert stored is not None
    secrets = [*systems.secrets, stored.access_token, stored.refresh_token]
    said = [
        text
        for done in (administration.first, administration.second, place.call("status"))
        for text in (done.out, done.err)
    ]
    rows = [row for table in place.tables().values() for row in table]
    files = [path for path in place.folder.rglob("*") if path.is_file()]
    assert [path for path in files if path.suffix == ".db"], "Dagster's event log is not where it was looked for"
    for secret in secrets:
        assert not [text for text in said if secret in text]
        assert not [row for row in rows if secret in row]
        assert not [path for path in files if secret.encode() in path.read_bytes()]


def test_tables_and_progress_for_people(administration: Administration, place: Home) -> None:
    """Somebody at a terminal does not see how far the sync is, or what it did."""
    done = place.call("sync", "--subject", "product")
    assert done.code == 0
    for title in ("Read", "Matched pairs", "Written"):
        assert f"{title} " in done.out
    rows = {line.split()[0]: line.split()[1:] for line in done.out.splitlines() if line.strip()}
    linked = administration.second.json["pairs"]["product_items"]["linked"]
    assert rows["product_items"][0] == str(linked)
    assert "customer_accounts" not in rows
    assert "4/4" in done.err
    assert "1/1" in done.err


def test_why_and_undo_of_what_a_sync_wrote(administration: Administration, place: Home, systems: Sandbox) -> None:
    """Somebody who finds a strange city in the morning learns neither where it is from, nor how to take it back."""
    run_id = administration.partly.json["run_id"]
    key = next(record["Id"] for record in systems.customerp("customers") if record.get("City") == CITY)
    told = place.call("why", f"customerp.customer/{key}", "City")
    assert (told.code, told.err) == (0, "")
    assert re.search(rf"^city '{CITY}' agreed$", told.out, re.MULTILINE)
    assert f"  '{CITY}' of customerp.customer/{key} (changed there 20" in told.out
    assert " was written to exact.accounts/" in told.out
    assert f" in run {run_id}." in told.out
    (city,) = place.call("why", f"customerp.customer/{key}", "city", "--json").json["properties"]
    assert (city["value"], city["state"]) == (CITY, "agreed")
    assert place.call("why", "customerp.customer/nobody").code == 2
    account = city["holdings"][1]["record"]
    undone = place.call("undo", run_id[:8], "--record", account, "--json")
    assert undone.code == 0, undone.err
    (back,) = [each for each in undone.json["back"] if each["property"] == "city"]
    assert (back["record"], back["written"]) == (account, CITY)
    assert undone.json["applied"] is False
    assert {write["outcome"] for write in undone.json["writes"]} == {"would be sent"}
    assert place.call("undo", "no-such-run").code == 2


def test_preview_shows_each_write_and_its_values(previewed: Previewed) -> None:
    """A team decides on a first sync without knowing what would be written."""
    assert "update exact.accounts/" in previewed.shown.out
    assert f"    Name: {NAME!r}\n" in previewed.shown.out
    assert DESCRIPTION in previewed.shown.out
    assert previewed.shown.out.rstrip().endswith("Nothing was written or stored.")
    assert "2 writes would be sent" in previewed.shown.out


def test_preview_as_json_is_one_object(previewed: Previewed) -> None:
    """A script cannot check what a sync would do."""
    assert previewed.as_json.out.count("\n") == 1
    found = previewed.as_json.json
    row = {**exactly(PLANNED), "required": [name for name in PLANNED if name != "source"]}
    check(found, {**SUMMARY, "planned": {"type": "array", "items": row}})
    planned = {write["entity"]: write for write in found["planned"]}
    assert planned.keys() == {"exact.accounts"}
    assert planned["exact.accounts"]["values"] == {"Name": NAME}
    assert planned["exact.accounts"]["before"]["name"] != NAME


def test_preview_writes_and_stores_nothing(previewed: Previewed) -> None:
    """Somebody who only wanted to look has changed the books, or the next sync skips what the preview saw."""
    before, after = previewed.tables
    assert before["record"]
    assert {name for name in before if before[name] != after[name]} <= {"call_budget", "token"}
    assert {call.split()[0] for call in previewed.calls["customerp"]} == {"GET"}
    assert {call for call in previewed.calls["exact"] if not call.startswith("GET ")} <= {"POST /api/oauth2/token"}


def test_one_subject_leaves_the_others_alone(previewed: Previewed, systems: Sandbox) -> None:
    """A team that starts with its customers finds its products changed as well."""
    totals = previewed.subject.json
    check(totals, SUMMARY)
    assert {entity for entity, counts in totals["writes"].items() if counts["updated"]} == {"exact.accounts"}
    assert NAME in {account["Name"] for account in systems.exact("Accounts").values()}
    assert DESCRIPTION not in json.dumps(systems.exact("Items"))
    assert set(previewed.subject_calls["customerp"]) == {"GET /customers", "GET /deletions"}


def test_every_command_says_that_it_uses_the_sandbox(database_server: DatabaseServer) -> None:
    """Somebody takes made-up data for their own, or the sentence breaks the JSON of a script."""
    with home({}, database_server) as fresh:
        seed(fresh.folder, FEW)
        words = f"No system is configured: using the sandbox, with its state and the ledger under {fresh.folder}.\n"
        assert fresh.call("status").err == words
        status = fresh.call("status", "--json")
        previewed = fresh.call("sync", "--preview", "--json", "--subject", "organisation")
    assert (status.err, status.json["last_run"]) == (words, None)
    assert (previewed.code, previewed.err) == (0, words)
    assert previewed.json["feeds"]["customerp.customer"]["read"] == FEW["customers"]


def test_status_before_the_first_sync(administration: Administration) -> None:
    """A newcomer who looks first is met by an error."""
    assert administration.before.code == administration.before_json.code == 0
    assert administration.before.out == "No sync has run yet. Start one with: talk-assets sync\n"
    assert administration.before_json.json["last_run"] is None
    assert administration.before_json.json["holds"] == []


def test_status_says_what_is_held_owed_and_to_be_entered(administration: Administration, place: Home) -> None:
    """What needs a person lies in tables that nobody looks at."""
    done = place.call("status")
    assert done.code == 0
    # A record, and on the line below it why.
    lines = [" ".join(pair) for pair in pairwise(done.out.splitlines())]
    assert lines[0].startswith(f"Division {place.settings['EXACT_DIVISION']} Last run: ")
    assert [
        line
        for line in lines
        if "ambiguous customerp.contact/" in line and "cannot be told which belong together" in line
    ]
    assert [line for line in lines if f"for customerp.customer/{administration.newcomer}" in line and "dead" in line]
    assert [line for line in lines if "exact.salesorders" in line and "waiting" in line and "its line" in line]
    entering = [line for line in lines if line.startswith("  create exact.employees for customerp.employee/")]
    assert len(entering) == 2
    for line in entering:
        assert "LastName '" in line
        assert "EmployeeHID '" in line
        assert "REST API" not in line


def test_status_as_json_has_values_and_reasons(administration: Administration, place: Home) -> None:
    """A data team cannot watch holds and debts with a script."""
    found = place.call("status", "--json").json
    assert found["division"] == place.settings["EXACT_DIVISION"]
    assert set(found["pairs"]) == FLOWS
    assert found["last_run"]["outcome"] in ("done", "failures")
    assert all(hold["reason"] and hold["entity"] and hold["key"] for hold in found["holds"])
    by_hand = [debt for debt in found["debts"] if debt["state"] == "person"]
    assert {debt["entity"] for debt in by_hand} == {"exact.employees"}
    assert all({"LastName", "EmployeeHID"} <= set(debt["values"]) for debt in by_hand)
    assert sum(row["count"] for row in found["owed"]) == len(found["debts"])
