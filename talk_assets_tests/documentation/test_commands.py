"""Every command that the pages show, typed as they show it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from itertools import pairwise

import httpx
import pytest

from talk_assets.mappings.load import PACKAGED_MAPPINGS
from talk_assets_tests.conftest import DatabaseServer
from talk_assets_tests.dagit import PROGRAMS, free_port, location, within
from talk_assets_tests.documentation.shown import Shown, parse, shown_commands, unknown_words
from talk_assets_tests.exact_setup.person import log_in
from talk_assets_tests.installed import FEW, ROOT, Done, Home, Sandbox, home, sandbox, seed
from talk_assets_tests.systems.loopback import Answer, loopback

# In an order in which somebody could type them, with words that are added to spare time.
_ONE = "--subject organisation"
TYPED = {
    "talk-assets exact login": "",
    "talk-assets exact divisions": "",
    "talk-assets exact check": "",
    "talk-assets onboard": "",
    "talk-assets sync": _ONE,
    "talk-assets sync --confirm": _ONE,
    "talk-assets status": "",
    "curl $CUSTOMERP_URL/_admin/customers/cus-000020": "",
    """curl -X PUT $CUSTOMERP_URL/_admin/customers/cus-000020 -d '{"City": "Schiermonnikoog"}'""": "",
    "talk-assets sync --preview": _ONE,
    "make sync": f"ARGS='{_ONE}'",
    "talk-assets why customerp.customer/cus-000020 City": "",
    "talk-assets undo a9ecdfb0": "",
    "talk-assets undo a9ecdfb0 --apply": "",
    "talk-assets audit export --from 2026-01-01 --to 2026-12-31 --out audit-2026": "",
    "talk-assets exact webhooks add --url https://sync.example.com/exact": "",
    "talk-assets exact webhooks list": "",
    "talk-assets exact webhooks remove ID": "",
    """curl -X PUT $EXACT_URL/_admin/rights -d '{"Items": "hidden", "Contacts": "none"}'""": "",
    """curl -X PUT $EXACT_URL/_admin/scopes -d '{"crm/accounts": "read", "sales/orders": null}'""": "",
}
# What serves until it is ended: words that are added, so that it is small and takes no port from others.
_SMALL = " ".join(f"--{name}={value}" for name, value in FEW.items())
SERVED = {
    "talk-assets sandbox --state sandbox.db": _SMALL,
    "talk-assets sandbox --state .talk/sandbox/state.sqlite": _SMALL,
    "talk-assets sandbox --clock 2024-07-01T10:00:00Z": _SMALL,
    (
        'talk-assets sandbox --division "3412908=Zuiderlicht" --division "3412909=Noorderlicht" --seed-every-division'
    ): _SMALL,
    "talk-assets sandbox --faults exact:cut-after-write --faults unavailable --faults faults.yaml": _SMALL,
    "talk-assets webhooks": "--port 0",
}
# What takes minutes: words that are added. `qa/test_play.py` plays the whole.
_FLOW = "--flow product_items"
SLOW = {
    "talk-assets qa": _FLOW,
    "talk-assets qa --flow product_items": "",
    "talk-assets qa --report qa.html --report qa.xml": _FLOW,
    "talk-assets qa --json": _FLOW,
    "TALK_MAPPINGS=mappings talk-assets qa --against signed-off/mappings": _FLOW,
    "talk-assets qa --live --division 3412908": _FLOW,
    "talk-assets qa --live --division 3412908 --flow product_items": "",
}
DAGIT = "make dev"
# With the environment of this test, and nothing built.
MAKE = ("make", "-o", ".venv/.ready", f"BIN={PROGRAMS}")
# All that no other flow needs.
LEFT_OUT = ("employee_contacts", "employee_employees", "quote_quotations", "order_quotations")


def command(line: str) -> Shown:
    """A line of the tables, which is one of a page."""
    found = parse(line)
    assert found is not None, line
    return found


def test_every_command_that_is_shown_is_tried() -> None:
    """A page shows a command that was never typed, and somebody's first try ends with an error."""
    shown = {line: pages for line, pages in shown_commands().items() if command(line).program != "systemctl"}
    tried = {*TYPED, *SERVED, *SLOW, DAGIT}
    assert {line: pages for line, pages in shown.items() if line not in tried} == {}, "add it to a table of this file"
    assert tried - set(shown) == set(), "no page shows it any more"


