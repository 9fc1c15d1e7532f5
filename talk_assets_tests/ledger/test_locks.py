"""Locks between processes."""

import threading
import time

import pytest
import sqlalchemy as sa

from talk_assets.errors import LedgerError, LedgerLost
from talk_assets.ledger.database import Ledger, open_ledger
from talk_assets.ledger.locks import division_lock


def test_a_second_sync_is_told_who_is_at_work(ledger: Ledger, database_url: str) -> None:
    """Else two syncs of one administration could write the same thing twice."""
    other = open_ledger(database_url)
    with division_lock(ledger, "12", 0, run="3f2b"):
        for wait_seconds in (0, 0.05):
            with pytest.raises(LedgerError, match=r"division 12 is held by run 3f2b since \d{4}-\d\d-\d\d .* UTC"):
                division_lock(other, "12", wait_seconds).__enter__()
        with division_lock(other, "13", 0):
            pass
    with division_lock(other, "12", 0):
        pass
    other.close()


def test_a_sync_waits_for_the_one_before(ledger: Ledger) -> None:
    """Else a run that overlaps its predecessor by a second would fail."""
    entered, left = threading.Event(), threading.Event()

    def hold() -> None:
        with division_lock(ledger, "12", 0):
            entered.set()
            time.sleep(0.2)
            left.set()

    holder = threading.Thread(target=hold)
    holder.start()
    entered.wait()
    with division_lock(ledger, "12", 10):
        assert left.is_set()
    holder.join()


def test_the_lock_ends_with_its_block_also_when_it_fails(ledger: Ledger) -> None:
    """Else one failed sync would block all later ones."""

    def fail() -> None:
        with division_lock(ledger, "12", 0):
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        fail()
    with division_lock(ledger, "12", 0):
        pass


def test_a_preview_is_kept_apart_from_a_sync(ledger: Ledger) -> None:
    """Else a preview would show what a sync is just changing."""
    with (
        ledger.preview() as preview,
        division_lock(preview, "12", 0, run="preview"),
        pytest.raises(LedgerError, match="run preview"),
    ):
        division_lock(ledger, "12", 0).__enter__()


def test_a_lost_lock_is_noticed(ledger: Ledger) -> None:
    """Else a sync whose lock was lost with its connection would go on writing beside another one."""
    with division_lock(ledger, "12", 0, run="lost") as held:
        held.confirm()
        with ledger.begin() as connection:
            connection.execute(
                sa.text(
                    "select pg_terminate_backend(pid) from pg_stat_activity where application_name like '%run lost'"
                )
            )
        # However often it is asked: what is to be noted about a broken step asks again.
        for _ in range(2):
            with pytest.raises(LedgerLost, match="was lost"):
                held.confirm()
