"""Dagster with our code location, as people start it: `talk-assets dev`, `dg`; and the sandbox beside it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from talk_assets_tests.dagit import PROGRAMS, free_port, location, within
from talk_assets_tests.installed import FEW, ROOT, Home, home, seed

# Whole programs, and Dagster in processes of its own.
pytestmark = pytest.mark.soak


@pytest.fixture
def place() -> Iterator[Home]:
    """A home with nothing configured, where the sandbox is small."""
    with home({}) as made:
        seed(made.folder, FEW)
        yield made


def family(pid: int) -> set[int]:
    """A process and all that descend from it."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it ended meanwhile
    found = {pid}
    while grown := {child for child, parent in parents.items() if parent in found} - found:
        found |= grown
    return found


def living(pids: set[int]) -> set[int]:
    found = set()
    for pid in pids:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z":
            found.add(pid)
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")
def test_dev_serves_the_code_location_and_ends_whole(place: Home) -> None:
    """Dagit comes up empty, or every start leaves servers behind that write on."""
    port = free_port()
    log = place.folder / "dev.log"
    with place.environment(), log.open("w") as file:
        process = subprocess.Popen([PROGRAMS / "talk-assets", "dev", "--port", str(port)], stdout=file, stderr=file)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as dagit:
            entry = within(300, lambda: location(dagit))
        # No address before anything answers there, and none that is not told at all.
        within(30, lambda: f"Dagit: http://127.0.0.1:{port}" in log.read_text())
        pids = family(process.pid)
    finally:
        process.send_signal(signal.SIGINT)
        code = process.wait(60)
    assert code == 0, log.read_text()
    assert entry["name"] == "talk_assets"
    loaded = entry["locationOrLoadError"]
    assert "message" not in loaded, loaded
    (repository,) = loaded["repositories"]
    assert sum(node["isMaterializable"] for node in repository["assetNodes"]) == 39
    assert "sync" in {job["name"] for job in repository["jobs"]}
    commands = "talk_assets.sandbox", "dagster_webserver", "dagster._daemon", "dagster api grpc"
    assert len(pids) > len(commands), pids
    within(30, lambda: not living(pids))
    within(30, lambda: not (place.folder / "postgres/data/postmaster.pid").exists())
    said = log.read_text()
    assert "No system is configured: using the sandbox" in said
    assert "Traceback" not in said


def test_dev_says_that_its_port_is_taken(place: Home) -> None:
    """A second start ends in a page of a server's messages."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = place.call("dev", "--port", str(port))
    assert done.code == 2
    assert done.complaint.startswith(
        f"Error: --port: Dagit cannot be served at 127.0.0.1:{port}: Address already in use"
    )
    assert not (place.folder / "postgres").exists()


def test_sandbox_has_its_own_options_and_ends_when_told(place: Home) -> None:
    """Nobody can try the platform with data of another shape, or end what they started."""
    shown = place.run("sandbox", "--help")
    assert shown.code == 0
    for option in ("--customers", "--calls-per-minute", "--state"):
        assert option in shown.out
    options = [f"--{name}={value}" for name, value in FEW.items()]
    with place.environment():
        process = subprocess.Popen([PROGRAMS / "talk-assets", "sandbox", *options], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    url = json.loads(process.stdout.readline())["customerp_url"]
    assert len(httpx.get(f"{url}/_admin/customers").json()["items"]) == FEW["customers"]
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    with pytest.raises(httpx.TransportError):
        httpx.get(url)


@pytest.fixture
def checkout() -> Iterator[Home]:
    """A copy of this checkout as somebody gets it, where nothing was started or configured yet."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    folder = Path(tempfile.mkdtemp(prefix="talk-checkout-"))
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    seed(folder / ".talk", FEW)
    made = Home(folder, {"VIRTUAL_ENV": sys.prefix})
    del made.settings["TALK_HOME"]
    yield made
    within(30, lambda: not (folder / ".talk/postgres/data/postmaster.pid").exists())
    shutil.rmtree(folder)


def test_dg_checks_and_launches_in_a_checkout(checkout: Home) -> None:
    """People who know Dagster cannot work with it as they are used to, or their runs are stored where nobody looks."""

    def dg(*arguments: str) -> str:
        with checkout.environment(PYTHONPATH=os.curdir):
            done = subprocess.run(
                [PROGRAMS / "dg", *arguments], capture_output=True, text=True, timeout=240, check=False
            )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    assert "All definitions loaded successfully" in dg("check", "defs")
    assert "RUN_SUCCESS" in dg("launch", "--job", "sync")
    # In a process of its own, which lets the database go when it ends.
    status = checkout.run("status", "--json").json
    assert status["last_run"]["outcome"] == "done"
    assert status["pairs"]["customer_accounts"]["linked"] == FEW["customers"]
    runs = checkout.folder / ".talk/dagster/history/runs"
    assert (runs / f"{status['last_run']['run_id']}.db").exists()
    assert not list(checkout.folder.glob(".tmp_dagster_home_*/history/runs/*"))


@pytest.mark.parametrize("program", ["dg", "dagster"])
def test_dagsters_own_server_works_in_a_checkout(checkout: Home, program: str) -> None:
    """Somebody who starts Dagster as they always do finds no code location."""
    port = free_port()
    log = checkout.folder / "dev.log"
    with checkout.environment(PYTHONPATH=os.curdir), log.open("w") as file:
        process = subprocess.Popen([PROGRAMS / program, "dev", "--port", str(port)], stdout=file, stderr=file)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as dagit:
            entry = within(240, lambda: location(dagit))
        pids = family(process.pid)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)
    assert entry["name"] == "talk_assets"
    assert "sync" in {job["name"] for job in entry["locationOrLoadError"]["repositories"][0]["jobs"]}
    within(60, lambda: not living(pids))
    assert "Traceback" not in log.read_text()
