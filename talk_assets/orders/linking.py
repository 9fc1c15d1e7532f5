"""`link`: two records are the same, whatever the criteria say."""

import pandas as pd
import sqlalchemy as sa

from talk_assets.cycle.context import Cycle
from talk_assets.cycle.holds import HOLDS
from talk_assets.cycle.linking import join_clusters, reconsider_lines, reconsider_referring
from talk_assets.cycle.recover import MOST_OF_IT, link_insert, share_of_sent
from talk_assets.cycle.unlinked import lost_entity
from talk_assets.errors import OrderRefused
from talk_assets.ledger import clusters as links
from talk_assets.ledger import debts, notes
from talk_assets.ledger.former import UNLINKED
from talk_assets.ledger.people import blocks_among, drop_block
from talk_assets.ledger.records import records_by_key
from talk_assets.ledger.settlement import intents_of
from talk_assets.ledger.splitting import parted_lines
from talk_assets.mappings.model import Subject
from talk_assets.orders.named import Named, find_two, frame_of, members, note, reconsider

LINK = "link"
# How a link that a person made came to be, as members say it.
BY_HAND = "person"


def link(cycle: Cycle, one: str, other: str, who: str) -> None:
    """Say that two records are the same, and that their clusters are one.

    What was said before by `unlink` of these two no longer counts. Both are decided again by the next run: of what they
    hold differently, each property's rule decides, as for records that a criterion links. Lines that `unlink` took
    apart with their documents are the same again. Where an insert was interrupted and a record could be the one that it
    made, linking that record answers the question.

    Args:
        cycle: see `desk`.
        one: a record, as `customerp.customer/cus-1`.
        other: the record that is the same.
        who: who says so.

    Raises:
        OrderRefused: a record is not known or gone; the two are of different subjects, or linked already; their cluster
            would have two records of an entity, or two that were unlinked by hand; or lines of different documents.
    """
    with cycle.ledger.begin() as connection:
        first, second = find_two(cycle, connection, one, other)
        _check(cycle, connection, first, second)
        released = drop_block(connection, cycle.division, first.at, second.at)
        known = members(cycle, connection, first, second)
        _check_together(cycle, connection, first, second, known)
        number = _join(cycle, connection, first, second)
        if first.subject.lines is not None:
            _join_lines(cycle, connection, first.subject.lines, number)
        both = frame_of(first, second)
        for record, same in ((first, second), (second, first)):
            _end_hold(cycle, connection, record, same)
        reconsider(cycle, connection, both, known)
        reconsider_lines(cycle, connection, both)
        rows = [
            {
                "cluster_id": number,
                "entity": record.entity,
                "key": record.key,
                "detail": {"other": same.name, "was_unlinked": released},
            }
            for record, same in ((first, second), (second, first))
        ]
        note(cycle, connection, LINK, who, first.subject.subject, rows)


def _check(cycle: Cycle, connection: sa.Connection, one: Named, other: Named) -> None:
    for record in (one, other):
        if record.deleted:
            raise OrderRefused(f"{record.name} is gone from its system: there is nothing to link.")
    if one.entity == other.entity and not one.subject.keeps_twins:
        raise OrderRefused(f"{one.name} and {other.name} are both of {one.entity}: only one of them can be linked.")
    if one.cluster_id is not None and one.cluster_id == other.cluster_id:
        raise OrderRefused(f"{one.name} and {other.name} are linked already.")
    if one.document is None or other.document is None:
        return
    documents = [f"{cycle.capabilities[line.entity].document}/{line.document}" for line in (one, other)]
    found = links.clusters_of(connection, cycle.division, pd.Series(documents, dtype="str")).reindex(documents)
    if found.isna().any() or found.iloc[0] != found.iloc[1]:
        raise OrderRefused(
            f"{one.name} and {other.name} are lines of {documents[0]} and {documents[1]}, which are not linked: link "
            "the documents first."
        )


def _check_together(cycle: Cycle, connection: sa.Connection, one: Named, other: Named, known: pd.DataFrame) -> None:
    """Refuse a cluster that would have two records that were unlinked by hand, or two live ones of an entity.

    The latter only where the mapping does not keep duplicates in sync.
    """
    alive = pd.concat([known.loc[~known["deleted"], ["entity", "key"]], frame_of(one, other)]).drop_duplicates()
    twice = alive[alive["entity"].duplicated(keep=False)].sort_values(["entity", "key"])
    if len(twice) and not one.subject.keeps_twins:
        names = " and ".join(twice["entity"] + "/" + twice["key"])
        raise OrderRefused(
            f"{one.name} and {other.name} cannot be linked: {names} would be the same then, and a record has one "
            "counterpart of a kind. Unlink the wrong one first."
        )
    blocks = blocks_among(connection, cycle.division, alive)
    if len(blocks):
        names = (blocks["entity"] + "/" + blocks["key"] + " and " + blocks["other_entity"] + "/" + blocks["other_key"])[
            0
        ]
        raise OrderRefused(
            f"{one.name} and {other.name} cannot be linked: {names} would be the same then, and were unlinked by hand. "
            "Link those two first."
        )


