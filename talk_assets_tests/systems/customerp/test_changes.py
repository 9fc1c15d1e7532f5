"""Every way of asking what changed: nothing is missed, and the next reading starts where this one ended."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from talk_assets.errors import ConfigurationError, UnexpectedAnswer
from talk_assets_tests.systems.customerp.conftest import Connect
from talk_assets_tests.systems.loopback import Answer, Asked, loopback

TIMED: dict[str, Any] = {
    "paging": {"style": "none"},
    "changes": {"style": "modified_since", "parameter": "updated_after", "overlap_seconds": 60},
    "envelope": {"items": ""},
}


def row(key: str, modified: Any) -> dict[str, Any]:
    return {"Id": key, "Modified": modified}


@pytest.mark.parametrize(
    ("settings", "asked"),
    [
        ({"format": "iso"}, "2024-02-14T09:29:00.500000Z"),
        ({"format": "iso_seconds"}, "2024-02-14T09:29:00Z"),
        ({"format": "epoch_ms"}, "1707902940500"),
        ({"format": "epoch_s"}, "1707902940"),
        ({"format": "date"}, "2024-02-14"),
        ({"format": "%d-%m-%Y %H:%M"}, "14-02-2024 09:29"),
        ({"format": "iso_seconds", "value": "modified ge {since}"}, "modified ge 2024-02-14T09:29:00Z"),
    ],
)
def test_the_time_is_asked_for_as_the_erp_wants_it(settings: dict[str, str], asked: str, connect: Connect) -> None:
    """An ERP that does not understand the time reads everything, or nothing."""
    found = [row("a", "2024-02-14T09:30:00.500000Z"), row("b", "2024-02-13T09:30:00Z")]
    profile = {**TIMED, "changes": {**TIMED["changes"], **settings}}
    with loopback(lambda _asked: Answer(body=found)) as server:
        customerp = connect(server.url, profile)
        first = customerp.read("customerp.customer", None)
        second = customerp.read("customerp.customer", first.cursor)
    assert "updated_after" not in server.asked[0].query
    assert server.asked[1].query["updated_after"] == asked
    assert (first.complete, second.complete) == (True, False)
    assert second.cursor == first.cursor


def test_a_quiet_reading_keeps_the_time(connect: Connect) -> None:
    """A cursor that falls back to nothing reads everything again every time."""
    answers = [[row("a", "2024-02-14T09:30:00Z")], [], []]
    with loopback(lambda _asked: Answer(body=answers.pop(0))) as server:
        customerp = connect(server.url, TIMED)
        cursor = customerp.read("customerp.customer", None).cursor
        for _ in range(2):
            assert customerp.read("customerp.customer", cursor).cursor == cursor
    assert json.loads(cursor) == {"newest": "2024-02-14T09:30:00.000000+00:00"}


def test_an_empty_erp_is_read_again_from_the_beginning(connect: Connect) -> None:
    """The first record of a new installation may be older than the first reading."""
    with loopback(lambda _asked: Answer(body=[])) as server:
        customerp = connect(server.url, TIMED)
        cursor = customerp.read("customerp.customer", None).cursor
        assert customerp.read("customerp.customer", cursor).complete
    assert "updated_after" not in server.asked[1].query


def test_a_time_in_the_future_does_not_hide_what_changes_until_then(connect: Connect) -> None:
    """One record with a wrong clock would stop the synchronisation until its time comes."""
    with loopback(lambda _asked: Answer(body=[row("a", "2999-01-01T00:00:00Z")])) as server:
        cursor = connect(server.url, TIMED).read("customerp.customer", None).cursor
    newest = datetime.fromisoformat(json.loads(cursor)["newest"])
    assert abs(datetime.now(UTC) - newest) < timedelta(minutes=1)


def test_records_without_a_readable_time_are_noticed(connect: Connect) -> None:
    """The cursor would never move, and every reading would silently be a full one."""
    with (
        loopback(lambda _asked: Answer(body=[row("a", "yesterday")])) as server,
        pytest.raises(UnexpectedAnswer, match="modified"),
    ):
        connect(server.url, TIMED).read("customerp.customer", None)


@pytest.mark.parametrize("cursor", ["48213", "not json", '{"token": "1"}'])
def test_a_cursor_of_another_way_of_reading_is_told(cursor: str, connect: Connect) -> None:
    """A changed profile would go on in the middle of nowhere."""
    with (
        loopback(lambda _asked: Answer(body=[])) as server,
        pytest.raises(ConfigurationError, match="from the beginning"),
    ):
        connect(server.url, TIMED).read("customerp.customer", cursor)


def test_an_erp_that_cannot_tell_changes_is_read_whole_every_time(connect: Connect) -> None:
    """A cursor that looks like progress would make missing records look unchanged."""
    profile = {**TIMED, "changes": {"style": "none"}}
    with loopback(lambda _asked: Answer(body=[row("a", None)])) as server:
        customerp = connect(server.url, profile)
        first = customerp.read("customerp.customer", None)
        second = customerp.read("customerp.customer", first.cursor)
    assert first.complete
    assert second.complete
    assert [asked.query for asked in server.asked] == [{}, {}]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"items": [], "next": None}, "no token"),
        ({"items": [row("a", None)], "next": None, "token": "7"}, "still the same"),
    ],
)
def test_a_token_that_does_not_move_is_noticed(body: Any, said: str, connect: Connect) -> None:
    """The same records would be read for ever, or the feed would start again from the beginning."""
    with loopback(lambda _asked: Answer(body=body)) as server, pytest.raises(UnexpectedAnswer, match=said):
        connect(server.url).read("customerp.customer", "7")


def test_an_empty_list_moves_no_token(connect: Connect) -> None:
    """A right that is withdrawn empties the list: all that changes until it is back would never be read."""
    answers = [([], "5"), ([row("a", None)], "7"), ([], "9"), ([row("b", None)], "11")]
    bodies = [{"items": items, "next": None, "token": token} for items, token in answers]
    with loopback(lambda _asked: Answer(body=bodies.pop(0))) as server:
        customerp = connect(server.url)
        cursor = None
        for _ in answers:
            read = customerp.read("customerp.customer", cursor)
            cursor = read.cursor
    assert [asked.query.get("since") for asked in server.asked] == [None, None, "7", "7"]
    assert cursor == "11"


def test_one_entity_may_be_read_in_its_own_way(connect: Connect) -> None:
    """One list without a filter would force full readings of all."""
    profile = {
        **TIMED,
        "entities": {"product": {"changes": {"style": "none"}, "query": {"type": "article"}}},
    }
    with loopback(lambda _asked: Answer(body=[row("a", "2024-02-14T09:30:00Z")])) as server:
        customerp = connect(server.url, profile)
        for entity in ("customerp.customer", "customerp.product"):
            customerp.read(entity, customerp.read(entity, None).cursor)
    assert [asked.query for asked in server.asked[2:]] == [{"type": "article"}] * 2
    assert "updated_after" in server.asked[1].query


def removed(_asked: Asked) -> Answer:
    return Answer(
        body=[
            {"kind": "Relation", "ref": {"id": 7}, "at": 1707902940000},
            {"kind": "Invoice", "ref": {"id": 8}, "at": 1707902999000},
        ]
    )


REMOVED = {
    "path": "/removed",
    "entity": "kind",
    "key": "ref.id",
    "at": "at",
    "entities": {"Relation": "customer"},
}


def test_removals_are_read_by_the_profiles_names(connect: Connect) -> None:
    """A removed customer would stay linked, and kinds that are none of ours would be looked for."""
    profile = {**TIMED, "formats": {"time": "epoch_ms"}, "deletions": REMOVED}
    with loopback(removed) as server:
        customerp = connect(server.url, profile)
        read = customerp.read_deletions(None)
        customerp.read_deletions(read.cursor)
    assert [(deletion.entity, deletion.key, deletion.at) for deletion in read.deletions] == [
        ("customerp.customer", "7", "2024-02-14T09:29:00.000000+00:00")
    ]
    assert server.asked[1].query == {"updated_after": "2024-02-14T09:28:59.000000Z"}


def test_removals_without_a_key_are_noticed(connect: Connect) -> None:
    """A wrong name in the profile would look like nothing is ever removed."""
    profile = {**TIMED, "formats": {"time": "epoch_ms"}, "deletions": {**REMOVED, "key": "id"}}
    with loopback(removed) as server, pytest.raises(UnexpectedAnswer, match="deletions"):
        connect(server.url, profile).read_deletions(None)


def test_an_erp_without_a_list_of_removals_is_not_asked(connect: Connect) -> None:
    """Every sync would fail on an address that does not exist."""
    with loopback(lambda _asked: Answer(404)) as server:
        customerp = connect(server.url, {**TIMED, "deletions": None})
        read = customerp.read_deletions(None)
        assert customerp.read_deletions(read.cursor) == read
    assert (read.deletions, server.asked) == ([], [])
