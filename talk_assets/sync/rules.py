"""Whose value wins: claims, and the rules latest, owner, prefer and manual over them; `union` is in `sync.union`."""

from dataclasses import dataclass, replace

import numpy as np

from talk_assets.sync.columns import Flags, Vector
from talk_assets.sync.part import NOTHING, Bools, Matrix
from talk_assets.sync.slots import entity_of
from talk_assets.sync.unit import Unit, named

_NEVER = np.iinfo(np.int64).min
_WORST = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Verdict:
    """The decision about a unit, one row per cluster.

    Attributes:
        winner: column of the winning member, -1 where the agreed value stays.
        at: time of the winning value, microseconds; the smallest number where nobody wins.
        times: time at which each member's claim counts, microseconds.
        disputed: where a person has to decide; nobody wins there.
    """

    winner: Vector
    at: Vector
    times: Matrix
    disputed: Flags


def claims_of(unit: Unit) -> Bools:
    """Which members' values count: changed or never seen, allowed to count, and not empty unless clearing is.

    What a member shows of the agreed value, in the length that it takes, is no claim: it may be our own writing.
    """
    filled = (unit.changed | unit.first_sight) & unit.filled
    cleared = unit.changed & ~unit.filled & unit.clears & unit.golden_filled[:, None]
    claims = unit.active & unit.counts & (filled | cleared)
    for column in range(len(unit.entities)):
        claims[:, column] &= ~unit.shows_golden(column)
    return np.asarray(claims)


def judge(unit: Unit, claims: Bools, times: Matrix) -> Verdict:
    """Decide every cluster by the unit's rule.

    Args:
        unit: the properties that are decided.
        claims: see `claims_of`.
        times: time of each member's last change, microseconds.
    """
    ranks, agreed_rank = _ranks(unit)
    knew = np.array([unit.knew(column) for column in range(len(unit.entities))]).T & claims & ~unit.first_sight
    # Whoever changed the agreed value knowingly did so after it, whatever the clocks say.
    times = np.where(knew, np.maximum(times, unit.golden_times[:, None]), times)
    contenders = claims & _entitled(unit, ranks)
    # Against a member that knew it, the agreed value steps aside; against all others it stands with its own time.
    outdone = (contenders & knew & (ranks[None, :] <= agreed_rank[:, None])).any(axis=1)
    stands = (unit.golden_times != _NEVER) & ~outdone
    # What was cleared before a member joined does not empty that member.
    stands &= unit.golden_filled | ~(contenders & unit.first_sight & unit.filled).any(axis=1)
    if unit.row.rule == "prefer":
        stands &= unit.golden_filled & (unit.golden_from != NOTHING)
    if unit.row.rule in ("owner", "union"):
        stands[:] = False
    winner = _first(contenders, times, ranks, np.where(stands, agreed_rank, _WORST), unit)
    disputed = np.zeros(len(winner), dtype=bool)
    if unit.row.rule == "manual":
        disputed = _disagree(unit, contenders, stands)
        winner = np.where(disputed, NOTHING, winner)
    verdict = Verdict(winner, _chosen(times, winner), times, disputed)
    if unit.row.round is not None:
        return _most_exact(unit, claims & ~disputed[:, None], verdict)
    return _finest(unit, claims & ~disputed[:, None], stands & ~disputed, verdict)


def _chosen(values: Matrix, column: Vector) -> Vector:
    """The value in each row's column; the smallest number where the row has none."""
    if values.shape[1] == 0:
        return np.full(len(values), _NEVER, dtype=np.int64)
    taken = values[np.arange(len(values)), np.maximum(column, 0)]
    return np.where(column >= 0, taken, _NEVER)


def _ranks(unit: Unit) -> tuple[Vector, Vector]:
    """Place of each entity, and of each agreed value, in the order of `owner` and `prefer`; equal for other rules.

    Entities that the order does not name come last, in the order of the mapping.
    """
    count = len(unit.entities)
    if unit.row.rule not in ("owner", "prefer"):
        return np.zeros(count, dtype=np.int64), np.zeros(len(unit.present), dtype=np.int64)
    order = unit.row.order
    places = [[at for at, name in enumerate(order) if named([name], entity)] for entity in unit.entities]
    # Records of one entity rank the same.
    others = list(dict.fromkeys(entity_of(entity) for entity in unit.entities))
    last = [len(order) + others.index(entity_of(entity)) for entity in unit.entities]
    ranks = np.array([found[0] if found else end for found, end in zip(places, last, strict=True)], dtype=np.int64)
    return ranks, np.append(ranks, _WORST)[unit.golden_from]


