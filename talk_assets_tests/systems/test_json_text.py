"""Half characters in JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talk_assets.systems.json_text import whole_characters


@pytest.mark.parametrize(
    ("content", "whole"),
    [
        (rb'"cut \ud83d"', "cut \ufffd"),
        (rb'"\uDE00 first"', "\ufffd first"),
        (rb'"\ud83d\ud83d\ude00"', "\ufffd\U0001f600"),
        (rb'"C:\\ud83d"', r"C:\ud83d"),
        (rb'"\\\ud83d"', "\\\ufffd"),
    ],
)
def test_half_a_character_is_replaced(content: bytes, whole: str) -> None:
    """One text that was cut within an emoji could not be stored, and would stop its whole feed."""
    assert json.loads(whole_characters(content)) == whole


@given(st.recursive(st.text() | st.integers() | st.none(), st.lists), st.booleans())
def test_whole_characters_stay(value: object, escaped: bool) -> None:
    """Texts with emoji would change on their way."""
    content = json.dumps(value, ensure_ascii=escaped).encode()
    assert whole_characters(content) == content
