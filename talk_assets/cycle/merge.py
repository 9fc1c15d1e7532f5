"""Steps 3 to 6 for one subject: form clusters, decide, plan, and store it all in one transaction."""

from dataclasses import dataclass, field

import pandas as pd
import sqlalchemy as sa

from talk_assets.cycle.agree import INVALID_GOLDEN, agree
from talk_assets.cycle.collect import INVALID
from talk_assets.cycle.context import Cycle
from talk_assets.cycle.duplicates import hold_duplicates
from talk_assets.cycle.echoes import account_echoes
from talk_assets.cycle.gone import no_partners, note_partners, partners_left, reconsider_removals
from talk_assets.cycle.holds import HOLDS, no_holds
from talk_assets.cycle.lines import AMBIGUOUS_LINES, line_documents, line_proposals
from talk_assets.cycle.linking import AMBIGUOUS, link
from talk_assets.cycle.match import match_across
from talk_assets.cycle.pairs import INVALID_PAIR, torn_clusters
from talk_assets.cycle.recover import recover
from talk_assets.cycle.recover_lines import close_line_intents, hold_near_lines, recover_lines
from talk_assets.cycle.references import REFERENCE, known_targets, waiting_for_references
from talk_assets.cycle.removed_lines import hold_removed_lines
from talk_assets.cycle.unlinked import unlinked_clusters
from talk_assets.cycle.unnamed import unnamed
from talk_assets.ledger import clusters as links
from talk_assets.ledger import debts, notes, records
from talk_assets.ledger.matching import proposals_of
from talk_assets.ledger.people import blocks_among
from talk_assets.mappings.model import Subject
from talk_assets.sync.match import assign, spread

# Holds whose records are looked at again in every run.
OPEN_STILL = [INVALID, REFERENCE, AMBIGUOUS, AMBIGUOUS_LINES, INVALID_PAIR, INVALID_GOLDEN]


@dataclass(frozen=True)
class Merged:
    """What was decided about a subject.

    Attributes:
        subject: its name.
        decided: clusters looked at.
        linked: members that joined a cluster, with `entity, key, cluster_id, origin`.
        held: records held now, as holds.
        history: agreed and overruled values, see `sync.decide.HISTORY`.
        conflicts: claims left for a person.
        recovered: inserts found again after an interruption.
    """

    subject: str
    decided: int = 0
    linked: pd.DataFrame = field(default_factory=pd.DataFrame)
    held: pd.DataFrame = field(default_factory=pd.DataFrame)
    history: pd.DataFrame = field(default_factory=pd.DataFrame)
    conflicts: pd.DataFrame = field(default_factory=pd.DataFrame)
    recovered: int = 0


def merge(cycle: Cycle, subject_name: str) -> list[Merged]:
    """Decide everything undecided about a subject, then about its lines.

    Returns:
        The subject's result, followed by that of its line subject where it has one.
    """
    subject = cycle.subject(subject_name)
    subjects = [subject] if subject.lines is None else [subject, subject.lines]
    done = []
    with cycle.ledger.begin() as connection:
        reconsider_removals(cycle, connection, subject)
        done += [_merge(cycle, connection, each) for each in subjects]
    return done


