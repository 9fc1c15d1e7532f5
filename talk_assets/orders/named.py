"""The records that an order names, as `customerp.customer/cus-1`, and what history keeps of an order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import sqlalchemy as sa

from talk_assets.cycle.context import Cycle
from talk_assets.errors import OrderRefused
from talk_assets.ledger import notes, records
from talk_assets.ledger.clusters import members_of
from talk_assets.ledger.tables import member, record
from talk_assets.mappings.model import Subject


@dataclass(frozen=True)
class Named:
    """A record that an order names.

    Attributes:
        entity: its entity.
        key: its own key.
        subject: its subject.
        deleted: whether it is gone from its system.
        document: of a line: key of its document.
        cluster_id: its cluster; None when it is not linked, not even alone.
    """

    entity: str
    key: str
    subject: Subject
    deleted: bool
    document: str | None
    cluster_id: int | None

    @property
    def at(self) -> tuple[str, str]:
        """Entity and key."""
        return self.entity, self.key

    @property
    def name(self) -> str:
        """As people write it."""
        return f"{self.entity}/{self.key}"


def find(cycle: Cycle, connection: sa.Connection, name: str) -> Named:
    """Look up a record by its name.

    Raises:
        OrderRefused: the name is no record's name, names no entity that is synchronised, or no record that was read.
    """
    entity, slash, key = name.strip().partition("/")
    if not slash or not key:
        raise OrderRefused(f"{name!r} names no record; write it as customerp.customer/KEY.")
    subject = subject_of(cycle, entity)
    found = connection.execute(
        sa.select(record.c.deleted_at, record.c.document, member.c.cluster_id)
        .join_from(
            record,
            member,
            sa.and_(*(member.c[column] == record.c[column] for column in ("division", "entity", "key"))),
            isouter=True,
        )
        .where(record.c.division == cycle.division, record.c.entity == entity, record.c.key == key)
    ).one_or_none()
    if found is None:
        raise OrderRefused(
            f"{entity}/{key} is not known: no run has read a record of {entity} with the key {key}. Check the key with "
            "talk-assets status, or run talk-assets sync first."
        )
    return Named(entity, key, subject, found.deleted_at is not None, found.document, found.cluster_id)


def subject_of(cycle: Cycle, entity: str) -> Subject:
    """The subject of an entity.

    Raises:
        OrderRefused: no mapping names the entity.
    """
    try:
        return cycle.mappings.subject_of(entity)
    except KeyError:
        parts = [part for subject in cycle.mappings.subjects.values() for part in (subject, subject.lines)]
        known = ", ".join(entity for part in parts if part is not None for entity in part.entities)
        raise OrderRefused(f"{entity} is not synchronised; it is one of {known}.") from None


def find_two(cycle: Cycle, connection: sa.Connection, one: str, other: str) -> tuple[Named, Named]:
    """Look up two different records of one subject.

    Raises:
        OrderRefused: as of `find`, or the two can never be the same.
    """
    first, second = find(cycle, connection, one), find(cycle, connection, other)
    if first.at == second.at:
        raise OrderRefused(f"{first.name} is named twice; name two records.")
    if first.subject.subject != second.subject.subject:
        raise OrderRefused(
            f"{first.name} is about {_told(first.subject)} and {second.name} about {_told(second.subject)}: they can "
            "never be the same."
        )
    return first, second


def _told(subject: Subject) -> str:
    return f"the subject {subject.subject}"


def members(cycle: Cycle, connection: sa.Connection, *records: Named) -> pd.DataFrame:
    """`entity, key, cluster_id, origin, deleted, name` of everything in the clusters of the records."""
    numbers = {found.cluster_id for found in records if found.cluster_id is not None}
    found = members_of(connection, cycle.division, pd.Index(sorted(numbers), dtype="int64"))
    return found.assign(name=found["entity"] + "/" + found["key"], deleted=found["deleted"].astype(bool))


def frame_of(*records: Named) -> pd.DataFrame:
    """`entity, key` of records."""
    return pd.DataFrame([found.at for found in records], columns=["entity", "key"], dtype="str")


def reconsider(cycle: Cycle, connection: sa.Connection, *frames: pd.DataFrame) -> None:
    """Have the records `entity, key` that are there decided again by the next run."""
    every = pd.concat([frame[["entity", "key"]] for frame in frames]).drop_duplicates()
    records.reopen(connection, cycle.division, every)


def note(
    cycle: Cycle, connection: sa.Connection, order: str, who: str, subject: str, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Keep an order in history: a row per record that it concerns.

    Args:
        cycle: what the order works with.
        connection: in the order's transaction.
        order: its name.
        who: who gave it.
        subject: what it is about.
        rows: columns of history, all rows with the same ones; `detail` is what was asked besides.
    """
    common = {"subject": subject, "kind": "person", "rule": order}
    complete = [{**common, **row, "detail": {"who": who, **row.get("detail", {})}} for row in rows]
    notes.add_events(connection, cycle.division, complete, cycle.run_id)
