"""`unlink`: two records are not the same, and never will be."""

from collections.abc import Iterable

import pandas as pd
import sqlalchemy as sa

from talk_assets.cycle.context import Cycle
from talk_assets.cycle.linking import reconsider_lines, reconsider_referring
from talk_assets.cycle.unlinked import hold_unlinked
from talk_assets.errors import OrderRefused
from talk_assets.ledger import records
from talk_assets.ledger.clusters import documents_of, members_of
from talk_assets.ledger.former import former, store_former
from talk_assets.ledger.people import store_block
from talk_assets.ledger.settlement import inserts_open
from talk_assets.ledger.splitting import line_clusters, move_under, split_cluster
from talk_assets.mappings.model import Subject
from talk_assets.orders.named import Named, find_two, frame_of, members, note, reconsider

UNLINK = "unlink"


def unlink(cycle: Cycle, one: str, other: str, who: str) -> None:
    """Say that two records are not the same: no criterion, join or interrupted insert ever links them again.

    A cluster that holds both is taken apart. Every other member stays with the one of the two that a flow pairs it
    with, by the earlier flow if both do; who is paired with neither follows whom it is paired with. The larger part
    keeps what was agreed, but for values that came from the other part; the other part is decided from the beginning.
    What was owed is forgotten and planned again. Of documents, the lines are taken apart in the same way.

    The two are held (`unlinked`): nothing is created in their stead until they are linked by hand, or a person accepts
    that it is, also for one that is gone now and comes back. Two records that were not linked are not held: they are
    only kept apart from now on.

    Args:
        cycle: see `desk`.
        one: a record, as `customerp.customer/cus-1`.
        other: the record that it is not.
        who: who says so.

    Raises:
        OrderRefused: a record is not known, or the two are of different subjects; or an insert was sent for what they
            are, and it is not known what became of it.
    """
    with cycle.ledger.begin() as connection:
        first, second = find_two(cycle, connection, one, other)
        linked = first.cluster_id is not None and first.cluster_id == second.cluster_id
        if linked:
            _check_inserts(cycle, connection, first)
        store_block(connection, cycle.division, first.at, second.at, who)
        left = _split(cycle, connection, first, second) if linked else pd.DataFrame(columns=["entity", "key", "name"])
        pairs = ((first, second), (second, first))
        for record, apart in pairs:
            if linked:
                hold_unlinked(cycle, connection, record.at, apart.at, who)
        reconsider(cycle, connection, members(cycle, connection, first, second), frame_of(first, second), left)
        detail = {"were_linked": linked, "left": sorted(left["name"])}
        rows = [
            {
                "cluster_id": record.cluster_id,
                "entity": record.entity,
                "key": record.key,
                "detail": {**detail, "other": apart.name},
            }
            for record, apart in pairs
        ]
        note(cycle, connection, UNLINK, who, first.subject.subject, rows)


def _check_inserts(cycle: Cycle, connection: sa.Connection, record: Named) -> None:
    """Refuse while a record may arrive of which nobody could tell any more to which part it belongs."""
    number = _number(record)
    under = _document_of(connection, number)
    clusters = [number, *line_clusters(connection, number), *([under] if under is not None else [])]
    waiting = inserts_open(connection, cycle.division, clusters)
    if not waiting:
        return
    left_out = [entity for entity in waiting if entity not in cycle.mappings.with_lines]
    first = "put the flow that is about it back" if left_out else "run talk-assets sync first"
    raise OrderRefused(
        f"An insert into {(left_out or waiting)[0]} was sent for {record.name}, and it is not known yet what became of "
        f"it: {first}, so that it is looked up, and unlink then. What keeps it unknown is told by talk-assets status."
    )


