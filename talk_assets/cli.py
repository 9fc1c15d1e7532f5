"""The command line: sync, status, sandbox, dev."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import dagster as dg
import typer

from talk_assets import console
from talk_assets.assets.run import Listener, TalkRun
from talk_assets.cycle.context import Cycle
from talk_assets.cycle.report import finish, name_sources, outcome_of, summary
from talk_assets.cycle.report import status as status_of
from talk_assets.cycle.send import Outcome
from talk_assets.dagster_home import dagster_home, write_workspace
from talk_assets.definitions import SYNC, build_defs
from talk_assets.errors import ConfigurationError, TalkError
from talk_assets.installation import Installation, open_installation
from talk_assets.ledger.database import open_ledger
from talk_assets.ledger.debts import latest_owed
from talk_assets.ledger.embedded import database_url
from talk_assets.ledger.notes import DONE, latest_division
from talk_assets.mappings.load import load_capabilities, load_mappings
from talk_assets.settings import Settings, load_settings

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
    started = time.monotonic()
    with open_installation(_settings()) as installation:
        selection = _selection(installation, subject)
        run_id = str(uuid.uuid4())
        with installation.cycle(run_id, preview=preview, moved=moved) as cycle:
            with console.progress(_steps(installation, subject), quiet=as_json and not sys.stderr.isatty()) as tell:
                run, failed, tripped = _execute(installation, cycle, selection, tell)
            totals = summary(cycle, time.monotonic() - started)
            finish(cycle, totals, complete=not failed)
            if run.hindrance is not None:
                raise run.hindrance
            _show(run, totals, preview=preview, as_json=as_json)
    for sentence in [*failed, *_failed_writes(run)]:
        console.complain("Failed", sentence)
    for sentence in tripped:
        console.complain("Check", sentence)
    if tripped or outcome_of(totals, complete=not failed) != DONE:
        raise typer.Exit(FAILED)


def _selection(installation: Installation, subject: str | None) -> list[dg.AssetKey] | None:
    """The assets of a subject; None for all.

    Raises:
        ConfigurationError: there is no such subject.
    """
    if subject is None:
        return None
    names = list(installation.mappings.subjects)
    if subject not in names:
        raise ConfigurationError(f"--subject: there is no subject {subject}; it is one of {', '.join(names)}.")
    graph = build_defs(installation.mappings, installation.capabilities, {"talk": None}).resolve_asset_graph()
    tagged = {key for key in graph.materializable_asset_keys if graph.get(key).tags.get("subject") == subject}
    deletions = {key for key in graph.materializable_asset_keys if key.path[-1] == "deletions"}
    return sorted(tagged | deletions)


def _steps(installation: Installation, subject: str | None) -> dict[str, int]:
    subjects = [installation.mappings.subjects[subject]] if subject else list(installation.mappings.subjects.values())
    entities = {entity for each in subjects for entity in each.entities}
    return {
        "feeds": len(entities) + 2,
        "pairs": sum(len(each.flows) for each in subjects),
        "merged": len(subjects),
        "confirmed": len(entities),
    }


def _execute(
    installation: Installation, cycle: Cycle, selection: list[dg.AssetKey] | None, tell: Listener
) -> tuple[TalkRun, list[str], list[str]]:
    """Run the job in this process; the run, and a sentence per step that failed and per check that tripped."""
    run = TalkRun(lambda: cycle, tell)
    job = build_defs(installation.mappings, installation.capabilities, {"talk": run}).resolve_job_def(SYNC)
    with _instance(installation, preview=cycle.preview) as instance:
        result = job.execute_in_process(
            instance=instance,
            run_id=cycle.run_id,
            raise_on_error=False,
            asset_selection=selection,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
    failed = [_sentence(event) for event in result.all_events if event.is_step_failure]
    return run, failed, [_tripped(found) for found in result.get_asset_check_evaluations() if _is_error(found)]


def _is_error(evaluation: dg.AssetCheckEvaluation) -> bool:
    return not evaluation.passed and evaluation.severity is dg.AssetCheckSeverity.ERROR


def _tripped(evaluation: dg.AssetCheckEvaluation) -> str:
    name = f"{evaluation.asset_key.to_user_string()}, {evaluation.check_name}"
    return f"{name}: {evaluation.description} To see which: talk-assets status"


@contextmanager
def _instance(installation: Installation, *, preview: bool) -> Iterator[dg.DagsterInstance]:
    if preview:
        with dg.DagsterInstance.ephemeral() as ephemeral:
            yield ephemeral
        return
    with dg.DagsterInstance.from_config(str(dagster_home(installation.settings))) as kept:
        yield kept


def _sentence(event: dg.DagsterEvent) -> str:
    failure = event.step_failure_data
    if failure.user_failure_data is not None and failure.user_failure_data.description:
        return f"{event.step_key}: {failure.user_failure_data.description}"
    if failure.error is not None and failure.error.cls_name == dg.DagsterExecutionInterruptedError.__name__:
        return f"{event.step_key}: interrupted. Nothing is lost: the next sync goes on from here."
    return f"{event.step_key}: {failure.error.to_string() if failure.error else event.message}"


def _failed_writes(run: TalkRun) -> list[str]:
    """A sentence per write that was refused or failed for now, as far as a person would read on."""
    failed = (Outcome.REJECTED.value, Outcome.UNAVAILABLE.value)
    words = [
        str(write["reason"]) if write["key"] else f"{write['source']}: {write['reason']}"
        for done in run.delivered
        for write in done.writes
        if write["outcome"] in failed
    ]
    more = len(words) - console.SHOWN
    return [*words[: console.SHOWN], *([f"{more:,} more writes; see: talk-assets status"] if more > 0 else [])]


def _show(run: TalkRun, totals: dict[str, Any], *, preview: bool, as_json: bool) -> None:
    planned = [write for part in run.delivered for write in part.writes] if preview else []
    if as_json:
        typer.echo(json.dumps({**totals, "planned": planned} if preview else totals))
        return
    if preview:
        with run.cycle.ledger.begin() as connection:
            debts = latest_owed(connection, run.cycle.division, states=["waiting"])
        waiting = [{**debt, "key": debt["key"] or ""} for debt in debts.fillna("").to_dict("records")]
        name_sources(run.cycle, waiting)
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
