"""What is peculiar to lines: they are matched within their documents, and exist only where the document does."""

import pandas as pd
import sqlalchemy as sa

from talk_assets.cycle.context import Cycle
from talk_assets.cycle.holds import no_holds
from talk_assets.cycle.references import known_targets
from talk_assets.ledger import clusters as links
from talk_assets.ledger.debts import creates_owed
from talk_assets.ledger.former import ever_members
from talk_assets.ledger.records import records_of_documents
from talk_assets.mappings.model import Subject
from talk_assets.sync.creation import ever
from talk_assets.sync.match import line_identity, match_lines

AMBIGUOUS_LINES = "ambiguous_lines"


def line_documents(cycle: Cycle, connection: sa.Connection, entity: str, feed: pd.DataFrame) -> pd.Series:
    """The cluster of each line's document, NA where the document is not linked; index as `feed`."""
    document = str(cycle.capabilities[entity].document)
    references = document + "/" + feed["document"]
    found = references.map(links.clusters_of(connection, cycle.division, references))
    return pd.to_numeric(found).astype("Int64")


def line_proposals(
    cycle: Cycle, connection: sa.Connection, subject: Subject, fresh: dict[str, pd.DataFrame]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Match the lines of the documents that have undecided lines.

    Args:
        cycle: the run.
        connection: in a transaction.
        subject: the subject of the lines.
        fresh: line entity to its undecided live lines, with `document_cluster`.

    Returns:
        Proposals, and ambiguous lines as holds (`entity, key, kind, property, reason, value`).
    """
    touched = pd.concat([frame["document_cluster"] for frame in fresh.values()]).dropna().astype("int64").unique()
    everyone = links.members_of(connection, cycle.division, pd.Index(touched))
    documents = everyone[~everyone["deleted"].astype(bool)].sort_values("key")
    documents = documents.drop_duplicates(["entity", "cluster_id"])
    lines = _lines_of(cycle, connection, subject, documents)
    nothing = pd.DataFrame(columns=["entity", "key", "other_entity", "other_key", "criterion"], dtype="str")
    if lines.empty:
        return nothing, no_holds()
    targets = known_targets(cycle, connection, subject, [lines])
    members = links.links_of(connection, cycle.division, lines)
    lines = lines.merge(members, on=["entity", "key"], how="left")
    proposals, doubts = [nothing], [no_holds()]
    known = ever_members(connection, everyone)
    for flow in subject.flows.values():
        of_flow = lines[lines["entity"].isin(flow.entities)]
        if flow.create.unless is not None:
            # Where the document had such a member, its lines are another matter: an order may take less than the offer,
            # also of one that is gone or unlinked by now.
            without = known["cluster_id"][known["entity"].eq(flow.create.unless)]
            of_flow = of_flow[~of_flow["document_cluster"].isin(without)]
        both = of_flow.groupby("cluster_id")["entity"].nunique()
        open_lines = of_flow[~of_flow["cluster_id"].isin(both[both.eq(2)].index)]
        if open_lines["entity"].nunique() < len(flow.entities):
            continue
        same = line_identity(open_lines, subject, flow, targets)
        found, doubtful = match_lines(open_lines.assign(identity=same), flow)
        proposals.append(found)
        doubts.append(doubtful)
    held = pd.concat(doubts, ignore_index=True).drop_duplicates(["entity", "key"])
    holds = held.assign(kind=AMBIGUOUS_LINES, property="", value=pd.Series(pd.NA, index=held.index, dtype="str"))
    return pd.concat(proposals, ignore_index=True), holds


def _lines_of(cycle: Cycle, connection: sa.Connection, subject: Subject, documents: pd.DataFrame) -> pd.DataFrame:
    """All live lines of documents `entity, key, cluster_id`, with `document_cluster`."""
    frames = [pd.DataFrame()]
    for entity in subject.entities:
        owners = documents[documents["entity"].eq(str(cycle.capabilities[entity].document))]
        if len(owners):
            properties = list(subject.held_by(entity))
            lines = records_of_documents(connection, cycle.division, entity, owners["key"], properties)
            clusters = owners.set_index("key")["cluster_id"]
            frames.append(lines.assign(document_cluster=lines["document"].map(clusters).astype("Int64")))
    return pd.concat(frames, ignore_index=True)


def documents_with(
    cycle: Cycle, connection: sa.Connection, subject: Subject, clusters: pd.Index
) -> dict[str, pd.Series]:
    """Per document entity, whether each line cluster's document has a member of it or is owed one; and ever had one."""
    documents = links.documents_of(connection, clusters).reindex(clusters)
    members = links.members_of(connection, cycle.division, pd.Index(documents.dropna().astype("int64").unique()))
    live = members[~members["deleted"].astype(bool)]
    known = ever_members(connection, members)
    found = {}
    for entity in dict.fromkeys(str(cycle.capabilities[line].document) for line in subject.entities):
        there = {int(number) for number in live["cluster_id"][live["entity"].eq(entity)]}
        coming = creates_owed(connection, cycle.division, entity)
        found[entity] = documents.isin(there | coming)
        once = {int(number) for number in known["cluster_id"][known["entity"].eq(entity)]}
        found[ever(entity)] = documents.isin(once | coming)
    return found
