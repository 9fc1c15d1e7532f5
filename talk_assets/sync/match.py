"""Who is the same: merge criteria become keys, equal keys become proposals, proposals become clusters.

Stored links come first: two records whose clusters are already complete for a flow are never joined by a criterion.
Empty never matches. Two records of one entity in one cluster are ambiguous: held, neither guessed nor inserted.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from talk_assets.mappings.model import CriterionProperty, Flow, Subject
from talk_assets.sync.apart import kept_apart
from talk_assets.sync.columns import Vector, arrow, series, take
from talk_assets.sync.compare import comparable
from talk_assets.sync.doubles import certain_twins

# Between the parts of a key made of several properties: no text of either system contains it.
_SEPARATOR = "\x1f"
# By which lines are the same where the mapping says nothing else.
_PRODUCT = "product"
# Characters of a criterion's value.
LONGEST_KEY = 600
_PROPOSALS = ["entity", "key", "other_entity", "other_key", "criterion"]


def criterion_keys(feed: pd.DataFrame, entity: str, subject: Subject, resolved: pd.DataFrame) -> pd.DataFrame:
    """The keys under which an entity's records can be matched.

    Args:
        feed: canonical feed frame (see `sync.convert.to_canonical`), live records only.
        entity: the entity of the records.
        subject: its subject.
        resolved: same index as `feed`: for each reference property the number of the cluster it points to as text,
            NA where it points to nothing known.

    Returns:
        `key, flow, alternative, value`: one row per record, flow and alternative whose properties all have a value;
        under the subject's own name those of the subject's criteria. Where a flow's join names another record, the
        flow's criteria do not apply to the record.
    """
    found = []
    held = subject.held_by(entity)
    for name in subject.proposers:
        flow = subject.flows.get(name)
        if flow is not None and entity not in flow.entities:
            continue
        named = flow is not None and _joins(flow, entity) and "join" in feed
        joined = feed["join"].notna() & feed["join"].ne("") if named else None
        for number, alternative in enumerate(subject.criteria if flow is None else flow.criteria):
            if any(part.property not in held for part in alternative):
                continue
            parts = [
                comparable(resolved[p.property], subject.properties[p.property])
                if subject.properties[p.property].to
                else comparable(feed[p.property], subject.properties[p.property], p.compare)
                for p in alternative
            ]
            value = _joined(parts)
            # A longer text identifies nothing, and would not fit an index.
            value = value.where(value.str.len().le(LONGEST_KEY))
            usable = value.notna() if joined is None else value.notna() & ~joined
            found.append(
                pd.DataFrame({"key": feed["key"][usable], "value": value[usable]}).assign(flow=name, alternative=number)
            )
    columns = ["key", "flow", "alternative", "value"]
    return pd.concat(found, ignore_index=True)[columns] if found else pd.DataFrame(columns=columns)


def _joined(parts: list[pd.Series]) -> pd.Series:
    """One text of several; NA as soon as one of them is empty."""
    whole = parts[0]
    for part in parts[1:]:
        whole = whole + _SEPARATOR + part
    return whole


def _joins(flow: Flow, entity: str) -> bool:
    """Whether a name that records of the entity carry comes before the flow's criteria."""
    return flow.join is not None and flow.join.entity == entity and not flow.join.written


