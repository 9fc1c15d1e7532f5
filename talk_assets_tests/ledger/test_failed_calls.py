"""Failed calls, kept for all processes."""

from datetime import UTC, datetime, timedelta

from talk_assets.ledger.database import Ledger
from talk_assets.ledger.failed_calls import FailedCallStore

NOW = datetime(2024, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)


def test_failed_calls_are_kept_per_division_and_endpoint_also_in_a_preview(ledger: Ledger) -> None:
    """Every process would have failed calls of its own to spend, and Exact shut out all of them."""
    times = [NOW, NOW + timedelta(minutes=1)]
    with ledger.preview() as preview:
        FailedCallStore(preview, "1").save("/api/v1/1/crm/Accounts", times)
    FailedCallStore(ledger, "1").save("/api/v1/1/crm/Contacts", times[:1])
    assert FailedCallStore(ledger, "1").load() == {
        "/api/v1/1/crm/Accounts": times,
        "/api/v1/1/crm/Contacts": times[:1],
    }
    assert FailedCallStore(ledger, "2").load() == {}
