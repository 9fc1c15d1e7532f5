"""`talk-assets exact webhooks` against the local Exact Online, with a real receiver."""

import json
from collections.abc import Iterator

import pytest

from talk_assets_tests.conftest import DatabaseServer
from talk_assets_tests.exact_setup.person import settings_of
from talk_assets_tests.installed import Done, Home, home
from talk_assets_tests.sandbox.exact.site import DIVISION, Site, running
from talk_assets_tests.systems.loopback import Answer, Loopback, loopback

PATH = f"/api/v1/{DIVISION}/webhooks/WebhookSubscriptions"
TOPICS = ["Accounts", "Contacts", "Items", "Quotations", "SalesOrders"]


@pytest.fixture
def site() -> Iterator[Site]:
    with running() as site:
        yield site


@pytest.fixture
def place(site: Site, database_server: DatabaseServer) -> Iterator[Home]:
    settings = {**settings_of(site), "EXACT_DIVISION": str(DIVISION), "EXACT_REFRESH_TOKEN": "first-refresh"}
    with home({**settings, "EXACT_WEBHOOK_SECRET": "the-webhook-secret"}, database_server) as made:
        yield made


@pytest.fixture
def receiver() -> Iterator[Loopback]:
    with loopback(lambda _: Answer()) as server:
        yield server


def listed(place: Home) -> list[tuple[str, str]]:
    """Topic and address of what is subscribed to."""
    return [(each["topic"], each["url"]) for each in json.loads(place.call("exact", "webhooks", "list", "--json").out)]


def refused(done: Done) -> str:
    assert (done.code, done.out) == (2, ""), done
    _, found, sentence = done.complaint.rpartition("Error: ")
    assert found
    return sentence


def test_all_topics_of_the_platform_are_subscribed_to(place: Home, receiver: Loopback) -> None:
    """A kind of record is forgotten, and its changes come an hour later than the others."""
    url = f"{receiver.url}/exact"
    done = place.call("exact", "webhooks", "add", "--url", url)
    assert (done.code, done.out) == (0, ""), done
    assert [f"{topic}: subscribed." for topic in TOPICS] == done.err.splitlines()[-5:]
    assert listed(place) == [(topic, url) for topic in TOPICS]
    assert [(asked.method, asked.path, asked.body) for asked in receiver.asked] == [("POST", "/exact", b"")] * 5
    rows = [line.split("\t") for line in place.call("exact", "webhooks", "list").out.splitlines()]
    assert [(row[1], row[2], row[3]) for row in rows] == [(topic, url, "own") for topic in TOPICS]
    assert all(len(row) == 5 and row[4] for row in rows)


def test_what_is_subscribed_to_already_is_no_error(place: Home, site: Site, receiver: Loopback) -> None:
    """A command in an installation script fails from its second run on, in a language that nobody there reads."""
    words = ("exact", "webhooks", "add", "--url", f"{receiver.url}/exact", "--topic", "Items", "--topic", "Accounts")
    assert place.call(*words).code == 0
    again = place.call(*words)
    assert again.code == 0
    assert "Items: was subscribed to already." in again.err
    assert listed(place) == [("Accounts", f"{receiver.url}/exact"), ("Items", f"{receiver.url}/exact")]
    assert site.http.get("/_admin/calls").json()["calls"][f"POST {PATH}"] == 2
    assert len(receiver.asked) == 2


def test_a_topic_with_another_address_is_left_alone_and_told(place: Home, receiver: Loopback) -> None:
    """A second installation takes the notifications of the first, or believes that it gets them."""
    first = f"{receiver.url}/first"
    assert place.call("exact", "webhooks", "add", "--url", first, "--topic", "Items").code == 0
    done = place.call(
        "exact", "webhooks", "add", "--url", f"{receiver.url}/second", "--topic", "Items", "--topic", "Contacts"
    )
    assert done.code == 1
    assert f"Failed: Items is subscribed to with another address, {first}" in done.complaint
    assert "talk-assets exact webhooks remove " in done.complaint
    assert listed(place) == [("Contacts", f"{receiver.url}/second"), ("Items", first)]


