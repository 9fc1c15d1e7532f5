"""What every member should hold, and what therefore is owed.

The desired state of a member is the golden values in the entity's own length and codes, limited to what it can take.
Differences from what it holds become owed writes; a flow's missing counterpart becomes an owed create. References stay
`entity/key` of the winning record here: they become the target's own keys when they are delivered.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from talk_assets.mappings.capabilities import Capabilities, EntityCapability
from talk_assets.mappings.model import MemberProperty, Property, Subject
from talk_assets.sync.compare import comparable, same
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
    owed, problems = {}, []
    clusters = golden.values.index
    over = {entity: frame.over(clusters) for entity, frame in members.items()}
    has = {entity: over[entity].keys.notna() if entity in over else _none(clusters) for entity in subject.entities}
    for entity in subject.entities:
        capability = capabilities[entity]
        desired, found = to_target(golden.values, entity, subject, capability)
        if len(found):
            problems.append(found.assign(entity=entity))
        for name in map(str, desired.columns):
            where = active(subject.properties[name], entity, has)
            if where is not None:
                desired[name] = desired[name].where(where)
            frozen = open_conflicts["cluster_id"][open_conflicts["property"].eq(name)]
            desired[name] = desired[name].mask(clusters.isin(frozen))
        updates = _updates(subject, entity, over.get(entity), golden, desired, capability, clusters_of)
        absent = ~has[entity] & ~clusters.isin(gone["cluster_id"][gone["entity"].eq(entity)])
        wanted = absent & _creates(subject, entity, has | dict(documents or {})) & ~clusters.isin(held)
        if capability.document is not None and documents is not None:
            wanted &= documents[capability.document].reindex(clusters, fill_value=False)
        creates = _inserts(subject, entity, desired[wanted], has, capability, defaults)
        owed[entity] = _both(updates, creates)
    return Plan(owed=owed, problems=pd.concat(problems)[PROBLEMS] if problems else pd.DataFrame(columns=PROBLEMS))


def _none(clusters: pd.Index) -> pd.Series:
    return pd.Series(False, index=clusters)


def _creates(subject: Subject, entity: str, has: Mapping[str, pd.Series]) -> pd.Series:
    """Where some flow creates a missing member of this entity."""
    wanted = _none(next(iter(has.values())).index)
    for flow in subject.flows.values():
        if entity not in flow.entities:
            continue
        to_exact = entity == flow.exact
        if flow.create.exact if to_exact else flow.create.customerp:
            here = has[flow.customerp if to_exact else flow.exact]
            wanted |= here if flow.create.unless is None else here & ~has[flow.create.unless]
    return wanted


def _updates(
    subject: Subject,
    entity: str,
    over: Members | None,
    golden: Golden,
    desired: pd.DataFrame,
    capability: EntityCapability,
    clusters_of: pd.Series,
) -> Owed | None:
    """Differences between what the members hold and what they should hold."""
    if over is None:
        return None
    there = over.keys.notna()
    if not there.any():
        return None
    values, expected = {}, {}
    for name in map(str, desired.columns):
        row, member = subject.properties[name], subject.properties[name].members[entity]
        if row.writes(entity) != "always":
            continue
        if _writable(member, capability) != "always" and not capability.read_only:
            continue
        current = over.current[name]
        differs = there & desired[name].notna() & ~_equal(desired[name], current, row, clusters_of)
        if over.sent[name].notna().any():
            # What the target made of the very same value is not sent again.
            kept = over.sent[name].notna() & _equal(over.sent[name], desired[name], row, clusters_of)
            differs &= ~(kept & _equal(current, over.base[name], row, clusters_of))
        cleared = there & golden.values[name].isna() & golden.times[name].notna() & current.notna() & bool(row.clear)
        values[name] = desired[name].where(differs).mask(cleared, "")
        expected[name] = current.where(differs | cleared)
    frame = pd.DataFrame(values, index=desired.index)
    any_owed = frame.notna().any(axis=1)
    clusters = desired.index[any_owed]
    state = "person" if capability.read_only else "owed"
    return Owed(
        create=pd.Series(False, index=clusters),
        keys=over.keys[any_owed],
        values=frame[any_owed],
        expected=pd.DataFrame(expected, index=desired.index)[any_owed],
        state=pd.Series(state, index=clusters, dtype="str"),
        reason=pd.Series(capability.read_only or "", index=clusters, dtype="str"),
    )


def _writable(member: MemberProperty, capability: EntityCapability) -> str:
    return capability.properties[member.name].write


def _equal(left: pd.Series, right: pd.Series, row: Property, clusters_of: pd.Series) -> pd.Series:
    if row.to is None:
        return same(comparable(left, row), comparable(right, row))
    one, two = left.map(clusters_of).astype("str"), right.map(clusters_of).astype("str")
    return same(one.where(one.notna(), left).astype("str"), two.where(two.notna(), right).astype("str"))


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
        if row.writes(entity) == "never" or (_writable(member, capability) == "never" and not capability.read_only):
            continue
        values[name] = desired[name]
        default = defaults.get(member.default_setting or "")
        if default is not None:
            # Only where no member could hold a value: one that could, and is empty, is a gap for a person.
            holders = [has[other].reindex(desired.index) for other in row.members if other != entity]
            nowhere = ~pd.concat(holders, axis=1).any(axis=1) if holders else pd.Series(True, index=desired.index)
            values[name] = desired[name].mask(desired[name].isna() & nowhere, default)
    frame = pd.DataFrame(values, index=desired.index)
    missing = _missing(subject, entity, frame, capability)
    state = pd.Series("owed", index=frame.index, dtype="str").mask(missing.ne(""), "waiting")
    if capability.read_only:
        state[:] = "person"
        missing = pd.Series(capability.read_only, index=frame.index, dtype="str")
    return Owed(
        create=pd.Series(True, index=frame.index),
        keys=pd.Series(pd.NA, index=frame.index, dtype="str"),
        values=frame,
        expected=pd.DataFrame(index=frame.index),
        state=state,
        reason=missing,
    )


def _missing(subject: Subject, entity: str, frame: pd.DataFrame, capability: EntityCapability) -> pd.Series:
    """A sentence naming what a create still needs; '' when it is complete."""
    constants = subject.constants.get(entity, {})
    holders = {member.name: name for name, row in subject.properties.items() if (member := row.members.get(entity))}
    needed = [own for own, p in capability.properties.items() if p.required and own not in constants]
    needed += [
        row.members[entity].name for row in subject.properties.values() if row.required and entity in row.members
    ]
    lacking = pd.Series("", index=frame.index, dtype="str")
    for own in dict.fromkeys(needed):
        name = holders.get(own)
        if name in frame:
            lacking = lacking.mask(frame[name].isna(), lacking + f", {own} ({name})")
    for group in capability.any_of:
        names = [holders[own] for own in group if own in holders]
        lacking = lacking.mask(frame[names].isna().all(axis=1), lacking + f", one of {' or '.join(group)}")
    sentence = f"{entity} needs a value for " + lacking.str.removeprefix(", ") + " before it can be created"
    return sentence.where(lacking.ne(""), "").astype("str")


def _both(updates: Owed | None, creates: Owed) -> Owed:
    if updates is None:
        return creates
    return Owed(
        create=pd.concat([updates.create, creates.create]),
        keys=pd.concat([updates.keys, creates.keys]),
        values=pd.concat([updates.values, creates.values]),
        expected=pd.concat([updates.expected, creates.expected]),
        state=pd.concat([updates.state, creates.state]),
        reason=pd.concat([updates.reason, creates.reason]),
    )
