"""Which value every property of a cluster has, and why.

Per property (or group of properties that only make sense together) over all members of a cluster at once: one changer
wins, equal changes agree, different changes go by the mapping's rule. A member that did not change has no say. Empty
never beats a value, unless clearing is allowed and the base was filled. Whoever loses is kept for history.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from talk_assets.mappings.capabilities import Capabilities
from talk_assets.mappings.model import Subject
from talk_assets.sync.account import Accounts
from talk_assets.sync.columns import Flags, Vector, arrow, choose, series, take
from talk_assets.sync.frames import NEVER, Golden, Members, as_number, as_numbers, as_times, with_columns
from talk_assets.sync.history import HISTORY, agreed_rows, overruled_rows
from talk_assets.sync.part import Bools, Matrix, Part
from talk_assets.sync.rules import Verdict, claims_of, judge
from talk_assets.sync.slots import entity_of
from talk_assets.sync.take import Taken, complete
from talk_assets.sync.union import unite
from talk_assets.sync.unit import Unit, build_unit, units

# Different values when the records first met, and different edits since.
INITIAL_DIFFERENCE, BOTH_CHANGED = "initial_difference", "both_changed"
CONFLICTS = ["cluster_id", "property", "kind", "entity", "key", "value", "time"]


@dataclass(frozen=True)
class Decision:
    """What was decided.

    Attributes:
        golden: the agreed values of every cluster.
        accounted: per entity the members with `base`, `times` and `sent` moved to what was taken into account.
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
    ever: pd.DataFrame | None = None,
) -> Decision:
    """Decide every property of the clusters that the members belong to.

    Args:
        subject: the subject of the clusters.
        members: entity (or slot, see `sync.slots`) to its live members among the clusters.
        golden: what was agreed so far.
        capabilities: what the entities can take; gives the length in which an entity shows a value.
        clusters_of: index `entity/key`, value cluster number as text, of the records that references point to.
        now: time of reading, for records without a time of their own; of values that were there before and differ,
            none of which has one, a person decides, unless the mapping says in which order ties are broken.
        ever: `cluster_id, entity` of the members that clusters have or ever had, for rows with `when` or `unless`;
            None: no others than `members`.
    """
    clusters = _clusters(members)
    over = {entity: frame.over(clusters) for entity, frame in members.items()}
    agreed = golden.over(clusters, list(subject.properties))
    modified = {entity: as_numbers(frame.modified) for entity, frame in over.items()}
    draft, accounts = _Draft(agreed, over), Accounts(over)
    history: list[pd.DataFrame] = []
    conflicts: list[pd.DataFrame] = []
    for names in units(subject):
        unit = build_unit(subject, names, over, agreed, capabilities, clusters_of, ever)
        if not unit.entities:
            continue
        told = np.column_stack([_edited(unit, over[entity], modified[entity]) for entity in unit.entities])
        times = np.where(told == NEVER, as_number(now), told)
        claims = claims_of(unit)
        if unit.row.rule == "union":
            unit, verdict, taken = unite(unit, claims, times, clusters_of)
        else:
            verdict = judge(unit, claims, times, dated=told != NEVER)
            taken = complete(unit, verdict, claims)
        for part, value in zip(unit.parts, taken, strict=True):
            winners = draft.move(unit, part, value)
            history += agreed_rows(part, value, draft.known, winners, unit.row.rule)
            history += overruled_rows(unit, part, value, claims, verdict, draft.who, winners, capabilities)
            conflicts += _disputed(unit, part, _parties(unit, claims, verdict), told, draft.who)
        accounts.move(unit, verdict, taken, times)
    return Decision(
        golden=draft.golden(),
        accounted={entity: accounts.members(entity, frame.keys.index) for entity, frame in members.items()},
        history=_together(history, HISTORY),
        conflicts=_together(conflicts, CONFLICTS),
    )


