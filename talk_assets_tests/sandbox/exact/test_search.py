"""A search for calls that break the local Exact, or that it answers in no way that Exact does.

`make test` tries the same few hundred every time, `make soak` many and others each time; what is found is shown as the
shortest such call.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from talk_assets.sandbox.exact.model import SETS
from talk_assets_tests.sandbox.exact.odd_calls import OddCall, odd_calls
from talk_assets_tests.sandbox.exact.site import DIVISION, Site, running

ANSWERS = {200, 201, 204, 400, 403, 404, 405, 413, 414, 500}
# What Exact says no with, by 500; a fault of the server's own has no such words.
REFUSALS = (
    "Verplicht: ", "Te lang: ", "Ongeldig: ", "Bestaat niet: ", "Gegeven bestaat reeds.", "Niet te wijzigen",
    "Niet ondersteund: ", "Verwijderen is niet mogelijk",
)  # fmt: skip
SECONDS = 10


class Town:
    """A running Exact with a record of every set, and a connection that sends whatever it is told."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.token = site.http.headers["Authorization"]
        self._connection = HTTPConnection(urlsplit(site.address).netloc, timeout=SECONDS)
        state = site.state
        account = state.add("Accounts", {"Name": "Vos", "Country": "NL"})
        item = state.add("Items", {"Code": "A1", "Description": "Ding"})
        contact = state.add("Contacts", {"Account": account, "LastName": "Bos"})
        quotation = state.add_document("Quotations", {"OrderAccount": account}, [{"Item": item}])
        order = state.add_document("SalesOrders", {"OrderedBy": account}, [{"Item": item}])
        state.add("Employees", {"LastName": "Bos"})
        self.keys = {name: site.store.list("exact", str(DIVISION), name)[0].key for name in SETS}
        self.references = {
            "Account": account, "OrderAccount": account, "OrderedBy": account, "Item": item, "QuotationID": quotation,
            "OrderID": order, "MainContact": contact,
        }  # fmt: skip

    def send(self, call: OddCall) -> tuple[int, str, bytes]:
        """The status, content type and content of an answer."""
        connection = self._connection
        connection.putrequest(call.method, call.target, skip_host=True, skip_accept_encoding=True)
        for name, text in ({"Authorization": self.token} | call.headers).items():
            connection.putheader(name, text.encode("latin-1"))
        connection.putheader("Content-Length", str(len(call.body)))
        connection.endheaders(call.body)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status == 500:
            connection.close()  # as a broken server does without a word
        return answer.status, answer.headers.get("Content-Type", ""), content

    def close(self) -> None:
        self._connection.close()


@contextmanager
def town() -> Iterator[Town]:
    with running(token_seconds=10_000_000) as site:
        site.log_in()
        made = Town(site)
        try:
            yield made
        finally:
            made.close()


def check(call: OddCall, status: int, kind: str, content: bytes) -> None:
    """Hold an answer against what Exact answers with."""
    assert status in ANSWERS, (status, content)
    if status == 204 or call.method == "HEAD":
        assert content == b""
        return
    if kind.startswith("text/plain"):
        assert "/$count" in call.target, content
        assert content.isdigit()
        return
    if kind == "application/json":
        answer = json.loads(content, parse_constant=lambda text: pytest.fail(f"{text} is no JSON"))
        assert set(answer) == ({"d"} if status < 400 else {"error"})
        said = answer["error"]["message"]["value"] if status >= 400 else ""
    else:
        assert kind in ("application/xml", "application/atom+xml;charset=utf-8", "application/xml;charset=utf-8")
        said = "".join(ElementTree.fromstring(content).itertext()) if status >= 400 else ""
        ElementTree.fromstring(content)
    if status >= 400:
        assert said, status
        assert "Traceback" not in said
    assert status != 500 or said.startswith(REFUSALS), said


def read_all(made: Town, target: str) -> None:
    """Read page by page, in both forms, what the search has left: whatever was taken can be shown."""
    while target:
        for accept in ("*/*", "application/json"):
            call = OddCall("GET", target, {"Host": "x", "Accept": accept})
            status, kind, content = made.send(call)
            assert status == 200
            check(call, status, kind, content)
        target = json.loads(content)["d"].get("__next", "").removeprefix("http://x").replace(" ", "%20")


def search(examples: int, *, afresh: bool) -> None:
    seen: set[tuple[str, int]] = set()
    with town() as made:
        # What a broken server says by itself, so that the search is known to see it.
        with pytest.raises(AssertionError):
            check(OddCall("GET", "/"), 500, "text/plain; charset=utf-8", b"Internal Server Error")

        @settings(
            max_examples=examples,
            derandomize=not afresh,
            database=None,
            deadline=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        @given(call=odd_calls(made.keys, made.references, DIVISION))
        def calls(call: OddCall) -> None:
            made.site.clock.advance(seconds=1)
            status, kind, content = made.send(call)
            check(call, status, kind, content)
            seen.add((call.method, status))

        calls()
        for entity_set in SETS.values():
            read_all(made, f"/api/v1/{DIVISION}/{entity_set.path}?$filter={entity_set.key}%20ne%20null")
            read_all(made, f"/api/v1/{DIVISION}/sync/{entity_set.sync_path}")
    # A search that only ever sends what is refused at once would find nothing.
    assert {("GET", 200), ("GET", 400), ("GET", 404)} <= seen
    assert {("POST", 201), ("POST", 400), ("POST", 500), ("PUT", 204)} <= seen


def test_no_call_breaks_the_server() -> None:
    """A client with a mistake in it would get a stack trace, or no answer, instead of being told what is wrong."""
    search(600, afresh=False)


@pytest.mark.soak
def test_no_call_breaks_the_server_however_long_one_tries() -> None:
    """The few calls of every other run would miss what is rare."""
    search(20_000, afresh=True)


@pytest.mark.parametrize("text", ["*", "ü", "%ff%fe", "%", "a" * 70_000])
def test_an_address_that_is_none_is_refused(site: Site, text: str) -> None:
    """A scanner would bring the server down."""
    made = HTTPConnection(urlsplit(site.address).netloc, timeout=SECONDS)
    target = f"/api/v1/{DIVISION}/crm/Contacts?$filter={text}".encode().decode("latin-1")
    made.putrequest("GET", target.encode("latin-1", "replace").decode("ascii", "replace").replace("\ufffd", "%fc"))
    made.putheader("Authorization", site.http.headers["Authorization"])
    made.endheaders()
    assert made.getresponse().status in (400, 414)
    made.close()