def _merge(cycle: Cycle, connection: sa.Connection, subject: Subject) -> Merged:
    lines = cycle.is_lines(subject)
    account_echoes(cycle, connection, subject)
    recovered, unclear = (0, no_holds()) if lines else recover(cycle, connection, subject)
    _reconsider_joins(cycle, connection, subject)
    waits = records.undecided_entities(connection, cycle.division)
    entities = [entity for entity in subject.entities if entity in waits]
    if not entities:
        if lines:
            close_line_intents(cycle, connection, subject, {}, no_holds())
        return Merged(subject.subject, recovered=recovered)
    undecided = {
        entity: records.unaccounted(connection, cycle.division, entity, cycle.properties_of(entity))
        for entity in entities
    }
    fresh = {entity: frame[frame["deleted_at"].isna()] for entity, frame in undecided.items()}
    gone = pd.concat([frame.loc[frame["deleted_at"].notna(), ["entity", "key"]] for frame in undecided.values()])
    if lines:
        fresh = {e: f.assign(document_cluster=line_documents(cycle, connection, e, f)) for e, f in fresh.items()}
        fresh = {e: f[f["document_cluster"].notna()] for e, f in fresh.items()}
        recovered, unclear = recover_lines(cycle, connection, subject, fresh)
    undecided_lines = fresh
    looked_at = pd.concat([frame[["entity", "key"]] for frame in fresh.values()])
    linked_before = links.links_of(connection, cycle.division, pd.concat([looked_at, gone]))
    # Before anything is matched: what replaces a removed record can take its place at once.
    links.mark_deleted(connection, cycle.division, gone)
    left = no_partners() if lines else partners_left(cycle, connection, subject, gone, linked_before)
    match_across(cycle, connection, subject, fresh)
    proposals = proposals_of(connection, cycle.division, subject.proposers)
    waiting = _waiting(cycle, connection, subject, fresh, linked_before)
    broken = _broken(cycle, connection, fresh, linked_before, proposals)
    waiting = pd.concat([waiting, broken, unclear], ignore_index=True).drop_duplicates(["entity", "key"])
    fresh = {e: f[~f["key"].isin(waiting["key"][waiting["entity"].eq(e)])] for e, f in fresh.items()}
    if lines:
        proposals, doubtful = line_proposals(cycle, connection, subject, fresh)
        near = hold_near_lines(cycle, connection, subject, fresh, proposals, doubtful)
        doubtful = pd.concat([doubtful, near], ignore_index=True)
    else:
        joins, doubtful = _joins(cycle, connection, subject, fresh)
        doubtful = pd.concat([doubtful, unnamed(cycle, connection, subject, fresh, linked_before, proposals)])
        apart = pd.concat([waiting, doubtful], ignore_index=True)
        words = "waits for " + apart["entity"] + "/" + apart["key"] + ": " + apart["reason"]
        beside = _beside(fresh, linked_before, proposals, apart.assign(reason=words))
        doubtful = pd.concat([doubtful, beside], ignore_index=True).drop_duplicates(["entity", "key"])
        proposals = pd.concat([proposals, *joins], ignore_index=True)
    held = pd.concat([waiting, doubtful], ignore_index=True)
    joined, ambiguous = _link(cycle, connection, subject, fresh, proposals, held)
    note_partners(cycle, connection, subject, left)
    held = pd.concat([held, ambiguous], ignore_index=True)
    if lines:
        close_line_intents(cycle, connection, subject, undecided_lines, held)
    kinds = [REFERENCE, AMBIGUOUS, AMBIGUOUS_LINES]
    examined = pd.concat([looked_at, gone, joined[["entity", "key"]], held[["entity", "key"]]])
    notes.replace_holds(connection, cycle.division, examined, kinds, held[HOLDS], cycle.run_id)
    notes.replace_holds(connection, cycle.division, gone, [INVALID, INVALID_GOLDEN], no_holds(), cycle.run_id)
    # What is held is looked at again in every run, also what was linked and decided before.
    records.mark_accounted(connection, cycle.division, held, accounted=False)
    records.mark_accounted(connection, cycle.division, gone, accounted=True)
    clusters, held_clusters = _concerned(cycle, connection, fresh, linked_before, held)
    members = links.members_of(connection, cycle.division, clusters)
    held_clusters = held_clusters.union(unlinked_clusters(cycle, connection, members))
    if lines:
        hold_removed_lines(cycle, connection, subject, members)
    else:
        hold_duplicates(cycle, connection, subject, examined, ambiguous)
    torn = torn_clusters(connection, cycle.division, members)
    several = pd.Index(torn["cluster_id"].unique(), dtype="int64")
    debts.drop_owed(connection, cycle.division, several)
    members = members[~members["cluster_id"].isin(several)]
    agreement = agree(cycle, connection, subject, clusters.difference(several), members, held_clusters)
    open_still = pd.concat([agreement.held, torn], ignore_index=True)[HOLDS]
    records.mark_accounted(connection, cycle.division, open_still, accounted=False)
    held = pd.concat([held, open_still], ignore_index=True)
    done = pd.concat([frame[["entity", "key"]] for frame in fresh.values()])
    done = done[~(done["entity"] + "/" + done["key"]).isin(held["entity"] + "/" + held["key"])]
    records.mark_accounted(connection, cycle.division, done, accounted=True)
    return Merged(
        subject=subject.subject,
        decided=len(clusters),
        linked=joined,
        held=held,
        history=agreement.history,
        conflicts=agreement.conflicts,
        recovered=recovered,
    )


