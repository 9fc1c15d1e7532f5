"""What a sandbox keeps between its starts: divisions and time."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from talk_assets.errors import ConfigurationError
from talk_assets.sandbox.clock import SandboxClock
from talk_assets.sandbox.exact.reader import SYSTEM
from talk_assets.sandbox.installation import EXACT_COMPANY, EXACT_DIVISION, divisions_of, ensure_seeded
from talk_assets.sandbox.seed.options import SeedOptions
from talk_assets.sandbox.store import Store

FEW = SeedOptions(customers=20, contacts=0, employees=0, products=0, quotes=0, orders=0)
MOMENT = datetime(2024, 3, 1, 8, tzinfo=UTC)


def accounts(store: Store, division: int) -> set[str]:
    return {account.body["Name"] for account in store.list(SYSTEM, str(division), "Accounts")}


def test_divisions_are_those_of_the_last_time(tmp_path: Path) -> None:
    """A restart would lose a company, or give the records of one to another."""
    with_default = Store()
    assert divisions_of(with_default, {}) == {EXACT_DIVISION: EXACT_COMPANY}
    ensure_seeded(with_default, FEW)
    assert divisions_of(with_default, {EXACT_DIVISION: "Anders", 5: "Vijf"}) == {EXACT_DIVISION: "Anders", 5: "Vijf"}
    with pytest.raises(ConfigurationError, match=f"made for division {EXACT_DIVISION}, not 5"):
        divisions_of(with_default, {5: "Vijf"})
    path = tmp_path / "state.sqlite"
    store = Store(path)
    assert divisions_of(store, {7: "Zeven", 5: "Vijf"}) == {7: "Zeven", 5: "Vijf"}
    store.close()
    assert list(divisions_of(Store(path), {}).items()) == [(7, "Zeven"), (5, "Vijf")]


def test_further_divisions_are_filled_when_asked() -> None:
    """Two companies would have the same customers, or the first one new ones."""
    store = Store()
    employer = ensure_seeded(store, FEW, 7)
    first = accounts(store, 7)
    assert (first != set(), accounts(store, 5)) == (True, set())
    assert ensure_seeded(store, FEW, 7, [5]) == employer
    second = accounts(store, 5)
    assert accounts(store, 7) == first
    assert len(second - first) > len(second) / 2
    ensure_seeded(store, FEW, 7, [5])
    assert accounts(store, 5) == second


def test_a_time_that_was_set_outlives_the_program(tmp_path: Path) -> None:
    """After a restart all records would lie in the future, or the wait of a test begin anew."""
    path = tmp_path / "state.sqlite"
    store = Store(path)
    SandboxClock(store).set(MOMENT, running=False)
    store.close()
    again = Store(path)
    clock = SandboxClock(again)
    assert (clock(), clock.driven, clock.running) == (MOMENT, True, False)
    assert again.insert(SYSTEM, "1", "Items", "a", {}).modified == "2024-03-01T08:00:00.000000+00:00"
    clock.set(MOMENT, running=True)
    again.close()
    later = SandboxClock(Store(path))
    assert later.running
    assert 0 <= (later() - MOMENT).total_seconds() < 60
    later.release()
    assert not SandboxClock(later._store).driven
