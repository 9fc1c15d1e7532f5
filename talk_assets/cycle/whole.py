"""A document is created whole: with all its lines, or not yet."""

import pandas as pd
import sqlalchemy as sa

from talk_assets.cycle.agree import INVALID_GOLDEN, agree
from talk_assets.cycle.collect import INVALID, INVALID_LINE
from talk_assets.cycle.context import Cycle
from talk_assets.cycle.lines import AMBIGUOUS_LINES
from talk_assets.cycle.linking import AMBIGUOUS
from talk_assets.cycle.pairs import INVALID_PAIR
from talk_assets.cycle.prepare import Ready
from talk_assets.cycle.references import REFERENCE
from talk_assets.cycle.unlinked import unlinked_clusters
from talk_assets.ledger.clusters import links_of, members_of
from talk_assets.ledger.documents import line_creates, lines_not_owed
from talk_assets.ledger.former import ever_members
from talk_assets.ledger.notes import hold_reasons, holds_of
from talk_assets.ledger.records import records_of_documents

# Holds of lines that are linked for which nothing is created.
_HELD = [INVALID_GOLDEN, INVALID_PAIR, AMBIGUOUS, AMBIGUOUS_LINES, REFERENCE]


def decide_lines_left_out(cycle: Cycle, connection: sa.Connection, ready: Ready, lines: str) -> None:
    """Decide once more about lines that would be missing from documents that are ready to be created.

    Whether a line is created was decided when it was looked at last, and by whether its document was to be created
    then. Those that the mapping leaves out are left out again.

    Args:
        cycle: the run.
        connection: in a transaction.
        ready: what is owed to the entity of the documents.
        lines: the entity of their lines.
    """
    documents = ready.rows.index[ready.rows["operation"].eq("create") & ready.waits.eq("")]
    subject = cycle.mappings.subject_of(lines)
    sources = [other for flow in subject.flows.values() if lines in flow.entities for other in flow.entities]
    if documents.empty:
        return
    clusters = lines_not_owed(connection, cycle.division, documents, lines, [e for e in sources if e != lines])
    if clusters.empty:
        return
    members = members_of(connection, cycle.division, clusters)
    held = holds_of(connection, cycle.division, members, [INVALID, *_HELD]).merge(members, on=["entity", "key"])
    # What is torn is not decided about at all.
    torn = pd.Index(held["cluster_id"][held["kind"].eq(INVALID_PAIR)].astype("int64"))
    members, clusters = members[~members["cluster_id"].isin(torn)], clusters.difference(torn)
    none = pd.Index(held["cluster_id"].astype("int64").unique()).union(unlinked_clusters(cycle, connection, members))
    agree(cycle, connection, subject, clusters, members, none)


def wait_for_lines(cycle: Cycle, connection: sa.Connection, ready: Ready, lines: Ready) -> pd.Series:
    """Why documents cannot be sent yet, '' where they can; index as of `ready`."""
    waits = ready.waits
    creates = ready.rows["operation"].eq("create")
    if not creates.any():
        return waits
    of_document = lines.rows["document_id"].astype("Int64")
    blocked = lines.waits[lines.waits.ne("")].groupby(of_document).first()
    for why in (
        blocked,
        _invalid_lines(cycle, connection, ready, creates),
        _held_lines(cycle, connection, ready, creates),
        _later_lines(cycle, connection, ready.rows.index[creates], lines),
    ):
        waits = waits.mask(creates & waits.eq(""), waits.index.to_series().map(why).astype("str").fillna(""))
    if cycle.capabilities[ready.entity].requires_lines:
        empty = creates & ~waits.index.isin(of_document.dropna())
        waits = waits.mask(empty & waits.eq(""), f"{ready.entity} takes no document without lines: add a line")
    return waits


def _later_lines(cycle: Cycle, connection: sa.Connection, clusters: pd.Index, lines: Ready) -> pd.Series:
    """Index cluster, value why a line that is owed with the document cannot be sent now."""
    owed = line_creates(connection, cycle.division, clusters, lines.entity)
    later = owed[~owed["cluster_id"].isin(lines.rows.index)].drop_duplicates("document_id")
    reason = later["reason"].where(later["reason"].ne(""), "it is tried again later")
    text = f"its line in {lines.entity} cannot be sent: " + reason
    return pd.Series(text.to_numpy(), index=pd.Index(later["document_id"].astype("int64")), dtype="str")


def _invalid_lines(cycle: Cycle, connection: sa.Connection, ready: Ready, creates: pd.Series) -> pd.Series:
    """Index cluster, value why a line of one of its documents could not be taken from its feed."""
    members = members_of(connection, cycle.division, ready.rows.index[creates])
    held = holds_of(connection, cycle.division, members, [INVALID_LINE])
    broken = held.merge(members, on=["entity", "key"])
    for source in broken["entity"].unique():
        others = _lines_of_others(cycle, connection, ready, members, cycle.lines_of(source))
        broken = broken[~(broken["entity"].eq(source) & broken["cluster_id"].isin(others))]
    broken = broken.drop_duplicates("cluster_id")
    index = pd.Index(broken["cluster_id"].astype("int64"))
    return pd.Series(broken["reason"].to_numpy(), index=index, dtype="str")


def _held_lines(cycle: Cycle, connection: sa.Connection, ready: Ready, creates: pd.Series) -> pd.Series:
    """Index cluster, value why a line of the document it is created from is held."""
    subject = cycle.mappings.subject_of(ready.entity)
    sources = {flow.customerp for flow in subject.flows.values() if flow.exact == ready.entity}
    sources |= {flow.exact for flow in subject.flows.values() if flow.customerp == ready.entity}
    members = members_of(connection, cycle.division, ready.rows.index[creates])
    found = []
    for source in sources:
        lines = cycle.lines_of(source)
        documents = members[members["entity"].eq(source)]
        documents = documents[~documents["cluster_id"].isin(_lines_of_others(cycle, connection, ready, members, lines))]
        if lines is None or documents.empty:
            continue
        known = records_of_documents(connection, cycle.division, lines, documents["key"], [])
        linked = links_of(connection, cycle.division, known)
        # Linked lines for which nothing could be decided.
        held = holds_of(connection, cycle.division, known, _HELD)
        unlinked = known[~known["key"].isin(linked["key"]) | known["key"].isin(held["key"])]
        reasons = hold_reasons(connection, cycle.division, lines + "/" + unlinked["key"])
        because = (lines + "/" + unlinked["key"]).map(reasons).astype("str").fillna("it is not linked yet")
        text = "its line " + lines + "/" + unlinked["key"] + " is held: " + because
        cluster_of = documents.set_index("key")["cluster_id"].astype("int64")
        found.append(pd.Series(text.to_numpy(), index=unlinked["document"].map(cluster_of).to_numpy(), dtype="str"))
    every = pd.concat(found) if found else pd.Series(dtype="str")
    return every[~every.index.duplicated()]


def _lines_of_others(
    cycle: Cycle, connection: sa.Connection, ready: Ready, members: pd.DataFrame, lines: str | None
) -> pd.Series:
    """The clusters whose document is made of other lines than these, see `unless` of the flow of the lines."""
    own = cycle.lines_of(ready.entity)
    known = ever_members(connection, members)
    flows = cycle.mappings.subject_of(own).flows.values() if own is not None else ()
    unless = [flow.create.unless for flow in flows if {own, lines} == set(flow.entities)]
    return known["cluster_id"][known["entity"].isin([str(entity) for entity in unless if entity is not None])]