def test_a_receiver_that_does_not_answer_is_told(place: Home, receiver: Loopback) -> None:
    """An address behind a firewall shows as a fault of Exact's, or is tried for minutes."""
    receiver.answer = lambda _: Answer(503)
    done = place.call("exact", "webhooks", "add", "--url", f"{receiver.url}/exact", "--topic", "Items")
    assert done.code == 1
    assert "Failed: subscribing to Items: Exact refuses it (500, Invalid: Post to callback URL" in done.complaint
    assert "answers an empty POST with 200" in done.complaint
    assert listed(place) == []
    assert len(receiver.asked) == 1


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://sync.example.com/exact", "--url: Exact calls https addresses only"),
        ("sync.example.com/exact", "is no address; write it as https://"),
        ("ftp://sync.example.com/exact", "is no address"),
        ("https://", "is no address"),
    ],
)
def test_an_address_that_exact_cannot_call_is_refused(place: Home, site: Site, url: str, said: str) -> None:
    """What customers changed would cross the internet in clear, or a slip is found by nobody."""
    assert said in refused(place.call("exact", "webhooks", "add", "--url", url))
    assert not [call for call in site.http.get("/_admin/calls").json()["calls"] if "oauth2" not in call]


def test_what_may_go_wrong_later_is_said_at_once(place: Home, receiver: Loopback) -> None:
    """Notifications that nobody can check are thrown away, and nobody knows why."""
    words = ("exact", "webhooks", "add", "--url", f"{receiver.url}/exact", "--topic", "Items")
    done = place.call(*words, EXACT_WEBHOOK_SECRET=None, EXACT_REDIRECT_URI="https://sync.example.com/back")
    assert "EXACT_WEBHOOK_SECRET is not set" in done.err
    assert "on the domain of the app registration's redirect address, sync.example.com" in done.complaint
    quiet = place.call(*words, EXACT_REDIRECT_URI=f"{receiver.url}/back")
    assert quiet.err == "Items: was subscribed to already.\n"


def test_subscriptions_are_ended_one_by_one_by_address_or_all(place: Home, receiver: Loopback) -> None:
    """An installation that is taken down is called for ever, or ends those of another one."""
    for path, topics in (("one", ["Items", "Contacts"]), ("two", ["Accounts"])):
        words = [word for topic in topics for word in ("--topic", topic)]
        assert place.call("exact", "webhooks", "add", "--url", f"{receiver.url}/{path}", *words).code == 0
    key = place.call("exact", "webhooks", "list").out.splitlines()[1].split("\t")[0]
    done = place.call("exact", "webhooks", "remove", key.upper())
    assert (done.code, done.err) == (0, f"Contacts: no longer told to {receiver.url}/one.\n")
    assert "There is no subscription" in refused(place.call("exact", "webhooks", "remove", key))
    assert place.call("exact", "webhooks", "remove", "--url", f"{receiver.url}/one").code == 0
    assert listed(place) == [("Accounts", f"{receiver.url}/two")]
    assert place.call("exact", "webhooks", "remove", "--all").code == 0
    assert listed(place) == []
    nothing = place.call("exact", "webhooks", "remove", "--all")
    assert (nothing.code, nothing.err) == (0, "There is nothing to remove.\n")


@pytest.mark.parametrize("words", [[], ["--all", "--url", "https://x"], ["some-id", "--all"]])
def test_what_is_to_be_removed_has_to_be_named(place: Home, words: list[str]) -> None:
    """A forgotten argument ends all subscriptions."""
    assert refused(place.call("exact", "webhooks", "remove", *words)).startswith("Name one: ")


def test_a_division_is_needed(place: Home) -> None:
    """Subscriptions are made in the division that somebody last looked at in Exact."""
    assert refused(place.call("exact", "webhooks", "list", EXACT_DIVISION=None)).startswith("EXACT_DIVISION is not set")
