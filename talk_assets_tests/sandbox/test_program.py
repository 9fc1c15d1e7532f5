"""`python -m talk_assets.sandbox` as a process of its own."""

import hmac
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from talk_assets.errors import ConfigurationError
from talk_assets.sandbox.__main__ import app
from talk_assets_tests.systems.loopback import Answer, Asked, loopback

FEW = ["--customers", "6", "--contacts", "6", "--employees", "3", "--products", "5", "--quotes", "4", "--orders", "4"]
KEYS = {
    "customerp_url",
    "customerp_token",
    "exact_url",
    "exact_division",
    "exact_client_id",
    "exact_client_secret",
    "exact_refresh_token",
    "exact_redirect_uri",
    "exact_employer_account",
    "exact_webhook_secret",
}

# A parent that dies without a word once its sandbox runs: only the sandbox can notice.
DYING_PARENT = """
import os, subprocess, sys
options = ["--parent-pid", str(os.getpid()), *sys.argv[1:]]
child = subprocess.Popen([sys.executable, "-m", "talk_assets.sandbox", *options], stdout=subprocess.PIPE)
print(child.stdout.readline().decode().strip(), flush=True)
os.kill(os.getpid(), 9)
"""


class Program:
    """A started sandbox and what it announced."""

    def __init__(self, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "talk_assets.sandbox", *FEW, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self.said: dict[str, Any] = json.loads(line) if line else {}

    def customerp(self, path: str) -> Any:
        answer = httpx.get(
            self.said["customerp_url"] + path, headers={"Authorization": f"Bearer {self.said['customerp_token']}"}
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def token(self, refresh_token: str | None = None) -> httpx.Response:
        form = {
            "grant_type": "refresh_token",
            "refresh_token": refresh_token or self.said["exact_refresh_token"],
            "client_id": self.said["exact_client_id"],
            "client_secret": self.said["exact_client_secret"],
        }
        return httpx.post(f"{self.said['exact_url']}/api/oauth2/token", data=form)

    def exact(self, access_token: str, path: str) -> httpx.Response:
        return httpx.get(
            f"{self.said['exact_url']}/api/v1/{self.said['exact_division']}/{path}",
            headers={"Authorization": f"Bearer {access_token}", "Accept": "application/json"},
        )

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """Exit code and what else was printed."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out, err


class Starter:
    """Starts programs and ends those that are left."""

    def __init__(self) -> None:
        self.started: list[Program] = []

    def __call__(self, *options: str | Path) -> Program:
        self.started.append(Program(*map(str, options)))
        return self.started[-1]


@pytest.fixture
def start() -> Iterator[Starter]:
    starter = Starter()
    yield starter
    for program in starter.started:
        program.process.kill()
        program.process.communicate()


def test_first_start_announces_two_systems_that_answer(start: Starter) -> None:
    """Without it nothing could be tried without a live tenant."""
    program = start()
    assert program.said.keys() == KEYS
    assert program.customerp("/") == {"name": "Customerp", "contract": "1"}
    assert len(program.customerp("/customers")["items"]) == 6
    access = program.token().json()["access_token"]
    account = program.exact(access, f"crm/Accounts(guid'{program.said['exact_employer_account']}')").json()["d"]
    assert account["Name"].startswith("Zuiderlicht")
    assert httpx.get(f"{program.said['customerp_url']}/_admin/calls").status_code == 200
    assert program.end() == (0, "", "")


def test_same_seed_in_another_process_gives_the_same_records(start: Starter) -> None:
    """Without it what one process makes up could depend on the order of its memory."""
    one, other = start("--seed", "3"), start("--seed", "3")
    for entity in ("customers", "contacts", "employees", "products", "quotes", "orders"):
        assert one.customerp(f"/{entity}") == other.customerp(f"/{entity}")
    accounts = [
        httpx.get(f"{program.said['exact_url']}/_admin/{program.said['exact_division']}/Accounts").json()["items"]
        for program in (one, other)
    ]
    assert accounts[0] == accounts[1] != []


def test_second_start_meets_the_same_systems(start: Starter, tmp_path: Path) -> None:
    """Without it every start would be a new tenant, and a configured client would be locked out."""
    state = tmp_path / "deep" / "sandbox.db"
    first = start("--state", state)
    key = first.customerp("/customers")["items"][0]["Id"]
    path = f"{first.said['customerp_url']}/_admin/customers/{key}"
    assert httpx.put(path, json={"City": "Vlieland"}).status_code == 200
    held = first.token().json()
    assert first.end()[0] == 0

    callback = "https://client.example/callback?from=exact"
    second = start(
        "--state", state, "--seed", "9", "--token-refresh-seconds", "0", "--exact-redirect-uri", callback
    )  # fmt: skip
    changing = {"exact_refresh_token", "exact_redirect_uri"}
    assert {name: second.said[name] for name in KEYS - changing} == {name: first.said[name] for name in KEYS - changing}
    assert second.customerp(f"/customers/{key}")["City"] == "Vlieland"
    assert second.exact(held["access_token"], "crm/Quotations?$select=QuotationID").status_code == 200
    assert second.token(held["refresh_token"]).status_code == 200
    assert second.token().status_code == 200
    assert second.said["exact_redirect_uri"] == callback
    login = {"client_id": second.said["exact_client_id"], "redirect_uri": callback, "response_type": "code"}
    allowed = httpx.post(f"{second.said['exact_url']}/api/oauth2/auth", params=login)
    assert allowed.headers["location"].startswith(f"{callback}&code=")


def test_second_program_shares_a_served_state_and_takes_over(start: Starter, tmp_path: Path) -> None:
    """Without it two commands that use the sandbox at the same time would meet two tenants, or end each other's."""
    state = tmp_path / "sandbox.db"
    first, second = start("--state", state), start("--state", state)
    assert second.said["customerp_url"] == first.said["customerp_url"]
    assert second.said["customerp_token"] == first.said["customerp_token"]
    assert second.token().status_code == 200
    assert first.end()[0] == 0
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        try:
            assert len(second.customerp("/customers")["items"]) == 6
            break
        except httpx.TransportError:
            time.sleep(0.05)
    assert second.token().status_code == 400, "the first token was used before and stays used"
    assert second.end() == (0, "", "")


def test_waiting_program_ends_when_told(start: Starter, tmp_path: Path) -> None:
    """Without it a command would hang behind another one's sandbox."""
    state = tmp_path / "sandbox.db"
    first, second = start("--state", state), start("--state", state)
    assert second.end(signal.SIGINT) == (0, "", "")
    assert first.customerp("/")["name"] == "Customerp"


def test_taken_port_of_last_time_is_replaced(start: Starter, tmp_path: Path) -> None:
    """Without it a sandbox whose port went to another program could not be started any more."""
    state = tmp_path / "sandbox.db"
    first = start("--state", state)
    first.end()
    port = int(first.said["customerp_url"].rpartition(":")[2])
    with socket.create_server(("127.0.0.1", port)):
        second = start("--state", state)
        assert second.said["customerp_url"] != first.said["customerp_url"]
        assert second.said["exact_url"] == first.said["exact_url"]
        assert second.customerp("/")["name"] == "Customerp"


def test_wanted_port_is_used_or_named(start: Starter) -> None:
    """Without it a mistaken port would end in a traceback, or in another port than was asked for."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = start("--exact-port", str(port))
        err = refused.process.communicate(timeout=20)[1]
        assert refused.said == {}
        assert refused.process.returncode == 2
        assert f"127.0.0.1:{port}" in err
        assert "--exact-port" in err
        assert "Traceback" not in err
    assert start("--exact-port", str(port)).said["exact_url"].endswith(f":{port}")


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--overlap", "2"], "overlap"),
        (["--products", "0"], "products"),
        (["--state", "{folder}"], "--state"),
        (["--faults", "exact:cat"], "there is no fault 'exact:cat'"),
    ],
)
def test_wrong_options_are_named(start: Starter, tmp_path: Path, options: list[str], named: str) -> None:
    """Without it a mistyped option would be hard to find."""
    refused = start(*(option.format(folder=tmp_path) for option in options))
    err = refused.process.communicate(timeout=20)[1]
    assert refused.process.returncode == 2
    assert named in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--division", "Zuiderlicht"], "--division: 'Zuiderlicht' is not NUMBER=NAME"),
        (["--division", "0=A"], "--division: '0=A' is not NUMBER=NAME"),
        (["--division", "1=A", "--division", "1=B"], "--division: 1 is given twice"),
        (["--clock", "noon"], "--clock: 'noon' is not an ISO 8601 moment"),
        (["--clock", "2024-07-01T10:00:00"], "--clock: '2024-07-01T10:00:00' has no zone"),
        (["--clock-runs"], "--clock-runs: there is no --clock"),
    ],
)
def test_wrong_words_are_named_before_anything_starts(options: list[str], named: str) -> None:
    """Without it a sandbox would begin with another time, or another company, than was meant."""
    refused = CliRunner().invoke(app, options)
    assert isinstance(refused.exception, ConfigurationError)
    assert named in str(refused.exception)


def test_state_that_is_no_state_is_left_alone(start: Starter, tmp_path: Path) -> None:
    """Without it a mistyped --state would destroy a file."""
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear reader, " * 100)
    refused = start("--state", letter)
    err = refused.process.communicate(timeout=20)[1]
    assert refused.process.returncode == 2
    assert str(letter) in err
    assert letter.read_text().startswith("Dear reader")


def test_limits_are_those_of_exact_unless_asked_otherwise(start: Starter) -> None:
    """Without it a trial would be easier than the real Exact, or could not be freed of its limits."""
    default, narrow = start(), start("--calls-per-minute", "2", "--calls-per-day", "90", "--no-admin")
    tokens = default.token().json()
    headers = default.exact(tokens["access_token"], "crm/Quotations?$select=QuotationID").headers
    assert (headers["x-ratelimit-minutely-limit"], headers["x-ratelimit-limit"]) == ("60", "5000")
    assert default.token(tokens["refresh_token"]).json()["error_description"].endswith("access_token not expired")

    access = narrow.token().json()["access_token"]
    answers = [narrow.exact(access, "crm/Quotations?$select=QuotationID") for _ in range(6)]
    assert answers[0].headers["x-ratelimit-limit"] == "90"
    assert 429 in [answer.status_code for answer in answers]
    for url in (narrow.said["customerp_url"], narrow.said["exact_url"]):
        assert httpx.get(f"{url}/_admin/calls").status_code in (401, 404)


def test_faults_are_there_from_the_start(start: Starter, tmp_path: Path) -> None:
    """Without it whoever tries the platform under faults would have to write requests by hand, in time."""
    state = tmp_path / "sandbox.db"
    program = start("--state", state, "--faults", "customerp:cut", "--faults", "customerp:empty-feed")
    with pytest.raises(httpx.RemoteProtocolError):
        program.customerp("/customers")
    assert program.customerp("/customers")["items"] == []
    assert len(program.customerp("/customers")["items"]) == 6
    refused = start("--state", state, "--faults", "cut")
    err = refused.process.communicate(timeout=20)[1]
    assert (refused.process.returncode, refused.said) == (2, {})
    assert "Error: --faults: another process serves" in err
    assert program.end() == (0, "", "")


def test_both_systems_go_by_a_clock_that_is_driven(start: Starter, tmp_path: Path) -> None:
    """Without it a demonstration of what happens over months would take months."""
    state = tmp_path / "sandbox.db"
    program = start("--state", state, "--clock", "2024-03-01T09:00:00+01:00", "--clock-runs")
    listed = httpx.get(f"{program.said['customerp_url']}/_admin/customers").json()["items"]
    assert "2023-03-01" < max(item["modified"] for item in listed) < "2024-03-01"
    moved = httpx.post(f"{program.said['customerp_url']}/_admin/clock", json={"days": 29}).json()
    assert (moved["moment"][:13], moved["running"], moved["driven"]) == ("2024-03-30T08", True, True)
    access = program.token().json()["access_token"]
    headers = program.exact(access, "system/Divisions?$select=Code").headers
    assert headers["X-RateLimit-Reset"] == "1711843200000"
    key = listed[0]["key"]
    edited = httpx.put(f"{program.said['customerp_url']}/_admin/customers/{key}", json={"City": "Vlieland"})
    assert edited.json()["modified"][:13] == "2024-03-30T08"
    refused = start("--state", state, "--clock", "2024-07-01T00:00:00Z")
    assert "Error: --clock: another process serves" in refused.process.communicate(timeout=20)[1]


def test_several_divisions_are_served(start: Starter) -> None:
    """Without it an installation with more than one company could not be tried."""
    program = start("--division", "77=Eerste BV", "--division", "88=Tweede BV", "--seed-every-division")
    assert program.said["exact_division"] == 77
    rows = program.exact(program.token().json()["access_token"], "system/Divisions").json()["d"]["results"]
    assert [(row["Code"], row["Description"]) for row in rows] == [(77, "Eerste BV"), (88, "Tweede BV")]
    first, second = (
        {
            item["values"]["Name"]
            for item in httpx.get(f"{program.said['exact_url']}/_admin/{number}/Accounts").json()["items"]
        }
        for number in (77, 88)
    )
    assert first != second
    assert set() not in (first, second)


def test_webhooks_call_this_machine_and_hold_up_no_end(start: Starter) -> None:
    """Without it webhooks could not be tried without a public address, or the sandbox would not end."""
    silent = threading.Event()

    def answer(asked: Asked) -> Answer:
        if asked.body:
            silent.wait(30)
        return Answer()

    with loopback(answer) as receiver:
        program = start()
        headers = {"Authorization": f"Bearer {program.token().json()['access_token']}", "Accept": "application/json"}
        root = f"{program.said['exact_url']}/api/v1/{program.said['exact_division']}"
        wish = {"CallbackURL": receiver.url, "Topic": "Items"}
        made = httpx.post(f"{root}/webhooks/WebhookSubscriptions", json=wish, headers=headers)
        assert made.status_code == 201
        assert uuid.UUID(program.said["exact_client_id"])
        for code in ("A", "B"):
            httpx.post(f"{root}/logistics/Items", json={"Code": code, "Description": "x"}, headers=headers)
        deadline = time.monotonic() + 10
        while len(receiver.asked) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        body = receiver.asked[1].body
        content = body.removeprefix(b'{"Content":').partition(b',"HashCode":')[0]
        code = hmac.new(program.said["exact_webhook_secret"].encode(), content, "sha256").hexdigest().upper()
        assert body.endswith(f'"HashCode":"{code}"}}'.encode())
        assert json.loads(content)["ExactOnlineEndpoint"].startswith(f"{root}/logistics/Items(guid'")
        began = time.monotonic()
        assert program.end() == (0, "", "")
        assert time.monotonic() - began < 5
        silent.set()


@pytest.mark.parametrize("direct", [True, False])
def test_sandbox_ends_with_the_given_process(start: Starter, direct: bool) -> None:
    """Without it a killed command would leave servers running."""
    if direct:
        parent = subprocess.run([sys.executable, "-c", DYING_PARENT, *FEW], capture_output=True, text=True, timeout=60)
        url = json.loads(parent.stdout)["customerp_url"]
    else:
        stranger = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        program = start("--parent-pid", str(stranger.pid))
        url = program.said["customerp_url"]
        assert program.process.poll() is None
        stranger.kill()
        stranger.communicate()
        assert program.process.wait(20) == 0
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        try:
            httpx.get(url)
        except httpx.TransportError:
            return
        time.sleep(0.05)
    pytest.fail("the sandbox still answers")


def test_quick_start_with_existing_state(start: Starter, tmp_path: Path) -> None:
    """Without it every command that uses the sandbox would feel slow."""
    state = tmp_path / "sandbox.db"
    start("--state", state).end()
    began = os.times()
    program = start("--state", state)
    program.end()
    ended = os.times()
    # Processor time instead of the clock: other work on the machine must not decide.
    assert ended.children_user + ended.children_system - began.children_user - began.children_system < 4
