"""History with what it rests on: of winner and loser when they changed and were read, and who held the value before."""

import pandas as pd
import sqlalchemy as sa

from talk_assets.ledger.bulk import pack_json
from talk_assets.ledger.evidence import reads_of
from talk_assets.sync.frames import TIME, Golden


def with_evidence(connection: sa.Connection, division: str, history: pd.DataFrame, before: Golden) -> pd.DataFrame:
    """Give decisions a column `detail`, as JSON.

    Args:
        connection: in a transaction.
        division: the division.
        history: columns of `sync.history.HISTORY`.
        before: what was agreed before.

    Returns:
        The same rows. In `detail`: `winner_changed, winner_read_at, winner_read_run`, the same of `loser`, and
        `former_winner, former_changed` of the value that was agreed before; what is not known is left out.
    """
    if history.empty:
        return history
    rows = history.reset_index(drop=True)
    found: dict[str, pd.Series] = {}
    for role in ("winner", "loser") if rows["loser"].notna().any() else ("winner",):
        read = reads_of(connection, division, rows[role], rows["property"])
        found |= {f"{role}_{name}": read[name] for name in read.columns}
    found["former_winner"] = _cells(before.winners, rows).astype("str")
    # Of nothing but missing times pandas forgets the zone.
    found["former_changed"] = pd.to_datetime(_cells(before.times, rows), utc=True).astype(TIME)
    return rows.assign(detail=pack_json(pd.DataFrame(found)))


def _cells(frame: pd.DataFrame, rows: pd.DataFrame) -> pd.Series:
    """The frame's value of each row's cluster and property; missing where it has none."""
    known = frame[frame.index.isin(rows["cluster_id"])].rename_axis("cluster_id").reset_index()
    cells = known.melt("cluster_id", var_name="property", value_name="cell")
    return rows[["cluster_id", "property"]].merge(cells, how="left")["cell"].set_axis(rows.index)
