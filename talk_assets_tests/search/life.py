"""What happens in a town, played on engine and ledger, with a plain account of what people did."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import sqlalchemy as sa

from talk_assets.ledger.bulk import read_frame
from talk_assets.ledger.database import Ledger
from talk_assets.systems.base import FeedRead, Record
from talk_assets_tests.scenarios.case import Case
from talk_assets_tests.scenarios.kinds import Kind
from talk_assets_tests.scenarios.memory import Killed, Side
from talk_assets_tests.scenarios.misbehaviour import Feed
from talk_assets_tests.scenarios.play import Player
from talk_assets_tests.scenarios.store import Stored
from talk_assets_tests.search.town import (
    ARCHIVED,
    BAD,
    POOL,
    SIDES,
    STATUS,
    TITLE,
    UNMAPPED,
    Round,
    Step,
    Town,
    Values,
)

# What is waited for, so that nothing has to be: a write that failed for now, an insert that may still arrive.
_AN_HOUR = (
    "update talk.owed set next_try = null where division = :division",
    "update talk.intent set opened_at = opened_at - interval '1 hour' where division = :division",
    "update talk.record set written_at = written_at - interval '1 hour' where division = :division",
)


class Watched(Side):
    """A system that tells all properties of every record, and counts those that it hands out.

    A late page comes along with what is new.
    """

    handed = 0

    def _take_late(self, kind: Kind) -> list[Record]:
        return []

    def _page(self, kind: Kind, feed: Feed, cursor: str | None) -> FeedRead:
        found = super()._page(kind, feed, cursor)
        self.handed += len(found.records)
        return FeedRead([*super()._take_late(kind), *found.records], found.cursor, found.complete)

    def _record(self, kind: Kind, kept: Stored) -> Record:
        return {**dict.fromkeys((*kind.types, ARCHIVED)), **super()._record(kind, kept)}


@dataclass(frozen=True)
class Replaced:
    """A value that a person had written and that a write of ours replaced."""

    side: str
    key: str
    name: str
    before: Any
    after: Any


@dataclass
class Known:
    """What is known of a story without asking the platform.

    Attributes:
        odd: there were two records of one side, or one was deleted while not all was well: what becomes of it is not
            said here.
        deleted: the side on which people deleted one of two records since the last quiet period.
        failing: a write of it is refused for ever.
        edits: since the last quiet period: per property and side the last value that a person wrote.
        troubled: a value that no record may hold was written since the last quiet period.
        settled: both records were there and well after the last quiet period.
        written: per side, whatever people ever wrote.
    """

    odd: bool = False
    deleted: str | None = None
    failing: bool = False
    edits: dict[str, dict[str, Any]] = field(default_factory=dict)
    troubled: bool = False
    settled: bool = False
    written: dict[str, set[str]] = field(default_factory=lambda: {side: set() for side in SIDES})
    notes: dict[tuple[str, str], Any] = field(default_factory=dict)


class Life(Player):
    """Plays one town on a ledger, in a division of its own."""

    side_type = Watched

    def __init__(self, town: Town, ledger: Ledger, division: str) -> None:
        super().__init__(_case(town, division), ledger)
        self.town = town
        self.known = [Known() for _ in town.stories]
        self.replaced: list[Replaced] = []
        # What was done, in the words of scenario files.
        self.log: list[Values] = []
        self.deeds = 0
        self.killed = False
        self._between: list[Values] | None = None
        self._authors: dict[tuple[str, str, str], Any] = {}
        self._states: dict[tuple[str, str], list[tuple[float, Values]]] = {}
        self._made = 0
        self._unanswered: set[tuple[str, str]] = set()
        self._kill_at, self._kill_stored, self._writes = 0, True, 0
        for side, system in self.sides.items():
            system.before_write = partial(self._before, side)
            system.after_write = partial(self._after, side)
        for number, story in enumerate(town.stories):
            for side in SIDES:
                given = story.of(side)
                if given is not None:
                    self._create(number, side, given)

    # People.

    @staticmethod
    def title(number: int) -> str:
        """What the records of a story are called."""
        return f"story {number}"

    def there(self, number: int, side: str) -> list[str]:
        """Keys of a story's records of a side."""
        title = self.title(number)
        return [key for key, kept in self.sides[side].records["contact"].items() if kept.values.get(TITLE) == title]

    def held(self, side: str, key: str) -> Values:
        """What a record holds."""
        return self.sides[side].records["contact"][key].values

    def happen(self, number: int, step: Step) -> None:
        """A step of a story, when there is a record that it can happen to."""
        known, found = self.known[number], self.there(number, step.side)
        self.deeds += 1
        if step.do == "create":
            alone = not found and not known.written[step.side] and self.town.stories[number].keyed
            known.odd |= not alone or self.runs > 0
            self._create(number, step.side, step.values)
        elif step.do == "fail":
            known.failing |= step.how == 0
            wish = {"fail": step.of, "type": f"{step.side}/contact", "match": {TITLE: self.title(number)}}
            last = {"times": "always", "error": "permanent"} if step.how == 0 else {"times": step.how}
            self._act({**wish, **last})
        elif not found:
            return
        elif step.do == "edit":
            # What was inserted without an answer and then edited, and has nothing to be matched by, is for a person.
            known.odd |= (step.side, found[0]) in self._unanswered and not self.town.stories[number].keyed
            self._edit(number, step.side, found[0], step.values)
        elif step.do == "touch":
            self._act({"touch": f"{step.side}/contact/{found[0]}", "t": self._moment_on(step.side)})
        elif step.do == "delete":
            known.odd |= not known.settled or known.deleted is not None
            known.deleted = step.side
            self._act({"delete": f"{step.side}/contact/{found[0]}", "t": self._moment_on(step.side)})
        elif step.do == "late":
            states = self._states[step.side, found[0]]
            if len(states) > step.how:
                t, values = states[-1 - step.how]
                self._act({"deliver_late": f"{step.side}/contact/{found[0]}", "set": values, "t": t})

    def _create(self, number: int, side: str, values: Values) -> None:
        self._made += 1
        key = f"{side[0].upper()}{self._made}"
        # A side always shows what it knows, also where it is empty.
        nothing = dict.fromkeys((*POOL, UNMAPPED, ARCHIVED))
        typed = {n: self._typed(side, n, v) for n, v in values.items()}
        email = f"s{number}@x.example" if self.town.stories[number].keyed else None
        given = {**nothing, TITLE: self.title(number), "email": email, **typed}
        self._act({"create": f"{side}/contact/{key}", "set": given, "t": self._moment_on(side)})
        self._note(number, side, key, typed)

    def _edit(self, number: int, side: str, key: str, values: Values) -> None:
        before = dict(self.held(side, key))
        given = {n: self._typed(side, n, v) for n, v in values.items()}
        self._act({"edit": f"{side}/contact/{key}", "set": given, "t": self._moment_on(side)})
        self._note(number, side, key, {n: v for n, v in given.items() if v != before.get(n)})

    def _typed(self, side: str, name: str, value: Any) -> Any:
        """People too can only enter what a side stores."""
        wish = ((self.town.rules.get("target_stores") or {}).get(side) or {}).get(name)
        length = re.search(r"\d+", wish) if wish else None
        return value[: int(length.group())] if length and isinstance(value, str) else value

    def _note(self, number: int, side: str, key: str, changed: Values) -> None:
        known = self.known[number]
        known.written[side].add(key)
        for name, value in changed.items():
            if name == UNMAPPED:
                known.notes[side, key] = value
                continue
            self._authors[side, key, name] = value
            known.edits.setdefault(name, {})[side] = value
            known.troubled |= BAD.get(name) == value and value is not None
        self._remember(side, key)

    def _remember(self, side: str, key: str) -> None:
        kept = self.sides[side].records["contact"][key]
        self._states.setdefault((side, key), []).append((kept.t or 0.0, dict(kept.values)))

    def _moment_on(self, side: str) -> float:
        self.now += 1
        return self.now - (self.town.behind if side == "right" else 0)

    def _act(self, event: Values) -> None:
        (self.log if self._between is None else self._between).append(event)
        super()._play(dict(event))

    def _play(self, event: Values) -> None:
        if "story" in event:
            self.happen(event["story"], event["step"])
        else:
            super()._play(event)

    # Our writes.

    def _before(self, side: str, operation: str, type_: str, key: str, values: Values) -> None:
        self.now += 1
        self._writes += 1
        if self._kill_at == self._writes and not self._kill_stored:
            self._die(f"before {side} accepted the {operation} of {key or values.get(TITLE)}")

    def _after(self, side: str, operation: str, type_: str, key: str, values: Values) -> None:
        stored = self.held(side, key) if operation != "delete" else {}
        for name in values:
            typed = self._authors.pop((side, key, name), None)
            if typed not in (None, ""):
                self.replaced.append(Replaced(side, key, name, typed, stored.get(name)))
        if operation != "delete":
            self._remember(side, key)
        if self._kill_at == self._writes and self._kill_stored:
            if operation == "insert":
                self._unanswered.add((side, key))
            self._die(f"after {side} accepted the {operation} of {key}")

    def _die(self, words: str) -> None:
        self.log[-1]["crash"] = words
        self.killed = True
        raise Killed

    # Syncs.

    def round(self, number: int, each: Round) -> None:
        """What happens before a sync, and the sync."""
        steps = [(n, step) for n, story in enumerate(self.town.stories) for step in story.steps if step.at == number]
        for story, step in steps:
            if not step.between:
                self.happen(story, step)
        for side in each.deaf:
            self._act({"fail": "read", "type": f"{side}/contact", "times": 1})
        between = [{"story": story, "step": step} for story, step in steps if step.between]
        self.sync(between, kill=each.kill, stored=each.stored)

    def sync(self, between: Iterable[Values] = (), *, kill: int = 0, stored: bool = True) -> None:
        """One sync, which may die at a write."""
        self.runs += 1
        self._kill_at, self._kill_stored, self._writes = kill, stored, 0
        self._between = []
        self.log.append({"do": "sync"})
        try:
            self._sync(self._cycle(self.translation), {"do": "sync", "between_read_and_write": list(between)})
        except Killed:
            self.log.append({"restart": "the process"})
        finally:
            if self._between:
                at = next(event for event in reversed(self.log) if "do" in event)
                at["between_read_and_write"] = self._between
            self._between = None
            self._kill_at = 0

    def calm(self) -> None:
        """What fails for now works again, and an hour goes by."""
        for system in self.sides.values():
            system.faults[:] = [fault for fault in system.faults if fault.permanent]
        self.log.append({"fail": "none"})
        self._unanswered.clear()
        with self.ledger.begin() as connection:
            for statement in _AN_HOUR:
                connection.execute(sa.text(statement), {"division": self.case.id})

    @property
    def spent(self) -> tuple[int, int, int]:
        """Calls to both systems, writes, and records handed out so far."""
        systems = [system for system in self.sides.values() if isinstance(system, Watched)]
        return (
            sum(system.calls for system in systems),
            sum(len(system.writes) for system in systems),
            sum(system.handed for system in systems),
        )

    def rows(self, text: str) -> list[Values]:
        """Rows of the ledger."""
        with self.ledger.begin() as connection:
            frame = read_frame(connection, sa.text(text), {"division": self.case.id}).astype(object)
        rows = frame.where(frame.notna(), None).to_dict("records")
        return [{str(name): value for name, value in row.items()} for row in rows]


def _case(town: Town, division: str) -> Case:
    """The town without its events, for the runner; an example of every value says of which type a property is."""
    shown: list[Values] = []
    for side in SIDES:
        for at in range(max(map(len, POOL.values()))):
            values = {name: pool[min(at, len(pool) - 1)] for name, pool in POOL.items()}
            if side == "right":
                values["status"] = list(STATUS)[at % len(STATUS)]
            shown.append(
                {
                    "create": f"{side}/contact/shown",
                    "set": {TITLE: "a", "email": "a@x.example", UNMAPPED: "a", ARCHIVED: True, **values},
                }
            )
    return Case(division, town.rules, {side: {"contact": []} for side in SIDES}, [], [], [], shown)
