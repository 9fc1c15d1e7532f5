from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talk_assets.systems.exact import dates
from talk_assets_tests.systems.exact.tenant import printed

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
LATER = datetime(2100, 1, 1, tzinfo=UTC)


def test_the_recorded_date_reads_as_the_day_that_was_sent() -> None:
    """Read as a local instant every date would be a day early: 18 February 2016 is on record."""
    assert dates.read_date("/Date(1455753600000)/") == "2016-02-18"
    assert dates.read_date("/Date(1455753600000+0100)/") == "2016-02-18"


@given(st.dates())
def test_every_day_travels_there_and_back(day: date) -> None:
    """A birth date before 1970 or in the far future would change on its way."""
    sent = dates.write_date(day.isoformat())
    assert sent.endswith("T00:00:00")
    assert dates.read_date(printed(sent)) == day.isoformat()


@given(st.integers(min_value=300_000_000, max_value=2_100_000_000))
def test_every_instant_is_found_again_but_for_the_repeated_hour(seconds: int) -> None:
    """Clock times an hour off decide wrongly who edited last."""
    instant = datetime.fromtimestamp(seconds, UTC)
    text = printed(instant.astimezone(AMSTERDAM).replace(tzinfo=None).isoformat())
    read = datetime.fromisoformat(dates.read_instant(text, AMSTERDAM, LATER))
    assert read - instant in (timedelta(0), timedelta(hours=1))
    if instant.month not in (9, 10):
        assert read == instant


def test_winter_and_summer() -> None:
    """Reading the wall clock as UTC is one hour off in winter and two in summer."""
    assert dates.read_instant(printed("2025-01-15T12:00:00"), AMSTERDAM, LATER) == "2025-01-15T11:00:00+00:00"
    assert dates.read_instant(printed("2025-07-15T12:00:00"), AMSTERDAM, LATER) == "2025-07-15T10:00:00+00:00"
    london = dates.site_zone("start.exactonline.co.uk")
    assert dates.read_instant(printed("2025-07-15T12:00:00"), london, LATER) == "2025-07-15T11:00:00+00:00"
    assert dates.site_zone("start.exactonline.nl") == AMSTERDAM


def test_the_repeated_hour_is_read_as_the_later_one_that_has_been() -> None:
    """An edit dated before the one it followed would be undone; one dated in the future would beat all until then."""
    text = printed("2025-10-26T02:30:00")
    assert dates.read_instant(text, AMSTERDAM, LATER) == "2025-10-26T01:30:00+00:00"
    just_after = datetime(2025, 10, 26, 0, 31, tzinfo=UTC)
    assert dates.read_instant(text, AMSTERDAM, just_after) == "2025-10-26T00:30:00+00:00"


@pytest.mark.parametrize("text", ["", "soon", "/Date(x)/", "/Date(99999999999999999999)/", "2024-01-01T00:00:00Z"])
def test_what_is_no_date_is_refused(text: str) -> None:
    """A guessed date would end up in the other system."""
    with pytest.raises(ValueError, match=r"Invalid isoformat|calendar|has no zone"):
        dates.wall_clock(text)


def test_times_are_written_on_the_site_clock_without_zone() -> None:
    """A trailing Z is ignored or shifted, depending on whom you ask."""
    assert dates.write_instant("2025-07-15T10:00:00+00:00", AMSTERDAM) == "2025-07-15T12:00:00"
    with pytest.raises(ValueError, match="offset"):
        dates.write_instant("2025-07-15T10:00:00", AMSTERDAM)
