"""Links and what is agreed: clusters, members, bases, golden values."""

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from talk_assets.ledger.bulk import columns_under, json_columns, pack_json, read_frame, upsert_frame
from talk_assets.ledger.contested import BY_US, move_contested
from talk_assets.ledger.keys import among, keys_of, numbers_of, records_named
from talk_assets.ledger.requests import FAILED
from talk_assets.ledger.tables import base, cluster, conflict, golden, intent, member, owed, record, request
from talk_assets.sync.frames import TIME, Golden, Members

# These are text because they are executed once per write: SQLAlchemy compiles an insert with ON CONFLICT every time.
_INSERTED = sa.text(
    """
    INSERT INTO talk.member (division, entity, key, cluster_id, origin, linked_at, linked_run)
    VALUES (:division, :entity, :key, :cluster_id, 'insert', now(), :run)
    ON CONFLICT (division, entity, key) DO UPDATE
    SET cluster_id = excluded.cluster_id, origin = excluded.origin, deleted_at = NULL
    """
)
_SENT = sa.text(
    """
    WITH agreed AS (
        SELECT coalesce(jsonb_object_agg(name, coalesce(golden.times ->> name, :now)), '{}') AS times
        FROM unnest(:names) AS name LEFT JOIN talk.golden ON golden.cluster_id = :cluster_id
    )
    INSERT INTO talk.base AS held (division, entity, key, "values", times, sent)
    SELECT :division, :entity, :key, :filled, agreed.times, :filled FROM agreed
    ON CONFLICT (division, entity, key) DO UPDATE
    SET "values" = (held."values" - :cleared) || excluded."values",
        times = held.times || excluded.times,
        sent = (held.sent - :cleared) || excluded.sent
    """
).bindparams(
    sa.bindparam("filled", type_=JSONB),
    sa.bindparam("names", type_=ARRAY(sa.Text)),
    sa.bindparam("cleared", type_=ARRAY(sa.Text)),
    sa.bindparam("now", type_=sa.Text),
    sa.bindparam("cluster_id", type_=sa.BigInteger),
    *(sa.bindparam(name, type_=sa.Text) for name in ("division", "entity", "key")),
)

# Columns of bases, and the frames of members that they hold.
_BASE = {"values": "base", "times": "times", "sent": "sent"}


def new_clusters(
    connection: sa.Connection, division: str, subject: str, documents: Sequence[int | None], run: str
) -> list[int]:
    """Create clusters, of lines under the given documents' clusters; their numbers, in order."""
    if not documents:
        return []
    numbers = [
        int(number)
        for number in connection.execute(
            sa.select(sa.func.nextval(sa.func.pg_get_serial_sequence("talk.cluster", "id"))).select_from(
                sa.func.generate_series(1, len(documents))
            )
        ).scalars()
    ]
    frame = pd.DataFrame(
        {
            "id": numbers,
            "division": division,
            "subject": subject,
            "document_id": pd.array(list(documents), dtype="Int64"),
            "created_at": pd.Timestamp.now("UTC"),
            "created_run": run,
        }
    )
    upsert_frame(connection, cluster, frame, key=["id"])
    return numbers


def members_of(connection: sa.Connection, division: str, clusters: pd.Index) -> pd.DataFrame:
    """`entity, key, cluster_id, origin, deleted` of the members of clusters, deleted ones included."""
    wanted = numbers_of(connection, clusters)
    return read_frame(
        connection,
        sa.select(
            member.c.entity,
            member.c.key,
            member.c.cluster_id,
            member.c.origin,
            member.c.deleted_at.is_not(None).label("deleted"),
        )
        .join_from(member, wanted, wanted.c.number == member.c.cluster_id)
        .where(member.c.division == division),
    )


def sources_of(connection: sa.Connection, division: str, clusters: Iterable[int]) -> dict[int, str]:
    """Per cluster one of its records, as `customerp.customer/cus-1`: what a new record is made from."""
    found = members_of(connection, division, pd.Index(sorted(set(clusters)), dtype="int64"))
    found = found[~found["deleted"]].sort_values(["entity", "key"]).drop_duplicates("cluster_id")
    names = found["entity"] + "/" + found["key"]
    return {int(number): str(name) for number, name in zip(found["cluster_id"], names, strict=True)}