def _reconsider_joins(cycle: Cycle, connection: sa.Connection, subject: Subject) -> None:
    """Have records decided again whose join names one that is new: it was not known when they were.

    Feeds are read one after another, and those that are written to once more: who makes a quote and an order from it
    meanwhile has the order read before its quote.
    """
    for flow in subject.flows.values():
        join = flow.join
        if join is None:
            continue
        new = records.unaccounted(connection, cycle.division, join.to, [])
        new = new.loc[new["deleted_at"].isna(), ["entity", "key"]]
        if len(new):
            linked = links.links_of(connection, cycle.division, new)
            new = new[~new["key"].isin(linked["key"])]
        if len(new):
            names = join.to + "/" + new["key"]
            records.mark_referring(connection, cycle.division, join.entity, records.JOIN, names)


def _waiting(
    cycle: Cycle,
    connection: sa.Connection,
    subject: Subject,
    fresh: dict[str, pd.DataFrame],
    linked: pd.DataFrame,
) -> pd.DataFrame:
    """Unlinked records that wait for what they point to."""
    unlinked = {
        entity: frame[~frame["key"].isin(linked["key"][linked["entity"].eq(entity)])] for entity, frame in fresh.items()
    }
    targets = known_targets(cycle, connection, subject, list(unlinked.values()))
    found = [waiting_for_references(cycle, connection, *each, targets) for each in unlinked.items()]
    return pd.concat(found, ignore_index=True).reindex(columns=HOLDS)


def _broken(
    cycle: Cycle,
    connection: sa.Connection,
    fresh: dict[str, pd.DataFrame],
    linked: pd.DataFrame,
    proposals: pd.DataFrame,
) -> pd.DataFrame:
    """Unlinked records that are invalid, and those that the criteria connect with one: they wait to be corrected."""
    looked_at = pd.concat([frame[["entity", "key"]] for frame in fresh.values()])
    others = proposals[["other_entity", "other_key"]].set_axis(["entity", "key"], axis=1)
    connected = pd.concat([looked_at, proposals[["entity", "key"]], others])
    invalid = notes.holds_of(connection, cycle.division, connected, [INVALID]).drop_duplicates(["entity", "key"])
    if invalid.empty:
        return no_holds()
    name = invalid["entity"] + "/" + invalid["key"]
    return _beside(
        fresh,
        linked,
        proposals,
        invalid.assign(reason="waits for " + name + " to be corrected: " + invalid["reason"]),
    )


def _beside(
    fresh: dict[str, pd.DataFrame], linked: pd.DataFrame, proposals: pd.DataFrame, held: pd.DataFrame
) -> pd.DataFrame:
    """Unlinked records that the criteria connect with one that is held: taken for others they would be doubled.

    Args:
        fresh: the records that are looked at.
        linked: `entity, key` of those that are linked.
        proposals: see `sync.match.propose`.
        held: `entity, key, reason` of records that cannot be matched now, with why the others wait for them.
    """
    if held.empty:
        return no_holds()
    looked_at = pd.concat([frame[["entity", "key"]] for frame in fresh.values()])
    names = linked["entity"] + "/" + linked["key"]
    looked_at = looked_at[~(looked_at["entity"] + "/" + looked_at["key"]).isin(names)]
    reasons = held.set_index(held["entity"] + "/" + held["key"])["reason"]
    reasons = spread(reasons[~reasons.index.duplicated()], proposals)
    at = (looked_at["entity"] + "/" + looked_at["key"]).map(reasons).astype("str")
    found = looked_at[at.notna()]
    return found.assign(
        kind=REFERENCE, property="", reason=at[at.notna()], value=pd.Series(pd.NA, index=found.index, dtype="str")
    )


