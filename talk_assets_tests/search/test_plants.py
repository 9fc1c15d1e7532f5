"""Whether the search sees anything: for each invariant a fault is planted that it has to find."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from talk_assets.cycle import deliver
from talk_assets.cycle.context import Cycle
from talk_assets.cycle.writes import Write, writes_of
from talk_assets.ledger.database import Ledger
from talk_assets_tests.search.test_search import first_failure
from talk_assets_tests.search.town import UNMAPPED

pytestmark = pytest.mark.soak

_EXAMPLES = 500


def _keep_debts(patch: pytest.MonkeyPatch) -> None:
    """What was delivered stays owed."""
    patch.setattr("talk_assets.ledger.debts.settle_owed", lambda *_given: None)


def _send_no_city(patch: pytest.MonkeyPatch) -> None:
    """One property of an update is never sent."""
    _rewrite(patch, lambda w: replace(w, own={n: v for n, v in w.own.items() if w.key is None or n != "city"}))


def _forget_losers(patch: pytest.MonkeyPatch) -> None:
    """What lost is kept nowhere."""
    patch.setattr("talk_assets.sync.decide.overruled_rows", lambda *_given: [])


def _look_nothing_up(patch: pytest.MonkeyPatch) -> None:
    """After a crash no insert is recognised."""
    patch.setattr(
        "talk_assets.cycle.recover.share_of_sent", lambda records, *_given: pd.Series(0.0, index=records.index)
    )


def _send_a_note(patch: pytest.MonkeyPatch) -> None:
    """A create sets a property that no mapping names."""
    _rewrite(patch, lambda w: replace(w, own={**w.own, UNMAPPED: "-"} if w.key is None else w.own))


def _stop_at_a_refusal(patch: pytest.MonkeyPatch) -> None:
    """Where one write was refused for good, no other one is sent."""

    def writes(cycle: Cycle, connection: sa.Connection, entity: str) -> list[Write]:
        refused = "select count(*) from talk.owed where division = :division and entity = :entity and state = 'dead'"
        at = {"division": cycle.division, "entity": entity}
        return [] if connection.execute(sa.text(refused), at).scalar() else writes_of(cycle, connection, entity)

    patch.setattr(deliver, "writes_of", writes)


def _read_all(patch: pytest.MonkeyPatch) -> None:
    """Every feed is read from its beginning in every run."""
    patch.setattr("talk_assets.cycle.collect.read_cursor", lambda *_given: None)


def _rewrite(patch: pytest.MonkeyPatch, change: Callable[[Write], Write]) -> None:

    def writes(*given: Any) -> list[Write]:
        return [change(write) for write in writes_of(*given)]

    patch.setattr(deliver, "writes_of", writes)


@pytest.mark.parametrize(
    "plant",
    [
        pytest.param(_keep_debts, id="1: a quiet sync writes nothing"),
        pytest.param(_send_no_city, id="2: both systems agree"),
        pytest.param(_forget_losers, id="3: no edit disappears"),
        pytest.param(_look_nothing_up, id="4: no double after a crash"),
        pytest.param(_send_a_note, id="5: unmapped properties stay"),
        pytest.param(_stop_at_a_refusal, id="6: a bad record holds back itself only"),
        pytest.param(_read_all, id="7: work grows with what changed"),
    ],
)
def test_a_planted_fault_is_found(
    plant: Callable[[pytest.MonkeyPatch], None],
    module_ledger: Ledger,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    """The search would go on saying that all is well where it sees nothing."""
    plant(monkeypatch)
    failed = first_failure(_EXAMPLES, module_ledger, derandomize=True)
    assert failed is not None
    record_property("told", failed[1][0][:200])
