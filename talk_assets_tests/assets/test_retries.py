"""Which steps are begun again within a run."""

import dagster as dg
import pytest

from talk_assets.assets.run import TalkRun
from talk_assets.cycle.context import Cycle
from talk_assets.errors import AccessDenied, SystemUnavailable, TalkError


def _never() -> Cycle:
    raise AssertionError("no step asks for the cycle")


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (SystemUnavailable("exact", "cut"), True),
        (SystemUnavailable("exact", "busy", retry_after=30), True),
        (SystemUnavailable("exact", "the calls of this day are spent", retry_after=7200), False),
        (AccessDenied("exact", "no right"), False),
    ],
)
def test_a_step_is_begun_again_only_when_that_can_help(error: TalkError, again: bool) -> None:
    """A run waits, and asks a system that has just said that it will not answer for hours."""
    with pytest.raises(dg.Failure) as caught, TalkRun(_never).step("feeds", "exact.accounts"):
        raise error
    assert caught.value.allow_retries is again
