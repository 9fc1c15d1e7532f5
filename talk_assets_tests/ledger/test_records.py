"""What each system held when it was last read."""

import pandas as pd

from talk_assets.ledger import records, settlement
from talk_assets.ledger.database import Ledger

_DIVISION, _ENTITY, _RUN = "1", "customerp.customer", "run"
_FIRST, _SECOND = "2026-01-05T10:00:00Z", "2026-01-06T10:00:00Z"


def test_a_removal_that_is_reported_again(ledger: Ledger) -> None:
    """A record that was brought back would be taken for removed in every run, and its edits never be delivered."""
    found = pd.DataFrame(
        {
            "key": ["a"],
            "document": pd.Series([None], dtype="str"),
            "position": pd.array([None], dtype="Int64"),
            "modified": pd.Series([pd.NaT], dtype="datetime64[us, UTC]"),
            "version": pd.Series([None], dtype="str"),
            "accounted": True,
            "name": ["A"],
        }
    )

    def live_after(report: str | None) -> int:
        """How many records there are after the record was read, and then reported as removed at a time."""
        at = pd.to_datetime(pd.Series([report], dtype="str"), utc=True, format="ISO8601")
        with ledger.begin() as connection:
            records.store_records(connection, _DIVISION, _ENTITY, found, ["name"], _RUN)
            reported = pd.DataFrame({"entity": _ENTITY, "key": ["a"], "deleted_at": at})
            records.store_deletions(connection, _DIVISION, "customerp", reported)
            records.apply_deletions(connection, _DIVISION, [_ENTITY])
            return records.count_live(connection, _DIVISION, _ENTITY)

    assert live_after(_FIRST) == 0
    assert live_after(_FIRST) == 1
    assert live_after(_SECOND) == 0
    assert live_after(_SECOND) == 1
    # Without a time it cannot be told apart from another removal.
    assert live_after(None) == 0
    assert live_after(None) == 0


def test_what_is_not_read_any_more_is_kept(ledger: Ledger) -> None:
    """A record that cannot be read when a property is mapped again would look emptied, and its counterpart be wiped."""
    common = {
        "document": pd.Series([None], dtype="str"),
        "position": pd.array([None], dtype="Int64"),
        "modified": pd.Series([pd.NaT], dtype="datetime64[us, UTC]"),
        "version": pd.Series([None], dtype="str"),
        "accounted": True,
    }

    def held_after(**values: str | None) -> dict[str, str]:
        """What is stored after these properties were read."""
        texts = {name: pd.Series([value], dtype="str") for name, value in values.items()}
        frame = pd.DataFrame({"key": ["a"], **common, **texts})
        with ledger.begin() as connection:
            records.store_records(connection, _DIVISION, _ENTITY, frame, list(values), _RUN)
            return settlement.held(connection, _DIVISION, _ENTITY, "a")

    assert held_after(name="A", phone="1", marked="true") == {"name": "A", "phone": "1", "marked": "true"}
    # A mark would go on to say that the record is deleted.
    assert held_after(name="B") == {"name": "B", "phone": "1"}
    assert held_after(name=None, phone=None) == {}
