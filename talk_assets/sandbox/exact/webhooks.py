"""Webhooks: who wants to be told of which changes, and what they are told (Exact reference, Webhooks)."""

import hashlib
import hmac
import ipaddress
import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal
from urllib.parse import urlsplit
from uuid import uuid4
from zoneinfo import ZoneInfo

from talk_assets.sandbox.exact import codes
from talk_assets.sandbox.exact.config import ExactConfig
from talk_assets.sandbox.exact.deliveries import Deliveries, refusal
from talk_assets.sandbox.exact.errors import Refused, rejected
from talk_assets.sandbox.exact.model import SETS, WEBHOOKS, EntitySet
from talk_assets.sandbox.exact.reader import SYSTEM
from talk_assets.sandbox.exact.state import ExactState
from talk_assets.sandbox.store import Body, Change, Store, Stored

Action = Literal["Create", "Update", "Delete"]

_INSTANT = "GoodsDeliveries"
# Those of sets that are not kept here can be subscribed to; nothing ever happens to them.
TOPICS = frozenset(entity_set.topic for entity_set in SETS.values() if entity_set.topic is not None) | {
    "BankAccounts", "BankEntries", "CashEntries", "CostTransactions", "Documents", "FinancialTransactions",
    "GeneralJournalEntries", _INSTANT, "PurchaseEntries", "PurchaseOrders", "SalesEntries", "SalesInvoices",
    "StockPositions", "Subscriptions", "TimeTransactions",
}  # fmt: skip


