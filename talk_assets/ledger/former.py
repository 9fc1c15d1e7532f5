"""The members that clusters have, or ever had: their record may be gone, out of a filter, or unlinked by a person."""

from collections.abc import Iterable

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from talk_assets.ledger.keys import among
from talk_assets.ledger.tables import cluster

# The kind of hold at a record that a person unlinked; its value is the record that it was unlinked from.
UNLINKED = "unlinked"


def ever_members(connection: sa.Connection, members: pd.DataFrame) -> pd.DataFrame:
    """`cluster_id, entity` of what clusters have, or ever had, as far as rows with `when` or `unless` ask about it.

    Args:
        connection: in a transaction.
        members: all members of the clusters, see `ledger.clusters.members_of`.
    """
    numbers = [int(number) for number in members["cluster_id"].unique()]
    rows = connection.execute(
        sa.select(cluster.c.id, sa.func.unnest(cluster.c.had)).where(
            cluster.c.id.in_(among(connection, numbers)), cluster.c.had.is_not(None)
        )
    )
    unlinked = pd.DataFrame(rows.all(), columns=["cluster_id", "entity"])
    found = pd.concat([members[["cluster_id", "entity"]], unlinked], ignore_index=True)
    return found.astype({"cluster_id": "int64", "entity": "str"}).drop_duplicates(ignore_index=True)


def former(connection: sa.Connection, number: int) -> set[str]:
    """The entities of members that were unlinked from a cluster, where rows ask about them."""
    return set(connection.execute(sa.select(cluster.c.had).where(cluster.c.id == number)).scalar_one() or [])


def store_former(connection: sa.Connection, number: int, entities: Iterable[str]) -> None:
    """Keep of which entities members were unlinked from a cluster, instead of what was kept before."""
    had = sa.cast(sorted(entities), ARRAY(sa.Text))
    connection.execute(sa.update(cluster).values(had=had).where(cluster.c.id == number))
