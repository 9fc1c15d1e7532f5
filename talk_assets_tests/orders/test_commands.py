"""Orders on the command line, as a person or a script gives them."""

import getpass
import io
import json
import re
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from rich.console import Console

from talk_assets import console
from talk_assets.ledger.database import open_ledger
from talk_assets_tests.conftest import DatabaseServer
from talk_assets_tests.installed import Home
from talk_assets_tests.orders.office import ACCOUNT, CONTACT, CUSTOMER, PERSON, contested, office

pytestmark = pytest.mark.xdist_group("orders commands")


@pytest.fixture(scope="module")
def place(database_server: DatabaseServer) -> Iterator[Home]:
    with office(database_server) as opened:
        yield opened


def ordered(place: Home, order: str) -> list[tuple[str, str]]:
    """Record and person of the orders in history."""
    ledger = open_ledger(place.settings["TALK_DATABASE_URL"])
    text = "select entity || coalesce('/' || key, '') as record, detail->>'who' from talk.history where rule = :o"
    with ledger.begin() as connection:
        found = [tuple(row) for row in connection.execute(sa.text(f"{text} and kind = 'person'"), {"o": order})]
    ledger.close()
    return found


def test_lists_are_lines_for_a_script_and_objects_with_json(place: Home) -> None:
    """A list that is cut to the width of a window loses the keys that the next command needs."""
    rows = [line.split("\t") for line in place.call("conflicts").out.splitlines()]
    assert [row[:5] for row in rows] == [
        [PERSON, "last_name", "both_changed", PERSON, "Vos"],
        [PERSON, "last_name", "both_changed", CONTACT, "Vis"],
    ]
    (found,) = json.loads(place.call("conflicts", "--json").out)
    assert [claim["value"] for claim in found["claims"]] == ["Vos", "Vis"]
    assert found["settle"] == f"talk-assets resolve {PERSON} last_name --take RECORD_OR_VALUE"
    held = [line.split("\t") for line in place.call("holds").out.splitlines()]
    assert [row[:4] for row in held] == [
        ["exact.accounts", "guard", "volume", "1,000 writes are owed"],
        [CUSTOMER, "ambiguous", "", "two have | one number"],
    ]
    assert [row[4].split(" OTHER")[0] for row in held] == [
        "talk-assets accept exact.accounts",
        f"talk-assets link {CUSTOMER}",
    ]
    (ambiguous,) = json.loads(place.call("holds", "--kind", "ambiguous", "--json").out)
    assert (ambiguous["record"], ambiguous["value"]) == (CUSTOMER, None)


def test_a_list_at_a_terminal_cuts_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that ends in dots cannot be copied into the next command, or brackets in a value change its colours."""
    shown = io.StringIO()
    monkeypatch.setattr(console, "out", Console(file=shown, force_terminal=True, color_system=None, width=60))
    key = "exact.accounts/678455d0-7790-4b8a-aa99-63124e6e044b"
    console.listing("Holds", ["record", "reason"], [(key, "[red]two[/red]"), (key, "one")])
    columns = re.findall(r"^ (\S+)", shown.getvalue(), re.MULTILINE)
    assert "".join(columns).count(key) == 2
    assert "[red]two[/red]" in shown.getvalue()
    assert "Holds (2)" in shown.getvalue()


def test_status_names_the_command_that_settles(place: Home) -> None:
    """Whoever finds a record held has to search the documentation for what to do."""
    shown = place.call("status").out
    assert f"talk-assets link {CUSTOMER} OTHER" in shown
    assert f"talk-assets resolve {PERSON} last_name --take" in shown
    assert f"no postcode. To settle it: talk-assets retry {CUSTOMER}" in shown


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["link", "customerp.customer/none", ACCOUNT], "no run has read a record of customerp.customer with the key"),
        (["unlink", CUSTOMER, PERSON], "they can never be the same"),
        (["resolve", CUSTOMER, "name", "--take", "x"], "has no open conflict"),
        (["resolve", PERSON, "birth_date", "--take", "x"], "it has one of last_name"),
        (["accept", "exact.nothing"], "exact.nothing is not synchronised; it is one of customerp.customer"),
        (["accept", CUSTOMER], "is not held as unlinked"),
        (["retry", ACCOUNT], "was refused"),
    ],
)
def test_what_cannot_be_done_ends_with_one_sentence(place: Home, words: list[str], complaint: str) -> None:
    """A script takes a mistyped key for an order that was carried out."""
    before = place.tables()
    done = place.call(*words)
    assert done.code == 2
    assert done.out == ""
    (told,) = [line for line in done.err.splitlines() if not line.startswith("No system is configured")]
    assert told.startswith("Error: ")
    assert complaint in told
    assert place.tables() == before


def test_each_order_is_carried_out_and_kept_with_who_gave_it(place: Home) -> None:
    """Months later nobody can tell who joined two companies."""
    assert place.call("link", CUSTOMER, ACCOUNT, "--who", "anna").code == 0
    assert ordered(place, "link") == [(CUSTOMER, "anna"), (ACCOUNT, "anna")]
    assert place.call("unlink", CUSTOMER, ACCOUNT).code == 0
    assert set(ordered(place, "unlink")) == {(CUSTOMER, getpass.getuser()), (ACCOUNT, getpass.getuser())}
    assert place.call("accept", CUSTOMER, "--who", "bo").code == 0
    assert place.call("accept", "exact.accounts", "--kind", "volume", "--who", "bo").code == 0
    assert ordered(place, "accept") == [(CUSTOMER, "bo"), ("exact.accounts", "bo")]
    assert place.call("resolve", PERSON, "last_name", "--take", CONTACT, "--who", "cy").code == 0
    assert ordered(place, "resolve") == [(PERSON, "cy")]
    assert place.call("conflicts").out == ""
    done = place.call("retry", "--who", "dee")
    assert (done.code, done.out) == (0, "")


def test_a_deletion_that_met_an_edit_is_decided_by_the_record_that_is_right(place: Home) -> None:
    """A record that was deleted on one side and edited on the other waits for ever."""
    ledger = open_ledger(place.settings["TALK_DATABASE_URL"])
    with ledger.begin() as connection:
        contested(connection)
    ledger.close()
    assert "deleted" in place.call("conflicts").out
    wrong = place.call("resolve", PERSON, "record", "--take", "Vos")
    assert wrong.code == 2
    assert f"take {PERSON} (deleted) or {CONTACT} (edited)" in wrong.err
    assert place.call("resolve", CONTACT, "record", "--take", PERSON, "--who", "anna").code == 0
    (row,) = [row for row in place.tables()["conflict"] if "edit_versus_delete" in row]
    assert f"anna took {PERSON}" in row


def test_before_the_first_sync_there_is_nothing_to_settle(database_server: DatabaseServer, place: Home) -> None:
    """A newcomer who looks at the holds is met by an error that explains nothing."""
    url = database_server.create_ledger()
    done = place.call("holds", TALK_DATABASE_URL=url)
    database_server.drop(url)
    assert done.code == 2
    assert "No sync has run yet" in done.err
