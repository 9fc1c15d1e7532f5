"""The rule `union` once more: plain Python sets, one cluster at a time, as its words tell it."""

from collections.abc import Mapping
from dataclasses import dataclass

from talk_assets.mappings.model import Property
from talk_assets_tests.sync.build import NOW, Agreed, Cluster, Member, Text
from talk_assets_tests.sync.oracle_facts import named

NAME = "tags"


@dataclass(frozen=True)
class United:
    """What is agreed, who gave it and when, and who lost something under which rule."""

    items: frozenset[str]
    winner: Text
    at: float | None
    losers: list[tuple[str, str]]


def items_of(values: Mapping[str, Text]) -> frozenset[str]:
    """The items of a list, in lower case."""
    return frozenset((values.get(NAME) or "").lower().split("\n")) - {""}


class Say:
    """What a member says about a list."""

    def __init__(self, row: Property, entity: str, member: Member, golden: Agreed) -> None:
        agreed, before = items_of(golden.values), items_of(member.base)
        self.member, self.held = member, items_of(member.current)
        self.first = NAME not in member.times
        self.changed = not self.first and self.held != before
        self.emptied = self.changed and not self.held
        self.clears = named(row.clear, entity)
        base = frozenset[str]() if self.first or NAME not in golden.times else before
        self.added, self.removed = self.held - base, base - self.held
        news = self.held and (self.changed or self.first)
        clearing = self.emptied and self.clears and agreed
        self.counts = bool(row.claims(entity) and (news or clearing) and not (agreed and self.held == agreed))
        sent = items_of(member.sent)
        self.knew = not self.first and (before == agreed or bool(sent and sent == agreed))


def unite(row: Property, cluster: Cluster) -> United:
    """Decide a cluster whose members all hold the list."""
    golden = cluster.golden
    agreed, since = items_of(golden.values), golden.times.get(NAME)
    says = {e: Say(row, e, cluster.members[e], golden) for e in row.members if e in cluster.members}
    counting = [say for say in says.values() if say.counts]
    merged = agreed.difference(*(say.removed for say in counting)).union(*(say.added for say in counting))
    if agreed and not merged and any(say.removed and not say.clears for say in counting):
        merged = agreed
    gives = {
        entity: max(say.member.modified if say.member.modified is not None else NOW, (since or 0) if say.knew else 0)
        for entity, say in says.items()
        if say.counts and (say.added - agreed or (say.removed & agreed) - merged)
    }
    winner = max(gives, key=lambda entity: gives[entity]) if gives else None
    at = gives[winner] if winner else since
    losers = []
    for entity, say in says.items():
        held_anew = say.held and (say.first or say.changed or since is None)
        told = row.writes(entity) == "always" and (merged or (at is not None and row.clear))
        if (say.added - merged or say.removed & merged) and (held_anew or say.emptied) and (say.counts or told):
            rule = row.rule if row.claims(entity) else row.direction
            losers.append((entity, "empty never wins" if say.emptied and not say.clears else rule))
    return United(merged, f"{winner}/1" if winner else golden.winners.get(NAME), at, sorted(losers))
