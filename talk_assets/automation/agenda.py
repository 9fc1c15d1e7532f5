"""What a sensor remembers from one look to the next: when it asked for what, and for which news it started runs.

What was read is known by the cursors of the feeds, in the ledger; nothing is lost when this is.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from pydantic import BaseModel, ValidationError

# A run that left the news as they were, because it failed, a guard stopped it or calls are saved, is not repeated at
# once; nor is it waited longer than this, so that nothing stays behind for good.
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)


class Attempt(BaseModel):
    """Runs that were started for the same news: how many, and when the last one was."""

    mark: str
    times: int
    at: datetime


class Agenda(BaseModel):
    """See the module; feeds by their names, times by the ledger's clock."""

    asked: dict[str, datetime] = {}
    attempts: dict[str, Attempt] = {}

    @classmethod
    def load(cls, text: str | None) -> "Agenda":
        """What the sensor's cursor holds; anew when it holds something else."""
        try:
            return cls.model_validate_json(text) if text else cls()
        except ValidationError:
            return cls()

    def is_due(self, feed: str, now: datetime, every: timedelta) -> bool:
        """Whether a feed is to be asked again, so much time after it was asked last."""
        asked = self.asked.get(feed)
        # A time in the future was told by another clock.
        return asked is None or not timedelta(0) <= now - asked < every

    def note_asked(self, feed: str, now: datetime) -> None:
        """Remember when a feed was asked."""
        self.asked[feed] = now

    def ready(self, news: Mapping[str, str], now: datetime) -> list[str]:
        """The feeds for whose news a run can be started now, among all that have some."""
        return sorted(feed for feed, mark in news.items() if self._waited(feed, mark, now))

    def start(self, news: Mapping[str, str], now: datetime) -> str:
        """Remember that a run is started for these news; a name for it that no run before had, and only this one has.

        A sensor that ended before it could store what it remembers names the same run by the same name.
        """
        parts = []
        for feed, mark in sorted(news.items()):
            before = self.attempts.get(feed)
            times = before.times + 1 if before is not None and before.mark == mark else 1
            self.attempts[feed] = Attempt(mark=mark, times=times, at=now)
            parts.append(f"{feed} {mark} {times}")
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]

    def keep(self, feeds: Iterable[str]) -> None:
        """Forget all other feeds: what a mapping names no more."""
        wanted = set(feeds)
        self.asked = {feed: at for feed, at in self.asked.items() if feed in wanted}
        self.attempts = {feed: attempt for feed, attempt in self.attempts.items() if feed in wanted}

    def _waited(self, feed: str, mark: str, now: datetime) -> bool:
        before = self.attempts.get(feed)
        if before is None or before.mark != mark:
            return True
        return not timedelta(0) <= now - before.at < wait_after(before.times)


def wait_after(times: int) -> timedelta:
    """How long is waited after so many runs in a row that changed nothing: a minute, then twice as long each time."""
    return min(FIRST_WAIT * (1 << min(times - 1, 16)), LONGEST_WAIT)
