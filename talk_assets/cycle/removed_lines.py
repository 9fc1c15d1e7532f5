"""Lines that somebody removed on one side: nothing is deleted on the other, a person is told."""

import pandas as pd
import sqlalchemy as sa

from talk_assets.cycle.context import Cycle
from talk_assets.cycle.holds import no_holds
from talk_assets.ledger import notes
from talk_assets.ledger.records import records_by_key
from talk_assets.mappings.model import Subject

REMOVED_LINE = "removed_line"
_AT = ["cluster_id", "entity"]


def hold_removed_lines(cycle: Cycle, connection: sa.Connection, subject: Subject, members: pd.DataFrame) -> None:
    """Note at each removed line where it still is, and forget what was noted of lines that are back or gone everywhere.

    The note keeps nothing back: the rest of the document is synchronised as before.

    Args:
        cycle: the run.
        connection: in a transaction in which removals are marked.
        subject: the subject of the lines.
        members: the members of the line clusters to look at, see `ledger.clusters.members_of`.
    """
    deleted = members["deleted"].astype(bool)
    there = members[~deleted]
    lacking = members[deleted].sort_values("key").drop_duplicates(_AT, keep="last")
    lacking = lacking[
        lacking["cluster_id"].isin(there["cluster_id"])
        & ~pd.MultiIndex.from_frame(lacking[_AT]).isin(pd.MultiIndex.from_frame(there[_AT]))
    ]
    holds = _told(cycle, connection, subject, lacking, there) if len(lacking) else no_holds()
    notes.replace_holds(connection, cycle.division, members, [REMOVED_LINE], holds, cycle.run_id)


def _told(
    cycle: Cycle, connection: sa.Connection, subject: Subject, lacking: pd.DataFrame, there: pd.DataFrame
) -> pd.DataFrame:
    """The holds at lines that are lacking in a document that is there."""
    found = _with_documents(cycle, connection, subject, lacking)
    # A line that went with its whole document is no news of its own.
    found = found[found["document"].notna() & ~found["document_gone"].astype(bool)]
    left = _with_documents(cycle, connection, subject, there[there["cluster_id"].isin(found["cluster_id"])])
    left["place"] = left["entity"] + "/" + left["key"] + " of " + left["document"]
    places = left.sort_values("place").groupby("cluster_id")["place"].agg(" and ".join)
    reason = (
        "the line was removed from "
        + found["document"]
        + " and is still there as "
        + found["cluster_id"].map(places).astype("str")
        + ". Nothing is deleted by itself: remove it there too, or add it here again"
    )
    return found[["entity", "key"]].assign(
        kind=REMOVED_LINE, property="", reason=reason.astype("str"), value=found["description"]
    )


def _with_documents(cycle: Cycle, connection: sa.Connection, subject: Subject, lines: pd.DataFrame) -> pd.DataFrame:
    """The lines with `description`, `document` (`entity/key`), and `document_gone`."""
    parts = []
    for entity in subject.entities:
        mine = lines[lines["entity"].eq(entity)]
        owner = str(cycle.capabilities[entity].document)
        known = records_by_key(connection, cycle.division, entity, mine["key"], ["description"])
        documents = records_by_key(connection, cycle.division, owner, known["document"].dropna(), [])
        gone = documents["key"][documents["deleted_at"].notna()]
        known = known.assign(document_gone=known["document"].isin(gone), document=owner + "/" + known["document"])
        parts.append(mine.merge(known[["key", "description", "document", "document_gone"]], on="key", how="left"))
    return pd.concat(parts, ignore_index=True)
