"""Forgetting history that is older than an installation wants to keep; docs/audit.md says what stays, and why.

Once a day, at the end of a run, and for two seconds at most: what is left is for the next run. History is walked in the
order of storing. Where the walk comes by a row that is old enough, what it replaced is looked at by its cluster or its
record, so that each row costs work once, however much is kept.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from talk_assets.ledger.cursors import read_cursor, store_cursor
from talk_assets.ledger.database import Ledger

# Before this moment history may lack what was replaced since.
KEPT_FROM = "history kept from"
# How far history was walked, and when all was done last.
_WALKED, _DONE = "history walked", "history forgotten"
_EVERY = timedelta(days=1)
_LONGEST = 2.0
# Rows that are walked or removed in one transaction, in tens of milliseconds.
_STEP = 2000

# A run that reaches into the time that is kept is kept whole, so that it can be undone.
_BEGAN = sa.text(
    "select coalesce(min(r.started_at), :before) from talk.run r "
    "where r.division = :division and r.started_at < :before and (r.ended_at >= :before "
    "  or exists (select from talk.history h where h.division = r.division and h.run = r.run_id and h.at >= :before))"
)
_AHEAD = sa.text(
    "select max(id) as last, min(id) filter (where at >= :before) as young, "
    "coalesce(array_agg(distinct cluster_id) filter (where division = :division and cluster_id is not null "
    "  and kind in ('decision', 'write')), '{}') as clusters "
    "from (select id, at, division, cluster_id, kind from talk.history where id > :after order by id limit :step) h"
)
# Of each property of a cluster stay the first decision and the first by which the agreed value became another, from
# which the first value is known, and the last one of that kind; of each property of a record the last write.
_OF_CLUSTERS = sa.text("""
    with found as (
        select id, at, run, kind, cluster_id, entity, key, property, before, after, loser from talk.history
        where division = :division and cluster_id = any(:clusters) and kind in ('decision', 'write')
    ),
    mark as (
        select cluster_id, property, min(id) as first, min(id) filter (where loser is null) as first_moved,
            max(id) filter (where loser is null or coalesce(before, '') <> coalesce(after, '')) as last_moved
        from found where kind = 'decision' group by cluster_id, property
    ),
    kept as (
        select distinct f.cluster_id, f.property, f.at, f.run from found f join mark m using (cluster_id, property)
        where f.kind = 'decision' and f.id in (m.first, m.first_moved, m.last_moved)
    ),
    written as (select max(id) as id from found where kind = 'write' group by entity, key, property)
    delete from talk.history h using found f
    where h.id = f.id and f.id <= :last and f.at < :before
        and not exists (select from talk.conflict c where c.cluster_id = f.cluster_id and c.resolved_at is null)
        and case f.kind when 'write' then not exists (select from written w where w.id = f.id)
            else not exists (select from kept k where k.cluster_id = f.cluster_id and k.property = f.property
                and k.at = f.at and k.run = f.run) end
""")
# A skip that was noted again; the last one says that it need not be noted once more.
_SKIPS = sa.text(
    "delete from talk.history h using talk.history later "
    "where later.id > :after and later.id <= :last and later.division = :division and later.kind = 'skip' "
    "and h.kind = 'skip' and h.division = later.division and h.entity = later.entity and h.key = later.key "
    "and h.id < later.id and h.rule = later.rule and h.property is not distinct from later.property"
)
_OTHERS = [
    # One that waits to be looked up still has to be recognised.
    sa.text(
        "delete from talk.request where id in (select r.id from talk.request r where r.division = :division "
        "and r.sent_at < :before and not exists (select from talk.intent i where i.id = r.intent "
        "and i.closed_at is null) limit :step)"
    ),
    # `linked` says of a line that we created it with its document.
    sa.text(
        "delete from talk.intent where id in (select id from talk.intent where division = :division "
        "and closed_at < :before and outcome <> 'linked' limit :step)"
    ),
    # What was said about a deletion that met an edit counts for as long as the record is gone.
    sa.text(
        "delete from talk.conflict where id in (select id from talk.conflict where division = :division "
        "and resolved_at < :before and kind <> 'edit_versus_delete' limit :step)"
    ),
    sa.text(
        "delete from talk.run where (division, run_id) in (select division, run_id from talk.run "
        "where division = :division and coalesce(ended_at, started_at) < :before limit :step)"
    ),
]


def forget(ledger: Ledger, division: str, run: str, days: int, *, longest: float = _LONGEST, step: int = _STEP) -> bool:
    """Remove what a division no longer needs of history older than some days; whether nothing is left to remove.

    Args:
        ledger: the state, in a run that holds the division's lock.
        division: the division.
        run: the run.
        days: how long history is kept.
        longest: seconds after which no further step is begun.
        step: rows of a step.
    """
    now, ends = datetime.now(UTC), time.monotonic() + longest
    with ledger.begin() as connection:
        done = read_cursor(connection, division, _DONE)
        if done is not None and datetime.fromisoformat(done) > now - _EVERY:
            return True
        at: dict[str, Any] = {"division": division, "before": now - timedelta(days=days)}
        at["before"] = connection.execute(_BEGAN, at).scalar_one()
        # What was forgotten does not come back because more is to be kept from now on.
        known = read_cursor(connection, division, KEPT_FROM)
        kept_from = at["before"] if known is None else max(at["before"], datetime.fromisoformat(known))
        store_cursor(connection, division, KEPT_FROM, kept_from.isoformat(), run)
    others = list(_OTHERS)
    walking = True
    while walking or others:
        if time.monotonic() > ends:
            return False
        with ledger.begin() as connection:
            if walking:
                walking = _walk(connection, division, run, at, step)
            elif connection.execute(others[0], {**at, "step": step}).rowcount < step:
                others.pop(0)
    with ledger.begin() as connection:
        store_cursor(connection, division, _DONE, now.isoformat(), run)
    return True


def _walk(connection: sa.Connection, division: str, run: str, at: dict[str, Any], step: int) -> bool:
    """Go on by a step; whether there is more that is old."""
    after = int(read_cursor(connection, division, _WALKED) or 0)
    ahead = connection.execute(_AHEAD, {**at, "after": after, "step": step}).one()
    last = ahead.last if ahead.young is None else ahead.young - 1
    if last is None or last <= after:
        return False
    to = {**at, "after": after, "last": last}
    if ahead.clusters:
        connection.execute(_OF_CLUSTERS, {**to, "clusters": ahead.clusters})
    connection.execute(_SKIPS, to)
    store_cursor(connection, division, _WALKED, str(last), run)
    return ahead.young is None
