"""What becomes of a record whose counterpart was deleted: by default nothing, see `mappings.safety.WhenGone`."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pandas as pd

from talk_assets.mappings.capabilities import EntityCapability
from talk_assets.mappings.model import Subject
from talk_assets.sync.compare import differ
from talk_assets.sync.frames import EDIT, KEEP, OPEN, Members
from talk_assets.sync.owed import Owed
from talk_assets.sync.slots import entity_of

CONTESTED = ["cluster_id", "entity", "key", "other_entity", "other_key", "wins"]


@dataclass(frozen=True)
class Removals:
    """What the deletions in some clusters lead to; every series has the clusters as index.

    Attributes:
        delete: entity to where its live member is to be deleted.
        archive: entity to where its live member is to be archived.
        restore: entity to where its deleted record is to be created again.
        contested: columns `CONTESTED`: deletions that met an edit just now: the deleted record, the edited one, and
            what wins by the mapping, `edit` or nothing yet (NA).
    """

    delete: dict[str, pd.Series]
    archive: dict[str, pd.Series]
    restore: dict[str, pd.Series]
    contested: pd.DataFrame


def removals(
    subject: Subject,
    members: Mapping[str, Members],
    clusters: pd.Index,
    *,
    gone: pd.DataFrame,
    there: pd.DataFrame,
    pending: pd.DataFrame,
    verdicts: pd.Series,
    clusters_of: pd.Series,
    edited_lines: pd.DataFrame | None = None,
) -> Removals:
    """Apply the flows' policies to the deleted members of clusters.

    A record stays as long as another record is there whose counterpart it is, also by a flow that is left out.

    Args:
        subject: the subject of the clusters.
        members: entity (or slot, see `sync.slots`) to its live members, before anything is decided.
        clusters: the clusters.
        gone: `cluster_id, entity, key, marked` of members that were deleted, but not by us; `marked`: the record is
            still there and only says that it is deleted.
        there: `cluster_id, entity` of members that were not deleted, also of those whose content is not known just now
            because they are outside a filter.
        pending: `cluster_id, entity` of updates that were still owed to deleted records.
        verdicts: index cluster, what was said before about a deletion that met an edit.
        clusters_of: index `entity/key`, value cluster number as text, of the records that references point to.
        edited_lines: `cluster_id, entity` of documents in which lines were edited or added; None: of none.
    """
    nowhere = pd.Series(False, index=clusters)
    over = {entity: frame.over(clusters) for entity, frame in members.items()}
    has = {entity: over[entity].keys.notna() if entity in over else nowhere for entity in subject.entities}
    paired = dict.fromkeys(entity for pair in subject.pairs for entity in pair)
    lives = {e: has.get(e, nowhere) | clusters.isin(there["cluster_id"][there["entity"].eq(e)]) for e in paired}
    found = Removals({}, {}, {}, pd.DataFrame(columns=CONTESTED))
    contested = []
    said = verdicts.reindex(clusters)
    for flow in subject.flows.values():
        for entity in flow.entities:
            policy = flow.when_gone.policy(entity)
            mine = gone[gone["entity"].eq(entity)].drop_duplicates("cluster_id", keep="last").set_index("cluster_id")
            (other,) = (each for each in flow.entities if each != entity)
            at = nowhere | (clusters.isin(mine.index) & ~lives[entity] & has[other])
            if policy == "ignore" or not at.any():
                continue
            absent = at & ~clusters.isin(mine.index[mine["marked"].astype(bool)])
            if policy == "restore":
                _add(found.restore, entity, absent)
                continue
            at &= ~_needed(subject, entity, other, lives)
            waits = clusters.isin(pending["cluster_id"][pending["entity"].eq(entity)])
            edits = {s: edited(subject, s, over[s], clusters_of) for s in over if entity_of(s) == other}
            met = (
                at
                & said.isna()
                & (pd.concat(edits, axis=1).any(axis=1) | waits | _among(edited_lines, other, clusters))
            )
            wins = flow.when_gone.edited
            if wins != "delete" and met.any():
                keys = over[other].keys
                for slot, where in edits.items():
                    keys = over[slot].keys.where(where, keys)
                contested.append(_contested(entity, mine["key"], other, keys, met, wins))
                at &= ~met
                _add(found.restore, entity, absent & met & (wins == "edit"))
            _add(found.restore, entity, absent & at & said.eq(EDIT))
            _add(found.delete if policy == "delete" else found.archive, other, at & ~said.isin([OPEN, EDIT, KEEP]))
    both = found.delete.keys() & found.archive.keys()
    found.delete.update({entity: found.delete[entity] & ~found.archive[entity] for entity in both})
    return replace(found, contested=pd.concat(contested, ignore_index=True)) if contested else found


def _add(places: dict[str, pd.Series], entity: str, at: pd.Series) -> None:
    if at.any():
        places[entity] = places[entity] | at if entity in places else at


def _needed(subject: Subject, entity: str, other: str, lives: Mapping[str, pd.Series]) -> pd.Series:
    """Where a record is the counterpart of yet another record that is there."""
    needed = pd.Series(False, index=lives[other].index)
    for pair in subject.pairs:
        if other in pair:
            for partner in pair:
                if partner not in (other, entity):
                    needed |= lives[partner]
    return needed


def _among(documents: pd.DataFrame | None, entity: str, clusters: pd.Index) -> pd.Series:
    """Where a cluster's document of an entity is among those given."""
    if documents is None:
        return pd.Series(False, index=clusters)
    return pd.Series(clusters.isin(documents["cluster_id"][documents["entity"].eq(entity)]), index=clusters)


