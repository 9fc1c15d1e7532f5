"""Between a system's own values and canonical text, both ways."""

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talk_assets.mappings.model import Flow, Join, Mappings, Subject
from talk_assets.sync.convert import to_canonical, to_own_values, to_target
from talk_assets_tests.sync.build import LEFT, RIGHT, Text, capable, mapping, rows_of

OF = "customerp.organisation"


def canonical(value: Any, **options: Any) -> Text:
    """The canonical text of one value of `exact.right`; `member` holds the entity's own options."""
    member = options.pop("member", {})
    subject = mapping({"name": {**options, "members": {LEFT: {}, RIGHT: member}}})
    return texts(subject, {"name": value})["name"]


def texts(subject: Subject, record: dict[str, Any]) -> dict[str, Text]:
    own = {"_key": "1", "_modified": "2024-01-31T12:00:00.5Z", **record}
    frame = pd.DataFrame({name: pd.Series([value], dtype="object") for name, value in own.items()})
    target = mapping({"name": {}}, (OF, "exact.organisation")).model_copy(update={"subject": "organisation"})
    found = to_canonical(frame, RIGHT, Mappings(subjects={"organisation": target, "thing": subject}))
    return {str(name): value if isinstance(value, str) else None for name, value in found.iloc[0].items()}


@pytest.mark.parametrize(
    ("options", "value", "expected"),
    [
        ({}, "  An \r\nBo ", "An \nBo"),
        ({}, "a\x00b", "ab"),
        ({"type": "code"}, "                12", "12"),
        ({"type": "code"}, 12, "12"),
        ({"type": "date"}, "2024-01-31", "2024-01-31"),
        ({"type": "date"}, "2024-01-31T23:59:59", "2024-01-31"),
        ({"type": "date"}, "2024-01-31 00:00:00+02:00", "2024-01-31"),
        ({"type": "decimal"}, Decimal("12.50"), "12.5"),
        ({"type": "decimal"}, 0.1, "0.1"),
        ({"type": "decimal"}, "1E+3", "1000"),
        ({"type": "decimal"}, "-0.00001", "0"),
        ({"type": "decimal"}, "2.00005", "2.0001"),
        ({"type": "decimal"}, "-2.00005", "-2.0001"),
        ({"type": "decimal", "scale": 2}, "1.005", "1.01"),
        ({"type": "decimal", "member": {"factor": 100}}, 0.055, "5.5"),
        ({"type": "integer"}, 7.0, "7"),
        ({"type": "integer"}, "+007", "7"),
        ({"type": "boolean"}, True, "true"),
        ({"type": "boolean"}, 0, "false"),
        ({"type": "country"}, "nl ", "NL"),
        ({"type": "currency"}, "eur", "EUR"),
        ({"type": "choice", "member": {"values": {"20": "open"}}}, 20, "open"),
    ],
)
def test_values_are_read_in_their_own_form(options: dict[str, Any], value: Any, expected: str) -> None:
    """What is equal would differ, and be written back and forth."""
    assert canonical(value, **options) == expected


@pytest.mark.parametrize(
    ("options", "value", "expected"),
    [
        ({"type": "date"}, "31-01-2024", "31-01-2024"),
        ({"type": "decimal"}, "1,5", "1,5"),
        ({"type": "decimal"}, "NaN", "NaN"),
        ({"type": "integer"}, "7.5", "7.5"),
        ({"type": "boolean"}, "perhaps", "perhaps"),
        ({"type": "choice", "member": {"values": {"20": "open"}}}, "open", "open (not in the value map)"),
    ],
)
def test_what_cannot_be_read_is_left_for_the_schema_to_name(options: dict[str, Any], value: Any, expected: str) -> None:
    """A misread price would be written into the other system's books."""
    assert canonical(value, **options) == expected


@pytest.mark.parametrize("kind", ["text", "code", "date", "decimal", "integer", "boolean", "reference", "choice"])
def test_empty_and_absent_are_told_apart(kind: str) -> None:
    """A system that leaves a property out would empty it in the other."""
    options: dict[str, Any] = {"type": kind}
    if kind == "reference":
        options["to"] = "organisation"
    if kind == "choice":
        options["member"] = {"values": {"1": "open"}}
    assert canonical(None, **options) == ""
    assert canonical("  ", **options) == ""
    assert canonical(np.nan, **options) is None


def test_what_a_system_shows_for_no_value_is_empty() -> None:
    """A price of 0 that a system shows for want of one would overwrite the other system's price."""
    assert canonical("0.00", type="decimal", member={"empty": ["0"]}) == ""
    assert canonical("0.01", type="decimal", member={"empty": ["0"]}) == "0.01"
    assert canonical(np.nan, type="decimal", member={"empty": ["0"]}) is None


