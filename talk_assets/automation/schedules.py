"""Schedules: everything is read from the beginning once a day, which heals what changes and notifications left out.

Afterwards some pairs are compared, which tells what even that did not heal.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from talk_assets.assets.divisions import Division
from talk_assets.automation.watch import UNCONFIRMED
from talk_assets.errors import ConfigurationError, TalkError
from talk_assets.installation import open_installation
from talk_assets.onboarding.gate import is_confirmed
from talk_assets.settings import load_settings

RESCAN = "rescan"
# What the job of that name adds to a sync.
RESCAN_CONFIG = {"resources": {"talk": {"config": {"rescan": True}}}}


def rescan_schedule(divisions: Sequence[Division]) -> dg.ScheduleDefinition:
    """The schedule of whole reads, of all divisions.

    Raises:
        ConfigurationError: TALK_RESCAN or TALK_TIME_ZONE cannot be used.
    """
    return _schedule(
        divisions,
        "talk_rescan",
        name="daily_rescan",
        job=RESCAN,
        because="the whole read of the day",
        config=RESCAN_CONFIG,
        description=(
            "Reads every feed from the beginning (TALK_RESCAN), and so finds what no list of changes, no list of "
            "removed records and no notification told. Exact's calls: one per 1,000 records."
        ),
    )


def compare_schedule(job: str, divisions: Sequence[Division]) -> dg.ScheduleDefinition:
    """The schedule of comparisons, of all divisions.

    Args:
        job: name of the job that compares.
        divisions: of the code location.

    Raises:
        ConfigurationError: TALK_COMPARE or TALK_TIME_ZONE cannot be used.
    """
    return _schedule(
        divisions,
        "talk_compare",
        name="daily_comparison",
        job=job,
        because="the comparison of the day",
        config={},
        description=(
            "Compares linked pairs (TALK_COMPARED_PAIRS) as both systems show them (TALK_COMPARE), each day those "
            "whose turn it is. Exact's calls: one per 20 pairs."
        ),
    )


def _schedule(
    divisions: Sequence[Division],
    setting: str,
    *,
    name: str,
    job: str,
    because: str,
    config: Mapping[str, Any],
    description: str,
) -> dg.ScheduleDefinition:
    settings = divisions[0].settings

    def runs(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        confirmed = [division for division in divisions if _is_confirmed(division)]
        if not confirmed:
            yield dg.SkipReason(UNCONFIRMED)
        for division in confirmed:
            key = None if division.partition is None else f"{context.scheduled_execution_time} {division.partition}"
            # What the job is configured with is for a person's launch; a schedule's run has what is said here.
            yield dg.RunRequest(
                run_key=key, partition_key=division.partition, run_config=config, tags={"talk/because": because}
            )

    try:
        return dg.ScheduleDefinition(
            name=name,
            job_name=job,
            cron_schedule=getattr(settings, setting),
            execution_timezone=settings.talk_time_zone,
            default_status=(
                dg.DefaultScheduleStatus.RUNNING if settings.talk_automation else dg.DefaultScheduleStatus.STOPPED
            ),
            execution_fn=runs,
            description=description,
        )
    except dg.DagsterInvalidDefinitionError as error:
        raise ConfigurationError(f"{setting.upper()}, TALK_TIME_ZONE: {error}") from None


def _is_confirmed(division: Division) -> bool:
    """Whether a division's runs start by themselves; also where that cannot be asked, as each run asks it again."""
    try:
        settings = load_settings(division=division.partition)
        if settings.sandbox:
            return True
        with open_installation(settings) as installation:
            return is_confirmed(installation.ledger, installation.division)
    except TalkError:
        return True
