"""Schedules: everything is read from the beginning once a day, which heals what changes and notifications left out."""

from collections.abc import Iterator, Sequence

import dagster as dg

from talk_assets.assets.divisions import Division
from talk_assets.errors import ConfigurationError

RESCAN = "rescan"
# What the job of that name adds to a sync.
RESCAN_CONFIG = {"resources": {"talk": {"config": {"rescan": True}}}}
_BECAUSE = {"talk/because": "the whole read of the day"}


def rescan_schedule(divisions: Sequence[Division]) -> dg.ScheduleDefinition:
    """The schedule of whole reads, of all divisions.

    Raises:
        ConfigurationError: TALK_RESCAN or TALK_TIME_ZONE cannot be used.
    """
    settings = divisions[0].settings

    def runs(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest]:
        for division in divisions:
            key = None if division.partition is None else f"{context.scheduled_execution_time} {division.partition}"
            yield dg.RunRequest(run_key=key, partition_key=division.partition, tags=_BECAUSE)

    try:
        return dg.ScheduleDefinition(
            name="daily_rescan",
            job_name=RESCAN,
            cron_schedule=settings.talk_rescan,
            execution_timezone=settings.talk_time_zone,
            default_status=(
                dg.DefaultScheduleStatus.RUNNING if settings.talk_automation else dg.DefaultScheduleStatus.STOPPED
            ),
            execution_fn=runs,
            description=(
                "Reads every feed from the beginning (TALK_RESCAN), and so finds what no list of changes, no list of "
                "removed records and no notification told. Exact's calls: one per 1,000 records."
            ),
        )
    except dg.DagsterInvalidDefinitionError as error:
        raise ConfigurationError(f"TALK_RESCAN, TALK_TIME_ZONE: {error}") from None
