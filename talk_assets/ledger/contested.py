"""Deletions that met an edit of the counterpart: what a person, or the mapping, said about them."""

from collections.abc import Collection

import pandas as pd
import sqlalchemy as sa

from talk_assets.ledger.bulk import read_frame
from talk_assets.ledger.keys import among, keys_of
from talk_assets.ledger.tables import conflict, member
from talk_assets.sync.frames import DELETE, EDIT, KEEP, OPEN

EDIT_VERSUS_DELETE = "edit_versus_delete"
# What stands between a person and what they took.
TOOK = " took "
# Where a conflict about a property has its name.
RECORD = "record"
# The link of a record that we deleted or archived: it does not count as deleted by somebody.
BY_US = "deleted"


def verdicts(connection: sa.Connection, division: str, clusters: pd.Index) -> pd.Series:
    """Index cluster, value what was said of a deletion that met an edit, as far as that deletion still holds.

    Only a later deletion of such a record ends it; of what somebody brought back, a later one in the other system.
    """
    entity = conflict.c.claims[0]["entity"].astext
    system_of_it, system = (sa.func.split_part(name, ".", 1) for name in (entity, member.c.entity))
    kept = sa.func.coalesce(conflict.c.resolution, "") == KEEP
    since = (
        sa.select(sa.func.max(member.c.deleted_at))
        .where(
            member.c.cluster_id == conflict.c.cluster_id,
            member.c.origin != BY_US,
            sa.case((kept, system != system_of_it), else_=member.c.entity == entity),
        )
        .scalar_subquery()
    )
    found = read_frame(
        connection,
        sa.select(
            conflict.c.cluster_id,
            conflict.c.resolution,
            conflict.c.resolved_at.is_(None).label("open"),
            conflict.c.claims[0]["entity"].astext.label("entity"),
            conflict.c.claims[0]["key"].astext.label("key"),
        )
        .where(
            conflict.c.division == division,
            conflict.c.kind == EDIT_VERSUS_DELETE,
            conflict.c.cluster_id.in_(among(connection, clusters)),
            sa.or_(conflict.c.resolved_at.is_(None), conflict.c.since >= since),
        )
        # What a person has yet to decide counts before what was said of something else.
        .order_by(conflict.c.resolved_at.is_(None), conflict.c.id),
    )
    gone = (found["entity"] + "/" + found["key"]).to_numpy()
    words = [_said(text, name) for text, name in zip(found["resolution"].fillna(""), gone, strict=True)]
    said = pd.Series(words, index=pd.Index(found["cluster_id"].astype("int64")), dtype="str")
    said = said.mask(found["open"].astype(bool).to_numpy(), OPEN).dropna()
    # Nothing is deleted by either; what was to be restored for the edit still is.
    before = said.mask(said.eq(KEEP)).groupby(level=0).ffill()
    said = said.mask(said.eq(KEEP) & before.eq(EDIT), EDIT)
    return said[~said.index.duplicated(keep="last")]


def _said(resolution: str, gone: str) -> str | None:
    """What a resolution means: our own word, or a person's who names the record that is right.

    None where the question ended without an answer, as with an unlinking: it can be asked again.
    """
    if resolution in (EDIT, DELETE, KEEP):
        return resolution
    taken = resolution.rpartition(TOOK)[2] if TOOK in resolution else None
    return None if taken is None else DELETE if taken == gone else EDIT


def store_contested(connection: sa.Connection, division: str, subject: str, found: pd.DataFrame, run: str) -> None:
    """Store deletions that met an edit, see `sync.remove.CONTESTED`; those that the mapping decides are resolved."""
    for row in found.drop_duplicates("cluster_id").to_dict("records"):
        decided = isinstance(row["wins"], str)
        connection.execute(
            sa.insert(conflict).values(
                division=division,
                subject=subject,
                cluster_id=int(row["cluster_id"]),
                property=RECORD,
                kind=EDIT_VERSUS_DELETE,
                claims=[
                    {"entity": row["entity"], "key": row["key"], "value": "deleted"},
                    {"entity": row["other_entity"], "key": row["other_key"], "value": "edited"},
                ],
                since=sa.func.now(),
                run=run,
                resolved_at=sa.func.now() if decided else None,
                resolution=row["wins"] if decided else None,
            )
        )


