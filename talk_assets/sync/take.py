"""The value that a verdict gives to a unit: the winner's, and within a group what completes it.

Of a group the winner's properties are taken together. What the winner leaves empty is filled, because empty never
beats a value; where clearing is allowed it is filled only from a whole that says the same, so that no second line is
left over beside a new street.
"""

from dataclasses import dataclass

import numpy as np

from talk_assets.sync.columns import Flags, Vector
from talk_assets.sync.frames import NEVER
from talk_assets.sync.part import NOTHING, Bools, Part
from talk_assets.sync.rules import Verdict
from talk_assets.sync.unit import Unit, named


@dataclass
class Taken:
    """What a property becomes, one row per cluster.

    Attributes:
        places: place of its text in the part's texts, `NOTHING` where it is empty.
        giver: column of the member that it was taken from, -1 where it is as it was agreed before.
        at: its time, microseconds; the smallest number where it is empty and was never cleared.
        kept: of a union, per member whether all that it added and removed is as it wants it.
    """

    places: Vector
    giver: Vector
    at: Vector
    kept: Bools | None = None


def complete(unit: Unit, verdict: Verdict, claims: Bools) -> list[Taken]:
    """What each property of the unit becomes.

    Args:
        unit: the properties.
        verdict: who wins.
        claims: whose values count.
    """
    taken = [_winners(part, verdict) for part in unit.parts]
    if len(unit.parts) == 1 or not claims.any():
        return taken
    _fill(unit, verdict, claims & ~verdict.disputed[:, None], taken)
    return taken


def _winners(part: Part, verdict: Verdict) -> Taken:
    places, at = part.golden.copy(), part.golden_times.copy()
    for column in range(part.current.shape[1]):
        won = verdict.winner == column
        if won.any():
            current = part.current[won, column]
            places[won] = np.where(part.forms[current] >= 0, current, NOTHING)
            at[won] = verdict.at[won]
    return Taken(places, verdict.winner.copy(), at)


def _fill(unit: Unit, verdict: Verdict, claims: Bools, taken: list[Taken]) -> None:
    """Fill what is empty in each whole, first from what is agreed, then from the claims in the mapping's order."""
    moved = verdict.winner >= 0
    # A whole that was cleared is not filled.
    cleared = moved & ~np.logical_or.reduce(
        [part.forms[t.places] >= 0 for part, t in zip(unit.parts, taken, strict=True)]
    )
    gaps = [_Gap(unit, part, verdict, t) for part, t in zip(unit.parts, taken, strict=True)]
    fitting = [t.places.copy() for t in taken]
    for column in range(-1, len(unit.entities)):
        offers = (moved if column < 0 else claims[:, column] & (verdict.winner != column)) & ~cleared
        if not offers.any():
            continue
        fits = offers.copy()
        for part, whole in zip(unit.parts, fitting, strict=True):
            mine, theirs = part.forms[whole], part.forms[_offered(part, column)]
            fits &= (mine < 0) | (theirs < 0) | (mine == theirs)
        for gap in gaps:
            gap.fill(column, offers, fits)
    for gap in gaps:
        gap.close(moved & ~cleared)


def _offered(part: Part, column: int) -> Vector:
    return part.golden if column < 0 else np.asarray(part.current[:, column])


class _Gap:
    """What is empty of one property, and whether it may be filled."""

    def __init__(self, unit: Unit, part: Part, verdict: Verdict, taken: Taken) -> None:
        self._unit, self._part, self._verdict, self._taken = unit, part, verdict, taken
        clears = [named(part.row.clear, entity) for entity in unit.entities]
        # The last one is for where the agreed value stays.
        self._clearable: Flags = np.array([*clears, bool(part.row.clear)])[verdict.winner]
        self._was_cleared: Flags = (part.golden_times != NEVER) & (part.forms[part.golden] < 0)
        self._emptied = np.zeros(len(verdict.winner), dtype=bool)
        for column in range(len(unit.entities)):
            lost = (part.forms[part.base[:, column]] >= 0) & (part.forms[part.current[:, column]] < 0)
            self._emptied |= (verdict.winner == column) & lost
        self._refused = np.zeros(len(verdict.winner), dtype=bool)

    def fill(self, column: int, offers: Flags, fits: Flags) -> None:
        """Take a value that is offered by the agreed whole (-1) or by a member's."""
        part, taken = self._part, self._taken
        offered = _offered(part, column)
        gap = offers & (part.forms[taken.places] < 0) & (part.forms[offered] >= 0)
        stale = np.zeros(len(gap), dtype=bool)
        if column >= 0:
            entity = self._unit.entities[column]
            gap &= entity in part.row.members and part.row.claims(entity)
            # Left over from before the property was cleared.
            unchanged = part.forms[part.base[:, column]] == part.forms[offered]
            stale = self._was_cleared & unchanged & ~self._unit.first_sight[:, column]
        filled = gap & (~self._clearable | (fits & ~self._emptied & ~stale))
        taken.places[filled] = offered[filled]
        taken.giver[filled] = column
        taken.at[filled] = (part.golden_times if column < 0 else self._verdict.times[:, column])[filled]
        self._refused |= gap & ~filled

    def close(self, moved: Flags) -> None:
        """What stays empty without having been cleared is as it was before; what was refused is cleared."""
        empty = self._part.forms[self._taken.places] < 0
        cleared = self._clearable & (self._refused | self._emptied | self._was_cleared)
        as_before = moved & empty & ~cleared
        self._taken.giver[as_before], self._taken.at[as_before] = NOTHING, self._part.golden_times[as_before]
        # What does not fit the agreed whole that stands is not left over beside it.
        left_over = (self._verdict.winner < 0) & self._refused & empty & (self._part.golden_times == NEVER)
        self._taken.at[left_over] = self._unit.golden_times[left_over]
