"""The ways of writing that the contract does not use."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from talk_assets.errors import RecordChanged, SystemUnavailable, UnexpectedAnswer
from talk_assets_tests.systems.customerp.conftest import Connect
from talk_assets_tests.systems.loopback import Answer, Asked, Loopback, loopback

Script = dict[str, Answer | list[Answer]]


def scripted(script: Script) -> Callable[[Asked], Answer]:
    """Answers by method and path; a list is answered in turn."""

    def answer(asked: Asked) -> Answer:
        said = script.get(f"{asked.method} {asked.path}", Answer(404, {"detail": "no such path"}))
        return said.pop(0) if isinstance(said, list) else said

    return answer


def sent(server: Loopback, method: str) -> list[Any]:
    return [json.loads(asked.body) for asked in server.asked if asked.method == method]


def line(key: str, **values: Any) -> dict[str, Any]:
    return {"Id": key, **values}


APART = {"lines": {"write": "path", "read": "path"}}


def test_a_line_with_a_path_of_its_own_is_written_there(connect: Connect) -> None:
    """An ERP with sub-resources ignores lines inside a document, and nothing would be written."""
    script: Script = {
        "POST /quotes/q1/lines": Answer(201, line("l3", Position=3, Quantity=2)),
        "PATCH /quotes/q1/lines/l1": Answer(200, line("l1", Position=1, Quantity=5)),
    }
    with loopback(scripted(script)) as server:
        customerp = connect(server.url, APART)
        added = customerp.create_line("customerp.quote_line", "q1", {"ProductId": "p", "Quantity": "2"})
        changed = customerp.update_lines("customerp.quote_line", "q1", {"q1/l1": {"Quantity": "5"}})
        with pytest.raises(RecordChanged):
            customerp.update_lines("customerp.quote_line", "q1", {"q1/gone": {"Quantity": "5"}})
    assert (added.key, added.record and added.record["_position"]) == ("q1/l3", 3)
    assert (changed.key, changed.record and changed.record["Quantity"]) == ("q1/l1", "5")
    assert sent(server, "POST") == [{"ProductId": "p", "Quantity": 2}]
    assert sent(server, "PATCH")[0] == {"Quantity": 5}


@pytest.mark.parametrize("profile", [{}, {"lines": {"write": "replace"}}, APART])
def test_lines_numbered_within_their_document_are_told_apart(profile: dict[str, Any], connect: Connect) -> None:
    """A quotation would get the lines of another quote: many an ERP numbers each document's lines from 1."""
    quotes = [{"Id": f"q{n}", "Version": "1", "Lines": [line("1", Quantity=n), line("2")]} for n in (1, 2)]
    script: Script = {
        "GET /quotes": Answer(200, {"items": quotes, "next": None, "token": "9"}),
        "GET /quotes/q2": Answer(200, quotes[1]),
        "PATCH /quotes/q2": Answer(200, {"Id": "q2", "Lines": [line("1", Quantity=5), line("2")]}),
        "PATCH /quotes/q2/lines/1": Answer(200, line("1", Position=1, Quantity=5)),
        "GET /quotes/q1/lines": Answer(200, {"items": quotes[0]["Lines"], "next": None}),
        "GET /quotes/q2/lines": Answer(200, {"items": quotes[1]["Lines"], "next": None}),
    }
    with loopback(scripted(script)) as server:
        customerp = connect(server.url, profile)
        read = customerp.read("customerp.quote", None)
        changed = customerp.update_lines("customerp.quote_line", "q2", {"q2/1": {"Quantity": "5"}})
    keys = [found["_key"] for found in read.lines]
    assert keys == ["q1/1", "q1/2", "q2/1", "q2/2"]
    assert changed.record is not None
    assert (changed.record["_key"], changed.record["Quantity"]) == ("q2/1", "5")
    (written,) = sent(server, "PATCH")
    assert written.get("Lines", [{"Id": "1", **written}])[0] == {"Id": "1", "Quantity": 5}