def test_every_word_that_is_shown_is_known() -> None:
    """A page goes on to name an option after it is gone; also where a command is too slow to be tried each time."""
    ours = {
        line: unknown_words(command(line).words) for line in shown_commands() if command(line).program == "talk-assets"
    }
    assert len(ours) > len(SLOW)
    assert {line: words for line, words in ours.items() if words} == {}
    assert unknown_words(["talk-assets", "exact", "webhooks", "ad", "--url", "x"]) == ["ad"]
    assert unknown_words(["talk-assets", "sync", "--previw"]) == ["--previw"]
    assert unknown_words(["talk-assets", "sandbox", "--clok=1"]) == ["--clok=1"]


def test_every_unit_that_is_shown_is_there() -> None:
    """An operator starts or stops a service of another name, and the one that is meant writes on."""
    lines = [command(line).words for line in shown_commands() if line.startswith("systemctl")]
    assert lines
    units = {path.name for path in (ROOT / "deploy/systemd").iterdir()}
    for _, verb, *named in lines:
        assert verb in {"daemon-reload", "enable", "start", "stop"}
        for name in (each for each in named if each != "--now"):
            assert name in units or f"{name}.service" in units, name


@pytest.fixture(scope="module")
def place(systems: Sandbox, database_server: DatabaseServer) -> Iterator[Home]:
    """An installation that connects the sandbox, with an empty ledger; with few flows, which is faster."""
    with home({**systems.settings, "TALK_LEAVE_OUT": ",".join(LEFT_OUT)}, database_server) as made:
        yield made


@pytest.mark.soak
def test_the_commands_do_what_the_pages_say(place: Home, systems: Sandbox) -> None:
    """A newcomer types what a page shows, and it fails."""
    # What a page shows as an example, and what it is here.
    here = {"$CUSTOMERP_URL": systems.said["customerp_url"], "$EXACT_URL": systems.said["exact_url"]}
    with loopback(lambda _: Answer()) as receiver:
        here["https://sync.example.com/exact"] = f"{receiver.url}/exact"
        for line, added in TYPED.items():
            if "cus-000020" in line and "cus-000020" not in here:
                linked = place.call("status", "--json").json
                assert linked["pairs"]["customer_accounts"]["linked"]
                here["cus-000020"] = _a_linked_customer(place, systems)
            if line == "talk-assets undo a9ecdfb0":
                here["a9ecdfb0"] = place.call("status", "--json").json["last_run"]["run_id"][:8]
            if line.endswith(" ID"):
                listed = json.loads(place.call("exact", "webhooks", "list", "--json").out)
                here["ID"] = listed[0]["key"]
            _try(line, added, place, here)
    _look(place, systems, here)


def _a_linked_customer(place: Home, systems: Sandbox) -> str:
    for record in systems.customerp("customers"):
        told = place.call("why", f"customerp.customer/{record['Id']}", "City")
        if "exact.accounts/" in told.out:
            return str(record["Id"])
    raise AssertionError("no customer is linked")


def _try(line: str, added: str, place: Home, here: Mapping[str, str]) -> None:
    shown = command(f"{line} {added}")
    words = [_replaced(word, here) for word in shown.words]
    if shown.program == "curl":
        _curl(words)
        return
    if shown.program == "make":
        with place.environment():
            call = [*MAKE, *words[1:]]
            ran = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=False)
        done = Done(ran.returncode, ran.stdout, ran.stderr)
    elif line == "talk-assets exact login":
        done = log_in(place)
    else:
        done = place.call(*words[1:], **shown.settings)

    assert done.code == 0, f"{line}: {done.complaint}\n{done.out}"


