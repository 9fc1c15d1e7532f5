"""`talk-assets exact divisions` against the local Exact Online."""

import json
from collections.abc import Iterator

import pytest

from talk_assets_tests.conftest import DatabaseServer
from talk_assets_tests.exact_setup.person import settings_of
from talk_assets_tests.installed import Home, home
from talk_assets_tests.sandbox.exact.site import DIVISION, Site, running

SETTINGS = {"EXACT_REFRESH_TOKEN": "first-refresh"}


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with running() as site:
        yield site


@pytest.fixture(scope="module")
def place(site: Site, database_server: DatabaseServer) -> Iterator[Home]:
    with home({**settings_of(site), **SETTINGS}, database_server) as made:
        yield made


def test_a_script_gets_a_line_per_division_or_objects(place: Home) -> None:
    """Somebody who sets up many installations copies numbers by hand, and mistakes one."""
    rows = [line.split("\t") for line in place.call("exact", "divisions", EXACT_DIVISION="222").out.splitlines()]
    assert [(row[0], row[1], row[2], row[3], row[5], row[6]) for row in rows] == [
        ("222", "Tweede BV", "NL", "active", "", "EXACT_DIVISION"),
        (str(DIVISION), "Sandbox BV", "NL", "active", "", ""),
    ]
    found = json.loads(place.call("exact", "divisions", "--json", EXACT_DIVISION="222").out)
    assert [(each["number"], each["configured"], each["usable"], each["moved"]) for each in found] == [
        (222, True, True, None),
        (DIVISION, False, True, None),
    ]
    assert sum(each["current"] for each in found) == 1


@pytest.mark.parametrize(
    ("configured", "said"),
    [
        (None, "Write the number of the one that is to be synchronised into EXACT_DIVISION."),
        ("222", "Next: talk-assets exact check"),
        ("999", "EXACT_DIVISION=999 is none that this user can enter. Write the number"),
    ],
)
def test_what_to_write_is_said(place: Home, configured: str | None, said: str) -> None:
    """A newcomer takes the number that is shown in Exact's own screens, which is another one."""
    done = place.call("exact", "divisions", EXACT_DIVISION=configured)
    assert done.code == 0
    assert "Logged in as " in done.err
    assert said in done.complaint


def test_nobody_has_logged_in(site: Site, database_server: DatabaseServer) -> None:
    """The first command that a newcomer tries ends in something about tokens."""
    with home(settings_of(site), database_server) as fresh:
        done = fresh.call("exact", "divisions")
    assert (done.code, done.out) == (2, "")
    assert "Error: Nobody has logged in to Exact yet: run `talk-assets exact login`" in done.complaint


def test_a_missing_scope_is_named(database_server: DatabaseServer) -> None:
    """Somebody whose app may not read divisions would believe that the login has failed."""
    with (
        running(scopes={"crm/accounts": "manage"}) as site,
        home({**settings_of(site), **SETTINGS}, database_server) as made,
    ):
        done = made.call("exact", "divisions")
    assert (done.code, done.out) == (2, "")
    assert "the scope organization/administration" in done.complaint