def test_flat_lines_name_their_document_and_are_wrapped(connect: Connect) -> None:
    """A line that belongs to no document is refused, or lies around."""
    profile = {
        "base_path": "/api",
        "answer": "key",
        "reread": True,
        "entities": {
            "quote": {
                "lines": {
                    "write": "path",
                    "read": "path",
                    "path": "/quote-lines?quote={document}",
                    "one": "/quote-lines/{key}",
                    "document": "quote.id",
                    "update": "PUT",
                    "position": None,
                    "leave_out": ["total"],
                    "envelope": {"items": "lines", "next": "more", "record": "line", "write": "line"},
                },
                "types": {"Id": "integer"},
            }
        },
    }
    kept = {"lines": [line("l1", Quantity=1, Remark="keep", total=9), line("l2", Quantity=2)], "more": None}
    script: Script = {
        "POST /api/quote-lines": Answer(201, {"line": {"Id": "l2"}}),
        "PUT /api/quote-lines/l1": Answer(200, {"line": {"Id": "l1"}}),
        "GET /api/quote-lines": Answer(200, kept),
    }
    with loopback(scripted(script)) as server:
        customerp = connect(server.url, profile)
        added = customerp.create_line("customerp.quote_line", "7", {"Quantity": "2"})
        changed = customerp.update_lines("customerp.quote_line", "7", {"7/l1": {"Quantity": "5"}})
    assert [asked.query for asked in server.asked if asked.method != "PUT"] == [{"quote": "7"}] + [
        {"quote": "7", "limit": "500"}
    ] * 3
    assert sent(server, "POST") == [{"line": {"Quantity": 2, "quote": {"id": 7}}}]
    assert sent(server, "PUT") == [{"line": {"Id": "l1", "Quantity": 5, "Remark": "keep"}}]
    assert (added.key, added.record and added.record["_position"]) == ("7/l2", 2)
    assert (changed.record and changed.record["_position"], changed.lines and len(changed.lines)) == (1, 2)


def test_a_document_and_lines_with_paths_of_their_own_are_created(connect: Connect) -> None:
    """The document would be left without lines."""
    script: Script = {
        "POST /quotes": Answer(201, {"Id": "q1", "Lines": []}),
        "POST /quotes/q1/lines": [Answer(201, line("l1", Position=1)), Answer(201, line("l2", Position=2))],
    }
    with loopback(scripted(script)) as server:
        written = connect(server.url, APART).create("customerp.quote", {"Number": "1"}, [{"Quantity": "1"}] * 2)
    assert written.lines is not None
    assert [found["_key"] for found in written.lines] == ["q1/l1", "q1/l2"]
    assert sent(server, "POST")[0] == {"Number": "1"}


@pytest.mark.parametrize("fault", [Answer(422, {}), Answer(403, {}), Answer(500, {})])
def test_a_document_that_lacks_some_of_its_lines_is_of_unknown_outcome(fault: Answer, connect: Connect) -> None:
    """A document that exists would be created again because one of its lines was refused."""
    script: Script = {
        "POST /quotes": Answer(201, {"Id": "q1"}),
        "POST /quotes/q1/lines": [Answer(201, line("l1", Position=1)), fault],
    }
    with loopback(scripted(script)) as server, pytest.raises(SystemUnavailable) as caught:
        connect(server.url, APART).create("customerp.quote", {"Number": "1"}, [{"Quantity": "1"}] * 2)
    assert caught.value.outcome_unknown
    assert "q1" in str(caught.value)


@pytest.mark.parametrize("where", ["one", "path"])
def test_lines_that_a_list_does_not_show_are_read_for_each_document(where: str, connect: Connect) -> None:
    """Documents would look as if all their lines had been removed."""
    lines = [line("l2", Position=2), line("l1", Position=1)]
    both = {"items": [{"Id": "q1", "Version": "1"}, {"Id": "q2"}], "next": None, "token": "9"}
    left = {**both, "items": both["items"][:1]}  # type: ignore[index]
    script: Script = {
        "GET /quotes": [Answer(200, both), Answer(200, left)],
        "GET /quotes/q1": Answer(200, {"Id": "q1", "Version": "2", "Lines": lines}),
        "GET /quotes/q1/lines": Answer(200, {"items": lines, "next": None}),
    }
    with loopback(scripted(script)) as server:
        # The second document is removed between the list and its lines.
        read = connect(server.url, {"lines": {"read": where}}).read("customerp.quote", None)
    assert [(record["_key"], record["_version"]) for record in read.records] == [("q1", "2" if where == "one" else "1")]
    assert [(found["_document"], found["_key"]) for found in read.lines] == [("q1", "q1/l1"), ("q1", "q1/l2")]
    assert read.lines_complete


