"""Records that a criterion would put into the cluster of one that should name them, and does not."""

import pandas as pd
import sqlalchemy as sa

from talk_assets.cycle.context import Cycle
from talk_assets.cycle.holds import HOLDS, no_holds
from talk_assets.cycle.linking import AMBIGUOUS
from talk_assets.cycle.references import REFERENCE
from talk_assets.ledger import clusters as links
from talk_assets.ledger.matching import sharing_across
from talk_assets.ledger.people import blocks_among
from talk_assets.ledger.records import JOIN, records_by_key
from talk_assets.mappings.model import Join, Subject


def unnamed(
    cycle: Cycle,
    connection: sa.Connection,
    subject: Subject,
    fresh: dict[str, pd.DataFrame],
    linked: pd.DataFrame,
    proposals: pd.DataFrame,
) -> pd.DataFrame:
    """What could be joined by name, and is called the same only by what it has in common; as holds.

    An order that came from a quote names it. A quote with the reference of an order that was delivered long ago names
    nothing: it may as well be the next offer to the same customer, and would overwrite what was ordered.

    Args:
        cycle: the run.
        connection: in a transaction.
        subject: the subject.
        fresh: per entity its live undecided records.
        linked: `entity, key` of those that are linked.
        proposals: see `sync.match.propose`.
    """
    found = [no_holds()]
    new = {
        entity: frame.loc[~frame["key"].isin(linked["key"][linked["entity"].eq(entity)]), "key"]
        for entity, frame in fresh.items()
    }
    for name, flow in subject.flows.items():
        join = flow.join
        if join is None or join.written:
            continue
        if join.to in new:
            found.append(_held(cycle, connection, join, new[join.to], proposals))
        if join.entity in new:
            found.append(_waiting(cycle, connection, subject, name, join, new[join.entity], proposals))
    return pd.concat(found, ignore_index=True)


def _waiting(
    cycle: Cycle,
    connection: sa.Connection,
    subject: Subject,
    name: str,
    join: Join,
    new: pd.Series,
    proposals: pd.DataFrame,
) -> pd.DataFrame:
    """Those that have the same as one without a counterpart: one would be made of each, and both are the same."""
    proposed = pd.concat(
        [proposals["entity"] + "/" + proposals["key"], proposals["other_entity"] + "/" + proposals["other_key"]]
    )
    new = new[~(join.entity + "/" + new).isin(proposed)]
    found = [pd.DataFrame(columns=["key", "other_key"], dtype="str")]
    mine = subject.flows[name]
    for other_name, other in subject.flows.items():
        if other.customerp != join.to or other.exact != mine.exact:
            continue
        for number, alternative in enumerate(mine.criteria):
            found += [
                sharing_across(
                    connection, cycle.division, (join.entity, name, number), (join.to, other_name, other_number), new
                )
                for other_number, same in enumerate(other.criteria)
                if same == alternative
            ]
    near = pd.concat(found, ignore_index=True).drop_duplicates("key")
    if near.empty:
        return no_holds()
    others = near[["other_key"]].set_axis(["key"], axis=1).assign(entity=join.to)
    linked = links.links_of(connection, cycle.division, others[["entity", "key"]].drop_duplicates())
    members = links.members_of(connection, cycle.division, pd.Index(linked["cluster_id"].astype("int64").unique()))
    there = members.loc[members["entity"].eq(mine.exact) & ~members["deleted"].astype(bool), "cluster_id"]
    near = near[~near["other_key"].isin(linked["key"][linked["cluster_id"].isin(there)])]
    reason = f"waits for {join.to}/" + near["other_key"] + f", which its criteria call the same in {mine.exact}"
    text = pd.Series(pd.NA, index=near.index, dtype="str")
    held = near.assign(entity=join.entity, kind=REFERENCE, property="join", reason=reason, value=text)
    return held[HOLDS]


def _held(cycle: Cycle, connection: sa.Connection, join: Join, new: pd.Series, proposals: pd.DataFrame) -> pd.DataFrame:
    swapped = {"entity": "other_entity", "key": "other_key", "other_entity": "entity", "other_key": "key"}
    near = pd.concat([proposals, proposals.rename(columns=swapped)])
    near = near[near["entity"].eq(join.to) & near["key"].isin(new)]
    others = near[["other_entity", "other_key"]].set_axis(["entity", "key"], axis=1).drop_duplicates()
    taken = links.links_of(connection, cycle.division, others)
    if taken.empty:
        return no_holds()
    members = links.members_of(connection, cycle.division, pd.Index(taken["cluster_id"].astype("int64").unique()))
    members = members[~members["deleted"].astype(bool)]
    owners = members[members["entity"].eq(join.entity)]
    names = records_by_key(connection, cycle.division, join.entity, owners["key"], [JOIN]).set_index("key")[JOIN]
    near = near.merge(
        taken[["entity", "key", "cluster_id"]].rename(columns={"entity": "other_entity", "key": "other_key"}),
        on=["other_entity", "other_key"],
    ).merge(owners[["key", "cluster_id"]].rename(columns={"key": "owner"}), on="cluster_id")
    near = near[near["owner"].map(names).ne(join.to + "/" + near["key"])]
    blocks = blocks_among(
        connection, cycle.division, pd.concat([near[["entity", "key"]], members[["entity", "key"]]]).drop_duplicates()
    )
    apart = set(blocks["entity"] + "/" + blocks["key"] + " " + blocks["other_entity"] + "/" + blocks["other_key"])
    one, other = near["entity"] + "/" + near["key"], near["other_entity"] + "/" + near["other_key"]
    near = near[~((one + " " + other).isin(apart) | (other + " " + one).isin(apart))].drop_duplicates("key")
    reason = (
        f"{join.entity}/" + near["owner"] + ", which does not name it, has the same " + near["criterion"] + ": "
        "link it to " + near["other_entity"] + "/" + near["other_key"] + " if they are one, unlink it if not"
    )
    held = near.assign(
        kind=AMBIGUOUS, property="", reason=reason, value=pd.Series(pd.NA, index=near.index, dtype="str")
    )
    return held[HOLDS]
