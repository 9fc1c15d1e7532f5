"""What the canonical text of each type has to look like."""

import re
from datetime import date

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from talk_assets.mappings.model import PropertyType
from talk_assets.schemas.checks import checks_for


def passes(kind: PropertyType, values: list[str], codes: list[str] | None = None) -> list[bool]:
    """Whether each value passes all checks of its type."""
    series = pd.Series(values, dtype="str")
    result = pd.Series(True, index=series.index)
    for check in checks_for(kind, codes or []):
        result &= check(series).check_output
    return result.tolist()


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("email", ["a@b.nl", "jan.de-boer+x@mail.example", "ü@b"],
         ["x", "a@", "@b", "a@b@c", "a b@c", "a@b\n", "a\xa0b@c", "a@b\u200b"]),
        ("country", ["NL", "NO", "DE"], ["nl", "N", "NLD", "Nederland", "N1"]),
        ("currency", ["EUR", "USD"], ["eur", "EU", "EURO", "€"]),
        ("date", ["2024-01-31", "2024-02-29", "1900-01-01", "2200-12-31"],
         ["2023-02-29", "2024-13-01", "2024-00-10", "1899-12-31", "2201-01-01", "0001-01-01", "31-01-2024", "2024-1-31",
          "2024-01-31T00:00:00", "soon"]),
        ("decimal", ["0", "-1.25", "12345678901234567890.1234"],
         ["1,5", "1.", ".5", "1e3", "NaN", "+1", "--1", "1 000"]),
        ("integer", ["0", "-7", "0012"], ["1.0", "1e3", "x"]),
        ("boolean", ["true", "false"], ["True", "1", "yes"]),
        ("text", ["anything at\nall", "x" * 5000], []),
        ("code", ["0012", "Ä-1"], []),
    ],
)  # fmt: skip
def test_types_let_through_what_they_should(kind: PropertyType, good: list[str], bad: list[str]) -> None:
    """Good records would be held back, or a value would be sent that the other system refuses or misreads."""
    assert passes(kind, good) == [True] * len(good)
    assert passes(kind, bad) == [False] * len(bad)


@pytest.mark.parametrize("kind", ["email", "country", "currency", "date", "decimal", "integer", "boolean", "choice"])
def test_empty_is_no_mistake(kind: PropertyType) -> None:
    """Every record that leaves a property empty would be held."""
    assert passes(kind, [""], ["open"]) == [True]


def test_unknown_codes_are_told_with_the_known_ones() -> None:
    """A status that nobody has mapped would be passed on, or the message would not say what is known."""
    assert passes("choice", ["open", "closed", "Open"], ["open", "sent"]) == [True, False, False]
    assert checks_for("choice", ["open", "sent"])[0].error == (
        "is not one of open, sent; correct it, or add its code to the mapping's values"
    )


@given(st.dates())
def test_every_day_of_three_centuries_is_a_day(day: date) -> None:
    """Leap days or the ends of the range would be held back, or impossible days would travel."""
    assert passes("date", [day.isoformat()]) == [1900 <= day.year <= 2200]


@given(st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", fullmatch=True))
def test_only_days_of_the_calendar_are_days(text: str) -> None:
    """31 February would reach Exact."""
    try:
        expected = 1900 <= date.fromisoformat(text).year <= 2200
    except ValueError:
        expected = False
    assert passes("date", [text]) == [expected]


@given(st.text(alphabet="ab@. \n\t\xa0\u2003-é", max_size=8))
def test_an_address_has_one_at_and_no_blanks(text: str) -> None:
    """Two addresses in one field would be sent as one."""
    expected = text == "" or re.fullmatch(r"[^@\s]+@[^@\s]+", text) is not None
    assert passes("email", [text]) == [expected]
