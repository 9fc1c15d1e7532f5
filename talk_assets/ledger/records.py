"""What each system held when it was last read: the feeds' records and deletions."""

from collections.abc import Mapping, Sequence

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP

from talk_assets.ledger.absence import reported, unapplied
from talk_assets.ledger.bulk import json_columns, pack_json, read_frame, upsert_frame
from talk_assets.ledger.keys import keys_of, values_of
from talk_assets.ledger.tables import base, deletion, hold, record

# Canonical names that are stored among the values although they are no property of the mapping.
JOIN = "join"
# Filled for a record that says of itself that it is deleted.
MARKED = "marked"


def forget_versions(connection: sa.Connection, division: str, system: str) -> None:
    """Have what is read of a system's records next count as news, whatever version it has."""
    for table in (record, base):
        connection.execute(
            sa.update(table)
            .values(version=None)
            .where(table.c.division == division, table.c.entity.startswith(f"{system}."), table.c.version.is_not(None))
        )


def count_live(connection: sa.Connection, division: str, entity: str) -> int:
    """How many records of an entity are known and not deleted."""
    return connection.execute(
        sa.select(sa.func.count()).where(
            record.c.division == division, record.c.entity == entity, record.c.deleted_at.is_(None)
        )
    ).scalar_one()


def _columns(properties: Sequence[str]) -> list[sa.ColumnElement[object]]:
    return [
        record.c.entity,
        record.c.key,
        record.c.document,
        record.c.position,
        record.c.modified,
        record.c.version,
        record.c.accounted,
        record.c.deleted_at,
        record.c.written_at,
        *json_columns(record.c["values"], properties),
    ]


def records_by_key(
    connection: sa.Connection, division: str, entity: str, keys: pd.Series, properties: Sequence[str]
) -> pd.DataFrame:
    """The stored records with the given keys.

    Returns:
        `entity, key, document, position, modified, version, accounted, deleted_at` and a `str` column per property.
    """
    wanted = values_of(connection, "key", keys)
    return read_frame(
        connection,
        sa.select(*_columns(properties))
        .join_from(record, wanted, wanted.c.key == record.c.key)
        .where(record.c.division == division, record.c.entity == entity),
    )


def newer_known(connection: sa.Connection, division: str, entity: str, modified: pd.Series) -> list[str]:
    """Which live records are known in a younger content.

    Args:
        connection: in a transaction.
        division: the division.
        entity: the entity.
        modified: index key, value time of change in ISO 8601 with offset.
    """
    if modified.empty:
        return []
    told = pd.DataFrame({"key": modified.index.astype("str"), "modified": modified.to_numpy()})
    given = keys_of(connection, told, "key", "modified")
    found = connection.execute(
        sa.select(record.c.key)
        .join_from(record, given, given.c.key == record.c.key)
        .where(
            record.c.division == division,
            record.c.entity == entity,
            record.c.deleted_at.is_(None),
            record.c.modified > sa.cast(given.c.modified, TIMESTAMP(timezone=True)),
        )
        .order_by(record.c.key)
    )
    return list(found.scalars())


def unaccounted(connection: sa.Connection, division: str, entity: str, properties: Sequence[str]) -> pd.DataFrame:
    """The records on whose content no decision has been taken yet, deleted ones included.

    Returns:
        Columns as of `records_by_key`, and `read_at`, by the ledger's clock.
    """
    return read_frame(
        connection,
        sa.select(*_columns(properties), record.c.read_at)
        .where(record.c.division == division, record.c.entity == entity, ~record.c.accounted)
        .order_by(record.c.key),
    )


def count_undecided(connection: sa.Connection, division: str, entity: str, keys: Sequence[str]) -> int:
    """How many of the records wait for a decision on their content."""
    if not keys:
        return 0
    named = values_of(connection, "key", keys)
    return connection.execute(
        sa.select(sa.func.count())
        .select_from(record)
        .join(named, named.c.key == record.c.key)
        .where(record.c.division == division, record.c.entity == entity, ~record.c.accounted)
    ).scalar_one()


def undecided_entities(connection: sa.Connection, division: str, *, without_holds: Sequence[str] = ()) -> set[str]:
    """Entities of which some record's content waits for a decision.

    Args:
        connection: in a transaction.
        division: the division.
        without_holds: records with a hold of these kinds do not count.
    """
    query = sa.select(record.c.entity).where(record.c.division == division, ~record.c.accounted).distinct()
    if without_holds:
        held = sa.exists().where(
            *(hold.c[name] == record.c[name] for name in ("division", "entity", "key")), hold.c.kind.in_(without_holds)
        )
        query = query.where(~held)
    return set(connection.execute(query).scalars())


