"""Members whose record was deleted in its system: what that leads to, and whom it leaves behind."""

import pandas as pd
import sqlalchemy as sa

from talk_assets.cycle.context import Cycle
from talk_assets.cycle.lines import line_documents
from talk_assets.cycle.references import known_targets
from talk_assets.cycle.unread import unread
from talk_assets.ledger import clusters as links
from talk_assets.ledger import notes, records
from talk_assets.ledger.contested import BY_US, verdicts
from talk_assets.ledger.debts import clusters_to_remove, updates_owed
from talk_assets.ledger.documents import gone_with_document, lines_owed
from talk_assets.ledger.matching import marked_sharing_keys
from talk_assets.ledger.members import load_slots
from talk_assets.ledger.records import MARKED, records_by_key
from talk_assets.mappings.model import Subject
from talk_assets.sync.frames import Members
from talk_assets.sync.remove import Removals, edited, removals
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
        pending=_pending(cycle, connection, subject, clusters),
        verdicts=verdicts(connection, cycle.division, clusters),
        clusters_of=targets,
        edited_lines=_edited_lines(cycle, connection, subject, clusters),
    )


def reconsider_removals(cycle: Cycle, connection: sa.Connection, subject: Subject) -> None:
    """Have deletions that are owed decided again where lines of the document were edited before they are sent.

    Args:
        cycle: the run.
        connection: in a transaction, before the lines are decided.
        subject: the subject of the documents.
    """
    if subject.lines is None:
        return
    clusters = clusters_to_remove(connection, cycle.division, subject.entities)
    if clusters.empty:
        return
    numbers = _edited_lines(cycle, connection, subject, clusters)["cluster_id"]
    members = links.members_of(connection, cycle.division, pd.Index(numbers.astype("int64").unique()))
    records.reopen(connection, cycle.division, members)


def _pending(cycle: Cycle, connection: sa.Connection, subject: Subject, clusters: pd.Index) -> pd.DataFrame:
    """`cluster_id, entity` of what is still owed to members; to a document also what is owed to its lines."""
    found = updates_owed(connection, cycle.division, clusters)
    if subject.lines is None:
        return found
    lines = lines_owed(connection, cycle.division, clusters, list(subject.lines.entities))
    document_of = {entity: str(cycle.capabilities[entity].document) for entity in subject.lines.entities}
    return pd.concat([found, lines.assign(entity=lines["entity"].map(document_of))], ignore_index=True)


