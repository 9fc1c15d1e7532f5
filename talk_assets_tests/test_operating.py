"""The services of an installation, started by the commands of their units, with all state in PostgreSQL."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from talk_assets_tests.conftest import DatabaseServer
from talk_assets_tests.dagit import free_port, location, within
from talk_assets_tests.installed import FEW, ROOT, Home, Sandbox, home, sandbox
from talk_assets_tests.test_dev import family, living

# Whole programs, and Dagster in processes of its own.
pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc"),
]

PROGRAMS = Path(sys.executable).parent
DAEMONS = "{ instance { daemonHealth { allDaemonStatuses { daemonType required healthy } } } }"
LAUNCH = """
mutation ($config: RunConfigData!) { launchRun(executionParams: {
  selector: {repositoryLocationName: "talk_assets", repositoryName: "__repository__", jobName: "sync"}
  runConfigData: $config
}) { __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }
"""
STATUS = "query ($run: ID!) { runOrError(runId: $run) { ... on Run { status } } }"
RUNS = "{ runsOrError { ... on Runs { results { status jobName } } } }"
READ_ONLY = {"query": 'mutation { reloadRepositoryLocation(repositoryLocationName: "talk_assets") { __typename } }'}


class Services:
    """The units' commands on free ports.

    Args:
        place: their settings; their output goes into files beside.
    """

    def __init__(self, place: Home) -> None:
        self.place = place
        # A shell that starts the tests in the background has it ignored, and Dagster then takes no SIGTERM either.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self.ports = {port: free_port() for port in ("4000", "3000", "3001", "8377")}
        workspace = self._ported((ROOT / "deploy/workspace.yaml").read_text())
        (place.folder / "workspace.yaml").write_text(workspace)
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def _ported(self, text: str) -> str:
        return re.sub(r"\b(4000|300[01]|8377)\b", lambda found: str(self.ports[found[0]]), text)

    def commands(self, name: str) -> list[list[str]]:
        """What the unit runs: all but the last before the service starts."""
        unit = (ROOT / f"deploy/systemd/talk-assets-{name}.service").read_text()
        lines = re.findall(r"^ExecStart(?:Pre)?=(.+)$", unit, re.MULTILINE)
        words = [self._ported(line).replace("/opt/talk-assets/bin", str(PROGRAMS)) for line in lines]
        workspace = str(self.place.folder / "workspace.yaml")
        return [shlex.split(line.replace("/etc/talk-assets/workspace.yaml", workspace)) for line in words]

    def start(self, name: str) -> None:
        *before, service = self.commands(name)
        with self.place.environment(), self.log(name).open("ab") as log:
            for command in before:
                subprocess.run(command, check=True, stdout=log, stderr=log)
            self.running[name] = subprocess.Popen(service, stdout=log, stderr=log)

    def stop(self, name: str) -> None:
        """As systemd does with KillMode=mixed: the service is asked to end, and what is left of it is ended."""
        process = self.running.pop(name)
        pids = family(process.pid)
        process.terminate()
        process.wait(60)
        for pid in living(pids):
            os.kill(pid, signal.SIGKILL)

    def kill(self, name: str) -> None:
        """As when the machine loses its power."""
        process = self.running.pop(name)
        for pid in family(process.pid):
            os.kill(pid, signal.SIGKILL)
        process.wait(60)

    def log(self, name: str) -> Path:
        return self.place.folder / f"{name}.log"


@contextmanager
def dagit(port: int) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        yield client


def ask(client: httpx.Client, query: str, **variables: Any) -> dict[str, Any]:
    answer = client.post("/graphql", json={"query": query, "variables": variables}).json()
    assert "errors" not in answer, answer
    data: dict[str, Any] = answer["data"]
    return data


def healthy(client: httpx.Client) -> bool:
    daemons = ask(client, DAEMONS)["instance"]["daemonHealth"]["allDaemonStatuses"]
    required = [daemon for daemon in daemons if daemon["required"]]
    return bool(required) and all(daemon["healthy"] for daemon in required)


def resident(pids: set[int]) -> int:
    """Megabytes that processes hold by themselves."""
    kilobytes = 0
    for pid in pids:
        found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
        kilobytes += int(found[1]) if found else 0
    return kilobytes // 1024


def test_the_units_serve_an_installation(database_server: DatabaseServer, record_property: Any) -> None:
    """What is shipped for production does not start, or starts and synchronises nothing."""
    storage = database_server.create("template1")
    with sandbox(FEW) as systems, home({**systems.settings, "TALK_AUTOMATION": "true"}, database_server) as place:
        folder = place.folder / "dagster"
        folder.mkdir()
        (folder / "dagster.yaml").write_text((ROOT / "deploy/dagster.yaml").read_text())
        place.settings["DAGSTER_HOME"] = str(folder)
        place.settings["DAGSTER_PG_URL"] = re.sub(r"^postgresql\+\w+", "postgresql", storage)
        place.settings["TALK_HOME"] = str(place.folder / "talk")
        with place.environment():
            subprocess.run([PROGRAMS / "dagster", "instance", "migrate"], check=True, capture_output=True)
        services = Services(place)
        try:
            # In the wrong order: the others find the code location when it comes.
            for name in ("web", "daemon", "web-readonly", "webhooks"):
                services.start(name)
            time.sleep(5)
            services.start("code")
            with dagit(services.ports["3000"]) as web, dagit(services.ports["3001"]) as reader:
                loaded = within(180, lambda: well(location(web)))
                assert "sync" in {job["name"] for job in loaded["repositories"][0]["jobs"]}
                within(120, lambda: healthy(web))
                within(60, lambda: well(location(reader)))
                assert "Unauthorized" in reader.post("/graphql", json=READ_ONLY).text
                synchronises(systems, services, web)
                sizes = {name: resident(family(process.pid)) for name, process in services.running.items()}
                record_property("told", f"MB by service: {sizes}")
                stops_and_goes_on(systems, services, web)
            for name in list(services.running):
                services.stop(name)
        finally:
            for name in list(services.running):
                services.kill(name)
        said = "".join(services.log(name).read_text() for name in ("daemon", "code", "webhooks"))
        assert not [secret for secret in systems.secrets if secret in said]
        assert place.call("status", "--json").json["last_run"]["outcome"] == "done"
    database_server.drop(storage)


def well(entry: dict[str, Any] | None) -> dict[str, Any] | None:
    found = entry["locationOrLoadError"] if entry is not None else {}
    return found if found.get("repositories") else None


def launch(web: httpx.Client, **config: bool) -> str:
    said = ask(web, LAUNCH, config={"resources": {"talk": {"config": config}}})["launchRun"]
    assert said["__typename"] == "LaunchRunSuccess", said
    return str(said["run"]["runId"])


def status(web: httpx.Client, run: str) -> str:
    return str(ask(web, STATUS, run=run)["runOrError"]["status"])


def names(systems: Sandbox) -> set[str]:
    return {account["Name"] for account in systems.exact("Accounts").values()}


def synchronises(systems: Sandbox, services: Services, web: httpx.Client) -> None:
    """A run that is launched in Dagit, and one that a sensor starts."""
    run = launch(web, confirm=True)
    within(180, lambda: status(web, run) in ("SUCCESS", "FAILURE"))
    assert status(web, run) == "SUCCESS"
    key = systems.customerp("customers")[0]["Id"]
    systems.edit_customerp(f"customers/{key}", Name="Followed by a sensor")
    within(120, lambda: "Followed by a sensor" in names(systems))
    within(60, lambda: quiet(web))


def quiet(web: httpx.Client) -> bool:
    return set(statuses(web)) <= {"SUCCESS", "FAILURE", "CANCELED"}


def stops_and_goes_on(systems: Sandbox, services: Services, web: httpx.Client) -> None:
    """Without the daemon nothing is written; a run that was cut off is made good after the next start."""
    key = systems.customerp("customers")[0]["Id"]
    services.stop("daemon")
    systems.edit_customerp(f"customers/{key}", Name="Nobody looked")
    time.sleep(20)
    assert "Nobody looked" not in names(systems)
    # Answers take so long that the run is at work when its unit ends.
    systems.fault("exact", path="Accounts", status=None, delay=5, times=None)
    services.start("daemon")
    within(180, lambda: "STARTED" in statuses(web))
    services.kill("code")
    systems.end_faults()
    services.start("code")
    within(300, lambda: "Nobody looked" in names(systems))
    within(180, lambda: quiet(web))
    assert "FAILURE" in statuses(web), "nobody was told of the run that was lost"


def statuses(web: httpx.Client) -> list[str]:
    return [run["status"] for run in ask(web, RUNS)["runsOrError"]["results"]]