def records_of_documents(
    connection: sa.Connection, division: str, entity: str, documents: pd.Series, properties: Sequence[str]
) -> pd.DataFrame:
    """All live lines of the given documents; columns as above."""
    wanted = values_of(connection, "document", documents)
    return read_frame(
        connection,
        sa.select(*_columns(properties))
        .join_from(record, wanted, wanted.c.document == record.c.document)
        .where(record.c.division == division, record.c.entity == entity, record.c.deleted_at.is_(None)),
    )


def properties_in_use(connection: sa.Connection, division: str, entity: str, properties: Sequence[str]) -> list[str]:
    """Which of the properties some live record of an entity has."""
    values = sa.type_coerce(record.c["values"], sa.dialects.postgresql.JSONB)
    found = sa.select(*(sa.func.bool_or(values[name].astext.is_not(None)) for name in properties)).where(
        record.c.division == division, record.c.entity == entity, record.c.deleted_at.is_(None)
    )
    return [name for name, used in zip(properties, connection.execute(found).one(), strict=True) if used]


def values_in_use(connection: sa.Connection, division: str, entity: str, name: str, values: pd.Series) -> list[str]:
    """Which of the values of a property some live record of an entity has."""
    column = sa.type_coerce(record.c["values"], JSONB)[name].astext
    wanted = values_of(connection, "value", values)
    found = connection.execute(
        sa.select(column)
        .join_from(record, wanted, wanted.c.value == column)
        .where(record.c.division == division, record.c.entity == entity, record.c.deleted_at.is_(None))
    )
    return list(found.scalars())


def store_records(
    connection: sa.Connection, division: str, entity: str, frame: pd.DataFrame, properties: Sequence[str], run: str
) -> None:
    """Store what was read: `key, document, position, modified, version, accounted` and the properties.

    With a column `deleted_at`, a record that has it filled counts as deleted. Of properties that are not given, what is
    stored stays, as it does of bases: a record that cannot be taken from its feed when they are mapped again would look
    emptied beside its base.
    """
    held = [name for name in properties if name in frame]
    rows = pd.DataFrame(
        {
            "division": division,
            "entity": entity,
            "key": frame["key"],
            "document": frame["document"],
            "position": frame["position"],
            "values": pack_json(frame[held]),
            "modified": frame["modified"],
            "version": frame["version"],
            "times": frame.get("times", "{}"),
            # The clock by which intents are opened: what was read before one is no insert of ours.
            "read_at": connection.execute(sa.select(sa.func.now())).scalar_one(),
            "read_run": run,
            "accounted": frame["accounted"],
            "deleted_at": frame.get("deleted_at", pd.Series(pd.NaT, index=frame.index, dtype="datetime64[us, UTC]")),
            "misses": 0,
            "written_at": pd.Series(pd.NaT, index=frame.index, dtype="datetime64[us, UTC]"),
        }
    )
    # What has no base must not outlive what it was read for.
    within = {"values": list(dict.fromkeys([*held, JOIN, MARKED]))}
    upsert_frame(connection, record, rows, key=["division", "entity", "key"], within=within)


def store_written(connection: sa.Connection, division: str, entity: str, key: str, values: Mapping[str, str]) -> None:
    """Take what was sent to a record for what it holds, until it is read back; '' was sent to clear.

    The version stays that of the content before: by it a page that is older than our write is told from news.
    """
    filled = {name: value for name, value in values.items() if value}
    cleared = [name for name, value in values.items() if not value]
    left = record.c["values"] - sa.cast(cleared, ARRAY(sa.Text))
    connection.execute(
        sa.update(record)
        .values({"values": left.op("||")(sa.cast(filled, JSONB)), "written_at": sa.func.now()})
        .where(record.c.division == division, record.c.entity == entity, record.c.key == key)
    )


def version_read(connection: sa.Connection, division: str, entity: str, key: str) -> str | None:
    """The version in which a record was read; None where there is none, or where we have written it since."""
    found: str | None = connection.execute(
        sa.select(record.c.version).where(
            record.c.division == division,
            record.c.entity == entity,
            record.c.key == key,
            record.c.written_at.is_(None),
        )
    ).scalar_one_or_none()
    return found


def mark_accounted(connection: sa.Connection, division: str, frame: pd.DataFrame, *, accounted: bool) -> None:
    """Say of the records `entity, key` whether a decision has been taken on their content."""
    if frame.empty:
        return
    wanted = keys_of(connection, frame, "entity", "key")
    connection.execute(
        sa.update(record)
        .values(accounted=accounted)
        .where(record.c.division == division, record.c.entity == wanted.c.entity, record.c.key == wanted.c.key)
    )


def reopen(connection: sa.Connection, division: str, frame: pd.DataFrame) -> None:
    """Have those of the records `entity, key` decided again that are there; nothing new is known of the others."""
    wanted = keys_of(connection, frame, "entity", "key")
    connection.execute(
        sa.update(record)
        .values(accounted=False)
        .where(
            record.c.division == division,
            record.c.entity == wanted.c.entity,
            record.c.key == wanted.c.key,
            record.c.deleted_at.is_(None),
        )
    )


