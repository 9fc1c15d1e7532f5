"""`talk-assets exact check` against the local Exact Online."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from talk_assets.sandbox.exact.config import ExactConfig
from talk_assets.sandbox.exact.oauth import Tokens
from talk_assets_tests.conftest import DatabaseServer
from talk_assets_tests.exact_setup.person import settings_of
from talk_assets_tests.installed import Done, Home, home
from talk_assets_tests.sandbox.exact.site import DIVISION, Site, running

ENTITIES = [
    "exact.accounts",
    "exact.items",
    "exact.contacts",
    "exact.employees",
    "exact.quotations",
    "exact.quotation_lines",
    "exact.salesorders",
    "exact.salesorder_lines",
]
ROOT = f"/api/v1/{DIVISION}"


def filled(site: Site) -> None:
    """A record of every kind, and one that is gone."""
    state = site.state
    account = state.add("Accounts", {"Name": "Vos BV", "Code": "28"})
    state.add("Contacts", {"Account": account, "LastName": "Vos"})
    state.add("Employees", {"LastName": "Vos", "StartDate": "2020-02-01"})
    item = state.add("Items", {"Code": "A1", "Description": "Ding"})
    state.add_document("Quotations", {"OrderAccount": account}, [{"Item": item}])
    state.add_document("SalesOrders", {"OrderedBy": account}, [{"Item": item}])
    state.remove("Accounts", state.add("Accounts", {"Name": "Weg BV"}))


@contextmanager
def checked(database_server: DatabaseServer, **config: Any) -> Iterator[tuple[Home, Site]]:
    """An installation of which a person wants to know whether it works."""
    with running(**{"calls_per_minute": 60, "calls_per_day": 5000, "errors_per_hour": 10, **config}) as site:
        site.clock.now = datetime.now(UTC)
        # Makes a token known, as a person's login does: the first one is years old by now.
        Tokens(site.store, ExactConfig({}, "app", "app-secret", refresh_token="of-today"))
        settings = {**settings_of(site), "EXACT_DIVISION": str(DIVISION), "EXACT_REFRESH_TOKEN": "of-today"}
        with home(settings, database_server) as place:
            yield place, site


def found(done: Done) -> dict[str, dict[str, Any]]:
    return {each["what"]: each for each in done.json["findings"]}


@pytest.fixture(scope="module")
def good(database_server: DatabaseServer) -> Iterator[tuple[Home, Site]]:
    # The server's clock stands still, and with it the minute.
    with checked(database_server, calls_per_minute=1000) as made:
        filled(made[1])
        yield made


def test_a_good_connection(good: tuple[Home, Site]) -> None:
    """A newcomer whose connection works is told of problems, or is not told what comes next."""
    place, site = good
    before = site.http.get("/_admin/calls").json()["calls"]
    done = place.call("exact", "check", "--json")
    assert done.code == 0, done
    assert done.err == ""
    assert done.json["division"] == DIVISION
    seen = found(done)
    assert {seen[f"read {entity}"]["state"] for entity in ENTITIES} == {"ok"}
    assert seen["read exact.accounts"]["concerns"] == "customer_accounts"
    assert seen["read exact.contacts"]["concerns"] == "contact_contacts, employee_contacts"
    assert seen["read exact.quotation_lines"]["concerns"] == "quote_quotations, order_quotations"
    assert seen["write exact.employees"]["state"] == "ok"
    assert seen["write exact.employees"]["seen"].startswith("not written: ")
    assert seen["read deletions"]["state"] == "ok"
    assert seen["login"]["seen"].endswith("(sandbox)")
    assert seen[f"division {DIVISION}"]["seen"] == "Sandbox BV, active"
    assert seen["clock"]["state"] == "ok"
    left = seen["budget of calls"]["seen"]
    assert left.endswith("in this minute")
    assert " of 5,000 calls left today, " in left
    calls = Counter(site.http.get("/_admin/calls").json()["calls"]) - Counter(before)
    assert {call.partition(" ")[0] for call in calls if "oauth2" not in call} == {"GET"}, "a check writes nothing"
    assert calls.total() <= 40, "sixty a minute are there for all"
    assert not [each for each in seen.values() if each["stops"]]


def test_the_table_says_what_to_do(good: tuple[Home, Site]) -> None:
    """A person at a terminal, or a script, gets no answer to what is wrong."""
    place, _ = good
    done = place.call("exact", "check")
    rows = [line.split("\t") for line in done.out.splitlines()]
    assert {len(row) for row in rows} == {5}
    assert [row[1] for row in rows][:4] == ["login", "clock", f"division {DIVISION}", "read exact.accounts"]
    assert done.code == 0
    assert "Every flow can be read" in done.err


@pytest.mark.parametrize(
    ("scope", "level", "stopped"),
    [
        ("logistics/items", None, ["read exact.items"]),
        ("crm/quotes", None, ["read exact.quotations", "read exact.quotation_lines"]),
        ("organization/administration", None, ["read deletions"]),
        ("logistics/items", "read", []),
    ],
)
def test_a_missing_scope_is_named_where_it_is_missed(
    database_server: DatabaseServer, scope: str, level: str | None, stopped: list[str]
) -> None:
    """Somebody ticks scope after scope and logs in again each time, or has ten refused calls block the app."""
    scopes = dict.fromkeys(
        ["crm/accounts", "crm/quotes", "sales/orders", "logistics/items", "hrm/payroll", "organization/administration"],
        "manage",
    )
    scopes = {name: level or "" if name == scope else held for name, held in scopes.items()}
    with checked(database_server, scopes={name: held for name, held in scopes.items() if held}) as (place, site):
        filled(site)
        done = place.call("exact", "check", "--json")
    seen = found(done)
    assert [name for name, each in seen.items() if each["stops"]] == stopped
    assert done.code == (1 if stopped else 0)
    assert done.json["readable"] is not bool(stopped)
    for name in stopped:
        assert seen[name]["state"] == "problem"
        assert "Application Scope Violated" in seen[name]["seen"]
        assert seen[name]["advice"].startswith(f"Give the app's registration the scope {scope} at read")
    others = {f"read {entity}" for entity in ENTITIES} - set(stopped)
    assert {seen[name]["state"] for name in others} == {"ok"}


def test_a_check_spends_little_of_what_exact_bears_of_refusals(database_server: DatabaseServer) -> None:
    """Whoever runs the check again after each correction would be locked out for an hour by the check itself."""
    with checked(database_server, scopes={}, calls_per_minute=1000) as (place, site):
        for _ in range(6):
            assert place.call("exact", "check").code == 1
        # Ten failed calls per endpoint and hour block the app: an endpoint is left alone before that.
        again = place.call("exact", "check", "--json")
        calls = Counter(site.http.get("/_admin/calls").json()["calls"])
    assert max(count for call, count in calls.items() if ROOT in call) == 6
    assert "shuts an app out" in found(again)["read exact.accounts"]["seen"]
    assert again.code == 1


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        ("LicenseExpired", "The licence has expired"),
        ("BlockedUser", "The user who logged in is blocked"),
        ("DivisionBlocked", "The division is blocked"),
    ],
)
def test_what_shuts_the_whole_division_is_asked_for_once(
    database_server: DatabaseServer, reason: str, advice: str
) -> None:
    """A blocked licence shows as a dozen different problems, each of which costs a refused call."""
    with checked(database_server) as (place, site):
        site.fault(path=f"^{ROOT}/(crm|sync|logistics|sales|payroll|users|webhooks)", status=403, times=None,
                   message="Forbidden", headers={"Reason": reason})  # fmt: skip
        done = place.call("exact", "check", "--json")
        calls = Counter(site.http.get("/_admin/calls").json()["calls"])
    seen = found(done)
    assert done.code == 1
    assert seen["read exact.accounts"]["advice"].startswith(advice)
    assert {seen[f"read {entity}"]["seen"] for entity in ENTITIES[1:]} == {"not asked for"}
    assert sum(count for call, count in calls.items() if ROOT in call) == 2, "divisions and the first set"


@pytest.mark.parametrize(
    ("division", "said"),
    [(None, "EXACT_DIVISION is not set"), ("999", "it is none that this user can enter")],
)
def test_a_division_that_cannot_be_entered_stops_the_check(
    database_server: DatabaseServer, division: str | None, said: str
) -> None:
    """A wrong number shows as missing scopes and rights of everything."""
    with checked(database_server) as (place, site):
        done = place.call("exact", "check", "--json", EXACT_DIVISION=division)
        calls = site.http.get("/_admin/calls").json()["calls"]
    assert done.code == 1
    (problem,) = [each for each in done.json["findings"] if each["state"] == "problem"]
    assert problem["seen"] == said
    assert "`talk-assets exact divisions`" in problem["advice"]
    assert not [call for call in calls if "crm" in call]


def test_a_clock_that_is_wrong_is_told(database_server: DatabaseServer) -> None:
    """Tokens are renewed too early or too late, and nobody thinks of the clock."""
    with checked(database_server) as (place, site):
        site.clock.advance(seconds=-300)
        done = place.call("exact", "check", "--json")
    clock = found(done)["clock"]
    assert clock["state"] == "problem"
    assert "behind this machine's" in clock["seen"]
    assert "300 s" in clock["seen"] or "301 s" in clock["seen"]


def test_a_login_that_has_ended_is_the_only_problem_told(database_server: DatabaseServer) -> None:
    """A revoked login shows as a broken program, or as rights that are missing everywhere."""
    with checked(database_server) as (place, _):
        done = place.call("exact", "check", "--json", EXACT_REFRESH_TOKEN="an-old-one")
    assert done.code == 1
    (only,) = done.json["findings"]
    assert (only["what"], only["state"]) == ("login", "problem")
    assert "`talk-assets exact login`" in only["advice"]
    assert "an-old-one" not in done.out


def test_nobody_has_logged_in_yet(database_server: DatabaseServer) -> None:
    """A newcomer is shown a table of what cannot be known yet."""
    with checked(database_server) as (place, _):
        done = place.call("exact", "check", EXACT_REFRESH_TOKEN=None)
    assert (done.code, done.out) == (2, "")
    assert "run `talk-assets exact login`" in done.complaint


def test_an_empty_set_is_not_taken_for_a_right(database_server: DatabaseServer) -> None:
    """Without the right to read, Exact can show an empty list: the first sync would create everything once more."""
    with checked(database_server) as (place, _):
        done = place.call("exact", "check", "--json")
    seen = found(done)
    assert seen["read exact.contacts"]["seen"] == "crm/Contacts, sync/CRM/Contacts: empty"
    assert {seen[f"read {entity}"]["state"] for entity in ENTITIES} == {"ok"}
    assert seen["read deletions"]["seen"] == "sync/Deleted, empty"
    assert done.code == 0


def test_where_exact_does_not_tell_of_rights_nothing_is_taken_for_granted(database_server: DatabaseServer) -> None:
    """An empty set or a write would be called possible because a question was not answered."""
    with checked(database_server) as (place, site):
        site.fault(path="/users/UserHasRights", status=404, message="Not found", times=None)
        done = place.call("exact", "check", "--json")
        calls = site.http.get("/_admin/calls").json()["calls"]
    seen = found(done)
    assert {seen[f"read {entity}"]["state"] for entity in ENTITIES} == {"unknown"}
    assert "Exact does not tell whether the user may see any" in seen["read exact.contacts"]["seen"]
    assert seen["write exact.accounts"]["seen"] == "not known without writing"
    assert calls[f"GET {ROOT}/users/UserHasRights"] == 1, "each refusal counts"
    assert done.code == 0


@pytest.mark.parametrize(
    ("rights", "what", "state", "seen", "stopped"),
    [
        ({"Contacts": "hidden"}, "read exact.contacts", "problem", "no record is shown to this user", True),
        ({"Contacts": "none"}, "read exact.contacts", "problem", "crm/Contacts: 403, Forbidden", True),
        ({"Contacts": "read"}, "write exact.contacts", "problem", "the user may not create and change records", False),
        ({"Deleted": "hidden"}, "read deletions", "problem", "nothing is shown to this user", True),
        ({"Divisions": "hidden"}, f"division {DIVISION}", "unknown", "no division is shown to this user", False),
    ],
)
def test_a_right_that_the_user_lacks_is_named(
    database_server: DatabaseServer, rights: dict[str, str], what: str, state: str, seen: str, stopped: bool
) -> None:
    """A user without rights looks like an empty administration, whose records are then all created once more."""
    with checked(database_server, rights=rights) as (place, site):
        filled(site)
        done = place.call("exact", "check", "--json")
    problem = found(done)[what]
    assert (problem["state"], problem["seen"]) == (state, seen)
    assert problem["advice"]
    assert problem["stops"] is stopped
    assert done.code == int(stopped)
    others = [each for name, each in found(done).items() if name != what]
    assert [each for each in others if each["state"] == "problem"] == []


def test_what_the_user_may_write_is_told(good: tuple[Home, Site]) -> None:
    """A newcomer learns only from a first sync that half of it is refused."""
    place, _ = good
    seen = found(place.call("exact", "check", "--json"))
    writes = [seen[f"write {entity}"] for entity in ENTITIES]
    assert {each["state"] for each in writes} == {"ok"}
    assert seen["write exact.items"]["seen"] == "the user may; the app has to have logistics/items at manage"
