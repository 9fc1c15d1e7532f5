"""Webhook subscriptions where Exact answers in ways that are awkward to provoke elsewhere."""

from collections.abc import Iterator
from typing import Any

import pytest

from talk_assets.errors import AccessDenied, OrderRefused, RecordRejected, SystemUnavailable, UnexpectedAnswer
from talk_assets.systems.exact.subscriptions import PATH, Subscription, Subscriptions, judge
from talk_assets.systems.exact.transport import exact_http
from talk_assets_tests.systems.exact.tenant import DIVISION, Clock, Tenant, error, key, printed
from talk_assets_tests.systems.loopback import CUT, Answer, Asked

URL = "https://sync.example.com/exact"
ADDRESS = f"/api/v1/{DIVISION}/{PATH}"


def row(number: int, topic: str, **changes: Any) -> dict[str, Any]:
    return {"ID": key(number), "Topic": topic, "CallbackURL": URL, "ClientID": "the-client-id", **changes}


@pytest.fixture
def subscriptions(tenant: Tenant, clock: Clock) -> Iterator[Subscriptions]:
    """Without a token: the tenant is told what to answer."""
    http = exact_http(tenant.url, judge=judge(clock.now), now=clock.now, sleep=clock.sleep)
    yield Subscriptions(http, DIVISION, "the-client-id")
    http.close()


def told(tenant: Tenant, rows: list[dict[str, Any]], *answers: Answer) -> None:
    """Answer reads with these rows, and writes with these answers; whatever is posted is there from then on."""
    left = list(answers)

    def script(asked: Asked) -> Answer:
        if asked.method == "GET":
            return Answer(200, {"d": {"results": rows}})
        if asked.method == "POST":
            rows.append({**row(9, "Items"), **asked.json})
        return left.pop(0)

    tenant.script = script


def test_a_duplicate_in_whatever_language_is_compared_with_what_is_there(
    subscriptions: Subscriptions, tenant: Tenant
) -> None:
    """Somebody else who subscribes at the same moment makes the command fail, with words in the user's language."""
    told(tenant, [], error(500, "Dieser Eintrag ist bereits vorhanden."))
    assert subscriptions.add("Items", URL) is False
    assert [asked.method for asked in tenant.asked] == ["GET", "POST", "GET"]


def test_a_lost_answer_makes_no_second_subscription(subscriptions: Subscriptions, tenant: Tenant) -> None:
    """A cut connection leaves a subscription that the command says is not there."""
    told(tenant, [], CUT, error(500, "Gegeven bestaat reeds."))
    assert subscriptions.add("Items", URL) is False


def test_a_refusal_is_final_whatever_its_words(subscriptions: Subscriptions, tenant: Tenant, clock: Clock) -> None:
    """A person waits for retries while Exact calls an address that does not answer again and again."""
    tenant.script = lambda asked: (
        Answer(200, {"d": {"results": []}}) if asked.method == "GET" else error(500, "Something about your endpoint")
    )
    with pytest.raises(RecordRejected, match=f"Something about your endpoint.*{URL} can be reached"):
        subscriptions.add("Items", URL)
    assert [asked.method for asked in tenant.asked].count("POST") == 1
    assert clock.naps == []


def test_an_outage_is_no_refusal(subscriptions: Subscriptions, tenant: Tenant) -> None:
    """A person corrects an address that is right."""
    tenant.script = lambda asked: Answer(200, {"d": {"results": []}}) if asked.method == "GET" else Answer(503)
    with pytest.raises(SystemUnavailable):
        subscriptions.add("Items", URL)


def test_a_missing_level_of_the_scope_is_named(subscriptions: Subscriptions, tenant: Tenant) -> None:
    """An app that may read subscriptions but not make them shows as a user without rights."""
    text = "Forbidden - Application Scope Violated. Cannot manage 'organization.administration' scope."
    told(tenant, [], error(403, text))
    with pytest.raises(AccessDenied, match=r"the scope organization/administration \(manage\)"):
        subscriptions.add("Items", URL)


def test_those_of_other_apps_are_told_apart(subscriptions: Subscriptions, tenant: Tenant) -> None:
    """An installation ends the notifications of the web shop beside it."""
    rows = [
        row(1, "Items", ClientID="{THE-client-ID}", Created=printed("2025-01-15T12:00:00")),
        row(2, "Items", ClientID="the-shop", CallbackURL="https://shop.example"),
        row(3, "Accounts", ClientID=None),
    ]
    told(tenant, rows)
    assert subscriptions.all() == [
        Subscription(key(3), "Accounts", URL, True),
        Subscription(key(1), "Items", URL, True, "2025-01-15 12:00:00"),
        Subscription(key(2), "Items", "https://shop.example", False),
    ]
    assert subscriptions.add("Items", URL) is False
    with pytest.raises(OrderRefused, match=rf"https://sync\.example\.com/exact.*remove {key(1)}"):
        subscriptions.add("Items", "https://elsewhere.example")
    assert {asked.method for asked in tenant.asked} == {"GET"}


@pytest.mark.parametrize("answer", [Answer(204), error(403, "Forbidden"), error(404, "Not found")])
def test_ending_what_is_gone_is_no_error(subscriptions: Subscriptions, tenant: Tenant, answer: Answer) -> None:
    """Two people who take an installation down together are told of a missing right."""
    told(tenant, [], answer)
    subscriptions.remove(Subscription(key(1), "Items", URL, own=True))
    assert [(asked.method, asked.path) for asked in tenant.asked] == [("DELETE", f"{ADDRESS}(guid'{key(1)}')")]


def test_a_row_of_another_shape_is_refused(subscriptions: Subscriptions, tenant: Tenant) -> None:
    """A subscription without a key could be listed, but never be ended."""
    told(tenant, [row(1, "Items", ID=None)])
    with pytest.raises(UnexpectedAnswer, match="no ID, Topic or CallbackURL"):
        subscriptions.all()
