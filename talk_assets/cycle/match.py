"""Step 3, for one flow: which records its criteria call the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import sqlalchemy as sa

from talk_assets.cycle.context import Cycle
from talk_assets.cycle.pairs import hold_invalid_pairs
from talk_assets.cycle.references import known_targets, resolved
from talk_assets.ledger import clusters as links
from talk_assets.ledger.matching import replace_proposals, sharing_keys, store_match_keys
from talk_assets.ledger.records import MARKED, unaccounted, undecided_entities
from talk_assets.mappings.model import CriterionProperty, Flow, Subject
from talk_assets.sync.match import criterion_keys, propose

PROPOSALS = ["entity", "key", "other_entity", "other_key", "criterion"]


@dataclass(frozen=True)
class Matched:
    """What matching a flow found.

    Attributes:
        flow: its name.
        looked_at: how many records were undecided.
        proposals: pairs that the criteria propose, see `PROPOSALS`.
        held: records of stored pairs that break their schema, as holds.
    """

    flow: str
    looked_at: int
    proposals: pd.DataFrame
    held: pd.DataFrame


def match(cycle: Cycle, flow_name: str) -> Matched:
    """Compare the undecided records of a flow's two entities with all others by the flow's criteria.

    The proposals are stored; `merge` makes clusters of them.
    """
    flow = cycle.mappings.flows[flow_name]
    with cycle.ledger.begin() as connection:
        if not undecided_entities(connection, cycle.division) & set(flow.entities):
            replace_proposals(connection, cycle.division, flow_name, _none(), cycle.run_id)
            return Matched(flow_name, 0, _none(), pd.DataFrame())
        undecided = {
            entity: unaccounted(connection, cycle.division, entity, cycle.properties_of(entity))
            for entity in flow.entities
        }
        fresh = {entity: frame[frame["deleted_at"].isna()] for entity, frame in undecided.items()}
        gone = pd.concat([frame.loc[frame["deleted_at"].notna(), ["entity", "key"]] for frame in undecided.values()])
        for entity, frame in undecided.items():
            if MARKED in frame:
                # Nothing is linked to them, but nothing is created in their place either.
                store_keys(cycle, connection, entity, frame[frame["deleted_at"].notna() & frame[MARKED].eq("true")])
        looked_at = pd.concat([frame.assign(entity=entity) for entity, frame in fresh.items()])
        proposals = _none() if looked_at.empty else _proposals(cycle, connection, flow_name, flow, fresh)
        replace_proposals(connection, cycle.division, flow_name, proposals, cycle.run_id)
        held = hold_invalid_pairs(cycle, connection, flow_name, looked_at, gone)
    return Matched(flow_name, len(looked_at), proposals, held)


def _none() -> pd.DataFrame:
    return pd.DataFrame(columns=PROPOSALS, dtype="str")


def store_keys(cycle: Cycle, connection: sa.Connection, entity: str, frame: pd.DataFrame) -> None:
    """Store what records of an entity are found by, in every flow; nothing is matched.

    Args:
        cycle: the run.
        connection: in a transaction.
        entity: the records' entity.
        frame: the records, see `ledger.records.unaccounted`.
    """
    subject = cycle.mappings.subject_of(entity)
    flows = [name for name, flow in subject.flows.items() if entity in flow.entities and flow.criteria]
    flows += [subject.subject] if subject.criteria else []
    if frame.empty or not flows:
        return
    keys = criterion_keys(
        frame, entity, subject, resolved(subject, frame, known_targets(cycle, connection, subject, [frame]))
    )
    for name in flows:
        mine = keys[keys["flow"].eq(name)].assign(entity=entity)
        store_match_keys(connection, cycle.division, name, frame[["entity", "key"]], mine)


def match_across(cycle: Cycle, connection: sa.Connection, subject: Subject, fresh: Mapping[str, pd.DataFrame]) -> None:
    """Compare undecided records by the subject's own criteria with all others of the subject; store what they propose.

    Args:
        cycle: the run.
        connection: in a transaction.
        subject: the subject.
        fresh: per entity its live undecided records, see `ledger.records.unaccounted`.
    """
    if subject.criteria:
        found = _proposed(cycle, connection, subject, subject.subject, subject.entities, subject.criteria, fresh)
        replace_proposals(connection, cycle.division, subject.subject, found, cycle.run_id)


def _proposals(
    cycle: Cycle, connection: sa.Connection, flow_name: str, flow: Flow, fresh: dict[str, pd.DataFrame]
) -> pd.DataFrame:
    subject = cycle.mappings.subject_of(flow.customerp)
    return _proposed(cycle, connection, subject, flow_name, flow.entities, flow.criteria, fresh)


def _proposed(
    cycle: Cycle,
    connection: sa.Connection,
    subject: Subject,
    name: str,
    entities: Sequence[str],
    criteria: Sequence[Sequence[CriterionProperty]],
    fresh: Mapping[str, pd.DataFrame],
) -> pd.DataFrame:
    targets = known_targets(cycle, connection, subject, list(fresh.values()))
    found = []
    for entity, frame in fresh.items():
        keys = criterion_keys(frame, entity, subject, resolved(subject, frame, targets))
        found.append(keys[keys["flow"].eq(name)].assign(entity=entity))
    keys = pd.concat(found, ignore_index=True)
    looked_at = pd.concat([frame[["entity", "key"]] for frame in fresh.values()])
    store_match_keys(connection, cycle.division, name, looked_at, keys)
    sharing = sharing_keys(connection, cycle.division, name, keys)
    linked = links.links_of(connection, cycle.division, sharing)
    numbers = pd.Index(linked["cluster_id"].astype("int64").unique())
    members = links.members_of(connection, cycle.division, numbers)
    live = members.loc[~members["deleted"].astype(bool), ["entity", "key", "cluster_id"]]
    return propose(sharing, live, entities, criteria)
