"""Which value every property of a cluster has, and why.

Per property (or group of properties that only make sense together) over all members of a cluster at once: one changer
wins, equal changes agree, different changes go by the mapping's rule. A member that did not change has no say. Empty
never beats a value, unless clearing is allowed and the base was filled. Whoever loses is kept for history.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from talk_assets.mappings.capabilities import Capabilities
from talk_assets.mappings.model import Subject
from talk_assets.sync.compare import comparable
from talk_assets.sync.frames import Golden, Members
from talk_assets.sync.rules import claims_of, winners
from talk_assets.sync.unit import Bools, Flags, Matrix, Unit, Vector, as_numbers, as_times, build_unit, units

HISTORY = ["cluster_id", "property", "before", "after", "winner", "loser", "loser_value", "rule"]
CONFLICTS = ["cluster_id", "property", "entity", "key", "value", "time"]


@dataclass(frozen=True)
class Decision:
    """What was decided.

    Attributes:
        golden: the agreed values of every cluster.
        accounted: per entity the members with `base` and `times` moved to what was taken into account.
        history: columns `HISTORY`: one row per agreed value that changed and one per value that was overruled (there
            `loser` is set). First values of a new cluster are not changes.
        conflicts: columns `CONFLICTS`: the claims of properties that are left for a person.
    """

    golden: Golden
    accounted: dict[str, Members]
    history: pd.DataFrame
    conflicts: pd.DataFrame


def decide(
    subject: Subject,
    members: Mapping[str, Members],
    golden: Golden,
    *,
    capabilities: Capabilities,
    clusters_of: pd.Series,
    now: pd.Timestamp,
) -> Decision:
    """Decide every property of the clusters that the members belong to.

    Args:
        subject: the subject of the clusters.
        members: entity to its live members among the clusters.
        golden: what was agreed so far.
        capabilities: what the entities can take; gives the precision in which systems are compared.
        clusters_of: index `entity/key`, value cluster number as text, of the records that references point to.
        now: time of reading, for records without a time of their own.
    """
    clusters = pd.Index(sorted(set().union(*[frame.keys.index for frame in members.values()])), dtype="int64")
    over = {entity: frame.over(clusters) for entity, frame in members.items()}
    agreed = golden.over(clusters, list(subject.properties))
    state = _State(agreed, over)
    for names in units(subject):
        unit = build_unit(subject, names, over, agreed, capabilities, clusters_of)
        times = np.column_stack([as_numbers(over[entity].modified.fillna(now)) for entity in unit.entities])
        claims = claims_of(unit)
        winner, disputed = winners(unit, claims, times, agreed.times[names[0]])
        state.move(unit, winner, times, _take(unit, winner, over, agreed))
        state.overruled(unit, claims, winner, disputed)
        state.dispute(unit, claims & disputed[:, None], times)
        state.account(unit, times, claims & disputed[:, None])
    return state.decision(members)


class _State:
    """Collects the decision, property by property."""

    def __init__(self, agreed: Golden, over: Mapping[str, Members]) -> None:
        self._before = agreed
        self._over = over
        self._known = agreed.times.notna().any(axis=1)
        self._golden = Golden(agreed.values.copy(), agreed.times.copy(), agreed.winners.copy(), agreed.rules.copy())
        self._base = {entity: frame.base.copy() for entity, frame in over.items()}
        self._times = {entity: frame.times.copy() for entity, frame in over.items()}
        self._history: list[pd.DataFrame] = []
        self._conflicts: list[pd.DataFrame] = []

    def move(self, unit: Unit, winner: Vector, times: Matrix, taken: Mapping[str, pd.Series]) -> None:
        """Take the winners' values and note what changed."""
        clusters = self._golden.values.index
        moved = winner >= 0
        if not moved.any():
            return
        column = np.where(moved, winner, 0)
        at = as_times(np.ascontiguousarray(times[np.arange(len(column)), column]), clusters)
        who = pd.Series(pd.NA, index=clusters, dtype="str")
        for number, entity in enumerate(unit.entities):
            who = who.where(column != number, entity + "/" + self._over[entity].keys)
        for name in unit.rows:
            before = self._before.values[name]
            after = before.where(~moved, taken[name])
            self._golden.values[name] = after
            self._golden.times[name] = self._golden.times[name].where(~moved, at)
            self._golden.winners[name] = self._golden.winners[name].where(~moved, who)
            self._golden.rules[name] = self._golden.rules[name].where(~moved, unit.row.rule)
            differs = ~(before.eq(after) | (before.isna() & after.isna())) & self._known & moved
            if differs.any():
                rows = {"before": before[differs], "after": after[differs], "winner": who[differs]}
                self._history.append(_rows(rows, name, unit.row.rule))

    def overruled(self, unit: Unit, claims: Bools, winner: Vector, disputed: Flags) -> None:
        """Note every value that somebody set and that does not stay."""
        rows = np.arange(len(winner))
        final = np.where(winner >= 0, unit.coarse[rows, np.where(winner >= 0, winner, 0)], unit.coarse_golden)
        for number, entity in enumerate(unit.entities):
            lost = (claims[:, number] | unit.changed[:, number]) & unit.active[:, number] & ~disputed
            lost &= (winner != number) & (unit.coarse[:, number] != final)
            if not lost.any():
                continue
            for name, row in unit.rows.items():
                if entity not in row.members or (row.writes(entity) != "always" and not row.claims(entity)):
                    continue
                value = self._over[entity].current[name]
                after = self._golden.values[name]
                at = lost & ~(value.eq(after) | (value.isna() & after.isna())).to_numpy(dtype=bool)
                rule = unit.row.rule if row.claims(entity) else row.direction
                columns = {
                    "before": self._before.values[name][at],
                    "after": after[at],
                    "winner": self._golden.winners[name][at],
                    "loser": (entity + "/" + self._over[entity].keys)[at],
                    "loser_value": value[at],
                }
                emptied = columns["loser_value"].isna()
                found = _rows(columns, name, rule)
                found["rule"] = found["rule"].mask(emptied.to_numpy(), "empty never wins")
                self._history.append(found)

    def dispute(self, unit: Unit, frozen: Bools, times: Matrix) -> None:
        """Note the claims that a person has to decide between."""
        for number, entity in enumerate(unit.entities):
            at = frozen[:, number]
            if not at.any():
                continue
            clusters = self._golden.values.index[at]
            when = as_times(np.ascontiguousarray(times[:, number]), self._golden.values.index)[at]
            for name in unit.rows:
                if name in self._over[entity].current:
                    self._conflicts.append(
                        pd.DataFrame(
                            {
                                "cluster_id": clusters,
                                "property": name,
                                "entity": entity,
                                "key": self._over[entity].keys[at].to_numpy(),
                                "value": self._over[entity].current[name][at].to_numpy(),
                                "time": when.array,
                            }
                        )
                    )

    def account(self, unit: Unit, times: Matrix, frozen: Bools) -> None:
        """Move bases to what was taken into account; claims that a person has to decide stay open."""
        clusters = self._golden.values.index
        for number, entity in enumerate(unit.entities):
            seen = unit.present[:, number] & ~frozen[:, number]
            dated = (unit.changed[:, number] | unit.first_sight[:, number]) & seen
            if not seen.any():
                continue
            at = as_times(np.ascontiguousarray(times[:, number]), clusters)
            for name in unit.rows:
                if name in self._over[entity].current:
                    self._base[entity][name] = self._base[entity][name].where(~seen, self._over[entity].current[name])
                    if dated.any():
                        self._times[entity][name] = self._times[entity][name].where(~dated, at)

    def decision(self, members: Mapping[str, Members]) -> Decision:
        """Everything collected, with the rows that the members came with."""
        accounted = {
            entity: replace(frame, base=self._base[entity], times=self._times[entity]).over(members[entity].keys.index)
            for entity, frame in self._over.items()
        }
        history = [rows for rows in self._history if len(rows)]
        return Decision(
            golden=self._golden,
            accounted=accounted,
            history=pd.concat(history, ignore_index=True)[HISTORY] if history else pd.DataFrame(columns=HISTORY),
            conflicts=pd.concat(self._conflicts, ignore_index=True)
            if self._conflicts
            else pd.DataFrame(columns=CONFLICTS),
        )


