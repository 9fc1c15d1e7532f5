"""Steps 3 to 6 for one subject: form clusters, decide, plan, and store it all in one transaction."""

from dataclasses import dataclass, field

import pandas as pd
import sqlalchemy as sa

from talk_assets.cycle.collect import INVALID
from talk_assets.cycle.context import Cycle
from talk_assets.cycle.lines import AMBIGUOUS_LINES, documents_with, line_documents, line_proposals
from talk_assets.cycle.linking import AMBIGUOUS, link
from talk_assets.cycle.recover import recover
from talk_assets.cycle.references import REFERENCE, known_targets, waiting_for_references
from talk_assets.cycle.settling import account_plain
from talk_assets.ledger import clusters as links
from talk_assets.ledger import debts, notes, records
from talk_assets.ledger.matching import proposals_of
from talk_assets.mappings.model import Subject
from talk_assets.sync.decide import Decision, decide
from talk_assets.sync.frames import Members
from talk_assets.sync.match import assign, spread
from talk_assets.sync.plan import Plan, plan

UNFIT = "unfit"
_HOLDS = ["entity", "key", "kind", "property", "reason", "value"]


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
        done += [_merge(cycle, connection, each) for each in subjects]
    return done


def _merge(cycle: Cycle, connection: sa.Connection, subject: Subject) -> Merged:
    lines = _is_lines(cycle, subject)
    recovered = 0 if lines else recover(cycle, connection, subject)
    if not records.undecided_entities(connection, cycle.division) & set(subject.entities):
        return Merged(subject.subject, recovered=recover(cycle, connection, subject) if lines else recovered)
    undecided = {
        entity: records.unaccounted(connection, cycle.division, entity, cycle.properties_of(entity))
        for entity in subject.entities
    }
    fresh = {entity: frame[frame["deleted_at"].isna()] for entity, frame in undecided.items()}
    gone = pd.concat([frame.loc[frame["deleted_at"].notna(), ["entity", "key"]] for frame in undecided.values()])
    if lines:
        fresh = {e: f.assign(document_cluster=line_documents(cycle, connection, e, f)) for e, f in fresh.items()}
        fresh = {e: f[f["document_cluster"].notna()] for e, f in fresh.items()}
    looked_at = pd.concat([frame[["entity", "key"]] for frame in fresh.values()])
    linked_before = links.links_of(connection, cycle.division, pd.concat([looked_at, gone]))
    waiting = _waiting(cycle, connection, subject, fresh, linked_before)
    broken = _broken(cycle, connection, subject, fresh, linked_before)
    waiting = pd.concat([waiting, broken], ignore_index=True).drop_duplicates(["entity", "key"])
    fresh = {e: f[~f["key"].isin(waiting["key"][waiting["entity"].eq(e)])] for e, f in fresh.items()}
    proposals, doubtful = _proposals(cycle, connection, subject, fresh)
    held = pd.concat([waiting, doubtful], ignore_index=True)
    joined, ambiguous = _link(cycle, connection, subject, fresh, proposals, held)
    held = pd.concat([held, ambiguous], ignore_index=True)
    if lines:
        recovered = recover(cycle, connection, subject)
    kinds = [REFERENCE, AMBIGUOUS, AMBIGUOUS_LINES]
    examined = pd.concat([looked_at, gone, joined[["entity", "key"]], held[["entity", "key"]]])
    notes.replace_holds(connection, cycle.division, examined, kinds, held[_HOLDS], cycle.run_id)
    # What is held is looked at again in every run, also what was linked and decided before.
    records.mark_accounted(connection, cycle.division, held, accounted=False)
    links.mark_deleted(connection, cycle.division, gone)
    records.mark_accounted(connection, cycle.division, gone, accounted=True)
    clusters, held_clusters = _concerned(cycle, connection, fresh, linked_before, held)
    decision = _decide(cycle, connection, subject, clusters, held_clusters)
    done = pd.concat([frame[["entity", "key"]] for frame in fresh.values()])
    done = done[~(done["entity"] + "/" + done["key"]).isin(held["entity"] + "/" + held["key"])]
    records.mark_accounted(connection, cycle.division, done, accounted=True)
    return Merged(
        subject=subject.subject,
        decided=len(clusters),
        linked=joined,
        held=held,
        history=decision.history if decision else pd.DataFrame(),
        conflicts=decision.conflicts if decision else pd.DataFrame(),
        recovered=recovered,
    )