def _edited(unit: Unit, members: Members, modified: Vector) -> Vector:
    """When each member's part of a unit was last changed: by the properties' own times, else by the record's.

    The smallest number where the system tells neither.
    """
    if members.edited is None:
        return modified
    told = [as_numbers(members.edited[part.name]) for part in unit.parts if part.name in members.edited]
    own = np.maximum.reduce(told) if told else np.full(len(modified), NEVER, dtype=np.int64)
    return np.where(own == NEVER, modified, own)


def _clusters(members: Mapping[str, Members]) -> pd.Index:
    numbers = [frame.keys.index.to_numpy(dtype=np.int64) for frame in members.values()]
    return pd.Index(np.unique(np.concatenate(numbers)) if numbers else [], dtype="int64")


def _together(rows: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    return pd.concat(rows, ignore_index=True)[columns] if rows else pd.DataFrame(columns=columns)


class _Draft:
    """The agreed values, changed property by property.

    Attributes:
        known: clusters of which something was agreed before.
        who: per entity `entity/key` of the members.
    """

    def __init__(self, agreed: Golden, over: Mapping[str, Members]) -> None:
        self.known = agreed.times.notna().any(axis=1).to_numpy(dtype=bool)
        self.who = {entity: entity_of(entity) + "/" + frame.keys for entity, frame in over.items()}
        self._clusters = agreed.values.index
        self._agreed = (agreed.values, agreed.times, agreed.winners, agreed.rules)
        # Only the columns that changed.
        self._columns: list[dict[Hashable, pd.Series]] = [{} for _ in self._agreed]

    def move(self, unit: Unit, part: Part, taken: Taken) -> pd.Series:
        """Take a property's values; who gives them now."""
        values, times, winners, rules = self._columns
        name, clusters = part.name, self._clusters
        if (taken.places != part.golden).any():
            values[name] = part.text(taken.places, clusters)
        if (taken.at != part.golden_times).any():
            times[name] = as_times(taken.at, clusters)
        given = taken.giver >= 0
        if given.any():
            everyone = pd.concat([self.who[entity] for entity in unit.entities], ignore_index=True)
            places = np.where(given, taken.giver * len(clusters) + np.arange(len(clusters)), -1)
            names = take(arrow(everyone), places)
            winners[name] = series(choose(given, names, arrow(self._agreed[2][name])), clusters)
            rules[name] = series(choose(given, unit.row.rule, arrow(self._agreed[3][name])), clusters)
        return winners[name] if name in winners else self._agreed[2][name]

    def golden(self) -> Golden:
        """The agreed values."""
        return Golden(*(with_columns(frame, new) for frame, new in zip(self._agreed, self._columns, strict=True)))


def _parties(unit: Unit, claims: Bools, verdict: Verdict) -> Bools:
    """Whose values a person has to decide between: of one claim against what is agreed also who gave that."""
    found = claims & verdict.disputed[:, None]
    alone = found.sum(axis=1) == 1
    if alone.any():
        gave = unit.gave() & unit.present & alone[:, None]
        for column in range(len(unit.entities)):
            found[:, column] |= gave[:, column] & unit.shows_golden(column)
    return found


def _disputed(
    unit: Unit, part: Part, open_claims: Bools, times: Matrix, who: Mapping[str, pd.Series]
) -> list[pd.DataFrame]:
    """The claims that a person has to decide between."""
    found = []
    first: Flags = np.asarray((open_claims & unit.first_sight).any(axis=1))
    for column, entity in enumerate(unit.entities):
        at = open_claims[:, column]
        if part.holds[column] and at.any():
            members = who[entity][at]
            found.append(
                pd.DataFrame(
                    {
                        "cluster_id": members.index,
                        "property": part.name,
                        "kind": np.where(first[at], INITIAL_DIFFERENCE, BOTH_CHANGED),
                        "entity": entity_of(entity),
                        "key": members.str.removeprefix(f"{entity_of(entity)}/").to_numpy(),
                        "value": part.text(part.current[at, column], members.index).to_numpy(),
                        "time": as_times(times[at, column], members.index).array,
                    }
                )
            )
    return found
