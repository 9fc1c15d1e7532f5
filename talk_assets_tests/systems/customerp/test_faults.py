"""What answers other than success mean."""

import base64
import json
from typing import Any

import pytest

from talk_assets.errors import (
    AccessDenied,
    ConfigurationError,
    RecordChanged,
    RecordGone,
    RecordRejected,
    SystemFault,
    SystemUnavailable,
    UnexpectedAnswer,
)
from talk_assets_tests.systems.customerp.conftest import Connect
from talk_assets_tests.systems.customerp.contract_server import TOKEN
from talk_assets_tests.systems.loopback import CUT, Answer, loopback

PROBLEM = {"title": "x", "detail": "said by the server", "errors": [{"property": "Name", "detail": "too long"}]}


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, UnexpectedAnswer),
        (401, AccessDenied),
        (403, AccessDenied),
        (404, RecordGone),
        (405, UnexpectedAnswer),
        (409, RecordRejected),
        (412, RecordChanged),
        (422, RecordRejected),
        (500, SystemUnavailable),
        (503, SystemUnavailable),
        (301, UnexpectedAnswer),
        (202, UnexpectedAnswer),
    ],
)
def test_each_status_of_a_write_means_one_thing(status: int, error: type[SystemFault], connect: Connect) -> None:
    """What has to be done differs: correct a setting, look again, hold the record, or try later."""
    answer = Answer(status, PROBLEM, {"Location": "/elsewhere"} if status == 301 else {})
    with loopback(lambda _asked: answer) as server, pytest.raises(SystemFault) as caught:
        connect(server.url).update("customerp.customer", "cus-1", {"Name": "A"})
    assert type(caught.value) is error
    assert caught.value.status == status
    assert "changing customerp.customer cus-1" in str(caught.value)
    assert len(server.asked) == 1


def test_what_the_server_says_is_repeated(connect: Connect) -> None:
    """The reason would have to be looked up in the ERP's own log."""
    with loopback(lambda _asked: Answer(422, PROBLEM)) as server, pytest.raises(RecordRejected) as caught:
        connect(server.url).update("customerp.customer", "cus-1", {"Name": "A"})
    assert caught.value.property_name == "Name"
    assert "said by the server; Name: too long" in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "body", "named"),
    [
        (
            {"message": "error.text", "errors": "error.fields", "property": "field", "detail": "why"},
            {"error": {"text": "no", "fields": [{"field": "address.town", "why": "unknown"}]}},
            "City",
        ),
        ({}, {"errors": {"relationName": ["too long", "odd"]}}, "Name"),
        ({}, {"errors": [{"property": "somethingElse"}]}, "somethingElse"),
        ({}, {"errors": ["text"]}, None),
        ({}, ["text"], None),
    ],
)
def test_the_property_is_found_where_the_profile_says(
    settings: dict[str, str], body: Any, named: str | None, connect: Connect
) -> None:
    """The held record would not say what to correct, or name a property that our side does not know."""
    profile = {
        "problem": settings,
        "statuses": {"rejected": [400]},
        "entities": {"customer": {"names": {"Name": "relationName", "City": "address.town"}}},
    }
    with loopback(lambda _asked: Answer(400, body)) as server, pytest.raises(RecordRejected) as caught:
        connect(server.url, profile).update("customerp.customer", "cus-1", {"Name": "A"})
    assert caught.value.property_name == named


@pytest.mark.parametrize("status", [401, 403, 422, 404, 418])
@pytest.mark.parametrize(
    ("kind", "secret", "repeated"),
    [
        ("bearer", TOKEN, TOKEN),
        ("basic", "jan:very-secret", "very-secret"),
        ("basic", "jan:very-secret", base64.b64encode(b"jan:very-secret").decode()),
    ],
)
def test_an_answer_that_repeats_the_secret_is_not_passed_on(
    status: int, kind: str, secret: str, repeated: str, connect: Connect
) -> None:
    """Errors are stored, shown and mailed."""
    body = {"detail": f"{repeated} is not good", "errors": [{"property": repeated, "detail": repeated}]}
    with loopback(lambda _asked: Answer(status, body)) as server, pytest.raises(SystemFault) as caught:
        connect(server.url, {"authentication": {"kind": kind}}, secret).update(
            "customerp.customer", "cus-1", {"Name": "A"}
        )
    assert repeated not in str(caught.value)
    assert "is not good" in str(caught.value)


