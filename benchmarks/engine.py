"""Times matching, deciding and planning of organisations against plain Python, after checking that both agree.

    .venv/bin/python benchmarks/engine.py --pairs 1000 --pairs 10000 --repeats 3

Nothing is read from or written to a system or a ledger. "first sight": nothing is linked, every record is matched,
and what both hold is compared for the first time. "1 % edited": all are linked and were accounted for, and every
hundredth was edited in one system or in both. Each measurement has a process of its own and comes after a small one;
memory is what it needed beyond the records themselves.
"""

import gc
import multiprocessing
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Annotated

import naive
import pandas as pd
import typer
from organisations import ACCOUNT, CUSTOMER, EDITED, ENTITIES, FIRST_SIGHT, World, build
from rich.console import Console
from rich.table import Table

from talk_assets.sync.decide import Decision, decide
from talk_assets.sync.frames import TIME, Golden, Members
from talk_assets.sync.match import assign, criterion_keys, propose
from talk_assets.sync.plan import Plan, plan

SIZES = (1000, 10_000, 100_000)
STAGES = ("match", "decide", "plan")
NOW = pd.Timestamp("2024-06-01", tz="UTC")
_STATUS, _FORGET_PEAK = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Engine:
    """The product's engine on frames."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._decision: Decision
        self._plan: Plan
        self._numbers: dict[str, pd.Series] = {}
        names = list(world.subject.properties)
        self._golden = _nothing_agreed(names)
        if world.base is not None:
            self._golden = _agreed(world.base[CUSTOMER])

    def match(self) -> None:
        """Find out who is the same, and give everybody the number of a cluster."""
        world, found, parts = self._world, [], []
        (flow,) = world.subject.flows.values()
        for entity in ENTITIES:
            # Of linked records the ledger gives those that share a value with a fresh one: here their counterparts.
            concerned = world.fresh[CUSTOMER] | world.fresh[ACCOUNT]
            feed = world.current[entity][concerned]
            found.append(
                criterion_keys(feed, entity, world.subject, pd.DataFrame(index=feed.index)).assign(entity=entity)
            )
            keys = world.current[entity]["key"]
            parts.append(
                pd.DataFrame({"entity": entity, "key": keys[concerned], "fresh": world.fresh[entity][concerned]})
            )
        everyone = pd.concat(parts)
        members = everyone[["entity", "key"]].assign(cluster_id=everyone.index)
        if world.base is None:
            members = members.iloc[:0]
        proposals = propose(pd.concat(found, ignore_index=True), members, flow.entities, flow.criteria)
        done = assign(everyone.loc[everyone["fresh"], ["entity", "key"]], members, proposals).members
        for entity in ENTITIES:
            if world.base is None:
                mine = done[done["entity"].eq(entity)].set_index("key")["cluster_id"]
                self._numbers[entity] = world.current[entity]["key"].map(mine)
            else:
                self._numbers[entity] = pd.Series(world.current[entity].index, index=world.current[entity].index)

    def decide(self) -> None:
        """Agree on values."""
        world = self._world
        members = {entity: self._members(entity) for entity in ENTITIES}
        self._decision = decide(
            world.subject,
            members,
            self._golden,
            capabilities=world.capabilities,
            clusters_of=pd.Series(dtype="str"),
            now=NOW,
        )

    def _members(self, entity: str) -> Members:
        world = self._world
        names, index = list(world.subject.held_by(entity)), pd.Index(self._numbers[entity], name="cluster_id")
        records = world.current[entity].set_axis(index)
        nothing = pd.DataFrame({name: pd.Series(pd.NA, index=index, dtype="str") for name in names})
        base, times = nothing, pd.DataFrame({name: pd.Series(pd.NaT, index=index, dtype=TIME) for name in names})
        if world.base is not None:
            base = world.base[entity].set_axis(index)
            times = pd.DataFrame(dict.fromkeys(names, pd.Series(pd.Timestamp(0, tz="UTC"), index=index, dtype=TIME)))
        return Members(records["key"], records["modified"], records[names], base, times, nothing)

    def plan(self) -> None:
        """Find out what is owed."""
        self._plan = plan(
            self._world.subject,
            self._decision.accounted,
            self._decision.golden,
            capabilities=self._world.capabilities,
            clusters_of=pd.Series(dtype="str"),
            gone=pd.DataFrame(columns=["cluster_id", "entity"]),
            held=pd.Index([], dtype="int64"),
            open_conflicts=self._decision.conflicts,
            defaults={},
        )

    def result(self) -> tuple[dict[naive.Name, dict[str, str]], dict[naive.Name, dict[str, str]]]:
        """Agreed values by the names of the members, and what is owed."""
        keys = {entity: frame.keys.to_dict() for entity, frame in self._decision.accounted.items()}
        agreed = _texts(self._decision.golden.values)
        golden = {(entity, key): agreed[number] for entity, held in keys.items() for number, key in held.items()}
        owed: dict[naive.Name, dict[str, str]] = {}
        for entity, rows in self._plan.owed.items():
            for number, values in _texts(rows.values).items():
                owed[entity, keys[entity].get(number) or f"for {keys[CUSTOMER][number]}"] = values
        return golden, owed


def _nothing_agreed(names: list[str]) -> Golden:
    index = pd.Index([], dtype="int64", name="cluster_id")
    texts = pd.DataFrame({name: pd.Series(index=index, dtype="str") for name in names})
    return Golden(texts, pd.DataFrame({name: pd.Series(index=index, dtype=TIME) for name in names}), texts, texts)


def _agreed(values: pd.DataFrame) -> Golden:
    at = pd.Series(pd.Timestamp(0, tz="UTC"), index=values.index, dtype=TIME)
    who = pd.Series(f"{CUSTOMER}/c", index=values.index, dtype="str")
    rule = pd.Series("latest", index=values.index, dtype="str")
    return Golden(values, *(pd.DataFrame(dict.fromkeys(values.columns, each)) for each in (at, who, rule)))


def _texts(frame: pd.DataFrame) -> dict[int, dict[str, str]]:
    rows = frame.to_dict("index")
    return {int(n): {name: v for name, v in row.items() if isinstance(v, str)} for n, row in rows.items()}


class Plain:
    """Plain Python on dictionaries."""

    def __init__(self, world: World) -> None:
        self._subject = world.subject
        self._fresh: list[naive.Record] = []
        self._known: list[naive.Record] = []
        self._linked: dict[naive.Name, naive.Cluster] = {}
        self._others: list[naive.Cluster] = []
        self._clusters: list[naive.Cluster] = []
        self._owed: dict[naive.Name, dict[str, str]] = {}
        concerned = world.fresh[CUSTOMER] | world.fresh[ACCOUNT]
        numbered: dict[int, naive.Cluster] = {}
        for entity in ENTITIES:
            names = list(world.subject.held_by(entity))
            rows = world.current[entity][names].astype("object").where(world.current[entity][names].notna(), None)
            before = [None] * len(rows) if world.base is None else _records(world.base[entity][names])
            keys, times = world.current[entity]["key"], world.current[entity]["modified"].astype("int64")
            fresh = world.fresh[entity].to_numpy()
            for at, (key, modified, current, base) in enumerate(
                zip(keys, times, rows.to_dict("records"), before, strict=True)
            ):
                record = naive.Record(entity, key, modified, current, base)
                if world.base is not None:
                    cluster = numbered.setdefault(at, naive.Cluster())
                    cluster.members[entity] = record
                if fresh[at]:
                    self._fresh.append(record)
                elif concerned.iloc[at]:
                    self._known.append(record)
        for at, cluster in numbered.items():
            golden = cluster.members[CUSTOMER].base
            cluster.golden = dict(golden or {})
            if concerned.iloc[at]:
                self._linked |= {(r.entity, r.key): cluster for r in cluster.members.values()}
            else:
                self._others.append(cluster)

    def match(self) -> None:
        """Find out who is the same."""
        self._clusters = naive.match(self._subject, self._fresh, self._known, self._linked) + self._others

    def decide(self) -> None:
        """Agree on values."""
        naive.decide(self._subject, self._clusters)

    def plan(self) -> None:
        """Find out what is owed."""
        self._owed = naive.plan(self._subject, self._clusters)

    def result(self) -> tuple[dict[naive.Name, dict[str, str]], dict[naive.Name, dict[str, str]]]:
        """Agreed values by the names of the members, and what is owed."""
        golden = {
            (record.entity, record.key): {name: value for name, value in cluster.golden.items() if value}
            for cluster in self._clusters
            for record in cluster.members.values()
        }
        return golden, self._owed


def _records(frame: pd.DataFrame) -> list[dict[str, str | None]]:
    return frame.astype("object").where(frame.notna(), None).to_dict("records")


WAYS: dict[str, Callable[[World], Engine | Plain]] = {"engine": Engine, "plain Python": Plain}


def check(pairs: int, case: str) -> str:
    """Raise SystemExit unless both come to the same; what they came to."""
    world = build(pairs, case)
    results = []
    for way in WAYS.values():
        done = way(world)
        _run(done)
        results.append(done.result())
    for what, one, other in zip(("agreed", "owed"), *results, strict=True):
        unlike = [name for name in one.keys() | other.keys() if one.get(name) != other.get(name)]
        if unlike:
            name = min(unlike)
            raise SystemExit(
                f"{case}: {what} of {len(unlike)} differ, first {name}: {one.get(name)} / {other.get(name)}"
            )
    golden, owed = results[0]
    return f"{case}, {pairs} pairs: both agree on {len(golden)} records and owe {len(owed)} writes"


def measure(way: str, pairs: int, case: str) -> tuple[list[float], float]:
    """Seconds per stage, and MB needed beyond what was there before."""
    # What is loaded or prepared at first use is no work of the records'.
    _run(WAYS[way](build(100, case)))
    done = WAYS[way](build(pairs, case))
    gc.collect()
    _FORGET_PEAK.write_text("5")
    before = _status_mb("VmRSS")
    seconds = _run(done)
    return seconds, _status_mb("VmHWM") - before


def _run(way: Engine | Plain) -> list[float]:
    """Seconds of processor time per stage: other work on the machine counts less than by the clock."""
    seconds = []
    for stage in STAGES:
        started = time.process_time()
        getattr(way, stage)()
        seconds.append(time.process_time() - started)
    return seconds


def _status_mb(field: str) -> float:
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) / 1024


def main(
    pairs: Annotated[list[int] | None, typer.Option(help="Pairs of organisations; may be given again.")] = None,
    repeats: Annotated[int, typer.Option(help="Measurements of each; the median counts.")] = 3,
) -> None:
    """Check that both agree, then time them."""
    console = Console()
    columns = ["pairs", "case", "way", *STAGES, "seconds", "ratio", "peak MB"]
    table = Table(
        title="Matching, deciding and planning of organisations (seconds of processor time)", title_justify="left"
    )
    for name in columns:
        table.add_column(name, justify="left" if name in ("case", "way") else "right")
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=context, max_tasks_per_child=1) as pool:
        for size in pairs or SIZES:
            for case in (FIRST_SIGHT, EDITED):
                console.print(pool.submit(check, min(size, 10_000), case).result())
                measured = {
                    way: [pool.submit(measure, way, size, case).result() for _ in range(repeats)] for way in WAYS
                }
                plain = statistics.median(sum(seconds) for seconds, _ in measured["plain Python"])
                for way, runs in measured.items():
                    whole = statistics.median(sum(seconds) for seconds, _ in runs)
                    stages = [statistics.median(seconds[at] for seconds, _ in runs) for at in range(len(STAGES))]
                    memory = statistics.median(peak for _, peak in runs)
                    figures = [*(f"{each:.3f}" for each in stages), f"{whole:.3f}", f"{plain / whole:.1f}"]
                    table.add_row(f"{size}", case, way, *figures, f"{memory:.0f}")
                table.add_section()
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
