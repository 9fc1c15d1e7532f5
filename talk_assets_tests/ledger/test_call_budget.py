"""What is left of Exact's calls, kept for all processes."""

from concurrent.futures import ThreadPoolExecutor

from talk_assets.ledger.call_budget import CallBudgetStore
from talk_assets.ledger.database import Ledger
from talk_assets.systems.budget import Budget, Window

MIDNIGHT = 1_736_899_200.0
KNOWN = Budget(Window(60, 50, MIDNIGHT + 60), Window(5000, 4000, MIDNIGHT + 86_400), MIDNIGHT + 1.5)


def test_the_budget_is_kept_per_division_also_in_a_preview(ledger: Ledger) -> None:
    """Each process would spend the whole day's calls by itself, and the last ones get nothing."""
    with ledger.preview() as preview:
        assert CallBudgetStore(preview, "1").change(lambda _: KNOWN) == KNOWN
    assert CallBudgetStore(ledger, "1").load() == KNOWN
    assert CallBudgetStore(ledger, "2").load() == Budget()


def test_calls_of_several_processes_are_all_counted(ledger: Ledger) -> None:
    """Two workers would spend the same calls twice, and Exact refuses what is over."""
    CallBudgetStore(ledger, "1").change(lambda _: KNOWN)

    def spend(_: int) -> None:
        CallBudgetStore(ledger, "1").change(Budget.used)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(spend, range(40)))
    left = CallBudgetStore(ledger, "1").load()
    assert left.minute is not None
    assert left.day is not None
    assert (left.minute.left, left.day.left) == (10, 3960)
