"""What the work ahead costs in calls of Exact, and how long these take."""

import math
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from talk_assets.cycle.deliver import BATCH
from talk_assets.ledger.call_budget import CallBudgetStore
from talk_assets.ledger.database import Ledger
from talk_assets.systems.budget import CALLS_A_MINUTE, Window

_SYSTEM = "exact"


def budget_ahead(ledger: Ledger, division: str, owed: pd.DataFrame, now: datetime) -> dict[str, Any]:
    """What is left of Exact's calls, and what is owed to Exact, in calls.

    Args:
        ledger: the state.
        division: the division.
        owed: `entity, state, count` of what is owed.
        now: the present time, with zone.

    Returns:
        `minute_limit`; `day` with `limit`, `left` and `reset`, None before the first call; `calls_ahead` for what is to
        be sent, also what still waits for another record, with the reads around it; `seconds_ahead` that these calls
        take.
    """
    seconds = now.timestamp()
    budget = CallBudgetStore(ledger, division).load().at(seconds)
    due = owed[owed["state"].isin(["owed", "waiting"]) & owed["entity"].str.startswith(f"{_SYSTEM}.")]
    calls = sum(int(n) + math.ceil(n / BATCH) + 1 for n in due.groupby("entity")["count"].sum())
    return {
        "minute_limit": budget.minute.limit if budget.minute is not None else CALLS_A_MINUTE,
        "day": None if budget.day is None else _shown(budget.day),
        "calls_ahead": calls,
        "seconds_ahead": round(budget.seconds_for(seconds, calls)),
    }


def _shown(day: Window) -> dict[str, Any]:
    return {"limit": day.limit, "left": day.left, "reset": datetime.fromtimestamp(day.reset, UTC)}