def propose(
    keys: pd.DataFrame,
    members: pd.DataFrame,
    entities: Sequence[str],
    criteria: Sequence[Sequence[CriterionProperty]],
) -> pd.DataFrame:
    """Pairs of records that criteria call the same.

    Args:
        keys: `entity, key, alternative, value` under these criteria, of every record that shares a value with a record
            that is being matched now (and of those themselves).
        members: `entity, key, cluster_id` of the live linked records.
        entities: those that the criteria are about: a flow's two, or all of a subject.
        criteria: the alternatives.

    Returns:
        `entity, key, other_entity, other_key, criterion`, each record paired with the first of its group. Records of
        one entity are paired too when they share a value: that makes their cluster ambiguous.
    """
    known = keys[keys["entity"].isin(entities)].merge(members, on=["entity", "key"], how="left")
    if known.empty:
        return pd.DataFrame(columns=_PROPOSALS)
    complete = members[members["entity"].isin(entities)].groupby("cluster_id")["entity"].nunique()
    known["settled"] = known["cluster_id"].isin(complete[complete.eq(len(entities))].index)
    # A record without a cluster is a unit of its own; records of one cluster are one unit.
    known["unit"] = known["cluster_id"].astype("str").where(known["cluster_id"].notna(), known["entity"] + known["key"])
    groups = known.groupby(["alternative", "value"], sort=False)
    worth = groups["unit"].transform("nunique").gt(1) & ~groups["settled"].transform("all")
    known = known[worth].sort_values(["alternative", "value", "entity", "key"], kind="stable")
    first = known.groupby(["alternative", "value"], sort=False)[["entity", "key"]].transform("first")
    known["other_entity"], known["other_key"] = first["entity"], first["key"]
    known = known[(known["entity"] != known["other_entity"]) | (known["key"] != known["other_key"])]
    names = {n: " and ".join(p.property for p in alternative) for n, alternative in enumerate(criteria)}
    known["criterion"] = known["alternative"].map(names).astype("str")
    return known[_PROPOSALS].drop_duplicates(_PROPOSALS[:4]).reset_index(drop=True)


@dataclass(frozen=True)
class Assignment:
    """Which cluster each record belongs to.

    Attributes:
        members: `entity, key, cluster_id, origin, new` of the records that join a cluster now. Where `new`, the
            cluster is new and its number provisional: it only says which records share it.
        merged: `old, cluster_id` of existing clusters that became part of another.
        ambiguous: `entity, key, cluster_id, group, others` of the records held because their cluster would have two
            records of an entity; `group` numbers the groups, `others` names the group's records. Linked records are
            among them where something could be inserted for them that may be there already.
    """

    members: pd.DataFrame
    merged: pd.DataFrame
    ambiguous: pd.DataFrame


def assign(
    fresh: pd.DataFrame,
    members: pd.DataFrame,
    proposals: pd.DataFrame,
    blocks: pd.DataFrame | None = None,
    *,
    paired: Collection[tuple[str, str]] | None = None,
    twins: bool = False,
) -> Assignment:
    """Form clusters from stored links and proposals.

    Args:
        fresh: `entity, key` of the live records that are being matched now, linked or not.
        members: `entity, key, cluster_id` of every live linked record of the clusters concerned.
        proposals: `entity, key, other_entity, other_key, criterion`; with `twins` also `flow`.
        blocks: `entity, key, other_entity, other_key` of records that are never to be in one cluster.
        paired: the entities that flows pair; None: any two can be paired.
        twins: several records of an entity may be in one cluster, see `sync.doubles`.

    Returns:
        The assignment; every fresh record is in it or already a member, unless it is ambiguous.
    """
    records = _records(fresh, members, proposals)
    unit = records["unit"].to_numpy()
    left, right = _ends(records, proposals)
    size = int(unit.max()) + 1 if len(unit) else 0
    graph = coo_matrix((np.ones(len(left), dtype=np.int8), (unit[left], unit[right])), shape=(size, size))
    _, labels = connected_components(graph, directed=False)
    records["group"] = labels[unit] if len(unit) else unit
    doubtful = pd.Series(False, index=records.index)
    if blocks is not None and len(blocks):
        records["group"], doubtful = kept_apart(records, proposals, blocks, paired=paired, twins=twins)
    several = records.groupby(["group", "entity"])["key"].transform("nunique").gt(1)
    if twins and several.any():
        several &= ~certain_twins(records, proposals["flow"], left, right)
    records["criterion"] = _criteria(records, proposals, left, right)
    records["ambiguous"] = (several | doubtful).groupby(records["group"]).transform("any")
    clear = records[~records["ambiguous"]]
    oldest = clear.groupby("group", sort=False)["cluster_id"].transform("min")
    joined = clear.assign(new=oldest.isna(), cluster=oldest.where(oldest.notna(), clear["group"]))
    moved = joined[joined["cluster_id"].notna() & joined["cluster_id"].ne(joined["cluster"])]
    fresh_members = joined[joined["cluster_id"].isna()]
    return Assignment(
        members=pd.DataFrame(
            {
                "entity": fresh_members["entity"].to_numpy(),
                "key": fresh_members["key"].to_numpy(),
                "cluster_id": fresh_members["cluster"].to_numpy(dtype=np.int64),
                "origin": fresh_members["criterion"].fillna("alone").to_numpy(),
                "new": fresh_members["new"].to_numpy(dtype=bool),
            }
        ),
        merged=pd.DataFrame(
            {"old": moved["cluster_id"].astype("int64"), "cluster_id": moved["cluster"].astype("int64")}
        ).drop_duplicates("old"),
        ambiguous=_ambiguous(records),
    )


