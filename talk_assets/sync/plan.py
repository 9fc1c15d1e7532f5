"""What every member should hold, and what therefore is owed.

The desired state of a member is the golden values in the entity's own length and codes, limited to what it can take.
Differences from what it holds become owed writes; a flow's missing counterpart becomes an owed create. References stay
`entity/key` of the winning record here: they become the target's own keys when they are delivered.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from talk_assets.mappings.capabilities import Capabilities, EntityCapability
from talk_assets.mappings.model import Property, Subject
from talk_assets.sync.columns import Flags, arrow, choose, series
from talk_assets.sync.compare import differ
from talk_assets.sync.convert import to_target
from talk_assets.sync.creation import LEFT_OUT, incomplete, inserts, missing_members, recent_clusters
from talk_assets.sync.decide import CONFLICTS
from talk_assets.sync.filters import outside
from talk_assets.sync.frames import Golden, Members, as_numbers
from talk_assets.sync.owed import Owed, written
from talk_assets.sync.remove import Removals, with_removals
from talk_assets.sync.slots import entity_of
from talk_assets.sync.unit import active, had

# Why an update is not sent: the system takes no writes.
WRITES_OFF = "writes_off"
# Why a record is not written: its agreed values do not meet the filter of the entity.
OUT_OF_FILTER = "out_of_filter"
# An edit that does not count, and that is left until the owner changes the property.
NON_OWNER_EDIT = "non_owner_edit"
PROBLEMS = ["cluster_id", "entity", "property", "value", "problem"]


@dataclass(frozen=True)
class Plan:
    """What is owed.

    Attributes:
        owed: per entity (or slot) to which something is.
        problems: values that an entity cannot take, columns `PROBLEMS`.
        left_out: what is not created or updated, and why, columns `LEFT_OUT`.
        ignored: edits that do not count and are left as they are, columns `CONFLICTS`.
    """

    owed: dict[str, Owed]
    problems: pd.DataFrame
    left_out: pd.DataFrame
    ignored: pd.DataFrame


def plan(
    subject: Subject,
    members: Mapping[str, Members],
    golden: Golden,
    *,
    capabilities: Capabilities,
    clusters_of: pd.Series,
    gone: pd.DataFrame,
    held: pd.Index,
    open_conflicts: pd.DataFrame,
    defaults: Mapping[str, str],
    documents: Mapping[str, pd.Series] | None = None,
    removed: Removals | None = None,
    ever: pd.DataFrame | None = None,
) -> Plan:
    """Plan the writes of the given clusters.

    Args:
        subject: the subject of the clusters.
        members: entity (or slot, see `sync.slots`) to its live members, after `decide` (bases moved).
        golden: the agreed values of the clusters.
        capabilities: what the entities can take.
        clusters_of: index `entity/key`, value cluster number as text, of the records that references point to.
        gone: `cluster_id, entity` of members that were deleted in their system: they are not put back.
        held: clusters that are held: nothing is created for them.
        open_conflicts: `cluster_id, property` left for a person: they are not written, and nothing is created meanwhile
            that would be given them. Documents and lines are planned, and wait when they would be sent.
        defaults: values of the settings that the mapping names as defaults, references as `entity/key`.
        documents: for lines: document entity to whether each line's document has such a member, or will get one.
        removed: what the deletions in the clusters lead to.
        ever: see `decide`.
    """
    owed: dict[str, Owed] = {}
    problems: list[pd.DataFrame] = []
    left_out: list[pd.DataFrame] = []
    ignored: list[pd.DataFrame] = []
    clusters = golden.values.index
    over = {entity: frame.over(clusters) for entity, frame in members.items()}
    has = {
        entity: over[entity].keys.notna() if entity in over else pd.Series(False, index=clusters)
        for entity in subject.entities
    }
    known = had(over, ever, clusters)
    there = {name: where.reindex(clusters, fill_value=False) for name, where in (documents or {}).items()}
    recent, historical = recent_clusters(subject, over, has)
    missing = missing_members(subject, has, recent, there, capabilities, gone, held, lines=documents is not None)
    for entity, again in (removed.restore if removed is not None else {}).items():
        missing[entity] |= again & ~clusters.isin(held)
    for entity in subject.entities:
        capability, wanted = capabilities[entity], missing[entity]
        if not (has[entity].any() or wanted.any()):
            continue
        desired, unfit = to_target(golden.values, entity, subject, capability)
        closed = _closed(subject, entity, known, open_conflicts, clusters)
        for name, where in closed.items():
            desired[name] = desired[name].mask(where)
        if has[entity].any():
            gaps = _gaps(subject, entity, over[entity], golden, desired, closed, capability, clusters_of)
            owed[entity] = _updates(gaps, capability)
            problems.append(gaps.refused.assign(entity=entity_of(entity)))
            ignored.append(gaps.ignored.assign(entity=entity_of(entity)))
            if removed is not None:
                keys = over[entity].keys
                owed[entity] = with_removals(owed[entity], subject, entity, keys, removed, held, capability)
        if subject.lines is None and documents is None:
            # What is created is given all its values: some could be the system's own otherwise, until somebody decided.
            # A document is created with its lines: which are planned is decided now and not once more.
            wanted &= ~_undecided(subject, entity, capability, open_conflicts, clusters)
        if wanted.any():
            creates = inserts(subject, entity, desired[wanted], has, capability, defaults)
            owed[entity] = owed[entity].and_(creates) if entity in owed else creates
            left_out.append(incomplete(subject, entity, creates, capability))
        if capability.read_only is not None:
            left_out.append(_not_written(entity, owed[entity], WRITES_OFF))
        conditions = subject.filters_of(entity).write
        if conditions:
            out = clusters[outside(golden.values, conditions, clusters)]
            left_out.append(_not_written(entity, owed[entity].only(out), OUT_OF_FILTER))
            owed[entity] = owed[entity].without(out)
        if len(unfit):
            unfit = unfit[_concerns(unfit, subject, entity, over.get(entity), golden, wanted, capability, clusters_of)]
            problems.append(unfit.assign(entity=entity_of(entity)))
    return Plan(
        owed={entity: each for entity, each in owed.items() if len(each.keys)},
        problems=_stacked(problems, PROBLEMS),
        left_out=_stacked([*left_out, *historical], LEFT_OUT),
        ignored=_stacked(ignored, CONFLICTS),
    )


def _not_written(entity: str, owed: Owed, why: str) -> pd.DataFrame:
    """Writes that are not made, and why."""
    keys = owed.keys
    return pd.DataFrame(
        {"cluster_id": keys.index, "entity": entity_of(entity), "key": keys, "property": None, "rule": why}
    )


def _stacked(frames: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    found = [frame for frame in frames if len(frame)]
    return pd.concat(found, ignore_index=True)[columns] if found else pd.DataFrame(columns=columns)


def _closed(
    subject: Subject, entity: str, there: Mapping[str, pd.Series], open_conflicts: pd.DataFrame, clusters: pd.Index
) -> dict[str, Flags]:
    """Where a property is not to be written: its row does not apply, or a person has to decide first."""
    closed = {}
    for name, row in subject.held_by(entity).items():
        where = active(row, entity, there, clusters)
        shut = np.zeros(len(clusters), dtype=bool) if where is None else ~where
        if len(open_conflicts):
            shut |= clusters.isin(open_conflicts["cluster_id"][open_conflicts["property"].eq(name)])
        if shut.any():
            closed[name] = shut
    return closed


def _undecided(
    subject: Subject, entity: str, capability: EntityCapability, open_conflicts: pd.DataFrame, clusters: pd.Index
) -> Flags:
    """Where a person has to decide about something that a new record would be given."""
    rows = subject.held_by(entity)
    given = [name for name, row in rows.items() if written(row, entity, capability) != "never"]
    return clusters.isin(open_conflicts["cluster_id"][open_conflicts["property"].isin(given)])


@dataclass(frozen=True)
class _Gaps:
    """What members should hold and do not (`values`, '' to clear), what they hold instead, what cannot be cleared."""

    keys: pd.Series
    values: pd.DataFrame
    expected: pd.DataFrame
    refused: pd.DataFrame
    ignored: pd.DataFrame


def _gaps(
    subject: Subject,
    entity: str,
    over: Members,
    golden: Golden,
    desired: pd.DataFrame,
    closed: Mapping[str, Flags],
    capability: EntityCapability,
    clusters_of: pd.Series,
) -> _Gaps:
    """Differences between what the members hold and what they should hold."""
    there = over.keys.notna().to_numpy(dtype=bool)
    nowhere = np.zeros(len(there), dtype=bool)
    differs, cleared, refused, ignored = {}, {}, [pd.DataFrame()], [pd.DataFrame()]
    for name, row in subject.held_by(entity).items():
        own = row.members[entity].name
        unlike = there & _differs(name, row, over, golden, desired[name], clusters_of)
        alone = there & _left_alone(name, row, over, golden, clusters_of)
        if written(row, entity, capability) != "always":
            if row.direction == "both" and written(row, entity, capability) == "create":
                refused.append(_fixed(unlike & ~alone, entity, name, own, over.current[name], golden.values[name]))
            continue
        emptied = there & _cleared(name, row, over, golden, clusters_of) & ~closed.get(name, nowhere)
        if alone.any():
            ignored.append(_ignored(alone & (unlike | emptied), name, over))
        differs[name], emptied = unlike & ~alone, emptied & ~alone
        if emptied.any() and capability.properties[own].required:
            refused.append(_refused(desired.index[emptied], entity, name, own))
            emptied[:] = False
        cleared[name] = emptied
    owed = np.logical_or.reduce([nowhere, *differs.values(), *cleared.values()])
    clusters = desired.index[owed]
    values, expected = {}, {}
    for name in differs if len(clusters) else ():
        write, empty = differs[name][owed], cleared[name][owed]
        texts = choose(write, arrow(desired[name][owed]), choose(empty, "", None))
        values[name] = series(texts, clusters)
        expected[name] = series(choose(write | empty, arrow(over.current[name][owed]), None), clusters)
    return _Gaps(
        keys=over.keys[owed],
        values=pd.DataFrame(values, index=clusters),
        expected=pd.DataFrame(expected, index=clusters),
        refused=pd.concat(refused, ignore_index=True),
        ignored=pd.concat(ignored, ignore_index=True),
    )


def _ignored(at: Flags, name: str, over: Members) -> pd.DataFrame:
    """Edits by others than the owner, as conflicts: the systems differ until somebody acts."""
    return pd.DataFrame(
        {
            "cluster_id": over.keys.index[at],
            "property": name,
            "kind": NON_OWNER_EDIT,
            "key": over.keys[at].to_numpy(),
            "value": over.current[name][at].to_numpy(),
            "time": over.times[name][at].array,
        }
    )


def _cleared(name: str, row: Property, over: Members, golden: Golden, clusters_of: pd.Series) -> Flags:
    """Where a member holds a value of what was cleared."""
    if not row.clear:
        return np.zeros(len(over.keys), dtype=bool)
    agreed = golden.values[name]
    cleared = agreed.isna().to_numpy() & golden.times[name].notna().to_numpy()
    return np.asarray(cleared & differ(agreed, over.current[name], row, clusters_of))


def _differs(
    name: str, row: Property, over: Members, golden: Golden, desired: pd.Series, clusters_of: pd.Series
) -> Flags:
    """Where a member holds something else than it should."""
    current, sent = over.current[name], over.sent[name]
    differs = desired.notna().to_numpy(dtype=bool) & differ(desired, current, row, clusters_of)
    if not differs.any():
        return differs
    if row.type == "text":
        # An entity may hold more than is known of it.
        differs &= differ(golden.values[name], current, row, clusters_of)
    if sent.notna().any():
        # What the target made of the very same value is not sent again.
        kept = sent.notna().to_numpy(dtype=bool) & ~differ(sent, desired, row, clusters_of)
        differs &= ~kept | differ(current, over.base[name], row, clusters_of)
    return differs


def _left_alone(name: str, row: Property, over: Members, golden: Golden, clusters_of: pd.Series) -> Flags:
    """Where an edit that does not count stays, because the owner has not changed the property since."""
    if row.non_owner_edit != "ignore":
        return np.zeros(len(over.keys), dtype=bool)
    agreed, accounted = as_numbers(golden.times[name]), as_numbers(over.times[name])
    return np.asarray(~differ(over.current[name], over.base[name], row, clusters_of) & (agreed <= accounted))


def _refused(clusters: pd.Index, entity: str, name: str, own: str) -> pd.DataFrame:
    problem = f"was cleared, but {entity_of(entity)} needs a value for {own}"
    return pd.DataFrame({"cluster_id": clusters, "property": name, "value": "", "problem": problem})


def _fixed(at: Flags, entity: str, name: str, own: str, held: pd.Series, agreed: pd.Series) -> pd.DataFrame:
    """Values that would have to be changed where the entity takes them only when a record is created."""
    takes = f"{entity_of(entity)} takes {own} only when a record is created"
    problem = takes + ", and still holds '" + held[at].fillna("") + "'"
    return pd.DataFrame(
        {
            "cluster_id": held.index[at],
            "property": name,
            "value": agreed[at].to_numpy(),
            "problem": problem.astype("str").to_numpy(),
        }
    )


def _updates(gaps: _Gaps, capability: EntityCapability) -> Owed:
    clusters = gaps.keys.index
    return Owed(
        create=pd.Series(False, index=clusters),
        keys=gaps.keys,
        values=gaps.values,
        expected=gaps.expected,
        state=pd.Series("person" if capability.read_only else "owed", index=clusters, dtype="str"),
        reason=pd.Series(capability.read_only or "", index=clusters, dtype="str"),
    )


def _concerns(
    unfit: pd.DataFrame,
    subject: Subject,
    entity: str,
    over: Members | None,
    golden: Golden,
    wanted: pd.Series,
    capability: EntityCapability,
    clusters_of: pd.Series,
) -> pd.Series:
    """Which of the values that an entity cannot take would have to be written to it."""
    concerns = pd.Series(False, index=unfit.index)
    for name, rows in unfit.groupby("property"):
        row = subject.properties[str(name)]
        when = written(row, entity, capability)
        clusters = pd.Index(rows["cluster_id"])
        needed = wanted.reindex(clusters).to_numpy(dtype=bool) & (when != "never")
        if over is not None and when == "always":
            current = over.current[str(name)].reindex(clusters)
            differs = differ(golden.values[str(name)].reindex(clusters), current, row, clusters_of)
            needed |= over.keys.reindex(clusters).notna().to_numpy(dtype=bool) & differs
        concerns[rows.index] = needed
    return concerns