def test_a_record_keeps_its_time_and_says_what_it_points_to() -> None:
    """Which of two edits was the later one could not be told, and no contact would find its customer."""
    rows = {"organisation": {"type": "reference", "to": "organisation", "members": {LEFT: {}, RIGHT: {}}}}
    flow = Flow(customerp=LEFT, exact=RIGHT, join=Join(entity=RIGHT, name="Quote", to="exact.other"))
    found = texts(mapping(rows, flows={"left_right": flow}), {"organisation": "77", "Quote": "88"})
    assert (found["organisation"], found["join"]) == ("exact.organisation/77", "exact.other/88")
    whole = to_canonical(
        pd.DataFrame({"_key": ["1"], "_modified": ["2024-01-31T12:00:00.5+01:00"]}, dtype="object"),
        RIGHT,
        Mappings(subjects={"thing": mapping({"name": {}})}),
    )
    assert whole["modified"][0] == pd.Timestamp("2024-01-31T11:00:00.5", tz="UTC")


def target(
    value: Text, capability: dict[str, Any] | None = None, **options: Any
) -> tuple[Text, list[tuple[Text, ...]]]:
    """What `exact.right` can hold of a value, and the problems."""
    member = options.pop("member", {})
    subject = mapping({"name": {**options, "members": {LEFT: {}, RIGHT: member}}})
    golden = pd.DataFrame({"name": pd.Series([value], index=[5], dtype="str")})
    desired, unfit = to_target(golden, RIGHT, subject, capable(subject, exact__right={"name": capability or {}})[RIGHT])
    found = desired.loc[5, "name"]
    return found if isinstance(found, str) else None, rows_of(unfit, "cluster_id", "property", "value")


def test_a_long_text_is_shortened_and_a_long_code_is_refused() -> None:
    """A description would stop a whole customer, or half a VAT number stand in the books."""
    assert target("a long name", {"max_length": 7}) == ("a long", [])
    assert target("NL1234", {"max_length": 5}, type="code") == (None, [("5", "name", "NL1234")])
    assert target("NL123", {"max_length": 5}, type="code") == ("NL123", [])


def test_a_value_without_a_code_is_refused() -> None:
    """A status that the other system does not know would be passed on as it is, or blanked."""
    values = {"1": "open"}
    assert target("open", type="choice", member={"values": values}) == ("open", [])
    assert target("closed", type="choice", member={"values": values}) == (None, [("5", "name", "closed")])


def test_a_number_with_letters_is_left_to_a_system_that_takes_digits() -> None:
    """Exact would refuse every customer whose number has letters."""
    assert target("A12", type="code", member={"only_digits": True}) == (None, [])
    assert target("12", type="code", member={"only_digits": True}) == ("12", [])


def own(value: Text, **options: Any) -> Text:
    member = options.pop("member", {})
    subject = mapping({"name": {**options, "members": {LEFT: {}, RIGHT: {"name": "Own", **member}}}})
    found = to_own_values(pd.DataFrame({"name": pd.Series([value], dtype="str")}), RIGHT, subject)["Own"][0]
    return found if isinstance(found, str) else None


def test_values_are_written_in_the_systems_own_codes_and_units() -> None:
    """A discount of 5.5 percent would become one of 550."""
    assert own("5.5", type="decimal", member={"factor": 100}) == "0.055"
    assert own("5.5", type="decimal", member={"factor": -1}) == "-5.5"
    # Of two codes with one meaning the first is written.
    assert own("open", type="choice", member={"values": {"10": "open", "20": "open"}}) == "10"
    assert own(None, type="decimal", member={"factor": 100}) is None
    assert own("An") == "An"


def test_rows_that_share_a_property_do_not_empty_each_other() -> None:
    """An order's date would be lost because the row for quotes, which does not apply, is empty."""
    rows = {
        "quote_date": {"members": {RIGHT: {"name": "Date", "when": LEFT}}},
        "order_date": {"members": {RIGHT: {"name": "Date", "unless": LEFT}}},
    }
    values = pd.DataFrame({"quote_date": ["a", None, None], "order_date": [None, "b", None]}, dtype="str")
    assert to_own_values(values, RIGHT, mapping(rows))["Date"].fillna("-").tolist() == ["a", "b", "-"]


@settings(max_examples=100, deadline=None)
@given(
    st.decimals(-(10**12), 10**12, places=6, allow_nan=False, allow_infinity=False),
    st.sampled_from([None, 100, 0.01, 7, -1]),
)
def test_a_number_survives_the_way_to_a_system_and_back(number: Decimal, factor: float | None) -> None:
    """Amounts would creep away from each other by a cent with every sync."""
    options: dict[str, Any] = {"type": "decimal", "member": {"factor": factor}}
    read = canonical(f"{number:f}", type="decimal")
    assert read is not None
    written = own(read, **options)
    assert written is not None
    if factor in (None, 100, 0.01, -1):
        assert canonical(written, **options) == read
    assert abs(Decimal(canonical(written, **options) or "x") - Decimal(read)) <= Decimal("0.0001")


@settings(max_examples=100, deadline=None)
@given(st.decimals(-(10**9), 10**9, allow_nan=False, allow_infinity=False), st.integers(0, 6))
def test_numbers_are_rounded_half_away_from_zero(number: Decimal, scale: int) -> None:
    """An invoice would be a cent off."""
    read = canonical(f"{number:.20f}", type="decimal", scale=scale)
    expected = Decimal(f"{number:.20f}").quantize(Decimal(1).scaleb(-scale), rounding="ROUND_HALF_UP")
    assert Decimal(read or "x") == expected
    assert read == "0" or not (read or "").endswith(("." if scale else "x", ".0", "-0"))
