"""Records that a feed shows as older than they are known: late pages and events, or a clock that was put back."""

from dataclasses import replace

import pandas as pd

from talk_assets.cycle.context import Cycle
from talk_assets.ledger import absence
from talk_assets.ledger.notes import add_skips
from talk_assets.ledger.records import newer_known
from talk_assets.systems.base import FeedRead, Record

# The reason why what was read is passed over.
STALE = "stale"
# The same of a record that is gone.
TOMBSTONE = "tombstone"


def without_stale(cycle: Cycle, entity: str, read: FeedRead) -> FeedRead:
    """A read in which those records were looked up that seem to be older than what is known of them.

    Times alone tell nothing: a clock that was put back must not hide an edit. What the record itself answers counts,
    of a document that holds its lines also for these: a late page shows them as they once were, too. What is gone is
    left out; of Exact row versions tell what is late, and whoever may not read is shown nothing.

    Raises:
        SystemFault: the look-up failed: nothing of the read may be stored.
    """
    dated = {str(record["_key"]): record["_modified"] for record in read.records if record["_modified"] is not None}
    if not dated:
        return read
    with cycle.ledger.begin() as connection:
        suspects = newer_known(connection, cycle.division, entity, pd.Series(dated, dtype="str"))
    if not suspects:
        return read
    looked_up = cycle.system_of(entity).find(entity, suspects, lines=read.lines_complete)
    found = {str(record["_key"]): record for record in looked_up.records}
    stale = [key for key in suspects if key in found and found[key]["_modified"] != dated[key]]
    gone = set() if entity.startswith("exact.") else set(suspects) - found.keys()
    rules = {**dict.fromkeys(stale, STALE), **dict.fromkeys(sorted(gone), TOMBSTONE)}
    rows = pd.DataFrame(
        {"key": pd.Series(list(rules), dtype="str"), "rule": pd.Series(list(rules.values()), dtype="str")}
    )
    rows = rows.assign(entity=entity, property=None)
    with cycle.ledger.begin() as connection:
        subject = cycle.mappings.subject_of(entity).subject
        add_skips(connection, cycle.division, rows.assign(subject=subject), cycle.run_id)
    records = [found.get(str(record["_key"]), record) for record in read.records if str(record["_key"]) not in gone]
    if not looked_up.lines_complete:
        return replace(read, records=records)
    lines = [line for line in read.lines if str(line["_document"]) not in found.keys() | gone]
    return replace(read, records=records, lines=[*lines, *looked_up.lines])


def tombstones(cycle: Cycle, entity: str, records: list[Record], marked: set[str]) -> set[str]:
    """Keys of the records of a read that were found deleted before, and are: late pages and events show them.

    One that can be looked up is there again. That is asked only of records that are known as deleted.

    Args:
        cycle: the run.
        entity: the records' entity.
        records: as they were read.
        marked: keys of those that say of themselves that they are deleted.

    Raises:
        SystemFault: the look-up failed: nothing of the read may be stored.
    """
    keys = [str(record["_key"]) for record in records]
    if not keys:
        return set()
    with cycle.ledger.begin() as connection:
        deleted = absence.deleted_among(connection, cycle.division, entity, keys) - marked
    if not deleted:
        return set()
    found = cycle.system_of(entity).find(entity, sorted(deleted)).records
    late = deleted - {str(record["_key"]) for record in found}
    rows = pd.DataFrame({"entity": entity, "key": pd.Series(sorted(late), dtype="str"), "property": None})
    with cycle.ledger.begin() as connection:
        subject = cycle.mappings.subject_of(entity).subject
        add_skips(connection, cycle.division, rows.assign(subject=subject, rule=TOMBSTONE), cycle.run_id)
    return late
