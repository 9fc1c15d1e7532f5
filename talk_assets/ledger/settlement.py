"""What orders look at and change in the ledger: agreed values, bases, conflicts, open inserts, refused debts."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP, insert

from talk_assets.ledger.bulk import json_columns, read_frame
from talk_assets.ledger.keys import among
from talk_assets.ledger.tables import base, conflict, golden, intent, member, owed, record


def open_claims(connection: sa.Connection, division: str, number: int) -> dict[str, dict[str, str | None]]:
    """Per property of a cluster that is in conflict, record (`entity/key`) to the value that it claims."""
    rows = connection.execute(
        sa.select(conflict.c.property, conflict.c.claims).where(
            conflict.c.division == division, conflict.c.cluster_id == number, conflict.c.resolved_at.is_(None)
        )
    )
    found: dict[str, dict[str, str | None]] = {}
    for name, claims in rows:
        mine = found.setdefault(name, {})
        mine.update({f"{claim['entity']}/{claim['key']}": claim["value"] for claim in claims})
    return found


def close_conflict(connection: sa.Connection, number: int, name: str, resolution: str) -> None:
    """Note how the open conflicts of a cluster's property ended."""
    connection.execute(
        sa.update(conflict)
        .values(resolved_at=sa.func.now(), resolution=resolution)
        .where(conflict.c.cluster_id == number, conflict.c.property == name, conflict.c.resolved_at.is_(None))
    )


def held(connection: sa.Connection, division: str, entity: str, key: str) -> dict[str, str]:
    """What a record held when it was last read, canonical."""
    values: dict[str, str] = connection.execute(
        sa.select(record.c["values"]).where(
            record.c.division == division, record.c.entity == entity, record.c.key == key
        )
    ).scalar_one()
    return values


def agreed(connection: sa.Connection, number: int) -> dict[str, str]:
    """What is agreed for a cluster, canonical."""
    values: dict[str, str] = connection.execute(
        sa.select(golden.c["values"]).where(golden.c.cluster_id == number)
    ).scalar_one()
    return values


def agree(connection: sa.Connection, number: int, name: str, value: str | None, winner: str, rule: str) -> str | None:
    """Make a value the agreed one of a cluster's property from now on; what was agreed before.

    It is younger than all that its records were accounted for, also where a system's clock is ahead of ours.

    Args:
        connection: in a transaction.
        number: the cluster.
        name: the property.
        value: the value; None: it was cleared.
        winner: the record (`entity/key`) whose value it is.
        rule: why.
    """
    before = agreed(connection, number).get(name)
    new = {"values": value, "times": _after_all(connection, number, name), "winners": winner, "rules": rule}
    connection.execute(
        sa.update(golden)
        .values({column: _with(golden.c[column], name, given) for column, given in new.items()})
        .where(golden.c.cluster_id == number)
    )
    return before


def account(connection: sa.Connection, division: str, entity: str, key: str, name: str, value: str | None) -> None:
    """Take a record's value of a property into account, so that it counts as an edit no more.

    Args:
        connection: in a transaction.
        division: the division.
        entity: the record's entity.
        key: its key.
        name: the property.
        value: the value that was looked at; None: it was empty.
    """
    given = {} if value is None else {name: value}
    at = {"division": division, "entity": entity, "key": key}
    statement = insert(base).values(**at, values=given, times={name: _now()})
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=list(at),
            set_={
                "values": _with(base.c["values"], name, value),
                "times": _with(base.c.times, name, _now()),
                "sent": _with(base.c.sent, name, None),
            },
        )
    )


def unaccounted_for(connection: sa.Connection, division: str, entity: str, key: str, name: str) -> bool:
    """Whether a record's value of a property was never taken into account."""
    times = connection.execute(
        sa.select(base.c.times).where(base.c.division == division, base.c.entity == entity, base.c.key == key)
    ).scalar_one_or_none()
    return name not in (times or {})


def intents_of(
    connection: sa.Connection, division: str, entity: str, cluster_id: int, properties: Sequence[str]
) -> pd.DataFrame:
    """`id, cluster_id, opened_at` and what was sent, of inserts for a cluster whose outcome is not known."""
    return read_frame(
        connection,
        sa.select(intent.c.id, intent.c.cluster_id, intent.c.opened_at, *json_columns(intent.c["values"], properties))
        .where(
            intent.c.division == division,
            intent.c.entity == entity,
            intent.c.cluster_id == cluster_id,
            intent.c.closed_at.is_(None),
            intent.c.key.is_(None),
        )
        .order_by(intent.c.opened_at),
    )


def inserts_open(connection: sa.Connection, division: str, clusters: Sequence[int]) -> list[str]:
    """The entities into which inserts for some clusters were sent whose outcome is not known."""
    found = connection.execute(
        sa.select(intent.c.entity)
        .distinct()
        .where(
            intent.c.division == division,
            intent.c.cluster_id.in_(among(connection, list(clusters))),
            intent.c.closed_at.is_(None),
            intent.c.key.is_(None),
        )
        .order_by(intent.c.entity)
    )
    return list(found.scalars())


def send_again(
    connection: sa.Connection, division: str, clusters: pd.Index | None
) -> Sequence[sa.Row[tuple[int, str, int, str, str, str]]]:
    """Have refused debts sent again at once; `cluster_id, entity, slot, key, operation, reason` of those refused.

    Args:
        connection: in a transaction.
        division: the division.
        clusters: only theirs, and also those of them that were to be tried again later; None: all refused ones.
    """
    refused = owed.c.state == "dead"
    later = sa.and_(owed.c.state == "owed", owed.c.next_try.is_not(None))
    which = (
        refused if clusters is None else sa.and_(refused | later, owed.c.cluster_id.in_(among(connection, clusters)))
    )
    names = ("cluster_id", "entity", "slot", "key", "operation", "reason")
    found = connection.execute(
        sa.select(*(owed.c[name] for name in names)).where(owed.c.division == division, which).with_for_update()
    ).all()
    connection.execute(
        sa.update(owed)
        .values(state="owed", reason="", attempts=0, next_try=None)
        .where(
            owed.c.division == division,
            sa.tuple_(owed.c.cluster_id, owed.c.entity, owed.c.slot).in_(
                [(row.cluster_id, row.entity, row.slot) for row in found]
            ),
        )
    )
    return found


def _with(column: sa.ColumnElement[Any], name: str, value: str | None) -> sa.ColumnElement[Any]:
    """An object of JSON with a name's value replaced, or without it."""
    left = column.op("-")(sa.cast([name], ARRAY(sa.Text)))
    return left if value is None else left.op("||")(sa.func.jsonb_build_object(name, value))


def _after_all(connection: sa.Connection, number: int, name: str) -> str:
    """A time after everything that the records of a cluster were accounted for in a property; now, if that is later."""
    at = sa.cast(sa.type_coerce(base.c.times, JSONB)[name].astext, TIMESTAMP(timezone=True))
    same_record = sa.and_(*(base.c[column] == member.c[column] for column in ("division", "entity", "key")))
    youngest = connection.execute(
        sa.select(sa.func.max(at)).join_from(member, base, same_record).where(member.c.cluster_id == number)
    ).scalar_one()
    now = pd.Timestamp.now("UTC")
    return _text(now if youngest is None else max(now, pd.Timestamp(youngest) + pd.Timedelta(microseconds=1)))


def _now() -> str:
    return _text(pd.Timestamp.now("UTC"))


def _text(moment: pd.Timestamp) -> str:
    return moment.tz_convert("UTC").isoformat(timespec="microseconds")
