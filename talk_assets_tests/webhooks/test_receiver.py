"""`talk-assets webhooks`: the running program, called as Exact calls it."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from talk_assets.ledger.database import open_ledger
from talk_assets_tests.conftest import DatabaseServer
from talk_assets_tests.exact_setup.person import settings_of
from talk_assets_tests.installed import Home, home
from talk_assets_tests.sandbox.exact.site import DIVISION, Site, running
from talk_assets_tests.webhooks.signing import SECRET, body, content


@dataclass
class Receiver:
    """The program, and where it listens."""

    place: Home
    site: Site
    url: str

    def tell(self, sent: bytes) -> int:
        return httpx.post(self.url, content=sent, timeout=10).status_code

    def kept(self) -> list[tuple[str, str, str]]:
        ledger = open_ledger(self.place.settings["TALK_DATABASE_URL"])
        try:
            with ledger.begin() as connection:
                rows = connection.execute(sa.text("select topic, action, key from talk.notification order by id"))
                return [tuple(row) for row in rows]
        finally:
            ledger.close()


@contextmanager
def _listening(place: Home, site: Site) -> Iterator[Receiver]:
    command = [str(Path(sys.executable).with_name("talk-assets")), "webhooks", "--port", "0"]
    with place.environment(), subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as program:
        assert program.stderr is not None
        said = ""
        try:
            while (found := re.search(r"running on (http://[\d.]+:\d+)", said)) is None:
                line = program.stderr.readline()
                assert line, said
                said += line
            yield Receiver(place, site, f"{found[1]}/exact")
        finally:
            program.send_signal(signal.SIGINT)
            said += program.communicate(timeout=20)[1]
    assert SECRET not in said
    assert "Traceback" not in said
    assert program.returncode == 0, said


@pytest.fixture(scope="module")
def listening(database_server: DatabaseServer) -> Iterator[Receiver]:
    with running() as site:
        settings = {**settings_of(site), "EXACT_DIVISION": str(DIVISION), "EXACT_REFRESH_TOKEN": "first-refresh"}
        with (
            home({**settings, "EXACT_WEBHOOK_SECRET": SECRET}, database_server) as place,
            _listening(place, site) as at,
        ):
            yield at


def test_a_notification_is_kept_once(listening: Receiver) -> None:
    """Exact sends it again when its answer is lost: one change would be acted upon many times."""
    before = listening.kept()
    sent = body(content(Division=DIVISION, Action="Create", Key="00000000-0000-0000-0000-00000000000a"))
    assert [listening.tell(sent) for _ in range(3)] == [200] * 3
    assert listening.kept() == [*before, ("Accounts", "Create", "00000000-0000-0000-0000-00000000000a")]
    customerp = {"CUSTOMERP_URL": "http://127.0.0.1:1", "CUSTOMERP_TOKEN": "-"}
    told = listening.place.call("status", "--json", **customerp).json["notifications"]
    assert told["day"] == len(before) + 1


def test_what_is_not_exacts_is_refused(listening: Receiver) -> None:
    """Whoever finds the address could fill the ledger, or stop the receiver."""
    before = listening.kept()
    good = body(content(Division=DIVISION))
    assert listening.tell(body(content(Division=DIVISION), "guessed")) == 401
    assert listening.tell(body(content(Division=DIVISION + 1))) == 401
    assert listening.tell(b"{}") == 400
    assert listening.tell(b"\xff" * 100) == 400
    assert listening.tell(good + b" " * 20_000) == 413
    assert httpx.get(listening.url, timeout=10).status_code == 405
    assert httpx.post(listening.url.replace("/exact", "/other"), content=good, timeout=10).status_code == 404
    assert listening.kept() == before


def test_the_empty_call_of_a_new_subscription_is_answered(listening: Receiver) -> None:
    """Exact would refuse the subscription."""
    assert listening.tell(b"") == 200


def test_an_edit_in_exact_arrives_within_seconds(listening: Receiver) -> None:
    """Subscription, signature and receiver fit each other only on paper."""
    done = listening.place.call("exact", "webhooks", "add", "--url", listening.url, "--topic", "Accounts")
    assert "Accounts: subscribed." in done.err
    made = listening.site.http.post(f"/_admin/{DIVISION}/Accounts", json={"Name": "Told of"}).json()["key"]
    until = time.monotonic() + 15
    while ("Accounts", "Create", made) not in listening.kept():
        assert time.monotonic() < until, listening.kept()
        time.sleep(0.2)
