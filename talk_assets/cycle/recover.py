"""After a crash: which inserts reached their target although we never heard of it. For lines see `recover_lines`."""

from datetime import timedelta

import pandas as pd
import sqlalchemy as sa

from talk_assets.cycle.context import Cycle
from talk_assets.cycle.linking import AMBIGUOUS
from talk_assets.ledger import debts
from talk_assets.ledger.clusters import links_of, members_of, store_bases, store_members
from talk_assets.ledger.matching import proposals_of
from talk_assets.ledger.notes import add_history
from talk_assets.ledger.people import blocks_among
from talk_assets.ledger.records import unaccounted
from talk_assets.mappings.model import Property, Subject
from talk_assets.sync.compare import comparable, made_coarser, same
from talk_assets.sync.frames import TIME, Members

_HOLDS = ["entity", "key", "kind", "property", "reason", "value"]
# A request that was under way when we lost sight of it may still be carried out for this long, per second that its
# answer would have been waited for: a process that is killed right after sending does not even wait.
LATEST_ARRIVAL = timedelta(seconds=2)
# A new record that holds more than this share of what was sent may be the insert, edited since.
MOST_OF_IT = 0.5


def recover(cycle: Cycle, connection: sa.Connection, subject: Subject) -> tuple[int, pd.DataFrame]:
    """Look up every open intent among the records that the target has shown since.

    Only feeds that were read since the insert was sent are looked at: there, one that arrived is among the undecided
    records. One that did not arrive is closed, and what is owed is sent again.

    Returns:
        How many were found, and the records of which several hold what was sent, as holds.
    """
    found, unclear = 0, [pd.DataFrame(columns=_HOLDS)]
    for entity in sorted(debts.entities_with_intent(connection, cycle.division) & set(subject.entities)):
        properties = list(subject.held_by(entity))
        latest = latest_arrival(cycle, entity)
        intents = debts.open_intents(connection, cycle.division, entity, properties, feed=entity, latest_arrival=latest)
        candidates = unaccounted(connection, cycle.division, entity, cycle.properties_of(entity))
        candidates = candidates[candidates["deleted_at"].isna()]
        linked = links_of(connection, cycle.division, candidates) if len(candidates) else candidates
        candidates = candidates[~candidates["key"].isin(linked["key"])]
        members = members_of(connection, cycle.division, pd.Index(intents["cluster_id"].astype("int64").unique()))
        # One that is gone is no answer: what is restored is inserted beside it.
        there = members["entity"].eq(entity) & ~members["deleted"].astype(bool)
        linked_clusters = set(members["cluster_id"][there])
        for _, intent in intents[intents["looked"].astype(bool)].iterrows():
            cluster_id = int(intent["cluster_id"])
            if cluster_id in linked_clusters:
                debts.close_intent(connection, intent["id"], "linked")
                continue
            # What was there before the insert was sent is another record, however much it looks like it.
            arrived = candidates[candidates["read_at"].gt(intent["opened_at"])]
            mine = members[members["cluster_id"].eq(cluster_id)]
            arrived = _allowed(cycle, connection, arrived, mine)
            arrived = arrived[~_names_others(arrived, mine)]
            fits = share_of_sent(arrived, intent, subject, properties)
            near = arrived[fits.gt(MOST_OF_IT) & ~_spoken_for(cycle, connection, subject, arrived)]
            arrived = arrived[fits.eq(1)]
            if len(arrived) == 1:
                link_insert(cycle, connection, subject, intent, arrived)
                candidates = candidates.drop(arrived.index)
                debts.close_intent(connection, intent["id"], "found after an interruption")
                found += 1
            elif arrived.empty and near.empty and intent["overdue"]:
                debts.close_intent(connection, intent["id"], "did not arrive")
            else:
                found_edited = arrived.empty
                arrived = near if found_edited else arrived
                if arrived.empty:
                    await_outcome(cycle, connection, entity, cluster_id)
                    continue
                reason = unclear_outcome(entity, arrived, edited=found_edited)
                debts.set_state(connection, cycle.division, entity, cluster_id, state="waiting", reason=reason)
                # None of them may become something of its own before a person has said which one it is.
                unclear.append(
                    arrived[["entity", "key"]].assign(kind=AMBIGUOUS, property="", reason=reason, value=None)
                )
    return found, pd.concat(unclear, ignore_index=True).astype("str")


def recognise(cycle: Cycle, connection: sa.Connection, entity: str, arrived: pd.DataFrame) -> None:
    """Link new records that hold what an open insert sent, although nothing else is taken from them.

    Args:
        cycle: the run.
        connection: in a transaction.
        entity: the records' entity.
        arrived: `entity, key` and the entity's canonical properties of records that were never seen before.
    """
    if arrived.empty or entity not in debts.entities_with_intent(connection, cycle.division):
        return
    subject = cycle.mappings.subject_of(entity)
    properties = list(subject.held_by(entity))
    latest = latest_arrival(cycle, entity)
    intents = debts.open_intents(connection, cycle.division, entity, properties, feed=entity, latest_arrival=latest)
    members = members_of(connection, cycle.division, pd.Index(intents["cluster_id"].astype("int64").unique()))
    for _, intent in intents.iterrows():
        mine = members[members["cluster_id"].eq(intent["cluster_id"])]
        found = _allowed(cycle, connection, arrived, mine)
        found = found[share_of_sent(found, intent, subject, properties).eq(1)]
        if len(found) == 1 and not (mine["entity"].eq(entity) & ~mine["deleted"].astype(bool)).any():
            link_insert(cycle, connection, subject, intent, found)
            debts.close_intent(connection, intent["id"], "found after an interruption")
            arrived = arrived.drop(found.index)


