"""The job that puts back what a run wrote, as a person launches it or as `talk-assets undo` runs it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg
import pandas as pd
from pydantic import Field

from talk_assets.assets.divisions import PATIENCE, Division, op_job, settings_of
from talk_assets.assets.masking import PERSONAL, People
from talk_assets.assets.metadata import counts, table
from talk_assets.cycle.send import Outcome
from talk_assets.errors import TalkError
from talk_assets.installation import Installation, open_installation
from talk_assets.mappings.model import Mappings
from talk_assets.orders.desk import current_user
from talk_assets.undo.carry_out import Undone, carry_out
from talk_assets.undo.listing import COLUMNS, named, rows

UNDO = "undo"
UNDO_OP = "undo_run"


class Undo(dg.Config):
    """What is put back."""

    run: str = Field(description="Id of the run to undo, or how it begins; `talk-assets why` and history name it.")
    record: str = Field(default="", description="Only what is the same as this record, as customerp.customer/cus-1.")
    apply: bool = Field(default=False, description="Write; otherwise it is shown what would be put back.")
    who: str = Field(default="", description="Who gives the order; empty: the user that Dagster runs as.")


@dataclass(frozen=True)
class PutBack:
    """What came of an undo, and what it takes to show that.

    Attributes:
        undone: what came of it.
        carried: whether it was carried out, not only planned.
        installation: that it was done in.
    """

    undone: Undone
    carried: bool
    installation: Installation


def _as_launched(context: dg.OpExecutionContext, config: Undo) -> PutBack:
    """Undo in an installation of the run's own; it waits for its turn."""
    with open_installation(settings_of(context.run)) as installation:
        with installation.ledger.begin() as connection:
            record = config.record or None
            run, cluster = named(connection, installation.division, installation.mappings, config.run, record)
        with installation.round(context.run_id, preview=not config.apply, wait_seconds=PATIENCE) as cycle:
            undone = carry_out(cycle, run, cluster, config.who or current_user())
            return PutBack(undone, not cycle.preview, installation)


def undo_job(
    divisions: Sequence[Division], put_back: Callable[[dg.OpExecutionContext, Undo], PutBack] = _as_launched
) -> dg.JobDefinition:
    """The job, in one of several divisions.

    Args:
        divisions: that it can be for.
        put_back: does it.
    """

    @dg.op(
        name=UNDO_OP,
        out=dg.Out(dg.Nothing),
        description="Put back what a run wrote, leaving out what was changed since; at first only shown.",
    )
    def undo_run(context: dg.OpExecutionContext, config: Undo) -> None:
        try:
            done = put_back(context, config)
        except TalkError as error:
            raise dg.Failure(description=str(error), allow_retries=False) from None
        plan, mappings = done.undone.plan, done.installation.mappings
        people = People(done.installation.settings.talk_show_personal)
        found = [_masked(row, mappings, people) for row in rows(plan, carried=done.carried)]
        sent = sum(write["outcome"] == Outcome.DONE.value for write in done.undone.writes)
        unsent = [(_target(write), people.write(write, mappings)) for write in done.undone.unsent]
        told = {
            **counts({"put_back": len(plan.back), "left": len(plan.left), "sent": sent, "failed": len(unsent)}),
            "undone": table(pd.DataFrame(found, columns=list(COLUMNS), dtype="str")),
            "not_sent": table(pd.DataFrame(unsent, columns=["write", "why"], dtype="str")),
        }
        if unsent:
            # What stands beside an output is lost where there is none.
            raise dg.Failure(description=_failed(unsent), metadata=told, allow_retries=False)
        context.add_output_metadata(told)

    return op_job(
        UNDO,
        undo_run,
        "Put back what a run wrote: at first a preview, with `apply` a run like any other. The same as "
        "`talk-assets undo`.",
        divisions,
    )


def _target(write: Mapping[str, Any]) -> str:
    return f"{write['operation']} {write['entity']}/{write['key'] or ''}"


def _failed(unsent: Sequence[tuple[str, str]]) -> str:
    """What was decided and did not arrive, with the first reasons."""
    reasons = " ".join(f"{target}: {why}" for target, why in unsent[:3])
    many = "1 write was" if len(unsent) == 1 else f"{len(unsent):,} writes were"
    return f"{many} refused or failed, and stays owed (`talk-assets status`): {reasons}"


def _masked(row: tuple[str, ...], mappings: Mappings, people: People) -> tuple[str, ...]:
    """A row of what is undone; of people as it is shown."""
    what, record, name, written, before, why = row
    entity = record.partition("/")[0]
    # Of what is left out now it is not known whom it is about.
    if entity in mappings.with_lines and mappings.subject_of(entity).subject not in PERSONAL:
        return *row[:-1], people.reason(why, mappings)
    # The reason of a hold is quoted otherwise.
    because, held, reason = why.partition(" is held: ")
    told = people.quoted(because) + held + people.between(reason)
    return what, record, name, people.quoted(written), people.quoted(before), told
