"""Times how long an edit in one system takes until it is in the other, with everything running as in production.

    .venv/bin/python -m benchmarks.latency --edits 50

Both systems are the sandbox in a process of its own; beside it run Dagit, the daemon with all sensors, and the receiver
of notifications. Edits of organisations alternate between Exact, which announces them, and Customerp, which does not.
Each is waited for; the next one follows after a random pause.
"""

import contextlib
import random
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import dagster as dg
import sqlalchemy as sa
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from talk_assets.dagster_home import dagster_home
from talk_assets.ledger.database import Ledger, open_ledger
from talk_assets.ledger.embedded import database_url
from talk_assets.settings import load_settings
from talk_assets_tests.dagit import PROGRAMS, dagit, free_port
from talk_assets_tests.installed import SMALL, Home, Sandbox, home, sandbox

_LONGEST = 180.0
_STEP = 0.1
_PARTS = ("noticed", "started", "written", "whole")


@dataclass(frozen=True)
class Arrival:
    """One edit on its way, in seconds.

    Attributes:
        origin: the system in which it was made.
        noticed: until a run was asked for.
        started: from there until the run began to work.
        written: from there until it had written the edit.
        whole: from the edit until it could be seen in the other system.
    """

    origin: str
    noticed: float
    started: float
    written: float
    whole: float


def main(
    edits: Annotated[int, typer.Option(help="How many edits, half of them in each system.")] = 50,
    pause: Annotated[float, typer.Option(help="Longest pause after an edit has arrived, in seconds.")] = 8.0,
) -> None:
    """Measure, and print a table."""
    options = {**SMALL, "duplicates": 0}
    with sandbox(options) as systems, home(systems.settings) as place, _held_open(place):
        done = place.call("sync", "--confirm")
        assert done.code in (0, 1), done.err
        with _listening(place), dagit(place, TALK_AUTOMATION="true"):
            # What the first sync left to be noticed is done before.
            time.sleep(30)
            shown = track(range(edits), console=Console(stderr=True))
            found = [_edit(place, systems, number, pause) for number in shown]
    Console(width=120).print(_table(found))


def _edit(place: Home, systems: Sandbox, number: int, pause: float) -> Arrival:
    ours, theirs = _pair(place)
    value = f"+31 20 {number:03} {random.randrange(10**4):04}"
    began = time.time()
    if number % 2 == 0:
        systems.edit_exact(f"Accounts/{theirs}", Phone=value)
        whole = _until(lambda: any(row["Phone"] == value for row in systems.customerp("customers")))
    else:
        systems.edit_customerp(f"customers/{ours}", Phone=value)
        whole = _until(lambda: systems.exact("Accounts")[theirs]["Phone"] == value)
    created, started, written = _run_of(place, value)
    time.sleep(random.uniform(0.5, pause))
    return Arrival(
        "Exact" if number % 2 == 0 else "Customerp", created - began, started - created, written - started, whole
    )


def _until(arrived: Callable[[], bool]) -> float:
    began = time.monotonic()
    while not arrived():
        if time.monotonic() - began > _LONGEST:
            raise SystemExit(f"An edit did not arrive within {_LONGEST:.0f} s.")
        time.sleep(_STEP)
    return time.monotonic() - began


def _pair(place: Home) -> tuple[str, str]:
    """Two linked organisations, at random."""
    with _ledger(place) as connection:
        rows = connection.execute(
            sa.text(
                "select a.key, b.key from talk.member a join talk.member b using (cluster_id) where a.entity = "
                "'customerp.customer' and b.entity = 'exact.accounts' and a.deleted_at is null and b.deleted_at is null"
            )
        ).all()
    ours, theirs = random.choice(rows)
    return str(ours), str(theirs)


def _run_of(place: Home, value: str) -> tuple[float, float, float]:
    """When the run that wrote a value was asked for, began, and wrote it; seconds since the epoch."""
    statement = sa.text("select run, extract(epoch from at) from talk.history where kind = 'write' and after = :value")

    def noted() -> Sequence[Any] | None:
        with _ledger(place) as connection:
            return connection.execute(statement, {"value": value}).first()

    deadline = time.monotonic() + 30
    while (found := noted()) is None:
        if time.monotonic() > deadline:
            raise SystemExit("The ledger does not know which run wrote the edit.")
        time.sleep(_STEP)
    with place.environment(), dg.DagsterInstance.from_config(str(dagster_home(load_settings(())))) as instance:
        record = instance.get_run_record_by_id(str(found[0]))
    assert record is not None
    assert record.start_time is not None
    return record.create_timestamp.timestamp(), record.start_time, float(found[1])


@contextlib.contextmanager
def _ledger(place: Home) -> Iterator[sa.Connection]:
    with _held_open(place) as ledger, ledger.begin() as connection:
        yield connection


@contextlib.contextmanager
def _held_open(place: Home) -> Iterator[Ledger]:
    """The ledger; its embedded server runs for as long as the block."""
    with place.environment():
        ledger = open_ledger(database_url(load_settings(())))
    try:
        yield ledger
    finally:
        ledger.close()


@contextlib.contextmanager
def _listening(place: Home) -> Iterator[None]:
    """The receiver of notifications, subscribed to by Exact."""
    port = free_port()
    with place.environment(), (place.folder / "webhooks.log").open("w") as log:
        process = subprocess.Popen([PROGRAMS / "talk-assets", "webhooks", "--port", str(port)], stdout=log, stderr=log)
    try:
        for _ in range(60):
            done = place.call("exact", "webhooks", "add", "--url", f"http://127.0.0.1:{port}/exact")
            if done.code == 0:
                break
            time.sleep(1)
        assert done.code == 0, done.err
        yield
    finally:
        process.terminate()
        process.wait(20)


def _table(found: Sequence[Arrival]) -> Table:
    table = Table("edit in", "edits", "part", "shortest", "median", "9 of 10", "longest", title="seconds")
    for origin in ("Exact", "Customerp"):
        mine = [each for each in found if each.origin == origin]
        for part in _PARTS:
            values = sorted(getattr(each, part) for each in mine)
            ninth = values[max(0, round(0.9 * len(values)) - 1)]
            cells = (values[0], statistics.median(values), ninth, values[-1])
            table.add_row(origin, str(len(mine)), part, *(f"{value:.1f}" for value in cells))
    return table


if __name__ == "__main__":
    typer.run(main)
