"""Every style of paging: all records come, and a list without an end is noticed."""

from collections.abc import Callable
from typing import Any

import pytest

from talk_assets.errors import AccessDenied, SystemUnavailable, UnexpectedAnswer
from talk_assets_tests.systems.customerp.conftest import Connect
from talk_assets_tests.systems.loopback import Answer, Asked, loopback

FULL = {"changes": {"style": "none"}, "envelope": {"items": "rows", "next": "more"}}
KEYS = [f"k{number}" for number in range(5)]


def rows(keys: list[str]) -> list[dict[str, Any]]:
    return [{"Id": key, "Name": key} for key in keys]


def by_page(asked: Asked) -> Answer:
    start, size = (int(asked.query["page"]) - 1) * int(asked.query["limit"]), int(asked.query["limit"])
    return Answer(body={"rows": rows(KEYS[start : start + size])})


def by_offset(asked: Asked) -> Answer:
    start, size = int(asked.query["from"]), int(asked.query["top"])
    return Answer(body={"rows": rows(KEYS[start : start + size]), "count": len(KEYS)})


def by_cursor(asked: Asked) -> Answer:
    start = int(asked.query.get("after", "0"))
    return Answer(
        body={"rows": rows(KEYS[start : start + 2]), "more": str(start + 2) if start + 2 < len(KEYS) else None}
    )


def by_link(asked: Asked) -> Answer:
    start = int(asked.query.get("start", "0"))
    following = (
        {"Link": f'</customers?start={start + 2}>; rel="next", </x>; rel="last"'} if start + 2 < len(KEYS) else {}
    )
    return Answer(body=rows(KEYS[start : start + 2]), headers=following)


def by_url(asked: Asked) -> Answer:
    start = int(asked.query.get("start", "0"))
    host = asked.headers["Host"]
    following = f"http://{host}/customers?start={start + 2}" if start == 0 else f"?start={start + 2}"
    return Answer(body={"rows": rows(KEYS[start : start + 2]), "more": following if start + 2 < len(KEYS) else ""})


def at_once(_asked: Asked) -> Answer:
    return Answer(body=rows(KEYS))


@pytest.mark.parametrize(
    ("paging", "envelope", "answer", "calls"),
    [
        ({"style": "page_number", "size": 2}, {}, by_page, 4),
        ({"style": "page_number", "size": 2, "ends": "short"}, {}, by_page, 3),
        (
            {"style": "offset", "parameter": "from", "size_parameter": "top", "size": 2},
            {"total": "count"},
            by_offset,
            3,
        ),
        ({"style": "offset", "parameter": "from", "size_parameter": "top", "size": 2}, {}, by_offset, 4),
        ({"style": "cursor", "parameter": "after", "size_parameter": None}, {}, by_cursor, 3),
        ({"style": "link_header"}, {"items": ""}, by_link, 3),
        ({"style": "next_url"}, {}, by_url, 3),
        ({"style": "none"}, {"items": ""}, at_once, 1),
    ],
)
def test_all_pages_are_read(
    paging: dict[str, Any],
    envelope: dict[str, Any],
    answer: Callable[[Asked], Answer],
    calls: int,
    connect: Connect,
) -> None:
    """The records of the pages that are not read look deleted, or are created a second time."""
    profile = {**FULL, "paging": paging, "envelope": {**FULL["envelope"], **envelope}}
    with loopback(answer) as server:
        customerp = connect(server.url, profile)
        read = customerp.read("customerp.customer", None)
    assert [record["_key"] for record in read.records] == KEYS
    assert customerp.calls == calls


@pytest.mark.parametrize(("ends", "total"), [("empty", None), ("short", "count")])
def test_a_server_that_gives_smaller_pages_than_asked_is_read_to_its_end(
    ends: str, total: str | None, connect: Connect
) -> None:
    """A server's own limit would cut off everything after its first page."""
    paging = {"style": "page_number", "size": 1000, "ends": ends}
    profile = {**FULL, "paging": paging, "envelope": {**FULL["envelope"], "total": total}}

    def capped(asked: Asked) -> Answer:
        start = (int(asked.query["page"]) - 1) * 2
        return Answer(body={"rows": rows(KEYS[start : start + 2]), "count": len(KEYS)})

    with loopback(capped) as server:
        read = connect(server.url, profile).read("customerp.customer", None)
    assert [record["_key"] for record in read.records] == KEYS


@pytest.mark.parametrize(
    ("paging", "body", "headers"),
    [
        ({"style": "page_number"}, {"rows": rows(KEYS)}, {}),
        ({"style": "offset"}, {"rows": rows(KEYS)}, {}),
        ({"style": "cursor", "parameter": "after"}, {"rows": rows(KEYS), "more": "x"}, {}),
        ({"style": "cursor", "parameter": "after"}, {"rows": [], "more": "x"}, {}),
        ({"style": "next_url"}, {"rows": [], "more": "/customers"}, {}),
        ({"style": "link_header"}, {"rows": []}, {"Link": '</customers?page=1>; rel="next"'}),
    ],
)
def test_a_list_without_an_end_is_noticed(
    paging: dict[str, Any], body: Any, headers: dict[str, str], connect: Connect
) -> None:
    """A parameter that the server ignores would keep the run reading the first page for ever."""
    with loopback(lambda _asked: Answer(body=body, headers=headers)) as server:
        customerp = connect(server.url, {**FULL, "paging": paging})
        with pytest.raises(UnexpectedAnswer, match="no end"):
            customerp.read("customerp.customer", None)
    assert customerp.calls <= 3


