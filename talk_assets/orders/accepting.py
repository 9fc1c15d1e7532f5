"""`accept`: let pass what a guard stopped, or have a counterpart created for a record that was unlinked."""

import pandas as pd

from talk_assets.cycle.context import Cycle
from talk_assets.errors import OrderRefused
from talk_assets.ledger import guards, notes
from talk_assets.ledger.contested import BY_US, keep
from talk_assets.ledger.former import UNLINKED
from talk_assets.orders.named import find, frame_of, members, note, reconsider, subject_of

ACCEPT = "accept"


def accept(cycle: Cycle, entity: str, kind: str | None, who: str) -> list[str]:
    """Let what a guard stopped pass once; the next run does it.

    Args:
        cycle: see `desk`.
        entity: the entity whose step the guard stopped.
        kind: which guard, as `volume`; None: all that tripped for the entity.
        who: who takes the responsibility.

    Returns:
        What each guard had seen.

    Raises:
        OrderRefused: the entity is not synchronised, or no such guard waits.
    """
    subject = subject_of(cycle, entity).subject
    with cycle.ledger.begin() as connection:
        found = guards.accept(connection, cycle.division, entity, kind, who)
        if not found:
            waiting = guards.waiting(connection, cycle.division)
            names = ", ".join(waiting["entity"] + " (" + waiting["kind"] + ")") or "none"
            of_kind = f" of kind {kind}" if kind is not None else ""
            raise OrderRefused(f"No guard{of_kind} waits for {entity}. Guards that wait: {names}.")
        details = [{"guard": row.kind, "reason": row.reason, "seen": row.seen} for row in found]
        note(cycle, connection, ACCEPT, who, subject, [{"entity": entity, "detail": detail} for detail in details])
    return [f"{row.kind}: {row.reason}" for row in found]


def accept_creation(cycle: Cycle, record: str, who: str) -> None:
    """Let a counterpart be created for a record that was unlinked by hand.

    Args:
        cycle: see `desk`.
        record: the record, as `customerp.customer/cus-1`.
        who: who says so.

    Raises:
        OrderRefused: the record is not known, or was not unlinked.
    """
    with cycle.ledger.begin() as connection:
        found = find(cycle, connection, record)
        held = notes.holds_of(connection, cycle.division, frame_of(found), [UNLINKED])
        if held.empty:
            raise OrderRefused(f"{found.name} is not held as unlinked: there is nothing to accept.")
        nothing = pd.DataFrame(columns=["entity", "key", "kind", "property", "reason", "value"], dtype="str")
        notes.replace_holds(connection, cycle.division, frame_of(found), [UNLINKED], nothing, cycle.run_id)
        # To let something be created says nothing about what is gone: the record is not deleted for it.
        known = members(cycle, connection, found)
        if (known["deleted"] & known["origin"].ne(BY_US)).any():
            keep(connection, cycle.division, known[known["name"].eq(found.name)], found.subject.subject, cycle.run_id)
        reconsider(cycle, connection, frame_of(found))
        at = {"cluster_id": found.cluster_id, "entity": found.entity, "key": found.key}
        detail = {"creation": True, "unlinked_from": " and ".join(held["value"].astype("str"))}
        note(cycle, connection, ACCEPT, who, found.subject.subject, [{**at, "detail": detail}])
