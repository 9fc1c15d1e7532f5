"""The clock by which limits of calls and lives of tokens are measured."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Clock:
    """Tells the time and lets it pass.

    Attributes:
        now: the present time, with zone.
        sleep: waits the given seconds.
    """

    now: Callable[[], datetime] = _now
    sleep: Callable[[float], None] = time.sleep


REAL_TIME = Clock()
