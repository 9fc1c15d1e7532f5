"""What the commands print: progress while they work, tables at the end, sentences when something is wrong."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from talk_assets.orders.advice import delivered_by, resolved_by, settled_by, with_command

if TYPE_CHECKING:
    import pandas as pd

    from talk_assets.assets.run import Listener

out = Console()
err = Console(stderr=True)
# Rows of a table; the rest is in the ledger.
SHOWN = 20

_STAGES = {"feeds": "Read", "pairs": "Match", "merged": "Merge", "confirmed": "Write"}


def complain(kind: str, sentence: str) -> None:
    """Say on standard error what went wrong: its kind, in red, and one sentence."""
    err.print(f"[red]{kind}:[/red] {escape(sentence)}", highlight=False, soft_wrap=True)


def remark(sentence: str) -> None:
    """Say on standard error what is worth knowing."""
    err.print(escape(sentence), highlight=False, soft_wrap=True)


def bars(*, quiet: bool) -> Progress:
    """Bars on standard error, each with a description, how far it is, and in its field `now` what is done at present.

    Args:
        quiet: show nothing.
    """
    return Progress(
        TextColumn("{task.description:<7}"),
        BarColumn(bar_width=32),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[now]}"),
        console=err,
        disable=quiet,
    )


@contextmanager
def progress(totals: Mapping[str, int], *, quiet: bool) -> "Iterator[Listener]":
    """Show a bar per stage while the block runs, on standard error.

    Args:
        totals: stage to the number of its steps.
        quiet: show nothing.
    """
    bar = bars(quiet=quiet)
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


def listing(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A list: at a terminal a table, in a pipe or a file one line per row, its cells separated by tabs."""
    if not out.is_terminal:
        for row in rows:
            out.file.write("\t".join(" ".join(cell.split()) for cell in row) + "\n")
        return
    table = Table(
        title=f"{title} ({len(rows):,})", title_justify="left", title_style="bold", header_style="dim", box=None
    )
    for name in columns:
        # A name that is cut off cannot be copied into the next command.
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*map(escape, row))
    out.print(table)


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
    calls = ", ".join(
        f"{name} {count:,} (at least {totals['calls_needed'][name]:,})" for name, count in totals["calls"].items()
    )
    _line(
        f"{totals['seconds']:.1f} s · calls: {calls} · conflicts: {totals['conflicts']:,} · holds: {totals['holds']:,}"
    )


def put_off(systems: Mapping[str, int]) -> None:
    """Say which systems were not read for news, and for how long that goes on."""
    for name, seconds in systems.items():
        remark(
            f"{name} was not read for news: its calls have to last for the day, and some of them for writes. It is "
            f"read again in {lasting(seconds)}; what was known before was synchronised."
        )


def lasting(seconds: float) -> str:
    """A time in words, in whole minutes or hours."""
    minutes = max(math.ceil(seconds / 60), 1)
    return f"{minutes:,} min" if minutes < 120 else f"{minutes / 60:.1f} hours"


def planned_writes(writes: Iterable[Mapping[str, Any]], waiting: Sequence[Mapping[Any, Any]]) -> None:
    """What a preview would write, record by record."""
    count = 0
    for write in writes:
        count += 1
        _line(f"[bold]{write['operation']}[/bold] {escape(target(write))}")
        for name, value in write["values"].items():
            _line(escape(f"    {name}: {_quoted(value)}"))
        for number, line in enumerate(write["lines"], start=1):
            _line(escape(f"    line {number}: {_listed(line)}"))
    for row in waiting:
        _line(f"[bold]{row['operation']}[/bold] {escape(target(row))} [dim]waits[/dim]")
        _line(escape(f"    {row['reason']}"))
        _line(escape(f"    {_listed(json.loads(row['values']))}"))
    _line(f"\n{count:,} writes would be sent, {len(waiting):,} wait. Nothing was written or stored.")


def target(write: Mapping[Any, Any]) -> str:
    """What is written; a record that is not there yet is named by the one that it is made from."""
    return f"{write['entity']}/{write['key']}" if write["key"] else f"{write['entity']} for {write['source']}"


def _line(markup: str) -> None:
    # Whoever searches the output wants a value whole, however narrow the window.
    out.print(markup, highlight=False, soft_wrap=True)


def _listed(values: Mapping[str, str | None]) -> str:
    return ", ".join(f"{name} {_quoted(value)}" for name, value in values.items())


def _quoted(value: str | None) -> str:
    return repr(value) if value else "(cleared)"


