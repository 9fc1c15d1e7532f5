"""The rule `union`: of a list stays what was agreed or added by any member, without what any member removed.

Added and removed is meant since the member was last accounted for; at first sight everything is added. What one
member adds and another removes stays. The last item goes only where all who removed some of them may clear.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from talk_assets.sync.columns import Flags, Vector, series, take
from talk_assets.sync.compare import comparable_texts
from talk_assets.sync.frames import NEVER
from talk_assets.sync.items import items_of, text_of
from talk_assets.sync.part import NOTHING, Bools, Matrix, Part, with_texts
from talk_assets.sync.rules import Verdict, judge
from talk_assets.sync.take import Taken
from talk_assets.sync.unit import Unit


def unite(unit: Unit, claims: Bools, times: Matrix, clusters_of: pd.Series) -> tuple[Unit, Verdict, list[Taken]]:
    """Decide every cluster by the rule `union`; the winner is the latest of those who added or removed something.

    Args:
        unit: one property of type list.
        claims: whose edits count, see `sync.rules.claims_of`.
        times: time of each member's last change, microseconds.
        clusters_of: see `sync.decide.decide`.

    Returns:
        The unit with the texts that the rule made, the verdict, and what the property becomes.
    """
    part = unit.parts[0]
    news = np.flatnonzero((unit.changed | unit.first_sight).any(axis=1))
    sets = _Sets(part, news)
    golden = sets.of(part.golden)
    # Where nothing was agreed yet, everything that a member holds is new.
    base = np.where(unit.first_sight | (part.golden_times == NEVER)[:, None], NOTHING, part.base)
    held = [sets.of(part.current[:, column]) for column in range(len(unit.entities))]
    known = [sets.of(base[:, column]) for column in range(len(unit.entities))]
    added = [_without(mine, before) for mine, before in zip(held, known, strict=True)]
    removed = [_without(before, mine) for mine, before in zip(held, known, strict=True)]
    counted_in = [sets.among(keys, claims[news, column]) for column, keys in enumerate(added)]
    counted_out = [sets.among(keys, claims[news, column]) for column, keys in enumerate(removed)]
    merged = np.union1d(_without(golden, _all(counted_out)), _all(counted_in))
    emptied = sets.rows(golden) & ~sets.rows(merged)
    for column, keys in enumerate(counted_out):
        if not unit.clears[column]:
            merged = np.union1d(merged, sets.among(golden, emptied & sets.rows(keys)))
    gives, kept = np.zeros(claims.shape, dtype=bool), np.ones(claims.shape, dtype=bool)
    for column in range(len(unit.entities)):
        new, gone = _without(counted_in[column], golden), np.intersect1d(counted_out[column], golden)
        gives[news, column] = sets.rows(new) | sets.rows(_without(gone, merged))
        lost = _without(added[column], merged), np.intersect1d(removed[column], merged)
        kept[news, column] = ~(sets.rows(lost[0]) | sets.rows(lost[1]))
    verdict = judge(unit, gives, times)
    moved = np.asarray(gives.any(axis=1))
    texts = sets.texts(merged, moved[news]).dictionary_encode()
    places = part.golden.copy()
    # The new texts come after those that are there.
    places[moved] = pc.fill_null(pc.add(texts.indices, len(part.texts)), NOTHING).to_numpy()
    part = with_texts(part, texts.dictionary, clusters_of)
    at = np.where(moved, verdict.at, part.golden_times)
    return replace(unit, parts=[part]), verdict, [Taken(places, np.where(moved, verdict.winner, NOTHING), at, kept)]


def _without(keys: Vector, others: Vector) -> Vector:
    return np.setdiff1d(keys, others, assume_unique=True)


def _all(keys: list[Vector]) -> Vector:
    return np.unique(np.concatenate(keys))


class _Sets:
    """Items of some clusters as sorted numbers: the place of the cluster times the number of items, plus the item's.

    Args:
        part: the property.
        news: places of the clusters.
    """

    def __init__(self, part: Part, news: Vector) -> None:
        self._news = news
        parents, self._items = items_of(part.texts)
        # Item by item as any other text.
        forms = comparable_texts(self._items, part.row.model_copy(update={"type": "text"}))
        numbers, distinct = pd.factorize(series(forms, pd.RangeIndex(len(forms))), sort=True)
        there = numbers >= 0
        self._numbers, self._spelled = numbers[there].astype(np.int64), np.flatnonzero(there)
        # The last row is for no text.
        counts = np.bincount(parents[there], minlength=len(part.texts) + 1)
        self._counts, self._starts = counts, np.cumsum(counts) - counts
        self._size = max(len(distinct), 1)
        self._seen: list[_Spelled] = []

    def of(self, places: Vector) -> Vector:
        """The sets of these texts."""
        counts = self._counts[places[self._news]]
        ends = np.cumsum(counts)
        within = np.arange(counts.sum()) - np.repeat(ends - counts, counts)
        at = np.repeat(self._starts[places[self._news]], counts) + within
        keys, first = np.unique(
            np.repeat(np.arange(len(counts)), counts) * self._size + self._numbers[at], return_index=True
        )
        self._seen.append(_Spelled(keys, self._spelled[at][first]))
        return keys

    def among(self, keys: Vector, where: Flags) -> Vector:
        """Those of the clusters that the flag is set for."""
        return keys[where[keys // self._size]]

    def rows(self, keys: Vector) -> Flags:
        """Which clusters have items."""
        return np.asarray(np.bincount(keys // self._size, minlength=len(self._news)) > 0, dtype=bool)

    def texts(self, keys: Vector, where: Flags) -> pa.Array:
        """The lists of the clusters that the flag is set for, each item as it was spelled first."""
        known = np.concatenate([seen.keys for seen in self._seen])
        spelled = np.concatenate([seen.items for seen in self._seen])
        first, at = np.unique(known, return_index=True)
        wanted = self.among(keys, where)
        items = take(self._items, spelled[at][np.searchsorted(first, wanted)])
        order = np.cumsum(where) - 1
        return text_of(order[wanted // self._size], items, int(where.sum()))


@dataclass(frozen=True)
class _Spelled:
    """Items of clusters and the texts that they were spelled as."""

    keys: Vector
    items: Vector
