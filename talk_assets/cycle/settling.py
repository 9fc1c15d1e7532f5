"""Step 2 for what was just read: account for records about which there is nothing to decide."""

import pandas as pd
import sqlalchemy as sa

from talk_assets.cycle.context import Cycle
from talk_assets.cycle.match import store_keys
from talk_assets.ledger import records as store
from talk_assets.ledger.clusters import links_of, store_bases
from talk_assets.ledger.members import load_slots
from talk_assets.ledger.notes import add_history
from talk_assets.mappings.model import Subject
from talk_assets.sync.frames import Members
from talk_assets.sync.settle import absorbed, settle


def settle_records(cycle: Cycle, connection: sa.Connection, entity: str, read: pd.Series) -> None:
    """Account for records that differ from their bases in nothing, or in what a system made of our write.

    Args:
        cycle: the run.
        connection: in a transaction.
        entity: the records' entity.
        read: keys of the records that were just read and waited for no decision before; others wait on.
    """
    if read.empty:
        return
    subject = cycle.mappings.subject_of(entity)
    if entity not in store.undecided_entities(connection, cycle.division):
        return
    waiting = store.unaccounted(connection, cycle.division, entity, cycle.properties_of(entity))
    live = waiting[waiting["deleted_at"].isna() & waiting["key"].isin(read)]
    linked = links_of(connection, cycle.division, live) if len(live) else live
    if len(linked) == 0:
        return
    clusters = pd.Index(linked["cluster_id"].astype("int64").unique())
    properties = list(subject.held_by(entity))
    for members in load_slots(connection, cycle.division, entity, properties, clusters, twins=subject.keeps_twins):
        _settle(cycle, connection, subject, entity, members, live)


def _settle(
    cycle: Cycle, connection: sa.Connection, subject: Subject, entity: str, members: Members, live: pd.DataFrame
) -> None:
    fresh = members.at(members.keys.isin(live["key"]))
    plain = account_plain(subject, fresh, pd.Timestamp.now("UTC").floor("us"))
    settled, equal = settle(subject, entity, plain)
    store_bases(connection, cycle.division, entity, settled)
    # A person may have shortened it just then, which looks the same: whoever asks finds both values.
    kept = absorbed(plain, settled).assign(subject=subject.subject, kind="write", entity=entity, rule="kept as")
    add_history(connection, cycle.division, kept, cycle.run_id)
    done = pd.DataFrame({"entity": entity, "key": settled.keys[equal]})
    # What we wrote may have changed what a record is found by.
    store_keys(cycle, connection, entity, live[live["key"].isin(done["key"])])
    store.mark_accounted(connection, cycle.division, done, accounted=True)


def account_plain(subject: Subject, members: Members, now: pd.Timestamp) -> Members:
    """Account for properties about which nothing is decided: those only criteria use, and those still without a value.

    Args:
        subject: the members' subject.
        members: those of one entity.
        now: time of reading, for records without a time of their own.
    """
    base, times = members.base.copy(), members.times.copy()
    at = members.modified.fillna(now)
    never = (times.isna() & members.current.isna() & base.isna()).to_numpy()
    for place, name in enumerate(times.columns):
        if subject.properties[name].direction == "match":
            base[name], times[name] = members.current[name], at
        elif never[:, place].any():
            times[name] = times[name].mask(never[:, place], at)
    return Members(members.keys, members.modified, members.current, base, times, members.sent)
