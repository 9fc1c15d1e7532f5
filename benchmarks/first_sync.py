"""Times the first sync of a whole administration, stage by stage, and a quiet one after it.

    .venv/bin/python benchmarks/first_sync.py --customers 1000 --contacts 1500 --products 500 --orders 800 --lines 3

Both systems are the sandbox, in a process of its own, over HTTP on loopback. Peak memory is that of this process (the
sandbox and PostgreSQL are not in it), measured anew for each stage.
"""

import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from talk_assets.assets.order import sink_order
from talk_assets.cycle.context import Cycle
from talk_assets.cycle.deliver import confirm, deliver
from talk_assets.cycle.match import match
from talk_assets.cycle.merge import merge
from talk_assets.cycle.poll import poll, poll_deletions
from talk_assets.installation import open_installation
from talk_assets.settings import Settings

_STATUS, _FORGET_PEAK = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass
class Stage:
    """What one stage cost."""

    name: str
    seconds: float = 0.0
    customerp: int = 0
    exact: int = 0
    peak_mb: float = 0.0


@dataclass
class Stopwatch:
    """Measures stages of a cycle; a stage entered again goes on."""

    cycle: Cycle
    stages: dict[str, Stage] = field(default_factory=dict)

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Measure a block as part of a stage."""
        stage = self.stages.setdefault(name, Stage(name))
        calls = {key: system.calls for key, system in self.cycle.systems.items()}
        # Linux forgets the peak when 5 is written here.
        _FORGET_PEAK.write_text("5")
        started = time.perf_counter()
        yield
        stage.seconds += time.perf_counter() - started
        stage.customerp += self.cycle.systems["customerp"].calls - calls["customerp"]
        stage.exact += self.cycle.systems["exact"].calls - calls["exact"]
        stage.peak_mb = max(stage.peak_mb, _peak_mb())


def _peak_mb() -> float:
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def run(cycle: Cycle) -> Stopwatch:
    """One whole cycle, measured."""
    watch = Stopwatch(cycle)
    with watch("read"):
        for system in cycle.systems:
            poll_deletions(cycle, system)
        for entity in cycle.mappings.entities:
            poll(cycle, entity)
    for name, subject in cycle.mappings.subjects.items():
        for flow in subject.flows:
            with watch("match"):
                match(cycle, flow)
        with watch("merge"):
            merge(cycle, name)
    for entity in sink_order(cycle.mappings):
        with watch(f"write {entity}"):
            done = deliver(cycle, entity)
        if done.created + done.updated + done.failed:
            with watch("confirm"):
                confirm(cycle, entity)
    return watch


def show(title: str, watch: Stopwatch) -> None:
    """Print what a cycle cost."""
    table = Table(title=title, title_justify="left")
    for name in ("stage", "seconds", "calls Customerp", "calls Exact", "peak MB"):
        table.add_column(name, justify="left" if name == "stage" else "right")
    for stage in watch.stages.values():
        if stage.customerp + stage.exact or stage.seconds >= 0.05:
            table.add_row(
                stage.name, f"{stage.seconds:.1f}", str(stage.customerp), str(stage.exact), f"{stage.peak_mb:.0f}"
            )
    stages = watch.stages.values()
    table.add_section()
    table.add_row(
        "all",
        f"{sum(s.seconds for s in stages):.1f}",
        str(sum(s.customerp for s in stages)),
        str(sum(s.exact for s in stages)),
        f"{max(s.peak_mb for s in stages):.0f}",
    )
    Console().print(table)


def main(
    customers: Annotated[int, typer.Option()] = 1000,
    contacts: Annotated[int, typer.Option()] = 1500,
    employees: Annotated[int, typer.Option()] = 50,
    products: Annotated[int, typer.Option()] = 500,
    quotes: Annotated[int, typer.Option()] = 200,
    orders: Annotated[int, typer.Option()] = 800,
    lines: Annotated[int, typer.Option()] = 3,
    overlap: Annotated[float, typer.Option()] = 0.5,
) -> None:
    """Seed the sandbox, then time a first and a quiet sync."""
    home = Path(tempfile.mkdtemp(prefix="talk-benchmark-"))
    try:
        state = home / "sandbox" / "state.sqlite"
        state.parent.mkdir()
        sizes = {
            "customers": customers,
            "contacts": contacts,
            "employees": employees,
            "products": products,
            "quotes": quotes,
            "orders": orders,
            "lines": lines,
            "overlap": overlap,
        }
        options = [part for name, value in sizes.items() for part in (f"--{name}", str(value))]
        seeding = subprocess.Popen(
            [sys.executable, "-m", "talk_assets.sandbox", "--state", str(state), *options], stdout=subprocess.PIPE
        )
        if seeding.stdout is not None:
            seeding.stdout.readline()
        seeding.terminate()
        seeding.wait()
        with open_installation(Settings(talk_home=home)) as installation:
            for title in ("First sync", "Quiet sync"):
                with installation.cycle(str(uuid.uuid4())) as cycle:
                    show(title, run(cycle))
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    typer.run(main)