def test_a_document_read_by_itself_has_the_version_of_its_entity_tag(connect: Connect) -> None:
    """Its updates could not be protected against edits made meanwhile."""
    script: Script = {
        "GET /quotes": Answer(200, {"items": [{"Id": "q1"}], "next": None, "token": "9"}),
        "GET /quotes/q1": Answer(200, {"Id": "q1", "Lines": []}, {"ETag": '"7"'}),
    }
    with loopback(scripted(script)) as server:
        read = connect(server.url, {"lines": {"read": "one"}, "version": None}).read("customerp.quote", None)
    assert [record["_version"] for record in read.records] == ["7"]


def test_a_wrong_path_does_not_make_documents_disappear(connect: Connect) -> None:
    """Every changed document would be left out, and the cursor would move past it."""
    page = {"items": [{"Id": "q1"}], "next": None, "token": "9"}
    with (
        loopback(scripted({"GET /quotes": Answer(200, page)})) as server,
        pytest.raises(SystemUnavailable, match=r"quote q1.*correct the paths"),
    ):
        connect(server.url, {"lines": {"read": "one"}}).read("customerp.quote", None)


@pytest.mark.parametrize(
    ("profile", "created"),
    [
        (
            {"answer": "record", "reread": True, "statuses": {"create": [204]}},
            Answer(204, headers={"Location": "/customers/c%2F1"}),
        ),
        (
            {"answer": "none", "reread": True},
            Answer(201, headers={"Location": "http://other.example/api/customers/c%2F1"}),
        ),
        ({"answer": "key", "reread": True}, Answer(201, {"Id": "c/1"})),
    ],
)
def test_a_record_that_the_answer_does_not_hold_is_read(
    profile: dict[str, Any], created: Answer, connect: Connect
) -> None:
    """What the ERP made of our values would be taken for a user's edit with the next reading."""
    script: Script = {
        "POST /customers": created,
        "GET /customers/c%2F1": Answer(200, {"Id": "c/1", "Name": "SHORTENED"}, {"ETag": 'W/"5"'}),
    }
    with loopback(scripted(script)) as server:
        written = connect(server.url, profile).create("customerp.customer", {"Name": "shortened and more"})
    assert written.key == "c/1"
    assert written.record is not None
    assert (written.record["Name"], written.record["_version"]) == ("SHORTENED", "5")


def test_a_write_counts_although_reading_afterwards_fails(connect: Connect) -> None:
    """The record would be created again because it could not be read."""
    script: Script = {
        "POST /customers": Answer(201, headers={"Location": "/customers/c1"}),
        "GET /customers/c1": Answer(403, {}),
    }
    with loopback(scripted(script)) as server:
        written = connect(server.url, {"reread": True}).create("customerp.customer", {"Name": "A"})
        unread = connect(server.url).create("customerp.customer", {"Name": "A"})
    assert (written.key, written.record, written.status) == ("c1", None, 201)
    assert unread == written


def test_merged_lines_within_a_whole_record(connect: Connect) -> None:
    """A PUT of the changed line alone would empty the document's own properties."""
    held = {"Id": "q1", "Version": "4", "Remarks": "keep", "Lines": [line("l1", Quantity=1), line("l2")]}
    after = {**held, "Version": "5", "Lines": [line("l1", Quantity=2), line("l2")]}
    script: Script = {"GET /quotes/q1": Answer(200, held), "PUT /quotes/q1": Answer(200, after)}
    profile = {"update": {"method": "PUT", "leave_out": ["Id", "Version"]}}
    with loopback(scripted(script)) as server:
        connect(server.url, profile).update_lines("customerp.quote_line", "q1", {"q1/l1": {"Quantity": "2"}})
    assert sent(server, "PUT") == [{"Remarks": "keep", "Lines": [{"Id": "l1", "Quantity": 2}]}]
    assert server.asked[1].headers["If-Match"] == '"4"'


