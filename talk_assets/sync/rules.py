"""Whose value wins: claims, and the rules latest, owner, prefer and manual over them; `union` is in `sync.union`."""

from dataclasses import dataclass, replace

import numpy as np

from talk_assets.sync.columns import Flags, Vector
from talk_assets.sync.frames import NEVER
from talk_assets.sync.part import NOTHING, Bools, Matrix
from talk_assets.sync.slots import entity_of
from talk_assets.sync.unit import Unit, named

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
    cleared = unit.changed & ~unit.filled & unit.clears & (unit.golden_filled[:, None] | unit.answered)
    claims = unit.active & unit.counts & (filled | cleared)
    for column in range(len(unit.entities)):
        claims[:, column] &= ~unit.shows_golden(column)
    return np.asarray(claims)


def judge(unit: Unit, claims: Bools, times: Matrix, *, dated: Bools | None = None) -> Verdict:
    """Decide every cluster by the unit's rule.

    Args:
        unit: the properties that are decided.
        claims: see `claims_of`.
        times: time of each member's last change, or of reading it, microseconds.
        dated: whether it is the time of a change; by default everywhere.
    """
    ranks, agreed_rank = _ranks(unit)
    knew = np.array([unit.knew(column) for column in range(len(unit.entities))]).T & ~unit.first_sight
    # Whoever changed the agreed value knowingly, or what a person was asked about, did so after it, whatever the clocks
    # say.
    knew = claims & (knew | unit.answered)
    times = np.where(knew, np.maximum(times, unit.golden_times[:, None]), times)
    times = _asked_first(unit, claims, times)
    contenders = claims & _entitled(unit, ranks, claims)
    # Against a member that knew it, the agreed value steps aside; against all others it stands with its own time.
    outdone = (contenders & knew & (ranks[None, :] <= agreed_rank[:, None])).any(axis=1)
    stands = (unit.golden_times != NEVER) & ~outdone
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
    elif unit.row.rule == "latest" and not unit.ties_named and dated is not None:
        disputed = _undated(unit, contenders, stands, dated)
    winner = np.where(disputed, NOTHING, winner)
    verdict = Verdict(winner, _chosen(times, winner), times, disputed)
    if unit.row.round is not None:
        return _most_exact(unit, claims & ~disputed[:, None], verdict)
    return _finest(unit, claims & ~disputed[:, None], stands & ~disputed, verdict)


def _chosen(values: Matrix, column: Vector) -> Vector:
    """The value in each row's column; the smallest number where the row has none."""
    if values.shape[1] == 0:
        return np.full(len(values), NEVER, dtype=np.int64)
    taken = values[np.arange(len(values)), np.maximum(column, 0)]
    return np.where(column >= 0, taken, NEVER)


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


def owners(unit: Unit) -> Bools:
    """Where a member is of the first-ranked entities that the cluster has: with the rule `owner` it decides."""
    return _first_ranked(unit, _ranks(unit)[0], unit.present)


def _entitled(unit: Unit, ranks: Vector, claims: Bools) -> Bools:
    """Whose claims can win: with an owner only those of the first-ranked entities that have a say.

    An empty owner has one where it may clear and does, and where what is agreed, or that it was cleared, is its own
    doing. One that never held anything has none: empty never beats a value.
    """
    if unit.row.rule != "owner":
        return np.ones(unit.present.shape, dtype=bool)
    return _first_ranked(unit, ranks, unit.filled | claims | unit.gave())


def _first_ranked(unit: Unit, ranks: Vector, among: Bools) -> Bools:
    there = np.where(unit.present & unit.active & unit.counts & among, ranks[None, :], _WORST)
    return np.asarray((there == there.min(axis=1, initial=_WORST)[:, None]) & (there != _WORST))


def _first(contenders: Bools, times: Matrix, ranks: Vector, agreed_rank: Vector, unit: Unit) -> Vector:
    """The best-ranked, among equals the latest, of the claims and the agreed value (rank `_WORST`: not in the contest).

    Of equal times the agreed value wins, then the entities in the order that breaks ties.
    """
    level = np.where(contenders, ranks[None, :], _WORST)
    best = np.minimum(level.min(axis=1, initial=_WORST), agreed_rank)
    agreed = np.where((agreed_rank == best) & (best != _WORST), unit.golden_times, NEVER)
    claimed = np.where(contenders & (level == best[:, None]), np.maximum(times, NEVER + 1), NEVER)
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


def _asked_first(unit: Unit, claims: Bools, times: Matrix) -> Matrix:
    """The times at which claims count: what a person was asked about was there before whatever changed since."""
    if not unit.asked.any():
        return times
    first = np.where(claims & ~unit.first_sight, times, _WORST).min(axis=1, initial=_WORST)
    return np.where(unit.asked, np.minimum(times, first[:, None] - 1), times)


def _undated(unit: Unit, claims: Bools, stands: Flags, dated: Bools) -> Flags:
    """Where values that were there before we looked contradict each other, and no time says which is later.

    The time at which somebody's value was read first is none; neither is that of an agreed value which came from such a
    record. A record for whose value a person was asked gets none by our writing something else to it.
    """
    found = claims.any(axis=1) & ~(claims & ~unit.first_sight).any(axis=1)
    if not found.any():
        return np.asarray(found)
    asked = (claims & unit.asked).any(axis=1)
    gave = unit.gave() & unit.present
    guessed = (gave & ~dated).any(axis=1) & ~(gave & dated).any(axis=1)
    untold = (asked | ~(claims & dated).any(axis=1)) & (asked | ~stands | guessed)
    contradicted = untold & _contradict(unit, claims, stands)
    # Beside one that has a time, two that have none still contradict each other.
    return np.asarray(found & (contradicted | _contradict(unit, claims & ~dated, np.zeros_like(stands))))


def _contradict(unit: Unit, claims: Bools, stands: Flags) -> Flags:
    """Whether claims, or the agreed value where it stands, have different values of a property: empty is none."""
    found = np.zeros(len(claims), dtype=bool)
    for one in range(len(unit.entities)):
        finer = _extends_golden(unit, one)
        for part in unit.parts:
            mine = part.forms[part.current[:, one]]
            unlike = (mine >= 0) & (part.forms[part.golden] >= 0) & ~part.shows(one, part.golden)
            found |= claims[:, one] & stands & unlike & ~finer
            for other in range(one + 1, len(unit.entities)):
                theirs = part.forms[part.current[:, other]]
                same = part.shows(one, part.current[:, other]) | part.shows(other, part.current[:, one])
                found |= claims[:, one] & claims[:, other] & (mine >= 0) & (theirs >= 0) & ~same
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
