"""Schedules: everything is read from the beginning once a day, which heals what changes and notifications left out."""

import dagster as dg

from talk_assets.errors import ConfigurationError
from talk_assets.settings import Settings

RESCAN = "rescan"
# The tag by which Dagster's queue takes one run of a division at a time.
DIVISION = "talk/division"
# What the job of that name adds to a sync.
RESCAN_CONFIG = {"resources": {"talk": {"config": {"rescan": True}}}}


def division_tag(settings: Settings) -> str:
    """The value of the tag `DIVISION`."""
    return str(settings.exact_division or "sandbox")


def rescan_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """The schedule of whole reads.

    Raises:
        ConfigurationError: TALK_RESCAN or TALK_TIME_ZONE cannot be used.
    """
    running = dg.DefaultScheduleStatus.RUNNING if settings.talk_automation else dg.DefaultScheduleStatus.STOPPED
    try:
        return dg.ScheduleDefinition(
            name="daily_rescan",
            job_name=RESCAN,
            cron_schedule=settings.talk_rescan,
            execution_timezone=settings.talk_time_zone,
            default_status=running,
            tags={"talk/because": "the whole read of the day"},
            description=(
                "Reads every feed from the beginning (TALK_RESCAN), and so finds what no list of changes, no list of "
                "removed records and no notification told. Exact's calls: one per 1,000 records."
            ),
        )
    except dg.DagsterInvalidDefinitionError as error:
        raise ConfigurationError(f"TALK_RESCAN, TALK_TIME_ZONE: {error}") from None