def test_a_whole_record_is_not_sent_over_another_version(connect: Connect) -> None:
    """An ERP without conditional updates would take the older record for the newer one."""
    script: Script = {"GET /customers/c1": Answer(200, {"Id": "c1", "Version": "8"})}
    profile = {"update": {"method": "PUT"}, "conditional": {"if_match": False}}
    with loopback(scripted(script)) as server, pytest.raises(RecordChanged, match="version 8"):
        connect(server.url, profile).update("customerp.customer", "c1", {"Name": "A"}, "7")
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("conditional", "sent_version"),
    [({}, '"v 1"'), ({"quoted": False}, "v 1"), ({"if_match": False}, None)],
)
def test_the_version_is_named_as_the_erp_wants_it(
    conditional: dict[str, bool], sent_version: str | None, connect: Connect
) -> None:
    """Every update would be refused, or none protected."""
    with loopback(lambda _asked: Answer(200, {"Id": "c1"})) as server:
        connect(server.url, {"conditional": conditional}).update("customerp.customer", "c1", {"Name": "A"}, "v 1")
    assert server.asked[0].headers.get("If-Match") == sent_version


def test_an_added_line_is_read_where_the_answer_is_empty(connect: Connect) -> None:
    """Its key would stay unknown, and it would be added again."""
    before, after = [line("l1")], [line("l1"), line("l2", Quantity=3)]
    script: Script = {
        "GET /quotes/q1": [Answer(200, {"Id": "q1", "Lines": before}), Answer(200, {"Id": "q1", "Lines": after})],
        "PATCH /quotes/q1": Answer(204),
    }
    with loopback(scripted(script)) as server:
        written = connect(server.url, {"statuses": {"update": [204]}}).create_line(
            "customerp.quote_line", "q1", {"Quantity": "3"}
        )
    assert (written.key, written.record and written.record["Quantity"]) == ("q1/l2", "3")


@pytest.mark.parametrize("after", [[line("l1"), line("l2"), line("l3")], [line("l1")], "no list"])
def test_an_added_line_that_cannot_be_told_apart_is_of_unknown_outcome(after: Any, connect: Connect) -> None:
    """A line linked to a user's line, or added again."""
    script: Script = {
        "GET /quotes/q1": Answer(200, {"Id": "q1", "Lines": [line("l1")]}),
        "PATCH /quotes/q1": Answer(200, {"Id": "q1", "Lines": after}),
    }
    with loopback(scripted(script)) as server, pytest.raises(SystemUnavailable) as caught:
        connect(server.url, {"conditional": {"if_match": False}}).create_line("customerp.quote_line", "q1", {})
    assert caught.value.outcome_unknown


def test_odd_values_do_not_stop_a_feed(connect: Connect) -> None:
    """One record with half an emoji or a place beyond all bounds would keep all others from being synchronised."""
    lines = r'{"Id":"1","Position":1e999},{"Id":"2","Position":99999999999},{"Id":"3","Position":"3","Quantity":1e400}'
    page = (
        r'{"items":[{"Id":"q\u00001","Version":"v\u0000","Modified":"0001-01-01T00:00:00+14:00","Lines":['
        + lines
        + r']},{"Id":"q2","Remarks":"cut \ud83d","Lines":null}],"next":null,"token":"9"}'
    )
    with loopback(lambda _asked: Answer(200, page)) as server:
        read = connect(server.url).read("customerp.quote", None)
    assert [(found["_key"], found["_version"], found["_modified"]) for found in read.records] == [
        ("q1", "v", None),
        ("q2", None, None),
    ]
    assert read.records[1]["Remarks"] == "cut \ufffd"
    assert [(found["_key"], found["_position"]) for found in read.lines] == [("q1/1", 1), ("q1/2", 2), ("q1/3", 3)]


def test_a_document_without_its_lines_is_noticed(connect: Connect) -> None:
    """A wrong name in the profile would remove every line of every document."""
    page = {"items": [{"Id": "q1"}], "next": None, "token": "9"}
    with loopback(lambda _asked: Answer(200, page)) as server, pytest.raises(UnexpectedAnswer, match=r"lines\.array"):
        connect(server.url).read("customerp.quote", None)
