"""Exact's dates and clock.

Exact prints a moment as `/Date(ms)/`: milliseconds since 1970 of the *wall clock of the site*, as though that were UTC
(Exact reference, Dates and time zone). Dates without time therefore read right as UTC; times need the site's zone.
"""

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

_PRINTED = re.compile(r"^/Date\((-?\d+)(?:[+-]\d{4})?\)/$")
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - the wall clock has no zone


def site_zone(host: str) -> ZoneInfo:
    """The zone whose wall clock a site of Exact Online shows: London for the British site, else Amsterdam."""
    return ZoneInfo("Europe/London" if host.endswith(".co.uk") else "Europe/Amsterdam")


def wall_clock(text: str) -> datetime:
    """The naive wall-clock time of a printed moment, `/Date(ms)/` or zone-less ISO 8601.

    Raises:
        ValueError: the text is neither, or lies outside the calendar.
    """
    printed = _PRINTED.match(text)
    if printed is None:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            raise ValueError(f"a time of Exact has no zone, this has: {text}")
        return moment
    try:
        return _EPOCH + timedelta(milliseconds=int(printed[1]))
    except OverflowError:
        raise ValueError(f"outside the calendar: {text}") from None


def read_date(text: str) -> str:
    """The calendar day (`2024-01-31`) of a printed moment; the time, always midnight in Exact, is dropped.

    Raises:
        ValueError: as `wall_clock`.
    """
    return wall_clock(text).date().isoformat()


def read_instant(text: str, zone: tzinfo, now: datetime) -> str:
    """The UTC time (ISO 8601 with offset) of a printed moment.

    In the hour that the end of summer time repeats, the later of both instants is taken, so that an edit never seems
    older than one it may have followed; unless that is still to come at `now`, since nothing was edited in the future.

    Args:
        text: as Exact prints it.
        zone: the site's zone.
        now: time of reading, with zone.

    Raises:
        ValueError: as `wall_clock`.
    """
    local = wall_clock(text).replace(tzinfo=zone)
    instant = local.replace(fold=1).astimezone(UTC)
    earlier = local.replace(fold=0).astimezone(UTC)
    if earlier < instant and instant > now:
        instant = earlier
    return instant.isoformat()


def write_date(text: str) -> str:
    """What Exact takes for a calendar day: midnight, without zone (a trailing Z is read differently per source).

    Raises:
        ValueError: the text is not `2024-01-31`.
    """
    return f"{date.fromisoformat(text).isoformat()}T00:00:00"


def write_instant(text: str, zone: tzinfo) -> str:
    """What Exact takes for a time given as ISO 8601 with offset: the site's wall clock, without zone.

    Raises:
        ValueError: the text is not ISO 8601 with an offset.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"a time needs its offset: {text}")
    return moment.astimezone(zone).replace(tzinfo=None).isoformat(timespec="seconds")
