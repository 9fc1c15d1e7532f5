"""What a run wrote, and what has happened to it since, as the ledger has it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from talk_assets.errors import OrderRefused
from talk_assets.ledger.cursors import read_cursor
from talk_assets.ledger.retention import KEPT_FROM

Row = Mapping[str, Any]
_LATEST = 5

# Of writes whose answer was lost history tells when they were found, in that run or a later one; of inserts as links.
FOUND_UPDATE, FOUND_INSERT = "update found after an interruption", "insert found after an interruption"
_RUNS = sa.text(
    "select run, min(at) as at, count(distinct (entity, key)) as records from talk.history "
    "where division = :division and ((kind = 'write' and rule <> 'kept as') "
    "  or (kind = 'link' and rule = 'insert found after an interruption')) "
    "group by run order by max(id) desc limit :most"
)
# Their notes say which run sent them.
_NAMED = sa.text(
    "select run from talk.history where division = :division and starts_with(run, :text) "
    "and (kind = 'write' or (kind = 'link' and rule = 'insert found after an interruption')) "
    "union select run from talk.intent where division = :division and starts_with(run, :text) "
    "and outcome = 'found after an interruption' limit 2"
)
_BEGAN = sa.text(
    "select least((select min(at) from talk.history where division = :division and run = :run), "
    "(select min(opened_at) from talk.intent where division = :division and run = :run))"
)
# An update is found, and its note closed, in one transaction, at one moment.
_WRITES = sa.text(
    "with sent as (select entity, key, cluster_id, opened_at, closed_at from talk.intent "
    "  where division = :division and run = :run and outcome = 'found after an interruption'), "
    "mine as (select id from talk.history where division = :division and run = :run "
    "  and ((kind = 'write' and rule <> 'kept as') "
    "    or (kind = 'link' and rule = 'insert found after an interruption')) "
    "union select h.id from talk.history h join sent s on s.entity = h.entity and s.key = h.key and s.closed_at = h.at "
    "  where h.division = :division and h.rule = 'update found after an interruption' "
    "union select h.id from talk.history h join sent s on s.entity = h.entity and s.cluster_id = h.cluster_id "
    "  where h.division = :division and h.rule = 'insert found after an interruption' and s.key is null "
    "  and h.at between s.opened_at and s.closed_at + interval '1 hour') "
    "select h.id, h.at, h.subject, h.entity, h.key, h.property, h.before, h.after, h.rule, "
    "m.cluster_id, m.deleted_at, coalesce(r.values, '{}') as values, c.document_id "
    "from talk.history h join mine using (id) left join talk.member m using (division, entity, key) "
    "left join talk.record r using (division, entity, key) left join talk.cluster c on c.id = m.cluster_id "
    "where cast(:cluster as bigint) is null or m.cluster_id = :cluster or c.document_id = :cluster order by h.id"
)
# How records are told of that are gone since a deletion of them was sent and not answered.
VANISHED = "vanished"
# Deletions that were sent without an answer, of records that are gone: history knows only that they were missed.
_VANISHED = sa.text(
    "select distinct m.entity, m.key, m.cluster_id, 'vanished' as rule from talk.request r "
    "join talk.member m using (division, entity, key) left join talk.cluster c on c.id = m.cluster_id "
    "where r.division = :division and r.run = :run and r.operation = 'delete' "
    "and coalesce(r.outcome, 'failed') = 'failed' and m.deleted_at >= r.sent_at "
    "and not exists (select from talk.history h where h.division = m.division and h.entity = m.entity "
    "  and h.key = m.key and h.kind = 'write' and h.rule = 'delete' and h.at >= r.sent_at) "
    "and (cast(:cluster as bigint) is null or m.cluster_id = :cluster or c.document_id = :cluster) order by 1, 2"
)
# Everything of these clusters that is younger than the run's first write.
_SINCE = sa.text(
    "select id, run, kind, cluster_id, entity, key, property, before, after, winner, loser, rule from talk.history "
    "where division = :division and id >= :first and kind in ('decision', 'write') and cluster_id = any(:clusters) "
    "order by id"
)
# How the run itself came to what it wrote.
_DECIDED = sa.text(
    "select distinct on (cluster_id, property) cluster_id, property, before from talk.history "
    "where division = :division and run = :run and kind = 'decision' and loser is null "
    "and cluster_id = any(:clusters) order by cluster_id, property, id"
)
_MEMBERS = sa.text(
    "select m.entity, m.key, m.cluster_id, r.values "
    "from talk.member m join talk.record r using (division, entity, key) "
    "where m.division = :division and m.deleted_at is null and m.cluster_id = any(:clusters) order by m.entity, m.key"
)
_GONE = sa.text(
    "select entity, key, cluster_id from talk.member "
    "where division = :division and deleted_at is not null and cluster_id = any(:clusters) order by entity, key"
)
_OWED = sa.text(
    "select cluster_id, entity, key, state, values from talk.owed "
    "where division = :division and cluster_id = any(:clusters)"
)
_CONFLICTS = sa.text(
    "select cluster_id, property from talk.conflict "
    "where division = :division and resolved_at is null and cluster_id = any(:clusters)"
)


def find_run(connection: sa.Connection, division: str, text: str) -> str:
    """The run that somebody names by its id or by how its id begins.

    Raises:
        OrderRefused: no run that wrote is named so, or several are; the sentence names the latest ones.
    """
    names = connection.execute(_NAMED, {"division": division, "text": text})
    found = list(names.scalars())
    if text in found or (len(found) == 1 and text):
        run = text if text in found else str(found[0])
        _check_whole(connection, division, run)
        return run
    latest = connection.execute(_RUNS, {"division": division, "most": _LATEST}).all()
    told = "; ".join(f"{row.run} ({row.at:%Y-%m-%d %H:%M} UTC, {row.records:,} records)" for row in latest)
    what = "more than one run begins so" if len(found) > 1 else "no run of that name wrote anything"
    raise OrderRefused(
        f"{text or 'RUN'}: {what}. " + (f"The latest that wrote: {told}." if told else "None wrote yet.")
    )


def _check_whole(connection: sa.Connection, division: str, run: str) -> None:
    """Refuse a run of which something may have been forgotten: the rest alone would be half an undo."""
    kept_from = read_cursor(connection, division, KEPT_FROM)
    at = connection.execute(_BEGAN, {"division": division, "run": run}).scalar_one()
    if kept_from is not None and at < datetime.fromisoformat(kept_from):
        raise OrderRefused(
            f"{run}: it ran on {at:%Y-%m-%d}, and history is kept whole from {kept_from[:10]} on (TALK_HISTORY_DAYS), "
            "so that not all that it wrote is known. Correct it by hand; talk-assets why tells what stands."
        )


def writes_of_run(connection: sa.Connection, division: str, run: str, cluster: int | None) -> list[Row]:
    """What a run wrote, in order; of one cluster, or of all. A document's cluster includes its lines.

    A write whose answer was lost is one of the run that sent it, and of the one that found it.
    """
    return _rows(connection, _WRITES, division=division, run=run, cluster=cluster)


def vanished(connection: sa.Connection, division: str, run: str, cluster: int | None) -> list[Row]:
    """`entity, key, cluster_id, rule` of records that are gone since a run sent a deletion whose answer was lost."""
    return _rows(connection, _VANISHED, division=division, run=run, cluster=cluster)


def since(connection: sa.Connection, division: str, first: int, clusters: Sequence[int]) -> list[Row]:
    """Decisions and writes of clusters from a row of history on."""
    return _rows(connection, _SINCE, division=division, first=first, clusters=list(clusters))


def decided_by(connection: sa.Connection, division: str, run: str, clusters: Sequence[int]) -> dict[Any, str | None]:
    """What was agreed on a property of a cluster (the key) before a run agreed on something else."""
    rows = _rows(connection, _DECIDED, division=division, run=run, clusters=list(clusters))
    return {(row["cluster_id"], row["property"]): row["before"] for row in rows}


def members(connection: sa.Connection, division: str, clusters: Sequence[int]) -> list[Row]:
    """`entity, key, cluster_id, values` of the records of clusters that are there."""
    return _rows(connection, _MEMBERS, division=division, clusters=list(clusters))


def gone(connection: sa.Connection, division: str, clusters: Sequence[int]) -> list[Row]:
    """`entity, key, cluster_id` of the records of clusters that are no longer there."""
    return _rows(connection, _GONE, division=division, clusters=list(clusters))


def owed(connection: sa.Connection, division: str, clusters: Sequence[int]) -> list[Row]:
    """`cluster_id, entity, key, state, values` of what clusters are owed."""
    return _rows(connection, _OWED, division=division, clusters=list(clusters))


def conflicts(connection: sa.Connection, division: str, clusters: Sequence[int]) -> set[tuple[int, str]]:
    """Cluster and property of what a person has to decide."""
    rows = _rows(connection, _CONFLICTS, division=division, clusters=list(clusters))
    return {(int(row["cluster_id"]), str(row["property"])) for row in rows}


def _rows(connection: sa.Connection, query: sa.TextClause, **values: object) -> list[Row]:
    return [dict(row) for row in connection.execute(query, values).mappings()]
