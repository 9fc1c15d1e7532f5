"""Times what a cycle does on the ledger with many linked organisations, and says how large the ledger becomes.

    .venv/bin/python benchmarks/ledger.py --pairs 100000

Both systems answer from memory, so that only storing what was read, matching and deciding are timed: first all
records at once, then 1 % of them edited, then nothing. Nothing is sent. Peak memory is that of this process; PostgreSQL
is not in it.
"""

import shutil
import tempfile
from pathlib import Path
from typing import Annotated, cast

import pandas as pd
import sqlalchemy as sa
import typer
from first_sync import Stopwatch, show
from organisations import ACCOUNT, CUSTOMER, EDITED, ENTITIES, build
from rich.console import Console
from rich.table import Table

from talk_assets.cycle.collect import collect
from talk_assets.cycle.context import Cycle
from talk_assets.cycle.match import match
from talk_assets.cycle.merge import merge
from talk_assets.ledger.database import Ledger, open_ledger
from talk_assets.ledger.embedded import release_embedded, start_embedded
from talk_assets.mappings.load import load_capabilities, load_mappings
from talk_assets.mappings.model import Subject
from talk_assets.sync.convert import to_own_values
from talk_assets.systems.base import FeedRead, Record, System

_DIVISION = "1"
_MB = 1_000_000
# Tables smaller than this are of no interest.
_SMALL_MB = 1.0
_SIZES = sa.text(
    "select relname, pg_total_relation_size(c.oid), greatest(reltuples, 0)::bigint from pg_class c "
    "join pg_namespace n on n.oid = relnamespace where nspname = 'talk' and relkind = 'r' order by 2 desc"
)


class Remembered:
    """A system that hands out once what lies ready; it is asked for nothing else."""

    calls = requests = 0

    def __init__(self) -> None:
        self.ready: list[Record] = []

    def read(self, _entity: str, cursor: str | None) -> FeedRead:
        """See `systems.base.System`."""
        self.calls += 1
        records, self.ready = self.ready, []
        return FeedRead(records, "1", complete=cursor is None)


def _records(held: pd.DataFrame, entity: str, subject: Subject, version: str) -> list[Record]:
    """What a read gives of records with canonical columns, `key` and `modified`."""
    own = to_own_values(held[list(subject.held_by(entity))], entity, subject).astype("object")
    own = own.where(own.notna(), None)
    own["_key"] = held["key"].astype("object")
    own["_modified"] = held["modified"].dt.strftime("%Y-%m-%dT%H:%M:%S+00:00").astype("object")
    own["_version"] = version
    return cast("list[Record]", own.to_dict("records"))


def _run(ledger: Ledger, systems: dict[str, Remembered], number: int, title: str) -> None:
    capabilities = load_capabilities()
    cycle = Cycle(
        division=_DIVISION,
        run_id=f"run {number}",
        ledger=ledger,
        mappings=load_mappings(None, capabilities),
        capabilities=capabilities,
        systems=cast("dict[str, System]", systems),
        defaults={},
    )
    watch = Stopwatch(cycle)
    for entity in ENTITIES:
        with watch(f"store {entity}"):
            collect(cycle, entity)
    for flow in cycle.mappings.subjects["organisation"].flows:
        with watch("match"):
            match(cycle, flow)
    with watch("merge"):
        merge(cycle, "organisation")
    show(title, watch)


def _show_size(ledger: Ledger) -> None:
    with ledger.begin() as connection:
        connection.execute(sa.text("analyze"))
        rows = connection.execute(_SIZES).all()
    table = Table(title="Ledger", title_justify="left")
    for name in ("table", "rows", "MB with indexes"):
        table.add_column(name, justify="left" if name == "table" else "right")
    for name, size, count in rows:
        if size / _MB >= _SMALL_MB:
            table.add_row(str(name), f"{count:,}", f"{size / _MB:.0f}")
    table.add_section()
    table.add_row("all", "", f"{sum(size for _, size, _ in rows) / _MB:.0f}")
    Console().print(table)


def main(pairs: Annotated[int, typer.Option()] = 100_000) -> None:
    """Link so many organisations, edit 1 % of them, and look at what it took."""
    world = build(pairs, EDITED)
    if world.base is None:
        raise typer.BadParameter("there is nothing to edit")
    systems = {"customerp": Remembered(), "exact": Remembered()}
    places = {CUSTOMER: systems["customerp"], ACCOUNT: systems["exact"]}
    home = Path(tempfile.mkdtemp(prefix="talk-benchmark-"))
    ledger = open_ledger(start_embedded(home))
    try:
        for entity, system in places.items():
            known = world.base[entity].assign(
                key=world.current[entity]["key"], modified=pd.Timestamp("2023-01-01", tz="UTC")
            )
            system.ready = _records(known, entity, world.subject, "1")
        _run(ledger, systems, 1, f"{pairs:,} pairs at first sight")
        _show_size(ledger)
        for entity, system in places.items():
            system.ready = _records(world.current[entity][world.fresh[entity]], entity, world.subject, "2")
        _run(ledger, systems, 2, "1 % edited")
        _run(ledger, systems, 3, "nothing new")
        _show_size(ledger)
    finally:
        ledger.close()
        release_embedded(home)
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    typer.run(main)
