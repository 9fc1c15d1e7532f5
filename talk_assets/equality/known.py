"""What the ledger knows of pairs: what their records held, what was agreed, and what keeps them apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd
import sqlalchemy as sa

from talk_assets.cycle.agree import UNFIT
from talk_assets.cycle.merge import OPEN_STILL
from talk_assets.equality.both import Both
from talk_assets.ledger.clusters import clusters_of, load_golden, members_of, with_twins
from talk_assets.ledger.compared import Known, known_records, owed_properties
from talk_assets.ledger.contested import RECORD
from talk_assets.ledger.former import ever_members
from talk_assets.ledger.notes import conflicts_of, holds_of
from talk_assets.mappings.model import Subject
from talk_assets.sync.equal import CONFLICT, FILTERED, HELD, OWED, UNDECIDED, Pairs, Side
from talk_assets.sync.filters import outside

_FACTS = ["pair", "property", "why"]
# How far the clock of a system may be behind ours; and how long after its time a record may have been edited where
# that is told in days only. That is taken from a full hour: a day begins with one, in any zone.
_SLACK, _SLACK_OF_DAYS = pd.Timedelta(minutes=15), pd.Timedelta(hours=25)


@dataclass(frozen=True)
class Shown:
    """The records of an entity as their system just showed them.

    Attributes:
        records: see `sync.convert.to_canonical`, index key.
        read_from: see `ledger.compared.read_from`, as it was before the system was asked.
    """

    records: pd.DataFrame
    read_from: datetime | None


def known_pairs(
    both: Both,
    connection: sa.Connection,
    entities: Sequence[str],
    chosen: pd.DataFrame,
    now: Mapping[str, Shown],
) -> tuple[Pairs, pd.Series]:
    """The pairs with all that is known of them, and what their references point to.

    Args:
        both: the systems, and the ledger.
        connection: in a transaction.
        entities: that of Customerp and that of Exact.
        chosen: `cluster_id, customerp, exact`; its index numbers the pairs.
        now: entity to its records as they were just read.
    """
    subject = both.mappings.subject_of(entities[0])
    keys = dict(zip(entities, (chosen["customerp"], chosen["exact"]), strict=True))
    known = {
        entity: known_records(connection, both.division, entity, keys[entity], list(subject.held_by(entity)))
        for entity in entities
    }
    sides = [_side(entity, keys[entity], list(subject.held_by(entity)), known[entity], now[entity]) for entity in now]
    clusters = pd.Index(chosen["cluster_id"].astype("int64").unique())
    members = members_of(connection, both.division, clusters)
    live = members[~members["deleted"].astype(bool)]
    golden = load_golden(connection, list(subject.properties), clusters).values
    golden = golden.reindex(chosen["cluster_id"].astype("int64")).set_axis(chosen.index).astype("str")
    facts = [
        *(_undecided(keys[entity], known[entity]) for entity in entities),
        _held(both, connection, chosen, keys, live),
        _conflicts(both, connection, chosen, clusters),
        *_owed(both, connection, keys, clusters),
        *(_filtered(subject, entity, golden) for entity in entities),
    ]
    of_cluster = ever_members(connection, members).groupby("entity")["cluster_id"].agg(set)
    pairs = Pairs(
        subject=subject,
        customerp=sides[0],
        exact=sides[1],
        golden=golden,
        had={str(entity): chosen["cluster_id"].isin(numbers) for entity, numbers in of_cluster.items()},
        facts=pd.concat(facts, ignore_index=True)[_FACTS],
    )
    return pairs, _targets(both, connection, pairs)


def _side(entity: str, keys: pd.Series, properties: list[str], known: Known, now: Shown) -> Side:
    held = known.current.reindex(keys).set_axis(keys.index).astype("str")
    shown = now.records.reindex(columns=[*properties, "modified"]).reindex(keys).set_axis(keys.index)
    texts = shown[properties].astype("str")
    # What the system did not send is what it was.
    texts = texts.fillna(held)
    return Side(
        entity=entity,
        now=texts.mask(texts.isin([""])).astype("str"),
        found=keys.isin(now.records.index),
        moved=_moved(keys, known, pd.to_datetime(shown["modified"], utc=True), now.read_from),
        known=held,
        base=known.base.reindex(keys).set_axis(keys.index).astype("str"),
        sent=known.sent.reindex(keys).set_axis(keys.index).astype("str"),
    )


def _moved(keys: pd.Series, known: Known, told: pd.Series, read_from: datetime | None) -> pd.Series:
    """Whether what differs may be what the next sync carries.

    Args:
        keys: of the records; its index numbers the pairs.
        known: what is known of them.
        told: when each last changed, as its system says now.
        read_from: from when on edits may not have been read; None: the next sync reads everything.
    """
    if read_from is None:
        return pd.Series(True, index=keys.index)
    modified, written = (
        pd.to_datetime(times.reindex(keys).set_axis(keys.index), utc=True) for times in (known.modified, known.written)
    )
    gone = known.gone.reindex(keys).fillna(True).astype(bool).set_axis(keys.index)
    # What was known before the system was asked can be replaced by a sync meanwhile, so that it is the younger one.
    edited = told.where(~modified.gt(told), modified)
    since = pd.Series(pd.Timestamp(read_from), index=keys.index)
    recent = edited.gt(since - _SLACK) | (edited.eq(edited.dt.floor("h")) & edited.gt(since - _SLACK_OF_DAYS))
    # Without a time nothing tells when it was edited.
    return gone | written.gt(since - _SLACK) | told.isna() | (~told.eq(modified) & recent)


def _undecided(keys: pd.Series, known: Known) -> pd.DataFrame:
    open_still = keys[~keys.isin(known.accounted.index[known.accounted])]
    return pd.DataFrame({"pair": open_still.index, "property": "", "why": UNDECIDED})


def _held(
    both: Both, connection: sa.Connection, chosen: pd.DataFrame, keys: Mapping[str, pd.Series], live: pd.DataFrame
) -> pd.DataFrame:
    """Holds of the records themselves, and values of any of the cluster's records that an entity cannot take."""
    holds = holds_of(connection, both.division, live, [*OPEN_STILL, UNFIT])
    found = [pd.DataFrame(columns=_FACTS)]
    whole = holds[holds["kind"].ne(UNFIT)]
    for entity, mine in keys.items():
        held = mine[mine.isin(whole["key"][whole["entity"].eq(entity)])]
        found.append(pd.DataFrame({"pair": held.index, "property": "", "why": HELD}))
    unfit = holds[holds["kind"].eq(UNFIT)].merge(live, on=["entity", "key"])
    at = unfit.merge(chosen["cluster_id"].rename_axis("pair").reset_index(), on="cluster_id")
    found.append(at[["pair", "property"]].assign(why=HELD))
    return pd.concat(found, ignore_index=True)


