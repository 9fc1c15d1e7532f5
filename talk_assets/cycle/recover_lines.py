"""After a crash: which inserts of lines reached their document although we never heard of it.

Lines are matched by what they are about and by how many there are of it. A line that arrived unseen changes that
number, so what was sent is compared with what came before the lines are matched; and where it cannot be told whether
a line arrived, it is not sent again.
"""

from collections.abc import Iterator

import pandas as pd
import sqlalchemy as sa

from talk_assets.cycle.context import Cycle
from talk_assets.cycle.holds import no_holds
from talk_assets.cycle.linking import AMBIGUOUS
from talk_assets.cycle.recover import (
    MOST_OF_IT,
    await_outcome,
    latest_arrival,
    link_inserts,
    made_of,
    share_of_sent,
    unclear_outcome,
)
from talk_assets.ledger import debts
from talk_assets.ledger.clusters import documents_of, links_of, members_of, positions_of
from talk_assets.ledger.people import blocks_among
from talk_assets.mappings.model import Subject
from talk_assets.sync.match import told_by


def recover_lines(
    cycle: Cycle, connection: sa.Connection, subject: Subject, fresh: dict[str, pd.DataFrame]
) -> tuple[int, pd.DataFrame]:
    """Link the new lines that hold all of what an open insert sent into their document, before lines are matched.

    Args:
        cycle: the run.
        connection: in a transaction.
        subject: the subject of the lines.
        fresh: line entity to its undecided live lines, with `document_cluster`.

    Returns:
        How many were found after an interruption, and the lines of which it cannot be told which one is the insert, as
        holds.
    """
    found, unclear = 0, [no_holds()]
    for entity, intents, lines in _open(cycle, connection, subject, fresh):
        pairs = _exact(intents, lines, subject, entity, _came_since(cycle, connection, intents, lines))
        held = lines[list(subject.held_by(entity))]
        linked, doubtful = _assigned(pairs, held)
        # Of lines created with their document it was only not known which is which.
        answered = intents["outcome"].iloc[list(linked)].notna()
        for told, rule in ((True, "insert"), (False, "insert found after an interruption")):
            mine = [number for number, known in zip(linked, answered, strict=True) if known == told]
            if not mine:
                continue
            made = lines.iloc[[linked[number] for number in mine]]
            link_inserts(cycle, connection, subject, intents.iloc[mine], made, rule)
            for number in intents["id"].iloc[mine]:
                debts.close_intent(connection, number, rule if told else "found after an interruption")
            found += 0 if told else len(mine)
        for number, places in doubtful.items():
            arrived = lines.iloc[places]
            reason = unclear_outcome(entity, arrived, edited=False)
            _wait(cycle, connection, entity, intents.iloc[number], reason)
            unclear.append(_held(arrived, reason))
    return found, pd.concat(unclear, ignore_index=True).drop_duplicates(["entity", "key"])


def hold_near_lines(
    cycle: Cycle,
    connection: sa.Connection,
    subject: Subject,
    fresh: dict[str, pd.DataFrame],
    proposals: pd.DataFrame,
    doubtful: pd.DataFrame,
) -> pd.DataFrame:
    """Hold the lines that matching leaves alone and that hold most of what an open insert sent, as if edited.

    Args:
        cycle: the run.
        connection: in a transaction.
        subject: the subject of the lines.
        fresh: line entity to its undecided live lines, with `document_cluster`.
        proposals: lines that were found to be the same, see `sync.match.match_lines`.
        doubtful: lines that are held already.

    Returns:
        The lines as holds.
    """
    found = [no_holds()]
    named = set(proposals["entity"] + "/" + proposals["key"]) | set(doubtful["entity"] + "/" + doubtful["key"])
    named |= set(proposals["other_entity"] + "/" + proposals["other_key"])
    for entity, intents, lines in _open(cycle, connection, subject, fresh):
        pairs = _came_since(cycle, connection, intents, lines)
        pairs = pairs[~(entity + "/" + lines["key"]).isin(named).to_numpy()[pairs["line"]]]
        for number, near in _near(intents, lines, subject, entity, pairs).items():
            reason = unclear_outcome(entity, near, edited=True)
            _wait(cycle, connection, entity, intents.iloc[number], reason)
            found.append(_held(near, reason))
    return pd.concat(found, ignore_index=True).drop_duplicates(["entity", "key"])


