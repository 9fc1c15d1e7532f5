"""Schedules: everything is read from the beginning once a day, which heals what changes and notifications left out."""

import dagster as dg

from talk_assets.errors import ConfigurationError
from talk_assets.settings import Settings

RESCAN = "rescan"


def rescan_schedule(job: str, settings: Settings) -> dg.ScheduleDefinition:
    """The schedule of whole reads.

    Raises:
        ConfigurationError: TALK_RESCAN or TALK_TIME_ZONE cannot be used.
    """
    running = dg.DefaultScheduleStatus.RUNNING if settings.talk_automation else dg.DefaultScheduleStatus.STOPPED
    try:
        return dg.ScheduleDefinition(
            name=RESCAN,
            job_name=job,
            cron_schedule=settings.talk_rescan,
            execution_timezone=settings.talk_time_zone,
            default_status=running,
            run_config={"resources": {"talk": {"config": {"rescan": True}}}},
            tags={"talk/because": "the whole read of the day"},
            description=(
                "Reads every feed from the beginning (TALK_RESCAN), and so finds what no list of changes, no list of "
                "removed records and no notification told. Exact's calls: one per 1,000 records."
            ),
        )
    except dg.DagsterInvalidDefinitionError as error:
        raise ConfigurationError(f"TALK_RESCAN, TALK_TIME_ZONE: {error}") from None
