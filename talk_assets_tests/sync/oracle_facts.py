"""What there is to decide about, of one cluster: plain questions about its members and what is agreed."""

import re
import unicodedata
from collections.abc import Mapping

from talk_assets.mappings.capabilities import Capabilities
from talk_assets.mappings.model import Property, Subject
from talk_assets_tests.sync.build import Cluster, Text

NEVER = float("-inf")


def named(names: list[str], entity: str | None) -> bool:
    """Whether a list of entities and systems names an entity."""
    return entity is not None and (entity in names or entity.partition(".")[0] in names)


class Facts:
    """Properties that are decided together, of one cluster: what its members hold and held, and what is agreed."""

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
        self.tie_break = subject.tie_break
        self.moved: set[str] = set()
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
        return all(self.part_says(entity, name, held, other) for name in self.held(entity))

    def same(self, one: Mapping[str, Text], other: Mapping[str, Text], names: list[str]) -> bool:
        return all(self.form(name, one.get(name)) == self.form(name, other.get(name)) for name in names)

    def filled(self, values: Mapping[str, Text]) -> bool:
        return any(self.form(name, values.get(name)) for name in self.rows)

    # Who has a say.

    def held(self, entity: str) -> list[str]:
        return [name for name, row in self.rows.items() if entity in row.members]

    def first(self, entity: str) -> bool:
        return self.undated(entity) and not self.answered(entity)

    def undated(self, entity: str) -> bool:
        return not any(name in self.members[entity].times for name in self.held(entity))

    def asked(self, entity: str) -> bool:
        """Whether a member still holds what a person was asked about: it is remembered, without a time."""
        return self.first(entity) and self.filled(self.members[entity].base)

    def answered(self, entity: str) -> bool:
        """Whether it was changed since."""
        remembered = self.undated(entity) and self.filled(self.members[entity].base)
        return remembered and any(self.part_changed(entity, name) for name in self.held(entity))

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
        return self.changed(entity) and may_clear and (self.filled(self.golden.values) or self.answered(entity))

    def knew(self, entity: str) -> bool:
        """Whether the member had accounted for what is agreed, or for what it made of it."""
        if self.first(entity) or self.answered(entity):
            return self.answered(entity)
        return all(self.knew_part(entity, name) for name in self.held(entity))

    def knew_part(self, entity: str, name: str) -> bool:
        member, alone = self.members[entity], {name: self.golden.values.get(name)}
        accounted = [member.base, *([member.sent] if member.sent.get(name) else [])]
        return any(self.part_says(entity, name, each, alone) for each in accounted)

    def part_says(self, entity: str, name: str, held: Mapping[str, Text], other: Mapping[str, Text]) -> bool:
        whole, cut = other.get(name), self.cut(name, other.get(name), entity)
        return self.form(name, held.get(name)) in (self.form(name, whole), self.form(name, cut))

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

    def length(self, values: Mapping[str, Text]) -> int:
        return sum(len(text) for name in self.rows if (text := self.form(name, values.get(name))))

    def voters(self) -> list[str]:
        """Whose edits count at all."""
        return [entity for entity in self.members if self.active(entity) and self.counts(entity)]

    def owners(self) -> list[str]:
        """The voters that the order names first."""
        best = min((self.rank(entity) for entity in self.voters()), default=0)
        return [entity for entity in self.voters() if self.rank(entity) == best]

    def gave(self, entity: str) -> bool:
        """Whether something that is agreed, or was cleared, came from a member's entity."""
        winners = [self.golden.winners.get(name) or "" for name in self.rows]
        return any(winner.partition("/")[0] == entity for winner in winners)

    def text(self, entity: str, name: str) -> Text:
        return self.members[entity].current.get(name) or None

    def written(self, row: Property, entity: str) -> bool:
        capability = self.capabilities[entity]
        possible = capability.properties[row.members[entity].name].write == "always" or capability.read_only is not None
        return row.writes(entity) == "always" and possible
