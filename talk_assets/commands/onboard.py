"""`talk-assets onboard`: what the first sync would do, before it is done."""

import json
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import typer
from rich.markup import escape
from rich.table import Table

from talk_assets import console
from talk_assets.commands import told_settings
from talk_assets.cycle.report import summary
from talk_assets.errors import ConfigurationError
from talk_assets.installation import open_installation
from talk_assets.onboarding.report import Report, report_of
from talk_assets.onboarding.tables import markdown, tables
from talk_assets.round import Round, execute, steps

CONFIRM = (
    "This was a preview, because nobody has confirmed the first sync of this installation yet: nothing was written or "
    "stored. `talk-assets sync --confirm` starts writing; it is asked once."
)


def onboard(*, file: Path | None, as_json: bool) -> bool:
    """Preview a round and tell what it found; whether every step came through.

    Args:
        file: where to write the report as Markdown, too.
        as_json: print one JSON object instead of tables.

    Raises:
        TalkError: the round cannot start, or the file cannot be written.
    """
    started = time.monotonic()
    with (
        open_installation(told_settings()) as installation,
        installation.cycle(str(uuid.uuid4()), preview=True) as cycle,
    ):
        with console.progress(steps(installation, None), quiet=as_json and not sys.stderr.isatty()) as tell:
            done = execute(installation, cycle, None, tell)
        if done.run.hindrance is not None:
            raise done.run.hindrance
        report = found_by(done)
        totals: dict[str, Any] = summary(cycle, time.monotonic() - started)
    if file is not None:
        write(report, file)
    if as_json:
        seen = {name: totals[name] for name in ("run_id", "seconds", "calls")}
        typer.echo(json.dumps({**seen, "onboarding": report.as_json()}))
    else:
        show(report)
        console.remark("This was a preview: nothing was written or stored.")
    for sentence in done.failed:
        console.complain("Failed", sentence)
    return not done.failed


def found_by(done: Round) -> Report:
    """The report of a previewed round; the asset has made it, unless a step before it failed."""
    return done.run.onboarding or report_of(done.run.cycle)


def show(report: Report) -> None:
    """Print the report."""
    for each in tables(report):
        table = Table(
            title=each.title,
            title_justify="left",
            title_style="bold",
            header_style="dim",
            caption=each.sentence if each.rows else None,
            caption_justify="left",
            box=None,
            pad_edge=False,
        )
        for name in each.columns:
            number = name.endswith("#")
            table.add_column(name.removesuffix("#"), justify="right" if number else "left", overflow="fold")
        for row in each.rows[: console.SHOWN] if each.name not in ("matched", "sides", "planned") else each.rows:
            table.add_row(*(_plain(text) for text in row))
        if each.rows:
            console.out.print(table)
            if len(each.rows) > table.row_count:
                console.out.print("[dim]... more of them with --json and in the file of --markdown[/dim]")
        else:
            console.out.print(f"[bold]{each.title}[/bold]: {each.empty}", highlight=False)
        console.out.print()


def write(report: Report, file: Path) -> None:
    """Write the report as Markdown.

    Raises:
        ConfigurationError: it cannot be written there.
    """
    try:
        file.write_text(markdown(report), encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"--markdown: {file} cannot be written: {error.strerror}.") from None


def _plain(text: str) -> str:
    return "[dim]·[/dim]" if text == "0" else escape(text)