def mark_undecided(connection: sa.Connection, division: str, entities: Sequence[str]) -> None:
    """Have every live record of the entities decided again."""
    connection.execute(
        sa.update(record)
        .values(accounted=False)
        .where(
            record.c.division == division,
            record.c.entity.in_(entities),
            record.c.accounted,
            record.c.deleted_at.is_(None),
        )
    )


def mark_referring(connection: sa.Connection, division: str, entity: str, name: str, targets: pd.Series) -> int:
    """Have the records decided again whose reference `name` is one of `entity/key`; how many there are."""
    wanted = values_of(connection, "target", targets)
    return connection.execute(
        sa.update(record)
        .values(accounted=False)
        .where(
            record.c.division == division,
            record.c.entity == entity,
            record.c.deleted_at.is_(None),
            record.c.accounted,
            sa.type_coerce(record.c["values"], JSONB)[name].astext == wanted.c.target,
        )
    ).rowcount


def delete_missing_lines(
    connection: sa.Connection, division: str, entity: str, lines: pd.DataFrame, documents: pd.Series
) -> int:
    """Mark as deleted the known lines of complete documents that were not among the lines read; how many."""
    if documents.empty:
        return 0
    whole = values_of(connection, "document", documents)
    present = keys_of(connection, lines, "key")
    return connection.execute(
        sa.update(record)
        .values(deleted_at=sa.func.now(), accounted=False)
        .where(
            record.c.division == division,
            record.c.entity == entity,
            record.c.deleted_at.is_(None),
            record.c.document == whole.c.document,
            ~sa.exists().where(present.c.key == record.c.key),
        )
    ).rowcount


def store_deletions(connection: sa.Connection, division: str, system: str, frame: pd.DataFrame) -> None:
    """Store removals that a system reported: `entity, key, deleted_at`.

    The same removal reported again is left as it is: the record may be there again since. Without a time it cannot be
    told apart from another removal, so it counts as new.
    """
    if frame.empty:
        return
    wanted = keys_of(connection, frame, "entity", "key")
    told = read_frame(
        connection,
        sa.select(deletion.c.entity, deletion.c.key, deletion.c.deleted_at)
        .join_from(deletion, wanted, sa.and_(wanted.c.entity == deletion.c.entity, wanted.c.key == deletion.c.key))
        .where(deletion.c.division == division, deletion.c.system == system),
    ).set_index(["entity", "key"])["deleted_at"]
    before = told.reindex(pd.MultiIndex.from_frame(frame[["entity", "key"]])).set_axis(frame.index)
    frame = frame[~frame["deleted_at"].eq(before)]
    rows = frame.assign(
        division=division,
        system=system,
        # The clock by which records were read: what was read later is there again.
        seen_at=connection.execute(sa.select(sa.func.now())).scalar_one(),
        applied_at=pd.Series(pd.NaT, index=frame.index, dtype="datetime64[us, UTC]"),
    )
    upsert_frame(
        connection,
        deletion,
        rows,
        key=["division", "system", "entity", "key"],
        update=["deleted_at", "seen_at", "applied_at"],
    )


def apply_deletions(connection: sa.Connection, division: str, entities: Sequence[str]) -> int:
    """Mark the reported records of the given entities as deleted and undecided; how many were known."""
    new = unapplied(division, entities)
    if not connection.execute(sa.select(sa.exists().where(*new))).scalar_one():
        return 0
    rows = connection.execute(
        sa.update(record).values(deleted_at=sa.func.now(), accounted=False).where(*reported(division, entities))
    ).rowcount
    connection.execute(sa.update(deletion).values(applied_at=sa.func.now()).where(*new))
    return rows


def delete_lines_of_deleted(connection: sa.Connection, division: str, document: str, line: str) -> None:
    """Mark the lines of deleted documents as deleted, at the same time: a line goes with its document."""
    gone = record.alias("gone")
    connection.execute(
        sa.update(record)
        .values(deleted_at=gone.c.deleted_at, accounted=False)
        .where(
            gone.c.division == division,
            gone.c.entity == document,
            gone.c.deleted_at.is_not(None),
            ~gone.c.accounted,
            record.c.division == division,
            record.c.entity == line,
            record.c.deleted_at.is_(None),
            record.c.document == gone.c.key,
        )
    )


def moved_since_decided(connection: sa.Connection, division: str, entity: str, keys: Sequence[str]) -> set[str]:
    """Which of the records are not known, gone, or not as they were when they were last decided on."""
    named = values_of(connection, "key", keys)
    settled = connection.execute(
        sa.select(record.c.key)
        .join_from(record, named, named.c.key == record.c.key)
        .where(
            record.c.division == division,
            record.c.entity == entity,
            record.c.accounted,
            record.c.deleted_at.is_(None),
        )
    )
    return set(keys) - set(settled.scalars())
