"""Systems in memory that people edit, and the cycle around the engine: read, settle, decide, plan, deliver.

Every system stores what it is sent in its own way (shortened, rounded, laid out differently) and has its own clock.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from talk_assets.mappings.capabilities import Capabilities
from talk_assets.mappings.model import Subject
from talk_assets.sync.columns import arrow, series
from talk_assets.sync.compare import comparable, shortened
from talk_assets.sync.decide import decide
from talk_assets.sync.frames import Golden
from talk_assets.sync.plan import plan
from talk_assets.sync.settle import settle
from talk_assets_tests.sync.build import Agreed, Cluster, Member, Text, frames, moment, pointing

# What a system makes of a text that it is sent.
Store = Callable[[str], str]
# A property of a record: number of its cluster, entity, property.
Place = tuple[int, str, str]


@dataclass
class Record:
    """A record in its system: what it holds, and when it last changed by the system's clock."""

    values: dict[str, Text]
    modified: int


@dataclass
class Event:
    """A value that a person gave a property, as the platform first read it.

    Attributes:
        typed_over: whether a person replaced it while it was still there to be seen. That loses nothing; a value that
            one of our writes replaced has to be told.
    """

    number: int
    entity: str
    name: str
    value: str
    typed_over: bool = False


@dataclass
class Simulation:
    """Some clusters, each with at most one record in every system.

    Attributes:
        subject: the mapping.
        capabilities: what the entities can take.
        stores: entity to what it makes of the texts it is sent.
        clocks: entity to the seconds that its clock is ahead.
        systems: entity to the records, by the number of their cluster.
        ledger: what is remembered of each cluster.
        history: rows of all decisions.
        disputed: clusters and properties that a person has to decide.
        edits: what was read of people's edits.
        unread: values that people gave since the last read.
        visible: the edits that records still show, untouched by our writes.
        writes: how many records were written in the last round.
    """

    subject: Subject
    capabilities: Capabilities
    stores: Mapping[str, Store] = field(default_factory=dict)
    clocks: Mapping[str, int] = field(default_factory=dict)
    systems: dict[str, dict[int, Record]] = field(default_factory=dict)
    ledger: dict[int, Cluster] = field(default_factory=dict)
    history: list[pd.DataFrame] = field(default_factory=list)
    disputed: set[tuple[int, str]] = field(default_factory=set)
    edits: list[Event] = field(default_factory=list)
    unread: dict[Place, Text] = field(default_factory=dict)
    visible: dict[Place, Event] = field(default_factory=dict)
    writes: int = 0
    now: int = 0

    def edit(self, entity: str, number: int, name: str, value: Text) -> None:
        """A person gives a property of a record another value; the record is made when it is not there."""
        self.now += 1
        at = self.now + self.clocks.get(entity, 0)
        record = self.systems.setdefault(entity, {}).setdefault(number, Record({}, at))
        if record.values.get(name) != value:
            record.values[name], record.modified = value, at
            self.unread[number, entity, name] = value
            if (shown := self.visible.pop((number, entity, name), None)) is not None:
                shown.typed_over = True

    def sync(self, *, failing: frozenset[str] = frozenset(), meanwhile: Callable[[], None] | None = None) -> None:
        """One round; writes to failing entities do not arrive, and people can edit between reading and writing."""
        self.now += 1
        self._read()
        members, golden = frames(self.subject, self.ledger)
        settled = {entity: settle(self.subject, entity, frame)[0] for entity, frame in members.items()}
        decision = decide(
            self.subject,
            settled,
            golden,
            capabilities=self.capabilities,
            clusters_of=pointing(),
            now=moment(self.now),
        )
        self.history.append(decision.history)
        open_claims = decision.conflicts
        self.disputed = set(zip(open_claims["cluster_id"], open_claims["property"], strict=True))
        planned = plan(
            self.subject,
            decision.accounted,
            decision.golden,
            capabilities=self.capabilities,
            clusters_of=pointing(),
            gone=pd.DataFrame({"cluster_id": [], "entity": []}),
            held=pd.Index([], dtype="int64"),
            open_conflicts=decision.conflicts,
            defaults={},
        )
        self._remember(decision.golden)
        for entity, accounted in decision.accounted.items():
            bases, sent, times = rows(accounted.base), rows(accounted.sent), seconds(accounted.times)
            for number in bases:
                member = self.ledger[number].members[entity]
                member.base, member.sent, member.times = bases[number], sent[number], times[number]
        if meanwhile is not None:
            meanwhile()
        self.writes = 0
        for entity, owed in planned.owed.items():
            if entity not in failing:
                for number, values in rows(owed.values).items():
                    self._write(entity, number, values)

    def _read(self) -> None:
        for place, value in self.unread.items():
            if value is not None:
                self.visible[place] = Event(*place, value)
                self.edits.append(self.visible[place])
        self.unread.clear()
        for entity, records in self.systems.items():
            for number, record in records.items():
                cluster = self.ledger.setdefault(number, Cluster({}))
                member = cluster.members.setdefault(entity, Member({}))
                member.current, member.modified = dict(record.values), record.modified

    def _remember(self, golden: Golden) -> None:
        values, winners, times = rows(golden.values), rows(golden.winners), seconds(golden.times)
        for number, agreed in values.items():
            names = {name: who for name, who in winners[number].items() if who}
            self.ledger[number].golden = Agreed(agreed, times[number], names)

    def _write(self, entity: str, number: int, values: Mapping[str, Text]) -> None:
        self.now += 1
        cluster, known = self.ledger[number], self.ledger[number].members.get(entity)
        record = self.systems.setdefault(entity, {}).get(number)
        if record is not None and (known is None or record.values != known.current):
            # The target moved, or appeared, since it was read: decided again in the next round.
            return
        if record is None:
            record = self.systems[entity][number] = Record({}, 0)
        member = cluster.members.setdefault(entity, Member({}))
        store = self.stores.get(entity, str)
        for name, value in values.items():
            self.visible.pop((number, entity, name), None)
            record.values[name] = (store(value) or None) if value else None
            member.base[name], member.sent[name] = value or None, value or None
            member.times[name] = cluster.golden.times.get(name, self.now)
        record.modified = self.now + self.clocks.get(entity, 0)
        self.writes += 1

    def agreed(self, number: int) -> dict[str, Text]:
        """What is agreed in a cluster."""
        return self.ledger[number].golden.values

    def held(self, entity: str, number: int) -> dict[str, Text]:
        """What a record holds."""
        return {name: value for name, value in self.systems[entity][number].values.items() if value is not None}

    def told(self, number: int, name: str) -> set[str]:
        """Every value of a property that history mentions."""
        found: set[str] = set()
        for rows in self.history:
            mine = rows[rows["cluster_id"].eq(number) & rows["property"].eq(name)]
            for column in ("before", "after", "loser_value"):
                found |= set(mine[column].dropna())
        return found

    def form(self, name: str, value: Text, entity: str | None = None) -> Text:
        """A value in comparable form, as an entity can hold it."""
        row = self.subject.properties[name]
        text = pd.Series([value], dtype="str")
        if entity is not None and row.type == "text":
            text = shortened(text, self.capabilities[entity].properties[row.members[entity].name].max_length)
        found = comparable(series(arrow(text), text.index), row)[0]
        return found if isinstance(found, str) else None


def rows(frame: pd.DataFrame) -> dict[int, dict[str, Text]]:
    """The texts that a frame holds, by the number of the cluster."""
    return {
        int(str(number)): {str(name): value for name, value in row.items() if isinstance(value, str)}
        for number, row in frame.to_dict("index").items()
    }


def seconds(frame: pd.DataFrame) -> dict[int, dict[str, float]]:
    """The times that a frame holds, in seconds after the first, by the number of the cluster."""
    return {
        int(str(number)): {
            str(name): round((at - moment(0)).total_seconds(), 6) for name, at in row.items() if not pd.isna(at)
        }
        for number, row in frame.to_dict("index").items()
    }
