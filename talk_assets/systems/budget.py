"""A system's budget of calls, and how fast it may be spent.

Exact allows 60 a minute and 5,000 a day per app and division (Exact reference, Limits). Of a day a share is kept for
writes and for the reads that belong to them; reading for news is slowed down before it comes to that share, and put off
when it has come to it. This lives beside the connectors, because they import nothing of the ledger, which keeps it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ceil
from typing import Protocol

_MINUTE, _DAY = 60.0, 86_400.0
# Of a day's calls: kept for writes, and ahead of an even pace before reading for news is slowed down.
RESERVE_SHARE, AHEAD_SHARE = 0.2, 0.1
# What Exact allows when no answer has told yet.
CALLS_A_MINUTE, CALLS_A_DAY = 60, 5_000


@dataclass(frozen=True, slots=True)
class Window:
    """The calls of a minute or a day.

    Attributes:
        limit: how many there are in all.
        left: how many are left.
        reset: when all of them are there again, epoch seconds.
    """

    limit: int
    left: int
    reset: float

    def spent(self, now: float) -> bool:
        """Whether nothing is left at this moment."""
        return self.left <= 0 and now < self.reset

    def used(self) -> "Window":
        """The window after one more call."""
        return replace(self, left=self.left - 1)

    def unused(self) -> "Window":
        """The window when a call that was used up was not sent after all."""
        return replace(self, left=min(self.left + 1, self.limit))

    def rolled(self, now: float, seconds: float) -> "Window":
        """The window that runs at this moment, full when the known one, of so many seconds, is over."""
        if now < self.reset:
            return self
        return replace(self, left=self.limit, reset=self.reset + ceil((now - self.reset + 1e-6) / seconds) * seconds)


@dataclass(frozen=True, slots=True)
class Budget:
    """What is known of a division's calls.

    Attributes:
        minute: calls of this minute; None before the first answer.
        day: calls of this day; None before the first answer.
        polled: when news was last read for, epoch seconds.
    """

    minute: Window | None = None
    day: Window | None = None
    polled: float | None = None

    def at(self, now: float) -> "Budget":
        """The same at a later moment: minutes and days that are over are full again."""
        return replace(
            self,
            minute=None if self.minute is None else self.minute.rolled(now, _MINUTE),
            day=None if self.day is None else self.day.rolled(now, _DAY),
        )

    def used(self) -> "Budget":
        """The budget after one more call."""
        return replace(
            self,
            minute=None if self.minute is None else self.minute.used(),
            day=None if self.day is None else self.day.used(),
        )

    def unused(self) -> "Budget":
        """The budget when a call that was used up was not sent after all."""
        return replace(
            self,
            minute=None if self.minute is None else self.minute.unused(),
            day=None if self.day is None else self.day.unused(),
        )

    def told(self, minute: Window | None, day: Window | None) -> "Budget":
        """The budget as an answer states it, unless it is late and tells of a minute or day that is over."""
        return replace(self, minute=_later(self.minute, minute), day=_later(self.day, day))

    def rest(self, now: float, calls: int) -> float:
        """Seconds by which reading for news, which takes so many calls, is to be put off; 0: it can be done now."""
        day = self.day
        if day is None or now >= day.reset:
            return 0.0
        reserve, ahead = RESERVE_SHARE * day.limit, AHEAD_SHARE * day.limit
        left, seconds = day.left - calls, day.reset - now
        if left < reserve:
            return seconds
        if left >= reserve + (day.limit - reserve - ahead) * min(seconds / _DAY, 1.0):
            return 0.0
        # Behind an even pace: what is left above the reserve is spread over the rest of the day.
        pause = calls * seconds / (day.left - reserve)
        return max(pause - (now - self.polled), 0.0) if self.polled is not None else 0.0

    def seconds_for(self, now: float, calls: int) -> float:
        """How long so many calls take at the pace that the minute allows, across the days that they need."""
        per_minute = self.minute.limit if self.minute is not None else CALLS_A_MINUTE
        per_day = self.day.limit if self.day is not None else CALLS_A_DAY
        today = per_day if self.day is None or now >= self.day.reset else max(self.day.left, 0)
        if calls <= today:
            return calls / per_minute * _MINUTE
        ends = self.day.reset - now if self.day is not None and now < self.day.reset else _DAY
        days, rest = divmod(calls - today, per_day)
        return ends + days * _DAY + rest / per_minute * _MINUTE


class CallBudget(Protocol):
    """Keeps the budget of a division for all processes."""

    def load(self) -> Budget:
        """What is known."""

    def change(self, how: Callable[[Budget], Budget]) -> Budget:
        """Replace it by what is made of it, while no other process does so; the new one."""


class OwnBudget:
    """The budget of a connector that shares it with no other process."""

    def __init__(self) -> None:
        self._budget = Budget()

    def load(self) -> Budget:
        """See `CallBudget.load`."""
        return self._budget

    def change(self, how: Callable[[Budget], Budget]) -> Budget:
        """See `CallBudget.change`."""
        self._budget = how(self._budget)
        return self._budget


def _later(known: Window | None, told: Window | None) -> Window | None:
    return known if told is None or (known is not None and told.reset < known.reset) else told
