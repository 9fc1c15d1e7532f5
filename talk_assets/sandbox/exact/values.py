"""Values of properties: what may come in, how they are kept, and how they go out.

Kept values are JSON: text, numbers and booleans as such, a GUID in lower case, a DateTime as naive local ISO text
(`2024-01-31T00:00:00`). Empty values are not kept at all.
"""

import base64
import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from talk_assets.sandbox.exact.errors import bad_request
from talk_assets.sandbox.exact.model import Property

_RANGES = {
    "Byte": (0, 255),
    "Int16": (-(2**15), 2**15 - 1),
    "Int32": (-(2**31), 2**31 - 1),
    "Int64": (-(2**63), 2**63 - 1),
}
_MICROSOFT_DATE = re.compile(r"/Date\((-?\d{1,17})\)/", re.ASCII)
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?", re.ASCII)
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Fixed-width columns come back filled with spaces (Exact reference, padding on read).
_LEFT = {
    "Accounts": ("Code",),
    "Contacts": ("Code",),
    "Quotations": ("OrderAccountCode", "InvoiceAccountCode", "DeliveryAccountCode"),
}
_RIGHT = {"Country": 3, "State": 3, "Language": 10, "SalesVATCode": 3, "PurchaseVATCode": 3, "SalesVatCode": 3,
          "VATCode": 3, "Unit": 8, "UnitCode": 8}  # fmt: skip
ACCOUNT_CODE_WIDTH = 18


def parse(prop: Property, raw: Any) -> Any:
    """Turn a value from outside into the form that is kept; None for null and the empty text.

    Raises:
        Refused: 400, the value is not of the property's type.
    """
    if raw is None or raw == "":
        return None
    try:
        return _PARSERS[prop.type](raw, prop.type)
    except (ValueError, TypeError):
        raise bad_request(
            f"Error processing request stream. Error encountered in converting the value from request payload for "
            f"property '{prop.name}' to type 'Edm.{prop.type}', which is the property's expected type."
        ) from None


def parse_datetime(text: str) -> datetime:
    """A naive local time from any accepted form: ISO date or time, or US order; a trailing Z is ignored.

    Raises:
        ValueError: the text is none of these.
    """
    if match := _MICROSOFT_DATE.fullmatch(text):
        try:
            return (_EPOCH + timedelta(milliseconds=int(match[1]))).replace(tzinfo=None)
        except OverflowError:
            raise ValueError(f"{text} is in no year of four digits") from None
    text = text.removesuffix("Z")
    if "/" in text:
        return datetime.strptime(text, "%m/%d/%Y %H:%M:%S")  # noqa: DTZ007 - local wall-clock time has no zone
    if _ISO_DATE.fullmatch(text) is None:
        raise ValueError(f"{text} is no local date or time")
    return datetime.fromisoformat(text)


def parse_guid(text: str) -> str:
    """A GUID as it is kept: hyphens and lower case.

    Raises:
        ValueError: the text is none.
    """
    if _GUID.fullmatch(text.lower()) is None:
        raise ValueError(f"{text} is no GUID")
    return text.lower()


def milliseconds(text: str) -> int:
    """Milliseconds since 1970 of a kept DateTime, read as if its wall clock were UTC (Exact reference, dates)."""
    return round((datetime.fromisoformat(text).replace(tzinfo=UTC) - _EPOCH) / timedelta(milliseconds=1))


def encoder(type_name: str, *, int64_as_text: bool = False) -> Callable[[Any], Any]:
    """The function that turns kept values of an Edm type into JSON as Exact sends it."""
    if type_name == "DateTime":
        return lambda value: f"/Date({milliseconds(value)})/"
    if type_name == "Int64" and int64_as_text:
        return str
    return _same


def padding(set_name: str, name: str) -> Callable[[str], str] | None:
    """The function that fills a property's text to its fixed width, or None."""
    if name in _LEFT.get(set_name, ()):
        return lambda text: text.rjust(ACCOUNT_CODE_WIDTH)
    width = _RIGHT.get(name)
    return None if width is None else lambda text: text.ljust(width)


def _same(value: Any) -> Any:
    return value


def _string(raw: Any, _: str) -> str | None:
    if not isinstance(raw, str):
        raise TypeError(raw)
    raw.encode()  # half a character, as JSON can hold it, is no text
    # SQL compares text without its trailing spaces; keeping none keeps look-ups simple.
    return raw.rstrip(" ") or None


def _binary(raw: Any, _: str) -> str:
    if not isinstance(raw, str):
        raise TypeError(raw)
    base64.b64decode(raw, validate=True)
    return raw


def _guid(raw: Any, _: str) -> str:
    return parse_guid(str(raw))


def _boolean(raw: Any, _: str) -> bool:
    if not isinstance(raw, bool):
        raise TypeError(raw)
    return raw


def _number(raw: Any) -> Decimal:
    if isinstance(raw, bool) or not isinstance(raw, int | float | str):
        raise TypeError(raw)
    if _NUMBER.fullmatch(str(raw)) is None:
        raise ValueError(raw)
    return Decimal(str(raw))


def _integer(raw: Any, type_name: str) -> int:
    number = _number(raw)
    low, high = _RANGES[type_name]
    if number != number.to_integral_value() or not low <= number <= high:
        raise ValueError(raw)
    return int(number)


def _double(raw: Any, _: str) -> float:
    number = float(_number(raw))
    if not math.isfinite(number):
        raise ValueError(raw)
    return number


def _datetime(raw: Any, _: str) -> str:
    if isinstance(raw, datetime):
        moment = raw
        if moment.tzinfo is not None:
            raise ValueError(raw)
    elif isinstance(raw, date):
        moment = datetime(raw.year, raw.month, raw.day)  # noqa: DTZ001 - local wall-clock time has no zone
    else:
        moment = parse_datetime(raw)
    return moment.isoformat(timespec="seconds")


_PARSERS: dict[str, Callable[[Any, str], Any]] = {
    "String": _string,
    "Binary": _binary,
    "Guid": _guid,
    "Boolean": _boolean,
    "Byte": _integer,
    "Int16": _integer,
    "Int32": _integer,
    "Int64": _integer,
    "Double": _double,
    "DateTime": _datetime,
}