def links_of(connection: sa.Connection, division: str, records: pd.DataFrame) -> pd.DataFrame:
    """`entity, key, cluster_id` of those of the records `entity, key` that are live members of a cluster."""
    return _links(connection, division, keys_of(connection, records, "entity", "key"))


def _links(connection: sa.Connection, division: str, wanted: sa.FromClause) -> pd.DataFrame:
    return read_frame(
        connection,
        sa.select(member.c.entity, member.c.key, member.c.cluster_id)
        .join_from(member, wanted, sa.and_(wanted.c.entity == member.c.entity, wanted.c.key == member.c.key))
        .where(member.c.division == division, member.c.deleted_at.is_(None)),
    )


def clusters_of(connection: sa.Connection, division: str, references: pd.Series) -> pd.Series:
    """Index `entity/key`, value cluster number as text, of those references that point to a live member."""
    if references.isna().all():
        return pd.Series(dtype="str", index=pd.Index([], dtype="str"))
    found = _links(connection, division, records_named(connection, references))
    return pd.Series(
        found["cluster_id"].astype("str").to_numpy(),
        index=pd.Index(found["entity"] + "/" + found["key"], dtype="str"),
        dtype="str",
    )


def with_twins(connection: sa.Connection, division: str, references: pd.Series, found: pd.Series) -> pd.Series:
    """What `clusters_of` found, and those references to deleted records beside which a live one of their entity is."""
    lost = references[~references.isin(found.index)].dropna()
    if lost.empty:
        return found
    wanted, twin = records_named(connection, lost), member.alias()
    alive = sa.exists().where(
        twin.c.division == division,
        twin.c.cluster_id == member.c.cluster_id,
        twin.c.entity == member.c.entity,
        twin.c.deleted_at.is_(None),
    )
    more = read_frame(
        connection,
        sa.select(member.c.entity, member.c.key, member.c.cluster_id)
        .join_from(member, wanted, sa.and_(wanted.c.entity == member.c.entity, wanted.c.key == member.c.key))
        .where(member.c.division == division, member.c.deleted_at.is_not(None), alive),
    )
    names = pd.Index(more["entity"] + "/" + more["key"], dtype="str")
    twins = pd.Series(more["cluster_id"].astype("str").to_numpy(), index=names, dtype="str")
    together: pd.Series = pd.concat([found, twins])
    return together


def keys_in(connection: sa.Connection, division: str, entity: str, clusters: pd.Index) -> pd.Series:
    """Index cluster number as text, value the own key of the cluster's live member of an entity, linked first."""
    wanted = numbers_of(connection, clusters)
    found = read_frame(
        connection,
        sa.select(member.c.cluster_id, member.c.key)
        .distinct(member.c.cluster_id)
        .join_from(member, wanted, wanted.c.number == member.c.cluster_id)
        .where(member.c.division == division, member.c.entity == entity, member.c.deleted_at.is_(None))
        .order_by(member.c.cluster_id, member.c.linked_at, member.c.key),
    )
    return pd.Series(found["key"].to_numpy(), index=pd.Index(found["cluster_id"].astype("str")), dtype="str")


def documents_of(connection: sa.Connection, clusters: pd.Index) -> pd.Series:
    """Index cluster of a line, value cluster of its document."""
    wanted = numbers_of(connection, clusters)
    found = read_frame(
        connection,
        sa.select(cluster.c.id, cluster.c.document_id).join_from(cluster, wanted, wanted.c.number == cluster.c.id),
    )
    return pd.Series(found["document_id"].astype("Int64").to_numpy(), index=pd.Index(found["id"].astype("int64")))


def positions_of(connection: sa.Connection, division: str, clusters: pd.Index) -> pd.Series:
    """Index cluster of a line, value its first place among the documents that have it."""
    wanted = numbers_of(connection, clusters)
    same_record = sa.and_(
        record.c.division == member.c.division, record.c.entity == member.c.entity, record.c.key == member.c.key
    )
    found = read_frame(
        connection,
        sa.select(member.c.cluster_id, sa.func.min(record.c.position).label("position"))
        .join_from(member, wanted, wanted.c.number == member.c.cluster_id)
        .join(record, same_record)
        .where(member.c.division == division, member.c.deleted_at.is_(None))
        .group_by(member.c.cluster_id),
    )
    return pd.Series(found["position"].to_numpy(), index=pd.Index(found["cluster_id"].astype("int64")), dtype="Int64")


