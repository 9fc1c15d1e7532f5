"""What needs a person: each condition with a name by which it is told once, and a sentence."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import dagster as dg
import sqlalchemy as sa

from talk_assets.assets.divisions import PARTITION
from talk_assets.automation.trouble import LOGIN, troubles
from talk_assets.ledger import guards, unfinished
from talk_assets.ledger.locks import run_of_division

# A system that does not answer for a moment is nobody's business.
_PATIENCE = timedelta(minutes=15)
_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that lasts until somebody or something ends it.

    Attributes:
        name: the same for as long as it lasts.
        sentence: what is wrong and what to do.
    """

    name: str
    sentence: str

    def of_division(self, division: str | None) -> "Condition":
        """The same, told of one division among several; itself where there is one only."""
        if division is None:
            return self
        return Condition(f"{division} {self.name}", f"Division {division}: {self.sentence}")


def conditions(connection: sa.Connection, division: str, now: datetime, debt_limit: timedelta) -> list[Condition]:
    """What the ledger tells.

    Args:
        connection: in a transaction.
        division: the division.
        now: by the ledger's clock.
        debt_limit: how long something may stay owed.
    """
    found = []
    # Asked first: a run that ends meanwhile is then looked at the next time.
    going_on = run_of_division(connection, division)
    failures, began = unfinished.failed_runs(connection, division, going_on)
    if began is not None:
        many = "The last run" if failures == 1 else f"The last {failures} runs"
        told = f"{many} did not end well (since {began:%Y-%m-%d %H:%M} UTC). To see why: talk-assets status"
        found.append(Condition("runs", told))
    # Of one system and kind the first is told: the others have the same cause.
    lasting = {
        f"{trouble.feed.partition('.')[0]} {trouble.kind}": trouble.said
        for trouble in reversed(troubles(connection, division))
        if trouble.kind == LOGIN or now - trouble.since >= _PATIENCE
    }
    found += [Condition(name, said) for name, said in sorted(lasting.items())]
    for row in guards.waiting(connection, division).to_dict("records"):
        told = (
            f"A guard stopped {row['entity']}: {row['reason']} To let it pass once: talk-assets accept {row['entity']}"
        )
        found.append(Condition(f"guard {row['entity']} {row['kind']}", told))
    late, oldest = unfinished.late(connection, division, now - debt_limit)
    if oldest is not None:
        hours = debt_limit.total_seconds() / 3600
        told = (
            f"{late} {'write is' if late == 1 else 'writes are'} owed for more than {hours:g} hours (since "
            f"{oldest:%Y-%m-%d %H:%M} UTC). To see which: talk-assets status"
        )
        found.append(Condition("debts", told))
    return found


def failed_run(instance: dg.DagsterInstance, job: str, partition: str | None) -> Condition | None:
    """The latest run of a job where it failed and Dagster does not start it again; also one that could not begin.

    Args:
        instance: where Dagster keeps its runs.
        job: name of the job.
        partition: the division, where there are several.
    """
    tags = {} if partition is None else {PARTITION: partition}
    records = instance.get_run_records(dg.RunsFilter(job_name=job, statuses=_ENDED, tags=tags), limit=1)
    if not records or records[0].dagster_run.is_success:
        return None
    run = records[0].dagster_run
    if run.tags.get("dagster/will_retry") == "true":
        return None
    return Condition("runs", f"Run {run.run_id} failed: {_why(instance, run.run_id)}")


def _why(instance: dg.DagsterInstance, run_id: str) -> str:
    """The sentence of the first step that failed."""
    events = instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.STEP_FAILURE, limit=1).records
    for record in events:
        event = record.event_log_entry.dagster_event
        if event is not None and event.step_failure_data.user_failure_data is not None:
            return event.step_failure_data.user_failure_data.description or "see its log in Dagit."
    return "see its log in Dagit."
