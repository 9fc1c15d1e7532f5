"""What members are accounted for after a decision: bases, their times, and what is remembered as sent.

A time says when a value was set, by the clock of the member's system. Of a property whose owner lets others' edits be,
it also says what came first: such an edit is never older than the value that it left standing, and whatever a member
holds is older than what its owner sets next. Clocks of two systems cannot tell that.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from talk_assets.sync.columns import Flags, Vector, arrow, choose, series
from talk_assets.sync.frames import NEVER, Members, as_numbers, as_times, with_columns
from talk_assets.sync.part import Matrix, Part
from talk_assets.sync.rules import Verdict, owners
from talk_assets.sync.take import Taken
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

    def move(self, unit: Unit, verdict: Verdict, taken: Sequence[Taken], times: Matrix) -> None:
        """Move the bases to what was taken into account; what a person has to decide stays open.

        Args:
            unit: what was decided.
            verdict: the decision.
            taken: what each of its properties becomes.
            times: time of each member's last change, microseconds.
        """
        news = unit.changed | unit.first_sight
        seen = unit.present & ~(news & verdict.disputed[:, None])
        asked = unit.first_sight & verdict.disputed[:, None] & (unit.row.rule == "latest")
        for column, entity in enumerate(unit.entities):
            for part, value in zip(unit.parts, taken, strict=True):
                if part.holds[column]:
                    self._keep(entity, part, column, seen[:, column] | asked[:, column])
                    self._move(entity, part, column, seen[:, column], times[:, column])
                    if part.row.non_owner_edit == "ignore":
                        self._put_in_order(entity, part, value, column, seen[:, column], owners(unit)[:, column])

    def _keep(self, entity: str, part: Part, column: int, seen: Flags) -> None:
        """Keep what is held now; without a time where a person is asked what is right."""
        moved = seen & (part.current[:, column] != part.base[:, column])
        if moved.any():
            held, before = self._over[entity].current[part.name], self._over[entity].base[part.name]
            self._base[entity][part.name] = series(choose(moved, arrow(held), arrow(before)), held.index)

    def _move(self, entity: str, part: Part, column: int, seen: Flags, at: Vector) -> None:
        current, base, sent = part.current[:, column], part.base[:, column], part.sent[:, column]
        over, name = self._over[entity], part.name
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

    def _put_in_order(self, entity: str, part: Part, taken: Taken, column: int, seen: Flags, own: Flags) -> None:
        """Date what differs from the agreed value before it, where it is to be replaced, and not before it elsewhere.

        It is replaced by what is agreed now, where the owner edited it in vain, where the edit was made without knowing
        what the owner had set, and where it was held before anything was accounted for, which is nobody's edit.
        """
        over, name = self._over[entity], part.name
        first = over.times[name].isna().to_numpy(dtype=bool)
        edited = part.forms[part.current[:, column]] != part.forms[part.base[:, column]]
        differs = seen & (taken.at != NEVER) & ~part.shows(column, taken.places)
        # What the owner set was still on its way to it.
        late = ~part.knew(column) & (as_numbers(over.times[name]) < part.golden_times)
        replaced = differs & ((taken.giver >= 0) | first | (edited & (own | late)))
        told = as_numbers(self._times[entity].get(name, over.times[name]))
        ordered = np.where(differs & edited & ~replaced, np.maximum(told, taken.at), told)
        ordered[replaced] = np.minimum(told, taken.at - 1)[replaced]
        if (ordered != told).any():
            self._times[entity][name] = as_times(ordered, over.keys.index)

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
