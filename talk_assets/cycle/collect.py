"""Step 1 and 2: read a feed since its cursor, coerce, validate, store, and see what changed against the bases."""

from dataclasses import dataclass

import pandas as pd
import sqlalchemy as sa

from talk_assets.cycle.absent import check_names
from talk_assets.cycle.context import Cycle
from talk_assets.cycle.edit_times import keep_times
from talk_assets.cycle.filtered import filtered_keys, has_filter, lack_lines, leave_out, left_out
from talk_assets.cycle.guards import stops_empty_feed, stops_empty_lines, stops_gone
from talk_assets.cycle.linking import reconsider_lines_of
from talk_assets.cycle.missing import note_absent, reads_whole, take_for_deleted
from talk_assets.cycle.settling import settle_records
from talk_assets.cycle.stale import tombstones, without_stale
from talk_assets.cycle.unread import read_at_last
from talk_assets.errors import UnexpectedAnswer
from talk_assets.ledger import absence, guards
from talk_assets.ledger import records as store
from talk_assets.ledger.clusters import links_of, mark_returned
from talk_assets.ledger.contested import keep_returned
from talk_assets.ledger.cursors import read_cursor, store_cursor
from talk_assets.ledger.edit_times import advance_times
from talk_assets.ledger.notes import add_events, add_unmapped, replace_holds
from talk_assets.schemas.frames import feed_schema
from talk_assets.schemas.report import failures
from talk_assets.sync.convert import marked_deleted, to_canonical
from talk_assets.sync.frames import TIME
from talk_assets.systems.base import FeedRead, Record

