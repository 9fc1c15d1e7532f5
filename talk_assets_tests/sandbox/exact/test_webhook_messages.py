"""What subscribers are told, of which changes, and what becomes of messages that nobody takes."""

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from talk_assets_tests.sandbox.exact.receiver import Receiver, counts, receiving, until
from talk_assets_tests.sandbox.exact.site import DIVISION, START, Site, message, running
from talk_assets_tests.systems.loopback import Answer

TOPICS = ("Accounts", "Contacts", "Items", "Quotations", "SalesOrders")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def subscribed(site: Site, receiver: Receiver) -> Receiver:
    for topic in TOPICS:
        assert receiver.subscribe(site, topic).status_code == 201
    return receiver


def test_a_message_says_what_changed_and_where(site: Site, receiver: Receiver, item: str) -> None:
    """A receiver written after the recorded messages would not understand ours, or the other way round."""
    receiver.subscribe(site, "Items")
    site.put("logistics/Items", item, Description="Nieuw")
    receiver.wait(1)
    endpoint = f"{site.address}/api/v1/{DIVISION}/logistics/Items(guid'{item}')"
    assert receiver.told == [
        {
            "Topic": "Items",
            "ClientId": "app",
            "Division": DIVISION,
            "Action": "Update",
            "Key": item,
            "ExactOnlineEndpoint": endpoint,
            "EventCreatedOn": "2024-07-01T12:00:05.000",
        }
    ]
    assert site.http.get(endpoint).json()["d"]["Description"] == "Nieuw"
    assert receiver.server.asked[-1].headers["Content-Type"].startswith("application/json")


def test_every_change_is_told_whoever_makes_it(site: Site, subscribed: Receiver) -> None:
    """A change made by a person, or by our own app, would reach us only with the next full sync."""
    account = site.post("crm/Accounts", Name="Vos")["ID"]
    contact = site.post("crm/Contacts", Account=account, LastName="Vos")["ID"]
    made = site.http.post(f"/_admin/{DIVISION}/Items", json={"Code": "A", "Description": "a"})
    item = made.json()["key"]
    site.http.put(f"/_admin/{DIVISION}/Contacts/{contact}", json={"Phone": "1"})
    site.put("logistics/Items", item, Description="b")
    site.delete("logistics/Items", item)
    site.http.delete(f"/_admin/{DIVISION}/Accounts/{account}")
    told = subscribed.wait(8)
    assert [event for event in told if event[1] == "Items"] == [
        (action, "Items", item) for action in ("Create", "Update", "Delete")
    ]
    assert [event for event in told if event[1] == "Contacts"] == [
        (action, "Contacts", contact) for action in ("Create", "Update", "Delete")
    ]
    assert [event for event in told if event[1] == "Accounts"] == [
        (action, "Accounts", account) for action in ("Create", "Delete")
    ]


def test_lines_are_told_under_the_topic_of_their_document(
    site: Site, subscribed: Receiver, account: str, item: str
) -> None:
    """An edited line would go unnoticed, or be looked up among the documents."""
    for topic, path, header, lines in (
        ("Quotations", "crm/Quotations", {"OrderAccount": account}, "QuotationLines"),
        ("SalesOrders", "salesorder/SalesOrders", {"OrderedBy": account}, "SalesOrderLines"),
    ):
        service, before = path.partition("/")[0], len(subscribed.wait(2 if topic == "Quotations" else 0))
        made = site.post(path, **header, **{lines: [{"Item": item}]})
        document = made["QuotationID" if topic == "Quotations" else "OrderID"]
        created = subscribed.wait(before + 2)[before:]
        line = created[1][2]
        assert created == [("Create", topic, document), ("Create", lines, line)]
        site.put(f"{service}/{lines}", line, Quantity=3)
        changed = subscribed.wait(before + 4)[before + 2 :]
        assert changed == [("Update", lines, line), ("Update", topic, document)]
        assert {content["Topic"] for content in subscribed.told[before:]} == {topic}


def test_only_changes_of_marked_properties_are_told(site: Site, subscribed: Receiver, account: str, item: str) -> None:
    """A client that relies on webhooks alone would look complete here and miss such edits of the real Exact."""
    contact = site.state.add("Contacts", {"Account": account, "LastName": "Vos"})
    order = site.state.add_document("SalesOrders", {"OrderedBy": account}, [{"Item": item}])
    before = len(subscribed.wait(5))
    for path, key, values in (
        ("logistics/Items", item, {"Barcode": "871"}),
        ("crm/Contacts", contact, {"Picture": "AAAA"}),
        ("salesorder/SalesOrders", order, {"IncotermCode": "EXW"}),
        ("logistics/Items", item, {"Description": "Ding"}),  # what it was
    ):
        assert site.put(path, key, **values).status_code == 204
    site.put("crm/Accounts", account, Remarks="x")  # not marked, but the time of change is
    site.put("logistics/Items", item, Description="Anders")
    assert set(subscribed.wait(before + 2)[before:]) == {("Update", "Accounts", account), ("Update", "Items", item)}


