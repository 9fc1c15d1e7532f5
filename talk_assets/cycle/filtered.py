"""Records outside the filter for reading of their entity: they are not stored, so that they take no part."""

import pandas as pd
import sqlalchemy as sa

from talk_assets.cycle.absent import refuse_without
from talk_assets.cycle.context import Cycle
from talk_assets.cycle.recover import recognise
from talk_assets.ledger import absence, debts
from talk_assets.ledger import clusters as links
from talk_assets.ledger import records as store
from talk_assets.ledger.matching import forget_match_keys
from talk_assets.ledger.notes import add_skips, skipped_among
from talk_assets.sync.convert import own_text, to_canonical
from talk_assets.sync.filters import outside
from talk_assets.sync.plan import OUT_OF_FILTER
from talk_assets.systems.base import FeedRead, Record


def filtered_keys(cycle: Cycle, entity: str, records: list[Record]) -> set[str]:
    """Keys of the records read that their entity's filter leaves out.

    Raises:
        UnexpectedAnswer: a property of the filter is gone from the feed.
    """
    conditions = cycle.mappings.subject_of(entity).filters_of(entity).read
    if not conditions or not records:
        return set()
    refuse_without(entity, records, [condition.name for condition in conditions])
    raw = pd.DataFrame(records, dtype="object")
    texts = {condition.name: own_text(raw, condition.name) for condition in conditions}
    return set(raw["_key"].astype("str")[outside(texts, conditions, raw.index)])


def has_filter(cycle: Cycle, entity: str) -> bool:
    """Whether records of an entity, or the documents of its lines, may be left out."""
    document = cycle.capabilities[entity].document or entity
    return bool(cycle.mappings.subject_of(document).filters_of(document).read)


def left_out(cycle: Cycle, entity: str, keys: set[str]) -> set[str]:
    """Which of the keys are those of records that were left out when they were last read."""
    if not keys or not cycle.mappings.subject_of(entity).filters_of(entity).read:
        return set()
    with cycle.ledger.begin() as connection:
        known = store.records_by_key(connection, cycle.division, entity, pd.Series(sorted(keys), dtype="str"), [])
        unknown = keys - set(known["key"])
        return skipped_among(connection, cycle.division, entity, unknown, OUT_OF_FILTER) if unknown else set()


def lack_lines(cycle: Cycle, entity: str, read: FeedRead) -> bool:
    """Whether documents come into the filter whose lines, which did not change, this read does not bring."""
    if cycle.lines_of(entity) is None or read.lines_complete or read.complete:
        return False
    keys = {str(record["_key"]) for record in read.records} - filtered_keys(cycle, entity, read.records)
    return bool(left_out(cycle, entity, keys))


def leave_out(cycle: Cycle, connection: sa.Connection, entity: str, records: list[Record]) -> None:
    """Forget what was known of records that left the filter, and note that they are left out.

    Links and what was agreed stay, so that a record that comes back is compared with it. What is owed because of them
    is planned anew without them. A record that an interrupted insert made is linked, so that it is not made again.
    """
    if not records:
        return
    keys = {str(record["_key"]) for record in records}
    frame = pd.DataFrame({"entity": entity, "key": pd.Series(sorted(keys), dtype="str")})
    subject = cycle.mappings.subject_of(entity)
    known = absence.forget(connection, cycle.division, entity, cycle.lines_of(entity), sorted(keys))
    _recognise_inserts(cycle, connection, entity, records)
    if known:
        forget_match_keys(connection, cycle.division, frame)
        linked = links.links_of(connection, cycle.division, frame)
        clusters = pd.Index(linked["cluster_id"].astype("int64").unique())
        debts.drop_owed(connection, cycle.division, clusters)
        store.reopen(connection, cycle.division, links.members_of(connection, cycle.division, clusters))
    rows = frame.assign(subject=subject.subject, property=None, rule=OUT_OF_FILTER)
    add_skips(connection, cycle.division, rows, cycle.run_id)


def _recognise_inserts(cycle: Cycle, connection: sa.Connection, entity: str, records: list[Record]) -> None:
    """Link those that were never seen before and hold what an insert of unknown outcome sent."""
    raw = pd.DataFrame(records, dtype="object").drop_duplicates("_key", keep="last").reset_index(drop=True)
    keys = raw["_key"].astype("str")
    before = skipped_among(connection, cycle.division, entity, set(keys), OUT_OF_FILTER)
    linked = links.links_of(connection, cycle.division, pd.DataFrame({"entity": entity, "key": keys}))
    fresh = raw[~keys.isin(before | set(linked["key"]))].reset_index(drop=True)
    if len(fresh):
        frame = to_canonical(fresh, entity, cycle.mappings).assign(entity=entity)
        recognise(cycle, connection, entity, frame.replace("", pd.NA))
