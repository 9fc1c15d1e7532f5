"""Storing which records belong together."""

import pandas as pd
import sqlalchemy as sa

from talk_assets.cycle.context import Cycle
from talk_assets.cycle.holds import no_holds
from talk_assets.ledger import clusters as links
from talk_assets.ledger import debts, notes, records
from talk_assets.ledger.documents import reopen_lines
from talk_assets.mappings.model import Subject
from talk_assets.sync.match import Assignment

AMBIGUOUS = "ambiguous"


def link(
    cycle: Cycle,
    connection: sa.Connection,
    subject: Subject,
    assignment: Assignment,
    documents: pd.Series | None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Store an assignment.

    Args:
        cycle: the run.
        connection: in a transaction.
        subject: the subject.
        assignment: what the engine found.
        documents: for lines: index `entity/key`, value the cluster of the line's document.

    Returns:
        The members that joined (`entity, key, cluster_id, origin`), and the ambiguous records as holds.
    """
    members = _number(cycle, connection, subject, assignment, documents)
    if len(assignment.merged):
        join_clusters(cycle, connection, subject, assignment.merged)
    links.store_members(connection, cycle.division, members, cycle.run_id)
    matched = members[members["origin"].ne("alone")]
    if len(matched):
        matched = matched[matched["cluster_id"].isin(_shared(cycle, connection, matched))]
        if subject.lines is not None:
            reconsider_lines_of(cycle, connection, matched["cluster_id"])
        rows = matched.rename(columns={"origin": "rule"}).assign(subject=subject.subject, kind="link")
        notes.add_history(connection, cycle.division, rows, cycle.run_id)
    held = assignment.ambiguous
    if held.empty:
        return members, no_holds()
    holds = held[["entity", "key"]].assign(
        kind=AMBIGUOUS,
        property="",
        reason=(
            "the merge criteria call these the same, and it cannot be told which belong together: " + held["others"]
        ).astype("str"),
        value=held["others"],
    )
    return members, holds


def _number(
    cycle: Cycle,
    connection: sa.Connection,
    subject: Subject,
    assignment: Assignment,
    documents: pd.Series | None,
) -> pd.DataFrame:
    """Give the new clusters their numbers."""
    members = assignment.members.copy()
    new = members[members["new"]].drop_duplicates("cluster_id")
    under: list[int | None] = [None] * len(new)
    if documents is not None:
        under = [int(d) for d in documents.reindex(new["entity"] + "/" + new["key"])]
    numbers = links.new_clusters(connection, cycle.division, subject.subject, under, cycle.run_id)
    given = dict(zip(new["cluster_id"], numbers, strict=True))
    members["cluster_id"] = (
        members["cluster_id"].where(~members["new"], members["cluster_id"].map(given)).astype("int64")
    )
    return members.drop(columns="new")


def _shared(cycle: Cycle, connection: sa.Connection, members: pd.DataFrame) -> pd.Index:
    """Clusters with more than one member."""
    found = links.members_of(connection, cycle.division, pd.Index(members["cluster_id"].unique()))
    sizes = found.groupby("cluster_id").size()
    return sizes.index[sizes.gt(1)]


def join_clusters(cycle: Cycle, connection: sa.Connection, subject: Subject, merged: pd.DataFrame) -> None:
    """Join existing clusters, `old` to `cluster_id`: what pointed to their records, and lines, is matched again."""
    debts.drop_owed(connection, cycle.division, pd.Index(merged["old"]))
    moved = links.move_clusters(connection, cycle.division, merged)
    reconsider_referring(cycle, connection, subject, moved)
    reconsider_lines(cycle, connection, moved)
    rows = moved.assign(subject=subject.subject, kind="link", rule="clusters joined")
    notes.add_history(connection, cycle.division, rows, cycle.run_id)


def reconsider_lines(cycle: Cycle, connection: sa.Connection, documents: pd.DataFrame) -> None:
    """Have the lines of documents `entity, key` matched and decided again."""
    for entity, keys in documents.groupby("entity")["key"]:
        lines = cycle.lines_of(str(entity))
        if lines is not None:
            reopen_lines(connection, cycle.division, lines, keys)


def reconsider_lines_of(cycle: Cycle, connection: sa.Connection, clusters: pd.Series) -> None:
    """Have the lines of all documents of some clusters matched and decided again: their documents have company now."""
    members = links.members_of(connection, cycle.division, pd.Index(clusters.astype("int64").unique()))
    reconsider_lines(cycle, connection, members.loc[~members["deleted"].astype(bool), ["entity", "key"]])


def reconsider_referring(cycle: Cycle, connection: sa.Connection, subject: Subject, moved: pd.DataFrame) -> None:
    """Have the records decided again that point to records whose cluster changed."""
    targets = moved["entity"] + "/" + moved["key"]
    for other in cycle.mappings.subjects.values():
        for candidate in (other, other.lines):
            if candidate is None:
                continue
            for entity in candidate.entities:
                for name, row in candidate.held_by(entity).items():
                    if row.to == subject.subject:
                        records.mark_referring(connection, cycle.division, entity, name, targets)
