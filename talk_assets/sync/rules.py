"""Whose value wins: claims, and the rules latest, owner, prefer and manual over them."""

import numpy as np
import pandas as pd

from talk_assets.sync.unit import Bools, Flags, Matrix, Unit, Vector, as_numbers

_NEVER = np.iinfo(np.int64).min
_LARGEST = np.iinfo(np.int64).max


def claims_of(unit: Unit) -> Bools:
    """Which members' values count: changed or never seen, allowed to count, and not empty unless clearing is."""
    counts = np.array([any(e in row.members and row.claims(e) for row in unit.rows.values()) for e in unit.entities])
    clears = np.array([all(_named(row.clear, e) for row in unit.rows.values()) for e in unit.entities])
    empty = unit.current < 0
    filled = (unit.changed | unit.first_sight) & ~empty
    cleared = unit.changed & empty & clears
    # What a member shows of the agreed value, in the length it takes, is no claim against it.
    agrees = (unit.golden_seen_by == unit.current) & (unit.golden >= 0)[:, None]
    return np.asarray(unit.active & counts & (filled | cleared) & ~agrees)


def _named(names: list[str], entity: str) -> bool:
    return entity in names or entity.partition(".")[0] in names


def winners(unit: Unit, claims: Bools, times: Matrix, golden_times: pd.Series) -> tuple[Vector, Flags]:
    """Decide every cluster.

    Args:
        unit: the properties that are decided.
        claims: see `claims_of`.
        times: time of each member's claim, microseconds.
        golden_times: time of the agreed value; set without a value where the property was cleared.

    Returns:
        The column of the winning member, -1 where the agreed value stays; and where a person has to decide.
    """
    nobody = np.zeros(len(claims), dtype=bool)
    rule = unit.row.rule
    if rule == "prefer":
        return _preferred(unit), nobody
    if rule == "owner":
        there = unit.present & unit.active
        owner = np.where(there, -_ranks(unit)[None, :], _NEVER).argmax(axis=1)
        claims = claims & (np.arange(claims.shape[1])[None, :] == owner[:, None])
    # A member that had accounted for the agreed value changed it knowingly: the agreed value steps aside. Against all
    # others it stands with its own time.
    aware = claims & ~unit.first_sight & (unit.coarse_base == unit.coarse_golden[:, None])
    agreed = golden_times.notna().to_numpy(dtype=bool)
    stands = agreed & ~aware.any(axis=1) & (rule != "owner")
    standing = np.where(stands, as_numbers(golden_times), _NEVER)
    # The first of equal times wins: the agreed value, then the entities in the order of the mapping.
    ranked = np.column_stack([standing, np.where(claims, np.maximum(times, _NEVER + 1), _NEVER)])
    winner = np.where(claims.any(axis=1), ranked.argmax(axis=1) - 1, -1)
    disputed = _differ(unit, claims, stands) if rule == "manual" else nobody
    return _finest(unit, claims, np.where(disputed, -1, winner)), disputed


def _preferred(unit: Unit) -> Vector:
    usable = unit.present & unit.active & (unit.current >= 0)
    best = np.where(usable, -_ranks(unit)[None, :], _NEVER).argmax(axis=1)
    agrees = unit.coarse[np.arange(len(best)), best] == unit.coarse_golden
    return np.where(usable.any(axis=1) & ~agrees, best, -1)


def _ranks(unit: Unit) -> Vector:
    """Place of each entity in the rule's order; those not named come last, in the order of the mapping."""
    order = unit.row.order
    ranks = []
    for place, entity in enumerate(unit.entities):
        named = [index for index, name in enumerate(order) if name in (entity, entity.partition(".")[0])]
        ranks.append(named[0] if named else len(order) + place)
    return np.array(ranks, dtype=np.int64)


def _differ(unit: Unit, claims: Bools, stands: Flags) -> Flags:
    """Whether a cluster's claims (and the agreed value, where it stands against them) are not all the same."""
    high = np.where(claims, unit.coarse, -2).max(axis=1)
    low = np.where(claims, unit.coarse, _LARGEST).min(axis=1)
    against = stands & (unit.coarse_golden != high)
    return np.asarray(claims.any(axis=1) & ((high != low) | against))


def _finest(unit: Unit, claims: Bools, winner: Vector) -> Vector:
    """Among claims equal to the winning one in the coarser precision, the one with the finest value."""
    rows = np.arange(len(winner))
    column = np.where(winner >= 0, winner, 0)
    equal = claims & (unit.coarse == unit.coarse[rows, column][:, None])
    finest = np.where(equal, unit.length, -1)
    better = finest.max(axis=1) > finest[rows, column]
    return np.where((winner >= 0) & better, finest.argmax(axis=1), winner)
