"""Spends Exact's budget of calls: asked before every call, told after every answer, for all processes together."""

import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus

import httpx

from talk_assets.errors import SystemUnavailable
from talk_assets.systems.budget import Budget, CallBudget, OwnBudget, Window
from talk_assets.systems.exact.failed_calls import ErrorBudget
from talk_assets.systems.exact.limits import day_window, minute_window
from talk_assets.systems.http import retry_after
from talk_assets.systems.repeats import PassingFault

_MINUTE = 60.0
_SLACK = 0.1  # seconds after the reset, so that the next call does not fall into the old window
_COUNTED = re.compile(r"/api/v1/\d+/")


class Governor:
    """Lets calls pass while Exact has some left, has them wait for the next minute, and refuses them on a spent day.

    Args:
        now: the present time, with zone.
        budget: what is left, shared with other processes; None: this object's own.
        errors: the budget of failed calls; None counts none.
    """

    def __init__(
        self,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        budget: CallBudget | None = None,
        errors: ErrorBudget | None = None,
    ) -> None:
        self._now = now
        self._budget = budget or OwnBudget()
        self._errors = errors
        # End of a spent minute, and seconds still to be waited: then it is over, whatever the clocks say.
        self._spent, self._to_wait = 0.0, 0.0
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
            known = self._take(now)
        if known.day is not None and known.day.spent(now):
            seconds = known.day.reset - now
            raise SystemUnavailable(
                "exact",
                f"Exact's calls of this day are spent; in {seconds / 3600:.1f} hours they are filled again and what is "
                "owed is sent",
                retry_after=seconds,
            )
        if known.minute is None or not self._is_shut(known.minute, now):
            return None
        seconds = self._wait_for(known.minute, now) + _SLACK
        return PassingFault("the calls of this minute are spent", wait=seconds, refused=True, limit=True)

    def rested(self, seconds: float) -> None:
        """Note that calls were held back for so long."""
        with self._lock:
            self._to_wait -= seconds

    def unsent(self, url: httpx.URL) -> None:
        """Give back a call that was let through and never reached Exact."""
        if not _COUNTED.search(url.path):
            return
        with self._lock:
            self._budget.change(Budget.unused)

    def after(self, response: httpx.Response) -> None:
        """Learn what is left from an answer's headers, and count it when it failed."""
        if not _COUNTED.search(response.request.url.path):
            return
        if self._errors is not None:
            self._errors.after(response)
        minute, day = minute_window(response.headers), day_window(response.headers)
        if minute is None and day is None:
            return
        with self._lock:
            self._budget.change(lambda budget: budget.told(minute, day))
            if response.status_code == HTTPStatus.TOO_MANY_REQUESTS and minute is not None:
                # How long to wait after a refusal is told by `too_many`.
                self._wait_for(minute, self._now().timestamp())

    def rest(self, calls: int, *, begins: bool = True) -> float:
        """Seconds by which reading for news, which takes so many calls, is put off; 0: it can be done now.

        Args:
            calls: what it takes.
            begins: whether it begins when it can, which is noted.
        """
        with self._lock:
            now = self._now().timestamp()
            seconds = self._budget.load().at(now).rest(now, calls)
            if begins and seconds == 0:
                self._budget.change(lambda budget: Budget(budget.minute, budget.day, now))
            return seconds

    def _take(self, now: float) -> Budget:
        """Use up one call, if there is one; what was left before."""
        seen = Budget()

        def take(budget: Budget) -> Budget:
            nonlocal seen
            seen = budget.at(now)
            shut = seen.minute is not None and self._is_shut(seen.minute, now)
            return seen if shut or (seen.day is not None and seen.day.spent(now)) else seen.used()

        self._budget.change(take)
        return seen

    def _is_shut(self, minute: Window, now: float) -> bool:
        return minute.spent(now) and (minute.reset != self._spent or self._to_wait > 0)

    def _wait_for(self, minute: Window, now: float) -> float:
        """Seconds until a spent minute is over; whoever is told does not have to be the one who waits."""
        if minute.reset != self._spent:
            # A minute never lasts longer, whatever the difference between both clocks.
            self._spent, self._to_wait = minute.reset, min(max(minute.reset - now, 0.0), _MINUTE)
        return max(min(self._to_wait, minute.reset - now), 0.0)


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