def _entitled(unit: Unit, ranks: Vector) -> Bools:
    """Whose claims can win: with an owner only those of the first-ranked entities that the cluster has."""
    if unit.row.rule != "owner":
        return np.ones(unit.present.shape, dtype=bool)
    there = np.where(unit.present & unit.active & unit.counts, ranks[None, :], _WORST)
    return np.asarray(there == there.min(axis=1, initial=_WORST)[:, None])


def _first(contenders: Bools, times: Matrix, ranks: Vector, agreed_rank: Vector, unit: Unit) -> Vector:
    """The best-ranked, among equals the latest, of the claims and the agreed value (rank `_WORST`: not in the contest).

    Of equal times the agreed value wins, then the entities in the order that breaks ties.
    """
    level = np.where(contenders, ranks[None, :], _WORST)
    best = np.minimum(level.min(axis=1, initial=_WORST), agreed_rank)
    agreed = np.where((agreed_rank == best) & (best != _WORST), unit.golden_times, _NEVER)
    claimed = np.where(contenders & (level == best[:, None]), np.maximum(times, _NEVER + 1), _NEVER)
    first = np.column_stack([agreed, claimed[:, unit.tie_order]]).argmax(axis=1)
    winner = np.append(NOTHING, unit.tie_order)[first]
    return np.where(contenders.any(axis=1), winner, NOTHING)


def _disagree(unit: Unit, claims: Bools, stands: Flags) -> Flags:
    """Whether claims, and the agreed value where it stands against them, are not all the same."""
    found = np.zeros(len(claims), dtype=bool)
    count = len(unit.entities)
    for one in range(count):
        found |= claims[:, one] & stands & ~_extends_golden(unit, one)
        for other in range(one + 1, count):
            both = claims[:, one] & claims[:, other]
            if both.any():
                found |= both & ~unit.shows(one, other) & ~unit.shows(other, one)
    return found


def _extends_golden(unit: Unit, column: int) -> Flags:
    """Where the agreed value is only the beginning of a newcomer's, because a member takes no more."""
    found = np.zeros(len(unit.present), dtype=bool)
    if unit.cuts:
        for viewer in range(len(unit.entities)):
            if viewer != column:
                found |= unit.present[:, viewer] & unit.shortens_golden(viewer, column)
    return found & unit.first_sight[:, column]


def _most_exact(unit: Unit, claims: Bools, verdict: Verdict) -> Verdict:
    """Among claims that are the same when they are rounded, the one with the most decimals wins."""
    (part,) = unit.parts
    winner = verdict.winner.copy()
    for column in range(len(unit.entities)):
        held = np.where(winner >= 0, _chosen(part.current, winner), NOTHING)
        same = claims[:, column] & (winner >= 0) & (part.forms[part.current[:, column]] == part.forms[held])
        winner[same & (part.lengths[part.current[:, column]] > part.lengths[held])] = column
    return replace(verdict, winner=winner)


def _finest(unit: Unit, claims: Bools, stands: Flags, verdict: Verdict) -> Verdict:
    """Among claims that are the same in the length of the shorter entity, the one with the whole value wins."""
    if not unit.cuts:
        return verdict
    winner, at = verdict.winner.copy(), verdict.at.copy()
    lengths = np.column_stack([unit.fineness(column) for column in range(len(unit.entities))])
    longest = np.where(winner == NOTHING, unit.golden_fineness(), _chosen(lengths, winner))
    for column in range(len(unit.entities)):
        finer = stands & (verdict.winner == NOTHING) & _extends_golden(unit, column)
        since = np.where(finer, unit.golden_times, verdict.at)
        for shown in range(len(unit.entities)):
            if shown != column and (verdict.winner == shown).any():
                finer |= (verdict.winner == shown) & unit.shortens(shown, column)
        finer &= claims[:, column] & (lengths[:, column] > longest)
        winner[finer], longest[finer] = column, lengths[finer, column]
        at[finer] = np.maximum(since, verdict.times[:, column])[finer]
    return replace(verdict, winner=winner, at=at)
