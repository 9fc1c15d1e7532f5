"""How the two records of one thing come to differ: what is where, spelt how, and changed when."""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Literal

from talk_assets.sandbox.seed.model import Pair, Values
from talk_assets.sandbox.seed.source import Source

Place = Literal["both", "customerp", "exact"]
# Of what Customerp has alone, this share again exists in Exact alone.
_EXACT_ONLY = 0.2
_SHARE_WITH_LOSS = 0.3
_SHARE_WITH_DRIFT = 0.35


def places(source: Source, count: int, overlap: float) -> list[Place]:
    """Where each of so many things is recorded, shuffled: `count` of them in Customerp, the rest in Exact only."""
    both = round(count * overlap)
    counts: dict[Place, int] = {"both": both, "customerp": count - both, "exact": exact_only(count, both)}
    planned = [place for place, times in counts.items() for _ in range(times)]
    source.random.shuffle(planned)
    return planned


def exact_only(count: int, both: int) -> int:
    """How many things only Exact has, beside `count` that Customerp has and `both` of these that Exact has too."""
    return round((count - both) * _EXACT_ONLY)


def in_exact(values: Values, names: Mapping[str, str]) -> Values:
    """Customerp's properties under the names that Exact has for them."""
    return {exact: values.get(own) for own, exact in names.items()}


def lose(source: Source, pair: Pair, names: Mapping[str, str], candidates: Sequence[str]) -> None:
    """In some pairs, empty a property on one side.

    Args:
        source: chance.
        pair: a shared pair; changed in place.
        names: Customerp's property name to Exact's.
        candidates: Customerp's names of the properties that may be missing.
    """
    if pair.customerp is None or pair.exact is None or not source.chance(_SHARE_WITH_LOSS):
        return
    for name in source.random.sample(candidates, min(len(candidates), source.pick((1, 1, 2)))):
        if source.chance(0.5):
            pair.customerp.values[name] = None
        else:
            pair.exact.values[names[name]] = None


def drift(
    source: Source, pair: Pair, names: Mapping[str, str], candidates: Mapping[str, Callable[[], str | None]]
) -> None:
    """In some pairs, give one side another value; which one is newer follows from the records' times.

    Args:
        source: chance.
        pair: a shared pair; changed in place.
        names: Customerp's property name to Exact's.
        candidates: Customerp's name of a property to what makes another value for it.
    """
    if pair.customerp is None or pair.exact is None or not source.chance(_SHARE_WITH_DRIFT):
        return
    for name in source.random.sample(list(candidates), min(len(candidates), source.pick((1, 1, 2)))):
        value = candidates[name]()
        if source.chance(0.5):
            pair.customerp.values[name] = value
        else:
            pair.exact.values[names[name]] = value


def respell(source: Source, values: Values, share: float, ways: Mapping[str, Callable[[str, Random], str]]) -> None:
    """Write some of the properties another way; the value stays the same for a person who reads it."""
    for name, way in ways.items():
        value = values.get(name)
        if value and source.chance(share):
            values[name] = way(value, source.random)
