"""What tests of orders set up, and how they read what an order left behind."""

from collections import defaultdict
from itertools import count
from typing import Any

from talk_assets.cycle.context import Cycle
from talk_assets.orders.desk import desk
from talk_assets_tests.cycle.harness import Values, World

_NUMBERS = count(10_000_000)


def at_desk(world: World) -> Cycle:
    """Where orders are given."""
    at = world.installation
    return desk(at.ledger, at.division, at.mappings, at.capabilities)


def number() -> str:
    """A registration number that nobody has."""
    return str(next(_NUMBERS))


def pair(world: World, **values: Any) -> tuple[str, str]:
    """A customer and the account that a sync linked it with, as `entity/key`."""
    customer = world.add("customerp.customer", **{"Name": "Jansen", "OrganizationNumber": number(), **values})
    world.sync()
    account = world.twin("customerp.customer", customer, "exact.accounts")
    return f"customerp.customer/{customer}", f"exact.accounts/{account}"


def show(world: World, name: str) -> Values:
    """A record in clear; None for what it does not hold."""
    entity, _, key = name.partition("/")
    return defaultdict(lambda: None, world.show(entity, key))


def edit(world: World, name: str, **values: Any) -> None:
    """Edit a record as a user."""
    entity, _, key = name.partition("/")
    world.edit(entity, key, **values)


def linked(world: World, *names: str) -> bool:
    """Whether records are in one cluster."""
    return len({world.cluster(*name.split("/", 1)) for name in names}) == 1


def given(world: World, order: str, name: str) -> list[Values]:
    """What history says of orders about a record."""
    entity, _, key = name.partition("/")
    return world.rows(
        "select run, cluster_id, property, before, after, winner, detail->>'who' as who, detail from talk.history "
        "where kind = 'person' and rule = :order and entity = :entity and key = :key order by id",
        order=order,
        entity=entity,
        key=key,
    )
