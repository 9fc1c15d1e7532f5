"""What is decided together: one property, or the group of properties that only make sense together."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from talk_assets.mappings.capabilities import Capabilities
from talk_assets.mappings.model import Property, Subject
from talk_assets.sync.columns import Flags, Vector
from talk_assets.sync.frames import Golden, Members
from talk_assets.sync.part import NOTHING, Bools, Part, build_part
from talk_assets.sync.slots import SLOT


@dataclass(frozen=True)
class Unit:
    """What is decided together, over clusters (rows) and the entities that hold some of it (columns).

    Attributes:
        parts: the properties; the first one's rule counts for all.
        entities: the columns, in the order of the mapping.
        present: whether the cluster has a member of the entity.
        active: whether the mapping's row applies to that member (`when`, `unless`), see `had`.
        first_sight: whether the member's value was never accounted for.
        asked: of these, whether it is what a person was asked about, because no time told which value is right.
        answered: whether the member was changed after a person was asked.
        changed: whether the member differs from what it last was accounted for, or from what a person was asked about.
        filled: whether the member holds anything.
        counts: whether the entity's edits count.
        clears: whether the entity's clearing of the whole unit travels.
        golden_filled: whether anything is agreed.
        golden_times: microseconds of the youngest agreed value, the smallest number where nothing ever was.
        tie_order: columns in the order in which edits of the same time win.
        ties_named: whether the mapping gives that order.
        golden_from: column of the present member that the agreed value came from, -1 where there is none; only filled
            for the rule `prefer`.
    """

    parts: list[Part]
    entities: list[str]
    present: Bools
    active: Bools
    first_sight: Bools
    asked: Bools
    answered: Bools
    changed: Bools
    filled: Bools
    counts: Flags
    clears: Flags
    golden_filled: Flags
    golden_times: Vector
    tie_order: Vector
    ties_named: bool
    golden_from: Vector

    @property
    def row(self) -> Property:
        """The row whose rule counts."""
        return self.parts[0].row

    @property
    def cuts(self) -> bool:
        """Whether some text is longer than an entity takes."""
        return any(table is not part.forms for part in self.parts for table in part.cut)

    def shows(self, viewer: int, other: int) -> Flags:
        """Whether an entity's members hold what another's hold, as far as they can hold it."""
        return _all(self.parts, viewer, lambda part: part.shows(viewer, part.current[:, other]))

    def shortens(self, viewer: int, other: int) -> Flags:
        """Whether an entity's members hold only the beginning of what another's hold, because they take no more."""
        held = [part for part in self.parts if part.holds[viewer]]
        whole = [part.forms[part.current[:, viewer]] == part.forms[part.current[:, other]] for part in held]
        return np.asarray(self.shows(viewer, other) & ~np.logical_and.reduce(whole))

    def shows_golden(self, viewer: int) -> Flags:
        """Whether an entity's members hold what is agreed, as far as they can hold it."""
        return _all(self.parts, viewer, lambda part: part.shows(viewer, part.golden)) & self.golden_filled

    def knew(self, viewer: int) -> Flags:
        """Whether an entity's members had accounted for what is agreed, or for what they made of it."""
        return _all(self.parts, viewer, lambda part: part.knew(viewer))

    def gave(self) -> Bools:
        """From which entities something that is agreed, or that was cleared, came."""
        found = np.zeros(self.present.shape, dtype=bool)
        for column, entity in enumerate(self.entities):
            for part in self.parts:
                found[:, column] |= part.came_from(entity)
        return found

    def shortens_golden(self, viewer: int, other: int) -> Flags:
        """Whether what is agreed is what an entity holds, and only the beginning of what another's members hold."""
        found, whole = self.golden_filled.copy(), np.ones(len(self.present), dtype=bool)
        for part in self.parts:
            agreed = part.forms[part.golden]
            same = part.forms[part.current[:, other]] == agreed
            whole &= same
            if part.holds[viewer]:
                same |= part.cut[viewer][part.current[:, other]] == agreed
                found &= part.forms[part.current[:, viewer]] == agreed
            found &= same
        return np.asarray(found & ~whole)

    def fineness(self, column: int) -> Vector:
        """How whole a value is that an entity's members hold: longer is, and letters it does not change."""
        lengths = sum(2 * part.lengths[part.current[:, column]] for part in self.parts)
        return np.asarray(lengths - int(any(part.respelled[column] for part in self.parts)))

    def golden_fineness(self) -> Vector:
        """The same of what is agreed."""
        return np.asarray(sum(2 * part.lengths[part.golden] for part in self.parts))


def _all(parts: list[Part], viewer: int, fits: Callable[[Part], Flags]) -> Flags:
    held = [fits(part) for part in parts if part.holds[viewer]]
    return np.asarray(np.logical_and.reduce(held), dtype=bool)


def units(subject: Subject) -> list[list[str]]:
    """The subject's properties as they are decided: alone, or together as a group; match-only ones not at all."""
    found: dict[str, list[str]] = {}
    for name, row in subject.properties.items():
        if row.direction != "match":
            found.setdefault(f"group {row.group}" if row.group else name, []).append(name)
    return list(found.values())