def latest_arrival(cycle: Cycle, entity: str) -> timedelta:
    """How long after we lost sight of it a write may still be carried out."""
    return LATEST_ARRIVAL * cycle.system_of(entity).answer_seconds


def await_outcome(cycle: Cycle, connection: sa.Connection, entity: str, cluster_id: int) -> None:
    """Say of what is owed that an insert was sent; what was answered, and when to try again, stays as it was noted."""
    reason = f"an insert into {entity} was sent and its outcome is not known yet; it is looked up again"
    debts.explain(connection, cycle.division, entity, cluster_id, reason)


def unclear_outcome(entity: str, arrived: pd.DataFrame, *, edited: bool) -> str:
    """Why it is not known what became of an insert, given the records that may be it."""
    keys = ", ".join(f"{entity}/{key}" for key in arrived["key"])
    if edited:
        return (
            f"an insert was interrupted and {keys} came since and holds most of what was sent, as if edited; link it "
            "by hand, or unlink it when it is another record"
        )
    return f"an insert was interrupted and {keys} all hold what was sent; link the right one by hand"


def _allowed(cycle: Cycle, connection: sa.Connection, arrived: pd.DataFrame, members: pd.DataFrame) -> pd.DataFrame:
    """Those records that no person said to be others than the members of the cluster."""
    if arrived.empty:
        return arrived
    names = ["entity", "key"]
    blocks = blocks_among(connection, cycle.division, pd.concat([arrived[names], members[names]]))
    apart = set(blocks["entity"] + "/" + blocks["key"]) | set(blocks["other_entity"] + "/" + blocks["other_key"])
    return arrived[~(arrived["entity"] + "/" + arrived["key"]).isin(apart)]


def _names_others(arrived: pd.DataFrame, members: pd.DataFrame) -> pd.Series:
    """Which records carry the name of another record than the members of the cluster."""
    if "join" not in arrived:
        return pd.Series(False, index=arrived.index)
    own = set(members["entity"] + "/" + members["key"])
    return arrived["join"].notna() & ~arrived["join"].isin(own)


def _spoken_for(cycle: Cycle, connection: sa.Connection, subject: Subject, arrived: pd.DataFrame) -> pd.Series:
    """Of which records the criteria, or a name that they carry, say what they belong to."""
    proposals = proposals_of(connection, cycle.division, subject.proposers)
    connected = set(proposals["entity"] + "/" + proposals["key"])
    connected |= set(proposals["other_entity"] + "/" + proposals["other_key"])
    named = arrived["join"].notna() if "join" in arrived else False
    return (arrived["entity"] + "/" + arrived["key"]).isin(connected) | named


def share_of_sent(candidates: pd.DataFrame, intent: pd.Series, subject: Subject, properties: list[str]) -> pd.Series:
    """How much of what the intent sent each record holds, in the form a target may have given it; 1 is all."""
    fits = pd.Series(0.0, index=candidates.index)
    given = [name for name in properties if isinstance(intent[name], str) and intent[name]]
    for name in given:
        sent = pd.Series(intent[name], index=candidates.index, dtype="str")
        fits += made_of(candidates[name], sent, subject.properties[name])
    return fits / len(given) if given else fits + 1


def made_of(held: pd.Series, sent: pd.Series, row: Property) -> pd.Series:
    """Where what a record holds is what was sent, in the form a target may have given it."""
    made: pd.Series = same(comparable(held, row), comparable(sent, row)) | (
        held.notna() & made_coarser(held, sent, row)
    )
    return made


def link_insert(
    cycle: Cycle, connection: sa.Connection, subject: Subject, intent: pd.Series, record: pd.DataFrame
) -> None:
    """Link a record, the one row of its frame, as what an interrupted insert made."""
    link_inserts(cycle, connection, subject, intent.to_frame().T, record)


def link_inserts(
    cycle: Cycle,
    connection: sa.Connection,
    subject: Subject,
    intents: pd.DataFrame,
    records: pd.DataFrame,
    rule: str = "insert found after an interruption",
) -> None:
    """Link the records of an entity as what inserts made of which we did not hear, or not which record it was.

    Args:
        cycle: the run.
        connection: in a transaction.
        subject: the records' subject.
        intents: see `ledger.debts.open_intents`.
        records: row by row what they made.
        rule: how history names it.
    """
    entity = str(records["entity"].iloc[0])
    index = pd.Index(intents["cluster_id"].astype("int64"))
    link = records[["entity", "key"]].assign(cluster_id=index, origin="insert")
    store_members(connection, cycle.division, link, cycle.run_id)
    properties = list(subject.held_by(entity))
    values = intents[properties].set_axis(index).astype("str")
    held = records[properties].set_axis(index)
    at = intents["opened_at"].set_axis(index).astype(TIME)
    # Only what was sent is accounted for; what the target filled in by itself is news.
    times = pd.DataFrame({name: at.where(values[name].notna()) for name in properties}, index=index)
    # Where the record holds something else by now, somebody edited it since.
    rows = subject.properties
    base = {name: held[name].where(made_of(held[name], values[name], rows[name]), values[name]) for name in properties}
    bases = pd.DataFrame(base, index=index).where(values.notna())
    members = Members(records["key"].set_axis(index), at, held, bases, times, values)
    store_bases(connection, cycle.division, entity, members)
    debts.drop_owed(connection, cycle.division, index, entity)
    row = {"subject": subject.subject, "kind": "link", "rule": rule}
    history = link[["entity", "key", "cluster_id"]].assign(**row)
    add_history(connection, cycle.division, history, cycle.run_id)
