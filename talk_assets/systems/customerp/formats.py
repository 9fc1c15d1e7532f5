"""Between canonical text and the JSON values that an ERP wants and gives.

A value that cannot be read as configured is handed on as it came: the feed's schema then says which record and
property it was, and holds only that record.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from talk_assets.mappings.capabilities import ValueType
from talk_assets.systems.customerp.sections import Formats

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = {"epoch_s": timedelta(seconds=1), "epoch_ms": timedelta(milliseconds=1)}
_LARGEST_EXPONENT = 40  # numbers beyond it are left as they came: written out they could fill the memory


class Moments:
    """Points in time in one format of the profile.

    Args:
        written: a format of the profile: `iso`, `iso_seconds`, `date`, `epoch_s`, `epoch_ms`, or a pattern.
        zone: of times without an offset, and of days.
    """

    def __init__(self, written: str, zone: tzinfo) -> None:
        self._written = written
        self._zone = zone

    def write(self, moment: datetime) -> str | int:
        """A moment (with offset) in the format; parts finer than the format are cut off."""
        if self._written in _UNITS:
            return (moment - _EPOCH) // _UNITS[self._written]
        if self._written == "iso":
            return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        if self._written == "iso_seconds":
            return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        local = moment.astimezone(self._zone)
        return local.date().isoformat() if self._written == "date" else local.strftime(self._written)

    def write_day(self, day: date) -> str | int:
        """A day in the format: where that is a moment, the day's first."""
        start = datetime(day.year, day.month, day.day, tzinfo=self._zone)
        if self._written in ("iso", "iso_seconds"):
            # With the zone's own offset, so that the day can still be read in it.
            return start.isoformat(timespec="seconds")
        return self.write(start)

    def read(self, value: Any) -> datetime | None:
        """The moment (with offset) that a value says; None when it is not in the format."""
        try:
            if self._written in _UNITS:
                return _EPOCH + int(value) * _UNITS[self._written]
            if not isinstance(value, str):
                return None
            pattern = self._written if "%" in self._written else None
            # The zone of a moment without an offset is added below.
            moment = datetime.strptime(value, pattern) if pattern else datetime.fromisoformat(value)  # noqa: DTZ007
            # In UTC, because that is where a time at the very edge of the calendar turns out to lie outside it.
            return (moment if moment.tzinfo else moment.replace(tzinfo=self._zone)).astimezone(UTC)
        except (ValueError, TypeError, OverflowError):
            return None

    def read_day(self, value: Any) -> str | None:
        """The day `2024-01-31` that a value says, in the format's zone; None when it is not in the format."""
        moment = self.read(value)
        try:
            return moment.astimezone(self._zone).date().isoformat() if moment else None
        except OverflowError:
            return None


@dataclass(frozen=True, slots=True)
class ValueCodec:
    """Turns one property's canonical text into its JSON value and back."""

    encode: Callable[[str], Any]
    decode: Callable[[Any], Any]


class Codecs:
    """The JSON values of each type, by a profile's formats."""

    def __init__(self, formats: Formats) -> None:
        zone = ZoneInfo(formats.time_zone)
        self.times = Moments(formats.time, zone)
        self._days = Moments(formats.date, zone)
        self._plain_days = formats.date == "date"
        self._decimal_text = formats.decimal == "text"

    def of(self, kind: ValueType) -> ValueCodec:
        """The codec of a type; `encode` raises ValueError for text that is not of the type."""
        return {
            "string": ValueCodec(str, text_of),
            "guid": ValueCodec(str, text_of),
            "integer": ValueCodec(int, text_of),
            "decimal": ValueCodec(self._encode_decimal, text_of),
            "boolean": ValueCodec(_encode_boolean, _same),
            "date": ValueCodec(self._encode_day, self._decode_day),
            "datetime": ValueCodec(self._encode_time, self._decode_time),
        }[kind]

    def _encode_decimal(self, text: str) -> Decimal | str:
        try:
            number = Decimal(text)
        except InvalidOperation:
            raise ValueError("not a decimal number") from None
        if not number.is_finite():
            raise ValueError("not a finite number")
        return plain(number) if self._decimal_text else number

    def _encode_day(self, text: str) -> str | int:
        return self._days.write_day(date.fromisoformat(text))

    def _decode_day(self, value: Any) -> Any:
        if value is None or (self._plain_days and isinstance(value, str) and _DAY.fullmatch(value)):
            return value
        return self._days.read_day(value) or text_of(value)

    def _encode_time(self, text: str) -> str | int:
        moment = datetime.fromisoformat(text)
        return self.times.write(moment if moment.tzinfo else moment.replace(tzinfo=UTC))

    def _decode_time(self, value: Any) -> Any:
        moment = None if value is None else self.times.read(value)
        return utc_text(moment) if moment else text_of(value)


def utc_text(moment: datetime) -> str:
    """A moment as ISO 8601 in UTC with microseconds."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def plain(number: Decimal) -> str:
    """A decimal number without an exponent, unless it is too large or small to be written out."""
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or abs(number.adjusted()) > _LARGEST_EXPONENT or abs(exponent) > _LARGEST_EXPONENT:
        return str(number)
    return format(number, "f")


def text_of(value: Any) -> Any:
    """Numbers as text, digit by digit; anything else as it is."""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value


def storable(text: str) -> str:
    """Text without NUL, which PostgreSQL does not store and no person ever typed."""
    return text.replace("\x00", "")


def _encode_boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("neither true nor false")
    return text == "true"


def _same(value: Any) -> Any:
    return value