def _join(cycle: Cycle, connection: sa.Connection, one: Named, other: Named) -> int:
    """Put both into one cluster; its number."""
    for record, holder in ((one, other), (other, one)):
        if _answers_insert(cycle, connection, record, holder):
            return int(str(holder.cluster_id))
    numbers = sorted(record.cluster_id for record in (one, other) if record.cluster_id is not None)
    if not numbers:
        under = _documents(cycle, connection, one)
        numbers = links.new_clusters(connection, cycle.division, one.subject.subject, [under], cycle.run_id)
    if len(numbers) > 1:
        merged = pd.DataFrame({"old": numbers[1:], "cluster_id": numbers[:1]})
        join_clusters(cycle, connection, one.subject, merged)
    else:
        reconsider_referring(cycle, connection, one.subject, frame_of(one, other))
    linked = frame_of(one, other).assign(cluster_id=numbers[0], origin=BY_HAND)
    links.store_members(connection, cycle.division, linked, cycle.run_id)
    for record in (one, other):
        _close_inserts(cycle, connection, record.entity, numbers[0])
    return numbers[0]


def _end_hold(cycle: Cycle, connection: sa.Connection, record: Named, same: Named) -> None:
    """Forget that a record was unlinked, if it has a record of the kind again that it lost."""
    one = frame_of(record)
    held = notes.holds_of(connection, cycle.division, one, [UNLINKED])
    lost = lost_entity(held)
    kept = held.loc[lost.ne(same.entity) & lost.ne(record.entity), HOLDS]
    notes.replace_holds(connection, cycle.division, one, [UNLINKED], kept, cycle.run_id)


def _join_lines(cycle: Cycle, connection: sa.Connection, lines: Subject, number: int) -> None:
    """Have lines that were taken apart with their documents be the same again, also with what is gone of them.

    A line that somebody deleted would be created again otherwise. Lines that have another counterpart by now stay.
    """
    parted = parted_lines(connection, number)
    if parted.empty:
        return
    both = pd.Index(pd.concat([parted["old"], parted["cluster_id"]]).unique())
    known = links.members_of(connection, cycle.division, both)
    known["origin"] = known["cluster_id"].replace(dict(zip(parted["old"], parted["cluster_id"], strict=True)))
    live = known[~known["deleted"].astype(bool)]
    twice = live["origin"][live.duplicated(["origin", "entity"], keep=False)]
    blocks = blocks_among(connection, cycle.division, known)
    origin = known.set_index(["entity", "key"])["origin"]
    one, other = (
        origin.reindex(pd.MultiIndex.from_frame(blocks[names])).to_numpy()
        for names in (["entity", "key"], ["other_entity", "other_key"])
    )
    # Lines that were linked crosswise are kept from lines of another origin, which says nothing about their own.
    apart = one[one == other]
    merged = parted[~parted["cluster_id"].isin([*twice, *apart])]
    if len(merged):
        join_clusters(cycle, connection, lines, merged)


def _documents(cycle: Cycle, connection: sa.Connection, record: Named) -> int | None:
    """Of a line the cluster of its document."""
    if record.document is None:
        return None
    document = f"{cycle.capabilities[record.entity].document}/{record.document}"
    found = links.clusters_of(connection, cycle.division, pd.Series([document], dtype="str"))
    return int(found.iloc[0])


def _answers_insert(cycle: Cycle, connection: sa.Connection, record: Named, holder: Named) -> bool:
    """Link a record as what an interrupted insert made, if it holds most of what was sent."""
    if holder.cluster_id is None or record.cluster_id is not None:
        return False
    properties = list(record.subject.held_by(record.entity))
    intents = intents_of(connection, cycle.division, record.entity, holder.cluster_id, properties)
    known = records_by_key(connection, cycle.division, record.entity, pd.Series([record.key], dtype="str"), properties)
    for _, intent in intents.iterrows():
        if share_of_sent(known, intent, record.subject, properties).gt(MOST_OF_IT).all():
            link_insert(cycle, connection, record.subject, intent, known)
            _close_inserts(cycle, connection, record.entity, holder.cluster_id)
            reconsider_referring(cycle, connection, record.subject, frame_of(record))
            return True
    return False


def _close_inserts(cycle: Cycle, connection: sa.Connection, entity: str, number: int) -> None:
    """A cluster that has its record of an entity waits for no insert there any more."""
    for intent in intents_of(connection, cycle.division, entity, number, [])["id"]:
        debts.close_intent(connection, str(intent), "linked by hand")
    debts.drop_owed(connection, cycle.division, pd.Index([number], dtype="int64"), entity)
