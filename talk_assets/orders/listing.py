"""What waits for a person, with the command that settles it: open conflicts, holds, tripped guards."""

import json
from typing import Any

import pandas as pd

from talk_assets.cycle.context import Cycle
from talk_assets.ledger import guards, notes
from talk_assets.orders.advice import GUARD, resolved_by, settled_by

Row = dict[str, Any]


def list_conflicts(cycle: Cycle) -> list[Row]:
    """Open conflicts: `record, property, kind, subject, since, claims, settle`; a claim has `record, value, time`.

    Those of records that no flow is about now are not among them: nobody can settle them meanwhile.
    """
    mapped = cycle.mappings.with_lines
    with cycle.ledger.begin() as connection:
        found = notes.open_conflicts(connection, cycle.division, mapped)
    rows = []
    for row in found.to_dict("records"):
        claims = [
            {"record": f"{claim['entity']}/{claim['key']}", "value": claim["value"], "time": claim.get("time")}
            for claim in json.loads(row["claims"])
        ]
        record = claims[0]["record"]
        rows.append(
            {
                "record": record,
                "property": row["property"],
                "kind": row["kind"],
                "subject": row["subject"],
                "since": row["since"].isoformat(timespec="seconds"),
                "claims": claims,
                "settle": resolved_by(record, row["property"]),
            }
        )
    return rows


def list_holds(cycle: Cycle, kind: str | None = None) -> list[Row]:
    """What is held: `record, kind, property, reason, value, since, settle`; of a guard, `record` is its entity.

    Args:
        cycle: see `desk`.
        kind: only holds of this kind.
    """
    with cycle.ledger.begin() as connection:
        held = notes.holds(connection, cycle.division, cycle.mappings.with_lines)
        waiting = guards.waiting(connection, cycle.division)
    held = held.assign(record=held["entity"] + "/" + held["key"])
    stops = waiting.assign(record=waiting["entity"], property=waiting["kind"], kind=GUARD, since=waiting["tripped_at"])
    every = pd.concat([stops, held], ignore_index=True)
    if kind is not None:
        every = every[every["kind"].eq(kind)]
    columns = ["record", "kind", "property", "reason", "value", "since"]
    rows = every.reindex(columns=columns).astype("object")
    return [
        {
            **{str(name): value for name, value in row.items()},
            "since": row["since"].isoformat(timespec="seconds"),
            "settle": settled_by(str(row["kind"]), str(row["record"])),
        }
        for row in rows.where(rows.notna(), None).to_dict("records")
    ]
