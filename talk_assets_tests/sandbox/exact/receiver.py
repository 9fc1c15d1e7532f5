"""Somebody who is told of changes: a real HTTP server that keeps what Exact sends."""

import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from talk_assets_tests.sandbox.exact.site import CONFIG, Site
from talk_assets_tests.systems.loopback import Answer, Asked, Loopback, loopback

_SECONDS = 10


class Receiver:
    """What came, and how it is answered: with 200 unless `says` is changed."""

    def __init__(self, server: Loopback) -> None:
        self.server = server
        self.url = f"{server.url}/exact"

    @property
    def checks(self) -> list[Asked]:
        """The empty calls that begin a subscription."""
        return [asked for asked in self.server.asked if not asked.body]

    @property
    def told(self) -> list[dict[str, Any]]:
        """The contents of what came, each with a signature that was checked."""
        return [_content(asked.body) for asked in self.server.asked if asked.body]

    def says(self, answer: Callable[[Asked], Answer]) -> None:
        self.server.answer = answer

    def subscribe(self, site: Site, topic: str, **values: Any) -> httpx.Response:
        return site.call(
            "POST",
            "webhooks/WebhookSubscriptions",
            json={"CallbackURL": self.url, "Topic": topic} | values,
            headers={"Prefer": "return=representation"},
        )

    def wait(self, count: int) -> list[tuple[str, str, str]]:
        """Action, set and key of the first `count` messages, once that many are there."""
        until(lambda: len(self.told) >= count)
        return [
            (content["Action"], content["ExactOnlineEndpoint"].rpartition("/")[2].partition("(")[0], content["Key"])
            for content in self.told
        ]


def until(true: Callable[[], bool]) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + _SECONDS
    while not true():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.005)


def counts(site: Site) -> dict[str, int]:
    """How many messages are in which state, without the states of none."""
    counted: dict[str, int] = site.http.get("/_admin/webhooks").json()["counts"]
    return {state: count for state, count in counted.items() if count}


def _content(body: bytes) -> dict[str, Any]:
    match = re.fullmatch(rb'\{"Content":(.*),"HashCode":"([0-9A-F]{64})"\}', body)
    assert match is not None, body
    expected = hmac.new(CONFIG["webhook_secret"].encode(), match[1], hashlib.sha256).hexdigest().upper()
    assert match[2].decode() == expected
    content: dict[str, Any] = json.loads(match[1])
    return content


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver that answers until the block ends."""
    with loopback(lambda _: Answer()) as server:
        yield Receiver(server)