INVALID = "invalid"
# A record that says of itself that it is deleted.
DELETED_AT_SOURCE = "deleted_at_source"
# A document one of whose lines is invalid: it is not created without that line.
INVALID_LINE = "invalid_line"
_FAILURES = ["entity", "key", "property", "value", "problem"]
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

    A guard that trips, on a whole feed that is empty or without any line, or on many records marked as deleted, has
    nothing taken from the read, and the cursor stays.

    Raises:
        UnexpectedAnswer: a column is gone from the whole feed: nothing was stored.
        SystemFault: the read failed: nothing was stored, the cursor stays.
    """
    with cycle.ledger.begin() as connection:
        cursor = None if reads_whole(cycle, connection, entity) else read_cursor(connection, cycle.division, entity)
    read = cycle.system_of(entity).read(entity, cursor)
    if cursor is not None and lack_lines(cycle, entity, read):
        read = cycle.system_of(entity).read(entity, None)
    read = without_stale(cycle, entity, read)
    frames, marked, outside = _believed(cycle, entity, read)
    lines = cycle.lines_of(entity)
    suspects: list[str] = []
    with cycle.ledger.begin() as connection:
        takeable = _apply_deletions(cycle, connection, entity, marked)
        known = store.count_live(connection, cycle.division, entity) if read.complete else 0
        if read.complete and stops_empty_feed(cycle, connection, entity, known, empty=not read.records):
            takeable = False
        no_lines = bool(read.records) and not read.lines
        if lines is not None and read.complete and stops_empty_lines(cycle, connection, lines, empty=no_lines):
            takeable = False
        if not takeable:
            cycle.untaken.add(entity)
            return nothing_taken(entity)
        cycle.untaken.discard(entity)
        leave_out(cycle, connection, entity, [record for record in read.records if str(record["_key"]) in outside])
        found = [
            _store(cycle, connection, name, records, marked if name == entity else set(), complete=read.complete)
            for name, records in frames.items()
        ]
        if lines is not None:
            _store_structure(cycle, connection, entity, lines, read, found[1].failed)
        for name, stored in zip(frames, found, strict=True):
            settle_records(cycle, connection, name, stored.settling)
        if known:
            suspects = note_absent(cycle, connection, entity, [str(record["_key"]) for record in read.records])
        changed = sum(
            store.count_undecided(connection, cycle.division, name, [str(record["_key"]) for record in records])
            for name, records in frames.items()
        )
        read_at_last(cycle, connection, entity)
        store_cursor(connection, cycle.division, entity, read.cursor, cycle.run_id)
    if suspects:
        take_for_deleted(cycle, entity, suspects, str(read.records[-1]["_key"]) if read.records else None)
    failed = pd.concat([stored.failed for stored in found], ignore_index=True)
    return Collected(
        entity=entity,
        read=len(read.records) + len(read.lines),
        changed=changed,
        held=failed["key"].nunique(),
        failures=failed,
        complete=read.complete,
    )


def _believed(cycle: Cycle, entity: str, read: FeedRead) -> tuple[dict[str, list[Record]], set[str], set[str]]:
    """The records of a read, and its lines, by entity; keys of those that say that they are deleted; keys left out.

    What a late page shows of what is gone is left out.
    """
    marked = _marked_keys(cycle, entity, read.records)
    outside = filtered_keys(cycle, entity, read.records)
    out = tombstones(cycle, entity, read.records, marked) | outside
    frames = {entity: [record for record in read.records if str(record["_key"]) not in out]}
    lines = cycle.lines_of(entity)
    if lines is not None:
        dated = _dated(read.lines, read.records)
        taken = {str(record["_key"]) for record in frames[entity]}
        out |= left_out(cycle, entity, {str(line["_document"]) for line in dated} - taken)
        frames[lines] = [line for line in dated if str(line["_document"]) not in out]
    return frames, marked - outside, outside


def nothing_taken(entity: str) -> Collected:
    """The outcome where no record was read or taken."""
    return Collected(entity, 0, 0, 0, pd.DataFrame(columns=_FAILURES, dtype="str"), complete=False)


def _marked_keys(cycle: Cycle, entity: str, records: list[Record]) -> set[str]:
    """Keys of the records that say of themselves that they are deleted."""
    mark = cycle.mappings.subject_of(entity).deletions_of(entity).mark
    if mark is None or not records:
        return set()
    return set(marked_deleted(pd.DataFrame(records, dtype="object"), mark))


def _apply_deletions(cycle: Cycle, connection: sa.Connection, entity: str, marked: set[str]) -> bool:
    """Mark what is reported as removed, before a record that is there again is stored.

    Returns:
        Whether the read can be taken: not when it marks records as deleted and they are too many.
    """
    subject = cycle.mappings.subject_of(entity)
    newly = absence.live_among(connection, cycle.division, entity, sorted(marked))
    gone = absence.reported_keys(connection, cycle.division, entity) | newly
    # Counting all is dear, and few are never too many.
    many = len(gone) > subject.guards_of(entity).max_missing
    known = store.count_live(connection, cycle.division, entity) if many else len(gone)
    if not stops_gone(cycle, connection, entity, guards.DELETED, gone, known):
        store.apply_deletions(connection, cycle.division, cycle.with_lines(entity))
        lines = cycle.lines_of(entity)
        if lines is not None:
            store.delete_lines_of_deleted(connection, cycle.division, entity, lines)
        return True
    return not newly


def _store_structure(
    cycle: Cycle, connection: sa.Connection, entity: str, lines: str, read: FeedRead, failed: pd.DataFrame
) -> None:
    """Store what documents and their lines say about each other: which lines are invalid, and which are gone."""
    _hold_documents(cycle, connection, entity, read.lines, failed)
    if read.lines_complete and read.records:
        documents = pd.Series([str(r["_key"]) for r in read.records], dtype="str")
        keys = pd.DataFrame({"key": pd.Series([str(r["_key"]) for r in read.lines], dtype="str")})
        store.delete_missing_lines(connection, cycle.division, lines, keys, documents)
    store.delete_lines_of_deleted(connection, cycle.division, entity, lines)


def _dated(lines: list[Record], documents: list[Record]) -> list[Record]:
    """Lines with a time and a version: where the system tells none, those of their document.

    By its version a page from before our own write is told from an edit, see `_merge_known`.
    """
    names = ("_modified", "_version")
    told = {document["_key"]: {name: document[name] for name in names} for document in documents}
    lacking = [[name for name in names if line[name] is None] for line in lines]
    return [
        {**line, **{name: told.get(line["_document"], line)[name] for name in untold}} if untold else line
        for line, untold in zip(lines, lacking, strict=True)
    ]


def collect_deletions(cycle: Cycle, system: str) -> int:
    """Read what a system reports as removed; how many reports there were."""
    feed = f"{system}.deletions"
    with cycle.ledger.begin() as connection:
        cursor = read_cursor(connection, cycle.division, feed)
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
        store_cursor(connection, cycle.division, feed, read.cursor, cycle.run_id)
    return len(read.deletions)


@dataclass(frozen=True)
class _Stored:
    """What storing a read found: failures of records, and keys of those that waited for no decision before."""

    failed: pd.DataFrame
    settling: pd.Series


def _store(
    cycle: Cycle,
    connection: sa.Connection,
    entity: str,
    records: list[Record],
    marked: set[str],
    *,
    complete: bool,
) -> _Stored:
    """Store the records read.

    Of an invalid record that is linked nothing is taken. One that is not linked is stored without what is wrong, so
    that it is not created a second time elsewhere; it is held. One that is marked as deleted need not be valid.
    """
    properties = cycle.properties_of(entity)
    if not records:
        return _Stored(pd.DataFrame(columns=_FAILURES, dtype="str"), pd.Series(dtype="str"))
    raw = pd.DataFrame(records, dtype="object").drop_duplicates("_key", keep="last").reset_index(drop=True)
    check_names(cycle, connection, entity, records, list(map(str, raw)), complete=complete)
    fresh = to_canonical(raw, entity, cycle.mappings)
    if store.MARKED in properties:
        fresh[store.MARKED] = fresh["key"].isin(marked).map({True: "true", False: ""})
    known = store.records_by_key(connection, cycle.division, entity, fresh["key"], properties).set_index("key")
    fresh, same = _merge_known(fresh, known, properties, versions_grow=entity.startswith("exact."))
    fresh = keep_times(cycle, connection, entity, fresh, known, properties)
    failed = failures(feed_schema(entity, cycle.mappings), fresh)
    whole = failed[failed["key"].isna()]
    if len(whole):
        raise UnexpectedAnswer(
            entity.partition(".")[0],
            f"Reading {entity}: {' '.join(whole['problem'])} Nothing was taken from the feed.",
        )
    failed = failed[~failed["key"].isin(marked)]
    replace_holds(
        connection,
        cycle.division,
        fresh.assign(entity=entity),
        [INVALID],
        _holds(failed, entity),
        cycle.run_id,
    )
    add_unmapped(
        connection,
        cycle.division,
        cycle.mappings.subject_of(entity),
        failed[failed["value"].notna()].assign(entity=entity),
        cycle.run_id,
    )
    valid = ~fresh["key"].isin(failed["key"])
    before = known.reindex(fresh["key"]).set_axis(fresh.index)
    decided = before["accounted"].eq(True)
    gone = fresh["key"].isin(marked)
    dead = before["deleted_at"].notna()
    # What was deleted already is, with another content, no news.
    rows = fresh.assign(accounted=((same | (gone & dead)) & decided), deleted_at=_since(before["deleted_at"], gone))[
        valid
    ]
    broken = fresh[~valid]
    if len(broken):
        linked = links_of(connection, cycle.division, broken.assign(entity=entity))
        # A late page must not pass for the correction.
        held = broken[broken["key"].isin(linked["key"])]
        advance_times(connection, cycle.division, entity, held, properties)
        broken = _without(broken[~broken["key"].isin(linked["key"])], failed)
        never = pd.Series(pd.NaT, index=broken.index, dtype=TIME)
        rows = pd.concat([rows, broken.assign(accounted=False, deleted_at=never)], ignore_index=True)
    store.store_records(connection, cycle.division, entity, rows, properties, cycle.run_id)
    _note_marked(cycle, connection, entity, fresh["key"][gone & ~dead])
    there = rows["key"][rows["deleted_at"].isna()]
    returned = known.index[known["deleted_at"].notna() & known.index.isin(there)]
    back = pd.DataFrame({"entity": entity, "key": pd.Series(returned, dtype="str")})
    if len(back):
        subject = cycle.mappings.subject_of(entity).subject
        keep_returned(connection, cycle.division, back, subject, cycle.run_id)
        mark_returned(connection, cycle.division, back)
        if cycle.lines_of(entity) is not None:
            reconsider_lines_of(cycle, connection, links_of(connection, cycle.division, back)["cluster_id"])
    # One that comes back into a filter is decided, although it did not change: its cluster may have, meanwhile.
    new = before["entity"].isna() & (not has_filter(cycle, entity))
    quiet = valid & (new | decided) & ~fresh["key"].isin(returned)
    if "join" in fresh:
        quiet &= (
            before["entity"].isna() | fresh["join"].eq(before["join"]) | (fresh["join"].isna() & before["join"].isna())
        )
    return _Stored(failed.assign(entity=entity), fresh["key"][quiet])


def _since(before: pd.Series, gone: pd.Series) -> pd.Series:
    """Since when records count as deleted: from now on, unless they did before."""
    return before.fillna(pd.Timestamp.now("UTC").floor("us")).where(gone)


def _note_marked(cycle: Cycle, connection: sa.Connection, entity: str, keys: pd.Series) -> None:
    """Tell of records that are marked as deleted for the first time."""
    subject = cycle.mappings.subject_of(entity).subject
    common = {"subject": subject, "kind": "skip", "entity": entity, "rule": DELETED_AT_SOURCE}
    add_events(connection, cycle.division, [{**common, "key": str(key)} for key in keys], cycle.run_id)


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
    if not lines:
        return
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
        filled = fresh[name] if known.empty else fresh[name].fillna(before[name]).astype("str")
        empty = filled.eq("")
        columns[name] = filled.mask(empty) if empty.any() else filled
        if same.any():
            same &= columns[name].fillna("").eq(before[name].fillna(""))
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
