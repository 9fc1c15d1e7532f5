"""Days of an administration, with everything that a day can bring, on real HTTP and a real ledger.

Records of all kinds with their lines and references; people who write on both sides, before, during and between syncs,
and make orders from quotes; faults of both systems. What people did is kept beside, without the engine: when all is
settled, both systems must show it, and nothing twice.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random

import pytest

from talk_assets.cycle import recover
from talk_assets.systems import http
from talk_assets.systems.repeats import Patience
from talk_assets_tests.conftest import DatabaseServer
from talk_assets_tests.cycle.harness import open_world
from talk_assets_tests.days.calendar import make_days
from talk_assets_tests.days.play import Played, play


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeats come at once, and what did not arrive by now never will."""
    monkeypatch.setattr(http, "Patience", partial(Patience, first_wait=0.001))
    monkeypatch.setattr(recover, "LATEST_ARRIVAL", timedelta(0))


@contextmanager
def _ledger(server: DatabaseServer) -> Iterator[str]:
    url = server.create_ledger()
    yield url
    server.drop(url)


def _play(server: DatabaseServer, home: Path, seed: int, count: int) -> Played:
    random = Random(seed)
    days = make_days(random, count)
    page_size = random.choice([2, 3, 1000])
    with _ledger(server) as url, open_world(url, home, page_size=page_size, sleep=lambda _seconds: None) as world:
        return play(world, days)


def _tell(played: Played, seed: int) -> str:
    return f"seed {seed}, after {played.days} days:\n" + "\n".join(played.problems)


def test_days_pass_well(database_server: DatabaseServer, tmp_path: Path) -> None:
    """Orders, lines and references would go wrong on a day when people and faults cross each other."""
    played = _play(database_server, tmp_path, 1, 3)
    assert played.problems == [], _tell(played, 1)
    assert played.acts > 20


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 120))
def test_weeks_pass_well(
    database_server: DatabaseServer, tmp_path: Path, seed: int, record_property: Callable[[str, object], None]
) -> None:
    """The same, where much of it meets."""
    played = _play(database_server, tmp_path, seed, 14)
    record_property("acts", played.acts)
    assert played.problems == [], _tell(played, seed)
