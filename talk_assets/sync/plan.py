"""What every member should hold, and what therefore is owed.

The desired state of a member is the golden values in the entity's own length and codes, limited to what it can take.
Differences from what it holds become owed writes; a flow's missing counterpart becomes an owed create. References stay
`entity/key` of the winning record here: they become the target's own keys when they are delivered.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from talk_assets.mappings.capabilities import Capabilities, EntityCapability, Writable
from talk_assets.mappings.model import Property, Subject
from talk_assets.sync.columns import Flags, arrow, choose, same, series
from talk_assets.sync.compare import said
from talk_assets.sync.convert import to_target
from talk_assets.sync.frames import Golden, Members
from talk_assets.sync.unit import active

PROBLEMS = ["cluster_id", "entity", "property", "value", "problem"]


@dataclass(frozen=True)
class Owed:
    """Writes owed to one entity; index: cluster, unique.

    Attributes:
        create: whether the record is to be created; otherwise it is updated.
        keys: the record's own key, NA for a create.
        values: what is to be written, canonical text under canonical names; NA where nothing is owed, '' to clear.
        expected: what the record holds now of the values to be written.
        state: `owed`, `waiting` (a required value is missing) or `person` (the system takes no writes).
        reason: a sentence for `waiting` and `person`, '' otherwise.
    """

    create: pd.Series
    keys: pd.Series
    values: pd.DataFrame
    expected: pd.DataFrame
    state: pd.Series
    reason: pd.Series


@dataclass(frozen=True)
class Plan:
    """What is owed per entity, and values that an entity cannot take (columns `PROBLEMS`)."""

    owed: dict[str, Owed]
    problems: pd.DataFrame


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
) -> Plan:
    """Plan the writes of the given clusters.

    Args:
        subject: the subject of the clusters.
        members: entity to its live members, after `decide` (bases moved).
        golden: the agreed values of the clusters.
        capabilities: what the entities can take.
        clusters_of: index `entity/key`, value cluster number as text, of the records that references point to.
        gone: `cluster_id, entity` of members that were deleted in their system: they are not put back.
        held: clusters that are held: nothing is created for them.
        open_conflicts: `cluster_id, property` left for a person: they are not written.
        defaults: values of the settings that the mapping names as defaults, references as `entity/key`.
        documents: for lines: document entity to whether each line's document has such a member, or will get one.
    """
    owed: dict[str, Owed] = {}
    problems: list[pd.DataFrame] = []
    clusters = golden.values.index
    over = {entity: frame.over(clusters) for entity, frame in members.items()}
    has = {entity: over[entity].keys.notna() if entity in over else _none(clusters) for entity in subject.entities}
    there = {name: where.reindex(clusters, fill_value=False) for name, where in (documents or {}).items()}
    missing = _missing_members(subject, has, there, capabilities, gone, held, lines=documents is not None)
    for entity in subject.entities:
        capability = capabilities[entity]
        desired, unfit = to_target(golden.values, entity, subject, capability)
        closed = _closed(subject, entity, has, open_conflicts, clusters)
        for name, where in closed.items():
            desired[name] = desired[name].mask(where)
        wanted = missing[entity]
        creates = _inserts(subject, entity, desired[wanted], has, capability, defaults)
        owed[entity] = creates
        if has[entity].any():
            gaps = _gaps(subject, entity, over[entity], golden, desired, closed, capability, clusters_of)
            owed[entity] = _both(_updates(gaps, capability), creates)
            problems.append(gaps.refused.assign(entity=entity))
        if len(unfit):
            unfit = unfit[_concerns(unfit, subject, entity, over.get(entity), golden, wanted, capability, clusters_of)]
            problems.append(unfit.assign(entity=entity))
    found = [frame for frame in problems if len(frame)]
    return Plan(owed, pd.concat(found, ignore_index=True)[PROBLEMS] if found else pd.DataFrame(columns=PROBLEMS))


def _none(clusters: pd.Index) -> pd.Series:
    return pd.Series(False, index=clusters)


def _closed(
    subject: Subject, entity: str, has: Mapping[str, pd.Series], open_conflicts: pd.DataFrame, clusters: pd.Index
) -> dict[str, Flags]:
    """Where a property is not to be written: its row does not apply, or a person has to decide first."""
    closed = {}
    for name, row in subject.held_by(entity).items():
        where = active(row, entity, has, clusters)
        shut = np.zeros(len(clusters), dtype=bool) if where is None else ~where
        if len(open_conflicts):
            shut |= clusters.isin(open_conflicts["cluster_id"][open_conflicts["property"].eq(name)])
        if shut.any():
            closed[name] = shut
    return closed


def _missing_members(
    subject: Subject,
    has: Mapping[str, pd.Series],
    there: Mapping[str, pd.Series],
    capabilities: Capabilities,
    gone: pd.DataFrame,
    held: pd.Index,
    *,
    lines: bool,
) -> dict[str, pd.Series]:
    """Where a member of each entity is to be created, also as the counterpart of one that is about to be created."""
    clusters = next(iter(has.values())).index
    absent = {e: ~has[e] & ~clusters.isin(gone["cluster_id"][gone["entity"].eq(e)]) for e in has}
    coming, found = dict(has), {entity: _none(clusters) for entity in has}
    # A counterpart of a counterpart: each round can only reach one entity further.
    for _ in subject.entities:
        before = sum(int(wanted.sum()) for wanted in found.values())
        for entity in subject.entities:
            wanted = absent[entity] & _creates(subject, entity, coming | dict(there)) & ~clusters.isin(held)
            document = capabilities[entity].document
            found[entity] = wanted & there[document] if lines and document is not None else wanted
            coming[entity] = coming[entity] | found[entity]
        if sum(int(wanted.sum()) for wanted in found.values()) == before:
            break
    return found


def _creates(subject: Subject, entity: str, has: Mapping[str, pd.Series]) -> pd.Series:
    """Where some flow creates a missing member of this entity."""
    clusters = next(iter(has.values())).index
    wanted = _none(clusters)
    for flow in subject.flows.values():
        if entity not in flow.entities:
            continue
        to_exact = entity == flow.exact
        if flow.create.exact if to_exact else flow.create.customerp:
            here = has[flow.customerp if to_exact else flow.exact]
            unless = flow.create.unless
            wanted |= here if unless is None else here & ~has.get(unless, _none(clusters))
    return wanted


@dataclass(frozen=True)
class _Gaps:
    """What members should hold and do not (`values`, '' to clear), what they hold instead, what cannot be cleared."""

    keys: pd.Series
    values: pd.DataFrame
    expected: pd.DataFrame
    refused: pd.DataFrame


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
    differs, cleared, refused = {}, {}, [pd.DataFrame()]
    for name, row in subject.held_by(entity).items():
        own = row.members[entity].name
        if _written(row, entity, capability) != "always":
            if row.direction == "both" and _written(row, entity, capability) == "create":
                fixed = there & _differs(name, row, over, golden, desired[name], clusters_of)
                refused.append(_fixed(fixed, entity, name, own, over.current[name], golden.values[name]))
            continue
        differs[name] = there & _differs(name, row, over, golden, desired[name], clusters_of)
        emptied = there & _cleared(name, row, over, golden, clusters_of) & ~closed.get(name, nowhere)
        if emptied.any() and capability.properties[own].required:
            refused.append(_refused(desired.index[emptied], entity, name, own))
            emptied[:] = False
        cleared[name] = emptied
    owed = np.logical_or.reduce([nowhere, *differs.values(), *cleared.values()])
    clusters = desired.index[owed]
    values, expected = {}, {}
    for name in differs:
        write, empty = differs[name][owed], cleared[name][owed]
        texts = choose(write, arrow(desired[name][owed]), choose(empty, "", None))
        values[name] = series(texts, clusters)
        expected[name] = series(choose(write | empty, arrow(over.current[name][owed]), None), clusters)
    return _Gaps(
        keys=over.keys[owed],
        values=pd.DataFrame(values, index=clusters),
        expected=pd.DataFrame(expected, index=clusters),
        refused=pd.concat(refused, ignore_index=True),
    )


def _cleared(name: str, row: Property, over: Members, golden: Golden, clusters_of: pd.Series) -> Flags:
    """Where a member holds a value of what was cleared."""
    if not row.clear:
        return np.zeros(len(over.keys), dtype=bool)
    agreed = golden.values[name]
    cleared = agreed.isna().to_numpy() & golden.times[name].notna().to_numpy()
    return np.asarray(cleared & _differ(agreed, over.current[name], row, clusters_of))


def _differs(
    name: str, row: Property, over: Members, golden: Golden, desired: pd.Series, clusters_of: pd.Series
) -> Flags:
    """Where a member holds something else than it should."""
    current, sent = over.current[name], over.sent[name]
    differs = desired.notna().to_numpy(dtype=bool) & _differ(desired, current, row, clusters_of)
    if not differs.any():
        return differs
    if row.type == "text":
        # An entity may hold more than is known of it.
        differs &= _differ(golden.values[name], current, row, clusters_of)
    if sent.notna().any():
        # What the target made of the very same value is not sent again.
        kept = sent.notna().to_numpy(dtype=bool) & ~_differ(sent, desired, row, clusters_of)
        differs &= ~kept | _differ(current, over.base[name], row, clusters_of)
    return differs


def _refused(clusters: pd.Index, entity: str, name: str, own: str) -> pd.DataFrame:
    problem = f"was cleared, but {entity} needs a value for {own}"
    return pd.DataFrame({"cluster_id": clusters, "property": name, "value": "", "problem": problem})


def _fixed(at: Flags, entity: str, name: str, own: str, held: pd.Series, agreed: pd.Series) -> pd.DataFrame:
    """Values that would have to be changed where the entity takes them only when a record is created."""
    problem = f"{entity} takes {own} only when a record is created, and still holds '" + held[at].fillna("") + "'"
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


def _written(row: Property, entity: str, capability: EntityCapability) -> Writable:
    """When a property is written: as the mapping wants, as far as the entity, or a person in its stead, can take it."""
    wanted = row.writes(entity)
    possible = "always" if capability.read_only else capability.properties[row.members[entity].name].write
    return min(wanted, possible, key=("never", "create", "always").index)


def _differ(left: pd.Series, right: pd.Series, row: Property, clusters_of: pd.Series) -> Flags:
    """Where two values are not the same; only those are compared closely that are not spelled the same."""
    one, two = arrow(left), arrow(right)
    unlike = ~same(one, two)
    if unlike.any():
        at = pa.array(unlike)
        unlike[unlike] = ~same(said(one.filter(at), row, clusters_of), said(two.filter(at), row, clusters_of))
    return unlike


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
        when = _written(row, entity, capability)
        clusters = pd.Index(rows["cluster_id"])
        needed = wanted.reindex(clusters).to_numpy(dtype=bool) & (when != "never")
        if over is not None and when == "always":
            current = over.current[str(name)].reindex(clusters)
            differs = _differ(golden.values[str(name)].reindex(clusters), current, row, clusters_of)
            needed |= over.keys.reindex(clusters).notna().to_numpy(dtype=bool) & differs
        concerns[rows.index] = needed
    return concerns


def _inserts(
    subject: Subject,
    entity: str,
    desired: pd.DataFrame,
    has: Mapping[str, pd.Series],
    capability: EntityCapability,
    defaults: Mapping[str, str],
) -> Owed:
    """The records to create, with everything that the entity takes on create."""
    values = {}
    for name in map(str, desired.columns):
        row, member = subject.properties[name], subject.properties[name].members[entity]
        if _written(row, entity, capability) == "never":
            continue
        values[name] = desired[name]
        default = defaults.get(member.default_setting or "")
        if default is not None:
            # Only where no member could hold a value: one that could, and is empty, is a gap for a person.
            holders = [has[other].reindex(desired.index) for other in row.members if other != entity]
            nowhere = ~pd.concat(holders, axis=1).any(axis=1) if holders else pd.Series(True, index=desired.index)
            values[name] = desired[name].mask(desired[name].isna() & nowhere, default)
    frame = pd.DataFrame(values, index=desired.index)
    reason = missing(subject, entity, frame, capability)
    state = pd.Series("owed", index=frame.index, dtype="str").mask(reason.ne(""), "waiting")
    if capability.read_only:
        state[:] = "person"
        reason = pd.Series(capability.read_only, index=frame.index, dtype="str")
    return Owed(
        create=pd.Series(True, index=frame.index),
        keys=pd.Series(pd.NA, index=frame.index, dtype="str"),
        values=frame,
        expected=pd.DataFrame(index=frame.index),
        state=state,
        reason=reason,
    )


def missing(subject: Subject, entity: str, values: pd.DataFrame, capability: EntityCapability) -> pd.Series:
    """A sentence naming what creates still need; '' where they are complete.

    Args:
        subject: the entity's subject.
        entity: the entity in which records are created.
        values: one row per record, canonical text under canonical names.
        capability: what the entity can take.
    """
    constants = subject.constants.get(entity, {})
    lacking = pd.Series("", index=values.index, dtype="str")
    # Rows whose `when` and `unless` exclude each other share one of the entity's own properties.
    names: dict[str, list[str]] = {}
    for name, row in subject.held_by(entity).items():
        if name in values and _written(row, entity, capability) != "never":
            names.setdefault(row.members[entity].name, []).append(name)
    needed = [own for own, p in capability.properties.items() if p.required and own not in constants]
    needed += [row.members[entity].name for row in subject.held_by(entity).values() if row.required]
    for own in dict.fromkeys(needed):
        if own in names:
            empty = values[names[own]].isna().all(axis=1)
            lacking = lacking.mask(empty, lacking + f", {own} ({' or '.join(names[own])})")
    for group in capability.any_of:
        if constants.keys().isdisjoint(group):
            empty = values[[name for own in group for name in names.get(own, [])]].isna().all(axis=1)
            lacking = lacking.mask(empty, lacking + f", one of {' or '.join(group)}")
    sentence = f"{entity} needs a value for " + lacking.str.removeprefix(", ") + " before it can be created"
    return sentence.where(lacking.ne(""), "").astype("str")


def _both(updates: Owed, creates: Owed) -> Owed:
    return Owed(
        create=pd.concat([updates.create, creates.create]),
        keys=pd.concat([updates.keys, creates.keys]),
        values=pd.concat([updates.values, creates.values]),
        expected=pd.concat([updates.expected, creates.expected]),
        state=pd.concat([updates.state, creates.state]),
        reason=pd.concat([updates.reason, creates.reason]),
    )
