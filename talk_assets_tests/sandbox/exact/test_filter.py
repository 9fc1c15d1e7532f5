"""The filter language."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talk_assets.sandbox.exact.errors import Refused
from talk_assets.sandbox.exact.model import SETS
from talk_assets.sandbox.exact.odata_filter import parse_filter

PROPERTIES = SETS["Accounts"].visible("sync")
ROW: dict[str, Any] = {
    "Code": "                28",
    "Name": "O'Brien & Co",
    "City": None,
    "Country": "NL ",
    "Blocked": False,
    "SecurityLevel": 10,
    "DiscountSales": 0.055,
    "Timestamp": 5_000_000_000,
    "ID": "eaaf6b08-a51a-453d-b542-af45a7065c43",
    "Modified": "2024-07-01T12:00:05.123",
}


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("Code eq '                28'", True),
        ("Code eq '28'", False),
        ("trim(Code) eq '28'", True),
        ("Country eq 'NL'", True),
        ("Name eq 'O''Brien & Co'", True),
        ("'O''Brien & Co' eq Name", True),
        ("substringof('Brien', Name)", True),
        ("substringof('brien', Name) eq true", False),
        ("startswith(Name,'O') and endswith(Name,'Co')", True),
        ("startswith(City,'x')", False),
        ("City eq null", True),
        ("City ne null", False),
        ("City gt 'A'", False),
        ("Blocked eq false", True),
        ("Blocked", False),
        ("not Blocked", True),
        ("not (Blocked or City eq null)", False),
        ("SecurityLevel ge 10 and SecurityLevel le 10", True),
        ("SecurityLevel lt 10 or SecurityLevel gt 10", False),
        ("10 lt SecurityLevel", False),
        ("DiscountSales eq 0.055", True),
        ("Timestamp gt 4999999999L", True),
        ("Timestamp gt 5000000000L", False),
        ("ID eq guid'EAAF6B08-a51a-453d-b542-af45a7065c43'", True),
        ("Modified gt datetime'2024-07-01'", True),
        ("Modified gt datetime'2024-07-01T12:00:05'", True),
        ("Modified lt datetime'2024-07-01T12:00:05.200'", True),
        ("Blocked eq true or City eq null and SecurityLevel eq 10", True),
        ("(Blocked eq true or City eq null) and SecurityLevel eq 11", False),
    ],
)
def test_a_filter_means_what_it_means_in_exact(text: str, matches: bool) -> None:
    """A look-up would find the wrong record, or miss one and create a duplicate."""
    assert parse_filter(text, PROPERTIES).test(ROW.get) is matches


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Name",
        "Name eq",
        "Name eq 'x",
        "Name eq 'x' and",
        "Name = 'x'",
        "(Name eq 'x'",
        "Name eq 'x')",
        "Name eq 5",
        "SecurityLevel eq '5'",
        "ID eq 'eaaf6b08-a51a-453d-b542-af45a7065c43'",
        "ID eq guid'nonsense'",
        "Modified gt datetime'yesterday'",
        "Modified gt '2024-07-01'",
        "Nonsense eq 1",
        "MainContact/LastName eq 'x'",
        "BankAccounts eq null",
        "tolower(Name) eq 'x'",
        "startswith(Name)",
        "startswith(SecurityLevel,'1')",
        "Name in ('a','b')",
        "SecurityLevel eq 12x",
    ],
)
def test_a_wrong_filter_is_refused_with_400(text: str) -> None:
    """A mistake would give an empty or full list instead of an error."""
    with pytest.raises(Refused) as refused:
        parse_filter(text, PROPERTIES)
    assert refused.value.status == 400


@given(value=st.text(st.characters(codec="utf-8", exclude_categories=["C"])), other=st.text("ab '"))
def test_any_text_can_be_looked_up_when_quotes_are_doubled(value: str, other: str) -> None:
    """A company called 't Hof could not be found, and would be created again."""
    literal = value.replace("'", "''")
    row = {"Name": value, "City": other}
    assert parse_filter(f"Name eq '{literal}'", PROPERTIES).test(row.get)
    same = parse_filter(f"City eq '{literal}'", PROPERTIES).test(row.get)
    assert same == (value.rstrip(" ") == other.rstrip(" "))


@given(
    level=st.integers(-(2**31), 2**31 - 1) | st.none(),
    bound=st.integers(-(2**31), 2**31 - 1),
    offset=st.integers(-5, 5),
)
def test_numbers_and_times_compare_as_such(level: int | None, bound: int, offset: int) -> None:
    """Reading changes since a moment or row version would skip records."""
    row = {"SecurityLevel": level, "Modified": (datetime(2024, 1, 1) + timedelta(minutes=offset)).isoformat()}  # noqa: DTZ001
    for operator, expected in (
        ("gt", level is not None and level > bound),
        ("le", level is not None and level <= bound),
        ("eq", level == bound),
        ("ne", level != bound),
    ):
        assert parse_filter(f"SecurityLevel {operator} {bound}", PROPERTIES).test(row.get) == expected
    assert parse_filter("Modified ge datetime'2024-01-01T00:00:00'", PROPERTIES).test(row.get) == (offset >= 0)
