"""Webhook subscriptions: what they hold, what is refused, and the call that begins them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from talk_assets_tests.sandbox.exact.receiver import Receiver, receiving
from talk_assets_tests.sandbox.exact.site import DIVISION, Site, message, running
from talk_assets_tests.systems.loopback import Answer

SET = "webhooks/WebhookSubscriptions"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def test_a_subscription_begins_with_an_empty_call(site: Site, receiver: Receiver) -> None:
    """A receiver that takes every call for a signed message would be refused only by the real Exact."""
    made = receiver.subscribe(site, "Items")
    assert made.status_code == 201
    assert [(asked.method, asked.headers["Content-Length"]) for asked in receiver.checks] == [("POST", "0")]
    shown = made.json()["d"]
    assert made.headers["Location"].endswith(f"{SET}(guid'{shown['ID']}')")
    assert shown["__metadata"]["type"] == "Exact.Web.Api.Models.Webhooks.WebhookSubscription"
    assert {name: shown[name] for name in ("CallbackURL", "Topic", "ClientID", "Division", "IsInstant", "Created")} == {
        "CallbackURL": receiver.url,
        "Topic": "Items",
        "ClientID": "app",
        "Division": DIVISION,
        "IsInstant": False,
        "Created": "/Date(1719835205000)/",
    }
    assert None not in (shown["Creator"], shown["CreatorFullName"], shown["Description"], shown["UserID"])


def test_subscriptions_are_read_like_any_set(site: Site, receiver: Receiver) -> None:
    """A client could not find its own subscription again, and would make it twice."""
    bare = site.call("POST", SET, json={"CallbackURL": receiver.url, "Topic": "Items"}).json()["d"]
    assert (bare["Topic"], bare["ID"] is None) == (None, False)
    contacts = receiver.subscribe(site, "Contacts").json()["d"]["ID"]
    assert {row["Topic"] for row in site.rows(SET)} == {"Items", "Contacts"}
    assert site.one(SET, contacts)["Topic"] == "Contacts"
    assert [row["ID"] for row in site.rows(SET, filter="Topic eq 'Items'", select="ID,Topic")] == [bare["ID"]]
    assert site.call("GET", f"{SET}/$count").text == "2"
    assert site.get(SET, top=1, orderby="Topic")[0]["Topic"] == "Contacts"


def test_a_receiver_that_does_not_answer_well_is_refused(site: Site, receiver: Receiver) -> None:
    """A mistyped address would be found when the first message is missed."""
    receiver.says(lambda _: Answer(503))
    refused = receiver.subscribe(site, "Items")
    assert (refused.status_code, message(refused)) == (
        500,
        "Invalid: Post to callback URL endpoint returns 503 Service Unavailable",
    )
    nobody = receiver.subscribe(site, "Items", CallbackURL="http://127.0.0.1:1/")
    assert (nobody.status_code, message(nobody)) == (
        500,
        "Invalid: Post to callback URL endpoint returns 500 An error occurred while sending the request.",
    )
    assert site.rows(SET) == []
    receiver.says(lambda _: Answer(204))
    assert receiver.subscribe(site, "Items").status_code == 201


def test_a_topic_is_subscribed_to_once_per_division(site: Site, receiver: Receiver) -> None:
    """A client that registers at every start would get every message several times."""
    assert receiver.subscribe(site, "Items").status_code == 201
    again = receiver.subscribe(site, "Items", CallbackURL=f"{receiver.url}/other")
    assert (again.status_code, message(again)) == (500, "Gegeven bestaat reeds.")
    elsewhere = site.http.post(f"/api/v1/222/{SET}", json={"CallbackURL": receiver.url, "Topic": "Items"})
    assert elsewhere.status_code == 201
    assert len(receiver.checks) == 2


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"Topic": "Employees"}, "Topic (Employees)"),
        ({"Topic": None}, "Verplicht: Topic"),
        ({"CallbackURL": None}, "Verplicht: CallbackURL"),
        ({"CallbackURL": "http://example.com/hook"}, "alleen https"),
        ({"CallbackURL": "ftp://127.0.0.1/hook"}, "alleen https"),
        ({"CallbackURL": "nonsense"}, "Ongeldig: CallbackURL"),
        ({"CallbackURL": "https://[::1/hook"}, "Ongeldig: CallbackURL"),
        ({"IsInstant": True}, "alleen voor GoodsDeliveries"),
    ],
)
def test_what_a_subscription_cannot_hold_is_named(
    site: Site, receiver: Receiver, values: dict[str, object], said: str
) -> None:
    """A client would wait for messages that never come."""
    refused = receiver.subscribe(site, "Items", **values)
    assert refused.status_code == 500
    assert said in message(refused)
    assert receiver.checks == []


def test_instant_messages_are_for_goods_deliveries(site: Site, receiver: Receiver) -> None:
    """A client that asks for them would be refused here and not there."""
    made = receiver.subscribe(site, "GoodsDeliveries", IsInstant=True)
    assert made.json()["d"]["IsInstant"] is True
    wrong = receiver.subscribe(site, "Items", Nonsense=1)
    assert (wrong.status_code, "'Nonsense'" in message(wrong)) == (400, True)


def test_the_real_exact_calls_no_machine_of_ours(receiver: Receiver) -> None:
    """A client tested with a local address would be refused by the real Exact."""
    with running(local_callbacks=False, callback_domain=True, redirect_uri="https://app.example.com/back") as site:
        site.log_in()
        for url in (receiver.url, "https://localhost/x", "https://127.0.0.1/x", "https://[::1]/x"):
            assert message(receiver.subscribe(site, "Items", CallbackURL=url)) == "Ongeldig: CallbackURL"
        other = receiver.subscribe(site, "Items", CallbackURL="https://app.example.com.invalid/x")
        assert message(other) == "Ongeldig: CallbackURL (het domein is niet app.example.com)"
    with running(webhook_secret=None) as site:
        site.log_in()
        assert "webhook secret" in message(receiver.subscribe(site, "Items"))


def test_a_scope_is_needed_to_subscribe(receiver: Receiver) -> None:
    """A missing right would be found in production, when no message comes."""
    with running(scopes={"organization/administration": "read"}) as site:
        site.log_in()
        assert site.rows(SET) == []
        refused = receiver.subscribe(site, "Items")
        assert (refused.status_code, "manage 'organization.administration'" in message(refused)) == (403, True)
    with running(scopes={"logistics/items": "manage"}) as site:
        site.log_in()
        assert site.call("GET", SET).status_code == 403


def test_a_subscription_ends(site: Site, receiver: Receiver) -> None:
    """An app that was taken away would be called for ever."""
    key = receiver.subscribe(site, "Items").json()["d"]["ID"]
    assert site.delete(SET, key).status_code == 204
    assert site.delete(SET, key).status_code == 403
    assert site.rows(SET) == []
    assert site.rows("sync/Deleted", filter="Timestamp gt 1L") == []
    assert receiver.subscribe(site, "Items").status_code == 201
    assert site.call("DELETE", SET).status_code == 405


def test_a_subscription_is_not_changed(site: Site, receiver: Receiver) -> None:
    """A client that counts on PUT, which is documented, would fail against the real Exact, which refused it."""
    key = receiver.subscribe(site, "Items").json()["d"]["ID"]
    refused = site.put(SET, key, CallbackURL=f"{receiver.url}/new")
    assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, DELETE")
    assert site.one(SET, key)["CallbackURL"] == receiver.url


def test_a_server_may_be_told_to_take_changes(receiver: Receiver) -> None:
    """A client that follows the documentation could not be tried."""
    with running(webhook_updates=True) as site:
        site.log_in()
        items, contacts = (receiver.subscribe(site, topic).json()["d"]["ID"] for topic in ("Items", "Contacts"))
        assert site.put(SET, items, CallbackURL=f"{receiver.url}/new").status_code == 204
        assert site.one(SET, items)["CallbackURL"] == f"{receiver.url}/new"
        assert receiver.checks[-1].path == "/exact/new"
        assert site.put(SET, items, Description="ignored").status_code == 204
        assert message(site.put(SET, contacts, Topic="Items")) == "Gegeven bestaat reeds."
        assert message(site.put(SET, contacts, Topic=None)) == "Verplicht: Topic"
        receiver.says(lambda _: Answer(500))
        assert site.put(SET, contacts, CallbackURL=f"{receiver.url}/new").status_code == 500
        assert site.one(SET, contacts)["CallbackURL"] == receiver.url


def test_subscriptions_outlive_the_server(receiver: Receiver, tmp_path: Path) -> None:
    """After every restart nobody would be told of anything, until somebody notices."""
    path = tmp_path / "state.sqlite"
    with running(path) as site:
        site.log_in()
        receiver.subscribe(site, "Items")
    with running(path) as site:
        site.state.add("Items", {"Code": "A", "Description": "a"})
        assert [action for action, _, _ in receiver.wait(1)] == ["Create"]
