"""What needs a person: each condition with a name by which it is told once, and a sentence."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

import dagster as dg
import sqlalchemy as sa

from talk_assets.assets.divisions import PARTITION
from talk_assets.automation.schedules import RESCAN
from talk_assets.automation.trouble import LOGIN, OURS, RIGHT, Trouble, troubles
from talk_assets.ledger import guards, unfinished
from talk_assets.ledger.locks import run_of_division

# A system that does not answer for a moment is nobody's business.
_PATIENCE = timedelta(minutes=15)
# What waits for another record often comes by itself: it is given so many times what a debt is given.
_WAITING = 7
# What follows is a system's own: `Exact answered 500, ...`, `Exact refuses it with 400, ...`.
_SAID = re.compile(r"\b(?:answered|refuses it with) \d{3}\b")
_LOG = "see its log in Dagit."
_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that lasts until somebody or something ends it.

    Attributes:
        name: the same for as long as it lasts.
        sentence: what is wrong and what to do.
        count: of how many, where that can grow.
    """

    name: str
    sentence: str
    count: int = 0

    def of_division(self, division: str | None) -> "Condition":
        """The same, told of one division among several; itself where there is one only."""
        if division is None:
            return self
        return Condition(f"{division} {self.name}", f"Division {division}: {self.sentence}", self.count)


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
    # Rights are given one by one; of one system and another kind the first is told: the others have the same cause.
    lasting = {
        _name(trouble): trouble.said
        for trouble in reversed(troubles(connection, division))
        if trouble.kind in (LOGIN, RIGHT, OURS) or now - trouble.since >= _PATIENCE
    }
    found += [Condition(name, said) for name, said in sorted(lasting.items())]
    for row in guards.waiting(connection, division).to_dict("records"):
        told = (
            f"A guard stopped {row['entity']}: {row['reason']} To let it pass once: talk-assets accept {row['entity']}"
        )
        found.append(Condition(f"guard {row['entity']} {row['kind']}", told))
    found += _debts(connection, division, now, debt_limit)
    return found


def _name(trouble: Trouble) -> str:
    """What is wrong on our side can stop both systems, and is one matter for as long as it is told by one sentence."""
    if trouble.kind == OURS:
        return f"{OURS} {trouble.said}"
    return f"{trouble.feed if trouble.kind == RIGHT else trouble.feed.partition('.')[0]} {trouble.kind}"


def _debts(connection: sa.Connection, division: str, now: datetime, debt_limit: timedelta) -> list[Condition]:
    """What is owed for too long, per entity; what waits for something else is given a longer time."""
    found = list[Condition]()
    hours = debt_limit.total_seconds() / 3600
    for entity, late, oldest in unfinished.late_per_entity(connection, division, now - debt_limit):
        many = f"1 write to {entity} is" if late == 1 else f"{late} writes to {entity} are"
        told = (
            f"{many} owed for more than {hours:g} hours (since {oldest:%Y-%m-%d %H:%M} UTC). To see which: "
            "talk-assets status"
        )
        found.append(Condition(f"debts {entity}", told, late))
    before = now - _WAITING * debt_limit
    for entity, late, oldest in unfinished.late_per_entity(connection, division, before, ["waiting"]):
        many = f"1 write to {entity} waits" if late == 1 else f"{late} writes to {entity} wait"
        told = (
            f"{many} for another record or a missing value since {oldest:%Y-%m-%d %H:%M} UTC. To see for which: "
            "talk-assets status"
        )
        found.append(Condition(f"waiting {entity}", told, late))
    return found


def failed_runs(instance: dg.DagsterInstance, job: str, partition: str | None) -> list[Condition]:
    """What Dagster tells: that the latest run failed, one that could not begin too, and that a whole read never began.

    Args:
        instance: where Dagster keeps its runs.
        job: name of the job of runs that read what changed.
        partition: the division, where there are several.
    """
    latest = [_latest(instance, name, partition) for name in (job, RESCAN)]
    whole = latest[1]
    found = list[Condition]()
    last = max((record for record in latest if record is not None), key=lambda each: each.storage_id, default=None)
    if last is not None and _has_failed(last.dagster_run):
        run_id = last.dagster_run.run_id
        found.append(Condition("runs", f"Run {run_id} failed: {_why(instance, run_id)}"))
    # Of one that has begun every feed stays to be read from the beginning, by whichever run is next.
    if whole is not None and _has_failed(whole.dagster_run) and not _has_begun(instance, whole.dagster_run.run_id):
        told = (
            f"The whole read (run {whole.dagster_run.run_id}) did not begin, and what no list of changes told stays "
            f"unread until the next one. To have it read now, launch the job {RESCAN} in Dagit."
        )
        found.append(Condition("rescan", told))
    return found


def _latest(instance: dg.DagsterInstance, job: str, partition: str | None) -> dg.RunRecord | None:
    """The latest run of a job that came through or failed."""
    tags = {} if partition is None else {PARTITION: partition}
    records = instance.get_run_records(dg.RunsFilter(job_name=job, statuses=_ENDED, tags=tags), limit=1)
    return records[0] if records else None


def _has_failed(run: dg.DagsterRun) -> bool:
    """Whether it failed, and Dagster does not start it again."""
    return not run.is_success and run.tags.get("dagster/will_retry") != "true"


def _has_begun(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Whether any step came through: none does where the run could not begin."""
    return bool(instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.STEP_SUCCESS, limit=1).records)


def _why(instance: dg.DagsterInstance, run_id: str) -> str:
    """The sentence of the first step that failed."""
    events = instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.STEP_FAILURE, limit=1).records
    for record in events:
        event = record.event_log_entry.dagster_event
        if event is not None and event.step_failure_data.user_failure_data is not None:
            return own_words(event.step_failure_data.user_failure_data.description or _LOG)
    return _LOG


def own_words(sentence: str) -> str:
    """An error without what a system says in it, which can be what a record holds: messages go to chats."""
    found = _SAID.search(sentence)
    return sentence if found is None else f"{sentence[: found.end()]}; {_LOG}"
