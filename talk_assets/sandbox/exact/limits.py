"""How many calls an app may make (Exact reference, limits): by clock minute, by UTC day, and failed ones by hour."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Literal

from talk_assets.sandbox.exact.config import ExactConfig
from talk_assets.sandbox.exact.errors import Refused
from talk_assets.sandbox.store import Clock

_TOO_MANY = "Too many requests. Rate limit exceeded."
_COUNTED_ERRORS = (400, 401, 403, 404)


class RateLimits:
    """Counts the calls of the app per division; kept in memory, so a restart begins anew."""

    def __init__(self, config: ExactConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._minutes: Counter[tuple[int, datetime]] = Counter()
        self._days: Counter[tuple[int, datetime]] = Counter()
        self._errors: Counter[tuple[int, str, datetime]] = Counter()
        self._blocked_until: datetime | None = None
        self._blocks = 0

    def spend(self, division: int) -> dict[str, str]:
        """Count one call and return the six headers of its answer.

        Raises:
            Refused: 429; only the headers of the limit that is exhausted go along.
        """
        now = self._clock()
        minute, day = (division, _minute(now)), (division, _day(now))
        if self._days[day] >= self._config.calls_per_day:
            raise Refused(429, _TOO_MANY, self._daily(division, now))
        if self._minutes[minute] >= self._config.calls_per_minute:
            raise Refused(429, _TOO_MANY, self._minutely(division, now))
        self._minutes[minute] += 1
        self._days[day] += 1
        return self._daily(division, now) | self._minutely(division, now)

    def check_open(self) -> None:
        """Refuse every call of an app that failed calls have blocked, also those that cost no budget.

        Raises:
            Refused: 429, without headers.
        """
        if self._blocked_until is not None and self._clock() < self._blocked_until:
            raise Refused(429, _TOO_MANY)

    def failed(self, division: int, endpoint: str, status: int) -> None:
        """Count a failed call; above the hourly number the app is blocked for an hour, longer every next time."""
        if status not in _COUNTED_ERRORS:
            return
        now = self._clock()
        place = (division, endpoint, now.replace(minute=0, second=0, microsecond=0))
        self._errors[place] += 1
        if self._errors[place] > self._config.errors_per_hour:
            self._blocks += 1
            self._blocked_until = now + timedelta(hours=self._blocks)
            self._errors[place] = 0

    def spent(self, division: int, limit: Literal["minute", "day"] | None) -> dict[str, str]:
        """The headers of an answer that says that a limit is spent, whether or not it is; none for no limit."""
        now = self._clock()
        headers = {"minute": self._minutely, "day": self._daily}[limit](division, now) if limit is not None else {}
        return {name: "0" if name.endswith("Remaining") else value for name, value in headers.items()}

    def _daily(self, division: int, now: datetime) -> dict[str, str]:
        limit, used = self._config.calls_per_day, self._days[division, _day(now)]
        return _headers("X-RateLimit", limit, used, _day(now) + timedelta(days=1))

    def _minutely(self, division: int, now: datetime) -> dict[str, str]:
        limit, used = self._config.calls_per_minute, self._minutes[division, _minute(now)]
        return _headers("X-RateLimit-Minutely", limit, used, _minute(now) + timedelta(minutes=1))


def _headers(name: str, limit: int, used: int, reset: datetime) -> dict[str, str]:
    return {
        f"{name}-Limit": str(limit),
        f"{name}-Remaining": str(max(limit - used, 0)),
        f"{name}-Reset": str(round(reset.timestamp() * 1000)),
    }


def _minute(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(second=0, microsecond=0)


def _day(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