def _curl(words: list[str]) -> None:
    options = dict(pairwise(words))
    (address,) = [word for word in words if word.startswith("http")]
    answer = httpx.request(options.get("-X", "GET"), address, content=options.get("-d"))
    assert answer.is_success, f"{words}: {answer.text}"


def _replaced(word: str, here: Mapping[str, str]) -> str:
    if word in here:
        return here[word]
    for old, new in here.items():
        if old != "ID":
            word = word.replace(old, new)
    return word


def _look(place: Home, systems: Sandbox, here: Mapping[str, str]) -> None:
    """What the commands left behind: each edit and its way back, and the files."""
    told = place.call("why", f"customerp.customer/{here['cus-000020']}", "City").out
    assert "'Schiermonnikoog' was written to exact.accounts/" in told
    assert "by the rule undo" in told
    cities = {record["Id"]: record["City"] for record in systems.customerp("customers")}
    assert cities[here["cus-000020"]] != "Schiermonnikoog"
    assert list((place.folder / "audit-2026").iterdir())
    assert httpx.get(f"{here['$EXACT_URL']}/_admin/rights").json() != {}


@pytest.mark.parametrize("line", SERVED)
def test_what_serves_says_that_it_is_ready(line: str, systems: Sandbox, database_server: DatabaseServer) -> None:
    """Somebody waits for a server that never comes up, or cannot end it."""
    shown = command(f"{line} {SERVED[line]}")
    with home(systems.settings, database_server) as place:
        (place.folder / "faults.yaml").write_text(_fenced("sandbox.md", "yaml"))
        with place.environment(**shown.settings):
            program = subprocess.Popen(
                [PROGRAMS / shown.program, *shown.words[1:]],
                cwd=place.folder,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        with program:
            assert program.stdout is not None
            said = ""
            try:
                while re.search(r'^\{"customerp_url".*\}$|running on http', said, re.MULTILINE) is None:
                    text = program.stdout.readline()
                    assert text, said
                    said += text
            finally:
                program.send_signal(signal.SIGINT)
                said += program.communicate(timeout=30)[0]
        assert program.returncode == 0, said
        assert "Traceback" not in said


def _fenced(page: str, language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```$", (ROOT / "docs" / page).read_text(), re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


@pytest.mark.soak
@pytest.mark.parametrize("line", SLOW)
def test_what_plays_the_checklist_passes(line: str, database_server: DatabaseServer) -> None:
    """Who signs off is shown failed rows by a command that is copied from the page."""
    shown = command(f"{line} {SLOW[line]}")
    if "--live" not in shown.words:
        with home({}) as place:
            _play(shown, place)
        return
    # Its own: a login's first token is good for one installation.
    with sandbox(FEW) as systems, home(systems.settings, database_server) as place:
        assert place.call("sync", "--confirm").code == 0
        _play(shown, place)


def _play(shown: Shown, place: Home) -> None:
    for folder in ("mappings", "signed-off/mappings"):
        shutil.copytree(PACKAGED_MAPPINGS, place.folder / folder)
    done = place.call(*shown.words[1:], **shown.settings)
    assert done.code == 0, done.complaint
    for name in (word for word in shown.words if word.startswith("qa.")):
        assert (place.folder / name).stat().st_size


@pytest.mark.soak
def test_dagit_is_served() -> None:
    """The second command that a newcomer types shows nothing."""
    port = free_port()
    with home({}) as place:
        seed(place.folder, FEW)
        call = [*MAKE, *command(DAGIT).words[1:], f"ARGS=--port {port}"]
        log = place.folder / "dev.log"
        with place.environment(), log.open("w") as file:
            # In a group of its own: Ctrl-C reaches all that a terminal has started.
            program = subprocess.Popen(call, cwd=ROOT, stdout=file, stderr=file, start_new_session=True)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as dagit:
                within(300, lambda: location(dagit))
            within(30, lambda: f"Dagit: http://127.0.0.1:{port}" in log.read_text())
        finally:
            os.killpg(program.pid, signal.SIGINT)
            program.wait(60)
        within(30, lambda: not (place.folder / "postgres/data/postmaster.pid").exists())
