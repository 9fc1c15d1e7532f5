"""What the ledger says of records: what they are linked to, and why they are held or not written."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from talk_assets.cycle.linking import AMBIGUOUS
from talk_assets.ledger.database import Ledger
from talk_assets.ledger.tables import hold, member, owed, run

Place = tuple[str, str]
# How a link is called that came to be by our own insert, see `talk.member`.
INSERT = "insert"


@dataclass(frozen=True)
class Links:
    """Clusters of the records asked about.

    Attributes:
        clusters: entity and key to number.
        members: number to the records of the cluster that are there.
        reasons: number to sentences: why something of it is held, or owed and not written.
        ambiguous: the records that are held as it cannot be told which belong together.
        by_hand: numbers and entities of what waits to be entered by a person.
        inserted: the records of these clusters that were created since the checklist's first run.
        loose: records that belong to no cluster to sentences: why they are held.
    """

    clusters: dict[Place, int]
    members: dict[int, list[Place]]
    reasons: dict[int, list[str]]
    ambiguous: set[Place]
    by_hand: set[tuple[int, str]]
    inserted: set[Place]
    loose: dict[Place, list[str]] = field(default_factory=dict)

    def counterparts(self, entity: str, key: str, other: str) -> list[str]:
        """The keys of a record's counterparts in another entity."""
        number = self.clusters.get((entity, key))
        return [] if number is None else [k for e, k in self.members.get(number, []) if e == other]

    def created(self, entity: str, key: str, other: str) -> list[str]:
        """Those that were created since the checklist began; another one is somebody else's, however it was linked."""
        return [each for each in self.counterparts(entity, key, other) if (other, each) in self.inserted]

    def told(self, places: Iterable[Place]) -> list[str]:
        """Why something about records is held or owed."""
        found: list[str] = []
        for place in places:
            found += self.loose.get(place, [])
            if place in self.clusters:
                found += self.reasons.get(self.clusters[place], [])
        return list(dict.fromkeys(found))


def read_links(ledger: Ledger, division: str, places: Sequence[Place], runs: Sequence[str] = ()) -> Links:
    """Look records up in the ledger.

    Args:
        ledger: the state.
        division: under which it is stored.
        places: entity and key.
        runs: ids of the runs that the checklist started.
    """
    keys = sorted({key for _, key in places})
    with ledger.begin() as connection:
        found = _members(connection, division, places, keys)
        since = _since(connection, division, runs)
        held = connection.execute(
            sa.select(hold.c.entity, hold.c.key, hold.c.kind, hold.c.property, hold.c.reason).where(
                hold.c.division == division, hold.c.key == _any(sorted({*keys, *(row.key for row in found)}), sa.Text())
            )
        ).all()
        debts = connection.execute(
            sa.select(owed.c.cluster_id, owed.c.entity, owed.c.state, owed.c.reason).where(
                owed.c.division == division,
                owed.c.cluster_id == _any(sorted({row.cluster_id for row in found}), sa.BigInteger()),
            )
        ).all()
    clusters = {(row.entity, row.key): row.cluster_id for row in found}
    members: dict[int, list[Place]] = {}
    for row in found:
        if row.deleted_at is None:
            members.setdefault(row.cluster_id, []).append((row.entity, row.key))
    reasons: dict[int, list[str]] = {}
    loose: dict[Place, list[str]] = {}
    asked = {*places, *clusters}
    holds = [row for row in held if (row.entity, row.key) in asked]
    for row in holds:
        place, text = (row.entity, row.key), f"{row.entity}/{row.key} is held ({row.kind}): {row.reason}"
        if place in clusters:
            reasons.setdefault(clusters[place], []).append(text)
        else:
            loose.setdefault(place, []).append(text)
    for row in debts:
        reasons.setdefault(row.cluster_id, []).append(f"{row.entity} is owed ({row.state}): {row.reason}")
    return Links(
        clusters,
        members,
        reasons,
        {(row.entity, row.key) for row in holds if row.kind == AMBIGUOUS},
        {(row.cluster_id, row.entity) for row in debts if row.state == "person"},
        {(row.entity, row.key) for row in found if row.origin == INSERT and row.linked_run in since},
        loose,
    )


def _since(connection: sa.Connection, division: str, runs: Sequence[str]) -> set[str]:
    """These runs, and those that others, such as sensors, began meanwhile: they create counterparts as well."""
    began = sa.select(sa.func.min(run.c.started_at)).where(run.c.division == division, run.c.run_id.in_(runs))
    asked = sa.select(run.c.run_id).where(run.c.division == division, run.c.started_at >= began.scalar_subquery())
    return {*runs, *connection.execute(asked).scalars()}


def _members(
    connection: sa.Connection, division: str, places: Sequence[Place], keys: Sequence[str]
) -> list[sa.Row[tuple[str, str, int, str, str, datetime | None]]]:
    """All records of the clusters that the records belong to."""
    mine = sa.select(member.c.cluster_id).where(member.c.division == division, member.c.key == _any(keys, sa.Text()))
    found = connection.execute(
        sa.select(
            member.c.entity,
            member.c.key,
            member.c.cluster_id,
            member.c.origin,
            member.c.linked_run,
            member.c.deleted_at,
        )
        .where(member.c.division == division, member.c.cluster_id.in_(mine))
        .order_by(member.c.linked_at, member.c.key)
    ).all()
    # Other people's records of another kind may have the same keys.
    wanted = set(places)
    ours = {row.cluster_id for row in found if (row.entity, row.key) in wanted}
    return [row for row in found if row.cluster_id in ours]


def _any(values: Sequence[object], kind: sa.types.TypeEngine[Any]) -> sa.ColumnElement[Any]:
    return sa.any_(sa.literal(list(values), sa.ARRAY(kind)))
