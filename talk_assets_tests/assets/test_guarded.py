"""Guards as checks in Dagit and as sentences on the command line."""

import dagster as dg
import pandas as pd

from talk_assets import console
from talk_assets.assets.guarded import GUARD, guard_result

_AT = pd.Timestamp("2026-01-01", tz="UTC")


def tripped(accepted: pd.Timestamp | None = None) -> pd.DataFrame:
    """A guard that tripped, as the ledger gives it."""
    row = {
        "entity": "exact.accounts",
        "kind": "volume",
        "reason": "300 writes are owed, more than 200.",
        "seen": 300,
        "tripped_at": _AT,
        "accepted_at": accepted,
    }
    return pd.DataFrame([row]).astype({"accepted_at": "datetime64[us, UTC]"})


def test_a_guard_is_a_check_that_names_the_way_out() -> None:
    """A controller would find writes missing in the morning, and nobody could say why or what to do."""
    result = guard_result(dg.AssetKey("written"), tripped())
    assert (result.passed, result.severity, result.check_name) == (False, dg.AssetCheckSeverity.ERROR, GUARD)
    assert "300 writes are owed" in str(result.description)
    assert "talk-assets accept exact.accounts" in str(result.description)
    assert guard_result(dg.AssetKey("written"), tripped(_AT)).passed
    assert guard_result(dg.AssetKey("written"), tripped().iloc[:0]).passed


def test_status_names_guards_and_the_way_out() -> None:
    """Whoever looks at the command line only would not learn that something waits."""
    ((head, words),) = console.stopped(tripped())
    assert "exact.accounts" in head
    assert words.endswith("To let it pass once: talk-assets accept exact.accounts")
    ((_, words),) = console.stopped(tripped(_AT))
    assert words.endswith("It was accepted: the next sync lets it pass.")
