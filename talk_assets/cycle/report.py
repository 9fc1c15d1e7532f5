"""What a run did, as numbers: for the closing table, `--json`, the run's row in the ledger, and `status`."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa

from talk_assets.cycle.ahead import budget_ahead
from talk_assets.cycle.collect import Collected
from talk_assets.cycle.context import Cycle
from talk_assets.cycle.deliver import Delivered
from talk_assets.ledger import debts, guards, notes, notifications
from talk_assets.ledger.bulk import read_frame
from talk_assets.ledger.clusters import sources_of
from talk_assets.ledger.database import Ledger
from talk_assets.ledger.records import count_live
from talk_assets.ledger.tables import golden
from talk_assets.mappings.model import Flow, Mappings

_FEED = {"read": 0, "changed": 0, "held": 0}
_PAIR = {"linked": 0, "matched": 0, "inserted": 0, "ambiguous": 0, "unmatched": 0}
_WRITES = {"created": 0, "updated": 0, "deleted": 0, "failed": 0, "owed": 0}
_LINKED = sa.text(
    "select count(*) as linked, "
    "count(*) filter (where (c.linked_run = :run and c.origin not in ('insert', 'alone')) "
    "  or (e.linked_run = :run and e.origin not in ('insert', 'alone'))) as matched, "
    "count(*) filter (where (c.linked_run = :run and c.origin = 'insert') "
    "  or (e.linked_run = :run and e.origin = 'insert')) as inserted "
    "from talk.member c join talk.member e using (cluster_id) "
    "where c.division = :division and c.entity = :customerp and e.entity = :exact "
    "and c.deleted_at is null and e.deleted_at is null"
)
_UNMATCHED = sa.text(
    "select count(*) from talk.record r where r.division = :division and r.entity in (:customerp, :exact) "
    "and r.deleted_at is null and not exists (select from talk.member m join talk.member o using (cluster_id) "
    "where m.division = r.division and m.entity = r.entity and m.key = r.key and m.deleted_at is null "
    "and o.deleted_at is null and o.entity in (:customerp, :exact) and o.entity <> m.entity)"
)


def note_feed(cycle: Cycle, collected: Collected) -> dict[str, int]:
    """Keep what a feed brought; it is also what is shown."""
    counts = {"read": collected.read, "changed": collected.changed, "held": collected.held}
    _note(cycle, "feeds", collected.entity, counts)
    return counts


def note_writes(cycle: Cycle, delivered: Delivered) -> dict[str, int]:
    """Keep what was delivered to an entity; it is also what is shown."""
    counts = {name: int(getattr(delivered, name)) for name in _WRITES}
    _note(cycle, "writes", delivered.entity, counts)
    return counts


def name_sources(cycle: Cycle, writes: Iterable[dict[Any, Any]]) -> None:
    """Give each row of a create, which has no key yet, a `source`: the record that it is made from."""
    nameless = [row for row in writes if not row["key"]]
    if not nameless:
        return
    with cycle.ledger.begin() as connection:
        names = sources_of(connection, cycle.division, [row["cluster_id"] for row in nameless])
    for row in nameless:
        row["source"] = names.get(row["cluster_id"], "")


def _note(cycle: Cycle, section: str, name: str, counts: dict[str, int]) -> None:
    with cycle.ledger.begin() as connection:
        notes.add_summary(connection, cycle.division, cycle.run_id, section, name, counts)


def pair_counts(connection: sa.Connection, division: str, flow: Flow, run_id: str) -> dict[str, int]:
    """Linked pairs of a flow, those matched or inserted in this run, and records that are ambiguous or unmatched."""
    at = {"division": division, "customerp": flow.customerp, "exact": flow.exact}
    linked = connection.execute(_LINKED, {**at, "run": run_id}).one()
    unmatched = connection.execute(_UNMATCHED, at).scalar_one()
    held = notes.holds(connection, division)
    ambiguous = held["kind"].eq("ambiguous") & held["entity"].isin(flow.entities)
    return {
        "linked": linked.linked,
        "matched": linked.matched,
        "inserted": linked.inserted,
        "ambiguous": int(ambiguous.sum()),
        "unmatched": unmatched,
    }


def summary(cycle: Cycle, seconds: float) -> dict[str, Any]:
    """What the run did, with every feed, pair and written entity present."""
    with cycle.ledger.begin() as connection:
        noted = notes.summary_of(connection, cycle.division, cycle.run_id)
        pairs = {
            name: pair_counts(connection, cycle.division, flow, cycle.run_id)
            for name, flow in cycle.mappings.flows.items()
        }
        mapped = cycle.mappings.with_lines
        conflicts = len(notes.open_conflicts(connection, cycle.division, mapped))
        held = len(notes.holds(connection, cycle.division, mapped))
        owed = debts.count_owed(connection, cycle.division)
    return {
        "run_id": cycle.run_id,
        "seconds": round(seconds, 2),
        "feeds": {e: noted.get("feeds", {}).get(e, dict(_FEED)) for e in cycle.mappings.entities},
        "pairs": pairs,
        "writes": {
            e: {**_WRITES, **noted.get("writes", {}).get(e, {}), "owed": _owed(cycle, owed, e)}
            for e in cycle.mappings.entities
        },
        "conflicts": conflicts,
        "holds": held,
        "calls": {name: system.calls for name, system in sorted(cycle.systems.items())},
        "calls_needed": {name: cycle.needed[name] for name in sorted(cycle.systems)},
        "put_off": {name: round(seconds) for name, seconds in sorted(cycle.rests.items()) if seconds},
    }


def _owed(cycle: Cycle, owed: pd.DataFrame, entity: str) -> int:
    return int(owed["count"][owed["entity"].isin(cycle.with_lines(entity))].sum())


def outcome_of(totals: dict[str, Any], *, complete: bool) -> str:
    """`done`, or `failures` when a write failed or a step did not come through."""
    failed = any(counts["failed"] for counts in totals["writes"].values())
    return notes.FAILURES if failed or not complete else notes.DONE


def finish(cycle: Cycle, totals: dict[str, Any], *, complete: bool) -> None:
    """Keep how the run ended."""
    with cycle.ledger.begin() as connection:
        notes.end_run(connection, cycle.division, cycle.run_id, outcome_of(totals, complete=complete), totals)


def changes(cycle: Cycle, subjects: Sequence[str], limit: int = 10) -> pd.DataFrame:
    """The run's latest decisions about some subjects: `property, before, after, winner, loser, loser_value, rule`."""
    with cycle.ledger.begin() as connection:
        return read_frame(
            connection,
            sa.text(
                "select property, before, after, winner, loser, loser_value, rule from talk.history "
                "where division = :division and run = :run and subject = any(:subjects) and kind = 'decision' "
                "order by id desc limit :limit"
            ),
            {"division": cycle.division, "run": cycle.run_id, "subjects": list(subjects), "limit": limit},
        )


