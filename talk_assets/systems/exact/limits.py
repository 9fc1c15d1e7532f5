"""What the headers of Exact's answers say of its limits (Exact reference, Limits)."""

from collections.abc import Mapping

from talk_assets.systems.budget import CALLS_A_DAY, CALLS_A_MINUTE, Window


def minute_window(headers: Mapping[str, str]) -> Window | None:
    """The minute's calls as an answer states them; its reset is in epoch milliseconds."""
    return _window(headers, "X-RateLimit-Minutely", CALLS_A_MINUTE)


def day_window(headers: Mapping[str, str]) -> Window | None:
    """The day's calls as an answer states them; its reset is in epoch milliseconds."""
    return _window(headers, "X-RateLimit", CALLS_A_DAY)


def _window(headers: Mapping[str, str], name: str, usual: int) -> Window | None:
    try:
        left, reset = int(headers[f"{name}-Remaining"]), int(headers[f"{name}-Reset"]) / 1000
        return Window(int(headers.get(f"{name}-Limit", usual)), left, reset)
    except (KeyError, ValueError):
        return None
