"""`talk-assets undo`: put back what a run wrote, as far as nothing has happened to it since."""

import json
import time
import uuid

import typer

from talk_assets import console
from talk_assets.commands import told_settings
from talk_assets.cycle.report import finish, summary
from talk_assets.cycle.send import Outcome
from talk_assets.installation import open_installation
from talk_assets.orders.desk import current_user
from talk_assets.undo.carry_out import Undone, carry_out
from talk_assets.undo.listing import COLUMNS, named, rows


def undo(run: str, *, record: str | None, carry: bool, who: str | None, as_json: bool) -> bool:
    """Preview what undoing a run comes to, or carry it out; whether no write failed.

    Args:
        run: id of the run that is undone, or how it begins.
        record: only what is the same as this record, `entity/key`; None for all.
        carry: write, instead of showing what would be written.
        who: who orders it; None: the user of this system.
        as_json: print one JSON object instead of tables.

    Raises:
        TalkError: there is no such run or record, or the run cannot start.
    """
    started = time.monotonic()
    with open_installation(told_settings()) as installation:
        with installation.ledger.begin() as connection:
            undone, cluster = named(connection, installation.division, installation.mappings, run, record)
        run_id = str(uuid.uuid4())
        with installation.round(run_id, preview=not carry) as cycle:
            complete = False
            try:
                done = carry_out(cycle, undone, cluster, who or current_user())
                complete = True
            finally:
                totals = summary(cycle, time.monotonic() - started)
                finish(cycle, totals, complete=complete)
    failures = (Outcome.REJECTED.value, Outcome.UNAVAILABLE.value, Outcome.POSTPONED.value)
    failed = [write for write in done.writes if write["outcome"] in failures]
    if as_json:
        typer.echo(json.dumps({"run_id": run_id, "applied": carry, **done.plan.as_json(), "writes": done.writes}))
    else:
        _show(done, run_id, carry=carry)
    for write in failed:
        console.complain("Failed", str(write["reason"]))
    return not failed


def _show(done: Undone, run_id: str, *, carry: bool) -> None:
    plan = done.plan
    console.listing(f"Run {plan.run}", COLUMNS, rows(plan, carried=carry))
    if carry:
        sent = sum(write["outcome"] == Outcome.DONE.value for write in done.writes)
        console.remark(f"{sent:,} writes were sent in run {run_id}; talk-assets undo {run_id} takes them back.")
    else:
        names = [f"{write['entity']}/{write['key']}" for write in done.writes]
        more = ", ..." if len(names) > console.SHOWN else ""
        console.remark(
            f"{len(names):,} writes would be sent{': ' if names else ''}{', '.join(names[: console.SHOWN])}{more}. "
            "Nothing was written or stored; --apply does it."
        )
