"""`talk-assets qa`: the checklist of the data-flow document, played against both systems."""

import json
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.markup import escape
from rich.progress import TaskID
from rich.table import Table

from talk_assets import console
from talk_assets.qa.play import Tell
from talk_assets.qa.report import check_report, write_report
from talk_assets.qa.result import FAILED, NOT_APPLICABLE, PASSED, Result
from talk_assets.qa.run import confirm_live, play, played_on, signed_off
from talk_assets.settings import BOTH_SYSTEMS, load_settings

# Seconds without a line where there is no terminal: build servers end what says nothing for long.
_SILENT = 30.0


def qa(
    *,
    flows: Sequence[str],
    reports: Sequence[Path],
    against: Path | None,
    live: bool,
    division: str | None,
    as_json: bool,
) -> bool:
    """Play the checklist and tell how it ended; whether no row failed.

    Args:
        flows: names of flows; none for all.
        reports: files to write, `.html` or `.xml`.
        against: folder of the mappings as signed off; None: those that are shipped.
        live: play against the configured systems instead of a sandbox.
        division: the test division, which has to be named then.
        as_json: print one JSON object instead of tables.

    Raises:
        TalkError: it cannot start, or a system stopped answering.
    """
    settings = load_settings(BOTH_SYSTEMS, division) if live else load_settings(())
    for file in reports:
        check_report(file)
    if live:
        confirm_live(settings, division)
    else:
        console.remark("Playing against a sandbox and a ledger of its own, which are gone afterwards.")
    with played_on(settings, division if live else None) as at:
        mappings = signed_off(settings, against, at)
        with _telling_what_is_left(), _progress(quiet=as_json and not sys.stderr.isatty()) as tell:
            result = play(at, mappings, only=flows, live=live, tell=tell)
        for file in reports:
            write_report(file, result, mappings, at.capabilities)
    if as_json:
        typer.echo(json.dumps(result.as_json()))
    else:
        _show(result)
    for sentence in result.remarks:
        console.complain("Note", sentence)
    for text in result.left:
        console.complain("Not removed", text)
    for file in reports:
        console.remark(f"Written: {file}")
    return not result.failed


@contextmanager
def _telling_what_is_left() -> Iterator[None]:
    """Say what a run that ends early could not remove: it has no result to say it in."""
    # A build server that cancels a job ends it by this signal; what was made is removed all the same.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except BaseException as error:
        # Ctrl-C is the usual one; it goes on to whoever called.
        for text in getattr(error, "__notes__", ()):
            console.complain("Not removed", text)
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Tell]:
    """Show a bar per stage while the block runs, on standard error; in a log a line every half a minute."""
    bar, lines = console.bars(quiet=quiet or not console.err.is_terminal), not quiet and not console.err.is_terminal
    said = -_SILENT
    tasks: dict[str, TaskID] = {}
    with bar:

        def tell(stage: str, done: int, total: int, now: str) -> None:
            nonlocal said
            if lines and time.monotonic() - said >= _SILENT:
                said = time.monotonic()
                console.remark(f"{stage} {done:,}/{total:,} {now}")
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total, now="")
            bar.update(tasks[stage], completed=done, total=total, now=escape(now))

        yield tell
        for task in tasks.values():
            bar.update(task, now="")


def _show(result: Result) -> None:
    table = Table(
        title=f"Checklist, {len(result.rows):,} rows",
        title_justify="left",
        title_style="bold",
        header_style="dim",
        box=None,
        pad_edge=False,
    )
    table.add_column("flow", no_wrap=True)
    for name in (PASSED, FAILED, NOT_APPLICABLE):
        table.add_column(name, justify="right")
    for flow, counts in [*result.by_flow().items(), ("all", result.counts)]:
        cells = [f"{counts[name]:,}" if counts[name] else "[dim]·[/dim]" for name in (PASSED, FAILED, NOT_APPLICABLE)]
        cells[1] = f"[red]{counts[FAILED]:,}[/red]" if counts[FAILED] else cells[1]
        table.add_row(flow, *cells)
    console.out.print(table)
    if result.failed:
        console.out.print()
        rows = [
            (row.id, row.expected, row.found, row.reason, ", ".join(row.records))
            for row in result.failed[: console.SHOWN]
        ]
        console.listing("Failed", ["row", "expected", "found", "why", "records"], rows)
        if len(result.failed) > console.SHOWN:
            console.remark(f"{len(result.failed) - console.SHOWN:,} more failed rows; all of them in a --report.")
    calls = ", ".join(f"{name} {count:,}" for name, count in result.calls.items())
    console.remark(f"{result.seconds:.0f} s · {result.syncs} syncs · calls: {calls} · QA {result.run}")
