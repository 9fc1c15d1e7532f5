"""The members that clusters no longer have: their record is gone, or a person unlinked it."""

import pandas as pd
import sqlalchemy as sa

from talk_assets.ledger.notes import holds_of

# The kind of hold at a record that a person unlinked; its value is the record that it was unlinked from.
UNLINKED = "unlinked"


def former_members(connection: sa.Connection, division: str, members: pd.DataFrame) -> pd.DataFrame:
    """`cluster_id, entity` of what clusters had, and have not any more.

    Args:
        connection: in a transaction.
        division: the division.
        members: all members of the clusters, see `ledger.clusters.members_of`.
    """
    gone = members["deleted"].astype(bool)
    live = members.loc[~gone, ["entity", "key", "cluster_id"]]
    held = holds_of(connection, division, live, [UNLINKED]).merge(live, on=["entity", "key"])
    parted = held[["cluster_id"]].assign(entity=held["value"].astype("str").str.replace(r"/.*$", "", regex=True))
    found = pd.concat([members.loc[gone, ["cluster_id", "entity"]], parted], ignore_index=True)
    return found.astype({"cluster_id": "int64", "entity": "str"}).drop_duplicates(ignore_index=True)
