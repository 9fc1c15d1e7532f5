"""Plays days in a world, with syncs, and tells the first thing that is not as it must be."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import sqlalchemy as sa

from talk_assets.errors import SystemFault
from talk_assets_tests.cycle.done import Report
from talk_assets_tests.cycle.harness import World
from talk_assets_tests.days.calendar import DECIDED, READ, WRITE, Day, Sync
from talk_assets_tests.days.facts import Facts

# As many syncs may it take until nothing is left to do; then it has to be quiet.
_LONGEST = 6


class _Stopped(Exception):
    """The process of a sync ends before it writes."""


@dataclass(frozen=True)
class Played:
    """What came of some days.

    Attributes:
        days: how many went well.
        acts: how many acts were done on them; the others were about something that was not there.
        problems: what was wrong at the end of the next one; empty where all went well.
    """

    days: int
    acts: int
    problems: list[str]


def play(world: World, days: Sequence[Day]) -> Played:
    """Let days pass, until something is not as it must be."""
    facts = Facts(world)
    for number, day in enumerate(days):
        for act in day.acts:
            facts.act(act)
        for sync in day.syncs:
            _sync(world, facts, sync)
        found = _settle(world, facts) or facts.problems()
        if found:
            return Played(number, len(facts.done), found)
        facts.settled()
    return Played(len(days), len(facts.done), [])


def _sync(world: World, facts: Facts, sync: Sync) -> None:
    for system, wish in sync.faults:
        world.fault(system, **wish)
    passed: Counter[str] = Counter()

    def passing(moment: str) -> None:
        passed[moment] += 1
        if moment == sync.moment and passed[moment] == sync.count:
            for act in sync.meanwhile:
                facts.act(act)

    with suppress(SystemFault, _Stopped), world.installation.cycle("day", rescan=sync.rescan) as cycle:
        world.take(cycle, Report(), sync.subjects, lambda: passing(READ))
        passing(DECIDED)
        if not sync.ends:
            raise _Stopped

        def still_locked() -> None:
            """Asked right before every write: the last moment at which somebody can be quicker."""
            cycle.still_locked()
            passing(WRITE)

        world.give(replace(cycle, still_locked=still_locked), Report(), sync.subjects)
    _make_due(world)


def _make_due(world: World) -> None:
    with world.installation.ledger.begin() as connection:
        connection.execute(sa.text("update talk.owed set next_try = null"))


def _settle(world: World, facts: Facts) -> list[str]:
    """Sync until nothing is written any more; what is left to do then."""
    world.end_faults()
    for _ in range(_LONGEST):
        _make_due(world)
        writes = world.sync().writes
        facts.look()
        if not writes:
            break
    else:
        return [f"after {_LONGEST} syncs still: {writes}"]
    # What only a person can enter is listed until somebody has.
    owed = [row for row in world.owed() if row["entity"] != "exact.employees"]
    left = [f"owed: {row['entity']} {row['key']} {row['state']} {row['reason']}" for row in owed]
    left += [f"held: {hold}" for hold in world.holds()]
    left += [f"open: {row}" for row in world.rows("select * from talk.conflict")]
    return left + [f"intent: {row}" for row in world.rows("select * from talk.intent where closed_at is null")]
