"""Linked records that have come to share a merge criterion with others: they stay as they are, a person is told."""

import pandas as pd
import sqlalchemy as sa

from talk_assets.cycle.context import Cycle
from talk_assets.ledger import notes
from talk_assets.ledger.matching import linked_duplicates
from talk_assets.mappings.model import Flow, Subject

DUPLICATE_KEY = "duplicate_key"
_MOST_NAMED = 5
_GROUP = ["entity", "alternative", "value"]


def hold_duplicates(
    cycle: Cycle, connection: sa.Connection, subject: Subject, looked_at: pd.DataFrame, held: pd.DataFrame
) -> None:
    """Note which linked records a criterion would call the same if they were not linked to others already.

    The note keeps nothing back. It is looked at again whenever something of the subject is decided.

    Args:
        cycle: the run.
        connection: in a transaction in which links and removals are stored.
        subject: the subject.
        looked_at: `entity, key` of the records that changed, came or went.
        held: `entity, key` of records of which it is told already that they are ambiguous.
    """
    before = notes.holds(connection, cycle.division)
    before = before[before["kind"].eq(DUPLICATE_KEY) & before["entity"].isin(subject.entities)]
    records = pd.concat([looked_at[["entity", "key"]], before[["entity", "key"]]]).drop_duplicates()
    if records.empty:
        return
    known = set(held["entity"] + "/" + held["key"])
    found = [pd.DataFrame(columns=["entity", "key", "property", "reason"], dtype="str")]
    for name, flow in subject.flows.items():
        if flow.criteria:
            sharing = linked_duplicates(connection, cycle.division, name, records)
            if len(sharing):
                sharing = _concerning(sharing, records)
                found.append(_told(sharing[~(sharing["entity"] + "/" + sharing["key"]).isin(known)], flow))
    told = pd.concat(found, ignore_index=True).drop_duplicates(["entity", "key", "property"])
    told = told.assign(kind=DUPLICATE_KEY, value=pd.Series(pd.NA, index=told.index, dtype="str"))
    notes.replace_holds(connection, cycle.division, records, [DUPLICATE_KEY], told, cycle.run_id)


def _concerning(sharing: pd.DataFrame, records: pd.DataFrame) -> pd.DataFrame:
    """Those that share a value with one of the records in the same system.

    What the other system still holds of a value that was just corrected here is about to be corrected there.
    """
    named = (sharing["entity"] + "/" + sharing["key"]).isin(records["entity"] + "/" + records["key"])
    return sharing[named.groupby([sharing[name] for name in _GROUP]).transform("any").astype(bool)]


def _told(sharing: pd.DataFrame, flow: Flow) -> pd.DataFrame:
    """The holds of a flow, in one system: what is told of two customers is not told of their accounts again."""
    several = sharing[sharing.groupby(_GROUP)["cluster_id"].transform("nunique").gt(1)]
    ours = several[several["entity"].eq(flow.customerp)]
    theirs = several[several["entity"].eq(flow.exact)]
    again = pd.MultiIndex.from_frame(theirs[["alternative", "cluster_id"]]).isin(
        pd.MultiIndex.from_frame(ours[["alternative", "cluster_id"]])
    )
    told = pd.concat([ours, theirs[~again]])
    told["name"] = told["entity"] + "/" + told["key"]
    names = told.sort_values("name").groupby(_GROUP)["name"].agg(_listed).rename("names")
    told = told.join(names, on=_GROUP)
    labels = [" and ".join(part.property for part in criterion) for criterion in flow.criteria]
    criterion = told["alternative"].map(dict(enumerate(labels))).astype("str")
    reason = (
        told["names"]
        + " have the same "
        + criterion
        + ", but each is linked to a record of its own. Nothing was joined or torn apart: correct the one that is wrong"
    )
    return pd.DataFrame(
        {"entity": told["entity"], "key": told["key"], "property": criterion, "reason": reason.astype("str")}
    )


def _listed(names: pd.Series) -> str:
    """The first names, and how many more there are."""
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
