from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talk_assets.systems.budget import AHEAD_SHARE, RESERVE_SHARE, Budget, Window

DAY = 86_400.0
MIDNIGHT = datetime(2025, 1, 15, tzinfo=UTC).timestamp()
MOMENTS = st.floats(0, DAY - 1).map(lambda seconds: MIDNIGHT + seconds)


def budget(left: int, *, polled: float | None = None, limit: int = 5000) -> Budget:
    return Budget(None, Window(limit, left, MIDNIGHT + DAY), polled)


@given(
    left=st.integers(0, 5000),
    calls=st.integers(1, 20),
    now=MOMENTS,
    polled=st.one_of(st.none(), st.floats(0, DAY).map(lambda ago: MIDNIGHT - ago)),
)
def test_the_reserve_is_never_read_away(left: int, calls: int, now: float, polled: float | None) -> None:
    """In the evening a customer's order could not be written, because the calls went into asking for news."""
    rest = budget(left, polled=polled).rest(now, calls)
    assert 0 <= rest <= MIDNIGHT + DAY - now
    if left - calls < RESERVE_SHARE * 5000:
        assert rest == pytest.approx(MIDNIGHT + DAY - now)


@given(writes=st.integers(0, 4500), at=st.integers(0, 1439), calls=st.integers(1, 12))
def test_a_day_of_readings_every_minute_lasts(writes: int, at: int, calls: int) -> None:
    """A sync every minute spends the day by breakfast, and edits of the afternoon wait until midnight."""
    left, polled, pauses = 5000, MIDNIGHT, [0.0]
    fair = DAY * calls / ((1 - RESERVE_SHARE - AHEAD_SHARE) * 5000)
    for minute in range(1440):
        now = MIDNIGHT + 60.0 * minute
        if minute == at:
            left = max(left - writes, 0)
            spare = left - RESERVE_SHARE * 5000
            fair = max(fair, calls * (MIDNIGHT + DAY - now) / spare) if spare > 20 * calls else DAY
        if budget(left, polled=polled).rest(now, calls) == 0:
            left -= calls
            assert left >= RESERVE_SHARE * 5000
            pauses.append(now - polled)
            polled = now
    # Also after a burst of writes reading goes on until the end of the day, only more slowly.
    assert max([*pauses, MIDNIGHT + DAY - polled]) <= 2 * fair + 120


def test_who_has_calls_to_spare_is_not_kept_waiting() -> None:
    """A person who looks for an edit twice in a minute would be told to come back."""
    known = budget(4600, polled=MIDNIGHT + 1)
    assert known.rest(MIDNIGHT + 2, 10) == 0


def test_behind_an_even_pace_the_rest_of_the_day_is_shared_out() -> None:
    """After a large first sync nothing would be read until the next day."""
    noon = MIDNIGHT + DAY / 2
    # 1,000 above the reserve for twelve hours: ten calls every 432 s.
    assert budget(2000, polled=noon).rest(noon, 10) == pytest.approx(432)
    assert budget(2000, polled=noon - 400).rest(noon, 10) == pytest.approx(32)
    assert budget(2000, polled=noon - 500).rest(noon, 10) == 0


def test_nothing_known_is_nothing_to_wait_for() -> None:
    """The first sync of an installation would not begin."""
    assert Budget().rest(MIDNIGHT, 10) == 0
    assert budget(0).rest(MIDNIGHT + DAY, 10) == 0


def test_windows_that_are_over_are_full_again() -> None:
    """After a night without a call everything would wait for a day that has long begun."""
    later = Budget(Window(60, 0, MIDNIGHT + 60), Window(5000, 3, MIDNIGHT)).at(MIDNIGHT + 130)
    assert later.minute == Window(60, 60, MIDNIGHT + 180)
    assert later.day == Window(5000, 5000, MIDNIGHT + DAY)


def test_a_late_answer_does_not_bring_an_old_minute_back() -> None:
    """An answer that was long on its way would have everybody wait for a minute that is over."""
    known = Budget(Window(60, 50, MIDNIGHT + 120))
    assert known.told(Window(60, 0, MIDNIGHT + 60), None) == known


@pytest.mark.parametrize(
    ("left", "calls", "hours"), [(5000, 60, 1 / 60), (5000, 1200, 1 / 3), (100, 1300, 12 + 1200 / 3600), (0, 5060, 36)]
)
def test_how_long_work_takes_is_told(left: int, calls: int, hours: float) -> None:
    """Nobody knows whether a large import is through tonight or next week."""
    noon = MIDNIGHT + DAY / 2
    expected = hours * 3600 + (60 if calls == 5060 else 0)
    assert budget(left).seconds_for(noon, calls) == pytest.approx(expected)