def end_contested(connection: sa.Connection, division: str, clusters: pd.Index) -> None:
    """End the open ones of clusters none of whose members is deleted any more."""
    deleted = sa.exists().where(
        member.c.cluster_id == conflict.c.cluster_id, member.c.deleted_at.is_not(None), member.c.origin != BY_US
    )
    connection.execute(
        sa.update(conflict)
        .values(resolved_at=sa.func.now(), resolution="the deleted record is there again")
        .where(
            conflict.c.division == division,
            conflict.c.kind == EDIT_VERSUS_DELETE,
            conflict.c.resolved_at.is_(None),
            conflict.c.cluster_id.in_(among(connection, clusters)),
            ~deleted,
        )
    )


def move_contested(connection: sa.Connection, old: int, number: int) -> None:
    """Have what was said about deletions, or is still to be said, count for the cluster that another one joins.

    Of two that are open the one of that cluster stays: one answer settles both.
    """
    mine = (conflict.c.cluster_id == old, conflict.c.kind == EDIT_VERSUS_DELETE)
    other = conflict.alias("other")
    twice = sa.exists().where(
        conflict.c.resolved_at.is_(None),
        other.c.cluster_id == number,
        other.c.kind == EDIT_VERSUS_DELETE,
        other.c.resolved_at.is_(None),
    )
    connection.execute(sa.update(conflict).values(cluster_id=number).where(*mine, ~twice))


def divide_contested(connection: sa.Connection, number: int, own: int, leaving: Collection[str]) -> None:
    """Have what was said about deletions, or is still to be said, go with the deleted record when a cluster is split.

    An open question ends where nothing is left that could be deleted.

    Args:
        connection: in a transaction, in which the members that leave have left.
        number: the cluster.
        own: the cluster of those that left it.
        leaving: `entity/key` of those.
    """
    about = conflict.c.kind == EDIT_VERSUS_DELETE
    gone = sa.func.concat_ws("/", conflict.c.claims[0]["entity"].astext, conflict.c.claims[0]["key"].astext)
    connection.execute(
        sa.update(conflict)
        .values(cluster_id=own)
        .where(conflict.c.cluster_id == number, about, gone.in_(list(leaving)))
    )
    live = sa.exists().where(member.c.cluster_id == conflict.c.cluster_id, member.c.deleted_at.is_(None))
    connection.execute(
        sa.update(conflict)
        .values(resolved_at=sa.func.now(), resolution="the records were unlinked")
        .where(conflict.c.cluster_id.in_([number, own]), about, conflict.c.resolved_at.is_(None), ~live)
    )


def keep_returned(connection: sa.Connection, division: str, returned: pd.DataFrame, subject: str, run: str) -> None:
    """Leave records `entity, key` alone that we had deleted or archived and that somebody brought back."""
    wanted = keys_of(connection, returned, "entity", "key")
    ours = read_frame(
        connection,
        sa.select(member.c.entity, member.c.key, member.c.cluster_id)
        .join_from(member, wanted, sa.and_(wanted.c.entity == member.c.entity, wanted.c.key == member.c.key))
        .where(member.c.division == division, member.c.origin == BY_US, member.c.deleted_at.is_not(None)),
    )
    keep(connection, division, ours, subject, run)


def keep(connection: sa.Connection, division: str, records: pd.DataFrame, subject: str, run: str) -> None:
    """Leave records `entity, key, cluster_id` alone, whatever was deleted until now."""
    kept = records.assign(other_entity=records["entity"], other_key=records["key"], wins=KEEP)
    store_contested(connection, division, subject, kept, run)


def mark_deleted_by_us(connection: sa.Connection, division: str, entity: str, key: str) -> None:
    """Note at its link that we deleted or archived a record."""
    connection.execute(
        sa.update(member)
        .values(deleted_at=sa.func.now(), origin=BY_US)
        .where(member.c.division == division, member.c.entity == entity, member.c.key == key)
    )
