"""Places in an answer."""

import pytest

from talk_assets.errors import UnexpectedAnswer
from talk_assets.systems.customerp.json_exact import MISSING, decode, get, put, remove, wrapped


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("", {"a": {"b": 1, "n": None}, "x.y": 2}),
        ("a.b", 1),
        ("x.y", 2),
        ("a.n", None),
        ("a.n.deeper", None),
        ("a.c", MISSING),
        ("a.b.c", MISSING),
    ],
)
def test_missing_and_null_are_told_apart(path: str, found: object) -> None:
    """A property gone from a feed would look like one that everybody emptied, and be emptied in the other system."""
    assert get({"a": {"b": 1, "n": None}, "x.y": 2}, path) == found


def test_nested_values_leave_their_neighbours() -> None:
    """Changing the street would remove the town."""
    record = {"address": {"town": "Ede"}, "gone": None}
    put(record, "address.street", "Lane 1")
    put(record, "gone.now", 1)
    assert record == {"address": {"town": "Ede", "street": "Lane 1"}, "gone": {"now": 1}}
    remove(record, "address.town")
    remove(record, "nowhere.at.all")
    assert record["address"] == {"street": "Lane 1"}


def test_a_value_is_never_put_into_a_text() -> None:
    """A profile with a wrong name would destroy what the record holds there."""
    with pytest.raises(UnexpectedAnswer, match="profile"):
        put({"address": "Lane 1"}, "address.street", "x")


def test_requests_are_wrapped_where_the_profile_says() -> None:
    """An ERP that wants `{"data": {...}}` refuses everything else."""
    assert wrapped({"a": 1}, "data.record") == {"data": {"record": {"a": 1}}}
    assert wrapped({"a": 1}, "") == {"a": 1}


def test_only_json_is_json() -> None:
    """Python's own parser takes NaN, which no other system can have meant."""
    with pytest.raises(ValueError, match=r"."):
        decode(b'{"a": NaN}')
