"""What people have decided: pairs of records never to be linked."""

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from talk_assets.ledger.bulk import read_frame
from talk_assets.ledger.keys import keys_of
from talk_assets.ledger.tables import block

# An entity and a record's own key.
Record = tuple[str, str]


def store_block(connection: sa.Connection, division: str, one: Record, other: Record, who: str) -> None:
    """Note that two records are never to be linked; a pair that is noted already stays as it is."""
    connection.execute(
        insert(block).values(division=division, **_pair(one, other), at=sa.func.now(), who=who).on_conflict_do_nothing()
    )


def drop_block(connection: sa.Connection, division: str, one: Record, other: Record) -> bool:
    """Let two records be linked again; whether they had been kept apart."""
    pair = _pair(one, other)
    at = [block.c[name] == value for name, value in pair.items()]
    return connection.execute(sa.delete(block).where(block.c.division == division, *at)).rowcount > 0


def blocks_among(connection: sa.Connection, division: str, records: pd.DataFrame) -> pd.DataFrame:
    """`entity, key, other_entity, other_key` of the pairs never to be linked whose two records are both among these.

    Args:
        connection: in a transaction.
        division: the division.
        records: `entity, key`.
    """
    names = ("entity", "key", "other_entity", "other_key")
    wanted = keys_of(connection, records, "entity", "key")
    found = read_frame(
        connection,
        sa.select(*(block.c[name] for name in names))
        .join_from(block, wanted, sa.and_(wanted.c.entity == block.c.entity, wanted.c.key == block.c.key))
        .where(block.c.division == division),
    )
    known = records["entity"] + "/" + records["key"]
    return found[(found["other_entity"] + "/" + found["other_key"]).isin(known)].reset_index(drop=True)


def _pair(one: Record, other: Record) -> dict[str, str]:
    first, second = sorted([one, other], key="/".join)
    return {"entity": first[0], "key": first[1], "other_entity": second[0], "other_key": second[1]}
