"""What members are accounted for after a decision: bases, their times, and what is remembered as sent."""

from collections.abc import Hashable, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from talk_assets.sync.columns import Flags, Vector, arrow, choose, series
from talk_assets.sync.frames import Members, as_numbers, as_times
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
        self._base = {entity: dict(frame.base.items()) for entity, frame in over.items()}
        self._times = {entity: dict(frame.times.items()) for entity, frame in over.items()}
        self._sent = {entity: dict(frame.sent.items()) for entity, frame in over.items()}

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
        name = part.name
        moved = seen & (current != base)
        if moved.any():
            held = self._over[entity].current[name]
            before = self._base[entity][name]
            self._base[entity][name] = series(choose(moved, arrow(held), arrow(before)), held.index)
        changed = part.forms[current] != part.forms[base]
        dated = seen & (changed | self._over[entity].times[name].isna().to_numpy(dtype=bool))
        if dated.any():
            accounted = as_numbers(self._times[entity][name])
            self._times[entity][name] = as_times(np.where(dated, at, accounted), self._over[entity].keys.index)
        # Who edits a property makes what we once sent to it history; what arrived whole needs no memory.
        forgotten = seen & (sent >= 0) & (changed | (part.forms[current] == part.forms[sent]))
        if forgotten.any():
            remembered = self._sent[entity][name]
            self._sent[entity][name] = series(choose(forgotten, None, arrow(remembered)), remembered.index)

    def members(self, entity: str, clusters: pd.Index) -> Members:
        """The entity's members with moved bases, for the given clusters."""
        frame = self._over[entity]
        moved = replace(
            frame,
            base=_frame(self._base[entity], frame.base),
            times=_frame(self._times[entity], frame.times),
            sent=_frame(self._sent[entity], frame.sent),
        )
        return moved.over(clusters)


def _frame(columns: dict[Hashable, pd.Series], like: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(columns, index=like.index, columns=like.columns)
