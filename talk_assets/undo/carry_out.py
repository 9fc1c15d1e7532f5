"""A run that undoes another one: it reads both systems, agrees on the former values, and has them written."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import sqlalchemy as sa

from talk_assets.cycle.agree import agree
from talk_assets.cycle.collect import collect, collect_deletions
from talk_assets.cycle.context import Cycle
from talk_assets.cycle.deliver import Delivered, confirm, deliver
from talk_assets.cycle.denied import can_be_missed
from talk_assets.cycle.match import match
from talk_assets.cycle.merge import merge
from talk_assets.cycle.poll import poll
from talk_assets.cycle.report import finish, note_feed, note_writes, summary
from talk_assets.cycle.send import Outcome
from talk_assets.cycle.unlinked import unlinked_clusters
from talk_assets.ledger import notes
from talk_assets.ledger.clusters import members_of
from talk_assets.ledger.settlement import agree as agree_on
from talk_assets.mappings.model import Subject
from talk_assets.undo import written
from talk_assets.undo.reversal import UndoPlan, by_value, plan_undo

# The rule by which a former value is agreed on again, and the order's name.
UNDO = "undo"
_UNSENT = (Outcome.REJECTED.value, Outcome.UNAVAILABLE.value, Outcome.POSTPONED.value)


@dataclass(frozen=True)
class Undone:
    """What came of it: the plan, and the writes that were sent or, in a preview, would be."""

    plan: UndoPlan
    delivered: Sequence[Delivered] = field(default_factory=list)

    @property
    def writes(self) -> list[dict[str, Any]]:
        """The writes to records that are the same as those put back."""
        clusters = {each.cluster for each in self.plan.back}
        return [w for done in self.delivered for w in done.writes if w["cluster_id"] in clusters]

    @property
    def unsent(self) -> list[dict[str, Any]]:
        """Those of them that were refused or failed."""
        return [write for write in self.writes if write["outcome"] in _UNSENT]


def carry_out(cycle: Cycle, run: str, cluster: int | None, who: str) -> Undone:
    """Undo a run, as a run with its end noted; in a preview everything is computed, and nothing stored or written.

    Both systems are read first, so that what somebody has changed since is seen, and left as it is.

    Args:
        cycle: the run that undoes.
        run: the run that is undone.
        cluster: only this cluster, of a document with its lines; None for all.
        who: who ordered it.

    Raises:
        SystemFault: a system cannot be read or written; what was agreed on stays owed.
    """
    started, complete = time.monotonic(), False
    try:
        undone = _carry_out(cycle, run, cluster, who)
        complete = True
    finally:
        finish(cycle, summary(cycle, time.monotonic() - started), complete=complete)
    return undone


def _carry_out(cycle: Cycle, run: str, cluster: int | None, who: str) -> Undone:
    with cycle.ledger.begin() as connection:
        at = (connection, cycle.division, run, cluster)
        entities = {str(row["entity"]) for row in (*written.writes_of_run(*at), *written.vanished(*at))}
    subjects = [
        subject
        for subject in cycle.mappings.subjects.values()
        if entities & {*subject.entities, *(subject.lines.entities if subject.lines is not None else [])}
    ]
    _refresh(cycle, subjects)
    with cycle.ledger.begin() as connection:
        plan = plan_undo(cycle, connection, run, cluster)
        _agree(cycle, connection, plan, who)
    return Undone(plan, _deliver(cycle, subjects))


def _refresh(cycle: Cycle, subjects: Sequence[Subject]) -> None:
    """Read the entities of the subjects, match and merge them; a feed that may not be read is done without as ever."""
    for system in cycle.systems if subjects else ():
        collect_deletions(cycle, system)
    for subject in subjects:
        for entity in subject.entities:
            missable = can_be_missed(cycle.capabilities, cycle.mappings, entity)
            note_feed(cycle, poll(cycle, entity) if missable else collect(cycle, entity))
    for subject in subjects:
        for flow in subject.flows:
            match(cycle, flow)
        merge(cycle, subject.subject)


def _agree(cycle: Cycle, connection: sa.Connection, plan: UndoPlan, who: str) -> None:
    """Make the former values the agreed ones, from now on, and plan who has to be written."""
    detail = {"who": who, "run": plan.run}
    rows = []
    for (number, name), each in by_value(plan.back).items():
        before = agree_on(connection, number, name, each.former, each.record, UNDO)
        rows.append(
            {
                "subject": each.subject,
                "kind": "decision",
                "cluster_id": number,
                "property": name,
                "before": before,
                "after": each.former,
                "winner": each.record,
                "rule": UNDO,
                "detail": detail,
            }
        )
    notes.add_events(connection, cycle.division, rows, cycle.run_id)
    order = {"subject": "division", "kind": "person", "rule": UNDO, "detail": detail}
    notes.add_events(connection, cycle.division, [order] if rows else [], cycle.run_id)
    for name in dict.fromkeys(each.subject for each in plan.back):
        numbers = sorted({each.cluster for each in plan.back if each.subject == name})
        clusters = pd.Index(numbers, dtype="int64")
        known = members_of(connection, cycle.division, clusters)
        # Clusters that are held for another reason are left as they are, see `plan_undo`.
        agree(cycle, connection, cycle.subject(name), clusters, known, unlinked_clusters(cycle, connection, known))


def _deliver(cycle: Cycle, subjects: Sequence[Subject]) -> list[Delivered]:
    """Write what is owed, Exact first, as every run does."""
    done = []
    entities = [entity for subject in subjects for entity in subject.entities]
    for entity in sorted(dict.fromkeys(entities), key=lambda name: name.partition(".")[0] != "exact"):
        delivered = Delivered(entity)
        done.append(delivered)
        try:
            deliver(cycle, entity, done=delivered)
        finally:
            note_writes(cycle, delivered)
        if delivered.created or delivered.updated or delivered.deleted or delivered.failed:
            confirm(cycle, entity)
    return done