class Webhooks:
    """The subscriptions of the one registered app, and what it is told.

    Args:
        store: where subscriptions are kept; from now on this object is told of its changes.
        config: of the server.
    """

    def __init__(self, store: Store, config: ExactConfig) -> None:
        self._store = store
        self._config = config
        self._zone = ZoneInfo(config.timezone)
        self.deliveries = Deliveries(config, store.clock)
        store.watch(self.changed)

    def subscriptions(self, division: int) -> list[Stored]:
        """The subscriptions in a division."""
        return self._store.list(SYSTEM, str(division), WEBHOOKS.name)

    def wanted(self, division: int, values: Mapping[str, Any]) -> Body:
        """A subscription as it would be kept, after every check but the call of its receiver.

        Raises:
            Refused: 500 with the text of the business rule.
        """
        if self._config.webhook_secret is None:
            raise rejected("De app heeft geen webhook secret.")
        wanted: Body = {
            "ClientID": self._config.client_id,
            "Description": codes.APP_NAME,
            "UserID": codes.USER_ID,
            "IsInstant": False,
        } | {name: value for name, value in values.items() if value is not None}
        self._check(wanted)
        self._check_new(division, wanted["Topic"])
        return wanted

    async def subscribe(self, division: int, wanted: Body) -> str:
        """Call the receiver, and keep the subscription when it answers well; its key.

        Raises:
            Refused: 500, the receiver does not take the empty POST, or somebody else was faster.
        """
        await self._call(wanted["CallbackURL"])
        with self._store.transaction():
            self._check_new(division, wanted["Topic"])
            key = str(uuid4())
            self._store.insert(SYSTEM, str(division), WEBHOOKS.name, key, wanted | {WEBHOOKS.key: key})
        return key

    async def change(self, state: ExactState, key: str, values: Mapping[str, Any]) -> None:
        """Change a subscription, where the server takes that.

        The reference documents PUT, and somebody who tried it found it refused (2017); no answer is on record.

        Raises:
            Refused: 405 unless configured otherwise; 500 as for a new subscription.
        """
        held = state.get(WEBHOOKS.name, key)
        if not self._config.webhook_updates:
            raise Refused(405, "Method not allowed", {"Allow": "GET, DELETE"})
        body = {name: value for name, value in (held.body | dict(values)).items() if value is not None}
        self._check(body)
        if body["Topic"] != held.body["Topic"]:
            self._check_new(state.division, body["Topic"])
        if body["CallbackURL"] != held.body["CallbackURL"]:
            await self._call(body["CallbackURL"])
        self._store.update(SYSTEM, str(state.division), WEBHOOKS.name, key, body)

    def unsubscribe(self, state: ExactState, key: str) -> None:
        """Take a subscription away; what was not delivered to it is dropped."""
        state.get(WEBHOOKS.name, key)
        self._store.delete(SYSTEM, str(state.division), WEBHOOKS.name, key)
        self.deliveries.drop(key)

    def changed(self, changes: Sequence[Change]) -> None:
        """Tell the subscribers of the changes of one transaction, of each record once."""
        together: dict[tuple[str, str, str], Change] = {}
        for change in changes:
            after = change.after
            if after.system != SYSTEM or after.entity not in SETS or SETS[after.entity].topic is None:
                continue
            place = (after.division, after.entity, after.key)
            before = together[place].before if place in together else change.before
            together[place] = Change(before, after)
        for change in together.values():
            entity_set = SETS[change.after.entity]
            action = _action(entity_set, change)
            if action is not None:
                self._tell(entity_set, action, change.after)

    def _tell(self, entity_set: EntitySet, action: Action, record: Stored) -> None:
        for subscription in self._store.find(SYSTEM, record.division, WEBHOOKS.name, "Topic", entity_set.topic):
            content = {
                "Topic": entity_set.topic,
                "ClientId": subscription.body["ClientID"],
                "Division": int(record.division),
                "Action": action,
                "Key": record.key,
                "ExactOnlineEndpoint": (
                    f"{self._config.address}/api/v1/{record.division}/{entity_set.path}(guid'{record.key}')"
                ),
                "EventCreatedOn": self._now(),
            }
            self.deliveries.send(subscription.key, subscription.body["CallbackURL"], self._signed(content), content)

    def _signed(self, content: Mapping[str, Any]) -> bytes:
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        secret = (self._config.webhook_secret or "").encode()
        code = hmac.new(secret, text.encode(), hashlib.sha256).hexdigest().upper()
        return f'{{"Content":{text},"HashCode":"{code}"}}'.encode()

    def _now(self) -> str:
        # Recorded ones have milliseconds and no zone; like all times of Exact they are taken to be the site's own.
        local = self._store.clock().astimezone(self._zone).replace(tzinfo=None)
        return local.isoformat(timespec="milliseconds")

    def _check(self, body: Body) -> None:
        for name in ("CallbackURL", "Topic"):
            if name not in body:
                raise rejected(f"Verplicht: {name}")
        if body["Topic"] not in TOPICS:
            raise rejected(f"Ongeldig: Topic ({body['Topic']})")
        if body.get("IsInstant") and body["Topic"] != _INSTANT:
            raise rejected(f"Ongeldig: IsInstant (alleen voor {_INSTANT})")
        self._check_url(body["CallbackURL"])

    def _check_url(self, url: str) -> None:
        try:
            parts = urlsplit(url)
        except ValueError:
            raise rejected("Ongeldig: CallbackURL") from None
        host = (parts.hostname or "").lower()
        local = _is_this_machine(host)
        if not host or (local and not self._config.local_callbacks):
            raise rejected("Ongeldig: CallbackURL")
        if parts.scheme != "https" and not (local and parts.scheme == "http"):
            raise rejected("Ongeldig: CallbackURL (alleen https)")
        home = (urlsplit(self._config.redirect_uri).hostname or "").lower()
        if self._config.callback_domain and not local and host != home and not host.endswith(f".{home}"):
            raise rejected(f"Ongeldig: CallbackURL (het domein is niet {home})")

    def _check_new(self, division: int, topic: str) -> None:
        for other in self._store.find(SYSTEM, str(division), WEBHOOKS.name, "Topic", topic):
            if other.body["ClientID"] == self._config.client_id:
                raise rejected("Gegeven bestaat reeds.")

    async def _call(self, url: str) -> None:
        against = await refusal(url, self._config.webhook_answer_seconds)
        if against is not None:
            raise rejected(f"Invalid: Post to callback URL endpoint returns {against}")


def _action(entity_set: EntitySet, change: Change) -> Action | None:
    """What a subscriber is told; None when the change does not concern webhooks."""
    before, after = change.before, change.after
    former = None if before is None or before.deleted else before
    if after.deleted:
        return None if former is None else "Delete"
    if former is None:
        return "Create"
    # The time of change moves with every change; on accounts that alone is told (Exact reference, Accounts).
    names = {name for name in former.body.keys() | after.body.keys() if former.body.get(name) != after.body.get(name)}
    properties = entity_set.properties
    told = any(name in properties and properties[name].webhook for name in names | {"Modified"})
    return "Update" if told else None


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
