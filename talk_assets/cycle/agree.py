"""Steps 4 to 6 for given clusters: decide, check what was agreed, plan what is owed, and store it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pandas as pd
import sqlalchemy as sa

from talk_assets.cycle.context import Cycle
from talk_assets.cycle.evidence import with_evidence
from talk_assets.cycle.gone import decide_removals, not_to_be_made
from talk_assets.cycle.holds import no_holds
from talk_assets.cycle.lines import documents_with
from talk_assets.cycle.linking import reconsider_lines_of
from talk_assets.cycle.references import known_targets
from talk_assets.cycle.settling import account_plain
from talk_assets.ledger import clusters as links
from talk_assets.ledger import contested, debts, notes
from talk_assets.ledger.evidence import first_evidence
from talk_assets.ledger.former import ever_members
from talk_assets.ledger.members import load_slots
from talk_assets.ledger.planned import replace_owed
from talk_assets.mappings.capabilities import Capabilities
from talk_assets.mappings.model import Subject
from talk_assets.schemas.frames import golden_schema
from talk_assets.schemas.report import failures
from talk_assets.sync.decide import CONFLICTS, Decision, decide
from talk_assets.sync.frames import Golden, Members
from talk_assets.sync.history import HISTORY
from talk_assets.sync.owed import Owed
from talk_assets.sync.plan import Plan, plan
from talk_assets.sync.slots import entity_of, number_of, slot_name, with_slots

# A record whose cluster's agreed values break their schema: nothing is written for the cluster.
INVALID_GOLDEN = "invalid_golden"
UNFIT = "unfit"


@dataclass(frozen=True)
class Agreement:
    """What was agreed and stored.

    Attributes:
        history: agreed and overruled values, see `sync.decide.HISTORY`.
        conflicts: claims left for a person.
        held: `entity, key, kind, property, reason, value` of the members of clusters whose agreed values are invalid.
    """

    history: pd.DataFrame
    conflicts: pd.DataFrame
    held: pd.DataFrame


def agree(
    cycle: Cycle, connection: sa.Connection, subject: Subject, clusters: pd.Index, known: pd.DataFrame, held: pd.Index
) -> Agreement:
    """Decide clusters; a cluster whose agreed values are invalid is left as it is.

    Args:
        cycle: the run.
        connection: in a transaction.
        subject: the clusters' subject.
        clusters: their numbers.
        known: all their members, see `ledger.clusters.members_of`.
        held: those for which nothing is created.
    """
    if clusters.empty:
        return _nothing()
    members = _members(cycle, connection, subject, clusters, known)
    alive = pd.Index(sorted(set().union(*[m.keys.index for m in members.values()])), dtype="int64")
    debts.drop_owed(connection, cycle.division, clusters.difference(alive))
    if alive.empty:
        return _nothing()
    before = links.load_golden(connection, list(subject.properties), alive)
    frames = [m.current for m in members.values()] + [m.base for m in members.values()] + [before.values]
    targets = known_targets(cycle, connection, subject, frames)
    now = pd.Timestamp.now("UTC").floor("us")
    slotted, capabilities = with_slots(subject, cycle.capabilities, members)
    ever = ever_members(connection, known)
    decision = decide(slotted, members, before, capabilities=capabilities, clusters_of=targets, now=now, ever=ever)
    invalid, bad = _invalid(cycle, subject, decision)
    looked_at = _records(members)
    notes.replace_holds(connection, cycle.division, looked_at, [INVALID_GOLDEN], invalid, cycle.run_id)
    debts.drop_owed(connection, cycle.division, bad)
    alive = alive.difference(bad)
    decision = _only(decision, alive)
    decision = replace(
        decision,
        accounted={entity: account_plain(subject, m, now) for entity, m in decision.accounted.items()},
    )
    planned = _plan(cycle, connection, slotted, capabilities, members, known, decision, targets, held, ever)
    _store(cycle, connection, subject, before, decision, planned)
    return Agreement(decision.history, decision.conflicts, invalid)


def _members(
    cycle: Cycle, connection: sa.Connection, subject: Subject, clusters: pd.Index, known: pd.DataFrame
) -> dict[str, Members]:
    """What the live members hold and held, of those entities, or slots of them, of which there are any."""
    live = set(known["entity"][~known["deleted"].astype(bool)])
    members: dict[str, Members] = {}
    for entity in subject.entities:
        if entity in live:
            at = (connection, cycle.division, entity, list(subject.held_by(entity)), clusters)
            for number, frame in enumerate(load_slots(*at, twins=subject.keeps_twins), start=1):
                members[slot_name(entity, number)] = frame
    return {slot: frame for slot, frame in members.items() if len(frame.keys)}


def _records(members: Mapping[str, Members]) -> pd.DataFrame:
    """`entity, key` of members, index cluster."""
    return pd.concat([pd.DataFrame({"entity": entity_of(slot), "key": m.keys}) for slot, m in members.items()])


def _plan(
    cycle: Cycle,
    connection: sa.Connection,
    subject: Subject,
    capabilities: Capabilities,
    members: dict[str, Members],
    known: pd.DataFrame,
    decision: Decision,
    targets: pd.Series,
    held: pd.Index,
    ever: pd.DataFrame,
) -> Plan:
    """What is owed for the clusters decided; deletions that met an edit are stored."""
    clusters = decision.golden.values.index
    removed = None
    if not cycle.is_lines(subject):
        removed = decide_removals(cycle, connection, subject, members, known, targets, clusters)
        contested.end_contested(connection, cycle.division, clusters)
    if removed is not None:
        contested.store_contested(connection, cycle.division, subject.subject, removed.contested, cycle.run_id)
    return plan(
        subject,
        decision.accounted,
        decision.golden,
        capabilities=capabilities,
        clusters_of=targets,
        gone=not_to_be_made(cycle, connection, subject, known, decision.accounted),
        held=held,
        open_conflicts=decision.conflicts,
        defaults=cycle.defaults,
        documents=documents_with(cycle, connection, subject, clusters) if cycle.is_lines(subject) else None,
        removed=removed,
        ever=ever,
    )


def _nothing() -> Agreement:
    return Agreement(pd.DataFrame(columns=HISTORY), pd.DataFrame(columns=CONFLICTS), no_holds())


def _invalid(cycle: Cycle, subject: Subject, decision: Decision) -> tuple[pd.DataFrame, pd.Index]:
    """The members of clusters whose agreed values break their schema, as holds, and those clusters."""
    values = decision.golden.values
    found = failures(golden_schema(subject.subject, cycle.mappings), values.rename_axis("cluster_id").reset_index())
    clusters = pd.Index(pd.to_numeric(found["key"]).astype("int64").unique())
    if found.empty:
        return no_holds(), clusters
    members = _records(decision.accounted)
    members["cluster"] = members.index.astype("str")
    found = found.rename(columns={"key": "cluster"})
    reason = "the agreed value is not valid, so nothing is written: " + found["problem"] + " Correct it in a system."
    held = members.merge(found.assign(reason=reason, kind=INVALID_GOLDEN), on="cluster")
    return held[["entity", "key", "kind", "property", "reason", "value"]], clusters


def _only(decision: Decision, clusters: pd.Index) -> Decision:
    """The decision on these clusters."""
    if decision.golden.values.index.equals(clusters):
        return decision
    golden = decision.golden
    return Decision(
        golden=Golden(*(f.loc[clusters] for f in (golden.values, golden.times, golden.winners, golden.rules))),
        accounted={e: m.over(m.keys.index.intersection(clusters)) for e, m in decision.accounted.items()},
        history=decision.history[decision.history["cluster_id"].isin(clusters)],
        conflicts=decision.conflicts[decision.conflicts["cluster_id"].isin(clusters)],
    )


def _store(
    cycle: Cycle, connection: sa.Connection, subject: Subject, before: Golden, decision: Decision, planned: Plan
) -> None:
    division, run = cycle.division, cycle.run_id
    clusters = decision.golden.values.index
    for slot, frame in decision.accounted.items():
        links.store_bases(connection, division, entity_of(slot), frame)
    first = first_evidence(connection, division, clusters.difference(before.values.index), run)
    links.store_golden(connection, division, subject.subject, decision.golden, run, first)
    owed: dict[str, dict[int, Owed]] = {}
    for slot, each in planned.owed.items():
        owed.setdefault(entity_of(slot), {})[number_of(slot)] = each
    debts.drop_owed(connection, division, clusters, [e for e in subject.entities if e not in owed])
    for entity, by_slot in owed.items():
        replace_owed(connection, division, entity, clusters, by_slot, run)
    conflicts = pd.concat([decision.conflicts, planned.ignored], ignore_index=True)
    notes.replace_conflicts(connection, division, subject.subject, clusters, conflicts, run)
    history = with_evidence(connection, division, decision.history, before)
    notes.add_history(connection, division, history.assign(subject=subject.subject, kind="decision"), run)
    _hold_unfit(cycle, connection, subject, decision, planned)
    _note_left_out(cycle, connection, subject, planned)
    if subject.lines is not None:
        _reconsider_lines(cycle, connection, planned)
    if cycle.is_lines(subject):
        documents = links.documents_of(connection, clusters).dropna().astype("int64").unique()
        entities = [str(cycle.capabilities[line].document) for line in subject.entities]
        debts.try_again(connection, division, entities, [int(number) for number in documents])


def _reconsider_lines(cycle: Cycle, connection: sa.Connection, planned: Plan) -> None:
    """Have the lines decided with documents that are to be created now.

    What was decided about a line while nothing was to be created, for a filter, a hold or its age, leaves it out.
    """
    created = [owed.keys.index[owed.create] for owed in planned.owed.values()]
    clusters = pd.Index(sorted(set().union(*created)), dtype="int64")
    if len(clusters):
        reconsider_lines_of(cycle, connection, clusters.to_series())


def _note_left_out(cycle: Cycle, connection: sa.Connection, subject: Subject, planned: Plan) -> None:
    """Note of the records from which something would be created why it is not."""
    lacking = planned.left_out
    if lacking.empty:
        return
    sources = links.sources_of(connection, cycle.division, lacking["cluster_id"])
    own = (lacking["entity"] + "/" + lacking["key"].astype("str")).astype("str")
    names = own.fillna(lacking["cluster_id"].map(sources).astype("str")).str.split("/", n=1, expand=True)
    rows = lacking.assign(entity=names[0], key=names[1], subject=subject.subject)
    notes.add_skips(connection, cycle.division, rows[["subject", "entity", "key", "property", "rule"]], cycle.run_id)


def _hold_unfit(cycle: Cycle, connection: sa.Connection, subject: Subject, decision: Decision, planned: Plan) -> None:
    """Say which values a system cannot take, at the record that the value came from."""
    looked_at = _records(decision.accounted)
    found = (
        _unfit(decision, planned.problems.drop_duplicates(ignore_index=True)) if len(planned.problems) else no_holds()
    )
    notes.replace_holds(connection, cycle.division, looked_at, [UNFIT], found, cycle.run_id)
    notes.add_unmapped(connection, cycle.division, subject, found, cycle.run_id)


def _unfit(decision: Decision, problems: pd.DataFrame) -> pd.DataFrame:
    """Values that a system cannot take, as holds."""
    winners = decision.golden.winners.rename_axis("cluster_id").reset_index()
    named = problems.merge(winners.melt("cluster_id", var_name="property", value_name="winner"), how="left")
    winner = named["winner"].astype("str")
    return pd.DataFrame(
        {
            "entity": winner.str.replace(r"/.*$", "", regex=True).to_numpy(),
            "key": winner.str.replace(r"^[^/]*/", "", regex=True).to_numpy(),
            "kind": UNFIT,
            "property": problems["property"].to_numpy(),
            "reason": problems["problem"].to_numpy(),
            "value": problems["value"].to_numpy(),
        }
    )