def test_long_answers_are_cut(connect: Connect) -> None:
    """One trace-back of the ERP would fill the ledger's texts."""
    with (
        loopback(lambda _asked: Answer(422, {"detail": "x" * 5000})) as server,
        pytest.raises(RecordRejected) as caught,
    ):
        connect(server.url).update("customerp.customer", "cus-1", {"Name": "A"})
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("answer", [CUT, Answer(500), Answer(504), Answer(200, "<html>"), Answer(200, ["odd"])])
def test_a_write_that_may_have_happened_is_of_unknown_outcome(answer: Answer, connect: Connect) -> None:
    """A record that was created without our knowing is created again."""
    with loopback(lambda _asked: answer) as server, pytest.raises(SystemUnavailable) as caught:
        connect(server.url, {"statuses": {"create": [200]}}).create("customerp.customer", {"Name": "A"})
    assert caught.value.outcome_unknown
    assert len(server.asked) == 1


def test_a_created_record_whose_key_is_not_told_is_of_unknown_outcome(connect: Connect) -> None:
    """The same, where the answer is well-formed but says too little."""
    with loopback(lambda _asked: Answer(201, {"Name": "A"})) as server, pytest.raises(SystemUnavailable) as caught:
        connect(server.url).create("customerp.customer", {"Name": "A"})
    assert caught.value.outcome_unknown


@pytest.mark.parametrize("status", [404, 405, 301])
def test_a_wrong_address_of_a_list_is_no_missing_record(status: int, connect: Connect) -> None:
    """A path that the ERP does not have would be taken for a removed record, or an empty list."""
    with loopback(lambda _asked: Answer(status, {}, {"Location": "/x"})) as server:
        customerp = connect(server.url)
        with pytest.raises(UnexpectedAnswer, match="CUSTOMERP_URL"):
            customerp.read("customerp.customer", None)
        with pytest.raises(UnexpectedAnswer, match="CUSTOMERP_URL"):
            customerp.create("customerp.customer", {"Name": "A"})


def test_waits_that_were_asked_for_are_kept_and_bounded(connect: Connect, naps: list[float]) -> None:
    """An ERP that is overrun gets worse; one that asks for an hour must not hold the run for it."""
    with loopback(lambda _asked: Answer(429, {}, {"Retry-After": "3"})) as server:
        customerp = connect(server.url)
        with pytest.raises(SystemUnavailable) as caught:
            customerp.update("customerp.customer", "cus-1", {"Name": "A"})
    assert len(server.asked) == len(naps) + 1 == 5
    assert min(naps) >= 3
    assert not caught.value.outcome_unknown
    with loopback(lambda _asked: Answer(429, {}, {"Retry-After": "3600"})) as server:
        customerp = connect(server.url)
        with pytest.raises(SystemUnavailable) as caught:
            customerp.read("customerp.customer", None)
    assert caught.value.retry_after == 3600
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [({"name": "Other", "contract": "1"}, "name"), ({"name": "Customerp", "contract": "2"}, "contract"), ([], "name")],
)
def test_another_server_at_the_address_is_noticed(body: Any, said: str, connect: Connect) -> None:
    """Records would be written into whatever answers there."""
    with loopback(lambda _asked: Answer(body=body)) as server, pytest.raises(UnexpectedAnswer) as caught:
        connect(server.url).check()
    for name in (said, "CUSTOMERP_URL", "CUSTOMERP_PROFILE"):
        assert name in str(caught.value)


@pytest.mark.parametrize("url", ["customerp.example", "ftp://customerp.example", "https://user:pw@customerp.example"])
def test_an_address_that_cannot_be_one_is_told(url: str, connect: Connect) -> None:
    """The mistake would show as a failure of the network."""
    with pytest.raises(ConfigurationError, match="CUSTOMERP_URL"):
        connect(url)


def test_what_is_sent_is_what_was_asked_for(connect: Connect) -> None:
    """Static headers and parameters decide about company or language in many ERPs."""
    profile = {
        "base_path": "/api/v2",
        "headers": {"X-Company": "7"},
        "query": {"lang": "nl"},
        "prefer_representation": True,
        "check": {"path": "/ping", "expect": {}},
    }
    with loopback(lambda _asked: Answer(body={"Id": "1"})) as server:
        customerp = connect(server.url, profile)
        customerp.check()
        customerp.update("customerp.product", "a/b", {"Price": "1.50", "Name": None}, "v1")
    read, written = server.asked
    assert (read.path, read.query, read.headers["X-Company"]) == ("/api/v2/ping", {"lang": "nl"}, "7")
    assert (written.method, written.path, written.query) == ("PATCH", "/api/v2/products/a%2Fb", {"lang": "nl"})
    assert written.headers["If-Match"] == '"v1"'
    assert written.headers["Prefer"] == "return=representation"
    assert written.headers["Content-Type"] == "application/json"
    assert written.body == b'{"Price":1.50,"Name":null}'
    assert json.loads(written.body) == {"Price": 1.5, "Name": None}
