"""What the ledger has about the records of one cluster, or about a record that is in none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from talk_assets.ledger.tables import conflict, golden, hold, intent, owed
from talk_assets.why.find import Found

Row = Mapping[str, Any]
_MEMBERS = sa.text(
    "select m.entity, m.key, m.origin, m.linked_at, m.linked_run, m.deleted_at, "
    "r.document, coalesce(r.values, '{}') as values, coalesce(r.times, '{}') as own_times, r.modified, r.read_at, "
    "r.read_run, r.written_at, coalesce(b.sent, '{}') as sent "
    "from talk.member m left join talk.record r using (division, entity, key) "
    "left join talk.base b using (division, entity, key) "
    "where m.division = :division and m.cluster_id = :cluster order by m.entity, m.key"
)
_ALONE = sa.text(
    "select entity, key, null as origin, null as linked_at, null as linked_run, deleted_at, document, values, "
    "times as own_times, modified, read_at, read_run, written_at, '{}'::jsonb as sent from talk.record "
    "where division = :division and entity = :entity and key = :key"
)
# Before the records were joined, each had a cluster with a history of its own.
_HISTORY = sa.text(
    "with named as (select * from unnest(cast(:entities as text[]), cast(:keys as text[])) as n(entity, key)), "
    "earlier as (select distinct h.cluster_id from talk.history h join named n on n.entity = h.entity "
    "  and n.key = h.key where h.division = :division and h.kind = 'link'), "
    "joined as (select coalesce(max(id), 0) as id from talk.history h where h.division = :division "
    "  and h.cluster_id = :cluster and h.kind = 'link') "
    "select h.* from talk.history h, joined where h.division = :division and (h.cluster_id = :cluster "
    "  or (h.cluster_id in (select cluster_id from earlier) and h.id < joined.id) "
    "  or (h.cluster_id is null and exists (select from named n where n.entity = h.entity and n.key = h.key))) "
    "order by h.id"
)


@dataclass(frozen=True)
class Facts:
    """What is known; rows have the columns of their tables.

    Attributes:
        found: the record that was asked about.
        members: the cluster's records, deleted ones included, each with what it holds; or the record alone.
        golden: the agreed values; None before the first decision.
        history: everything that was kept about them, oldest first.
        owed: debts to the cluster.
        conflicts: open and resolved ones, oldest first.
        holds: holds on the records.
        intents: inserts that were sent for the cluster.
        created: when the cluster was made, and in which run; None when there is none.
    """

    found: Found
    members: Sequence[Row]
    golden: Row | None
    history: Sequence[Row]
    owed: Sequence[Row]
    conflicts: Sequence[Row]
    holds: Sequence[Row]
    intents: Sequence[Row]
    created: tuple[datetime, str] | None

    @property
    def live(self) -> list[Row]:
        """The records that are there."""
        return [row for row in self.members if row["deleted_at"] is None]


def gather(connection: sa.Connection, division: str, found: Found) -> Facts:
    """Read all that is kept about the record's cluster."""

    def rows(query: sa.Executable, **parameters: object) -> list[Row]:
        return [dict(row) for row in connection.execute(query, {"division": division, **parameters}).mappings()]

    number = found.cluster
    members = rows(_MEMBERS, cluster=number) if number is not None else []
    members = members or rows(_ALONE, entity=found.entity, key=found.key)
    named = [(str(row["entity"]), str(row["key"])) for row in members] or [(found.entity, found.key)]
    entities, keys = [entity for entity, _ in named], [key for _, key in named]
    held = sa.select(hold).where(hold.c.division == division, sa.tuple_(hold.c.entity, hold.c.key).in_(named))
    created = None
    if number is not None:
        row = connection.execute(
            sa.text("select created_at, created_run from talk.cluster where id = :cluster"), {"cluster": number}
        ).one()
        created = (row.created_at, str(row.created_run))
    agreed = rows(sa.select(golden).where(golden.c.cluster_id == number)) if number is not None else []
    return Facts(
        found=found,
        members=members,
        golden=agreed[0] if agreed else None,
        history=rows(_HISTORY, cluster=number if number is not None else -1, entities=entities, keys=keys),
        owed=rows(sa.select(owed).where(owed.c.division == division, owed.c.cluster_id == number)),
        conflicts=rows(
            sa.select(conflict)
            .where(conflict.c.division == division, conflict.c.cluster_id == number)
            .order_by(conflict.c.id)
        ),
        holds=rows(held.order_by(hold.c.entity, hold.c.key, hold.c.kind)),
        intents=rows(
            sa.select(intent)
            .where(intent.c.division == division, intent.c.cluster_id == number)
            .order_by(intent.c.opened_at)
        ),
        created=created,
    )
