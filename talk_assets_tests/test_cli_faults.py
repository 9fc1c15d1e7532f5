"""What `talk-assets` says, and with which exit code it ends, when something is wrong."""

import json
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from talk_assets import installation
from talk_assets.ledger.database import open_ledger
from talk_assets.ledger.locks import division_lock
from talk_assets.mappings import load as mappings_room
from talk_assets_tests.conftest import DatabaseServer
from talk_assets_tests.installed import Home, Sandbox, home
from talk_assets_tests.mappings.broken import copy_mappings, replace

pytestmark = pytest.mark.xdist_group("faults")

# Nothing listens at the port of the first TCP service, which no system has run for decades.
NOWHERE = "http://127.0.0.1:1"
SECRETS = ("CUSTOMERP_TOKEN", "EXACT_CLIENT_SECRET", "EXACT_REFRESH_TOKEN", "EXACT_WEBHOOK_SECRET")
ORGANISATION = ("sync", "--subject", "organisation")


@pytest.fixture(scope="module")
def synced(place: Home) -> Home:
    """The same home after a first sync of the organisations."""
    assert place.call(*ORGANISATION, "--confirm").code == 0
    return place


@pytest.fixture(autouse=True)
def _mended(systems: Sandbox) -> Iterator[None]:
    yield
    systems.end_faults()


def refused(place: Home, *arguments: str, **changes: str | None) -> str:
    """Run a command that cannot start, and give the one sentence it says."""
    done = place.call(*(arguments or ORGANISATION), **changes)
    assert done.code == 2, done
    assert done.out == ""
    assert "Traceback" not in done.err
    # Progress may come before it when the sync had begun.
    _, found, sentence = done.complaint.rpartition("Error: ")
    assert found, done.err
    assert done.err.count("Error: ") == 1
    secrets = [settings.get(name) for name in SECRETS for settings in (place.settings, changes)]
    assert not [secret for secret in secrets if secret and secret in done.err]
    return sentence


@pytest.mark.parametrize(
    ("setting", "wrong", "named"),
    [
        ("CUSTOMERP_TOKEN", "not-the-token", "CUSTOMERP_TOKEN"),
        ("EXACT_CLIENT_SECRET", "not-the-secret", "EXACT_CLIENT_SECRET"),
        ("EXACT_REFRESH_TOKEN", "not-the-refresh-token", "EXACT_REFRESH_TOKEN"),
    ],
)
def test_wrong_credentials(
    systems: Sandbox, database_server: DatabaseServer, setting: str, wrong: str, named: str
) -> None:
    """A mistyped secret shows as a traceback, or does not show which one it is."""
    with home(systems.settings, database_server) as fresh:
        sentence = refused(fresh, **{setting: wrong})
    assert named in sentence
    assert wrong not in sentence


@pytest.mark.parametrize("setting", ["CUSTOMERP_URL", pytest.param("EXACT_URL", marks=pytest.mark.soak)])
def test_nothing_listens(place: Home, setting: str) -> None:
    """A mistyped address shows as a stack of network errors."""
    sentence = refused(place, **{setting: NOWHERE, "EXACT_CLIENT_ID": "another"})
    assert setting in sentence
    assert f"nothing answers at {NOWHERE}" in sentence


@pytest.mark.parametrize("setting", ["CUSTOMERP_URL", "EXACT_URL"])
def test_something_else_answers(systems: Sandbox, database_server: DatabaseServer, setting: str) -> None:
    """Records are read from, or credentials told to, whatever answers at a mistyped address."""
    other = "EXACT_URL" if setting == "CUSTOMERP_URL" else "CUSTOMERP_URL"
    with home(systems.settings, database_server) as fresh:
        assert setting in refused(fresh, **{setting: systems.settings[other]})


def test_an_address_that_is_none(place: Home) -> None:
    """A forgotten https:// ends in an error about the network."""
    assert "CUSTOMERP_URL: not an http(s) address" in refused(place, CUSTOMERP_URL="erp.example.com")


def test_some_settings_only(place: Home) -> None:
    """Somebody who fills in half of the settings syncs with made-up data, or guesses what is missing."""
    sentence = refused(place, CUSTOMERP_TOKEN=None, EXACT_DIVISION=None)
    assert sentence.startswith("CUSTOMERP_TOKEN, EXACT_DIVISION are not set")
    assert "EXACT_DIVISION: " in refused(place, EXACT_DIVISION="hoofdkantoor")


