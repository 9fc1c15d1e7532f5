"""Sends webhooks: in the background, in order per subscription, and again when a receiver does not take them.

What is not delivered yet is kept in memory only, so the end of the server is the end of it.
"""

import threading
from collections import deque
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, Literal

from talk_assets.sandbox.exact.config import ExactConfig
from talk_assets.sandbox.store import Clock

if TYPE_CHECKING:
    import httpx

State = Literal["pending", "delivered", "failed", "dropped"]
_REMEMBERED = 10_000
# The sandbox's clock may be moved at any moment, and tells nobody.
_LOOK_SECONDS = 0.05


@dataclass(slots=True, eq=False)
class Delivery:
    """One message to one subscription.

    Attributes:
        number: in the order of what happened.
        subscription: key of the subscription.
        url: where it is sent.
        body: what is sent.
        content: what it tells, for people.
        due: when it is to be sent, or sent again.
        state: `pending`, `delivered`, `failed` after all retries, or `dropped` with its subscription.
        answers: what the receiver said, each time.
    """

    number: int
    subscription: str
    url: str
    body: bytes
    content: dict[str, Any]
    due: datetime
    state: State = "pending"
    answers: list[str] = field(default_factory=list)


class Deliveries:
    """Sends messages, each subscription's in a thread of its own that lives while there are any.

    Args:
        config: how often and how long is tried.
        clock: what retries are measured by.
    """

    def __init__(self, config: ExactConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._numbers = count(1)
        self._changed = threading.Condition()
        # A subscription has a queue as long as a thread works for it.
        self._queues: dict[str, list[Delivery]] = {}
        self._done: deque[Delivery] = deque(maxlen=_REMEMBERED)
        self._client: httpx.Client | None = None
        self._closed = False

    def send(self, subscription: str, url: str, body: bytes, content: dict[str, Any]) -> None:
        """Have a message sent; returns at once."""
        with self._changed:
            if self._closed:
                return
            delivery = Delivery(next(self._numbers), subscription, url, body, content, self._clock())
            queue = self._queues.get(subscription)
            if queue is not None:
                queue.append(delivery)
                self._changed.notify_all()
                return
            self._queues[subscription] = [delivery]
            threading.Thread(target=self._work, args=(subscription,), daemon=True).start()

    def drop(self, subscription: str) -> None:
        """Send nothing more to a subscription."""
        with self._changed:
            for delivery in self._queues.get(subscription, ())[:]:
                self._end(delivery, "dropped")
            self._changed.notify_all()

    def all(self) -> list[Delivery]:
        """Copies of all messages that are pending and the latest that are not, in the order of what happened."""
        with self._changed:
            pending = [delivery for queue in self._queues.values() for delivery in queue]
            known = sorted([*self._done, *pending], key=lambda delivery: delivery.number)
            return [replace(delivery, answers=list(delivery.answers)) for delivery in known]

    def forget(self) -> None:
        """Forget the messages that are done with."""
        with self._changed:
            self._done.clear()

    def close(self) -> None:
        """Send nothing more; what is being sent is not waited for."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _work(self, subscription: str) -> None:
        while (delivery := self._next(subscription)) is not None:
            taken, answer = self._deliver(delivery)
            with self._changed:
                self._note(delivery, answer, taken=taken)

    def _next(self, subscription: str) -> Delivery | None:
        """Wait for the next message that is due; None when there is nothing left to wait for."""
        with self._changed:
            while self._queues[subscription] and not self._closed:
                now = self._clock()
                due = next((delivery for delivery in self._queues[subscription] if delivery.due <= now), None)
                if due is not None:
                    return due
                self._changed.wait(_LOOK_SECONDS)
            del self._queues[subscription]
            return None

    def _end(self, delivery: Delivery, state: State) -> None:
        delivery.state = state
        self._queues[delivery.subscription].remove(delivery)
        self._done.append(delivery)

    def _note(self, delivery: Delivery, answer: str, *, taken: bool) -> None:
        delivery.answers.append(answer)
        if delivery.state != "pending":
            return  # dropped while it was being sent
        retry = len(delivery.answers)
        if taken:
            self._end(delivery, "delivered")
        elif retry > self._config.webhook_retries:
            self._end(delivery, "failed")
        else:
            wait = self._config.webhook_retry_seconds * 2 ** (retry - 1)
            delivery.due = self._clock() + timedelta(seconds=wait)

    def _deliver(self, delivery: Delivery) -> tuple[bool, str]:
        # Loaded when the first message is sent: no start without webhooks is to wait for it.
        import httpx

        try:
            answer = self._sender().post(delivery.url, content=delivery.body, headers=_HEADERS)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return False, f"{type(error).__name__}: {error}"
        return answer.is_success, f"{answer.status_code} {answer.reason_phrase}"

    def _sender(self) -> "httpx.Client":
        import httpx

        with self._changed:
            if self._client is None:
                # A connection kept open would hold up the end of a receiver.
                limits = httpx.Limits(max_keepalive_connections=0)
                seconds = self._config.webhook_answer_seconds
                self._client = httpx.Client(timeout=seconds, limits=limits, mounts=_DIRECT)
            return self._client


_HEADERS = {"Content-Type": "application/json; charset=utf-8"}
# No proxy lies between us and this machine.
_DIRECT: dict[str, None] = {"all://localhost": None, "all://127.0.0.1": None, "all://[::1]": None}


async def refusal(url: str, seconds: float) -> str | None:
    """What a receiver says against being called: None when it takes the empty POST that Exact sends at first.

    Args:
        url: of the receiver.
        seconds: how long its answer is waited for.

    Returns:
        Status and text, in the words of Exact's message (Exact reference, Webhooks; the texts are on record).
    """
    import httpx

    try:
        # To load all certificates takes longer than the call, and without https nobody looks at them.
        verify = url.lower().startswith("https:")
        async with httpx.AsyncClient(timeout=seconds, mounts=_DIRECT, verify=verify) as client:
            answer = await client.post(url)
    except (httpx.HTTPError, httpx.InvalidURL):
        return "500 An error occurred while sending the request."
    return None if answer.is_success else f"{answer.status_code} {answer.reason_phrase}"
