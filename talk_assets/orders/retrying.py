"""`retry`: send again what a system refused."""

import pandas as pd
import sqlalchemy as sa

from talk_assets.cycle.context import Cycle
from talk_assets.errors import OrderRefused
from talk_assets.ledger.clusters import sources_of
from talk_assets.ledger.settlement import send_again
from talk_assets.ledger.splitting import line_clusters
from talk_assets.orders.named import find, note

RETRY = "retry"


def retry(cycle: Cycle, record: str | None, who: str) -> list[str]:
    """Owe again at once what was refused, with the attempts counted from zero; the next run sends it.

    Args:
        cycle: see `desk`.
        record: what is owed to this record and the others of the same thing, of a document also to its lines; what
            failed for now and was to be tried later is tried at once too. None: everything that was refused.
        who: who orders it.

    Returns:
        What is owed again: the record, or of one to be created `entity for` the record that it is made from.

    Raises:
        OrderRefused: the record is not known, or nothing that is owed to it was refused.
    """
    with cycle.ledger.begin() as connection:
        clusters = None if record is None else _clusters(cycle, connection, record)
        found = send_again(connection, cycle.division, clusters)
        if record is not None and not found:
            raise OrderRefused(f"Nothing that is owed to {record} was refused. What is owed: talk-assets status")
        sources = sources_of(connection, cycle.division, [row.cluster_id for row in found])
        told = []
        for row in found:
            source = sources.get(row.cluster_id, "")
            told.append(f"{row.entity}/{row.key}" if row.key else f"{row.entity} for {source}")
            # A record that is not there yet has its history at the one that it is made from.
            entity, _, key = f"{row.entity}/{row.key}".partition("/") if row.key else source.partition("/")
            detail = {"operation": row.operation, "of": row.entity, "reason": row.reason}
            at = {"cluster_id": row.cluster_id, "entity": entity or row.entity, "key": key or None, "detail": detail}
            note(cycle, connection, RETRY, who, cycle.mappings.subject_of(row.entity).subject, [at])
    return told


def _clusters(cycle: Cycle, connection: sa.Connection, name: str) -> pd.Index:
    record = find(cycle, connection, name)
    if record.cluster_id is None:
        return pd.Index([], dtype="int64")
    return pd.Index([record.cluster_id, *line_clusters(connection, record.cluster_id)], dtype="int64")
