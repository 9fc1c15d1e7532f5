"""`talk-assets undo`: put back what a run wrote, as far as nothing has happened to it since."""

import json
import uuid

import dagster as dg
import typer

from talk_assets import console
from talk_assets.assets.divisions import Division
from talk_assets.assets.undo_job import UNDO_OP, PutBack, Undo, undo_job
from talk_assets.commands import told_settings
from talk_assets.cycle.context import Cycle
from talk_assets.cycle.send import Outcome
from talk_assets.errors import TalkError
from talk_assets.installation import Installation, open_installation
from talk_assets.job_here import execute_here, failures
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
    with open_installation(told_settings()) as installation:
        with installation.ledger.begin() as connection:
            undone, cluster = named(connection, installation.division, installation.mappings, run, record)
        run_id = str(uuid.uuid4())
        with installation.round(run_id, preview=not carry) as cycle:
            done, failed = _put_back(
                installation,
                cycle,
                undone,
                cluster,
                Undo(run=undone, record=record or "", apply=carry, who=who or current_user()),
            )
            carried = not cycle.preview
    if done is not None:
        if as_json:
            typer.echo(json.dumps({"run_id": run_id, "applied": carried, **done.plan.as_json(), "writes": done.writes}))
        else:
            _show(done, run_id, carried=carried)
    for sentence in failed:
        console.complain("Failed", sentence)
    return not failed


def _put_back(
    installation: Installation, cycle: Cycle, run: str, cluster: int | None, order: Undo
) -> tuple[Undone | None, list[str]]:
    """What came of it, and a sentence for what failed on the way.

    Raises:
        TalkError: it cannot be done.
    """
    done: list[Undone] = []
    stopped: list[TalkError] = []

    def here(_: dg.OpExecutionContext, config: Undo) -> PutBack:
        try:
            done.append(carry_out(cycle, run, cluster, config.who))
        except TalkError as error:
            stopped.append(error)
            raise
        return PutBack(done[0], not cycle.preview, installation)

    result = execute_here(
        installation,
        cycle,
        undo_job([Division(None, installation.settings)], here),
        config={UNDO_OP: order.model_dump()},
    )
    if stopped:
        raise stopped[0]
    if done and done[0].unsent:
        return done[0], [str(write["reason"]) for write in done[0].unsent]
    return (done[0] if done else None), failures(result)


def _show(done: Undone, run_id: str, *, carried: bool) -> None:
    plan = done.plan
    console.listing(f"Run {plan.run}", COLUMNS, rows(plan, carried=carried))
    if carried:
        sent = sum(write["outcome"] == Outcome.DONE.value for write in done.writes)
        console.remark(f"{sent:,} writes were sent in run {run_id}; talk-assets undo {run_id} takes them back.")
    else:
        names = [f"{write['entity']}/{write['key']}" for write in done.writes]
        more = ", ..." if len(names) > console.SHOWN else ""
        console.remark(
            f"{len(names):,} writes would be sent{': ' if names else ''}{', '.join(names[: console.SHOWN])}{more}. "
            "Nothing was written or stored; --apply does it."
        )
