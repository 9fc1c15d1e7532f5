"""Whether stored pairs are still pairs: two live records of one entity can come to share a cluster.

That happens when a record that was found deleted is there again although another took its place. It cannot be told
which of the two is meant, so nothing is decided for their cluster until one of them is gone.
"""

import pandas as pd
import sqlalchemy as sa

from talk_assets.cycle.context import Cycle
from talk_assets.ledger import clusters as links
from talk_assets.ledger import notes
from talk_assets.mappings.model import Flow
from talk_assets.schemas.frames import pair_schema
from talk_assets.schemas.report import failures

INVALID_PAIR = "invalid_pair"


def hold_invalid_pairs(
    cycle: Cycle, connection: sa.Connection, flow_name: str, looked_at: pd.DataFrame, gone: pd.DataFrame
) -> pd.DataFrame:
    """Hold the pairs of a flow that break their schema.

    Args:
        cycle: the run.
        connection: in a transaction.
        flow_name: the flow.
        looked_at: `entity, key` of the records whose pairs are looked at.
        gone: `entity, key` of records that were just found deleted.

    Returns:
        `entity, key, kind, property, reason, value` of the records that are held now.
    """
    flow = cycle.mappings.flows[flow_name]
    linked = links.links_of(connection, cycle.division, pd.concat([looked_at, gone])[["entity", "key"]])
    members = links.members_of(connection, cycle.division, pd.Index(linked["cluster_id"].astype("int64").unique()))
    members = members[members["entity"].isin(flow.entities)].sort_values(["entity", "key"])
    away = (members["entity"] + "/" + members["key"]).isin(gone["entity"] + "/" + gone["key"])
    live = members[~members["deleted"].astype(bool) & ~away]
    found = failures(pair_schema(flow_name, cycle.mappings), _pairs(live, flow))
    held = live.merge(found, left_on=live["cluster_id"].astype("str"), right_on="key", suffixes=("", "_cluster"))
    names = (live["entity"] + "/" + live["key"]).groupby(live["cluster_id"]).agg(", ".join)
    told = held["cluster_id"].map(names).astype("str")
    held = held.assign(
        kind=INVALID_PAIR,
        reason="a record would have several counterparts, so nothing is decided for these: " + told + ". Remove all "
        "but one of each system.",
    )[["entity", "key", "kind", "property", "reason", "value"]]
    notes.replace_holds(connection, cycle.division, members, [INVALID_PAIR], held, cycle.run_id)
    return held


def _pairs(live: pd.DataFrame, flow: Flow) -> pd.DataFrame:
    """The flow's pairs: `customerp_key, exact_key, cluster_id, origin`; a record alone has one key."""
    ours = live[live["entity"].eq(flow.customerp)].rename(columns={"key": "customerp_key"})
    theirs = live[live["entity"].eq(flow.exact)].rename(columns={"key": "exact_key"})
    pairs = ours.merge(theirs, on="cluster_id", how="outer", suffixes=("", "_exact"))
    return pd.DataFrame(
        {
            "customerp_key": pairs["customerp_key"].astype("str"),
            "exact_key": pairs["exact_key"].astype("str"),
            "cluster_id": pairs["cluster_id"].astype("Int64"),
            "origin": pairs["origin_exact"].fillna(pairs["origin"]).astype("str"),
        }
    )


def torn_clusters(connection: sa.Connection, division: str, members: pd.DataFrame) -> pd.DataFrame:
    """The held ones of these members: `entity, key, kind, property, reason, value, cluster_id`.

    They belong to clusters with an invalid pair.
    """
    live = members.loc[~members["deleted"].astype(bool), ["entity", "key", "cluster_id"]]
    found = notes.holds_of(connection, division, live, [INVALID_PAIR]).merge(live, on=["entity", "key"])
    found["cluster_id"] = found["cluster_id"].astype("int64")
    return found