def agreed_by(cycle: Cycle, clusters: Iterable[int]) -> dict[int, tuple[dict[str, str], dict[str, str]]]:
    """Per cluster, by property, the record whose value won, and the rule that decided."""
    with cycle.ledger.begin() as connection:
        rows = connection.execute(
            sa.select(golden.c.cluster_id, golden.c.winners, golden.c.rules).where(
                golden.c.cluster_id.in_(sorted(set(clusters)))
            )
        )
        return {number: (dict(winners), dict(rules)) for number, winners, rules in rows}


def count_golden(cycle: Cycle, subject: str) -> int:
    """How many golden records of a subject there are."""
    with cycle.ledger.begin() as connection:
        return connection.execute(
            sa.select(sa.func.count()).where(golden.c.division == cycle.division, golden.c.subject == subject)
        ).scalar_one()


def count_records(cycle: Cycle, entity: str) -> int:
    """How many records of an entity are known and not deleted."""
    with cycle.ledger.begin() as connection:
        return count_live(connection, cycle.division, entity)


def status(ledger: Ledger, division: str, mappings: Mappings, limit: int | None = None) -> dict[str, Any]:
    """How a division stands.

    Args:
        ledger: the state.
        division: the division.
        mappings: what is synchronised; holds and conflicts of what is left out are not shown.
        limit: at most so many debts that a person can settle, and as many others.

    Returns:
        `division`, `pairs` (per flow), `last_run` (None before the first), and frames: `guards` that tripped, `holds`,
        `conflicts`, `owed` (counts per entity and state), `debts` (`values` is a dictionary under the system's own
        property names, `source` another record of the same thing, for a new one the one that it is made from); and
        `budget`, see `budget_ahead`, and `notifications`, see `ledger.notifications.latest`.
    """
    with ledger.begin() as connection:
        last = notes.last_run(connection, division)
        owed = debts.count_owed(connection, division)
        held = notes.holds(connection, division, mappings.with_lines)
        latest = [
            debts.latest_owed(connection, division, states=states, limit=limit)
            for states in (["person"], ["dead", "waiting", "owed"])
        ]
        every = pd.concat(latest, ignore_index=True)
        names = sources_of(connection, division, every["cluster_id"])
        return {
            "division": division,
            "pairs": {
                name: pair_counts(connection, division, flow, last["run_id"] if last else "")
                for name, flow in mappings.flows.items()
            },
            "guards": guards.tripped(connection, division),
            "holds": held,
            "conflicts": notes.open_conflicts(connection, division, mappings.with_lines),
            "owed": owed,
            "budget": budget_ahead(ledger, division, owed, datetime.now(UTC)),
            "debts": _with_own_names(
                every.assign(source=[names.get(number, "") for number in every["cluster_id"]]), mappings
            ),
            "notifications": notifications.latest(connection, division),
            "last_run": last,
        }


def _with_own_names(owed: pd.DataFrame, mappings: Mappings) -> pd.DataFrame:
    """The same debts, their values under the names that people meet in the system."""
    values = []
    # What was mapped once, and is left out since, keeps its names until the next sync drops it.
    mapped = set(mappings.with_lines)
    for entity, text in zip(owed["entity"], owed["values"], strict=True):
        rows = mappings.subject_of(entity).held_by(entity) if entity in mapped else {}
        given = json.loads(text).items()
        # What archives a record is kept under its own name.
        values.append({rows[name].members[entity].name if name in rows else name: value for name, value in given})
    return owed.assign(values=pd.Series(values, index=owed.index, dtype="object"))