def _is_lines(cycle: Cycle, subject: Subject) -> bool:
    return cycle.capabilities[subject.entities[0]].document is not None


def _waiting(
    cycle: Cycle,
    connection: sa.Connection,
    subject: Subject,
    fresh: dict[str, pd.DataFrame],
    linked: pd.DataFrame,
) -> pd.DataFrame:
    """Unlinked records that wait for what they point to."""
    targets = known_targets(cycle, connection, subject, list(fresh.values()))
    names = linked["entity"] + "/" + linked["key"]
    found = [
        waiting_for_references(cycle, connection, entity, frame[~(entity + "/" + frame["key"]).isin(names)], targets)
        for entity, frame in fresh.items()
    ]
    return pd.concat(found, ignore_index=True).reindex(columns=_HOLDS)


def _broken(
    cycle: Cycle, connection: sa.Connection, subject: Subject, fresh: dict[str, pd.DataFrame], linked: pd.DataFrame
) -> pd.DataFrame:
    """Unlinked records that are invalid, and those that the criteria connect with one: they wait to be corrected."""
    invalid = notes.holds(connection, cycle.division)
    invalid = invalid[invalid["kind"].eq(INVALID)].drop_duplicates(["entity", "key"])
    names = linked["entity"] + "/" + linked["key"]
    looked_at = pd.concat([frame[["entity", "key"]] for frame in fresh.values()])
    looked_at = looked_at[~(looked_at["entity"] + "/" + looked_at["key"]).isin(names)]
    name = invalid["entity"] + "/" + invalid["key"]
    reason = pd.DataFrame({"name": name, "reason": "waits for " + name + " to be corrected: " + invalid["reason"]})
    proposals = proposals_of(connection, cycle.division, list(subject.flows))
    reasons = spread(reason.set_index("name")["reason"], proposals)
    at = (looked_at["entity"] + "/" + looked_at["key"]).map(reasons).astype("str")
    found = looked_at[at.notna()]
    return found.assign(
        kind=REFERENCE, property="", reason=at[at.notna()], value=pd.Series(pd.NA, index=found.index, dtype="str")
    )


