"""When two values are the same, and what a system made of a value."""

from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from talk_assets.mappings.model import Comparison, Property
from talk_assets.sync.columns import arrow, series
from talk_assets.sync.compare import comparable, made_coarser, said, shortened
from talk_assets_tests.sync.build import Text, pointing


def row(**options: object) -> Property:
    return Property.model_validate({"members": {}, **options})


def form(value: Text, **options: object) -> Text:
    found = comparable(pd.Series([value], dtype="str"), row(**options))[0]
    return found if isinstance(found, str) else None


@pytest.mark.parametrize(
    ("options", "one", "other"),
    [
        ({"type": "email"}, "An@Example.com", "an@example.com"),
        ({"type": "country"}, "nl", "NL"),
        ({"type": "currency"}, "eur", "EUR"),
        ({"type": "text"}, "Caf\u00e9", "Cafe\u0301"),
        ({"type": "text"}, "Main  street\u00a01", "Main street 1"),
        ({"type": "text", "compare": "ignore_case"}, "Bakker", "BAKKER"),
        ({"type": "code", "compare": "compact"}, "1234 AB", "1234ab"),
        ({"type": "code", "compare": "alphanumeric"}, "NL-12.3", "nl123"),
        ({"type": "code", "compare": "digits"}, "(020) 12", "02012"),
    ],
)
def test_spelling_is_no_difference(options: dict[str, str], one: str, other: str) -> None:
    """Both systems would write their own spelling over the other's for ever."""
    assert form(one, **options) == form(other, **options)


@pytest.mark.parametrize(
    ("options", "one", "other"),
    [
        ({"type": "text"}, "Bakker", "bakker"),
        ({"type": "text"}, "first line\nsecond", "first line second"),
        ({"type": "code"}, "A 1", "A  1"),
        ({"type": "code"}, "a1", "A1"),
        ({"type": "code", "compare": "compact"}, "1234-AB", "1234AB"),
        ({"type": "code", "compare": "digits"}, "12", "012"),
        ({"type": "decimal"}, "1", "1.5"),
    ],
)
def test_what_a_person_means_is_a_difference(options: dict[str, str], one: str, other: str) -> None:
    """A correction would never reach the other system."""
    assert form(one, **options) != form(other, **options)


@pytest.mark.parametrize("value", [None, "", " ", "\u00a0"])
def test_blanks_are_empty(value: Text) -> None:
    """A blank would win over a name."""
    assert form(value) is None


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.text(max_size=12) | st.none(), min_size=1, max_size=20),
    st.sampled_from(["exact", "ignore_case", "compact", "alphanumeric", "digits"]),
    st.sampled_from(["text", "code", "email"]),
)
def test_a_comparable_form_is_its_own_comparable_form(texts: list[Text], compare: Comparison, kind: str) -> None:
    """What equals today would differ tomorrow, after it was stored and read again."""
    once = comparable(pd.Series(texts, dtype="str"), row(type=kind, compare=compare))
    pd.testing.assert_series_equal(comparable(once, row(type=kind, compare=compare)), once)


def test_a_text_is_shortened_to_what_an_entity_takes() -> None:
    """A value that an entity cannot show in full would be sent to it again in every sync."""
    texts = pd.Series(["abc def", "abcd ef", "ab", None], dtype="str")
    assert list(shortened(texts, 4).dropna()) == ["abc", "abcd", "ab"]
    pd.testing.assert_series_equal(shortened(texts, None), texts)


def test_references_say_what_they_point_to() -> None:
    """A contact's customer would differ for ever, because each system has a key of its own for it."""
    texts = pd.Series(["customerp.customer/1", "exact.accounts/x", "exact.accounts/lost"], dtype="str")
    clusters = pointing({"customerp.customer/1": "7", "exact.accounts/x": "7"})
    found = series(said(arrow(texts), row(type="reference", to="organisation"), clusters), texts.index)
    assert list(found) == ["7", "7", "exact.accounts/lost"]


def coarser(held: Text, sent: Text, **options: object) -> bool:
    return bool(made_coarser(pd.Series([held], dtype="str"), pd.Series([sent], dtype="str"), row(**options))[0])


@pytest.mark.parametrize(
    ("options", "held", "sent"),
    [
        ({}, None, "not kept"),
        ({}, "a name that is too", "a name that is too long"),
        ({}, "Bakker BV", "bakker b.v."),
        ({"type": "code"}, "1234AB", "1234 ab"),
        ({"type": "decimal"}, "1.23", "1.2345"),
        ({"type": "decimal"}, "1.24", "1.235"),
        ({"type": "decimal"}, "-1.2", "-1.29"),
        ({"type": "email"}, "an@example.com", "An@Example.com"),
    ],
)
def test_what_a_system_makes_of_a_value_is_recognised(options: dict[str, str], held: Text, sent: str) -> None:
    """The platform would fight the system's own rounding or shortening, or take it for a person's edit."""
    assert coarser(held, sent, **options)


@pytest.mark.parametrize(
    ("options", "held", "sent"),
    [
        ({}, "another name", "a name"),
        ({}, "a name and more", "a name"),
        ({}, "a name", None),
        ({"type": "code"}, "1234", "1234AB"),
        ({"type": "decimal"}, "1.3", "1.2345"),
        ({"type": "decimal"}, "1.2345", "1.23"),
        ({"type": "decimal"}, "-1.23", "1.2345"),
        ({"type": "decimal"}, "10", "100"),
        ({"type": "email"}, "an@example", "an@example.com"),
        ({"type": "date"}, "2024-01-30", "2024-01-31"),
    ],
)
def test_what_a_person_makes_of_a_value_is_an_edit(options: dict[str, str], held: Text, sent: Text) -> None:
    """An edit made right after our write would be taken for the system's doing and never travel."""
    assert not coarser(held, sent, **options)


@settings(max_examples=50, deadline=None)
@given(st.decimals(-(10**6), 10**6, places=5, allow_nan=False), st.integers(0, 4))
@example(Decimal("49885.79335"), 4)
def test_every_rounding_is_recognised(number: object, places: int) -> None:
    """One price in a thousand would go back and forth for ever."""
    sent, held = f"{number:.5f}", f"{number:.{places}f}"
    assert coarser(held, sent, type="decimal")


@given(st.lists(st.none() | st.text("ae\u0301\u00e9 \U0001f600\U0001f9d1", max_size=12)), st.integers(1, 12))
def test_a_text_with_emoji_is_cut_to_what_fits(texts: list[Text], limit: int) -> None:
    """Exact counts an emoji as two characters: it would refuse the text, and the record would stay unequal for ever."""
    for text, cut in zip(texts, shortened(pd.Series(texts, dtype="str"), limit), strict=True):
        if text is None:
            assert pd.isna(cut)
            continue
        assert text.startswith(cut)
        assert len(cut.encode("utf-16-le")) <= 2 * limit
        whole = [text[:end] for end in range(len(text) + 1) if len(text[:end].encode("utf-16-le")) <= 2 * limit]
        assert cut.rstrip() == whole[-1].rstrip()
