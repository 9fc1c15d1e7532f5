"""Records that a person unlinked: their values are kept equal with those they are still linked to, nothing is created.

A wrong link is often noticed before the right counterpart is found, so a record that lost its counterpart by hand is
not given a new one by itself. That ends when it is linked to another record of that kind, or when a person lets it be
created.
"""

import pandas as pd
import sqlalchemy as sa

from talk_assets.cycle.context import Cycle
from talk_assets.cycle.holds import HOLDS
from talk_assets.ledger import notes
from talk_assets.ledger.former import UNLINKED


def hold_unlinked(
    cycle: Cycle, connection: sa.Connection, record: tuple[str, str], other: tuple[str, str], who: str
) -> None:
    """Note at a record that a person unlinked it from another one, beside what it was unlinked from before.

    A record of each entity that it lost is missed by itself; a later one of the same entity takes the former's place.
    """
    entity, key = record
    apart = "/".join(other)
    reason = f"{who} unlinked it from {apart}: nothing is created for it until it is linked, or a person accepts that"
    row = {"entity": entity, "key": key, "kind": UNLINKED, "property": other[0], "reason": reason, "value": apart}
    held = pd.DataFrame([row], columns=HOLDS, dtype="str")
    before = notes.holds_of(connection, cycle.division, held, [UNLINKED])
    others = before.loc[lost_entity(before).ne(other[0]), HOLDS]
    found = pd.concat([others, held], ignore_index=True)
    notes.replace_holds(connection, cycle.division, held, [UNLINKED], found, cycle.run_id)


def lost_entity(held: pd.DataFrame) -> pd.Series:
    """The entities of the records that records were unlinked from, of holds."""
    return held["value"].astype("str").str.replace(r"/.*$", "", regex=True)


def unlinked_clusters(cycle: Cycle, connection: sa.Connection, members: pd.DataFrame) -> pd.Index:
    """Those clusters, of which these are the members, for which nothing is created because a person took a record out.

    What was noted of records that have a counterpart again is forgotten. Of those that are gone it counts again when
    they are back, and of those that no flow is about now when one is.
    """
    members = members[members["entity"].isin(cycle.mappings.with_lines)]
    held = notes.holds_of(connection, cycle.division, members, [UNLINKED])
    if held.empty:
        return pd.Index([], dtype="int64")
    live = members.loc[~members["deleted"].astype(bool), ["entity", "key", "cluster_id"]]
    gone = held[~(held["entity"] + "/" + held["key"]).isin(live["entity"] + "/" + live["key"])]
    held = held.merge(live, on=["entity", "key"])
    held = held[~_found_again(held, live)]
    kept = pd.concat([held[HOLDS], gone[HOLDS]], ignore_index=True)
    notes.replace_holds(connection, cycle.division, members, [UNLINKED], kept, cycle.run_id)
    return pd.Index([int(number) for number in held["cluster_id"].unique()], dtype="int64")


def _found_again(held: pd.DataFrame, live: pd.DataFrame) -> pd.Series:
    """Whether records are linked to one of the entity that they lost; of two of one entity, to any other record."""
    beside = held.reset_index().merge(live, on="cluster_id", suffixes=("", "_beside"))
    beside = beside[(beside["entity"] != beside["entity_beside"]) | (beside["key"] != beside["key_beside"])]
    lost = lost_entity(beside)
    again = beside[lost.eq(beside["entity_beside"]) | lost.eq(beside["entity"])]
    return held.index.to_series().isin(again["index"])
