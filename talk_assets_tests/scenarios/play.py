"""A case, played: the events in order, each sync on the real engine and the real ledger."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

import sqlalchemy as sa

from talk_assets.cycle.collect import collect, collect_deletions
from talk_assets.cycle.context import Cycle
from talk_assets.cycle.deliver import confirm, deliver
from talk_assets.cycle.match import match
from talk_assets.cycle.merge import merge
from talk_assets.errors import SystemFault
from talk_assets.ledger.database import Ledger
from talk_assets_tests.scenarios import backup, crash
from talk_assets_tests.scenarios.case import Case, split_member
from talk_assets_tests.scenarios.memory import Killed, Side
from talk_assets_tests.scenarios.operator import Desk, store_blocked
from talk_assets_tests.scenarios.outcome import Outcome, Played
from talk_assets_tests.scenarios.people import People
from talk_assets_tests.scenarios.seed import seed
from talk_assets_tests.scenarios.sources import Source
from talk_assets_tests.scenarios.stores import stores_of, whole_reads
from talk_assets_tests.scenarios.sync_words import SyncWords, sync_words
from talk_assets_tests.scenarios.translate import Translation, translate
from talk_assets_tests.scenarios.troubles import Troubles
from talk_assets_tests.scenarios.words import REMARKS, SYSTEMS, NotExpressible, Values, listed, plain

# What the ledger compares with its clock.
_DATED = {
    "record": ["read_at", "written_at"],
    "owed": ["next_try", "since"],
    "intent": ["opened_at"],
    "cursor": ["updated_at"],
}
_OLD_STATE = re.compile(
    r"\b(?:restor\w+|backup|snapshot|(?:earlier|old|older|previous) state|roll(?:ed)? back|before the (?:first )?run)\b"
)
_NO_STATE = re.compile(
    r"\b(?:without (?:any |its )?state|(?:lost|empty|no) state|"
    r"(?:state|ledger|database) (?:is |was )?(?:lost|empty|gone|wiped|new))\b"
)


class Player:
    """Plays one case on a ledger, in a division of its own.

    Raises:
        NotExpressible: the case says something that cannot be played.
    """

    side_type = Side

    def __init__(self, case: Case, ledger: Ledger) -> None:
        if case.broken:
            raise NotExpressible(case.broken)
        self.case = case
        self.ledger = ledger
        self.now = 0.0
        self.runs = 0
        # What stopped single steps of the syncs.
        self.stopped: list[SystemFault] = []
        self.translation = translate(case)
        self.sides = {side: self._side(side) for side in SYSTEMS}
        self._source = Source(self.sides)
        self._people = People(case, self.translation, self.sides, self._come_to)
        self._troubles = Troubles(case, self.sides, self._people, self._source)
        self._desk = Desk(case, self.translation, self._name, self._look)
        self._crash: crash.Crash | None = None
        # The state before each run.
        self._backups: list[backup.Backup] = []
        for side, types in case.records.items():
            for type_, records in types.items():
                for record in records:
                    self._people.put(side, type_, record)
        seed(case, self.translation, self._cycle(self.translation))
        store_blocked(case, self._cycle(self.translation), self._name)

    def _side(self, side: str) -> Side:
        kinds = [kind for kind in self.translation.kinds.values() if kind.side == side]
        return self.side_type(
            SYSTEMS[side],
            kinds,
            stores_of(self.case, kinds),
            whole_reads=whole_reads(self.case, kinds),
            clock=lambda: self.now,
        )

    def _come_to(self, t: float) -> None:
        self.now = max(self.now, t)

    def _cycle(self, translation: Translation, ledger: Ledger | None = None) -> Cycle:
        return Cycle(
            division=self.case.id,
            run_id=f"sync {self.runs}",
            ledger=ledger or self.ledger,
            mappings=translation.mappings,
            capabilities=translation.capabilities,
            systems={SYSTEMS[side]: system for side, system in self.sides.items()},
            defaults={},
        )

    # Events.

    def play(self) -> Played:
        """Play everything; what came of it."""
        for event in self.case.events:
            self._play(dict(event))
        found = Outcome(self.ledger, self.case.id, self.translation.kinds)
        return Played(
            writes={side: system.writes for side, system in self.sides.items()},
            links=found.links(),
            skipped=found.skipped(),
            conflicts=found.conflicts(),
        )

    def _play(self, event: Values) -> None:
        words = sync_words(event, self.case.types)
        if words is not None:
            self._do(words)
        elif "operator" in event:
            self.runs += 1
            self._desk.give(self._cycle(self.translation), event)
        elif "restart" in event or (
            set(event) & {"restore", "state"} and not any("/" in str(v) for v in event.values())
        ):
            self._restart(event)
        elif not (self._people.act(event) or self._troubles.act(event)):
            raise NotExpressible(f"unknown event {event}")

    def _name(self, member: str) -> str:
        """From `side/type/id` to `entity/key`."""
        side, type_, id_ = split_member(member)
        lines = self.translation.kind_of_lines(side, type_)
        if lines is not None and (type_ == lines.type or "#" in id_.removeprefix("new#")):
            own = self._people.line_of(side, type_, id_)
            return f"{lines.entity}/{own[1] if own else id_}"
        kept = self.sides[side].records.get(type_, {}).get(id_)
        return f"{self.translation.entity_of(side, type_, kept.values if kept else {})}/{id_}"

    def _look(self, cycle: Cycle) -> None:
        """Have the platform read what the systems hold, and decide nothing."""
        for system in cycle.systems:
            collect_deletions(cycle, system)
        for entity in cycle.mappings.entities:
            collect(cycle, entity)

    # Restarts.

    def _restart(self, event: Values) -> None:
        """A new process begins; where the case says so with a state from before, or with none."""
        said = plain(" ".join(f"{word} {value}" for word, value in event.items() if word not in REMARKS))
        if _NO_STATE.search(said):
            backup.restore(self.ledger, self.case.id, backup.NOTHING)
        elif _OLD_STATE.search(said):
            if not self._backups:
                raise NotExpressible(f"{event}: no run has begun, so there is no state from before it")
            backup.restore(self.ledger, self.case.id, self._backups[0 if "first" in said else -1])
        elif words := [f"{word}: {said}" for word, said in event.items() if word != "restart" and said is not True]:
            raise NotExpressible(f"unknown words in restart: {', '.join(words)}")

    # Syncs.

    def _do(self, words: SyncWords) -> None:
        translation = self.translation
        if words.inserts is not None:
            translation = translate(self.case, words.inserts)
        if words.crash is not None:
            moment = crash.moment_of(words.crash)
            self._crash = crash.Crash(moment, self.sides, self._source, self.ledger, self.case.id)
        for _ in range(words.times):
            self.runs += 1
            self._let_time_pass()
            if any(_is_restart(event) for event in self.case.events):
                self._backups.append(backup.take(self.ledger, self.case.id))
            if words.preview:
                with self.ledger.preview() as ledger:
                    self._sync(self._cycle(translation, ledger), words.event)
                continue
            try:
                with self._crash.waiting() if self._crash else nullcontext(), self._edited_before_writing(words.event):
                    self._sync(self._cycle(translation), words.event, words)
            except Killed:
                continue
        if self._crash is not None and not self._crash.struck:
            raise NotExpressible(f"crash: {words.crash}: the sync never came to that moment")
        self._crash = None

    def _let_time_pass(self) -> None:
        """Two hours pass between syncs: what the ledger dated is that much older."""
        with self.ledger.begin() as connection:
            for table, columns in _DATED.items():
                older = ", ".join(f"{column} = {column} - interval '2 hours'" for column in columns)
                connection.execute(
                    sa.text(f"update talk.{table} set {older} where division = :division"),
                    {"division": self.case.id},
                )

    def _sync(self, cycle: Cycle, event: Values, words: SyncWords | None = None) -> None:
        stopped: set[str] = set()
        self._reach(crash.START)
        with self._read_as(words):
            for system in cycle.systems:
                self._try(partial(collect_deletions, cycle, system), stopped, system)
            for entity in cycle.mappings.entities:
                self._try(partial(collect, cycle, entity), stopped, entity)
                self._reach(crash.READING)
        self._reach(crash.READ)
        for name, subject in cycle.mappings.subjects.items():
            for flow in subject.flows:
                match(cycle, flow)
            self._reach(crash.MATCHED)
            with self._crash.deciding() if self._crash else nullcontext():
                merge(cycle, name)
        self._reach(crash.PLANNED)
        for between in listed(event.get("between_read_and_write")):
            self._play(dict(between))
        for system in ("exact", "customerp"):
            for subject in cycle.mappings.subjects.values():
                for entity in subject.entities:
                    if entity.startswith(f"{system}."):
                        self._try(partial(self._give, cycle, entity), stopped, entity)
        self._reach(crash.END)

    def _reach(self, moment: str) -> None:
        if self._crash is not None:
            self._crash.reach(moment)

    @contextmanager
    def _read_as(self, words: SyncWords | None) -> Iterator[None]:
        """Have the feeds of this sync read as it says; what is read to check writes is read as ever."""
        for side, system in self.sides.items():
            system.reading = words.reading[side] if words else "normal"
        try:
            yield
        finally:
            for system in self.sides.values():
                system.reading = "normal"

    def _give(self, cycle: Cycle, entity: str) -> None:
        done = deliver(cycle, entity)
        if done.created or done.updated or done.deleted or done.failed:
            confirm(cycle, entity)

    def _try(self, step: Callable[[], Any], stopped: set[str], name: str) -> None:
        """As a run does: a step that a system stops does not stop the others."""
        try:
            step()
        except SystemFault as error:
            self.stopped.append(error)
            stopped.add(name)

    @contextmanager
    def _edited_before_writing(self, event: Values) -> Iterator[None]:
        """Play what users do after the target was read for the last time and before the first write is carried out.

        The write has left when they act, so that they are found out by the version that it names.
        """
        waiting = listed(event.get("between_check_and_write"))
        before = {name: side.before_write for name, side in self.sides.items()}

        def strike(*write: Any) -> None:
            while waiting:
                self._play(dict(waiting.pop(0)))

        def both(name: str) -> Callable[[str, str, str, Values], None]:
            def call(*write: Any) -> None:
                strike()
                if (own := before[name]) is not None:
                    own(*write)

            return call

        if not waiting:
            yield
            return
        for name, side in self.sides.items():
            side.before_write = both(name)
        try:
            yield
        finally:
            for name, side in self.sides.items():
                side.before_write = before[name]


def _is_restart(event: Values) -> bool:
    """Whether an event is about the process or its state, and not about a record."""
    named = any("/" in str(value) for value in event.values())
    return "restart" in event or (bool({"restore", "state"} & set(event)) and not named)