def _joins(
    cycle: Cycle, connection: sa.Connection, subject: Subject, fresh: dict[str, pd.DataFrame]
) -> tuple[list[pd.DataFrame], pd.DataFrame]:
    """What joins call the same, as proposals, and the records whose join waits, as holds."""
    found, waiting = [], [no_holds()]
    for flow in subject.flows.values():
        join = flow.join
        if join is None or join.entity not in fresh:
            continue
        named = fresh[join.entity][fresh[join.entity]["join"].notna()]
        target = named["join"]
        if named.empty:
            continue
        known = links.clusters_of(connection, cycle.division, target)
        there = target.isin(known.index)
        if join.to in fresh:
            there |= target.isin(join.to + "/" + fresh[join.to]["key"])
        reasons = notes.hold_reasons(connection, cycle.division, target)
        blocked = ~there & target.isin(reasons.index)
        found.append(
            pd.DataFrame(
                {
                    "entity": join.entity,
                    "key": named["key"][there],
                    "other_entity": join.to,
                    "other_key": target[there].str.removeprefix(join.to + "/"),
                    "criterion": f"{join.name} names it",
                }
            )
        )
        reason = "waits for " + target + ", which is held: " + target.map(reasons).astype("str")
        waiting.append(
            pd.DataFrame(
                {
                    "entity": join.entity,
                    "key": named["key"][blocked],
                    "kind": REFERENCE,
                    "property": "join",
                    "reason": reason[blocked],
                    "value": target[blocked],
                }
            )
        )
    return found, pd.concat(waiting, ignore_index=True)


def _link(
    cycle: Cycle,
    connection: sa.Connection,
    subject: Subject,
    fresh: dict[str, pd.DataFrame],
    proposals: pd.DataFrame,
    held: pd.DataFrame,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Form clusters and store the links; the members that joined, and the ambiguous records as holds."""
    out = set(held["entity"] + "/" + held["key"])
    free = proposals[
        ~(proposals["entity"] + "/" + proposals["key"]).isin(out)
        & ~(proposals["other_entity"] + "/" + proposals["other_key"]).isin(out)
    ]
    everyone = pd.concat([frame[["entity", "key"]] for frame in fresh.values()])
    everyone = everyone[~(everyone["entity"] + "/" + everyone["key"]).isin(out)]
    others = free[["other_entity", "other_key"]].set_axis(["entity", "key"], axis=1)
    named = pd.concat([everyone, free[["entity", "key"]], others]).drop_duplicates()
    linked = links.links_of(connection, cycle.division, named)
    if free.empty and len(linked) == len(named):
        return pd.DataFrame(columns=["entity", "key", "cluster_id", "origin"], dtype="str"), no_holds()
    numbers = pd.Index(linked["cluster_id"].astype("int64").unique())
    members = links.members_of(connection, cycle.division, numbers)
    live = members.loc[~members["deleted"].astype(bool), ["entity", "key", "cluster_id"]]
    # A record that a proposal names and that is neither linked nor looked at is held for another reason.
    if len(free):
        known = set(everyone["entity"] + "/" + everyone["key"]) | set(live["entity"] + "/" + live["key"])
        one, other = free["entity"] + "/" + free["key"], free["other_entity"] + "/" + free["other_key"]
        free = free[one.isin(known) & other.isin(known)]
    documents = None
    if cycle.is_lines(subject):
        documents = pd.concat([f.set_index(f["entity"] + "/" + f["key"])["document_cluster"] for f in fresh.values()])
    together = pd.concat([named, live[["entity", "key"]]]).drop_duplicates()
    blocks = blocks_among(connection, cycle.division, together)
    assignment = assign(everyone, live, free, blocks, paired=subject.pairs, twins=subject.keeps_twins)
    return link(cycle, connection, subject, assignment, documents)


def _concerned(
    cycle: Cycle,
    connection: sa.Connection,
    fresh: dict[str, pd.DataFrame],
    linked_before: pd.DataFrame,
    held: pd.DataFrame,
) -> tuple[pd.Index, pd.Index]:
    """The clusters to decide, and those among them for which nothing is created because a record of them is held."""
    # Also what was decided before: what is owed for it was planned before it was held.
    everyone = pd.concat([held[["entity", "key"]], *(frame[["entity", "key"]] for frame in fresh.values())])
    linked = links.links_of(connection, cycle.division, everyone.drop_duplicates())
    numbers = pd.concat([linked["cluster_id"], linked_before["cluster_id"]]).astype("int64")
    out = held["entity"] + "/" + held["key"]
    held_clusters = linked["cluster_id"][(linked["entity"] + "/" + linked["key"]).isin(out)].astype("int64")
    return pd.Index(numbers.unique(), dtype="int64"), pd.Index(held_clusters.unique(), dtype="int64")
