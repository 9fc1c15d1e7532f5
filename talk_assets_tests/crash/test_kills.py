"""A sync that is killed at random moments and started again: nothing is there twice, nothing is lost."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from talk_assets.mappings.load import PACKAGED_MAPPINGS
from talk_assets_tests.crash.child import AFTER_SEND, BEFORE_SEND, MOMENTS, Ended, Stop
from talk_assets_tests.crash.killer import Killer
from talk_assets_tests.crash.users import Users
from talk_assets_tests.cycle.harness import World, open_world

# A system that gives no answer in this time is asked again, and an insert without one repeated after twice the time.
_ANSWER_SECONDS = 2.0
# So many syncs after a kill must be enough, with the time in between that a request may still be under way.
_MOST_SYNCS = 6
# So often a sync is killed again before it may end.
_CHAINED = 0.5
_WITH_DOCUMENTS = ["organisation", "product", "sales_document"]
SEED = 20_240_229


@contextmanager
def open_crash_world(database_url: str, home: Path) -> Iterator[World]:
    """A world where organisations are created in both systems, with little time for answers."""
    mappings = home / "mappings"
    mappings.mkdir()
    for file in PACKAGED_MAPPINGS.glob("*.yaml"):
        text = file.read_text(encoding="utf-8")
        if file.name == "organisation.yaml":
            text = text.replace("    criteria:\n", "    create: {customerp: true}\n    criteria:\n", 1)
        (mappings / file.name).write_text(text, encoding="utf-8")
    with (
        open_world(database_url, home, mappings=mappings) as world,
        world.reopened(talk_answer_seconds=_ANSWER_SECONDS),
    ):
        yield world


class Trial:
    """Users, a sync that is killed, and what must hold afterwards."""

    def __init__(self, world: World, seed: int, *, documents: bool) -> None:
        self.draw = random.Random(seed)
        self.world = world
        self.users = Users(world, self.draw, documents=documents)
        self.killer = Killer(world, self.draw, _WITH_DOCUMENTS if documents else ["organisation"])
        self._passed = dict.fromkeys(MOMENTS, 1)

    def begin(self) -> None:
        """Have everything synchronised once, so that there is something to edit."""
        self.users.work()
        self.settle()

    def kill(self, moment: str) -> None:
        """Kill a sync at a moment of this kind; when it ends before, users go on working and another one is killed."""
        while True:
            self.users.work()
            stop = Stop(moment, self.draw.randint(1, self._passed[moment]))
            ended = self.killer.run(stop, self.users.meanwhile)
            if ended is None:
                return
            self._learn(ended)

    def settle(self) -> None:
        """Start again until everything is delivered; then count."""
        for _ in range(_MOST_SYNCS):
            ended = self.killer.run()
            assert ended is not None
            assert ended.problem == ""
            self._learn(ended)
            due = self._due()
            if due is None:
                break
            time.sleep(max(due, 0.05))
        else:
            pytest.fail(f"not known what became of {self._intents()}; owed {self.world.owed()}")
        self.users.check()

    def _learn(self, ended: Ended) -> None:
        """How often each moment comes in a sync with work to do, so that a number is drawn that comes."""
        if ended.passed[BEFORE_SEND]:
            passed = {**ended.passed, AFTER_SEND: ended.passed[BEFORE_SEND]}
            self._passed = {moment: max(passed[moment], 1) for moment in MOMENTS}

    def _due(self) -> float | None:
        """Seconds until nothing that was sent can arrive any more; None when nothing is open or owed."""
        if not self._intents() and not self.world.owed():
            return None
        ((seconds,),) = self.world.query(
            "select extract(epoch from max(opened_at) - now())::float8 from talk.intent where closed_at is null"
        ).to_numpy()
        return 0.0 if seconds is None or seconds != seconds else float(seconds) + 2 * _ANSWER_SECONDS

    def _intents(self) -> list[dict[str, object]]:
        return self.world.rows("select entity, values, outcome from talk.intent where closed_at is null")


def _killed(trial: Trial, kills: int) -> None:
    moments = [MOMENTS[number % len(MOMENTS)] for number in range(kills)]
    trial.draw.shuffle(moments)
    for moment in moments:
        trial.kill(moment)
        if trial.draw.random() >= _CHAINED:
            trial.settle()
    trial.settle()


def _told(trial: Trial) -> str:
    hits = ", ".join(f"{moment} {trial.killer.hits[moment]}" for moment in trial.killer.hits)
    fates = ", ".join(f"{fate} {number}" for fate, number in sorted(trial.killer.fates.items()))
    return f"killed {trial.killer.hits.total()} times: {hits} (of those sent: {fates})"


def test_ten_kills(database_url: str, tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    """After a crash somebody would have to look for double customers and lost edits by hand."""
    with open_crash_world(database_url, tmp_path) as world:
        trial = Trial(world, SEED, documents=False)
        with trial.killer.at_the_door():
            trial.begin()
            _killed(trial, 10)
    record_property("told", _told(trial))
    assert all(trial.killer.hits[moment] == 2 for moment in MOMENTS)


# In four trials that can run side by side, each with users and data of its own.
@pytest.mark.soak
@pytest.mark.parametrize("trial_number", range(1, 5))
def test_two_hundred_kills(
    trial_number: int, database_url: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """What goes wrong in one crash of a hundred would be found in somebody's books."""
    with open_crash_world(database_url, tmp_path) as world:
        trial = Trial(world, SEED + trial_number, documents=True)
        with trial.killer.at_the_door():
            trial.begin()
            _killed(trial, 50)
    record_property("told", _told(trial))
    assert trial.killer.hits.total() == 50