def _edited_lines(cycle: Cycle, connection: sa.Connection, subject: Subject, clusters: pd.Index) -> pd.DataFrame:
    """`cluster_id, entity` of documents with lines that were edited, or added, and not decided about yet."""
    found = [pd.DataFrame({"cluster_id": pd.Series(dtype="int64"), "entity": pd.Series(dtype="str")})]
    lines = subject.lines
    for entity in lines.entities if lines is not None else ():
        waiting = records.unaccounted(connection, cycle.division, entity, cycle.properties_of(entity))
        waiting = waiting[waiting["deleted_at"].isna()]
        waiting = waiting.assign(document_cluster=line_documents(cycle, connection, entity, waiting))
        waiting = waiting[waiting["document_cluster"].isin(clusters)]
        if lines is None or waiting.empty:
            continue
        linked = links.links_of(connection, cycle.division, waiting[["entity", "key"]])
        numbers = pd.Index(linked["cluster_id"].astype("int64").unique())
        at = (connection, cycle.division, entity, list(lines.held_by(entity)), numbers)
        changed = ~waiting["key"].isin(linked["key"])
        for frame in load_slots(*at, twins=lines.keeps_twins):
            targets = known_targets(cycle, connection, lines, [frame.current, frame.base])
            changed |= waiting["key"].isin(frame.keys[edited(lines, entity, frame, targets)])
        numbers = waiting["document_cluster"][changed].astype("int64")
        found.append(pd.DataFrame({"cluster_id": numbers, "entity": str(cycle.capabilities[entity].document)}))
    return pd.concat(found, ignore_index=True)


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

    That is beside a deleted member, beside one whose content could not be taken from its feed, where a record that is
    marked as deleted would match, and in an entity that was never read. What we deleted ourselves is no reason: its
    counterpart may be there again. Nor is a line that went with its whole document: where that is made, so is the line.
    """
    loaded = pd.concat([(entity_of(slot) + "/" + frame.keys) for slot, frame in members.items()])
    deleted = known["deleted"].astype(bool)
    there = known[~(deleted & known["origin"].eq(BY_US))]
    there = there[~_with_document(cycle, connection, there)]
    found = there[there["deleted"].astype(bool) | ~(there["entity"] + "/" + there["key"]).isin(loaded)]
    found = found[["cluster_id", "entity"]]
    everyone = known[["cluster_id"]].drop_duplicates()
    entities = dict.fromkeys(map(entity_of, subject.entities))
    unknown = [everyone.assign(entity=entity) for entity in unread(cycle, connection, entities)]
    found = pd.concat([found, *unknown], ignore_index=True)
    if all(subject.deletions_of(entity).mark is None for entity in subject.entities):
        return found
    clusters = pd.Index(known["cluster_id"].astype("int64").unique())
    asleep = marked_sharing_keys(connection, cycle.division, list(subject.flows), clusters)
    return pd.concat([found, asleep], ignore_index=True)


def _with_document(cycle: Cycle, connection: sa.Connection, members: pd.DataFrame) -> pd.Series:
    """Which of the members are lines that went with their whole document."""
    found = pd.Series(False, index=members.index)
    lost = members[members["deleted"].astype(bool)]
    for entity, keys in lost.groupby("entity")["key"]:
        document = cycle.capabilities[str(entity)].document
        if document is not None:
            gone = gone_with_document(connection, cycle.division, str(entity), document, keys)
            found |= members["entity"].eq(str(entity)) & members["key"].isin(gone)
    return found


def no_partners() -> pd.DataFrame:
    """`cluster_id, entity, key, gone_entity, gone_key` of no record."""
    return pd.DataFrame(columns=["cluster_id", "entity", "key", "gone_entity", "gone_key"], dtype="str")


def partners_left(
    cycle: Cycle, connection: sa.Connection, subject: Subject, gone: pd.DataFrame, linked: pd.DataFrame
) -> pd.DataFrame:
    """The records that lose a counterpart and are left alone, unless something takes its place.

    Args:
        cycle: the run.
        connection: in a transaction in which removals are marked.
        subject: the records' subject.
        gone: `entity, key` of the records that were just found deleted.
        linked: `entity, key, cluster_id` of what was linked until then.

    Returns:
        `cluster_id, entity, key`, and `gone_entity, gone_key` of the counterpart.
    """
    if gone.empty:
        return no_partners()
    lost = linked.merge(gone[["entity", "key"]].drop_duplicates(), on=["entity", "key"])
    lost = lost[~_marked(cycle, connection, subject, lost)].rename(columns={"entity": "gone_entity", "key": "gone_key"})
    live = _live(cycle, connection, lost["cluster_id"])
    found = [no_partners()]
    for flow in subject.flows.values():
        for entity in flow.entities:
            (other,) = (each for each in flow.entities if each != entity)
            if flow.when_gone.policy(entity) == "ignore":
                partners = live.loc[live["entity"].eq(other), ["cluster_id", "entity", "key"]]
                found.append(lost[lost["gone_entity"].eq(entity)].merge(partners, on="cluster_id"))
    return pd.concat(found, ignore_index=True)


def note_partners(cycle: Cycle, connection: sa.Connection, subject: Subject, left: pd.DataFrame) -> None:
    """Tell of the records that lost a counterpart, but for those that have another one of its kind by now.

    Args:
        cycle: the run.
        connection: in a transaction in which links are stored: a record that was given another key is linked again.
        subject: the records' subject.
        left: see `partners_left`.
    """
    if left.empty:
        return
    linked = links.links_of(connection, cycle.division, left[["entity", "key"]].drop_duplicates())
    live = _live(cycle, connection, linked["cluster_id"])
    left = left.drop(columns="cluster_id").merge(linked, on=["entity", "key"])
    there = pd.MultiIndex.from_frame(live[["cluster_id", "entity"]])
    alone = left[~pd.MultiIndex.from_frame(left[["cluster_id", "gone_entity"]]).isin(there)]
    rows = [
        {
            "subject": subject.subject,
            "kind": "skip",
            "cluster_id": int(row["cluster_id"]),
            "entity": row["entity"],
            "key": row["key"],
            "rule": PARTNER_DELETED,
            "detail": {"deleted": f"{row['gone_entity']}/{row['gone_key']}"},
        }
        for row in alone.to_dict("records")
    ]
    notes.add_events(connection, cycle.division, rows, cycle.run_id)


def _live(cycle: Cycle, connection: sa.Connection, clusters: pd.Series) -> pd.DataFrame:
    members = links.members_of(connection, cycle.division, pd.Index(clusters.astype("int64").unique()))
    return members[~members["deleted"].astype(bool)]