def store_members(connection: sa.Connection, division: str, frame: pd.DataFrame, run: str) -> None:
    """Store links: `entity, key, cluster_id, origin`."""
    rows = frame[["entity", "key", "cluster_id", "origin"]].assign(
        division=division,
        linked_at=pd.Timestamp.now("UTC"),
        linked_run=run,
        deleted_at=pd.Series(pd.NaT, index=frame.index, dtype=TIME),
    )
    upsert_frame(connection, member, rows, key=["division", "entity", "key"])


def store_insert(connection: sa.Connection, division: str, entity: str, key: str, cluster_id: int, run: str) -> None:
    """Store the link to a record that we have just inserted."""
    given = {"division": division, "entity": entity, "key": key, "cluster_id": cluster_id, "run": run}
    connection.execute(_INSERTED, given)


def mark_deleted(connection: sa.Connection, division: str, frame: pd.DataFrame) -> None:
    """Note that the records `entity, key` are gone from their system; the links stay for the answer why.

    One that we still wanted gone, and to which a deletion was sent that nobody answered, went by our doing.
    """
    if frame.empty:
        return
    wanted = keys_of(connection, frame, "entity", "key")
    still, sent = (
        sa.exists().where(*(table.c[name] == member.c[name] for name in ("division", "entity", "key")), *about)
        for table, about in (
            (owed, (owed.c.operation == "delete",)),
            (
                request,
                (request.c.operation.in_(["delete", "archive"]), sa.func.coalesce(request.c.outcome, FAILED) == FAILED),
            ),
        )
    )
    connection.execute(
        sa.update(member)
        .values(deleted_at=sa.func.now(), origin=sa.case((sa.and_(still, sent), BY_US), else_=member.c.origin))
        .where(
            member.c.division == division,
            member.c.entity == wanted.c.entity,
            member.c.key == wanted.c.key,
            # What is reported again was deleted no later than before.
            member.c.deleted_at.is_(None),
        )
    )


def mark_returned(connection: sa.Connection, division: str, frame: pd.DataFrame) -> None:
    """Note that records `entity, key` once deleted are there again."""
    if frame.empty:
        return
    wanted = keys_of(connection, frame, "entity", "key")
    connection.execute(
        sa.update(member)
        .values(deleted_at=None, origin=sa.case((member.c.origin == "deleted", "returned"), else_=member.c.origin))
        .where(
            member.c.division == division,
            member.c.entity == wanted.c.entity,
            member.c.key == wanted.c.key,
            member.c.deleted_at.is_not(None),
        )
    )


def move_clusters(connection: sa.Connection, division: str, moves: pd.DataFrame) -> pd.DataFrame:
    """Join clusters: members of `old` become members of `cluster_id`; `entity, key` of those that moved.

    Their bases go, so that their values stand for election again in the joined cluster.
    """
    moved = [
        connection.execute(
            sa.update(member)
            .values(cluster_id=int(row_new))
            .where(member.c.division == division, member.c.cluster_id == int(row_old))
            .returning(member.c.entity, member.c.key)
        ).all()
        for row_old, row_new in zip(moves["old"], moves["cluster_id"], strict=True)
    ]
    frame = pd.DataFrame([tuple(row) for rows in moved for row in rows], columns=["entity", "key"], dtype="str")
    if frame.empty:
        return frame
    wanted = keys_of(connection, frame, "entity", "key")
    connection.execute(
        sa.delete(base).where(base.c.division == division, base.c.entity == wanted.c.entity, base.c.key == wanted.c.key)
    )
    old = [int(number) for number in moves["old"]]
    for row_old, row_new in zip(old, moves["cluster_id"], strict=True):
        connection.execute(sa.update(intent).values(cluster_id=int(row_new)).where(intent.c.cluster_id == row_old))
        move_contested(connection, row_old, int(row_new))
    connection.execute(
        sa.update(conflict)
        .values(resolved_at=sa.func.now(), resolution="the records joined another cluster")
        .where(conflict.c.cluster_id.in_(among(connection, old)), conflict.c.resolved_at.is_(None))
    )
    connection.execute(sa.delete(golden).where(golden.c.cluster_id.in_(among(connection, old))))
    for row_old, row_new in zip(moves["old"], moves["cluster_id"], strict=True):
        connection.execute(
            sa.update(cluster).values(document_id=int(row_new)).where(cluster.c.document_id == int(row_old))
        )
        joined = cluster.alias("joined")
        had = sa.select(joined.c.had).where(joined.c.id == int(row_old)).scalar_subquery()
        connection.execute(
            sa.update(cluster).values(had=sa.func.array_cat(cluster.c.had, had)).where(cluster.c.id == int(row_new))
        )
    return frame


