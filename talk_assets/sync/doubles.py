"""Several records of one entity that the criteria call the same: which of them may share a cluster for certain.

Only where a mapping keeps duplicates in sync. Two clusters that were linked before are never joined because of them: it
could not be told which of their counterparts is right.
"""

import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from talk_assets.sync.columns import Vector


def certain_twins(records: pd.DataFrame, flows: pd.Series, left: Vector, right: Vector) -> pd.Series:
    """Which records may be in their group together with others of their entity.

    They may where the criteria of one flow connect all of the group's records of the entity, and where at most one
    cluster of the group had more than one record before.

    Args:
        records: `entity, key, cluster_id, unit, group`: units are stored clusters or lone records, groups are units
            that proposals connect.
        flows: per proposal the name under which it was proposed.
        left: per proposal the place of one record that it names.
        right: the place of the other.
    """
    unit = records["unit"].to_numpy()
    linked = records["cluster_id"].notna()
    joint = linked & records.groupby("unit")["key"].transform("size").gt(1)
    apart = records["unit"].where(joint).groupby(records["group"]).transform("nunique").gt(1)
    connected = pd.Series(False, index=records.index)
    size = int(unit.max()) + 1
    place = [records["group"], records["entity"]]
    for flow in flows.unique():
        mine = flows.eq(flow).to_numpy(dtype=bool)
        edges = (np.ones(int(mine.sum()), dtype=np.int8), (unit[left[mine]], unit[right[mine]]))
        _, labels = connected_components(coo_matrix(edges, shape=(size, size)), directed=False)
        part = pd.Series(labels[unit], index=records.index)
        connected |= part.groupby(place).transform("nunique").eq(1)
    return connected & ~apart
