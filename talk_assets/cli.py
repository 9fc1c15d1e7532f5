"""The command line: sync, status, sandbox, dev."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from typing import TYPE_CHECKING, Annotated, Any

import typer

from talk_assets import console
from talk_assets.cycle.report import finish, name_sources, outcome_of, summary
from talk_assets.cycle.report import status as status_of
from talk_assets.dagster_home import dagster_home, write_workspace
from talk_assets.errors import ConfigurationError, TalkError
from talk_assets.installation import open_installation
from talk_assets.ledger.database import open_ledger
from talk_assets.ledger.debts import latest_owed
from talk_assets.ledger.embedded import database_url
from talk_assets.ledger.notes import DONE, latest_division
from talk_assets.mappings.load import load_capabilities, load_mappings
from talk_assets.mappings.model import Mappings
from talk_assets.settings import Settings, load_settings

if TYPE_CHECKING:
    from talk_assets.round import Round

# Exit codes: 0 done, 1 done with failures or tripped checks, 2 could not start.
FAILED, NOT_STARTED = 1, 2

app = typer.Typer(
    name="talk-assets",
    help="Keep Customerp and Exact Online equal in both directions.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run a command; what cannot start ends with one sentence and exit code 2."""
    try:
        app()
    except TalkError as error:
        console.complain("Error", str(error))
        sys.exit(NOT_STARTED)


def _settings() -> Settings:
    """The settings; where no system is configured, everybody is told so, on standard error."""
    settings = load_settings()
    if settings.sandbox:
        console.remark(
            f"No system is configured: using the sandbox, with its state and the ledger under {settings.talk_home}."
        )
    return settings


@app.command()
def sync(
    preview: Annotated[
        bool, typer.Option("--preview", help="Show what would be written; store and write nothing.")
    ] = False,
    subject: Annotated[str | None, typer.Option(help="Only this subject, as organisation.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
    moved: Annotated[
        bool, typer.Option("--moved", help="A system has another address now, with the same records.")
    ] = False,
) -> None:
    """Run one round: read both systems, match, merge, and write the changes back."""
    # Dagster takes a second to load, for which nobody has to wait who asks for something else.
    from talk_assets.round import execute, selected_assets, steps

    started = time.monotonic()
    with open_installation(_settings()) as installation:
        selection = selected_assets(installation, subject)
        run_id = str(uuid.uuid4())
        with installation.cycle(run_id, preview=preview, moved=moved) as cycle:
            with console.progress(steps(installation, subject), quiet=as_json and not sys.stderr.isatty()) as tell:
                done = execute(installation, cycle, selection, tell)
            totals = summary(cycle, time.monotonic() - started)
            finish(cycle, totals, complete=not done.failed)
            if done.run.hindrance is not None:
                raise done.run.hindrance
            _show(done, totals if as_json else _within(totals, subject, installation.mappings), preview, as_json)
    for sentence in [*done.failed, *done.failed_writes(console.SHOWN)]:
        console.complain("Failed", sentence)
    for sentence in done.tripped:
        console.complain("Check", sentence)
    if done.tripped or outcome_of(totals, complete=not done.failed) != DONE:
        raise typer.Exit(FAILED)


def _within(totals: dict[str, Any], subject: str | None, mappings: Mappings) -> dict[str, Any]:
    """The rows of a subject: those of the others say nothing about a round that left them alone."""
    if subject is None:
        return totals
    names = {*mappings.subjects[subject].entities, *mappings.subjects[subject].flows}
    rows = {
        section: {name: counts for name, counts in totals[section].items() if name in names}
        for section in ("feeds", "pairs", "writes")
    }
    return {**totals, **rows}


def _show(done: "Round", totals: dict[str, Any], preview: bool, as_json: bool) -> None:
    planned = [write for part in done.run.delivered for write in part.writes] if preview else []
    if as_json:
        typer.echo(json.dumps({**totals, "planned": planned} if preview else totals))
        return
    if preview:
        with done.run.cycle.ledger.begin() as connection:
            debts = latest_owed(connection, done.run.cycle.division, states=["waiting"])
        waiting = [{**debt, "key": debt["key"] or ""} for debt in debts.fillna("").to_dict("records")]
        name_sources(done.run.cycle, waiting)
        console.planned_writes(planned, waiting)
        return
    console.summary_tables(totals)


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
) -> None:
    """Show how things stand: links, holds, conflicts, what is owed, and the last run."""
    settings = _settings()
    mappings = load_mappings(settings.talk_mappings, load_capabilities())
    ledger = open_ledger(database_url(settings))
    try:
        with ledger.begin() as connection:
            known = latest_division(connection)
        division = str(settings.exact_division) if settings.exact_division is not None else known
        state = status_of(ledger, division or "", mappings, limit=None if as_json else console.SHOWN)
    finally:
        ledger.close()
    if as_json:
        frames = {name: json.loads(state[name].to_json(orient="records", date_format="iso")) for name in _FRAMES}
        typer.echo(json.dumps({**state, **frames}, default=str))
    else:
        console.status_tables(state)


_FRAMES = ("holds", "conflicts", "owed", "debts")


@app.command(
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    help="Serve both systems locally, with made-up data (--help shows the options).",
)
def sandbox(context: typer.Context) -> None:
    """Become the sandbox's program."""
    os.execv(sys.executable, [sys.executable, "-m", "talk_assets.sandbox", *context.args])  # noqa: S606


@app.command()
def dev(
    host: Annotated[str, typer.Option(help="Address to serve Dagit at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to serve Dagit at.")] = 3000,
) -> None:
    """Serve Dagit and run its daemon, until Ctrl-C; with no system configured, on the sandbox."""
    _check_port(host, port)
    with open_installation(_settings()) as installation:
        home = dagster_home(installation.settings)
        environment = {
            **os.environ,
            "DAGSTER_HOME": str(home),
            "TALK_HOME": str(installation.settings.talk_home.resolve()),
        }
        workspace = ["-w", str(write_workspace(installation.settings))]
        web = ["dagster_webserver", *workspace, "-h", host, "-p", str(port)]
        daemon = ["dagster._daemon", "run", *workspace]
        names = ("The webserver", "The daemon")
        processes = [
            subprocess.Popen([sys.executable, "-m", *command], env=environment)  # noqa: S603
            for command in (web, daemon)
        ]
        console.out.print(f"Dagit: http://{host}:{port} (Ctrl-C ends it)")
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            ended = _first_to_end(processes)
            console.complain("Error", f"{names[processes.index(ended)]} ended by itself.")
            raise typer.Exit(NOT_STARTED)
        except KeyboardInterrupt:
            console.out.print("Ending.")
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait()


def _check_port(host: str, port: int) -> None:
    try:
        socket.create_server((host, port)).close()
    except OSError as error:
        raise ConfigurationError(
            f"--port: Dagit cannot be served at {host}:{port}: {error.strerror}. Give another one, or end what uses it."
        ) from None


def _first_to_end(processes: list["subprocess.Popen[bytes]"]) -> "subprocess.Popen[bytes]":
    while True:
        for process in processes:
            if process.poll() is not None:
                return process
        time.sleep(0.5)