@pytest.mark.parametrize("command", ["sync", "status", "dev"])
def test_a_broken_mapping(place: Home, tmp_path: Path, command: str) -> None:
    """Somebody who edits a mapping searches for their mistake in five files."""
    shipped = Path(mappings_room.__file__).parent
    folder = tmp_path / "mappings"
    shutil.copytree(shipped, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    path = folder / "product.yaml"
    lines = path.read_text().splitlines()
    number = next(number for number, line in enumerate(lines) if re.match(r"\s+type: decimal", line))
    lines[number] = lines[number].replace("decimal", "decimaal")
    path.write_text("\n".join(lines))
    sentence = refused(place, command, TALK_MAPPINGS=str(folder))
    assert f"{path}:{number + 1}: properties." in sentence
    assert ".type: " in sentence
    assert "decimal" in sentence


@pytest.mark.parametrize("command", ["sync", "status"])
def test_an_unreachable_database(place: Home, command: str) -> None:
    """A database that is down shows as a traceback with its password."""
    url = "postgresql://talk:s3cret-word@127.0.0.1:1/talk"
    sentence = refused(place, command, TALK_DATABASE_URL=url)
    assert "127.0.0.1, port 1, database talk" in sentence
    assert "TALK_DATABASE_URL" in sentence
    assert "s3cret-word" not in sentence


def test_an_unknown_subject(place: Home) -> None:
    """A mistyped subject syncs everything, or nothing without a word."""
    sentence = refused(place, "sync", "--subject", "organisatie")
    assert "there is no subject organisatie; it is one of organisation, product, person, sales_document" in sentence


@pytest.mark.parametrize(
    ("content", "seen"),
    [("pagging:\n  style: none\n", "pagging"), ("contract: [1\n", ""), (None, "")],
    ids=["unknown key", "no YAML", "no file"],
)
def test_a_broken_profile(place: Home, tmp_path: Path, content: str | None, seen: str) -> None:
    """A misspelt option of a connector profile is ignored, and the wrong records are read."""
    profile = tmp_path / "erp.yaml"
    if content is not None:
        profile.write_text(content)
    sentence = refused(place, CUSTOMERP_PROFILE=str(profile))
    assert str(profile) in sentence
    assert seen in sentence


def test_an_unknown_option(place: Home) -> None:
    """A mistyped option is ignored: a preview that was meant writes."""
    done = place.call("sync", "--preveiw")
    assert done.code == 2
    assert "--preview" in done.err


def test_a_system_that_refuses_us_after_a_good_sync(synced: Home, systems: Sandbox) -> None:
    """A token that was withdrawn gives a screen of sentences, one per feed."""
    systems.fault("customerp", path="^/", status=401, body={"title": "Unauthorized", "status": 401}, times=None)
    sentence = refused(synced)
    assert "CUSTOMERP_TOKEN" in sentence


def test_one_feed_that_cannot_be_read(synced: Home, systems: Sandbox) -> None:
    """A right that is missing for one kind of record looks like a system that is down, or like success."""
    systems.fault("exact", path="/crm/Accounts|/sync/CRM/Accounts|/bulk/CRM/Accounts", status=403, times=None)
    done = synced.call(*ORGANISATION, "--json")
    assert done.code == 1
    assert done.complaint.startswith("Failed: exact__accounts: ")
    assert done.complaint.count("Failed: ") == 1
    assert "Traceback" not in done.err
    assert done.json["feeds"]["customerp.customer"] == {"read": 0, "changed": 0, "held": 0}


@pytest.mark.soak
def test_a_refused_write(synced: Home, systems: Sandbox) -> None:
    """A record that Exact refuses goes unnoticed, hinders all others, or is sent for ever."""
    first, second, *_ = systems.customerp("customers")
    words = "Value out of range: the website is not one"
    systems.fault("exact", method="PUT", path="crm/Accounts", message=words, match={"Website": "https://een.example"})
    systems.edit_customerp(f"customers/{first['Id']}", Website="https://een.example")
    systems.edit_customerp(f"customers/{second['Id']}", Website="https://twee.example")
    done = synced.call(*ORGANISATION)
    assert done.code == 1
    _, found, sentence = done.complaint.partition("Failed: ")
    assert found
    assert sentence.startswith("updating exact.accounts")
    assert words in sentence
    assert "Traceback" not in done.err
    websites = {account.get("Website") for account in systems.exact("Accounts").values()}
    assert "https://een.example" not in websites
    assert "https://twee.example" in websites
    assert words in synced.call("status").out

    systems.forget_calls()
    again = synced.call(*ORGANISATION, "--json")
    assert again.code == 1, "a check tripped"
    assert not [call for call in systems.calls()["exact"] if call.startswith("PUT")]
    assert again.json["writes"]["exact.accounts"] == {"created": 0, "updated": 0, "deleted": 0, "failed": 0, "owed": 1}
    assert again.complaint == (
        "Check: written/exact/accounts, undelivered: Owed: 1 refused: correct the record, it is then sent again. "
        "To see which: talk-assets status"
    )
    systems.edit_customerp(f"customers/{first['Id']}", Website="https://drie.example")
    corrected = synced.call(*ORGANISATION, "--json")
    assert (corrected.code, corrected.err) == (0, "")
    assert corrected.json["writes"]["exact.accounts"]["updated"] == 1


@pytest.mark.soak
def test_what_was_written_before_a_right_was_withdrawn_is_counted(synced: Home, systems: Sandbox) -> None:
    """Nobody can tell from the end of a broken run which books it has already changed."""
    ledger = open_ledger(synced.settings["TALK_DATABASE_URL"])
    with ledger.begin() as connection:
        order = sa.text("select key from talk.member where entity = 'customerp.customer' order by cluster_id")
        sent, denied = list(connection.execute(order).scalars())[:2]
    ledger.close()
    systems.fault("exact", method="PUT", path="crm/Accounts", status=403, match={"City": "Sneek"}, times=None)
    for customer, city in ((sent, "Bolsward"), (denied, "Sneek")):
        systems.edit_customerp(f"customers/{customer}", City=city)
    done = synced.call(*ORGANISATION, "--json")
    assert done.code == 1
    assert done.json["writes"]["exact.accounts"] == {"created": 0, "updated": 1, "deleted": 0, "failed": 0, "owed": 1}
    assert done.complaint.startswith("Failed: written__exact__accounts.deliver_exact_accounts: ")
    assert "Bolsward" in {account.get("City") for account in systems.exact("Accounts").values()}
    systems.end_faults()
    mended = synced.call(*ORGANISATION, "--json")
    assert mended.code == 0
    assert mended.json["writes"]["exact.accounts"]["updated"] == 1


def test_a_guard_waits_for_a_person_and_then_lets_pass(synced: Home, systems: Sandbox, tmp_path: Path) -> None:
    """A wrong import is in the books before anybody has seen it, or nobody learns how to let a right one through."""
    copy_mappings(tmp_path)
    limits = "guards:\n  exact.accounts: {max_writes_per_run: 1, max_writes_share: 0}\n\nproperties:\n"
    replace(tmp_path / "organisation.yaml", "properties:\n", limits)
    strict = {"TALK_MAPPINGS": str(tmp_path)}
    for customer, city in zip(systems.customerp("customers")[:2], ("Goes", "Ede"), strict=True):
        systems.edit_customerp(f"customers/{customer['Id']}", City=city)
    stopped = synced.call(*ORGANISATION, "--json", **strict)
    command = "talk-assets accept exact.accounts"
    assert stopped.code == 1
    assert stopped.json["writes"]["exact.accounts"] == {
        "created": 0,
        "updated": 0,
        "deleted": 0,
        "failed": 0,
        "owed": 2,
    }
    assert "Check: written/exact/accounts, guard: exact.accounts: 2 writes are owed, more than 1; " in stopped.complaint
    assert f"To let it pass once: {command}" in stopped.complaint
    assert f"To let it pass once: {command}" in synced.call("status", **strict).out
    assert synced.call(*command.split()[1:], **strict).code == 0
    passed = synced.call(*ORGANISATION, "--json", **strict)
    assert (passed.code, passed.err) == (0, "")
    assert passed.json["writes"]["exact.accounts"]["updated"] == 2
    assert {"Goes", "Ede"} <= {account.get("City") for account in systems.exact("Accounts").values()}
    assert "No guard waits for a person." in synced.call("status", **strict).out


def test_two_syncs_of_a_division_do_not_work_at_once(synced: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two schedules that overlap create every new record twice."""
    division = synced.settings["EXACT_DIVISION"]
    ledger = open_ledger(synced.settings["TALK_DATABASE_URL"])
    try:
        with division_lock(ledger, division, 0, "of somebody else"), monkeypatch.context() as patch:
            patch.setattr(installation, "WAIT_SECONDS", 0.2)
            refused = synced.call(*ORGANISATION, "--json")
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
        patient = synced.call(*ORGANISATION, "--json")
        waiting.set()
        other.join()
    finally:
        ledger.close()
    assert patient.code == 0
    assert patient.json["seconds"] > 0.5


@pytest.mark.soak
def test_an_interrupted_sync(synced: Home, systems: Sandbox) -> None:
    """Somebody who presses Ctrl-C sees a screen of Python, and fears for the data."""
    systems.fault("customerp", path="^/customers", status=None, delay=20)
    systems.forget_calls()
    program = Path(sys.executable).with_name("talk-assets")
    with (
        synced.environment(),
        subprocess.Popen(
            [program, *ORGANISATION, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process,
    ):
        while not systems.calls()["customerp"]["GET /customers"]:
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=15)
    assert process.returncode == 1
    assert err.startswith("Failed: customerp__customer: interrupted. ")
    assert "Traceback" not in err
    assert json.loads(out)["feeds"]["customerp.customer"] == {"read": 0, "changed": 0, "held": 0}
    systems.end_faults()
    assert synced.call(*ORGANISATION).code == 0


@pytest.mark.parametrize("command", ["sync", "status"])
def test_a_home_that_cannot_be_used(tmp_path: Path, command: str) -> None:
    """A TALK_HOME that cannot be used ends in a traceback."""
    with home({}) as embedded:
        taken = tmp_path / "taken"
        taken.write_text("a file, not a folder")
        sentence = refused(embedded, command, TALK_HOME=str(taken))
    assert str(taken) in sentence
    assert "TALK_HOME" in sentence