def test_employees_and_refused_writes_are_not_told(site: Site, subscribed: Receiver, account: str) -> None:
    """A client would expect messages that the real Exact never sends."""
    site.state.add("Employees", {"LastName": "Bos"})
    assert site.call("POST", "crm/Quotations", json={"OrderAccount": account}).status_code == 500
    site.state.add("Items", {"Code": "Z", "Description": "z"})
    until(lambda: counts(site) == {"delivered": 2})
    assert {event[:2] for event in subscribed.wait(2)} == {("Create", "Accounts"), ("Create", "Items")}


def test_other_divisions_and_topics_are_not_told(site: Site, receiver: Receiver, account: str) -> None:
    """One company would be told of another one's customers."""
    receiver.subscribe(site, "Accounts")
    site.http.post("/_admin/222/Accounts", json={"Name": "Ander"})
    site.state.add("Items", {"Code": "Z", "Description": "z"})
    site.put("crm/Accounts", account, Name="Vos")
    until(lambda: counts(site) == {"delivered": 1})
    assert receiver.wait(1) == [("Update", "Accounts", account)]


def test_a_message_that_is_not_taken_comes_again_with_doubled_waits(site: Site, receiver: Receiver, item: str) -> None:
    """A receiver that was down for an hour would have missed everything, here but not there."""
    receiver.subscribe(site, "Items")
    receiver.says(lambda _: Answer(500))
    site.put("logistics/Items", item, Description="b")
    receiver.wait(1)
    for retry in range(10):
        until(lambda sent=retry + 1: _answers(site) == sent)  # type: ignore[misc]
        shown = site.http.get("/_admin/webhooks").json()["deliveries"][0]
        wait = timedelta(minutes=2**retry)
        assert (shown["state"], shown["due"]) == ("pending", (site.clock.now + wait).isoformat())
        site.clock.advance(minutes=2**retry)
        receiver.wait(retry + 2)
    until(lambda: counts(site) == {"failed": 1})
    assert site.clock.now == START + timedelta(minutes=1023)
    assert len({str(content) for content in receiver.told}) == 1
    assert site.http.get("/_admin/webhooks").json()["deliveries"][0]["answers"] == ["500 Internal Server Error"] * 11


def _answers(site: Site) -> int:
    return len(site.http.get("/_admin/webhooks").json()["deliveries"][0]["answers"])


def test_later_messages_do_not_wait_for_a_retry(site: Site, receiver: Receiver, item: str) -> None:
    """One message that is not taken would hold up all others for hours."""
    receiver.subscribe(site, "Items")
    receiver.says(lambda asked: Answer(500 if b'"Action":"Create"' in asked.body else 200))
    other = site.state.add("Items", {"Code": "B", "Description": "b"})
    site.put("logistics/Items", item, Description="b")
    until(lambda: counts(site) == {"pending": 1, "delivered": 1})
    receiver.says(lambda _: Answer())
    site.clock.advance(seconds=60)
    until(lambda: counts(site) == {"delivered": 2})
    assert [content["Key"] for content in receiver.told] == [other, item, other]
    assert site.http.delete("/_admin/webhooks").json()["deliveries"] == []


def test_a_subscription_that_ended_is_told_nothing_more(site: Site, receiver: Receiver, item: str) -> None:
    """An app that was taken away would still be called for hours."""
    key = receiver.subscribe(site, "Items").json()["d"]["ID"]
    receiver.says(lambda _: Answer(cut=True))
    site.put("logistics/Items", item, Description="b")
    until(lambda: counts(site) == {"pending": 1} and _answers(site) == 1)
    site.delete("webhooks/WebhookSubscriptions", key)
    assert counts(site) == {"dropped": 1}
    site.clock.advance(minutes=5)
    assert site.put("logistics/Items", item, Description="c").status_code == 204
    assert counts(site) == {"dropped": 1}


def test_nobody_waits_for_a_slow_receiver(receiver: Receiver) -> None:
    """Every write would take as long as the slowest receiver."""
    with running(webhook_answer_seconds=0.3) as site:
        site.log_in()
        receiver.subscribe(site, "Items")

        def slow(_: object) -> Answer:
            time.sleep(0.6)
            return Answer()

        receiver.says(slow)
        began = time.monotonic()
        for number in range(3):
            site.post("logistics/Items", Code=f"C{number}", Description="c")
        assert time.monotonic() - began < 0.6
        until(lambda: counts(site) == {"pending": 3} and _answers(site) == 1)
        answer = site.http.get("/_admin/webhooks").json()["deliveries"][0]["answers"][0]
        assert answer.startswith("ReadTimeout")


def test_a_subscription_can_meet_a_fault(site: Site, receiver: Receiver) -> None:
    """A subscription whose answer is lost, so that it seems to exist twice, could not be tried."""
    site.fault(method="POST", path="webhooks", status=502, after=True)
    assert receiver.subscribe(site, "Items").status_code == 502
    assert message(receiver.subscribe(site, "Items")) == "Gegeven bestaat reeds."
