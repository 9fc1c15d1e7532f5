"""Members whose record was deleted in its system: what that leads to, and whom it leaves behind."""

import pandas as pd
import sqlalchemy as sa

from talk_assets.cycle.context import Cycle
from talk_assets.ledger import clusters as links
from talk_assets.ledger import notes
from talk_assets.ledger.contested import BY_US, verdicts
from talk_assets.ledger.debts import updates_owed
from talk_assets.ledger.matching import marked_sharing_keys
from talk_assets.ledger.records import MARKED, records_by_key
from talk_assets.mappings.model import Subject
from talk_assets.sync.frames import Members
from talk_assets.sync.remove import Removals, removals
from talk_assets.sync.slots import entity_of

PARTNER_DELETED = "partner_deleted"


def decide_removals(
    cycle: Cycle,
    connection: sa.Connection,
    subject: Subject,
    members: dict[str, Members],
    known: pd.DataFrame,
    targets: pd.Series,
    clusters: pd.Index,
) -> Removals | None:
    """What the deletions in some clusters lead to; None when the mapping lets deletions go nowhere.

    Args:
        cycle: the run.
        connection: in a transaction in which removals are marked, and before what is owed is planned anew.
        subject: the clusters' subject.
        members: their live members, before anything is decided.
        known: all their members, see `ledger.clusters.members_of`.
        targets: see `cycle.references.known_targets`.
        clusters: the clusters.
    """
    if all(flow.when_gone.policy(e) == "ignore" for flow in subject.flows.values() for e in flow.entities):
        return None
    lost = known[known["deleted"].astype(bool) & known["origin"].ne(BY_US)]
    if lost.empty:
        return None
    return removals(
        subject,
        members,
        clusters,
        gone=lost.assign(marked=_marked(cycle, connection, subject, lost)),
        there=known[~known["deleted"].astype(bool)],
        pending=updates_owed(connection, cycle.division, clusters),
        verdicts=verdicts(connection, cycle.division, clusters),
        clusters_of=targets,
    )


def _marked(cycle: Cycle, connection: sa.Connection, subject: Subject, records: pd.DataFrame) -> pd.Series:
    """Which of the records `entity, key` are there and only say that they are deleted."""
    marked = pd.Series(False, index=records.index)
    for entity in subject.entities:
        if subject.deletions_of(entity).mark is not None:
            mine = records["entity"].eq(entity)
            found = records_by_key(connection, cycle.division, entity, records["key"][mine], [MARKED])
            marked |= mine & records["key"].isin(found["key"][found[MARKED].eq("true")])
    return marked


def not_to_be_made(
    cycle: Cycle, connection: sa.Connection, subject: Subject, known: pd.DataFrame, members: dict[str, Members]
) -> pd.DataFrame:
    """`cluster_id, entity` of what is not created.

    That is beside a deleted member, beside one whose content could not be taken from its feed, and where a record that
    is marked as deleted would match. What we deleted ourselves is no reason: its counterpart may be there again.
    """
    loaded = pd.concat([(entity_of(slot) + "/" + frame.keys) for slot, frame in members.items()])
    deleted = known["deleted"].astype(bool)
    there = known[~(deleted & known["origin"].eq(BY_US))]
    found = there[there["deleted"].astype(bool) | ~(there["entity"] + "/" + there["key"]).isin(loaded)]
    if all(subject.deletions_of(entity).mark is None for entity in subject.entities):
        return found
    clusters = pd.Index(known["cluster_id"].astype("int64").unique())
    asleep = marked_sharing_keys(connection, cycle.division, list(subject.flows), clusters)
    return pd.concat([found[["cluster_id", "entity"]], asleep], ignore_index=True)


def note_partners(
    cycle: Cycle, connection: sa.Connection, subject: Subject, gone: pd.DataFrame, linked: pd.DataFrame
) -> None:
    """Tell of the records that lose a counterpart and are left alone.

    Args:
        cycle: the run.
        connection: in a transaction in which removals are marked.
        subject: the records' subject.
        gone: `entity, key` of the records that were just found deleted.
        linked: `entity, key, cluster_id` of what was linked until then.
    """
    if gone.empty:
        return
    lost = linked.merge(gone[["entity", "key"]].drop_duplicates(), on=["entity", "key"])
    lost = lost[~_marked(cycle, connection, subject, lost)]
    members = links.members_of(connection, cycle.division, pd.Index(lost["cluster_id"].astype("int64").unique()))
    live = members[~members["deleted"].astype(bool)]
    rows = []
    for flow in subject.flows.values():
        for entity in flow.entities:
            (other,) = (each for each in flow.entities if each != entity)
            if flow.when_gone.policy(entity) != "ignore":
                continue
            # Whoever has another counterpart of that kind lost nothing.
            still = lost["cluster_id"].isin(live["cluster_id"][live["entity"].eq(entity)])
            left = lost[lost["entity"].eq(entity) & ~still].merge(live[live["entity"].eq(other)], on="cluster_id")
            rows += [
                {
                    "subject": subject.subject,
                    "kind": "skip",
                    "cluster_id": int(row["cluster_id"]),
                    "entity": other,
                    "key": row["key_y"],
                    "rule": PARTNER_DELETED,
                    "detail": {"deleted": f"{entity}/{row['key_x']}"},
                }
                for row in left.to_dict("records")
            ]
    notes.add_events(connection, cycle.division, rows, cycle.run_id)