def status_tables(state: Mapping[str, Any]) -> None:
    """How a division stands."""
    last = state["last_run"]
    if last is None:
        out.print("No sync has run yet. Start one with: talk-assets sync")
        return
    ended = f"{last['ended_at']:%Y-%m-%d %H:%M:%S} UTC" if last["ended_at"] else "not ended"
    _line(f"Division {escape(state['division'])}")
    _line(f"Last run: {last['outcome'] or 'unknown'}, {ended} [dim]({last['run_id']})[/dim]")
    _budget_line(state["budget"])
    told = state["notifications"]
    if told["received_at"] is not None:
        last_told = f"{told['received_at']:%Y-%m-%d %H:%M:%S} UTC"
        _line(f"Exact told of changes: {_number(told['day'])} in a day, last at {last_told}")
    table = _table("Links", ["flow", "linked", "ambiguous", "unmatched"])
    for flow, counts in state["pairs"].items():
        table.add_row(flow, *(_number(counts[name]) for name in ("linked", "ambiguous", "unmatched")))
    out.print(table)
    _list("Guards", stopped(state["guards"]), len(state["guards"]), "No guard waits for a person.")
    _list("Holds", _held(state["holds"]), len(state["holds"]), "No record is held.")
    _list("Conflicts", _claimed(state["conflicts"]), len(state["conflicts"]), "No conflict is open.")
    per_state = state["owed"].groupby("state")["count"].sum()
    debts = state["debts"].fillna({"key": "", "reason": ""}).to_dict("records")
    _list(
        "To enter by hand",
        [
            (f"[bold]{debt['operation']}[/bold] {escape(_entered(debt))}", _listed(debt["values"]))
            for debt in debts
            if debt["state"] == "person"
        ],
        int(per_state.get("person", 0)),
        "Nothing has to be entered by hand.",
    )
    _list(
        "Owed",
        [
            (
                f"[bold]{debt['state']}[/bold] {debt['operation']} {escape(target(debt))}",
                _why_owed(debt),
            )
            for debt in debts
            if debt["state"] != "person"
        ],
        int(per_state.drop("person", errors="ignore").sum()),
        "Nothing is owed.",
    )


def _budget_line(budget: Mapping[str, Any]) -> None:
    """What is left of Exact's calls, and how long the work ahead takes with them."""
    day, ahead = budget["day"], budget["calls_ahead"]
    if day is not None:
        left = f"{day['left']:,} of {day['limit']:,} left until {day['reset']:%Y-%m-%d %H:%M} UTC"
        _line(f"Exact's calls: {left}, {budget['minute_limit']:,} a minute")
    if ahead:
        _line(f"What is owed to Exact takes about {ahead:,} calls: {lasting(budget['seconds_ahead'])}")
    _line("")


def _why_owed(debt: Mapping[Any, Any]) -> str:
    """Why a debt was not delivered, and what settles that; of what is just to be sent, its values."""
    if not debt["reason"]:
        return _listed(debt["values"])
    record = f"{debt['entity']}/{debt['key']}" if debt["key"] else debt["source"]
    return with_command(debt["reason"], delivered_by(debt["state"], record or "RECORD"))


def stopped(guards: "pd.DataFrame") -> list[tuple[str, str]]:
    """What each guard saw, and how to let it pass."""
    return [
        (
            f"[bold]{row['kind']}[/bold] {row['entity']}",
            f"{row['reason']} To let it pass once: talk-assets accept {row['entity']}"
            if row["waits"]
            else f"{row['reason']} It was accepted: the next sync lets it pass.",
        )
        for row in guards.assign(waits=guards["accepted_at"].isna()).to_dict("records")
    ]


def _entered(debt: Mapping[Any, Any]) -> str:
    """What a person has to enter; a key alone tells nobody who it is."""
    return f"{target(debt)}, as {debt['source']} says" if debt["key"] and debt["source"] else target(debt)


def _held(holds: "pd.DataFrame") -> list[tuple[str, str]]:
    """Per reason the records that are held for it; what waits for another record comes last."""
    named = holds.assign(record=holds["entity"] + "/" + holds["key"], follows=holds["kind"].eq("reference"))
    groups = named.groupby(["follows", "kind", "reason"], sort=False)["record"].agg(list).reset_index()
    groups = groups.sort_values("follows", kind="stable")
    return [
        (
            f"[bold]{kind}[/bold] {escape(', '.join(records))}",
            with_command(reason, settled_by(kind, records[0] if len(records) == 1 else "RECORD")),
        )
        for kind, records, reason in groups[["kind", "record", "reason"]].itertuples(index=False)
    ]


def _claimed(conflicts: "pd.DataFrame") -> list[tuple[str, str]]:
    return [
        (
            f"[bold]{row['property']}[/bold] of {row['subject']} {row['cluster_id']}",
            with_command(
                "; ".join(f"{c['entity']}/{c['key']} says {_quoted(c['value'])}" for c in claims),
                resolved_by(f"{claims[0]['entity']}/{claims[0]['key']}", row["property"]),
            ),
        )
        for row in conflicts.to_dict("records")
        for claims in [json.loads(row["claims"])]
    ]


def _list(title: str, entries: Sequence[tuple[str, str]], total: int, empty: str) -> None:
    """The first entries, each with its explanation below it; `total` records are meant in all."""
    if not entries:
        _line(f"\n[bold]{title}[/bold]: {empty}")
        return
    _line(f"\n[bold]{title} ({total:,})[/bold]")
    for head, explanation in entries[:SHOWN]:
        _indented(head, 2)
        _indented(escape(explanation), 6)
    if total > SHOWN:
        out.print("  [dim]... all of them are in the ledger, schema talk, and in: talk-assets status --json[/dim]")


def _indented(markup: str, by: int) -> None:
    # In a window lines are wrapped at words; a file or a pipe has them whole, to be searched.
    if out.is_terminal:
        out.print(Padding(Text.from_markup(markup), (0, 0, 0, by)))
    else:
        _line(" " * by + markup)
