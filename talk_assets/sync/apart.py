"""Records that a person said are never the same: groups that hold such a pair are taken apart.

What is left must be clear: records that could belong to either of the two are held, never guessed.
"""

from collections.abc import Collection

import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

_STAR = ["other_entity", "other_key", "criterion"]


def kept_apart(
    records: pd.DataFrame,
    proposals: pd.DataFrame,
    blocks: pd.DataFrame,
    *,
    paired: Collection[tuple[str, str]] | None = None,
    twins: bool = False,
) -> tuple[pd.Series, pd.Series]:
    """Take the groups apart that hold two records never to be linked.

    Args:
        records: `entity, key, unit, group`: units are stored clusters or lone records, groups are units that proposals
            connect.
        proposals: `entity, key, other_entity, other_key, criterion`.
        blocks: `entity, key, other_entity, other_key` of the pairs never to be linked.
        paired: the entities that flows pair: what the two had in common is no reason to join others. None: any two.
        twins: several records of an entity may be together.

    Returns:
        The group of each record, and whether it cannot be told to which side its group belongs; index as `records`.
    """
    group, doubtful = records["group"].copy(), pd.Series(False, index=records.index)
    unit_of = records.set_index(["entity", "key"])["unit"]
    forbidden = _pairs(unit_of, blocks[["entity", "key"]], blocks[["other_entity", "other_key"]])
    group_of = records.drop_duplicates("unit").set_index("unit")["group"]
    concerned = {int(group_of[one]) for one, other in forbidden if group_of[one] == group_of[other]}
    if not concerned:
        return group, doubtful
    inside = records[records["group"].isin(concerned)]
    shared = _sharing(unit_of, proposals[(proposals["entity"] + "/" + proposals["key"]).isin(_names(inside))])
    fresh = int(group.max()) + 1
    for _, members in inside.groupby("group"):
        for part, clear in _parts(members, shared, forbidden, paired=paired, twins=twins):
            at = members.index[members["unit"].isin(part)]
            group[at], doubtful[at] = fresh, not clear
            fresh += 1
    return group, doubtful


def _names(records: pd.DataFrame) -> pd.Series:
    return records["entity"] + "/" + records["key"]


def _pairs(unit_of: pd.Series, one: pd.DataFrame, other: pd.DataFrame) -> set[tuple[int, int]]:
    """The pairs of units, lower first, that pairs of records stand for."""
    left = unit_of.reindex(pd.MultiIndex.from_frame(one)).to_numpy(dtype=float)
    right = unit_of.reindex(pd.MultiIndex.from_frame(other)).to_numpy(dtype=float)
    there = ~(np.isnan(left) | np.isnan(right))
    low, high = np.minimum(left, right)[there].astype(int), np.maximum(left, right)[there].astype(int)
    return set(zip(low.tolist(), high.tolist(), strict=True))


def _sharing(unit_of: pd.Series, proposals: pd.DataFrame) -> set[tuple[int, int]]:
    """Pairs of units with a value in common: proposals name one record of each value, which all others share."""
    direct = _pairs(unit_of, proposals[["entity", "key"]], proposals[["other_entity", "other_key"]])
    mates = proposals.merge(proposals, on=_STAR, suffixes=("", "_mate"))
    return direct | _pairs(unit_of, mates[["entity", "key"]], mates[["entity_mate", "key_mate"]])


def _parts(
    members: pd.DataFrame,
    shared: set[tuple[int, int]],
    forbidden: set[tuple[int, int]],
    *,
    paired: Collection[tuple[str, str]] | None,
    twins: bool,
) -> list[tuple[list[int], bool]]:
    """The parts into which a group falls, each with whether its units surely belong together.

    A part is what could be together: it is clear when no two of its units are kept apart, no entity is there twice
    (but for twins), and shared values alone hold it together.
    """
    entities = members.groupby("unit")["entity"].agg(set)
    units = [int(unit) for unit in entities.index]
    possible = [
        (one, other)
        for at, one in enumerate(units)
        for other in units[at + 1 :]
        if (one, other) not in forbidden
        and (twins or not entities[one] & entities[other])
        and _can_meet(entities[one], entities[other], paired)
    ]
    found = []
    for part in _connected(units, possible):
        edges = [pair for pair in possible if pair in shared and pair[0] in part and pair[1] in part]
        several = not twins and sum(len(entities[unit]) for unit in part) > len(
            set().union(*(entities[unit] for unit in part))
        )
        apart = any(one in part and other in part for one, other in forbidden)
        clear = len(part) == 1 or (not several and not apart and len(_connected(part, edges)) == 1)
        found.append((part, clear))
    return found


def _can_meet(one: set[str], other: set[str], paired: Collection[tuple[str, str]] | None) -> bool:
    """Whether a flow pairs any of their entities; twins are of the same."""
    return paired is None or bool(one & other) or any({*pair} & one and {*pair} & other for pair in paired)


def _connected(units: list[int], edges: list[tuple[int, int]]) -> list[list[int]]:
    """The units that edges connect."""
    place = {unit: at for at, unit in enumerate(units)}
    ends = tuple(np.array([place[edge[end]] for edge in edges], dtype=np.int64) for end in (0, 1))
    graph = coo_matrix((np.ones(len(edges), dtype=np.int8), (ends[0], ends[1])), shape=(len(units), len(units)))
    count, labels = connected_components(graph, directed=False)
    return [[unit for unit, label in zip(units, labels, strict=True) if label == number] for number in range(count)]