def spread(marks: pd.Series, proposals: pd.DataFrame) -> pd.Series:
    """Give the mark of a record to every record that proposals connect it with, directly or not.

    Args:
        marks: index `entity/key`, unique, value text.
        proposals: see `propose`.

    Returns:
        Index `entity/key`, value the first mark of the record's group; records without one are not in it.
    """
    if marks.empty:
        return marks
    left = proposals["entity"] + "/" + proposals["key"]
    right = proposals["other_entity"] + "/" + proposals["other_key"]
    names = pd.Index(pd.concat([left, right, marks.index.to_series()], ignore_index=True).unique(), dtype="str")
    edges = (np.ones(len(left), dtype=np.int8), (names.get_indexer(left), names.get_indexer(right)))
    _, labels = connected_components(coo_matrix(edges, shape=(len(names), len(names))), directed=False)
    group = pd.Series(labels, index=names)
    first = marks.groupby(group.reindex(marks.index).to_numpy()).first()
    return group.map(first).astype("str").dropna()


def _records(fresh: pd.DataFrame, members: pd.DataFrame, proposals: pd.DataFrame) -> pd.DataFrame:
    """All records concerned with `cluster_id` (NA when unlinked) and `unit`: one number per cluster or lone record."""
    others = proposals[["other_entity", "other_key"]].set_axis(["entity", "key"], axis=1)
    records = pd.concat(
        [fresh[["entity", "key"]], proposals[["entity", "key"]], others, members[["entity", "key"]]], ignore_index=True
    ).drop_duplicates()
    records = records.merge(members, on=["entity", "key"], how="left").reset_index(drop=True)
    records["cluster_id"] = records["cluster_id"].astype("Int64")
    clusters = records["cluster_id"].astype("str")
    lone = "lone " + records.index.to_series().astype("str")
    records["unit"] = pd.factorize(clusters.where(records["cluster_id"].notna(), lone))[0]
    return records


def _ends(records: pd.DataFrame, proposals: pd.DataFrame) -> tuple[Vector, Vector]:
    """Places of the two records that each proposal names."""
    if proposals.empty:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    known = pd.MultiIndex.from_frame(records[["entity", "key"]])
    left = known.get_indexer(pd.MultiIndex.from_frame(proposals[["entity", "key"]]))
    right = known.get_indexer(pd.MultiIndex.from_frame(proposals[["other_entity", "other_key"]]))
    return left.astype(np.int64), right.astype(np.int64)


def _criteria(records: pd.DataFrame, proposals: pd.DataFrame, left: Vector, right: Vector) -> pd.Series:
    """By what each record is called the same as another: of the first proposal that names it; NA for the others."""
    named, first = np.unique(np.concatenate([left, right]), return_index=True)
    places = np.full(len(records), -1, dtype=np.int64)
    places[named] = first % max(len(proposals), 1)
    return series(take(arrow(proposals["criterion"]), places), records.index)


def _ambiguous(records: pd.DataFrame) -> pd.DataFrame:
    """The records to hold: those not linked yet, and those for which a match would be inserted a second time.

    What is linked stays linked. But a linked record that a proposal names, and whose cluster lacks an entity that the
    group's proposals name, may belong to a record of another cluster: nothing must be inserted for it.
    """
    columns = ["entity", "key", "cluster_id", "group", "others"]
    if not records["ambiguous"].any():
        return pd.DataFrame(columns=columns)
    touched = records[records["ambiguous"]].sort_values(["group", "entity", "key"])
    touched["named"] = touched["criterion"].notna()
    names = (touched["entity"] + "/" + touched["key"]).groupby(touched["group"]).agg(", ".join)
    alone = touched.groupby("cluster_id")["key"].transform("size").eq(1)
    named = touched.groupby(["group", "entity"])["named"].transform("any")
    entities = touched["entity"].where(named)
    wanted, there = (entities.groupby(touched[of]).transform("nunique") for of in ("group", "cluster_id"))
    held = touched[touched["cluster_id"].isna() | alone | (touched["named"] & there.lt(wanted))]
    return held.assign(others=held["group"].map(names).astype("str"))[columns].reset_index(drop=True)


