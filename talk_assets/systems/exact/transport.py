"""The HTTP client that speaks to a site of Exact Online."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

import httpx

from talk_assets.errors import ConfigurationError
from talk_assets.systems.exact.faults import judge as judge_of
from talk_assets.systems.exact.governor import Governor
from talk_assets.systems.exact.token_calls import SYSTEM
from talk_assets.systems.http import ANSWER_SECONDS, Gate, HttpClient, Judge
from talk_assets.systems.repeats import Patience


def exact_http(
    url: str,
    *,
    gate: Gate | None = None,
    judge: Judge | None = None,
    patience: Patience | None = None,
    timeout: float = ANSWER_SECONDS,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    sleep: Callable[[float], None] = time.sleep,
) -> HttpClient:
    """A client for a site, still without credentials.

    Args:
        url: the site, `https://start.exactonline.nl` (EXACT_URL).
        gate: keeps the budget of calls; without it the client keeps its own.
        judge: which answers are passing faults, where it is not as for records.
        patience: how often and how long to try again.
        timeout: seconds to wait for an answer.
        now: the present time, with zone.
        sleep: waits the given seconds.

    Raises:
        ConfigurationError: EXACT_URL is no address, or one of Exact Online without https.
    """
    http = HttpClient(
        SYSTEM,
        url,
        "EXACT_URL",
        headers={"Accept": "application/json"},
        judge=judge or judge_of(now),
        gate=gate or Governor(now),
        patience=patience,
        timeout=timeout,
        sleep=sleep,
    )
    site = httpx.URL(http.root)
    if site.scheme != "https" and "exactonline." in site.host:
        http.close()
        raise ConfigurationError("EXACT_URL: Exact Online is reached by https only; write https:// in front")
    return http