def edited(subject: Subject, entity: str, over: Members, clusters_of: pd.Series) -> pd.Series:
    """Where a member holds something else than when it was last accounted for, in what its edits count for."""
    edited = pd.Series(False, index=over.keys.index)
    for name, row in subject.held_by(entity).items():
        if row.claims(entity):
            known = over.times[name].notna() | over.base[name].notna()
            edited |= known & differ(over.current[name], over.base[name], row, clusters_of)
    return edited


def _contested(entity: str, gone: pd.Series, other: str, keys: pd.Series, at: pd.Series, edited: str) -> pd.DataFrame:
    clusters = at.index[at]
    return pd.DataFrame(
        {
            "cluster_id": clusters,
            "entity": entity,
            "key": gone.reindex(clusters).to_numpy(),
            "other_entity": other,
            "other_key": keys.reindex(clusters).to_numpy(),
            "wins": pd.Series(EDIT if edited == "edit" else pd.NA, index=clusters, dtype="str").to_numpy(),
        }
    )


def with_removals(
    owed: Owed, subject: Subject, entity: str, keys: pd.Series, found: Removals, held: pd.Index, can: EntityCapability
) -> Owed:
    """What is owed to an entity, with deletions and archivings in the place of updates.

    Args:
        owed: the creates and updates.
        subject: the entity's subject.
        entity: the entity, or one of its slots.
        keys: the live members' own keys, index cluster; NA where there is none.
        found: what is to be deleted and archived.
        held: clusters for which nothing is deleted.
        can: what the entity can take.
    """
    nowhere = pd.Series(False, index=keys.index)
    free = keys.notna() & ~keys.index.isin(held)
    delete = found.delete.get(entity_of(entity), nowhere) & free
    archive = found.archive.get(entity_of(entity), nowhere) & free
    clusters = keys.index[delete | archive]
    if clusters.empty:
        return owed
    how = subject.deletions_of(entity).archive
    values = pd.DataFrame(index=clusters)
    if how is not None:
        # Under the system's own name: it is no property that is shared.
        values[how.name] = pd.Series(how.value, index=clusters, dtype="str").where(archive[clusters])
    barred = pd.Series(can.no_delete or "", index=clusters, dtype="str").where(delete[clusters], "")
    reason = barred.mask(barred.eq(""), can.read_only or "")
    return owed.without(clusters).and_(
        Owed(
            create=pd.Series(False, index=clusters),
            keys=keys[clusters],
            values=values,
            expected=pd.DataFrame(index=clusters),
            state=pd.Series("owed", index=clusters, dtype="str").mask(reason.ne(""), "person"),
            reason=reason,
            deletions=clusters,
        )
    )
