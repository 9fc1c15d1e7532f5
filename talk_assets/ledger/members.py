"""What the live members of clusters hold and held."""

import json
from collections.abc import Sequence

import pandas as pd
import sqlalchemy as sa

from talk_assets.ledger.bulk import columns_under, json_columns, read_frame
from talk_assets.ledger.keys import numbers_of
from talk_assets.ledger.tables import base, member, record
from talk_assets.sync.frames import TIME, Members


def load_members(
    connection: sa.Connection,
    division: str,
    entity: str,
    properties: Sequence[str],
    clusters: pd.Index,
    key: str | None = None,
) -> Members:
    """An entity's live members among the clusters, with what they hold and held.

    Args:
        connection: in a transaction.
        division: the division.
        entity: the entity.
        properties: canonical names.
        clusters: their numbers. Of a cluster with several members of the entity it is any one of them.
        key: only this record.
    """
    found = _found(connection, division, entity, properties, clusters, key)
    found = found[~found.index.duplicated()].sort_index() if len(found) > 1 else found
    return _members(found, properties)


def load_slots(
    connection: sa.Connection,
    division: str,
    entity: str,
    properties: Sequence[str],
    clusters: pd.Index,
    *,
    twins: bool,
) -> list[Members]:
    """The same; with `twins` first those members that were linked first in their clusters, then those linked next."""
    if not twins:
        return [load_members(connection, division, entity, properties, clusters)]
    found = _found(connection, division, entity, properties, clusters)
    found = found.rename_axis("number").sort_values(["cluster_id", "linked_at", "key"]).rename_axis("cluster_id")
    number = found.groupby(level=0).cumcount().to_numpy()
    return [_members(found[number == nth], properties) for nth in range(int(number.max(initial=0)) + 1)]


def _found(
    connection: sa.Connection,
    division: str,
    entity: str,
    properties: Sequence[str],
    clusters: pd.Index,
    key: str | None = None,
) -> pd.DataFrame:
    """One row per member; index: cluster."""
    wanted = numbers_of(connection, clusters)
    selected = [
        member.c.cluster_id,
        member.c.key,
        member.c.linked_at,
        record.c.modified,
        sa.cast(record.c.times, sa.Text).label("own_times"),
        *json_columns(record.c["values"], properties, prefix="c:"),
        *json_columns(base.c["values"], properties, prefix="b:"),
        *json_columns(base.c.times, properties, as_timestamp=True, prefix="t:"),
        *json_columns(base.c.sent, properties, prefix="s:"),
    ]
    same_record = sa.and_(
        record.c.division == member.c.division, record.c.entity == member.c.entity, record.c.key == member.c.key
    )
    same_base = sa.and_(
        base.c.division == member.c.division, base.c.entity == member.c.entity, base.c.key == member.c.key
    )
    found = read_frame(
        connection,
        sa.select(*selected)
        .join_from(member, wanted, wanted.c.number == member.c.cluster_id)
        .join(record, same_record)
        .join(base, same_base, isouter=True)
        .where(
            member.c.division == division,
            member.c.entity == entity,
            member.c.deleted_at.is_(None),
            *([] if key is None else [member.c.key == key]),
        ),
    )
    found.index = pd.Index(found["cluster_id"].astype("int64"), name="cluster_id")
    return found


def _members(found: pd.DataFrame, properties: Sequence[str]) -> Members:
    return Members(
        keys=found["key"],
        modified=found["modified"],
        current=columns_under(found, "c:", properties),
        base=columns_under(found, "b:", properties),
        times=columns_under(found, "t:", properties),
        sent=columns_under(found, "s:", properties),
        edited=_own_times(found["own_times"], properties),
    )


def _own_times(told: pd.Series, properties: Sequence[str]) -> pd.DataFrame | None:
    """Times of single properties from JSON; None when there are none."""
    some = told[told.ne("{}")]
    if some.empty:
        return None
    times = pd.DataFrame([json.loads(text) for text in some], index=some.index, columns=list(properties))
    dated = {name: pd.to_datetime(times[name], utc=True, format="ISO8601") for name in times}
    return pd.DataFrame(dated, index=some.index).astype(TIME).reindex(told.index)