def line_identity(lines: pd.DataFrame, subject: Subject, flow: Flow, targets: pd.Series) -> pd.Series:
    """By what lines of one document are the same: the flow's criterion, or the product that they are about.

    Args:
        lines: canonical properties.
        subject: the subject of the lines.
        flow: the flow of the line entities; of its criteria the first one counts.
        targets: index `entity/key`, value cluster number as text, of what references point to.

    Returns:
        `str`, index as `lines`; NA where a line cannot be told.
    """
    if not flow.criteria:
        named = lines[_PRODUCT].map(targets) if _PRODUCT in lines else pd.Series(pd.NA, index=lines.index)
        return named.astype("str")
    rows = [(part, subject.properties[part.property]) for part in flow.criteria[0]]
    return _joined(
        [
            lines[part.property].map(targets).astype("str")
            if row.to is not None
            else comparable(lines[part.property], row, part.compare)
            for part, row in rows
        ]
    )


def told_by(flow: Flow) -> list[str]:
    """The properties by which lines of one document are the same, see `line_identity`."""
    return [part.property for part in flow.criteria[0]] if flow.criteria else [_PRODUCT]


def match_lines(lines: pd.DataFrame, flow: Flow) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Match the lines of matched documents by what they are about and their place.

    The n-th unlinked line of a product on one side is the n-th on the other, when both sides have as many. A line about
    no product may be any such line of the other side.

    Args:
        lines: `entity, key, document_cluster, identity, position` of the lines of the documents concerned that
            are not linked for this flow, and the properties by which they are told.
        flow: the flow of the line entities.

    Returns:
        Proposals (as `propose` gives them) and ambiguous lines (`entity, key, reason`): where the two sides have
        different numbers of lines of one product, and where both have lines about none.
    """
    of_flow = lines[lines["entity"].isin(flow.entities)]
    mine = of_flow[of_flow["identity"].notna()].copy()
    place = ["document_cluster", "identity"]
    mine = mine.sort_values([*place, "entity", "position", "key"], kind="stable")
    mine["nth"] = mine.groupby([*place, "entity"]).cumcount()
    one = mine["entity"].eq(flow.customerp).groupby([mine[name] for name in place]).sum()
    two = mine["entity"].eq(flow.exact).groupby([mine[name] for name in place]).sum()
    unclear = one.index[(one.ne(two) & one.gt(0) & two.gt(0)).to_numpy()]
    at = pd.MultiIndex.from_frame(mine[place])
    doubtful = mine[at.isin(unclear)]
    clear = mine[~at.isin(unclear)]
    left = clear[clear["entity"].eq(flow.customerp)]
    right = clear[clear["entity"].eq(flow.exact)]
    pairs = left.merge(right, on=[*place, "nth"], suffixes=("", "_other"))
    proposals = pd.DataFrame(
        {
            "entity": pairs["entity"],
            "key": pairs["key"],
            "other_entity": pairs["entity_other"],
            "other_key": pairs["key_other"],
            "criterion": " and ".join(p.property for p in flow.criteria[0])
            if flow.criteria
            else "product and position",
        }
    )
    reasons = doubtful[["entity", "key"]].assign(
        reason="the documents have different numbers of lines of this product: it cannot be told which are the same"
    )
    # What names a product that is not known yet waits for it.
    told = of_flow.reindex(columns=told_by(flow))
    nameless = of_flow[of_flow["identity"].isna() & told.isna().any(axis=1)]
    sides = nameless.groupby("document_cluster")["entity"].transform("nunique")
    untold = nameless.loc[sides.eq(len(flow.entities)), ["entity", "key"]].assign(
        reason="both documents have lines without a product: it cannot be told which are the same"
    )
    return proposals, pd.concat([reasons, untold], ignore_index=True)
