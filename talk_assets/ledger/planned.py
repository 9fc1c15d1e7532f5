"""What was planned becomes what is owed."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa

from talk_assets.ledger.bulk import pack_json, upsert_frame
from talk_assets.ledger.keys import keys_of, numbers_of
from talk_assets.ledger.tables import owed
from talk_assets.sync.owed import Owed


def replace_owed(
    connection: sa.Connection, division: str, entity: str, clusters: pd.Index, planned: Mapping[int, Owed], run: str
) -> None:
    """Make what is owed to an entity for the given clusters what was planned, by slot (see `sync.slots`).

    A debt that stays the same keeps its attempts, so that a hopeless write is not tried again because something else
    about its cluster changed. One that could not be sent yet keeps its age while any of its properties is still owed.
    """
    concerned = numbers_of(connection, clusters)
    former = sa.delete(owed).where(
        owed.c.division == division, owed.c.entity == entity, owed.c.cluster_id == concerned.c.number
    )
    frames = [_rows(slot, each) for slot, each in planned.items() if len(each.keys)]
    if not frames:
        connection.execute(former)
        return
    rows = frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
    rows = rows.assign(division=division, entity=entity, since=pd.Timestamp.now("UTC"), run=run)
    same = rows[["values", "operation"]].assign(
        cluster_id=rows["cluster_id"].astype("str"), key=rows["key"].fillna(""), slot=rows["slot"].astype("str")
    )
    keep = keys_of(connection, same, "cluster_id", "slot", "key", "values", "operation")
    unchanged = sa.exists().where(
        sa.cast(keep.c.cluster_id, sa.BigInteger) == owed.c.cluster_id,
        sa.cast(keep.c.slot, sa.Integer) == owed.c.slot,
        keep.c.key == sa.func.coalesce(owed.c.key, ""),
        sa.cast(keep.c["values"], sa.dialects.postgresql.JSONB) == owed.c["values"],
        keep.c.operation == owed.c.operation,
        owed.c.attempts > 0,
    )
    names = ("cluster_id", "slot", "operation", "key", "values", "state", "since")
    replaced = connection.execute(former.where(~unchanged).returning(*(owed.c[name] for name in names))).mappings()
    rows = rows.assign(since=_since(rows, [row for row in replaced if row["state"] == "owed"]))
    upsert_frame(connection, owed, rows, key=["division", "cluster_id", "entity", "slot"], update=["expected"])


def _since(rows: pd.DataFrame, replaced: Sequence[Mapping[Any, Any]]) -> pd.Series:
    """Since when each debt is owed, given those that could be sent and that they replace."""
    since = list(rows["since"])
    before = {(row["cluster_id"], row["slot"]): row for row in replaced}
    if not before:
        return rows["since"]
    named = rows[["cluster_id", "slot", "operation", "key", "values"]].assign(key=rows["key"].fillna(""))
    for place, (cluster, slot, operation, key, values) in enumerate(named.itertuples(index=False)):
        row = before.get((cluster, slot))
        if row is None or (row["operation"], row["key"] or "") != (operation, key):
            continue
        if operation == "delete" or not set(row["values"]).isdisjoint(json.loads(values)):
            since[place] = pd.Timestamp(row["since"])
    return pd.Series(since, index=rows.index).astype(rows["since"].dtype)


def owe_anew(
    connection: sa.Connection, division: str, entities: Sequence[str], *, forbidden: str, not_before: datetime | None
) -> int:
    """Owe again what some entities refused, because what is sent to them may be another thing now.

    What was forbidden stays so named, and is tried as what failed once: it goes after everything else.

    Args:
        connection: in a transaction.
        division: the division.
        entities: the entities.
        forbidden: what the reason of a debt begins with whose write was forbidden.
        not_before: when it is tried; None: at once.

    Returns:
        How many writes that concerns.
    """
    barred = owed.c.reason.startswith(forbidden, autoescape=True)
    # Planned again, a debt without attempts counts as a new one, that can be tried at once.
    kept = sa.true() if not_before is not None else barred
    return connection.execute(
        sa.update(owed)
        .values(
            state="owed",
            attempts=sa.case((kept, 1), else_=0),
            reason=sa.case((kept, owed.c.reason), else_=""),
            next_try=not_before,
        )
        .where(owed.c.division == division, owed.c.state == "dead", owed.c.entity.in_(entities))
    ).rowcount


def _rows(slot: int, planned: Owed) -> pd.DataFrame:
    values = pack_json(planned.values)
    expected = pack_json(planned.expected) if len(planned.expected.columns) else pd.Series("{}", index=values.index)
    return pd.DataFrame(
        {
            "cluster_id": planned.keys.index.astype("int64"),
            "operation": planned.operation.to_numpy(),
            "key": planned.keys.astype("str").array,
            "values": values.to_numpy(),
            "expected": expected.to_numpy(),
            "state": planned.state.to_numpy(),
            "reason": planned.reason.to_numpy(),
            "slot": slot,
        }
    )