def _rows(columns: Mapping[str, pd.Series], name: str, rule: str) -> pd.DataFrame:
    frame = pd.DataFrame(dict(columns)).rename_axis("cluster_id").reset_index()
    frame["property"] = name
    frame["rule"] = rule
    return frame.reindex(columns=HISTORY).astype(dict.fromkeys(HISTORY[1:], "str"))


def _take(unit: Unit, winner: Vector, over: Mapping[str, Members], agreed: Golden) -> dict[str, pd.Series]:
    """The winners' values per property; within a group, what the winner leaves empty is filled where that is right."""
    clusters = agreed.values.index
    current = {entity: over[entity].current for entity in unit.entities}
    taken = {name: _chosen(name, winner, current, clusters) for name in unit.rows}
    if len(unit.rows) == 1 or not (winner >= 0).any():
        return taken
    base = {entity: over[entity].base for entity in unit.entities}
    emptied = {name: taken[name].isna() & _chosen(name, winner, base, clusters).notna() for name in unit.rows}
    filled = dict(taken)
    for candidate in [agreed.values, *current.values()]:
        fits = pd.Series(True, index=clusters)
        for name, row in unit.rows.items():
            if name in candidate:
                other, mine = comparable(candidate[name], row), comparable(taken[name], row)
                fits &= (other.isna() | mine.isna() | other.eq(mine)).astype(bool)
        for name, row in unit.rows.items():
            if name in candidate:
                # Where clearing is allowed, an empty part belongs to the new whole: it is filled only from a whole
                # that says the same, and never when the winner itself emptied it.
                allowed = fits & ~emptied[name] if row.clear else pd.Series(True, index=clusters)
                filled[name] = filled[name].where(filled[name].notna() | ~allowed, candidate[name])
    return filled


def _chosen(name: str, winner: Vector, frames: Mapping[str, pd.DataFrame], clusters: pd.Index) -> pd.Series:
    value = pd.Series(pd.NA, index=clusters, dtype="str")
    for number, frame in enumerate(frames.values()):
        won = winner == number
        if won.any() and name in frame:
            value = value.mask(won, frame[name])
    return value