def build_unit(
    subject: Subject,
    names: list[str],
    over: Mapping[str, Members],
    golden: Golden,
    capabilities: Capabilities,
    clusters_of: pd.Series,
    ever: pd.DataFrame | None = None,
) -> Unit:
    """Number the values of some properties; the frames of `over` and `golden` share one index of clusters."""
    entities = [
        entity
        for entity in subject.entities
        if entity in over and any(entity in subject.properties[name].members for name in names)
    ]
    parts = [build_part(subject, name, entities, over, golden, capabilities, clusters_of) for name in names]
    rows = [part.row for part in parts]
    present = _stack([over[entity].keys.notna().to_numpy(dtype=bool) for entity in entities], golden)
    first = [_never_seen(over[entity], [n for n in names if n in over[entity].times]) for entity in entities]
    unseen = present & _stack(first, golden)
    differs, filled, known = (np.zeros(present.shape, dtype=bool) for _ in range(3))
    for part in parts:
        differs |= part.forms[part.current] != part.forms[part.base]
        filled |= part.forms[part.current] >= 0
        known |= part.forms[part.base] >= 0
    answered = unseen & known & differs
    first_sight = unseen & ~answered
    times = [part.golden_times for part in parts]
    there = had(over, ever, golden.values.index)
    return Unit(
        parts=parts,
        entities=entities,
        present=present,
        active=_stack([_active(rows, entity, there) for entity in entities], golden),
        first_sight=first_sight,
        asked=first_sight & known,
        answered=answered,
        changed=present & ~first_sight & differs,
        filled=filled,
        counts=np.array([any(e in row.members and row.claims(e) for row in rows) for e in entities], dtype=bool),
        clears=np.array([all(named(row.clear, e) for row in rows) for e in entities], dtype=bool),
        golden_filled=np.logical_or.reduce([part.forms[part.golden] >= 0 for part in parts]),
        golden_times=np.maximum.reduce(times),
        tie_order=_tie_order(subject, entities),
        ties_named=bool(subject.tie_break),
        golden_from=_golden_from(parts, entities, present, times),
    )


def _tie_order(subject: Subject, entities: list[str]) -> Vector:
    named_first = [[at for at, name in enumerate(subject.tie_break) if named([name], entity)] for entity in entities]
    places = [found[0] if found else len(subject.tie_break) for found in named_first]
    return np.argsort(np.array(places, dtype=np.int64), kind="stable")


def _stack(columns: list[Flags], golden: Golden) -> Bools:
    """Columns side by side, also when there are none."""
    return np.column_stack(columns) if columns else np.zeros((len(golden.values), 0), dtype=bool)


def _never_seen(members: Members, names: list[str]) -> Flags:
    return np.asarray(np.logical_and.reduce([members.times[name].isna().to_numpy(dtype=bool) for name in names]))


def had(over: Mapping[str, Members], ever: pd.DataFrame | None, clusters: pd.Index) -> dict[str, pd.Series]:
    """Per entity which clusters have, or ever had, a member of it.

    What a row with `when` or `unless` asks does not change when that member is gone: a value would otherwise move to a
    property that was never meant to carry it.

    Args:
        over: entity to its live members, one row per cluster.
        ever: `cluster_id, entity` of the members that they have or ever had; None: no others.
        clusters: the clusters.
    """
    found = {entity: members.keys.notna() for entity, members in over.items()}
    if ever is None:
        return found
    for entity, numbers in ever.groupby("entity")["cluster_id"]:
        once = pd.Series(clusters.isin(numbers), index=clusters)
        found[str(entity)] = found[str(entity)] | once if entity in found else once
    return found


def _active(rows: list[Property], entity: str, there: Mapping[str, pd.Series]) -> Flags:
    clusters = there[entity].index
    applies = np.zeros(len(clusters), dtype=bool)
    for row in rows:
        if entity in row.members:
            where = active(row, entity, there, clusters)
            applies |= True if where is None else where
    return applies


def active(row: Property, entity: str, there: Mapping[str, pd.Series], clusters: pd.Index) -> Flags | None:
    """Where a row with `when` or `unless` applies, from which clusters had which entity (`had`); None: everywhere."""
    member = row.members[entity]
    needed = member.when or member.unless
    if needed is None:
        return None
    known = np.zeros(len(clusters), dtype=bool)
    if needed in there:
        known = there[needed].reindex(clusters, fill_value=False).to_numpy(dtype=bool)
    return np.asarray(known if member.when is not None else ~known)


def named(names: list[str], entity: str) -> bool:
    """Whether a list of entities and systems names an entity."""
    return entity.partition(SLOT)[0] in names or entity.partition(".")[0] in names


def _golden_from(parts: list[Part], entities: list[str], present: Bools, times: list[Vector]) -> Vector:
    """Column of the present member that the agreed value came from; only the rule `prefer` asks."""
    source = np.full(len(present), NOTHING, dtype=np.int64)
    if parts[0].row.rule != "prefer":
        return source
    youngest = np.argmax(np.column_stack(times), axis=1)
    for at, part in enumerate(parts):
        for column, entity in enumerate(entities):
            source[(youngest == at) & part.came_from(entity) & present[:, column]] = column
    return source
