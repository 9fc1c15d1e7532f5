"""Which members are missing from their clusters, what they are created with, and why some are not."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from talk_assets.mappings.capabilities import Capabilities, EntityCapability
from talk_assets.mappings.model import Subject
from talk_assets.sync.columns import Flags
from talk_assets.sync.frames import Members
from talk_assets.sync.owed import Owed, written

# Why something is not created: a value is missing, or what it would be made from is older than the flow wants.
MISSING_REQUIRED, HISTORICAL = "missing_required", "historical"
# `key` is that of an existing record, NA where one would have been created.
LEFT_OUT = ["cluster_id", "entity", "key", "property", "rule"]


def ever(entity: str) -> str:
    """The key under which it is told, beside whether a document has a member of an entity, whether it ever had one."""
    return f"ever {entity}"


def recent_clusters(
    subject: Subject, over: Mapping[str, Members], has: Mapping[str, pd.Series]
) -> tuple[dict[str, pd.Series], list[pd.DataFrame]]:
    """Which clusters are young enough for the flows that create nothing from old records.

    Args:
        subject: the subject of the clusters.
        over: entity to its members, one row per cluster.
        has: per entity whether the cluster has a live member.

    Returns:
        Per flow that looks at age, where a member was changed late enough; and the members that were not and have no
        counterpart, columns `LEFT_OUT`.
    """
    recent: dict[str, pd.Series] = {}
    historical = []
    for name, flow in subject.flows.items():
        if flow.create.since is None:
            continue
        edited = [frame.modified for entity, frame in over.items()]
        recent[name] = pd.concat(edited, axis=1).max(axis=1).ge(pd.Timestamp(flow.create.since).tz_convert("UTC"))
        for entity, wish in ((flow.customerp, flow.create.exact), (flow.exact, flow.create.customerp)):
            other = flow.exact if entity == flow.customerp else flow.customerp
            old = has[entity] & ~has[other] & ~recent[name] & wish
            historical.append(
                pd.DataFrame(
                    {"cluster_id": old.index[old], "entity": entity, "key": None, "property": None, "rule": HISTORICAL}
                )
            )
    return recent, historical


def missing_members(
    subject: Subject,
    has: Mapping[str, pd.Series],
    recent: Mapping[str, pd.Series],
    there: Mapping[str, pd.Series],
    capabilities: Capabilities,
    gone: pd.DataFrame,
    held: pd.Index,
    *,
    lines: bool,
) -> dict[str, pd.Series]:
    """Where a member of each entity is to be created, also as the counterpart of one that is about to be created.

    Args:
        subject: the subject of the clusters.
        has: per entity whether the cluster has a live member.
        recent: see `recent_clusters`.
        there: for lines: document entity to whether each line's document has such a member, or will get one; and under
            `ever` whether it ever had one, which is what a flow's `unless` asks of lines.
        capabilities: what the entities can take.
        gone: `cluster_id, entity` of members that were deleted: they are not put back.
        held: clusters for which nothing is created.
        lines: whether the subject is about lines.
    """
    clusters = next(iter(has.values())).index
    free = ~clusters.isin(held)
    absent = {e: free & ~(at | clusters.isin(gone["cluster_id"][gone["entity"].eq(e)])) for e, at in has.items()}
    coming = {entity: at.to_numpy(dtype=bool) for entity, at in (*has.items(), *there.items())}
    young = {flow: at.to_numpy(dtype=bool) for flow, at in recent.items()}
    found = {entity: np.zeros(len(clusters), dtype=bool) for entity in has}
    # A counterpart of a counterpart: each round can only reach one entity further.
    for _ in subject.entities:
        before = sum(int(wanted.sum()) for wanted in found.values())
        for entity in subject.entities:
            wanted = absent[entity] & _creates(subject, entity, coming, young)
            document = capabilities[entity].document
            found[entity] = wanted & coming[document] if lines and document is not None else wanted
            coming[entity] = coming[entity] | found[entity]
        if sum(int(wanted.sum()) for wanted in found.values()) == before:
            break
    return {entity: pd.Series(wanted, index=clusters) for entity, wanted in found.items()}


def _creates(subject: Subject, entity: str, has: Mapping[str, Flags], recent: Mapping[str, Flags]) -> Flags:
    """Where some flow creates a missing member of this entity."""
    nowhere = np.zeros(len(has[entity]), dtype=bool)
    wanted = nowhere
    for name, flow in subject.flows.items():
        if entity not in flow.entities:
            continue
        to_exact = entity == flow.exact
        if flow.create.exact if to_exact else flow.create.customerp:
            here = has[flow.customerp if to_exact else flow.exact]
            here = here & recent[name] if name in recent else here
            unless = flow.create.unless
            if unless is not None:
                here = here & ~has.get(ever(unless), has.get(unless, nowhere))
            wanted = wanted | here
    return wanted


def inserts(
    subject: Subject,
    entity: str,
    desired: pd.DataFrame,
    has: Mapping[str, pd.Series],
    capability: EntityCapability,
    defaults: Mapping[str, str],
) -> Owed:
    """The records to create, with everything that the entity takes on create.

    Args:
        subject: the entity's subject.
        entity: the entity.
        desired: index the clusters in which a member is missing, what it can hold of the golden values.
        has: per entity whether the cluster has a live member.
        capability: what the entity can take.
        defaults: values of the settings that the mapping names as defaults.
    """
    values = {}
    for name in map(str, desired.columns):
        row, member = subject.properties[name], subject.properties[name].members[entity]
        if written(row, entity, capability) == "never":
            continue
        values[name] = desired[name]
        default = defaults.get(member.default_setting or "")
        if default is not None:
            # Only where no member could hold a value: one that could, and is empty, is a gap for a person.
            holders = [has[other].reindex(desired.index) for other in row.members if other != entity]
            nowhere = ~pd.concat(holders, axis=1).any(axis=1) if holders else pd.Series(True, index=desired.index)
            values[name] = desired[name].mask(desired[name].isna() & nowhere, default)
        elif member.default is not None:
            values[name] = desired[name].fillna(member.default)
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
    lacking = pd.Series("", index=values.index, dtype="str")
    for words, _, empty in _needs(subject, entity, values, capability):
        lacking = lacking.mask(empty, lacking + f", {words}")
    sentence = f"{entity} needs a value for " + lacking.str.removeprefix(", ") + " before it can be created"
    return sentence.where(lacking.ne(""), "").astype("str")


def incomplete(subject: Subject, entity: str, creates: Owed, capability: EntityCapability) -> pd.DataFrame:
    """What creates still need, columns `LEFT_OUT`."""
    found = [
        pd.DataFrame(
            {
                "cluster_id": empty.index[empty],
                "entity": entity,
                "key": None,
                "property": name,
                "rule": MISSING_REQUIRED,
            }
        )
        for _, names, empty in _needs(subject, entity, creates.values, capability)
        for name in names[:1]
    ]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=LEFT_OUT)


def _needs(
    subject: Subject, entity: str, values: pd.DataFrame, capability: EntityCapability
) -> Iterator[tuple[str, list[str], pd.Series]]:
    """What a create needs: in words, by canonical name, and where it is empty."""
    constants = subject.constants.get(entity, {})
    # Rows whose `when` and `unless` exclude each other share one of the entity's own properties.
    names: dict[str, list[str]] = {}
    for name, row in subject.held_by(entity).items():
        if name in values and written(row, entity, capability) != "never":
            names.setdefault(row.members[entity].name, []).append(name)
    needed = [own for own, p in capability.properties.items() if p.required and own not in constants]
    needed += [row.members[entity].name for row in subject.held_by(entity).values() if row.required]
    for own in dict.fromkeys(needed):
        if own in names:
            yield f"{own} ({' or '.join(names[own])})", names[own], values[names[own]].isna().all(axis=1)
    for group in capability.any_of:
        if constants.keys().isdisjoint(group):
            together = [name for own in group for name in names.get(own, [])]
            yield f"one of {' or '.join(group)}", together, values[together].isna().all(axis=1)
