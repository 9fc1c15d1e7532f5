"""When a sink is overdue, as Dagster's freshness policies: the whole read of the day materializes every one."""

from collections.abc import Callable
from datetime import timedelta

import dagster as dg

from talk_assets.assets.keys import SINKS
from talk_assets.errors import ConfigurationError
from talk_assets.settings import Settings

# With automation: the whole read materializes all sinks once a day, and may take its time.
_DAILY = 36.0
_WARNING_SHARE = 0.75
# Dagster looks no more often.
_SHORTEST = 1 / 60


def freshening(settings: Settings) -> Callable[[dg.AssetSpec], dg.AssetSpec]:
    """What gives sinks their freshness policy, where one makes sense; all else stays as it is.

    Without automation nothing promises that a sink is ever materialized again, so there is none unless it is set.

    Raises:
        ConfigurationError: TALK_FRESH_HOURS or TALK_FRESH_WARN_HOURS cannot be used.
    """
    policy = _policy(settings)

    def freshen(spec: dg.AssetSpec) -> dg.AssetSpec:
        if policy is None or spec.group_name != SINKS:
            return spec
        return spec.replace_attributes(freshness_policy=policy)

    return freshen


def _policy(settings: Settings) -> dg.FreshnessPolicy | None:
    hours, warning = settings.talk_fresh_hours, settings.talk_fresh_warn_hours
    if hours is None:
        hours = _DAILY if settings.talk_automation else 0
    if not hours:
        return None
    warning = _WARNING_SHARE * hours if warning is None else warning
    if not _SHORTEST <= warning < hours:
        raise ConfigurationError(
            f"TALK_FRESH_WARN_HOURS: {warning:g} is to be at least a minute and less than TALK_FRESH_HOURS, {hours:g}."
        )
    return dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=hours), warn_window=timedelta(hours=warning))
