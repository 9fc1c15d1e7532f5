"""A job that removes old runs with their events and logs: Dagster itself keeps them for ever."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg

from talk_assets.settings import Settings, load_settings

CLEAN_UP = "clean_up_runs"
# Of runs that Dagster started; by it the code location is known, also where several share one storage.
LOCATION = ".dagster/repository"
_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
# Runs that are looked up at once, and seconds after which the rest is left for the next day.
_PAGE = 50
_SECONDS = 600.0


def clean_up(job: str, settings: Settings) -> tuple[dg.JobDefinition, dg.ScheduleDefinition]:
    """The job, and the schedule that starts it once a day.

    Args:
        job: whose runs it removes also where Dagster did not start them, as `talk-assets sync` does.
        settings: whether the schedule runs from the start, and in which time zone.
    """

    @dg.op
    def remove_old_runs(context: dg.OpExecutionContext) -> None:
        days = load_settings(()).talk_run_log_days
        removed, complete = _remove(context.instance, context.run, job, datetime.now(UTC) - timedelta(days=days))
        context.log.info(
            f"Removed {removed:,} runs that were older than {days} days (TALK_RUN_LOG_DAYS), with their events and "
            f"logs.{'' if complete else ' The rest is left for the next time.'}"
        )

    @dg.job(
        name=CLEAN_UP,
        description=(
            "Removes what Dagster keeps of runs that are older than TALK_RUN_LOG_DAYS, ten minutes at a time: their "
            "events and logs. Runs that have not ended stay, and so does the ledger, with all that `talk-assets why` "
            "tells."
        ),
    )
    def clean_up_runs() -> None:
        remove_old_runs()

    running = dg.DefaultScheduleStatus.RUNNING if settings.talk_automation else dg.DefaultScheduleStatus.STOPPED
    schedule = dg.ScheduleDefinition(
        name="clean_up",
        job_name=CLEAN_UP,
        cron_schedule="15 4 * * *",
        execution_timezone=settings.talk_time_zone,
        default_status=running,
        description="Starts the job clean_up_runs at 4:15 (TALK_TIME_ZONE).",
    )
    return clean_up_runs, schedule


def _remove(instance: dg.DagsterInstance, run: dg.DagsterRun, job: str, before: datetime) -> tuple[int, bool]:
    """Remove runs; how many, and whether none of that age is left."""
    deadline, removed = time.monotonic() + _SECONDS, 0
    for old in _old_runs(instance, _location(run), job, before):
        if time.monotonic() > deadline:
            return removed, False
        # First the files: without their run nobody would find them again.
        instance.compute_log_manager.delete_logs(prefix=[old.run_id])
        instance.delete_run(old.run_id)
        removed += 1
    return removed, True


def _old_runs(
    instance: dg.DagsterInstance, location: str | None, job: str, before: datetime
) -> Iterator[dg.DagsterRun]:
    """Runs of this code location that have ended; whoever takes one has to remove it."""
    filters = [dg.RunsFilter(job_name=job, statuses=_ENDED, created_before=before)]
    if location is not None:
        filters.append(dg.RunsFilter(tags={LOCATION: location}, statuses=_ENDED, created_before=before))
    for wanted in filters:
        passed_over: str | None = None
        while found := instance.get_runs(wanted, cursor=passed_over, limit=_PAGE, ascending=True):
            for run in found:
                # Another team's code location may have a job of the same name.
                if _location(run) in (None, location):
                    yield run
                else:
                    passed_over = run.run_id


def _location(run: dg.DagsterRun) -> str | None:
    return run.tags_for_storage().get(LOCATION)