def _proposals(
    cycle: Cycle, connection: sa.Connection, subject: Subject, fresh: dict[str, pd.DataFrame]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What the criteria and joins call the same; records whose join waits, and ambiguous lines, as holds."""
    if _is_lines(cycle, subject):
        return line_proposals(cycle, connection, subject, fresh)
    found = [proposals_of(connection, cycle.division, list(subject.flows))]
    waiting = []
    for flow in subject.flows.values():
        join = flow.join
        if join is None:
            continue
        named = fresh[join.entity][fresh[join.entity]["join"].notna()]
        target = named["join"]
        known = links.clusters_of(connection, cycle.division, target)
        undecided = join.to + "/" + fresh[join.to]["key"]
        there = target.isin(known.index) | target.isin(undecided)
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
    holds = pd.concat(waiting, ignore_index=True) if waiting else pd.DataFrame(columns=_HOLDS)
    return pd.concat(found, ignore_index=True), holds


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
    numbers = pd.Index(linked["cluster_id"].astype("int64").unique())
    members = links.members_of(connection, cycle.division, numbers)
    live = members.loc[~members["deleted"].astype(bool), ["entity", "key", "cluster_id"]]
    # A record that a proposal names and that is neither linked nor looked at is held for another reason.
    known = set(named["entity"] + "/" + named["key"]) & (
        set(everyone["entity"] + "/" + everyone["key"]) | set(live["entity"] + "/" + live["key"])
    )
    free = free[
        (free["entity"] + "/" + free["key"]).isin(known) & (free["other_entity"] + "/" + free["other_key"]).isin(known)
    ]
    documents = None
    if _is_lines(cycle, subject):
        documents = pd.concat([f.set_index(f["entity"] + "/" + f["key"])["document_cluster"] for f in fresh.values()])
    return link(cycle, connection, subject, assign(everyone, live, free), documents)


def _concerned(
    cycle: Cycle,
    connection: sa.Connection,
    fresh: dict[str, pd.DataFrame],
    linked_before: pd.DataFrame,
    held: pd.DataFrame,
) -> tuple[pd.Index, pd.Index]:
    """The clusters to decide, and those among them for which nothing is created because a record of them is held."""
    everyone = pd.concat([frame[["entity", "key"]] for frame in fresh.values()])
    linked = links.links_of(connection, cycle.division, everyone)
    numbers = pd.concat([linked["cluster_id"], linked_before["cluster_id"]]).astype("int64")
    out = held["entity"] + "/" + held["key"]
    held_clusters = linked["cluster_id"][(linked["entity"] + "/" + linked["key"]).isin(out)].astype("int64")
    return pd.Index(numbers.unique(), dtype="int64"), pd.Index(held_clusters.unique(), dtype="int64")


def _decide(
    cycle: Cycle, connection: sa.Connection, subject: Subject, clusters: pd.Index, held: pd.Index
) -> Decision | None:
    members = {
        entity: links.load_members(connection, cycle.division, entity, list(subject.held_by(entity)), clusters)
        for entity in subject.entities
    }
    alive = pd.Index(sorted(set().union(*[m.keys.index for m in members.values()])), dtype="int64")
    debts.drop_owed(connection, cycle.division, clusters.difference(alive))
    if alive.empty:
        return None
    properties = list(subject.properties)
    agreed = links.load_golden(connection, properties, alive)
    frames = [m.current for m in members.values()] + [m.base for m in members.values()] + [agreed.values]
    targets = known_targets(cycle, connection, subject, frames)
    now = pd.Timestamp.now("UTC").floor("us")
    decision = decide(subject, members, agreed, capabilities=cycle.capabilities, clusters_of=targets, now=now)
    matched = {entity: account_plain(subject, entity, m, now) for entity, m in decision.accounted.items()}
    known = links.members_of(connection, cycle.division, alive)
    planned = plan(
        subject,
        matched,
        decision.golden,
        capabilities=cycle.capabilities,
        clusters_of=targets,
        gone=_not_there(known, members),
        held=held,
        open_conflicts=decision.conflicts,
        defaults=cycle.defaults,
        documents=documents_with(cycle, connection, subject, alive) if _is_lines(cycle, subject) else None,
    )
    for entity, frame in matched.items():
        links.store_bases(connection, cycle.division, entity, frame)
    links.store_golden(connection, cycle.division, subject.subject, decision.golden, cycle.run_id)
    for entity, owed in planned.owed.items():
        debts.replace_owed(connection, cycle.division, entity, alive, owed, cycle.run_id)
    notes.replace_conflicts(connection, cycle.division, subject.subject, alive, decision.conflicts, cycle.run_id)
    history = decision.history.assign(subject=subject.subject, kind="decision")
    notes.add_history(connection, cycle.division, history, cycle.run_id)
    _hold_unfit(cycle, connection, decision, planned)
    if _is_lines(cycle, subject):
        documents = links.documents_of(connection, alive).dropna().astype("int64").unique()
        entities = [str(cycle.capabilities[line].document) for line in subject.entities]
        debts.try_again(connection, cycle.division, entities, [int(number) for number in documents])
    return decision


def _not_there(known: pd.DataFrame, members: dict[str, Members]) -> pd.DataFrame:
    """Members that are deleted, or whose content could not be taken from their feed: none is created beside them."""
    loaded = pd.concat([(entity + "/" + frame.keys) for entity, frame in members.items()])
    return known[known["deleted"].astype(bool) | ~(known["entity"] + "/" + known["key"]).isin(loaded)]


def _hold_unfit(cycle: Cycle, connection: sa.Connection, decision: Decision, planned: Plan) -> None:
    """Say which values a system cannot take, at the record that the value came from."""
    problems = planned.problems
    winners = decision.golden.winners.rename_axis("cluster_id").reset_index()
    named = problems.merge(winners.melt("cluster_id", var_name="property", value_name="winner"), how="left")
    winner = named["winner"].astype("str")
    found = pd.DataFrame(
        {
            "entity": winner.str.replace(r"/.*$", "", regex=True).to_numpy(),
            "key": winner.str.replace(r"^[^/]*/", "", regex=True).to_numpy(),
            "kind": UNFIT,
            "property": problems["property"].to_numpy(),
            "reason": problems["problem"].to_numpy(),
            "value": problems["value"].to_numpy(),
        }
    )
    looked_at = pd.concat(
        [pd.DataFrame({"entity": entity, "key": frame.keys}) for entity, frame in decision.accounted.items()]
    )
    notes.replace_holds(connection, cycle.division, looked_at, [UNFIT], found, cycle.run_id)
