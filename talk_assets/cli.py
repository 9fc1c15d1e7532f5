"""The command line: one function per command. What they do is in `commands`."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from talk_assets import cli_audit, cli_exact, cli_orders
from talk_assets.errors import TalkError

# Exit codes: 0 done, 1 done with failures or tripped checks, 2 could not start or lost its ledger.
FAILED, NOT_STARTED = 1, 2

app = typer.Typer(
    name="talk-assets",
    help="Keep Customerp and Exact Online equal in both directions.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def options(
    division: Annotated[
        str | None,
        typer.Option(metavar="NUMBER", help="The division that is meant, where EXACT_DIVISIONS names several."),
    ] = None,
) -> None:
    """Choose what all commands have in common."""
    if division is not None:
        from talk_assets.settings import choose_division

        choose_division(division)


def main() -> None:
    """Run a command; what cannot start, or go on, ends with one sentence and exit code 2."""
    try:
        app()
    except TalkError as error:
        from talk_assets import console

        console.complain("Error", str(error))
        sys.exit(NOT_STARTED)


@app.command()
def sync(
    preview: Annotated[
        bool, typer.Option("--preview", help="Show what would be written; store and write nothing.")
    ] = False,
    subject: Annotated[str | None, typer.Option(help="Only this subject, as organisation.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
    rescan: Annotated[
        bool, typer.Option("--rescan", help="Read everything from the beginning, not only what changed.")
    ] = False,
    moved: Annotated[
        bool, typer.Option("--moved", help="A system has another address now, with the same records.")
    ] = False,
    confirm: Annotated[
        bool, typer.Option("--confirm", help="Start writing to the configured systems; asked once, a preview before.")
    ] = False,
) -> None:
    """Run one round: read both systems, match, merge, and write the changes back."""
    from talk_assets.commands.sync import sync as run

    if not run(preview=preview, subject=subject, as_json=as_json, moved=moved, rescan=rescan, confirm=confirm):
        raise typer.Exit(FAILED)


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
) -> None:
    """Show how things stand: links, holds, conflicts, what is owed, and the last run."""
    from talk_assets.commands.status import status as show

    show(as_json=as_json)


@app.command()
def compare(
    entity: Annotated[
        list[str] | None, typer.Option(help="Only pairs of this entity, as exact.accounts; can be repeated.")
    ] = None,
    pairs: Annotated[
        int | None, typer.Option(help="How many pairs of each kind; by default TALK_COMPARED_PAIRS.", min=0)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
) -> None:
    """Read linked pairs from both systems, each time those whose turn it is, and tell whether they are equal."""
    from talk_assets.commands.compare import compare as look

    if not look(entities=entity or [], pairs=pairs, as_json=as_json):
        raise typer.Exit(FAILED)


@app.command(rich_help_panel="Exact Online")
def webhooks(
    host: Annotated[str, typer.Option(help="Address to listen on, behind a proxy that speaks https.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=0, max=65535)] = 8377,
    path: Annotated[str, typer.Option(help="Where Exact calls.")] = "/exact",
) -> None:
    """Listen for what Exact tells of changes, check that Exact said it, and keep it in the ledger."""
    from talk_assets.commands.webhooks import listen

    listen(host=host, port=port, path=path)


@app.command("lost-runs")
def lost_runs() -> None:
    """Mark runs as failed whose service has ended; only while `dagster code-server` does not run."""
    from talk_assets.commands.lost_runs import lost_runs as end

    end()


cli_orders.register(app)
cli_exact.register(app)


@app.command()
def why(
    record: Annotated[str, typer.Argument(metavar="RECORD", help="entity/key, as customerp.customer/123.")],
    name: Annotated[
        str | None,
        typer.Argument(metavar="[PROPERTY]", help="By its canonical name or by one of a system's own; all by default."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
) -> None:
    """Tell which value won, over what, by which rule, read and written when, in which run, back to the first link."""
    from talk_assets.commands.why import why as tell

    tell(record, name, as_json=as_json)


@app.command()
def lineage(
    column: Annotated[
        str, typer.Argument(metavar="ASSET.COLUMN", help="As merged/organisation.name or written/exact/accounts.Email.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
) -> None:
    """Follow a column up to the systems that it comes from, and down to what is written."""
    from talk_assets.commands.lineage import lineage as follow

    follow(column, as_json=as_json)


@app.command()
def onboard(
    file: Annotated[
        Path | None, typer.Option("--markdown", metavar="FILE", help="Write the report there as Markdown, too.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
) -> None:
    """Tell what the first sync would do: what is matched and how, what is not, and who would win. Writes nothing."""
    from talk_assets.commands.onboard import onboard as report

    if not report(file=file, as_json=as_json):
        raise typer.Exit(FAILED)


@app.command()
def undo(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Id of the run, or how it begins.")],
    record: Annotated[
        str | None, typer.Option("--record", metavar="KEY", help="Only this record, as customerp.customer/123.")
    ] = None,
    carry: Annotated[
        bool, typer.Option("--apply", help="Do it, as a run like any other; by default a preview.")
    ] = False,
    who: Annotated[str | None, typer.Option("--who", help="Who orders it; by default this system's user.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
) -> None:
    """Put back what a run wrote, leaving out what was changed since: first as a preview."""
    from talk_assets.commands.undo import undo as take_back

    if not take_back(run, record=record, carry=carry, who=who, as_json=as_json):
        raise typer.Exit(FAILED)


cli_audit.register(app)


@app.command()
def docs(
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where the Markdown is written.")] = Path(
        "docs/dataflow.md"
    ),
    page: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Also one HTML file, readable without a network.")
    ] = None,
) -> None:
    """Write the data-flow document: what is synchronised, flow by flow and property by property."""
    from talk_assets.commands.docs import docs as write

    write(out=out, page=page)


@app.command()
def qa(
    flow: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only this flow, as customer_accounts; can be repeated."),
    ] = None,
    report: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Write a page (.html) or JUnit XML (.xml); can be repeated."),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="The mappings as signed off; by default those that are shipped."),
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Play against the configured systems, and remove what was made.")
    ] = False,
    division: Annotated[
        str | None, typer.Option(metavar="NUMBER", help="The test division; has to be named with --live.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
) -> None:
    """Play the checklist of the data-flow document: every property, both ways, at its edges; on a sandbox."""
    from talk_assets.commands.qa import qa as play

    if not play(flows=flow or [], reports=report or [], against=against, live=live, division=division, as_json=as_json):
        raise typer.Exit(FAILED)


@app.command(
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    help="Serve both systems locally, with made-up data (--help shows the options).",
)
def sandbox(context: typer.Context) -> None:
    """Become the sandbox's program."""
    os.execv(sys.executable, [sys.executable, "-m", "talk_assets.sandbox", *context.args])  # noqa: S606 - our own program with its own words


@app.command()
def dev(
    host: Annotated[str, typer.Option(help="Address to serve Dagit at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to serve Dagit at.")] = 3000,
) -> None:
    """Serve Dagit and run its daemon, until Ctrl-C; with no system configured, on the sandbox."""
    from talk_assets.commands.dev import dev as serve

    if not serve(host, port):
        raise typer.Exit(NOT_STARTED)