def _split(cycle: Cycle, connection: sa.Connection, one: Named, other: Named) -> pd.DataFrame:
    """Take the cluster of two records apart; `entity, key, name` of those that left it."""
    subject, number = one.subject, _number(one)
    known = members(cycle, connection, one)
    sides = parted(list(known["name"]), one.name, other.name, subject)
    # Of two that are as large, the one named second leaves.
    smaller = min((other.name, one.name), key=lambda name: sum(side == name for side in sides.values()))
    leaving = known[known["name"].map(sides).eq(smaller)]
    under = _document_of(connection, number)
    own = _divide(cycle, connection, subject, number, leaving, under)
    staying = known[~known["name"].isin(leaving["name"])]
    had = former(connection, number)
    for kept, lost, cluster_id in ((staying, leaving, number), (leaving, staying, own)):
        store_former(connection, cluster_id, asked_about(subject, kept["entity"], {*lost["entity"], *had}))
    if subject.lines is not None:
        _split_lines(cycle, connection, subject.lines, number, own, leaving)
        reconsider_lines(cycle, connection, known[known["entity"].isin(subject.entities)])
    reconsider_referring(cycle, connection, subject, leaving)
    return leaving[["entity", "key", "name"]]


def asked_about(subject: Subject, kept: Iterable[str], lost: Iterable[str]) -> set[str]:
    """Of which of the entities that are lost a row of those that are kept asks (`when`, `unless`).

    What the row says does not change by unlinking: an offer that a quote was unlinked from does not become the order's.
    """
    here = set(kept)
    asked = {
        str(member.when or member.unless)
        for row in subject.properties.values()
        for entity, member in row.members.items()
        if entity in here and (member.when or member.unless)
    }
    return asked & set(lost) - here


def parted(names: Iterable[str], one: str, other: str, subject: Subject) -> dict[str, str]:
    """With which of two members each member of their cluster stays; flows that are left out pair them, too.

    Args:
        names: of all members, as `entity/key`.
        one: a member.
        other: the member that it is parted from.
        subject: the cluster's subject.

    Returns:
        Name to `one` or `other`.
    """
    entity = {name: name.partition("/")[0] for name in names}
    side = {one: one, other: other}
    paired = [set(pair) for pair in subject.pairs]
    while waiting := sorted(set(entity) - set(side)):
        joined = {
            name: found
            for name in waiting
            for found in [
                next((side[near] for pair in paired for near in side if {entity[name], entity[near]} == pair), None)
            ]
            if found is not None
        }
        # Paired with nobody: it came by another record of its entity, or by hand.
        side |= joined or dict.fromkeys(waiting, one)
    return side


def _divide(
    cycle: Cycle, connection: sa.Connection, subject: Subject, number: int, leaving: pd.DataFrame, under: int | None
) -> int:
    groups: dict[str, list[str]] = {}
    for name, row in subject.properties.items():
        if row.group is not None:
            groups.setdefault(row.group, []).append(name)
    return split_cluster(
        connection,
        cycle.division,
        subject.subject,
        number,
        leaving,
        document=under,
        together=list(groups.values()),
        run=cycle.run_id,
    )


def _split_lines(
    cycle: Cycle, connection: sa.Connection, lines: Subject, number: int, own: int, documents: pd.DataFrame
) -> None:
    """Have the lines of the documents that left go with them; lines that went together stay together."""
    numbers = pd.Index(line_clusters(connection, number), dtype="int64")
    mine = members_of(connection, cycle.division, numbers)
    away = []
    # Also lines that no flow is about now: they go with their documents.
    for entity in mine["entity"].unique():
        document = str(cycle.capabilities[entity].document)
        keys = set(documents["key"][documents["entity"].eq(document)])
        known = records.records_by_key(connection, cycle.division, entity, mine["key"][mine["entity"].eq(entity)], [])
        gone = known["key"][known["document"].isin(list(keys))]
        away.append(mine[mine["entity"].eq(entity) & mine["key"].isin(gone)])
    for cluster_id, leaving in pd.concat(away).groupby("cluster_id"):
        if len(leaving) == mine["cluster_id"].eq(cluster_id).sum():
            move_under(connection, int(str(cluster_id)), own)
        else:
            _divide(cycle, connection, lines, int(str(cluster_id)), leaving, own)


def _document_of(connection: sa.Connection, number: int) -> int | None:
    found = documents_of(connection, pd.Index([number], dtype="int64")).dropna()
    return None if found.empty else int(found.iloc[0])


def _number(record: Named) -> int:
    if record.cluster_id is None:
        raise ValueError(f"{record.name} is in no cluster")
    return record.cluster_id
