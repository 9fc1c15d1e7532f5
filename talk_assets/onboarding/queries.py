"""What the ledger of a previewed run says: pairs, records without a pair, differences, and what is owed."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from talk_assets.mappings.model import Flow

Row = dict[str, Any]
AMBIGUOUS_KINDS = ("ambiguous", "ambiguous_lines")
# Told of records that are linked all the same; they keep nothing back.
_NOTES = ("duplicate_key", "removed_line")

_CRITERIA = sa.text(
    "select case when e.origin not in ('alone', 'insert') then e.origin "
    "when c.origin not in ('alone', 'insert') then c.origin else 'created by us' end as criterion, count(*) as count "
    "from talk.member c join talk.member e using (division, cluster_id) "
    "where c.division = :division and c.entity = :customerp and e.entity = :exact "
    "and c.deleted_at is null and e.deleted_at is null group by 1 order by 2 desc, 1"
)
_FLAGS = ("here", "anywhere", "keyless", "ambiguous")
# Per live record whether it has a counterpart by this flow, or in the other system at all.
_PAIRED = (
    sa.text(
        "select r.entity, r.key, r.values, "
        "exists (select from talk.member m join talk.member o using (division, cluster_id) "
        "  where m.division = r.division and m.entity = r.entity and m.key = r.key and m.deleted_at is null "
        "  and o.deleted_at is null and o.entity = :other) as here, "
        "exists (select from talk.member m join talk.member o using (division, cluster_id) "
        "  where m.division = r.division and m.entity = r.entity and m.key = r.key and m.deleted_at is null "
        "  and o.deleted_at is null and split_part(o.entity, '.', 1) <> split_part(m.entity, '.', 1)) as anywhere, "
        "not exists (select from talk.match_key k where k.division = r.division and k.entity = r.entity "
        "  and k.key = r.key and k.flow = :flow) and not (r.values ? 'join' and :joins) as keyless, "
        "exists (select from talk.hold h where h.division = r.division and h.entity = r.entity and h.key = r.key "
        "  and h.kind = any(:kinds)) as ambiguous "
        "from talk.record r where r.division = :division and r.entity = :entity and r.deleted_at is null"
    )
    .columns(
        sa.column("entity"),
        sa.column("key"),
        sa.column("values", JSONB),
        *(sa.column(name, sa.Boolean) for name in _FLAGS),
    )
    .cte("paired")
)
_ALONE = ~_PAIRED.c.anywhere
_SIDE = sa.select(
    sa.func.count().label("records"),
    sa.func.count().filter(_PAIRED.c.here).label("matched"),
    sa.func.count().filter(_PAIRED.c.anywhere, ~_PAIRED.c.here).label("elsewhere"),
    sa.func.count().filter(_ALONE).label("unmatched"),
    sa.func.count().filter(_ALONE, _PAIRED.c.ambiguous).label("ambiguous"),
    sa.func.count().filter(_ALONE, _PAIRED.c.keyless).label("without_key"),
)
_WITHOUT_KEY = (
    sa.select(_PAIRED.c.entity, _PAIRED.c.key, _PAIRED.c["values"])
    .where(_ALONE, _PAIRED.c.keyless)
    .order_by(_PAIRED.c.key)
)
_HELD = sa.text(
    "select h.entity, h.key, h.kind, h.reason, h.property, h.value, r.values from talk.hold h "
    "left join talk.record r using (division, entity, key) "
    "where h.division = :division and h.kind <> all(:notes) order by h.entity, h.kind, h.reason, h.key"
)
_DIFFERENCES = sa.text(
    "select subject, property, split_part(winner, '/', 1) as winner, split_part(loser, '/', 1) as loser, rule, "
    "count(*) as count, (array_agg(jsonb_build_object('winner', winner, 'value', after, 'loser', loser, "
    "'loser_value', loser_value) order by id))[1] as example "
    "from talk.history where division = :division and run = :run and kind = 'decision' and loser is not null "
    "group by 1, 2, 3, 4, 5 order by 1, 6 desc, 2, 3, 4"
)
_UNDECIDED = sa.text(
    "select subject, property, '' as winner, '' as loser, 'manual' as rule, count(*) as count, "
    "(array_agg(jsonb_build_object('winner', (claims->0->>'entity') || '/' || (claims->0->>'key'), "
    "'value', claims->0->>'value', 'loser', (claims->1->>'entity') || '/' || (claims->1->>'key'), "
    "'loser_value', claims->1->>'value') order by id))[1] as example "
    "from talk.conflict where division = :division and resolved_at is null group by 1, 2 order by 1, 2"
)
_PLANNED = sa.text(
    "select o.entity, count(*) filter (where operation = 'create' and state in ('owed', 'waiting')) as creates, "
    "count(*) filter (where operation = 'update' and state in ('owed', 'waiting')) as updates, "
    "count(*) filter (where operation = 'delete' and state in ('owed', 'waiting')) as deletes, "
    "coalesce(sum(v.filled) filter (where operation = 'update' and state <> 'person'), 0)::int as filled, "
    "coalesce(sum(v.replaced) filter (where operation = 'update' and state <> 'person'), 0)::int as replaced, "
    "coalesce(sum(v.cleared) filter (where operation = 'update' and state <> 'person'), 0)::int as cleared, "
    "count(*) filter (where state = 'waiting') as waiting, count(*) filter (where state = 'person') as by_hand "
    "from talk.owed o cross join lateral (select "
    "  count(*) filter (where p.value <> '' and not o.expected ? p.key) as filled, "
    "  count(*) filter (where p.value <> '' and o.expected ? p.key) as replaced, "
    "  count(*) filter (where p.value = '') as cleared from jsonb_each_text(o.values) p) v "
    "where o.division = :division group by o.entity order by o.entity"
)


def criteria(connection: sa.Connection, division: str, flow: Flow) -> dict[str, int]:
    """How many pairs of a flow there are by each criterion."""
    at = {"division": division, "customerp": flow.customerp, "exact": flow.exact}
    return {str(name): int(number) for name, number in connection.execute(_CRITERIA, at)}


def side(connection: sa.Connection, division: str, name: str, flow: Flow, entity: str) -> dict[str, Any]:
    """The numbers of one entity of a flow, see `report.Side`."""
    row = connection.execute(_SIDE, _at(division, name, flow, entity)).one()
    return {"entity": entity, **row._mapping}


def without_key(connection: sa.Connection, division: str, name: str, flow: Flow, entity: str) -> list[Row]:
    """`entity, key, values` of records that no criterion of the flow can match and that have no counterpart."""
    return _rows(connection, _WITHOUT_KEY, _at(division, name, flow, entity))


def held(connection: sa.Connection, division: str) -> list[Row]:
    """`entity, key, kind, reason, property, value, values` of what is held back."""
    return _rows(connection, _HELD, {"division": division, "notes": list(_NOTES)})


def differences(connection: sa.Connection, division: str, run: str) -> list[Row]:
    """What the run decided against somebody, see `report.Difference`."""
    return _rows(connection, _DIFFERENCES, {"division": division, "run": run})


def undecided(connection: sa.Connection, division: str) -> list[Row]:
    """What a person has to decide, see `report.Difference`."""
    return _rows(connection, _UNDECIDED, {"division": division})


def planned(connection: sa.Connection, division: str) -> list[Row]:
    """What is owed per entity, see `report.Planned`."""
    return _rows(connection, _PLANNED, {"division": division})


def _at(division: str, name: str, flow: Flow, entity: str) -> dict[str, Any]:
    (other,) = (each for each in flow.entities if each != entity)
    joins = flow.join is not None and flow.join.entity == entity
    return {
        "division": division,
        "flow": name,
        "entity": entity,
        "other": other,
        "joins": joins,
        "kinds": list(AMBIGUOUS_KINDS),
    }


def _rows(connection: sa.Connection, query: sa.Executable, values: Mapping[str, Any]) -> list[Row]:
    return [dict(row) for row in connection.execute(query, values).mappings()]
