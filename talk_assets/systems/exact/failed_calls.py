"""Exact's budget of failed calls.

More than ten calls of one endpoint that fail with 400, 401, 403 or 404 within an hour shut the app out for an hour, and
for longer every next time (Exact reference, Limits). A missing right alone would come to that: every run asks again. So
an endpoint that has failed some times within an hour is left alone until the first of them is an hour old.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Protocol

import httpx

from talk_assets.errors import SystemUnavailable

# Below ten: whatever else uses the same app and login needs some of them as well.
MOST_FAILED = 6
_WINDOW = timedelta(hours=1)
_COUNTED = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)


class FailedCalls(Protocol):
    """Remembers failed calls for all processes that share an administration."""

    def load(self) -> Mapping[str, Sequence[datetime]]:
        """The times of failed calls per endpoint, older ones included."""

    def add(self, endpoint: str, moment: datetime, since: datetime) -> None:
        """Remember one more, while no other process does so, and forget those up to `since`; durable on return."""


class ErrorBudget:
    """Stops calls to an endpoint that has used up its share of failed calls.

    Args:
        store: remembers them between processes.
        now: the present time, with zone.
    """

    def __init__(self, store: FailedCalls, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._store = store
        self._now = now
        self._known: dict[str, list[datetime]] | None = None
        self._lock = threading.Lock()

    def before(self, url: httpx.URL) -> None:
        """Let a call pass.

        Raises:
            SystemUnavailable: the endpoint has failed too often; `retry_after` is the time until it may be called.
        """
        with self._lock:
            if self._known is None:
                self._known = {name: list(times) for name, times in self._store.load().items()}
            endpoint = _endpoint(url)
            recent = self._recent(self._known.get(endpoint, []))
        if len(recent) < MOST_FAILED:
            return
        wait = (recent[-MOST_FAILED] + _WINDOW - self._now()).total_seconds()
        raise SystemUnavailable(
            "exact",
            f"{endpoint}: Exact has refused {len(recent)} calls within the last hour, and shuts an app out that goes "
            f"on like this; in {max(wait / 60, 1):.0f} minutes it is called again. Correct what the refusals said: "
            "rights, scopes or the connection's settings",
            retry_after=wait,
            withheld=True,
        )

    def after(self, response: httpx.Response) -> None:
        """Count an answer that failed."""
        if response.status_code not in _COUNTED:
            return
        endpoint, moment = _endpoint(response.request.url), self._now()
        with self._lock:
            self._store.add(endpoint, moment, moment - _WINDOW)
            self._known = {name: list(times) for name, times in self._store.load().items()}

    def _recent(self, times: Sequence[datetime]) -> list[datetime]:
        since = self._now() - _WINDOW
        return sorted(moment for moment in times if moment > since)


def _endpoint(url: httpx.URL) -> str:
    """The set that an address belongs to, whichever record it names."""
    return url.path.partition("(")[0]