def store_bases(connection: sa.Connection, division: str, entity: str, members: Members) -> None:
    """Store what members were accounted for; of properties that the frames do not have, what is stored stays."""
    if members.keys.empty:
        return
    rows = pd.DataFrame(
        {
            "division": division,
            "entity": entity,
            "key": members.keys,
            "values": pack_json(members.base),
            "times": pack_json(members.times),
            "sent": pack_json(members.sent),
            "modified": members.modified,
        }
    )
    # What no mapping names now may be mapped again: without its base an old value would pass for a new one.
    within = {name: [*map(str, getattr(members, part).columns)] for name, part in _BASE.items()}
    upsert_frame(connection, base, rows.reset_index(drop=True), key=["division", "entity", "key"], within=within)


def load_golden(connection: sa.Connection, properties: Sequence[str], clusters: pd.Index) -> Golden:
    """What was agreed for clusters so far."""
    wanted = numbers_of(connection, clusters)
    found = read_frame(
        connection,
        sa.select(
            golden.c.cluster_id,
            *json_columns(golden.c["values"], properties, prefix="v:"),
            *json_columns(golden.c.times, properties, as_timestamp=True, prefix="t:"),
            *json_columns(golden.c.winners, properties, prefix="w:"),
            *json_columns(golden.c.rules, properties, prefix="r:"),
        ).join_from(golden, wanted, wanted.c.number == golden.c.cluster_id),
    )
    found.index = pd.Index(found["cluster_id"].astype("int64"), name="cluster_id")

    return Golden(
        values=columns_under(found, "v:", properties),
        times=columns_under(found, "t:", properties),
        winners=columns_under(found, "w:", properties),
        rules=columns_under(found, "r:", properties),
    )


def store_golden(
    connection: sa.Connection, division: str, subject: str, agreed: Golden, run: str, first: pd.Series | None = None
) -> None:
    """Store what was agreed, and once for each cluster what its first decision rests on (JSON, index cluster).

    Of properties that the frames do not have, what is stored stays.
    """
    rows = pd.DataFrame(
        {
            "cluster_id": agreed.values.index,
            "division": division,
            "subject": subject,
            "values": pack_json(agreed.values).to_numpy(),
            "times": pack_json(agreed.times).to_numpy(),
            "winners": pack_json(agreed.winners).to_numpy(),
            "rules": pack_json(agreed.rules).to_numpy(),
            "decided_at": pd.Timestamp.now("UTC"),
            "decided_run": run,
            "first": "{}" if first is None else first.reindex(agreed.values.index).fillna("{}").to_numpy(),
        }
    )
    moving = [str(name) for name in rows.columns if name not in ("cluster_id", "first")]
    within = {name: [*map(str, agreed.values.columns)] for name in ("values", "times", "winners", "rules")}
    upsert_frame(connection, golden, rows, key=["cluster_id"], update=moving, within=within)


def account_sent(
    connection: sa.Connection, division: str, entity: str, key: str, cluster_id: int, values: Mapping[str, str]
) -> None:
    """Make what was sent to a record its base, until it is read back; '' was sent to clear.

    The times are those of the agreed values, so that delivering a value does not make it younger.
    """
    given = {
        "division": division,
        "entity": entity,
        "key": key,
        "cluster_id": cluster_id,
        "names": list(values),
        "filled": {name: value for name, value in values.items() if value},
        "cleared": [name for name, value in values.items() if not value],
        "now": pd.Timestamp.now("UTC").isoformat(timespec="microseconds"),
    }
    connection.execute(_SENT, given)
