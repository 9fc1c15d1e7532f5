"""A search of the contract for calls that the local Customerp answers as no contract allows.

schemathesis makes calls from the published contract, many of them against it; what is found is shown as the shortest
such call. `make test` tries the same few every time, `make soak` many and others each time.
"""

from collections.abc import Iterator

import pytest

from talk_assets_tests.sandbox.customerp.contract import CONTRACT
from talk_assets_tests.sandbox.customerp.site import Site, Stage

VERBS = ("get", "post", "put", "patch", "delete")
LABELS = sorted(
    f"{verb.upper()} {path}" for path, methods in CONTRACT["paths"].items() for verb in methods if verb in VERBS
)
# One process that imports schemathesis is enough.
pytestmark = pytest.mark.xdist_group("contract search")


@pytest.fixture
def site(stage: Stage) -> Iterator[Site]:
    """A Customerp with the records that the contract's examples name."""
    from talk_assets_tests.sandbox.customerp.calls import RECORDS

    with stage.running() as site:
        for collection, (key, values) in RECORDS.items():
            site.create(f"/_admin/{collection}", **values | {"key": key})
        yield site


def test_every_operation_is_searched() -> None:
    """An operation that schemathesis cannot read would be left out without a word."""
    from talk_assets_tests.sandbox.customerp.calls import OPERATIONS

    assert sorted(OPERATIONS) == LABELS


@pytest.mark.parametrize("label", LABELS)
def test_no_call_is_answered_outside_of_the_contract(site: Site, label: str) -> None:
    """A connector made by the contract would meet an answer that it does not know, or break the server."""
    from talk_assets_tests.sandbox.customerp.calls import search

    search(site, label, 8, afresh=False)


@pytest.mark.soak
@pytest.mark.parametrize("label", LABELS)
def test_no_call_is_answered_outside_of_the_contract_however_long_one_tries(site: Site, label: str) -> None:
    """The few calls of every other run would miss what is rare."""
    from talk_assets_tests.sandbox.customerp.calls import search

    search(site, label, 500, afresh=True)


@pytest.mark.parametrize(
    "body",
    [
        b'{"Name": "\\ud800"}',
        b'{"Name": ' + b"[" * 100_000,
        b'{"CreditLimit": ' + b"9" * 10_000 + b', "Name": "x"}',
        b'{"Name": NaN}',
        b"\xff",
        b"",
        b"[]",
    ],
)
def test_an_odd_body_is_refused(site: Site, body: bytes) -> None:
    """A broken client would break the server instead of being told."""
    for method, path in (("POST", "/customers"), ("PATCH", "/customers/cus-000042")):
        answer = site.http.request(method, path, content=body)
        assert answer.status_code == 400, answer.text


@pytest.mark.parametrize("key", [[], {}, 5, True, [1]])
def test_a_line_is_named_by_text(site: Site, key: object) -> None:
    """A key of another kind would end the call without a word."""
    answer = site.http.patch("/orders/ord-000012", json={"Lines": [{"Id": key, "Quantity": 2}]})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["property"] == "Lines[0].Id"


@pytest.mark.parametrize("text", ["9" * 5000, "0" * 5000, "0" * 600, "-1", "٣", "1.5", ""])
def test_an_odd_page_is_refused(site: Site, text: str) -> None:
    """A token or limit that is no such thing would break the server, or be read as another one."""
    for name in ("since", "limit"):
        answer = site.http.get("/customers", params={name: text})
        assert (answer.status_code, answer.json()["status"]) == (400, 400)


@pytest.mark.parametrize("method", ["OPTIONS", "HEAD", "TRACE", "PUT"])
def test_a_verb_that_is_not_there_is_told_with_those_that_are(site: Site, method: str) -> None:
    """A client that asks what is possible would be told of verbs that are refused."""
    for path, allowed in (("/customers", "GET, POST"), ("/orders/ord-000012", "GET, PATCH, DELETE"), ("/", "GET")):
        answer = site.http.request(method, path)
        assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)
