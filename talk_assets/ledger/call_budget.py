"""What Exact's limits of calls leave to a division, shared by all its processes."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from talk_assets.ledger.database import Ledger
from talk_assets.ledger.tables import call_budget
from talk_assets.systems.budget import Budget, Window

_OPEN = insert(call_budget).on_conflict_do_nothing()
_KNOWN = sa.select(call_budget).where(call_budget.c.division == sa.bindparam("wanted"))
_LOCKED = _KNOWN.with_for_update()
_CHANGE = sa.update(call_budget).where(call_budget.c.division == sa.bindparam("wanted"))


class CallBudgetStore:
    """The budget of one division.

    Args:
        ledger: where it is kept; also within a preview it is kept at once, because the calls are spent.
        division: the division.
    """

    def __init__(self, ledger: Ledger, division: str) -> None:
        self._ledger = ledger
        self._division = division

    def load(self) -> Budget:
        """What is known."""
        with self._ledger.begin_apart() as connection:
            row = connection.execute(_KNOWN, {"wanted": self._division}).mappings().one_or_none()
        return Budget() if row is None else _read(row)

    def change(self, how: Callable[[Budget], Budget]) -> Budget:
        """Replace it by what is made of it, while no other process does so; the new one."""
        with self._ledger.begin_apart() as connection:
            row = connection.execute(_LOCKED, {"wanted": self._division}).mappings().one_or_none()
            if row is None:
                connection.execute(_OPEN, {"division": self._division})
                row = connection.execute(_LOCKED, {"wanted": self._division}).mappings().one()
            before = _read(row)
            after = how(before)
            if after != before:
                connection.execute(_CHANGE, {"wanted": self._division, **_row(after)})
        return after


def _read(row: sa.RowMapping) -> Budget:
    return Budget(_window(row, "minute"), _window(row, "day"), _seconds(row["polled_at"]))


def _window(row: sa.RowMapping, name: str) -> Window | None:
    reset = _seconds(row[f"{name}_reset"])
    return None if reset is None else Window(row[f"{name}_limit"], row[f"{name}_left"], reset)


def _row(budget: Budget) -> dict[str, Any]:
    found: dict[str, Any] = {"polled_at": _moment(budget.polled)}
    for name, window in (("minute", budget.minute), ("day", budget.day)):
        found |= {
            f"{name}_limit": None if window is None else window.limit,
            f"{name}_left": None if window is None else window.left,
            f"{name}_reset": None if window is None else _moment(window.reset),
        }
    return found


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
