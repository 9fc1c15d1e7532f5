"""Failed calls, kept for all processes."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import httpx

from talk_assets.ledger.database import Ledger
from talk_assets.ledger.failed_calls import FailedCallStore
from talk_assets.systems.exact.failed_calls import ErrorBudget

NOW = datetime(2024, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)


def test_failed_calls_are_kept_per_division_and_endpoint_also_in_a_preview(ledger: Ledger) -> None:
    """Every process would have failed calls of its own to spend, and Exact shut out all of them."""
    times = [NOW, NOW + timedelta(minutes=1)]
    with ledger.preview() as preview:
        for moment in (NOW - timedelta(hours=1), *times):
            FailedCallStore(preview, "1").add("/api/v1/1/crm/Accounts", moment, moment - timedelta(hours=1))
    FailedCallStore(ledger, "1").add("/api/v1/1/crm/Contacts", NOW, NOW - timedelta(hours=1))
    assert FailedCallStore(ledger, "1").load() == {
        "/api/v1/1/crm/Accounts": times,
        "/api/v1/1/crm/Contacts": times[:1],
    }
    assert FailedCallStore(ledger, "2").load() == {}


def test_calls_that_fail_at_the_same_moment_are_all_counted(ledger: Ledger) -> None:
    """Two processes that are refused side by side would fail twice as often as Exact bears."""
    refusal = httpx.Response(403, request=httpx.Request("GET", "https://start.exactonline.nl/api/v1/1/crm/Accounts"))
    together = Barrier(8)

    def fail(_number: int) -> None:
        budget = ErrorBudget(FailedCallStore(ledger, "1"))
        together.wait()
        budget.after(refusal)

    with ThreadPoolExecutor(8) as processes:
        list(processes.map(fail, range(8)))
    assert len(FailedCallStore(ledger, "1").load()["/api/v1/1/crm/Accounts"]) == 8
