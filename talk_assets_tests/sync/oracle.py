"""The rules of a decision once more: one cluster at a time, plain Python over dictionaries, as the design tells them.

Written from the words of the rules, not from the engine: what both say is probably what was meant.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from talk_assets.mappings.capabilities import Capabilities
from talk_assets.mappings.model import Property, Subject
from talk_assets_tests.sync.build import NOW, Agreed, Cluster, Member, Text

NEVER = float("-inf")
History = tuple[str, Text, Text, Text, Text, Text, str]


@dataclass
class Outcome:
    """What is agreed, what is remembered of each member, who lost what, what is left to a person."""

    golden: Agreed
    members: dict[str, Member]
    history: list[History] = field(default_factory=list)
    conflicts: list[tuple[str, str, Text]] = field(default_factory=list)


def judge(subject: Subject, cluster: Cluster, capabilities: Capabilities, references: Mapping[str, str]) -> Outcome:
    """Decide one cluster."""
    outcome = Outcome(
        Agreed(*(dict(each) for each in vars(cluster.golden).values())),
        {
            entity: Member(dict(m.current), m.modified, dict(m.base), dict(m.times), dict(m.sent), m.key)
            for entity, m in cluster.members.items()
        },
    )
    groups: dict[str, list[str]] = {}
    for name, row in subject.properties.items():
        if row.direction != "match":
            groups.setdefault(row.group or f"alone {name}", []).append(name)
    for names in groups.values():
        _Unit(subject, names, cluster, capabilities, references).decide(outcome)
    return outcome


class _Unit:
    def __init__(
        self,
        subject: Subject,
        names: list[str],
        cluster: Cluster,
        capabilities: Capabilities,
        references: Mapping[str, str],
    ) -> None:
        self.rows = {name: subject.properties[name] for name in names}
        self.row = next(iter(self.rows.values()))
        self.cluster, self.capabilities, self.references = cluster, capabilities, references
        self.entities = [e for e in subject.entities if any(e in row.members for row in self.rows.values())]
        self.members = {e: cluster.members[e] for e in self.entities if e in cluster.members}
        self.golden = cluster.golden
        golden_times = [self.golden.times[name] for name in names if name in self.golden.times]
        self.golden_time: float = max(golden_times, default=NEVER)

    # What a value says.

    def form(self, name: str, text: Text) -> Text:
        row = self.rows[name]
        if not text:
            return None
        if row.to is not None:
            return self.references.get(text, text)
        how = "ignore_case" if row.compare == "exact" and row.type in ("email", "country", "currency") else row.compare
        text = unicodedata.normalize("NFC", text)
        if how != "exact":
            text = text.lower()
        if how == "compact":
            text = re.sub(r"\s", "", text)
        elif how == "alphanumeric":
            text = "".join(c for c in text if c.isalnum())
        elif how == "digits":
            text = re.sub("[^0-9]", "", text)
        elif row.type == "text":
            text = re.sub(r"[^\S\n]+", " ", text).strip()
        return text or None

    def cut(self, name: str, text: Text, entity: str) -> Text:
        row = self.rows[name]
        limit = self.capabilities[entity].properties[row.members[entity].name].max_length
        return text[:limit].rstrip() if text and limit and row.type == "text" else text

    def says(self, entity: str, held: Mapping[str, Text], other: Mapping[str, Text]) -> bool:
        """Whether what an entity holds is the other, as far as the entity can hold it."""
        return all(self._part_says(entity, name, held, other) for name in self.held(entity))

    def same(self, one: Mapping[str, Text], other: Mapping[str, Text], names: list[str]) -> bool:
        return all(self.form(name, one.get(name)) == self.form(name, other.get(name)) for name in names)

    def filled(self, values: Mapping[str, Text]) -> bool:
        return any(self.form(name, values.get(name)) for name in self.rows)

    # Who has a say.

    def held(self, entity: str) -> list[str]:
        return [name for name, row in self.rows.items() if entity in row.members]

    def first(self, entity: str) -> bool:
        return not any(name in self.members[entity].times for name in self.held(entity))

    def changed(self, entity: str) -> bool:
        return not self.first(entity) and any(self.part_changed(entity, name) for name in self.held(entity))

    def part_changed(self, entity: str, name: str) -> bool:
        member = self.members[entity]
        return self.form(name, member.current.get(name)) != self.form(name, member.base.get(name))

    def active(self, entity: str) -> bool:
        def applies(when: Text, unless: Text) -> bool:
            return when in self.cluster.members if when else unless not in self.cluster.members

        held = [row.members[entity] for row in self.rows.values() if entity in row.members]
        return any(applies(member.when, member.unless) for member in held)

    def counts(self, entity: str) -> bool:
        return any(entity in row.members and row.claims(entity) for row in self.rows.values())

    def claims(self, entity: str) -> bool:
        member = self.members[entity]
        if not (self.active(entity) and self.counts(entity)):
            return False
        if self.filled(self.golden.values) and self.says(entity, member.current, self.golden.values):
            return False
        if self.filled(member.current):
            return self.changed(entity) or self.first(entity)
        may_clear = all(named(row.clear, entity) for row in self.rows.values())
        return self.changed(entity) and may_clear and self.filled(self.golden.values)

    def knew(self, entity: str) -> bool:
        """Whether the member had accounted for what is agreed, or for what it made of it."""
        member = self.members[entity]
        if self.first(entity):
            return False
        for name in self.held(entity):
            alone = {name: self.golden.values.get(name)}
            accounted = [member.base, *([member.sent] if member.sent.get(name) else [])]
            if not any(self._part_says(entity, name, each, alone) for each in accounted):
                return False
        return True

    def _part_says(self, entity: str, name: str, held: Mapping[str, Text], other: Mapping[str, Text]) -> bool:
        whole, cut = other.get(name), self.cut(name, other.get(name), entity)
        return self.form(name, held.get(name)) in (self.form(name, whole), self.form(name, cut))

    # Who wins.

    def rank(self, entity: str) -> int:
        if self.row.rule not in ("owner", "prefer"):
            return 0
        places = [at for at, name in enumerate(self.row.order) if named([name], entity)]
        return places[0] if places else len(self.row.order) + self.entities.index(entity)

    def golden_entity(self) -> str | None:
        """The present entity that the agreed value came from."""
        youngest = max(self.rows, key=lambda name: self.golden.times.get(name, NEVER))
        entity = (self.golden.winners.get(youngest) or "").partition("/")[0]
        return entity if entity in self.members else None

    def time(self, entity: str) -> float:
        modified = self.members[entity].modified
        own = NOW if modified is None else modified
        return max(own, self.golden_time) if self.claims(entity) and self.knew(entity) else own

    def length(self, values: Mapping[str, Text]) -> int:
        return sum(len(text) for name in self.rows if (text := self.form(name, values.get(name))))

    def contest(self) -> tuple[str | None, float, bool, bool]:
        """Winner (None: what is agreed stays), its time, whether a person decides, whether the agreed value stands."""
        everyone = [entity for entity in self.entities if entity in self.members and self.claims(entity)]
        contenders = everyone
        if self.row.rule == "owner":
            there = [e for e in self.members if self.active(e) and self.counts(e)]
            best = min((self.rank(e) for e in there), default=0)
            contenders = [e for e in everyone if self.rank(e) == best]
        prefer, source = self.row.rule == "prefer", self.golden_entity()
        golden_rank = (self.rank(source) if source else float("inf")) if prefer else 0
        stands = self.golden_time != NEVER and self.row.rule != "owner"
        if any(self.knew(e) and self.rank(e) <= golden_rank for e in contenders):
            stands = False
        if not self.filled(self.golden.values):
            newcomer = any(self.first(e) and self.filled(self.members[e].current) for e in contenders)
            stands = stands and not newcomer and not prefer
        if prefer and source is None:
            stands = False
        if self.row.rule == "manual" and self.disagree(contenders, stands):
            return None, NEVER, True, stands
        candidates: list[tuple[float, float, int, str | None]] = [
            (self.rank(e), -self.time(e), at + 1, e) for at, e in enumerate(self.entities) if e in contenders
        ]
        if not candidates:
            winner, at = None, NEVER
        else:
            if stands:
                candidates.append((golden_rank, -self.golden_time, 0, None))
            _, negative, _, winner = min(candidates, key=lambda each: each[:3])
            at = -negative if winner else NEVER
        return *self.finest(everyone, winner, at, stands), False, stands

    def disagree(self, contenders: list[str], stands: bool) -> bool:
        for one in contenders:
            if stands and not self.extends_golden(one):
                return True
            for other in contenders:
                mine, theirs = self.members[one].current, self.members[other].current
                if not self.says(one, mine, theirs) and not self.says(other, theirs, mine):
                    return True
        return False

    def extends_golden(self, entity: str) -> bool:
        """Whether what is agreed is what some other member can hold of this newcomer's value, and holds."""
        if not self.first(entity) or not self.filled(self.golden.values):
            return False
        mine = self.members[entity].current
        for other, member in self.members.items():
            if other == entity:
                continue
            held = self.same(member.current, self.golden.values, self.held(other))
            shortened = all(
                self.form(n, self.golden.values.get(n))
                in (
                    self.form(n, mine.get(n)),
                    self.form(n, self.cut(n, mine.get(n), other) if other in row.members else mine.get(n)),
                )
                for n, row in self.rows.items()
            )
            shortened = shortened and not self.same(mine, self.golden.values, list(self.rows))
            if held and shortened:
                return True
        return False

    def finest(self, everyone: list[str], winner: str | None, at: float, stands: bool) -> tuple[str | None, float]:
        found, since = winner, at
        longest = self.length(self.members[winner].current if winner else self.golden.values)
        for entity in everyone:
            mine = self.members[entity].current
            if winner is not None:
                theirs = self.members[winner].current
                finer = self.says(winner, theirs, mine) and not self.same(theirs, mine, self.held(winner))
            else:
                finer = stands and self.extends_golden(entity)
            if finer and self.length(mine) > longest:
                longest, found = self.length(mine), entity
                since = max(at if winner is not None else self.golden_time, self.time(entity))
        return found, since

    # What it comes to.

    def decide(self, outcome: Outcome) -> None:
        claims = [e for e in self.entities if e in self.members and self.claims(e)]
        winner, at, disputed, _ = self.contest()
        if not disputed:
            self.take(outcome, claims, winner, at)
            self.note_losers(outcome, claims)
        else:
            for entity in claims:
                for name in self.held(entity):
                    outcome.conflicts.append((name, f"{entity}/{self.members[entity].key}", self.text(entity, name)))
        for entity, member in self.members.items():
            if disputed and (self.changed(entity) or self.first(entity)):
                continue
            for name in self.held(entity):
                self.account(outcome.members[entity], member, entity, name)

    def text(self, entity: str, name: str) -> Text:
        return self.members[entity].current.get(name) or None

    def account(self, after: Member, member: Member, entity: str, name: str) -> None:
        after.base[name] = self.text(entity, name)
        if self.part_changed(entity, name) or name not in member.times:
            after.times[name] = NOW if member.modified is None else member.modified
        sent = member.sent.get(name)
        arrived = self.form(name, sent) == self.form(name, member.current.get(name))
        if sent and (self.part_changed(entity, name) or arrived):
            after.sent[name] = None

    def take(self, outcome: Outcome, claims: list[str], winner: str | None, at: float) -> None:
        golden, known = outcome.golden, bool(self.cluster.golden.times)
        whole = {n: self.golden.values.get(n) or None for n in self.rows}
        if winner is not None:
            whole = {n: self.text(winner, n) if self.form(n, self.text(winner, n)) else None for n in self.rows}
        givers: dict[str, tuple[str | None, float]] = {n: (winner, at) for n in self.rows}
        refused: set[str] = set()
        taken = dict(whole)
        if len(self.rows) > 1 and (self.filled(whole) or winner is None):
            self.complete(taken, givers, refused, whole, claims, winner)
        for name, (giver, since) in givers.items():
            row = self.rows[name]
            if winner is not None and giver == winner and not self.form(name, taken[name]):
                clearable = named(row.clear, winner)
                gave_up = name in refused or self.emptied(winner, name) or self.cleared(name)
                if len(self.rows) > 1 and self.filled(whole) and not (clearable and gave_up):
                    continue
            if giver is None:
                if name in refused and name not in self.golden.times:
                    golden.times[name] = int(self.golden_time)
                continue
            before = self.golden.values.get(name) or None
            golden.values[name], golden.times[name] = taken[name], int(since)
            golden.winners[name] = f"{giver}/{self.members[giver].key}"
            golden.rules[name] = self.row.rule
            if known and before != taken[name]:
                outcome.history.append((name, before, taken[name], golden.winners[name], None, None, self.row.rule))

    def emptied(self, entity: str, name: str) -> bool:
        member = self.members[entity]
        return bool(self.form(name, member.base.get(name))) and not self.form(name, member.current.get(name))

    def cleared(self, name: str) -> bool:
        return name in self.golden.times and not self.form(name, self.golden.values.get(name))

    def complete(
        self,
        taken: dict[str, Text],
        givers: dict[str, tuple[str | None, float]],
        refused: set[str],
        whole: Mapping[str, Text],
        claims: list[str],
        winner: str | None,
    ) -> None:
        offers: list[tuple[str | None, Mapping[str, Text]]] = [(None, self.golden.values)] if winner else []
        offers += [(entity, self.members[entity].current) for entity in claims if entity != winner]
        for giver, values in offers:
            fits = all(
                not self.form(n, whole[n])
                or not self.form(n, values.get(n))
                or self.form(n, whole[n]) == self.form(n, values.get(n))
                for n in self.rows
            )
            for name, row in self.rows.items():
                if self.form(name, taken[name]) or not self.form(name, values.get(name)):
                    continue
                if giver is not None and not (giver in row.members and row.claims(giver)):
                    continue
                clearable = named(row.clear, winner) if winner else bool(row.clear)
                stale = (
                    giver is not None
                    and self.cleared(name)
                    and not self.first(giver)
                    and not self.part_changed(giver, name)
                )
                given_up = winner is not None and self.emptied(winner, name)
                if clearable and (not fits or given_up or stale):
                    refused.add(name)
                    continue
                taken[name] = values[name]
                givers[name] = (giver, self.time(giver) if giver else NEVER)

    def note_losers(self, outcome: Outcome, claims: list[str]) -> None:
        golden = outcome.golden
        for entity, member in self.members.items():
            if not self.active(entity):
                continue
            for name in self.held(entity):
                row, after = self.rows[name], golden.values.get(name) or None
                if self._part_says(entity, name, member.current, {name: after}):
                    continue
                mine = self.form(name, member.current.get(name))
                emptied = self.changed(entity) and self.emptied(entity, name)
                news = self.first(entity) or self.part_changed(entity, name) or name not in self.golden.times
                if not emptied and not (mine and news):
                    continue
                clearing = not self.form(name, after) and name in golden.times and bool(row.clear)
                replaced = (bool(self.form(name, after)) or clearing) and self.written(row, entity)
                if not replaced and not (entity in claims and row.claims(entity)):
                    continue
                rule = self.row.rule
                if not row.claims(entity):
                    rule = row.direction if row.direction != "both" else "claims"  # type: ignore[assignment]
                lost = "empty never wins" if emptied and not named(row.clear, entity) else str(rule)
                outcome.history.append(
                    (
                        name,
                        self.golden.values.get(name) or None,
                        after,
                        golden.winners.get(name),
                        f"{entity}/{member.key}",
                        self.text(entity, name),
                        lost,
                    )
                )

    def written(self, row: Property, entity: str) -> bool:
        capability = self.capabilities[entity]
        possible = capability.properties[row.members[entity].name].write == "always" or capability.read_only is not None
        return row.writes(entity) == "always" and possible


def named(names: list[str], entity: str | None) -> bool:
    """Whether a list of entities and systems names an entity."""
    return entity is not None and (entity in names or entity.partition(".")[0] in names)
