"""What the commands print: progress while they work, tables at the end, sentences when something is wrong."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from talk_assets.assets.run import Listener

out = Console()
err = Console(stderr=True)

_STAGES = {"feeds": "Read", "pairs": "Match", "merged": "Merge", "confirmed": "Write"}


@contextmanager
def progress(totals: Mapping[str, int], *, quiet: bool) -> Iterator[Listener]:
    """Show a bar per stage while the block runs, on standard error.

    Args:
        totals: stage to the number of its steps.
        quiet: show nothing.
    """
    bar = Progress(
        TextColumn("{task.description:<7}"),
        BarColumn(bar_width=32),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[now]}"),
        console=err,
        disable=quiet,
    )
    with bar:
        tasks: dict[str, TaskID] = {
            stage: bar.add_task(_STAGES[stage], total=total, now="", start=False) for stage, total in totals.items()
        }

        def tell(stage: str, name: str, done: int, total: int) -> None:
            if stage == "writing":
                bar.start_task(tasks["confirmed"])
                bar.update(tasks["confirmed"], now=f"{name} {done}/{total}")
            elif stage in tasks:
                bar.start_task(tasks[stage])
                bar.update(tasks[stage], advance=1, now=name)
                finished = bar.tasks[tasks[stage]].finished
                if finished:
                    bar.update(tasks[stage], now="")

        yield tell


def _table(title: str, columns: Iterable[str]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", header_style="dim", box=None, pad_edge=False)
    for number, name in enumerate(columns):
        table.add_column(name, justify="left" if number == 0 else "right", no_wrap=number == 0)
    return table


def _number(value: int, *, alarming: bool = False) -> str:
    if not value:
        return "[dim]·[/dim]"
    return f"[red]{value:,}[/red]" if alarming else f"{value:,}"


def pairs_table(pairs: Mapping[str, Mapping[str, int]]) -> Table:
    """The flows: linked pairs, and how they came about in this run."""
    table = _table("Matched pairs", ["flow", "linked", "matched", "inserted", "ambiguous", "unmatched"])
    for flow, counts in pairs.items():
        table.add_row(
            flow, *(_number(counts[name]) for name in ("linked", "matched", "inserted", "ambiguous", "unmatched"))
        )
    return table


def summary_tables(totals: Mapping[str, Any]) -> None:
    """The closing tables of a sync."""
    feeds = _table("Read", ["feed", "read", "changed", "held"])
    for entity, counts in totals["feeds"].items():
        feeds.add_row(
            entity, _number(counts["read"]), _number(counts["changed"]), _number(counts["held"], alarming=True)
        )
    writes = _table("Written", ["entity", "created", "updated", "deleted", "failed", "owed"])
    for entity, counts in totals["writes"].items():
        writes.add_row(
            entity,
            *(_number(counts[name]) for name in ("created", "updated", "deleted")),
            _number(counts["failed"], alarming=True),
            _number(counts["owed"]),
        )
    for table in (feeds, pairs_table(totals["pairs"]), writes):
        out.print(table)
        out.print()
    calls = ", ".join(f"{name} {count:,}" for name, count in totals["calls"].items())
    out.print(
        f"{totals['seconds']:.1f} s · calls: {calls} · conflicts: {totals['conflicts']:,} · holds: {totals['holds']:,}"
    )


def planned_writes(writes: Iterable[Mapping[str, Any]], waiting: pd.DataFrame) -> None:
    """What a preview would write, record by record."""
    count = 0
    for write in writes:
        count += 1
        target = f"{write['entity']}/{write['key']}" if write["key"] else write["entity"]
        out.print(f"[bold]{write['operation']}[/bold] {target}", highlight=False)
        for name, value in write["values"].items():
            out.print(f"    {name}: {_quoted(value)}", highlight=False, markup=False)
        for number, line in enumerate(write["lines"], start=1):
            told = ", ".join(f"{name} {_quoted(value)}" for name, value in line.items())
            out.print(f"    line {number}: {told}", highlight=False, markup=False)
    for row in waiting.to_dict("records"):
        out.print(f"[bold]{row['operation']}[/bold] {row['entity']} [dim]{row['state']}[/dim]", highlight=False)
        out.print(f"    {row['reason']}", highlight=False, markup=False)
        out.print(f"    {row['values']}", highlight=False, markup=False)
    out.print(f"\n{count:,} writes would be sent, {len(waiting):,} wait. Nothing was written or stored.")


def _quoted(value: str | None) -> str:
    return "(cleared)" if value is None else repr(value)


def status_tables(state: Mapping[str, Any]) -> None:
    """How a division stands."""
    last = state["last_run"]
    if last is None:
        out.print("No sync has run yet. Start one with: talk-assets sync")
        return
    ended = f"{last['ended_at']:%Y-%m-%d %H:%M:%S} UTC" if last["ended_at"] else "not ended"
    out.print(f"Division {state['division']} · last run {last['run_id']} · {ended} · {last['outcome'] or 'unknown'}")
    out.print()
    table = _table("Links", ["flow", "linked", "ambiguous", "unmatched"])
    for flow, counts in state["pairs"].items():
        table.add_row(flow, *(_number(counts[name]) for name in ("linked", "ambiguous", "unmatched")))
    out.print(table)
    for title, frame, empty in (
        ("Holds", state["holds"][["entity", "key", "kind", "reason"]], "No record is held."),
        ("Conflicts", state["conflicts"][["subject", "cluster_id", "property", "claims"]], "No conflict is open."),
        ("Owed", state["debts"][["entity", "key", "operation", "state", "reason"]], "Nothing is owed."),
    ):
        out.print()
        _rows(title, frame, empty)


def _rows(title: str, frame: pd.DataFrame, empty: str, limit: int = 20) -> None:
    if frame.empty:
        out.print(f"[bold]{title}[/bold]: {empty}")
        return
    table = Table(
        title=f"{title} ({len(frame):,})", title_justify="left", title_style="bold", header_style="dim", box=None
    )
    for name in frame.columns:
        table.add_column(str(name), overflow="fold")
    for row in frame.head(limit).fillna("").astype("str").to_numpy().tolist():
        table.add_row(*row)
    out.print(table)
    if len(frame) > limit:
        out.print(f"[dim]... and {len(frame) - limit:,} more, in the ledger (schema talk).[/dim]")