@pytest.mark.parametrize(
    "following", ["http://127.0.0.1:1/customers", "https://elsewhere.example/x", "//other.example/x"]
)
def test_a_next_page_on_another_host_is_refused(following: str, connect: Connect) -> None:
    """The token would be sent to whoever the answer names."""
    with loopback(lambda _asked: Answer(body={"rows": [], "more": following})) as server:
        customerp = connect(server.url, {**FULL, "paging": {"style": "next_url"}})
        with pytest.raises(UnexpectedAnswer, match="CUSTOMERP_URL"):
            customerp.read("customerp.customer", None)


def test_a_reading_that_fails_half_way_brings_nothing(connect: Connect) -> None:
    """The cursor would move past records that were never taken in."""

    def failing(asked: Asked) -> Answer:
        return by_cursor(asked) if "after" not in asked.query else Answer(403, {})

    with loopback(failing) as server:
        customerp = connect(server.url, {**FULL, "paging": {"style": "cursor", "parameter": "after"}})
        with pytest.raises(AccessDenied):
            customerp.read("customerp.customer", None)


def moving(times: int, removed: bool = False) -> Callable[[Asked], Answer]:
    """A list by page whose first record moves to the end (or goes) after the first page was read, some times."""
    state = {"left": times, "keys": list(KEYS)}

    def answer(asked: Asked) -> Answer:
        keys: list[str] = state["keys"]  # type: ignore[assignment]
        start = (int(asked.query["page"]) - 1) * 2
        said = Answer(body={"rows": rows(keys[start : start + 2]), "count": len(keys)})
        if start == 0 and state["left"]:
            state["left"] = int(state["left"]) - 1  # type: ignore[call-overload]
            first = keys.pop(0)
            if not removed:
                keys.append(first)
        return said

    return answer


@pytest.mark.parametrize("removed", [False, True])
def test_records_that_move_between_pages_are_not_passed_over(removed: bool, connect: Connect) -> None:
    """An edit during the reading shifts a record to a page that was read already: it would be missed."""
    envelope = {**FULL["envelope"], "total": "count"} if removed else FULL["envelope"]
    with loopback(moving(1, removed)) as server:
        profile = {**FULL, "envelope": envelope, "paging": {"style": "page_number", "size": 2}}
        read = connect(server.url, profile).read("customerp.customer", None)
    assert {record["_key"] for record in read.records} == (set(KEYS[1:]) if removed else set(KEYS))


def test_a_total_that_is_not_reached_is_told(connect: Connect) -> None:
    """A list that ends early looks like records that were removed."""
    profile = {**FULL, "envelope": {**FULL["envelope"], "total": "count"}, "paging": {"style": "page_number"}}

    def early(asked: Asked) -> Answer:
        return Answer(body={"rows": rows(KEYS) if asked.query["page"] == "1" else [], "count": 6})

    with loopback(early) as server, pytest.raises(SystemUnavailable, match="more or fewer"):
        connect(server.url, profile).read("customerp.customer", None)


def test_records_that_keep_moving_are_told(connect: Connect) -> None:
    """A reading that never is sure must not be taken for a whole one."""
    with loopback(moving(99)) as server, pytest.raises(SystemUnavailable, match="moved from page to page"):
        connect(server.url, {**FULL, "paging": {"style": "page_number", "size": 2}}).read("customerp.customer", None)


def test_a_record_that_comes_twice_is_taken_once_in_its_later_state(connect: Connect) -> None:
    """A record that changes while it is paged appears again; the older state must not win."""
    pages = {
        None: {"rows": [{"Id": "a", "Name": "old"}, {"Id": "b"}], "more": "2"},
        "2": {"rows": [{"Id": "a", "Name": "new"}], "more": None},
    }
    with loopback(lambda asked: Answer(body=pages[asked.query.get("after")])) as server:
        read = connect(server.url, {**FULL, "paging": {"style": "cursor", "parameter": "after"}}).read(
            "customerp.customer", None
        )
    assert [(record["_key"], record.get("Name")) for record in read.records] == [("b", None), ("a", "new")]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"data": []}, "envelope.items"),
        ([], "envelope.items"),
        ({"rows": {"a": 1}}, "envelope.items"),
        ({"rows": [{"Name": "no key"}]}, "its key in Id"),
        ({"rows": ["text"]}, "no object"),
        ("<html>login</html>", "CUSTOMERP_URL"),
    ],
)
def test_another_shape_is_never_an_empty_list(body: Any, said: str, connect: Connect) -> None:
    """A login page that is taken for an empty list says that every record is gone."""
    with loopback(lambda _asked: Answer(body=body)) as server:
        customerp = connect(server.url, {**FULL, "paging": {"style": "none"}})
        with pytest.raises(UnexpectedAnswer, match=said):
            customerp.read("customerp.customer", None)
