"""What members are accounted for after a decision: bases, their times, and what is remembered as sent."""

from collections.abc import Hashable, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from talk_assets.sync.columns import Flags, Vector, arrow, choose, series
from talk_assets.sync.frames import Members, as_numbers, as_times, with_columns
from talk_assets.sync.part import Matrix, Part
from talk_assets.sync.rules import Verdict
from talk_assets.sync.unit import Unit


class Accounts:
    """The members' bases, moved unit by unit.

    Args:
        over: the members, with one row per cluster.
    """

    def __init__(self, over: Mapping[str, Members]) -> None:
        self._over = over
        # Only the columns that moved.
        self._base: dict[str, dict[Hashable, pd.Series]] = {entity: {} for entity in over}
        self._times: dict[str, dict[Hashable, pd.Series]] = {entity: {} for entity in over}
        self._sent: dict[str, dict[Hashable, pd.Series]] = {entity: {} for entity in over}

    def move(self, unit: Unit, verdict: Verdict, times: Matrix) -> None:
        """Move the bases to what was taken into account; what a person has to decide stays open.

        Args:
            unit: what was decided.
            verdict: the decision.
            times: time of each member's last change, microseconds.
        """
        news = unit.changed | unit.first_sight
        seen = unit.present & ~(news & verdict.disputed[:, None])
        for column, entity in enumerate(unit.entities):
            for part in unit.parts:
                if part.holds[column]:
                    self._move(entity, part, column, seen[:, column], times[:, column])

    def _move(self, entity: str, part: Part, column: int, seen: Flags, at: Vector) -> None:
        current, base, sent = part.current[:, column], part.base[:, column], part.sent[:, column]
        over, name = self._over[entity], part.name
        moved = seen & (current != base)
        if moved.any():
            held, before = over.current[name], over.base[name]
            self._base[entity][name] = series(choose(moved, arrow(held), arrow(before)), held.index)
        changed = part.forms[current] != part.forms[base]
        dated = seen & (changed | over.times[name].isna().to_numpy(dtype=bool))
        if dated.any():
            accounted = as_numbers(over.times[name])
            self._times[entity][name] = as_times(np.where(dated, at, accounted), over.keys.index)
        # Who edits a property makes what we once sent to it history; what arrived whole needs no memory.
        forgotten = seen & (sent >= 0) & (changed | (part.forms[current] == part.forms[sent]))
        if forgotten.any():
            remembered = over.sent[name]
            self._sent[entity][name] = series(choose(forgotten, None, arrow(remembered)), remembered.index)

    def members(self, entity: str, clusters: pd.Index) -> Members:
        """The entity's members with moved bases, for the given clusters."""
        frame = self._over[entity]
        moved = replace(
            frame,
            base=with_columns(frame.base, self._base[entity]),
            times=with_columns(frame.times, self._times[entity]),
            sent=with_columns(frame.sent, self._sent[entity]),
        )
        return moved.over(clusters)