def close_line_intents(
    cycle: Cycle, connection: sa.Connection, subject: Subject, fresh: dict[str, pd.DataFrame], held: pd.DataFrame
) -> None:
    """Close the inserts of lines that are linked by now, and those that did not arrive: what is owed is sent again.

    While the line that it was made from is held, or one in its document may be the insert, an insert stays open.

    Args:
        cycle: the run.
        connection: in a transaction in which lines are matched and linked.
        subject: the subject of the lines.
        fresh: line entity to its undecided live lines, with `document_cluster`.
        held: `entity, key` of the records that are held now.
    """
    waiting = links_of(connection, cycle.division, held)["cluster_id"]
    for entity, intents, lines in _open(cycle, connection, subject, fresh):
        document = str(cycle.capabilities[entity].document)
        unknown = debts.clusters_with_intent(connection, cycle.division, document)
        pairs = _came_since(cycle, connection, intents, lines)
        near = _near(intents, lines, subject, entity, pairs)
        stays = intents["cluster_id"].isin(waiting) | intents["document_cluster"].isin(unknown)
        intents = intents.assign(late=intents["overdue"].astype(bool) & ~stays)
        for _, intent in intents[~intents.index.isin(list(near))].iterrows():
            if intent["late"]:
                debts.close_intent(connection, intent["id"], "did not arrive")
            else:
                await_outcome(cycle, connection, entity, int(intent["cluster_id"]))


def _open(
    cycle: Cycle, connection: sa.Connection, subject: Subject, fresh: dict[str, pd.DataFrame]
) -> Iterator[tuple[str, pd.DataFrame, pd.DataFrame]]:
    """Per entity the open inserts whose document was read since, and the unlinked lines; in the order of their places.

    Those of which the line is linked already are closed.
    """
    for entity in sorted(debts.entities_with_intent(connection, cycle.division) & set(subject.entities)):
        properties = list(subject.held_by(entity))
        feed = str(cycle.capabilities[entity].document)
        latest = latest_arrival(cycle, entity)
        intents = debts.open_intents(connection, cycle.division, entity, properties, feed=feed, latest_arrival=latest)
        intents = intents[intents["looked"].astype(bool)]
        clusters = pd.Index(intents["cluster_id"].astype("int64").unique())
        members = members_of(connection, cycle.division, clusters)
        live = members["entity"].eq(entity) & ~members["deleted"].astype(bool)
        linked = intents["cluster_id"].isin(members["cluster_id"][live])
        for number in intents["id"][linked]:
            debts.close_intent(connection, number, "linked")
        intents = intents[~linked]
        if intents.empty:
            continue
        own = intents["cluster_id"].astype("int64")
        intents = intents.assign(
            document_cluster=own.map(documents_of(connection, clusters)),
            place=own.map(positions_of(connection, cycle.division, clusters)),
            # What says most is looked for first: what says less may fit it too.
            said=(intents[properties].fillna("") != "").sum(axis=1),
        ).sort_values(["said", "place", "cluster_id"], ascending=[False, True, True], ignore_index=True)
        lines = fresh.get(entity, pd.DataFrame(columns=["entity", "key", "document_cluster", "read_at", *properties]))
        if len(lines):
            there = links_of(connection, cycle.division, lines)
            lines = lines[~lines["key"].isin(there["key"])].sort_values(["position", "key"], ignore_index=True)
        yield entity, intents, lines


