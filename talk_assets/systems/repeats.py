"""When and how often a request is sent again, and how long a system is waited for."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    wait_exponential,
    wait_random,
)

logger = logging.getLogger(__name__)

_TOLD_WAIT = 5.0  # seconds; longer waits are logged


class Effect(Enum):
    """What a request changes, and so whether it may be sent again when no answer came."""

    NONE = "none"  # changes nothing: repeated freely
    REPEATABLE = "repeatable"  # carrying it out twice is the same as once
    ONCE = "once"  # carrying it out twice does harm: repeated only when it was certainly not carried out


@dataclass(frozen=True, slots=True)
class PassingFault:
    """An answer that says: not now.

    Attributes:
        problem: what was seen, for a person, without a full stop.
        wait: seconds after which the system said it can be asked again.
        refused: whether the request was certainly not carried out.
        status: HTTP status of the answer.
        limit: whether there is nothing wrong but that too many calls were made.
    """

    problem: str
    wait: float | None = None
    refused: bool = False
    status: int | None = None
    limit: bool = False


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long to try again.

    Attributes:
        attempts: requests in all, the first included.
        first_wait: seconds before the second attempt; doubled, with some chance added, before each further one.
        longest_wait: seconds of all waits for one request together; a system that asks for more is not waited for.
        longest_write: seconds since its first attempt after which a write is not sent again: what it was planned from
            may have changed.
    """

    attempts: int = 5
    first_wait: float = 0.5
    longest_wait: float = 120.0
    longest_write: float = 15.0


class Again(Exception):
    """Carries a passing fault to the repeating loop.

    Args:
        fault: what was met.
        reached: whether the request may have been carried out.
    """

    def __init__(self, fault: PassingFault, *, reached: bool) -> None:
        super().__init__(fault.problem)
        self.fault = fault
        self.reached = reached


class Repeats:
    """Sends the requests to one system again, and remembers between them what its limit of calls asked for.

    Args:
        system: `customerp` or `exact`, for the log.
        patience: how often and how long to try again.
        sleep: waits the given seconds.
    """

    def __init__(self, system: str, patience: Patience, sleep: Callable[[float], None]) -> None:
        self._system = system
        self._patience = patience
        self._sleep = sleep
        # Seconds that a write would have had to wait, left to the read that comes before it is sent again.
        self._owed_wait = 0.0
        # Whether the longest wait was not enough the last time: until a call passes, nothing is waited for any more.
        self._shut = False

    def begin(self, effect: Effect) -> Retrying:
        """The loop around one request; it ends by an answer, or by the `Again` that is not tried again."""
        rested = 0.0
        if effect is Effect.NONE and self._owed_wait:
            rested, self._owed_wait = self._owed_wait, 0.0
            self._sleep(rested)
        patience = self._patience
        growing = wait_exponential(multiplier=patience.first_wait, max=patience.longest_wait) + wait_random(
            0, patience.first_wait
        )

        def may_repeat(error: BaseException) -> bool:
            if not isinstance(error, Again) or (error.fault.limit and self._shut):
                return False
            return effect is not Effect.ONCE or not error.reached

        def pause(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            asked = error.fault.wait if isinstance(error, Again) else None
            return max(asked or 0.0, growing(state))

        def is_over(state: RetryCallState) -> bool:
            waited = rested + state.idle_for
            if state.attempt_number >= patience.attempts or waited + state.upcoming_sleep > patience.longest_wait:
                return True
            passed = max(waited, state.seconds_since_start or 0.0)
            return effect is not Effect.NONE and passed + state.upcoming_sleep > patience.longest_write

        def tell(state: RetryCallState) -> None:
            if state.outcome is not None and state.upcoming_sleep >= _TOLD_WAIT:
                error = state.outcome.exception()
                logger.info("%s: %s; trying again in %.0f s", self._system, error, state.upcoming_sleep)

        return Retrying(
            stop=is_over,
            wait=pause,
            retry=retry_if_exception(may_repeat),
            before_sleep=tell,
            sleep=self._sleep,
            reraise=True,
        )

    def passed(self) -> None:
        """Note that the system took a call."""
        self._shut = False

    def postpones(self, fault: PassingFault, effect: Effect, *, reached: bool) -> bool:
        """Whether a request that is not sent again can be, once the limit that it met is over.

        That is so for a write that was certainly not carried out. The wait is left to the next read, which shows
        whether the write is still right. A read that has met a limit has waited for it: it is not over soon.

        Args:
            fault: what the last attempt met.
            effect: what the request changes.
            reached: whether it may have been carried out.
        """
        if fault.limit and effect is Effect.NONE:
            self._shut = True
        wait = fault.wait or 0.0
        if not fault.limit or reached or self._shut or wait > self._patience.longest_wait:
            return False
        self._owed_wait = wait
        return True
