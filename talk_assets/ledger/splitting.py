"""Taking a cluster apart: some of its records leave it, and what was agreed because of them is agreed anew."""

from collections.abc import Iterable, Sequence

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from talk_assets.ledger.clusters import new_clusters
from talk_assets.ledger.contested import EDIT_VERSUS_DELETE, divide_contested
from talk_assets.ledger.keys import keys_of
from talk_assets.ledger.tables import base, cluster, conflict, golden, member, owed

# By what it is known which clusters were one.
_ORIGIN = sa.func.coalesce(cluster.c.parted_from, cluster.c.id)


def split_cluster(
    connection: sa.Connection,
    division: str,
    subject: str,
    number: int,
    leaving: pd.DataFrame,
    *,
    document: int | None,
    together: Sequence[Iterable[str]],
    run: str,
) -> int:
    """Give some members of a cluster a cluster of their own; its number.

    Nothing was agreed there yet. What stays keeps what was agreed, but for values that came from those who leave: these
    stand for election again among the members that stay. What was owed is forgotten, open conflicts end; but for what
    is asked, or was said, about a deletion: that goes with the deleted record.

    Args:
        connection: in a transaction.
        division: the division.
        subject: the cluster's subject.
        number: the cluster.
        leaving: `entity, key` of the members that leave.
        document: of lines: the cluster of their document.
        together: names of properties that are decided together.
        run: the order's.
    """
    (own,) = new_clusters(connection, division, subject, [document], run)
    origin = sa.select(_ORIGIN).where(cluster.c.id == number).scalar_subquery()
    connection.execute(sa.update(cluster).values(parted_from=origin).where(cluster.c.id == own))
    wanted = keys_of(connection, leaving, "entity", "key")
    at = (member.c.division == division, member.c.entity == wanted.c.entity, member.c.key == wanted.c.key)
    connection.execute(sa.update(member).values(cluster_id=own).where(*at))
    connection.execute(
        sa.delete(base).where(base.c.division == division, base.c.entity == wanted.c.entity, base.c.key == wanted.c.key)
    )
    names = set(leaving["entity"] + "/" + leaving["key"])
    _forget_agreed(connection, number, names, together)
    connection.execute(sa.delete(owed).where(owed.c.division == division, owed.c.cluster_id == number))
    divide_contested(connection, number, own, names)
    connection.execute(
        sa.update(conflict)
        .values(resolved_at=sa.func.now(), resolution="the records were unlinked")
        .where(
            conflict.c.cluster_id == number,
            conflict.c.resolved_at.is_(None),
            conflict.c.kind != EDIT_VERSUS_DELETE,
        )
    )
    return own


def _forget_agreed(
    connection: sa.Connection, number: int, leaving: set[str], together: Sequence[Iterable[str]]
) -> None:
    """Forget the agreed values that came from those who leave, and that the others were accounted for them."""
    winners = connection.execute(sa.select(golden.c.winners).where(golden.c.cluster_id == number)).scalar_one_or_none()
    named = {name for name, winner in (winners or {}).items() if winner in leaving}
    # Half an address would be agreed, half of it elected.
    named |= {name for group in together if named & set(group) for name in group}
    if not named:
        return
    gone = sa.cast(sorted(named), ARRAY(sa.Text))
    columns = [golden.c["values"], golden.c.times, golden.c.winners, golden.c.rules]
    connection.execute(
        sa.update(golden)
        .values({column.name: column.op("-")(gone) for column in columns})
        .where(golden.c.cluster_id == number)
    )
    connection.execute(
        sa.update(base)
        .values({name: base.c[name].op("-")(gone) for name in ("values", "times", "sent")})
        .where(
            member.c.cluster_id == number,
            *(base.c[name] == member.c[name] for name in ("division", "entity", "key")),
        )
    )


def line_clusters(connection: sa.Connection, document: int) -> list[int]:
    """The clusters of the lines of a document's cluster."""
    return list(connection.execute(sa.select(cluster.c.id).where(cluster.c.document_id == document)).scalars())


def parted_lines(connection: sa.Connection, document: int) -> pd.DataFrame:
    """`old, cluster_id`: of the lines of a document's cluster those clusters that were one, and the eldest of them."""
    eldest = sa.func.min(cluster.c.id).over(partition_by=_ORIGIN).label("cluster_id")
    mine = sa.select(cluster.c.id.label("old"), eldest).where(cluster.c.document_id == document).subquery()
    found = connection.execute(sa.select(mine).where(mine.c.old != mine.c.cluster_id).order_by(mine.c.old))
    return pd.DataFrame(found.all(), columns=["old", "cluster_id"], dtype="int64")


def move_under(connection: sa.Connection, number: int, document: int) -> None:
    """Give a cluster of lines another document's cluster."""
    connection.execute(sa.update(cluster).values(document_id=document).where(cluster.c.id == number))
