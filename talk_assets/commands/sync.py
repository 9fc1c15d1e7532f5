"""`talk-assets sync`: one round, and what it is said to have done."""

import json
import sys
import time
import uuid
from typing import Any

import typer

from talk_assets import console
from talk_assets.commands import told_settings
from talk_assets.commands.onboard import CONFIRM, found_by, show
from talk_assets.cycle.report import finish, name_sources, outcome_of, summary
from talk_assets.installation import open_installation
from talk_assets.ledger.debts import latest_owed
from talk_assets.ledger.notes import DONE
from talk_assets.mappings.model import Mappings
from talk_assets.orders.desk import current_user
from talk_assets.round import Round, execute, selected_assets, steps


def sync(*, preview: bool, subject: str | None, as_json: bool, moved: bool, rescan: bool, confirm: bool) -> bool:
    """Run one round; whether it is done without failures and tripped checks.

    Args:
        preview: show what would be written; store and write nothing.
        subject: only this one; None for all.
        as_json: print one JSON object instead of tables.
        moved: a system has another address now, with the same records.
        rescan: read every feed from the beginning.
        confirm: start writing to the configured systems; until somebody has said so once, a sync is a preview.

    Raises:
        TalkError: the round cannot start, or the ledger was lost on the way.
    """
    started = time.monotonic()
    with open_installation(told_settings()) as installation:
        selection = selected_assets(installation, subject)
        run_id = str(uuid.uuid4())
        who = current_user() if confirm else None
        with installation.round(run_id, preview=preview, moved=moved, rescan=rescan, confirmed_by=who) as cycle:
            with console.progress(steps(installation, subject), quiet=as_json and not sys.stderr.isatty()) as tell:
                done = execute(installation, cycle, selection, tell)
            if done.run.lost is not None:
                raise done.run.lost
            totals = summary(cycle, time.monotonic() - started)
            finish(cycle, totals, complete=not done.failed)
            if done.run.hindrance is not None:
                raise done.run.hindrance
            _show(done, totals if as_json else _within(totals, subject, installation.mappings), preview, as_json)
            console.put_off(totals["put_off"])
            if cycle.preview and not preview:
                console.remark(CONFIRM)
    for sentence in [*done.failed, *done.failed_writes(console.SHOWN)]:
        console.complain("Failed", sentence)
    for sentence in done.tripped:
        console.complain("Check", sentence)
    return not done.tripped and outcome_of(totals, complete=not done.failed) == DONE


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


def _show(done: Round, totals: dict[str, Any], preview: bool, as_json: bool) -> None:
    unconfirmed = done.run.cycle.preview and not preview
    planned = [write for part in done.run.delivered for write in part.writes] if done.run.cycle.preview else []
    if as_json:
        report = {"onboarding": found_by(done).as_json()} if unconfirmed else {}
        typer.echo(json.dumps({**totals, "planned": planned, **report} if done.run.cycle.preview else totals))
        return
    if unconfirmed:
        show(found_by(done))
        return
    if preview:
        with done.run.cycle.ledger.begin() as connection:
            debts = latest_owed(connection, done.run.cycle.division, states=["waiting"])
        waiting = [{**debt, "key": debt["key"] or ""} for debt in debts.fillna("").to_dict("records")]
        name_sources(done.run.cycle, waiting)
        console.planned_writes(planned, waiting)
        return
    console.summary_tables(totals)
