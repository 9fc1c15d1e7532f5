"""When the properties of records that wait for a decision were changed: a later page must not make them younger."""

import json

import pandas as pd
import sqlalchemy as sa

from talk_assets.cycle.context import Cycle
from talk_assets.ledger.bulk import pack_json
from talk_assets.ledger.edit_times import UNTOLD, times_of
from talk_assets.sync.frames import TIME


def keep_times(
    cycle: Cycle,
    connection: sa.Connection,
    entity: str,
    fresh: pd.DataFrame,
    known: pd.DataFrame,
    properties: list[str],
) -> pd.DataFrame:
    """Date what a record held already, when it was last read and not decided on, as it was dated then.

    A record has one time for all its properties, unless its system tells more: what was edited before would otherwise
    count as edited when something else was.

    Args:
        cycle: the run.
        connection: in a transaction.
        entity: the records' entity.
        fresh: the records read.
        known: what is known of them, index key.
        properties: the entity's.

    Returns:
        The records, with `times` of the properties of those that changed again.
    """
    before = known.reindex(fresh["key"]).set_axis(fresh.index)
    waits = before["accounted"].eq(False) & before["deleted_at"].isna() & fresh["times"].eq(UNTOLD)
    waits = (waits & fresh["modified"].ge(before["modified"])).fillna(False).astype(bool)
    if not waits.any():
        return fresh
    told = times_of(connection, cycle.division, entity, fresh["key"][waits])
    again = waits & (fresh["modified"].gt(before["modified"]) | fresh["key"].isin(told.index))
    if not again.any():
        return fresh
    now, then = fresh[again], before[again]
    former = pd.DataFrame([json.loads(told.get(key, UNTOLD)) for key in now["key"]], index=now.index)
    dated = {}
    for name in properties:
        since = then["modified"]
        if name in former:
            since = pd.to_datetime(former[name], utc=True, format="ISO8601").astype(TIME).fillna(since)
        same = now[name].fillna("").eq(then[name].fillna(""))
        dated[name] = since.where(same, now["modified"])
    times = fresh["times"].copy()
    times[again] = pack_json(pd.DataFrame(dated))
    return fresh.assign(times=times)
