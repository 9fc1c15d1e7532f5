"""Documents and their lines: what the lines of a document are owed, and which went with it."""

from collections.abc import Sequence

import pandas as pd
import sqlalchemy as sa

from talk_assets.ledger.bulk import read_frame
from talk_assets.ledger.keys import among, values_of
from talk_assets.ledger.tables import cluster, member, owed, record


def reopen_lines(connection: sa.Connection, division: str, entity: str, documents: pd.Series) -> None:
    """Have the live lines of some documents decided again; those that wait for that are left as they are."""
    wanted = values_of(connection, "document", documents)
    connection.execute(
        sa.update(record)
        .values(accounted=False)
        .where(
            record.c.division == division,
            record.c.entity == entity,
            record.c.document == wanted.c.document,
            record.c.deleted_at.is_(None),
            record.c.accounted,
        )
    )


def lines_not_owed(
    connection: sa.Connection, division: str, documents: pd.Index, entity: str, sources: Sequence[str]
) -> pd.Index:
    """The clusters of the live lines of some entities that are owed no new line of another one.

    Args:
        connection: in a transaction.
        division: the division.
        documents: the clusters of their documents.
        entity: the line entity in which a line would be owed.
        sources: the line entities.
    """
    create = (owed.c.cluster_id == cluster.c.id, owed.c.entity == entity, owed.c.operation == "create")
    found = connection.execute(
        sa.select(cluster.c.id)
        .join_from(cluster, member, member.c.cluster_id == cluster.c.id)
        .where(
            cluster.c.division == division,
            cluster.c.document_id.in_(among(connection, documents)),
            member.c.entity.in_(sources),
            member.c.deleted_at.is_(None),
            ~sa.exists().where(*create),
        )
        .distinct()
        .order_by(cluster.c.id)
    )
    return pd.Index([int(number) for number in found.scalars()], dtype="int64")


def gone_with_document(
    connection: sa.Connection, division: str, entity: str, document: str, keys: "pd.Series[str]"
) -> set[str]:
    """Which of the deleted lines of an entity went with their document, and were not removed from it before."""
    wanted = values_of(connection, "key", keys)
    owner = record.alias("owner")
    found = connection.execute(
        sa.select(record.c.key)
        .join_from(record, wanted, wanted.c.key == record.c.key)
        .join(
            owner,
            sa.and_(
                owner.c.division == record.c.division, owner.c.entity == document, owner.c.key == record.c.document
            ),
        )
        .where(record.c.division == division, record.c.entity == entity, record.c.deleted_at >= owner.c.deleted_at)
    )
    return set(found.scalars())


def line_creates(connection: sa.Connection, division: str, documents: pd.Index, entity: str) -> pd.DataFrame:
    """`cluster_id, document_id, reason` of the lines that some documents are owed with them, however they stand."""
    return read_frame(
        connection,
        sa.select(owed.c.cluster_id, cluster.c.document_id, owed.c.reason)
        .join_from(owed, cluster, cluster.c.id == owed.c.cluster_id)
        .where(
            owed.c.division == division,
            owed.c.entity == entity,
            owed.c.operation == "create",
            cluster.c.document_id.in_(among(connection, documents)),
        )
        .order_by(owed.c.cluster_id),
    )


def lines_owed(connection: sa.Connection, division: str, documents: pd.Index, entities: Sequence[str]) -> pd.DataFrame:
    """`cluster_id, entity`: the clusters of documents of which lines of some entities are owed something, and these."""
    return read_frame(
        connection,
        sa.select(cluster.c.document_id.label("cluster_id"), owed.c.entity)
        .join_from(owed, cluster, cluster.c.id == owed.c.cluster_id)
        .where(
            owed.c.division == division,
            owed.c.entity.in_(entities),
            cluster.c.document_id.in_(among(connection, documents)),
        )
        .distinct(),
    )
