"""Step 1 and 2: read a feed since its cursor, coerce, validate, store, and see what changed against the bases."""

from dataclasses import dataclass

import pandas as pd
import sqlalchemy as sa

from talk_assets.cycle.absent import check_names
from talk_assets.cycle.context import Cycle
from talk_assets.cycle.settling import settle_records
from talk_assets.cycle.stale import without_stale
from talk_assets.errors import UnexpectedAnswer
from talk_assets.ledger import records as store
from talk_assets.ledger.clusters import links_of, mark_returned
from talk_assets.ledger.notes import replace_holds
from talk_assets.schemas.frames import feed_schema
from talk_assets.schemas.report import failures
from talk_assets.sync.convert import to_canonical
from talk_assets.systems.base import Record

INVALID = "invalid"
# A document one of whose lines is invalid: it is not created without that line.
INVALID_LINE = "invalid_line"
# How long an answer from before our write may still be given by a cache on the way.
_LONGEST_CACHED = pd.Timedelta(minutes=5)


@dataclass(frozen=True)
class Collected:
    """What one read of a feed brought: records and lines read, those whose content changed, those held as invalid."""

    entity: str
    read: int
    changed: int
    held: int
    failures: pd.DataFrame
    complete: bool


def collect(cycle: Cycle, entity: str) -> Collected:
    """Read an entity (of documents: with lines) since its cursor and store what it holds now.

    Raises:
        UnexpectedAnswer: a column is gone from the whole feed, or a feed is suddenly empty: nothing was stored.
        SystemFault: the read failed: nothing was stored, the cursor stays.
    """
    with cycle.ledger.begin() as connection:
        cursor = store.read_cursor(connection, cycle.division, entity)
    read = cycle.system_of(entity).read(entity, cursor)
    frames = {entity: without_stale(cycle, entity, read)}
    lines = cycle.lines_of(entity)
    if lines is not None:
        frames[lines] = _dated(read.lines, read.records)
    with cycle.ledger.begin() as connection:
        for name, records in frames.items():
            if read.complete and not records and store.count_live(connection, cycle.division, name):
                raise UnexpectedAnswer(
                    entity.partition(".")[0],
                    f"Reading {name}: the feed is empty although it had records before; nothing was taken from it. "
                    "Check the rights of the connection and the address, then run again.",
                )
        # First, so that a record which was removed and is there again stays.
        store.apply_deletions(connection, cycle.division, cycle.with_lines(entity))
        found = [_store(cycle, connection, name, records, complete=read.complete) for name, records in frames.items()]
        if lines is not None:
            _hold_documents(cycle, connection, entity, read.lines, found[1].failed)
        if lines is not None and read.lines_complete and read.records:
            documents = pd.Series([str(r["_key"]) for r in read.records], dtype="str")
            keys = pd.DataFrame({"key": pd.Series([str(r["_key"]) for r in read.lines], dtype="str")})
            store.delete_missing_lines(connection, cycle.division, lines, keys, documents)
        if lines is not None:
            store.delete_lines_of_deleted(connection, cycle.division, entity, lines)
        for name, stored in zip(frames, found, strict=True):
            settle_records(cycle, connection, name, stored.settling)
        changed = sum(
            store.count_undecided(connection, cycle.division, name, [str(record["_key"]) for record in records])
            for name, records in frames.items()
        )
        store.store_cursor(connection, cycle.division, entity, read.cursor, cycle.run_id)
    failed = pd.concat([stored.failed for stored in found], ignore_index=True)
    return Collected(
        entity=entity,
        read=len(read.records) + len(read.lines),
        changed=changed,
        held=failed["key"].nunique(),
        failures=failed,
        complete=read.complete,
    )


def _dated(lines: list[Record], documents: list[Record]) -> list[Record]:
    """Lines with a time: where the system tells none, that of their document."""
    modified = {document["_key"]: document["_modified"] for document in documents}
    return [
        line if line["_modified"] is not None else {**line, "_modified": modified.get(line["_document"])}
        for line in lines
    ]


def collect_deletions(cycle: Cycle, system: str) -> int:
    """Read what a system reports as removed; how many reports there were."""
    feed = f"{system}.deletions"
    with cycle.ledger.begin() as connection:
        cursor = store.read_cursor(connection, cycle.division, feed)
    read = cycle.systems[system].read_deletions(cursor)
    frame = pd.DataFrame(
        {
            "entity": pd.Series([d.entity for d in read.deletions], dtype="str"),
            "key": pd.Series([d.key for d in read.deletions], dtype="str"),
            "deleted_at": pd.to_datetime(
                pd.Series([d.at for d in read.deletions], dtype="str"), utc=True, format="ISO8601"
            ),
        }
    ).drop_duplicates(["entity", "key"], keep="last")
    with cycle.ledger.begin() as connection:
        store.store_deletions(connection, cycle.division, system, frame)
        store.store_cursor(connection, cycle.division, feed, read.cursor, cycle.run_id)
    return len(read.deletions)


@dataclass(frozen=True)
class _Stored:
    """What storing a read found: failures of records, and keys of those that waited for no decision before."""

    failed: pd.DataFrame
    settling: pd.Series


