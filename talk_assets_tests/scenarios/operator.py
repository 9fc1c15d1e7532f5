"""What the person in charge of the platform does in a case."""

from collections.abc import Callable

from talk_assets.cycle.context import Cycle
from talk_assets.ledger.people import store_block
from talk_assets.orders.accepting import accept
from talk_assets.orders.linking import link
from talk_assets.orders.resolving import resolve
from talk_assets.orders.unlinking import unlink
from talk_assets_tests.scenarios.case import SYSTEMS, Case, NotExpressible, Values

WHO = "operator"


def store_blocked(case: Case, cycle: Cycle, name_of: Callable[[str], str]) -> None:
    """Store the pairs that were ruled out before the case begins."""
    with cycle.ledger.begin() as connection:
        for one, other in case.blocked:
            first, second = (tuple(name_of(str(member)).split("/", 1)) for member in (one, other))
            store_block(connection, cycle.division, (first[0], first[1]), (second[0], second[1]), WHO)


def give_order(cycle: Cycle, event: Values, name_of: Callable[[str], str]) -> None:
    """Carry an order out.

    Args:
        cycle: a run.
        event: the event, with `operator`.
        name_of: from `side/type/id` to `entity/key`.

    Raises:
        NotExpressible: the order is unknown.
    """
    order = event["operator"]
    members = [name_of(str(member)) for member in event.get("members") or []]
    if order in ("split", "unlink", "block"):
        first, *others = members
        for other in others:
            unlink(cycle, first, other, WHO)
    elif order in ("link", "unblock"):
        first, *others = members
        for other in others:
            link(cycle, first, other, WHO)
    elif order == "resolve":
        record = next(iter(members), None) or name_of(str(event.get("member") or event.get("of")))
        take = event["take"]
        if take in SYSTEMS:
            take = next(name for name in members if name.startswith(f"{SYSTEMS[take]}."))
        elif isinstance(take, str) and take.count("/") > 1:
            take = name_of(take)
        resolve(cycle, record, str(event["property"]), "" if take is None else str(take), WHO)
    elif order == "accept":
        place = str(event.get("guard") or event.get("type") or event.get("at") or event.get("feed"))
        accept(cycle, name_of(f"{place}/-").rpartition("/")[0], None, WHO)
    else:
        raise NotExpressible(f"unknown order {event}")