def _came_since(cycle: Cycle, connection: sa.Connection, intents: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """`intent, line`, by their places: lines read in the document of an insert after it was sent.

    Without those that a person said to be others than the record that the insert was made from.
    """
    sent = pd.DataFrame({"intent": range(len(intents)), "document": intents["document_cluster"].astype("Int64")})
    came = pd.DataFrame({"line": range(len(lines)), "document": lines["document_cluster"].astype("Int64")})
    pairs = sent.merge(came, on="document")[["intent", "line"]]
    if pairs.empty:
        return pairs
    read_at = lines["read_at"].iloc[pairs["line"]].set_axis(pairs.index)
    pairs = pairs[read_at.gt(intents["opened_at"].iloc[pairs["intent"]].set_axis(pairs.index))]
    names = ["entity", "key"]
    members = members_of(connection, cycle.division, pd.Index(intents["cluster_id"].astype("int64").unique()))
    blocks = blocks_among(connection, cycle.division, pd.concat([lines[names], members[names]]))
    if blocks.empty:
        return pairs
    turned = blocks.rename(
        columns={"entity": "other_entity", "key": "other_key", "other_entity": "entity", "other_key": "key"}
    )
    apart = pd.concat([blocks, turned]).merge(members, on=names)
    never = pd.MultiIndex.from_frame(apart[["cluster_id", "other_entity", "other_key"]].astype("str"))
    mine = lines[names].iloc[pairs["line"]].assign(cluster_id=intents["cluster_id"].iloc[pairs["intent"]].to_numpy())
    return pairs[~pd.MultiIndex.from_frame(mine[["cluster_id", *names]].astype("str")).isin(never)]


def _exact(
    intents: pd.DataFrame, lines: pd.DataFrame, subject: Subject, entity: str, pairs: pd.DataFrame
) -> pd.DataFrame:
    """Those pairs whose line holds all that was sent, in the form a target may have given it."""
    telling = {name for flow in subject.flows.values() if entity in flow.entities for name in told_by(flow)}
    if pairs.empty:
        return pairs
    # What lines are told by comes first: it leaves few pairs to compare further.
    for name in sorted(subject.held_by(entity), key=lambda name: name not in telling):
        sent = intents[name].iloc[pairs["intent"]].set_axis(pairs.index).astype("str")
        there = lines[name].iloc[pairs["line"]].set_axis(pairs.index).astype("str")
        given = sent.notna() & sent.ne("")
        # A target may fill in much by itself, but not what a line is about.
        unsaid = there.isna() | (name not in telling)
        pairs = pairs[made_of(there, sent, subject.properties[name]).where(given, unsaid)]
    return pairs


def _assigned(pairs: pd.DataFrame, held: pd.DataFrame) -> tuple[dict[int, int], dict[int, list[int]]]:
    """Which line each insert made, and between which lines it cannot be told; all by their places.

    Args:
        pairs: `intent, line`, lines that hold what was sent.
        held: what the lines hold.
    """
    fits = {int(str(number)): list(places) for number, places in pairs.groupby("intent")["line"]}
    linked: dict[int, int] = {}
    doubtful: dict[int, list[int]] = {}
    taken: set[int] = set()
    for number, places in fits.items():
        left = [place for place in places if place not in taken]
        # Of equal lines, and where equal inserts made them all, any one is the right one.
        if len(left) > 1 and len(held.iloc[left].drop_duplicates()) > 1:
            rivals = sum(fits[other] == places for other in fits if other not in linked)
            if rivals < len(left):
                doubtful[number] = left
                continue
        if left:
            linked[number] = left[0]
            taken.add(left[0])
    return linked, {number: [place for place in left if place not in taken] for number, left in doubtful.items()}


def _near(
    intents: pd.DataFrame, lines: pd.DataFrame, subject: Subject, entity: str, pairs: pd.DataFrame
) -> dict[int, pd.DataFrame]:
    """By the place of an insert the lines that hold most of what it sent."""
    found = {}
    for label, places in pairs.groupby("intent")["line"]:
        number = int(str(label))
        came = lines.iloc[list(places)]
        share = share_of_sent(came, intents.iloc[number], subject, list(subject.held_by(entity)))
        if share.gt(MOST_OF_IT).any():
            found[number] = came[share.gt(MOST_OF_IT)]
    return found


def _wait(cycle: Cycle, connection: sa.Connection, entity: str, intent: pd.Series, reason: str) -> None:
    cluster_id = int(intent["cluster_id"])
    debts.set_state(connection, cycle.division, entity, cluster_id, state="waiting", reason=reason)


def _held(lines: pd.DataFrame, reason: str) -> pd.DataFrame:
    """Lines as holds: none of them may become something of its own before a person has said which one it is."""
    held = lines[["entity", "key"]].assign(kind=AMBIGUOUS, property="", reason=reason, value=None)
    return held.astype("str")
