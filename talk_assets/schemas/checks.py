"""What the canonical text of each type has to look like; every check works on a whole column.

Empty text says that the system sent the property without a value, so no check minds it; a missing value is nobody's
business here either.
"""

from collections.abc import Callable, Sequence

import pandas as pd
import pandera.pandas as pa

from talk_assets.mappings.model import PropertyType

# To Arrow, `\s` means only the blanks of ASCII; copying from a document or web page leaves these as well.
_BLANK = r"\s" + "\u00a0\u2000-\u200b\u202f\u3000\ufeff"
# Shape and complaint per type; text, code, reference and list can hold any text.
_SHAPES: dict[PropertyType, tuple[str, str]] = {
    "email": (f"[^@{_BLANK}]+@[^@{_BLANK}]+", "is not an e-mail address"),
    "country": (r"[A-Z]{2}", "is not a two-letter country code"),
    "currency": (r"[A-Z]{3}", "is not a three-letter currency code"),
    "decimal": (r"-?[0-9]+(?:\.[0-9]+)?", "is not a number"),
    "integer": (r"-?[0-9]+", "is not a whole number"),
    "boolean": (r"(?:true|false)", "is neither true nor false"),
}
# What `talk_assets.sync.convert` puts after a JSON object or list, or a boolean where none belongs.
NOT_ONE_VALUE = " (not one value)"
# 1900 to 2200: what lies outside is a mistyped year or a placeholder.
_DATE = r"(?:19[0-9]{2}|2[01][0-9]{2}|2200)-[0-9]{2}-[0-9]{2}"


def checks_for(kind: PropertyType, codes: Sequence[str] = ()) -> list[pa.Check]:
    """The checks of a canonical column.

    Args:
        kind: the canonical type.
        codes: of a choice: the canonical codes it can hold.

    Returns:
        Checks whose error is the end of a sentence about the value, such as `is not an e-mail address`.
    """
    if kind == "date":
        return [pa.Check(_is_day, error="is not a day between 1900 and 2200 (as 2024-01-31)")]
    if kind == "choice":
        return [
            pa.Check(
                _is_one_of(codes),
                error=f"is not one of {', '.join(codes)}; correct it, or add its code to the mapping's values",
            )
        ]
    if kind in _SHAPES:
        pattern, complaint = _SHAPES[kind]
        return [pa.Check(_looks_like(pattern), error=complaint)]
    return [pa.Check(lambda values: ~values.str.endswith(NOT_ONE_VALUE), error="is no text")]


def filled() -> pa.Check:
    """The check of a column that may not hold empty text."""
    return pa.Check(lambda values: values.ne(""), error="is empty")


def _looks_like(pattern: str) -> Callable[[pd.Series], pd.Series]:
    return lambda values: values.str.fullmatch(pattern) | values.eq("")


def _is_one_of(codes: Sequence[str]) -> Callable[[pd.Series], pd.Series]:
    allowed = [*codes, ""]
    return lambda values: values.isin(allowed)


def _is_day(values: pd.Series) -> pd.Series:
    shaped = values.str.fullmatch(_DATE)
    # The shape lets 31 February through; the calendar does not.
    days = pd.to_datetime(values.where(shaped), format="%Y-%m-%d", errors="coerce")
    return days.notna() | values.eq("")
