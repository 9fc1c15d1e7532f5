"""Exact's budget of calls: 60 a minute and 5,000 a day per app and division (Exact reference, API limits).

`RateGate` keeps it from the headers that every answer carries, for this process. It fills the place of `Gate`: a
governor that shares the budget between processes is handed to the connector instead.
"""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

import httpx

from talk_assets.errors import SystemUnavailable
from talk_assets.systems.exact.failed_calls import ErrorBudget
from talk_assets.systems.http import retry_after
from talk_assets.systems.repeats import PassingFault

_MINUTE = 60.0
_SLACK = 0.1  # seconds after the reset, so that the next call does not fall into the old window
_COUNTED = re.compile(r"/api/v1/\d+/")


@dataclass(frozen=True, slots=True)
class Window:
    """What is left of a budget and when it is filled again (epoch seconds)."""

    left: int
    reset: float

    def spent(self, now: float) -> bool:
        """Whether nothing is left at this moment."""
        return self.left <= 0 and now < self.reset


def minute_window(headers: httpx.Headers) -> Window | None:
    """The minute's budget as an answer states it; its reset is in epoch milliseconds."""
    return _window(headers, "X-RateLimit-Minutely-Remaining", "X-RateLimit-Minutely-Reset")


def day_window(headers: httpx.Headers) -> Window | None:
    """The day's budget as an answer states it; its reset is in epoch milliseconds."""
    return _window(headers, "X-RateLimit-Remaining", "X-RateLimit-Reset")


class RateGate:
    """Spends the minute as the answers' headers state it and refuses calls once the day is spent.

    Args:
        now: the present time, with zone.
        errors: the budget of failed calls; None counts none.
    """

    def __init__(
        self,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        errors: ErrorBudget | None = None,
    ) -> None:
        self._now = now
        self._errors = errors
        self._minute: Window | None = None
        self._day: Window | None = None
        self._lock = threading.Lock()

    def before(self, url: httpx.URL) -> PassingFault | None:
        """The minute whose calls are spent, with the time until it ends; None when a call can be sent.

        Calls without a division, such as current/Me and those for tokens, are not counted by Exact.

        Raises:
            SystemUnavailable: the day's calls are spent, or too many calls failed; `retry_after` is the time until
                calls are possible again.
        """
        if not _COUNTED.search(url.path):
            return None
        if self._errors is not None:
            self._errors.before(url)
        with self._lock:
            now = self._now().timestamp()
            if self._day is not None and self._day.spent(now):
                seconds = self._day.reset - now
                raise SystemUnavailable(
                    "exact",
                    f"Exact's calls of this day are spent; in {seconds / 3600:.1f} hours they are filled again and "
                    "what is owed is sent",
                    retry_after=seconds,
                )
            if self._minute is None or not self._minute.spent(now):
                return None
            # A minute never lasts longer, whatever the difference between both clocks.
            seconds = min(self._minute.reset - now, _MINUTE) + _SLACK
            # Told once, so that a wait is over when it has been waited for, whatever the clocks say.
            self._minute = None
            return PassingFault("the calls of this minute are spent", wait=seconds, refused=True, limit=True)

    def after(self, response: httpx.Response) -> None:
        """Learn what is left from an answer's headers, and count it when it failed."""
        if self._errors is not None and _COUNTED.search(response.request.url.path):
            self._errors.after(response)
        with self._lock:
            # How long to wait after a refusal is told by `too_many`.
            refused = response.status_code == HTTPStatus.TOO_MANY_REQUESTS
            self._minute = None if refused else minute_window(response.headers) or self._minute
            self._day = day_window(response.headers) or self._day


def too_many(response: httpx.Response, now: datetime) -> PassingFault | None:
    """A 429 with the time to wait: until the minute or the day is filled again.

    An answer names the limit that was hit by carrying only its headers; without any the minute is meant.
    """
    if response.status_code != HTTPStatus.TOO_MANY_REQUESTS:
        return None
    minute, day = minute_window(response.headers), day_window(response.headers)
    if day is not None and day.left <= 0 and (minute is None or minute.left > 0):
        wait = max(day.reset - now.timestamp(), 0.0)
        problem = "the calls of this day are spent (429)"
    elif minute is not None:
        wait = min(max(minute.reset - now.timestamp(), 0.0), _MINUTE) + _SLACK
        problem = "the calls of this minute are spent (429)"
    else:
        wait = retry_after(response.headers.get("Retry-After")) or _MINUTE
        problem = "too many calls were made, Exact does not say in which time (429)"
    return PassingFault(problem, wait=wait, refused=True, status=429, limit=True)


def _window(headers: httpx.Headers, left: str, reset: str) -> Window | None:
    try:
        return Window(left=int(headers[left]), reset=int(headers[reset]) / 1000)
    except (KeyError, ValueError):
        return None
