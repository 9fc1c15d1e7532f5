"""The rules of a decision once more: one cluster at a time, plain Python over dictionaries, as the design tells them.

Written from the words of the rules, not from the engine: what both say is probably what was meant.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from talk_assets.mappings.capabilities import Capabilities
from talk_assets.mappings.model import Subject
from talk_assets_tests.sync.build import NOW, Agreed, Cluster, Member, Text
from talk_assets_tests.sync.oracle_facts import NEVER, Facts, named

# The least by which one time is before another.
MOMENT = 1e-6
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


class _Unit(Facts):
    def time(self, entity: str) -> float:
        modified = self.members[entity].modified
        own = NOW if modified is None else modified
        if self.asked(entity):
            # What a person was asked about was there before what changed since.
            news = [self.time(other) for other in self.members if self.claims(other) and not self.first(other)]
            return min([own, *(at - MOMENT for at in news)])
        return max(own, self.golden_time) if self.claims(entity) and self.knew(entity) else own

    def contest(self) -> tuple[str | None, float, bool, bool]:
        """Winner (None: what is agreed stays), its time, whether a person decides, whether the agreed value stands."""
        everyone = [entity for entity in self.entities if entity in self.members and self.claims(entity)]
        contenders = everyone
        if self.row.rule == "owner":
            # An owner that is empty has no say, unless it may clear and does, or what is agreed is its own doing.
            there = [e for e in self.voters() if self.filled(self.members[e].current) or self.claims(e) or self.gave(e)]
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
        if self.row.rule == "latest" and not self.tie_break and self.unknowable(contenders, stands):
            return None, NEVER, True, stands
        candidates: list[tuple[float, float, int, str | None]] = [
            (self.rank(e), -self.time(e), at + 1, e) for at, e in enumerate(self.in_ties()) if e in contenders
        ]
        if not candidates:
            winner, at = None, NEVER
        else:
            if stands:
                candidates.append((golden_rank, -self.golden_time, 0, None))
            _, negative, _, winner = min(candidates, key=lambda each: each[:3])
            at = -negative if winner else NEVER
        return *self.finest(everyone, winner, at, stands), False, stands

    def in_ties(self) -> list[str]:
        """The entities in the order in which they win at one time."""

        def place(entity: str) -> int:
            return next((at for at, name in enumerate(self.tie_break) if named([name], entity)), len(self.tie_break))

        return sorted(self.entities, key=place)

    def unknowable(self, contenders: list[str], stands: bool) -> bool:
        """Whether values contradict each other that were there before, of which no time is known."""
        if any(not self.first(e) for e in contenders):
            return False
        undated = [e for e in contenders if self.members[e].modified is None]
        if self.contradict(undated, agreed=False):
            return True
        asked = any(self.asked(e) for e in contenders)
        if not asked and undated != contenders:
            return False
        if stands and not asked:
            givers = [entity for entity in self.members if self.gave(entity)]
            if not givers or any(self.members[entity].modified is not None for entity in givers):
                return False
        return self.contradict(contenders, agreed=stands)

    def contradict(self, contenders: list[str], *, agreed: bool) -> bool:
        against: list[tuple[Mapping[str, Text], str | None]] = [(self.members[e].current, e) for e in contenders]
        if agreed:
            against.append((self.golden.values, None))
        for one in contenders:
            for theirs, other in against:
                if other is None and self.extends_golden(one):
                    continue
                for name, row in self.rows.items():
                    mine = self.members[one].current
                    if not (self.form(name, mine.get(name)) and self.form(name, theirs.get(name))):
                        continue
                    if one in row.members and self.part_says(one, name, mine, theirs):
                        continue
                    if other and other in row.members and self.part_says(other, name, theirs, mine):
                        continue
                    return True
        return False

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
            parties = list(claims)
            if len(parties) == 1 and self.filled(self.golden.values):
                parties += [
                    entity
                    for entity, member in self.members.items()
                    if entity not in claims
                    and self.gave(entity)
                    and self.says(entity, member.current, self.golden.values)
                ]
            for entity in parties:
                for name in self.held(entity):
                    outcome.conflicts.append((name, f"{entity}/{self.members[entity].key}", self.text(entity, name)))
        for entity, member in self.members.items():
            if disputed and (self.changed(entity) or self.first(entity)):
                if self.row.rule == "latest" and self.first(entity):
                    outcome.members[entity].base.update({name: self.text(entity, name) for name in self.held(entity)})
                continue
            for name in self.held(entity):
                self.account(outcome.golden, outcome.members[entity], member, entity, name)

    def order(self, golden: Agreed, after: Member, member: Member, entity: str, name: str) -> None:
        """An edit that is left comes after what is agreed; what is to be replaced comes before it."""
        if name not in golden.times or self.part_says(entity, name, member.current, golden.values):
            return
        before = member.times.get(name)
        edited = self.part_changed(entity, name)
        # What the owner set was on its way to it.
        late = not self.knew_part(entity, name) and before is not None and before < self.golden.times.get(name, NEVER)
        if name in self.moved or before is None or (edited and (entity in self.owners() or late)):
            after.times[name] = round(min(after.times[name], golden.times[name] - MOMENT), 6)
        elif edited:
            after.times[name] = max(after.times[name], golden.times[name])

    def account(self, golden: Agreed, after: Member, member: Member, entity: str, name: str) -> None:
        after.base[name] = self.text(entity, name)
        if self.part_changed(entity, name) or name not in member.times:
            after.times[name] = NOW if member.modified is None else member.modified
        if self.rows[name].non_owner_edit == "ignore":
            self.order(golden, after, member, entity, name)
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
                    golden.times[name] = self.golden_time
                continue
            before = self.golden.values.get(name) or None
            self.moved.add(name)
            golden.values[name], golden.times[name] = taken[name], round(since, 6)
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
                if self.part_says(entity, name, member.current, {name: after}):
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