def _conflicts(both: Both, connection: sa.Connection, chosen: pd.DataFrame, clusters: pd.Index) -> pd.DataFrame:
    open_still = conflicts_of(connection, both.division, clusters)
    at = open_still.merge(chosen["cluster_id"].rename_axis("pair").reset_index(), on="cluster_id")
    return at[["pair"]].assign(property=at["property"].replace({RECORD: ""}), why=CONFLICT)


def _owed(
    both: Both, connection: sa.Connection, keys: Mapping[str, pd.Series], clusters: pd.Index
) -> list[pd.DataFrame]:
    owed = owed_properties(connection, both.division, clusters)
    found = []
    for entity, mine in keys.items():
        at = owed[owed["entity"].eq(entity)].merge(mine.rename("key").rename_axis("pair").reset_index(), on="key")
        found.append(at[["pair", "property"]].assign(why=OWED))
    return found


def _filtered(subject: Subject, entity: str, golden: pd.DataFrame) -> pd.DataFrame:
    conditions = subject.filters_of(entity).write
    out = golden.index[outside(golden, conditions, golden.index)] if conditions else golden.index[:0]
    return pd.DataFrame({"pair": out, "property": "", "why": FILTERED})


def _targets(both: Both, connection: sa.Connection, pairs: Pairs) -> pd.Series:
    rows = {name: str(row.to) for name, row in pairs.subject.properties.items() if row.to is not None}
    sides = (pairs.customerp, pairs.exact)
    frames = [pairs.golden, *(frame for side in sides for frame in (side.now, side.known, side.base, side.sent))]
    columns = [frame[name] for frame in frames for name in rows if name in frame]
    if not columns:
        return pd.Series(dtype="str", index=pd.Index([], dtype="str"))
    references = pd.concat(columns, ignore_index=True)
    found = clusters_of(connection, both.division, references)
    if any(both.mappings.subjects[name].keeps_twins for name in rows.values()):
        return with_twins(connection, both.division, references, found)
    return found