def _store(cycle: Cycle, connection: sa.Connection, entity: str, records: list[Record], *, complete: bool) -> _Stored:
    """Store the records read.

    Of an invalid record that is linked nothing is taken. One that is not linked is stored without what is wrong, so
    that it is not created a second time elsewhere; it is held.
    """
    properties = cycle.properties_of(entity)
    if not records:
        nothing = pd.DataFrame(columns=["entity", "key", "property", "value", "problem"], dtype="str")
        return _Stored(nothing, pd.Series(dtype="str"))
    raw = pd.DataFrame(records, dtype="object").drop_duplicates("_key", keep="last").reset_index(drop=True)
    check_names(cycle, connection, entity, records, list(map(str, raw)), complete=complete)
    fresh = to_canonical(raw, entity, cycle.mappings)
    known = store.records_by_key(connection, cycle.division, entity, fresh["key"], properties).set_index("key")
    fresh, same = _merge_known(fresh, known, properties, versions_grow=entity.startswith("exact."))
    failed = failures(feed_schema(entity, cycle.mappings), fresh)
    whole = failed[failed["key"].isna()]
    if len(whole):
        raise UnexpectedAnswer(
            entity.partition(".")[0],
            f"Reading {entity}: {' '.join(whole['problem'])} Nothing was taken from the feed.",
        )
    replace_holds(
        connection,
        cycle.division,
        fresh.assign(entity=entity),
        [INVALID],
        _holds(failed, entity),
        cycle.run_id,
    )
    valid = ~fresh["key"].isin(failed["key"])
    before = known.reindex(fresh["key"]).set_axis(fresh.index)
    decided = before["accounted"].eq(True)
    rows = fresh[valid].assign(accounted=(same & decided)[valid])
    broken = fresh[~valid]
    if len(broken):
        linked = links_of(connection, cycle.division, broken.assign(entity=entity))
        broken = _without(broken[~broken["key"].isin(linked["key"])], failed)
        rows = pd.concat([rows, broken.assign(accounted=False)], ignore_index=True)
    store.store_records(connection, cycle.division, entity, rows, properties, cycle.run_id)
    returned = known.index[known["deleted_at"].notna() & known.index.isin(rows["key"])]
    mark_returned(connection, cycle.division, pd.DataFrame({"entity": entity, "key": returned}))
    quiet = valid & (before["entity"].isna() | decided) & ~fresh["key"].isin(returned)
    if "join" in fresh:
        quiet &= (
            before["entity"].isna() | fresh["join"].eq(before["join"]) | (fresh["join"].isna() & before["join"].isna())
        )
    return _Stored(failed.assign(entity=entity), fresh["key"][quiet])


def _without(records: pd.DataFrame, failed: pd.DataFrame) -> pd.DataFrame:
    """Records with the properties that failed left empty."""
    cleaned = records.copy()
    for name, keys in failed.groupby("property")["key"]:
        if name in cleaned:
            cleaned[str(name)] = cleaned[str(name)].mask(cleaned["key"].isin(keys))
    return cleaned


def _hold_documents(
    cycle: Cycle, connection: sa.Connection, entity: str, lines: list[Record], failed: pd.DataFrame
) -> None:
    """Note at the documents that one of their lines is invalid."""
    document_of = {str(line["_key"]): str(line["_document"]) for line in lines}
    looked_at = pd.DataFrame({"entity": entity, "key": pd.Series(list(document_of.values()), dtype="str")})
    reason = "line " + failed["key"] + ": " + failed["problem"]
    held = pd.DataFrame(
        {
            "entity": entity,
            "key": failed["key"].map(document_of).astype("str"),
            "kind": INVALID_LINE,
            "property": failed["property"],
            "reason": reason.astype("str"),
            "value": failed["value"],
        }
    )
    replace_holds(connection, cycle.division, looked_at, [INVALID_LINE], held, cycle.run_id)


def _merge_known(
    fresh: pd.DataFrame, known: pd.DataFrame, properties: list[str], *, versions_grow: bool
) -> tuple[pd.DataFrame, pd.Series]:
    """Fill what the system did not send from what is known; drop what is older than that.

    Args:
        fresh: the records read.
        known: what is known of them, index key.
        properties: the entity's.
        versions_grow: whether a smaller version is an older one, as with Exact's row versions. Times tell nothing: a
            clock that was put back must not hide an edit.

    Returns:
        The records with NA for empty, and whether each holds exactly what is known already.
    """
    before = known.reindex(fresh["key"]).set_axis(fresh.index)
    # A page from before our own write holds what we replaced: nobody put it back. Later the system did not take it.
    just_written = before["written_at"].gt(pd.Timestamp.now("UTC") - _LONGEST_CACHED)
    stale = just_written & fresh["version"].eq(before["version"]).fillna(False)
    if versions_grow:
        newer, older = (pd.to_numeric(frame["version"], errors="coerce") for frame in (fresh, before))
        stale |= newer.lt(older).fillna(False)
    fresh, before = fresh[~stale], before[~stale]
    # What was only sent so far has to be looked at, also when it arrived as it was sent.
    same = before["entity"].notna() & before["deleted_at"].isna() & before["written_at"].isna()
    columns = {}
    for name in properties:
        filled = fresh[name].where(fresh[name].notna(), before[name])
        columns[name] = filled.where(filled.ne("")).astype("str")
        same &= columns[name].eq(before[name]) | (columns[name].isna() & before[name].isna())
    return fresh.assign(**columns).reset_index(drop=True), same.reset_index(drop=True)


def _holds(failed: pd.DataFrame, entity: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "entity": entity,
            "key": failed["key"],
            "kind": INVALID,
            "property": failed["property"],
            "reason": failed["problem"],
            "value": failed["value"],
        }
    )
