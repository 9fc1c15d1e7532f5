"""Values keep their meaning between canonical text and JSON."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talk_assets.systems.customerp.formats import Codecs
from talk_assets.systems.customerp.json_exact import decode, encode
from talk_assets.systems.customerp.sections import Formats

ZONES = st.sampled_from(["UTC", "Europe/Amsterdam", "America/New_York", "Pacific/Auckland", "Asia/Kolkata"])
DAY_FORMATS = st.sampled_from(["date", "iso", "iso_seconds", "epoch_s", "epoch_ms", "%d-%m-%Y", "%Y%m%d"])
# Zones have had whole hours (and halves) for as long as anybody's orders go back.
DAYS = st.dates(min_value=date(1971, 1, 1), max_value=date(2100, 12, 31))
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**25), max_value=10**25)


def through_json(value: Any) -> Any:
    return decode(encode({"value": value}))["value"]


@given(DECIMALS, st.sampled_from(["number", "text"]))
def test_decimals_arrive_digit_by_digit(number: Decimal, written: Any) -> None:
    """A price that changes in its last digit on the way would be corrected for ever, or be wrong in the books."""
    text = format(number, "f")
    codec = Codecs(Formats(decimal=written)).of("decimal")
    assert codec.decode(through_json(codec.encode(text))) == text


def test_decimals_are_written_as_plain_numbers() -> None:
    """A system that reads 0.1 as 0.1000000000000000055 refuses or rounds it."""
    codec = Codecs(Formats()).of("decimal")
    written = [codec.encode(text) for text in ("0.1", "12345678901234567890.123456", "5.50", "-3")]
    assert encode(written) == b"[0.1,12345678901234567890.123456,5.50,-3]"
    assert encode(Codecs(Formats(decimal="text")).of("decimal").encode("5.50")) == b'"5.50"'


@given(DAYS, DAY_FORMATS, ZONES)
def test_days_stay_the_same_day(day: date, written: str, zone: str) -> None:
    """A birthday that moves by one day with every sync."""
    codec = Codecs(Formats(date=written, time_zone=zone)).of("date")
    assert codec.decode(through_json(codec.encode(day.isoformat()))) == day.isoformat()


@given(
    st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2100, 1, 1)),  # noqa: DTZ001
    st.sampled_from(["iso", "iso_seconds", "epoch_s", "epoch_ms"]),
    ZONES,
)
def test_moments_lose_no_more_than_their_format_does(naive: datetime, written: str, zone: str) -> None:
    """A reading that starts later than the change before it misses that change."""
    moment = naive.replace(tzinfo=UTC)
    precision = {"iso": 0, "iso_seconds": 1, "epoch_s": 1, "epoch_ms": 0.001}[written]
    codec = Codecs(Formats(time=written, time_zone=zone)).of("datetime")
    back = datetime.fromisoformat(codec.decode(through_json(codec.encode(moment.isoformat()))))
    assert timedelta(0) <= moment - back < timedelta(seconds=precision or 1e-6)


@pytest.mark.parametrize(
    ("kind", "text", "json_text"),
    [
        ("boolean", "true", b"true"),
        ("boolean", "false", b"false"),
        ("integer", "12", b"12"),
        ("string", "010", b'"010"'),
        ("date", "2024-01-31", b'"2024-01-31"'),
    ],
)
def test_values_get_their_json_type(kind: Any, text: str, json_text: bytes) -> None:
    """The contract's server refuses a text where a number or boolean belongs."""
    assert encode(Codecs(Formats()).of(kind).encode(text)) == json_text


@pytest.mark.parametrize(
    ("kind", "text"),
    [("decimal", "1,5"), ("decimal", "NaN"), ("integer", "1.5"), ("boolean", "yes"), ("date", "31-01-2024")],
)
def test_text_that_is_not_of_the_type_is_refused(kind: Any, text: str) -> None:
    """A wrong conversion would be sent instead of being held."""
    with pytest.raises(ValueError, match=r"."):
        Codecs(Formats()).of(kind).encode(text)


@pytest.mark.parametrize("value", ["soon", 12, True, ["2024"], "2024-13-45"])
def test_a_date_that_cannot_be_read_is_handed_on(value: Any) -> None:
    """One bad record would stop the whole feed instead of being held by name."""
    decoded = Codecs(Formats()).of("date").decode(value)
    assert decoded == (str(value) if value == 12 else value)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Amsterdam", "America/New_York"])
@pytest.mark.parametrize("value", ["0001-01-01T00:00:00", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-05:00"])
def test_a_time_at_the_edge_of_the_calendar_is_handed_on(value: str, zone: str) -> None:
    """One placeholder in a record, as many an ERP writes for `never`, would stop the whole feed."""
    codecs = Codecs(Formats(date="iso", time_zone=zone))
    moment = codecs.times.read(value)
    assert moment is None or moment.astimezone(UTC).year in (1, 9999)
    assert codecs.of("date").decode(value)[:4] == value[:4]
    assert codecs.of("datetime").decode(value)[:4] == value[:4]


def test_days_are_those_of_the_zone() -> None:
    """Midnight in Amsterdam is the evening before in UTC: the delivery date would be a day early."""
    codec = Codecs(Formats(date="iso", time_zone="Europe/Amsterdam")).of("date")
    assert codec.decode("2024-01-30T23:00:00Z") == "2024-01-31"
    assert codec.decode("2024-01-31T00:00:00") == "2024-01-31"
    assert codec.encode("2024-07-01") == "2024-07-01T00:00:00+02:00"


def test_numbers_too_large_to_write_out_do_not_fill_the_memory() -> None:
    """One absurd number in a feed would end the process."""
    codec = Codecs(Formats()).of("decimal")
    assert codec.decode(decode(b"1E+999999")) == "1E+999999"


def test_times_without_an_offset_are_of_the_configured_zone() -> None:
    """Newest-wins would prefer the wrong side by an hour or two."""
    moment = Codecs(Formats(time_zone="Europe/Amsterdam")).times.read("2024-07-01T12:00:00")
    assert moment is not None
    assert moment.astimezone(UTC).hour == 10
