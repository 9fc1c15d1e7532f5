"""The open conflicts of a case, and what a person takes in one."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from talk_assets.cycle.context import Cycle
from talk_assets_tests.scenarios.conditions import text_of
from talk_assets_tests.scenarios.words import SYSTEMS, NotExpressible, plain

_DELETED = {"delete", "deleted", "deletion", "the delete", "the deletion", "remove", "gone"}
_EDITED = {"edit", "edited", "the edit", "keep", "restore", "update", "recreate"}
_UNCLEAR = {"both", "neither", "base", "agreed", "newest", "latest", "oldest", "newer", "older"}


@dataclass(frozen=True)
class Conflict:
    """An open conflict.

    Attributes:
        cluster: number of the cluster.
        kind: what kind it is.
        property: the property, or `record`.
        claims: record, as `entity/key`, to what it claims.
        members: all records of the cluster, those with claims first.
    """

    cluster: int
    kind: str
    property: str
    claims: dict[str, str | None]
    members: list[str]

    def told(self) -> str:
        """In words."""
        return f"{self.kind} of {self.property} ({', '.join(self.claims)})"


def open_conflicts(cycle: Cycle) -> list[Conflict]:
    """The conflicts that wait for a person."""
    with cycle.ledger.begin() as connection:
        rows = connection.execute(
            sa.text(
                "select cluster_id, kind, property, claims from talk.conflict"
                " where division = :division and resolved_at is null order by id"
            ),
            {"division": cycle.division},
        ).all()
        members = connection.execute(
            sa.text("select cluster_id, entity || '/' || key as name from talk.member where division = :division"),
            {"division": cycle.division},
        ).all()
    found = []
    for row in rows:
        told = json.loads(row.claims) if isinstance(row.claims, str) else row.claims
        claims = {f"{each['entity']}/{each['key']}": each.get("value") for each in told}
        others = [each.name for each in members if each.cluster_id == row.cluster_id and each.name not in claims]
        found.append(Conflict(row.cluster_id, row.kind, row.property, claims, [*claims, *sorted(others)]))
    return found


def chosen(conflict: Conflict, take: Any, name_of: Callable[[str], str]) -> str | None:
    """What a person takes: a record, or a value.

    Args:
        conflict: the conflict.
        take: a side, a record, `edit` or `delete` where a record was edited here and deleted there, or a value.
        name_of: from `side/type/id` to `entity/key`.

    Raises:
        NotExpressible: it does not decide the conflict.
    """
    if isinstance(take, dict) and set(take) == {"value"}:
        take = take["value"]
    if take is None or str(take) in conflict.members:
        return None if take is None else str(take)
    said = plain(take)
    if said in SYSTEMS:
        return _of_side(conflict, said)
    if conflict.property == "record":
        wanted = "deleted" if said in _DELETED else "edited" if said in _EDITED else None
        found = [name for name, value in conflict.claims.items() if value == wanted]
        if not found:
            raise NotExpressible(f"operator: take {take!r} does not decide {conflict.told()}")
        return found[0]
    bare = [name for name in conflict.members if name.partition("/")[2] == str(take)]
    if len(bare) == 1 and str(take) not in map(str, conflict.claims.values()):
        return bare[0]
    if (isinstance(take, dict | list) and not isinstance(take, list)) or said in _UNCLEAR:
        raise NotExpressible(f"operator: take {take!r} names neither a record nor a value")
    return "\n".join(map(str, take)) if isinstance(take, list) else text_of(take)


def _of_side(conflict: Conflict, side: str) -> str:
    """The record of a side: one that claims something, otherwise the one that there is."""
    own = [name for name in conflict.members if name.startswith(f"{SYSTEMS[side]}.")]
    claiming = [name for name in own if name in conflict.claims]
    values = {conflict.claims[name] for name in claiming}
    found = claiming if claiming and len(values) == 1 else [] if claiming else own
    if not found or (not claiming and len(own) > 1):
        raise NotExpressible(f"operator: take {side}: which of {', '.join(own) or 'none'} in {conflict.told()}?")
    return found[0]
