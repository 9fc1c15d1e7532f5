"""Whom Exact tells of changes: the app's webhook subscriptions in a division (Exact reference, Webhooks)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

import httpx

from talk_assets.errors import OrderRefused, RecordGone, RecordRejected, UnexpectedAnswer
from talk_assets.systems.exact import dates, odata
from talk_assets.systems.exact.client import ExactClient
from talk_assets.systems.exact.entities import ADMINISTRATION
from talk_assets.systems.exact.faults import judge as judge_records
from talk_assets.systems.exact.faults import write_fault
from talk_assets.systems.exact.odata import Row
from talk_assets.systems.http import HttpClient, Judge
from talk_assets.systems.repeats import Effect, PassingFault

PATH = "webhooks/WebhookSubscriptions"
# Lines tell of themselves under the topic of their documents; employees have none.
TOPICS: Mapping[str, str] = {
    "exact.accounts": "Accounts",
    "exact.contacts": "Contacts",
    "exact.items": "Items",
    "exact.quotations": "Quotations",
    "exact.salesorders": "SalesOrders",
}
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Subscription:
    """What Exact tells to whom.

    Attributes:
        key: by which it is removed.
        topic: what it is about, as Accounts.
        url: where Exact sends its notifications.
        own: whether it is of this app registration.
        created: day and time on the site's clock; empty when Exact tells none.
    """

    key: str
    topic: str
    url: str
    own: bool
    created: str = ""


class Subscriptions:
    """The webhook subscriptions of one division.

    Args:
        http: with credentials, and with `judge` as its judge.
        division: the division.
        client_id: of the app registration.
    """

    def __init__(self, http: HttpClient, division: int, client_id: str) -> None:
        self._http = http
        self._client = ExactClient(http, division)
        self._address = f"/api/v1/{division}/{PATH}"
        self._client_id = client_id

    def all(self) -> list[Subscription]:
        """What is subscribed to, also by other apps where Exact shows it; by topic, one's own first.

        Raises:
            AccessDenied: the scope organization/administration is missing; and as `ExactClient.pages`.
        """
        doing = "reading the webhook subscriptions"
        pages = self._client.pages(
            PATH, doing=doing, scope=ADMINISTRATION, select="ID,Topic,CallbackURL,ClientID,Created"
        )
        found = [self._subscription(row, doing) for page in pages for row in page]
        return sorted(found, key=lambda each: (each.topic, not each.own, each.url, each.key))

    def add(self, topic: str, url: str) -> bool:
        """Have Exact tell this address of a topic; whether that is new. During the call Exact sends it an empty POST.

        A topic can be subscribed to once per app and division, whatever the address. How Exact says so depends on the
        user's language: so whatever it refuses is compared with what is there.

        Raises:
            OrderRefused: the topic is subscribed to with another address.
            RecordRejected: Exact refuses it, as when the address does not answer the empty POST well.
            AccessDenied: the scope is missing at the level manage.
            SystemUnavailable: no answer came; it can be tried again.
        """
        doing = f"subscribing to {topic}"
        if self._is_there(topic, url):
            return False
        body = {"CallbackURL": url, "Topic": topic}
        # Carried out twice it would be refused the second time, and is then found to be there.
        response = self._http.send("POST", self._address, doing=doing, effect=Effect.REPEATABLE, json=body)
        if response.is_success:
            return True
        if response.status_code in (HTTPStatus.BAD_REQUEST, HTTPStatus.INTERNAL_SERVER_ERROR):
            if self._is_there(topic, url):
                return False
            said = odata.message(response).rstrip(".") or "no reason"
            raise RecordRejected(
                "exact",
                f"{doing}: Exact refuses it ({response.status_code}, {said}). See that {url} can be reached from the "
                "internet and answers an empty POST with 200, and that it is on the domain of EXACT_REDIRECT_URI",
                status=response.status_code,
            )
        fault = write_fault(response, doing, f"{ADMINISTRATION} (manage)", keyed=False, sent=())
        raise fault or UnexpectedAnswer("exact", f"{doing}: Exact answered {response.status_code}; look at EXACT_URL")

    def remove(self, subscription: Subscription) -> None:
        """End a subscription; one that is gone already is no error.

        Raises:
            AccessDenied: the scope is missing at the level manage; and as `ExactClient.delete`.
        """
        doing = f"ending the subscription to {subscription.topic}"
        try:
            self._client.delete(PATH, subscription.key, doing=doing, scope=f"{ADMINISTRATION} (manage)")
        except RecordGone:
            return

    def _is_there(self, topic: str, url: str) -> bool:
        held = [each for each in self.all() if each.own and each.topic == topic]
        if any(each.url == url for each in held):
            return True
        for each in held:
            raise OrderRefused(
                f"{topic} is subscribed to with another address, {each.url}, and Exact tells one address per topic. To "
                f"change that: talk-assets exact webhooks remove {each.key}"
            )
        return False

    def _subscription(self, row: Row, doing: str) -> Subscription:
        key, topic, url = (row.get(name) for name in ("ID", "Topic", "CallbackURL"))
        if not (isinstance(key, str) and isinstance(topic, str) and isinstance(url, str)):
            raise UnexpectedAnswer(
                "exact", f"{doing}: a row has no ID, Topic or CallbackURL; nothing was taken from it"
            )
        client = row.get("ClientID")
        # Where Exact names no app it shows those of the one that asks.
        own = not isinstance(client, str) or _plain(client) == _plain(self._client_id)
        return Subscription(key, topic.strip(), url.strip(), own, _moment(row.get("Created")))


def judge(now: Callable[[], datetime]) -> Judge:
    """As for records, but that a refused subscription is final: its words are about the address that Exact called."""
    records = judge_records(now)

    def passing(response: httpx.Response) -> PassingFault | None:
        refused = response.request.method == "POST" and response.status_code == HTTPStatus.INTERNAL_SERVER_ERROR
        return None if refused and odata.message(response) else records(response)

    return passing


def check_callback(url: str) -> None:
    """Make sure that Exact can call an address: it takes https only; this machine's own are for the sandbox.

    Raises:
        OrderRefused: the address will not do.
    """
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL("")
    if not parsed.host or parsed.scheme not in ("http", "https"):
        raise OrderRefused(f"--url: {url} is no address; write it as https://sync.example.com/exact.")
    if parsed.scheme != "https" and parsed.host not in _LOOPBACK:
        raise OrderRefused(f"--url: Exact calls https addresses only; write https:// instead of http:// in {url}.")


def _plain(client_id: str) -> str:
    return client_id.strip("{} ").casefold()


def _moment(printed: object) -> str:
    try:
        return dates.wall_clock(str(printed)).isoformat(sep=" ", timespec="seconds")
    except ValueError:
        return ""
