"""A case, played: the events in order, each sync on the real engine and the real ledger."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
from talk_assets_tests.scenarios.case import SYSTEMS, Case, NotExpressible, Values, properties_of, split_member
from talk_assets_tests.scenarios.memory import Killed, Side, Stored
from talk_assets_tests.scenarios.misbehaviour import Fault, Feed
from talk_assets_tests.scenarios.operator import give_order, store_blocked
from talk_assets_tests.scenarios.outcome import Outcome, Played
from talk_assets_tests.scenarios.seed import seed
from talk_assets_tests.scenarios.translate import Translation, translate

_KNOWN_SYNC = {
    "do",
    "note",
    "times",
    "read",
    "inserts",
    "between_read_and_write",
    "between_check_and_write",
    "crash",
}


# What the ledger compares with its clock.
_DATED = {
    "record": ["read_at", "written_at"],
    "owed": ["next_try", "since"],
    "intent": ["opened_at"],
    "cursor": ["updated_at"],
}


class Player:
    """Plays one case on a ledger, in a division of its own."""

    side_type = Side

    def __init__(self, case: Case, ledger: Ledger) -> None:
        self.case = case
        self.ledger = ledger
        self.now = 0.0
        self.runs = 0
        # What stopped single steps of the syncs.
        self.stopped: list[SystemFault] = []
        self.translation = translate(case)
        self.sides = {side: self._side(side) for side in SYSTEMS}
        for side, types in case.records.items():
            for type_, records in types.items():
                for record in records:
                    self._put(side, type_, record)
        seed(case, self.translation, self._cycle(self.translation))
        store_blocked(case, self._cycle(self.translation), self._name)

    def _side(self, side: str) -> Side:
        rules = self.case.rules
        kinds = [kind for kind in self.translation.kinds.values() if kind.side == side]
        snapshot = rules.get("snapshot")
        whole = snapshot == "full" or (isinstance(snapshot, dict) and snapshot.get(side) == "full")
        wishes = (rules.get("target_stores") or {}).get(side) or {}
        stores = {name: _storing(str(wish)) for name, wish in wishes.items()}
        return self.side_type(SYSTEMS[side], kinds, stores, whole_reads=whole, clock=lambda: self.now)

    def _put(self, side: str, type_: str, record: Values) -> None:
        t = record.get("t")
        ages = [float(age) for age in [t, *(record.get("pt") or {}).values()] if age is not None]
        self.now = max([self.now, *ages])
        self.sides[side].put(
            type_,
            str(record["id"]),
            properties_of(record),
            t=None if t is None else float(t),
            pt={name: float(age) for name, age in (record.get("pt") or {}).items()},
            version=None if record.get("version") is None else str(record["version"]),
        )

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
        event.pop("note", None)
        if "do" in event:
            self._do(event)
        elif "edit" in event or "touch" in event:
            side, type_, id_ = split_member(event.get("edit") or event["touch"])
            t = self._time(event)
            self.sides[side].edit(type_, id_, event.get("set") or {}, t=t, version=event.get("version"))
        elif "create" in event:
            side, type_, id_ = split_member(str(event["create"]))
            values = event.get("set") or event.get("record") or {}
            self._put(side, type_, {**values, "id": id_, "t": event.get("t")})
        elif "delete" in event:
            side, type_, id_ = split_member(event["delete"])
            self._time(event)
            self.sides[side].remove(type_, id_, reported=event.get("signal", "explicit") == "explicit")
        elif "rekey" in event:
            self._rekey(event)
        elif "operator_in_system" in event:
            self._merge_inside(event)
        elif "deliver_late" in event:
            side, type_, id_ = split_member(event["deliver_late"])
            given = next((row for row in self.case.records[side][type_] if str(row["id"]) == id_), {})
            held = self.sides[side].records[type_].get(id_)
            values = {**(properties_of(given) if held is None else held.values), **(event.get("set") or {})}
            self.sides[side].late.append((type_, Stored(id_, values, float(event["t"]), {}, "late", 0)))
        elif "feed" in event:
            self._feed(event)
        elif "fail" in event:
            self._fail(event)
        elif "operator" in event:
            self._order(event)
        elif "restart" not in event:
            raise NotExpressible(f"unknown event {event}")

    def _rekey(self, event: Values) -> None:
        """A system gives a record another key: the old one is reported as deleted."""
        side, type_, id_ = split_member(event["rekey"])
        t = self._time(event)
        kept = self.sides[side].records[type_][id_]
        self.sides[side].remove(type_, id_, reported=event.get("signal", "explicit") == "explicit")
        self._put(
            side, type_, {**kept.values, "id": str(event["to"]).rpartition("/")[2], "t": kept.t if t is None else t}
        )

    def _merge_inside(self, event: Values) -> None:
        """A user makes one of two records of a system."""
        members = [str(member) for member in event.get("members") or []]
        keep = str(event.get("keep") or event.get("into") or members[0])
        side, type_, id_ = split_member(keep)
        t = self._time(event)
        self.sides[side].edit(type_, id_, event.get("set") or {}, t=t, version=None)
        for gone in [event[word] for word in ("remove", "drop", "from") if word in event] or members[1:]:
            side, type_, id_ = split_member(str(gone))
            self.sides[side].remove(type_, id_, reported=event.get("signal", "explicit") == "explicit")

    def _time(self, event: Values) -> float | None:
        if event.get("t") is None:
            return None
        self.now = max(self.now, float(event["t"]))
        return float(event["t"])

    def _feed(self, event: Values) -> None:
        side, type_ = str(event["feed"]).split("/", 1)
        returns = event.get("returns", "normal")
        changes_only = event.get("kind") == "changes_only"
        if isinstance(returns, list):
            for row in returns:
                self._put(side, type_, row)
        omits = tuple(map(str, event.get("omits") or ()))
        self.sides[side].feeds[type_] = Feed(returns, changes_only, omits, event.get("lookup") or {})

    def _fail(self, event: Values) -> None:
        place = event.get("type") or event.get("at")
        id_ = None
        if place is None:
            sides, type_ = list(SYSTEMS), None
        elif str(place).count("/") > 1:
            side, type_, id_ = split_member(place)
            sides = [side]
        else:
            side, type_ = str(place).split("/", 1)
            sides = [side]
        for side in sides:
            faults = self.sides[side].faults
            if event["fail"] == "none":
                faults.clear()
                continue
            times = event.get("times", 1)
            if times == "none":
                faults[:] = [f for f in faults if (f.operation, f.type) != (event["fail"], type_)]
                continue
            faults.append(
                Fault(
                    operation=str(event["fail"]),
                    type=type_,
                    id=id_ or event.get("id"),
                    match=event.get("match") or {},
                    permanent=event.get("error", "temporary") != "temporary",
                    left=float("inf") if times == "always" else float(times),
                )
            )

    def _order(self, event: Values) -> None:
        self.runs += 1
        give_order(self._cycle(self.translation), event, self._name)

    def _name(self, member: str) -> str:
        """From `side/type/id` to `entity/key`."""
        side, type_, id_ = split_member(member)
        kept = self.sides[side].records.get(type_, {}).get(id_)
        return f"{self.translation.entity_of(side, type_, kept.values if kept else {})}/{id_}"

    # Syncs.

    def _do(self, event: Values) -> None:
        unknown = set(event) - _KNOWN_SYNC
        if unknown or event["do"] not in ("sync", "preview"):
            raise NotExpressible(f"unknown words in {event}")
        translation = self.translation
        if event.get("inserts") is not None:
            translation = translate(self.case, str(event["inserts"]))
        for _ in range(int(event.get("times", 1))):
            self.runs += 1
            self._let_time_pass()
            if event["do"] == "preview":
                with self.ledger.preview() as ledger:
                    self._sync(self._cycle(translation, ledger), event)
                continue
            cycle = self._cycle(translation)
            try:
                with self._killing(event), self._edited_before_writing(event):
                    self._sync(cycle, event)
            except Killed:
                continue

    def _let_time_pass(self) -> None:
        """Two hours pass between syncs: what the ledger dated is that much older."""
        with self.ledger.begin() as connection:
            for table, columns in _DATED.items():
                older = ", ".join(f"{column} = {column} - interval '2 hours'" for column in columns)
                connection.execute(
                    sa.text(f"update talk.{table} set {older} where division = :division"),
                    {"division": self.case.id},
                )

    def _sync(self, cycle: Cycle, event: Values) -> None:
        stopped: set[str] = set()
        for system in cycle.systems:
            self._try(partial(collect_deletions, cycle, system), stopped, system)
        for entity in cycle.mappings.entities:
            self._try(partial(collect, cycle, entity), stopped, entity)
        for name, subject in cycle.mappings.subjects.items():
            for flow in subject.flows:
                match(cycle, flow)
            merge(cycle, name)
        for between in event.get("between_read_and_write") or []:
            self._play(dict(between))
        for system in ("exact", "customerp"):
            for subject in cycle.mappings.subjects.values():
                for entity in subject.entities:
                    if entity.startswith(f"{system}."):
                        self._try(partial(self._give, cycle, entity), stopped, entity)

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
    def _killing(self, event: Values) -> Iterator[None]:
        """Kill the process at the moment that the event names."""
        if event.get("crash") is None:
            yield
            return
        before, match = self._moment(str(event["crash"]))

        def strike(operation: str, type_: str, id_: str, values: Values) -> None:
            if match(operation, type_, id_, values):
                raise Killed

        for system in self.sides.values():
            if before:
                system.before_write = strike
            else:
                system.after_write = strike
        try:
            yield
        finally:
            for system in self.sides.values():
                system.before_write = system.after_write = None

    @contextmanager
    def _edited_before_writing(self, event: Values) -> Iterator[None]:
        """Play what users do after the target was read for the last time and before the first write is carried out.

        The write has left when they act, so that they are found out by the version that it names.
        """
        waiting = list(event.get("between_check_and_write") or [])

        def strike(*_write: object) -> None:
            while waiting:
                self._play(dict(waiting.pop(0)))

        if not waiting:
            yield
            return
        for side in self.sides.values():
            side.before_write = strike
        try:
            yield
        finally:
            for side in self.sides.values():
                side.before_write = None

    def _moment(self, words: str) -> tuple[bool, Callable[[str, str, str, Values], bool]]:
        """From `after the target accepted the insert of L3 ...`: before or after the call, and which one.

        An insert is named by the record that it is made from, an update or deletion by the record that is written.
        """
        found = re.search(r"(insert|update|delete) of (?:(left|right)/\w+/)?(\S+)", words)
        if found is None:
            raise NotExpressible(f"crash: {words}")
        operation, _, id_ = found.groups()
        id_ = id_.rstrip(",.")
        record = self._anywhere(id_)
        held = {name: value for name, value in record.values.items() if value not in (None, "")}
        before = words.startswith("before")

        def match(done: str, _type: str, key: str, values: Values) -> bool:
            given = {name: value for name, value in values.items() if value not in (None, "")}
            return done == operation and (key == id_ or held.items() <= given.items())

        return before, match

    def _anywhere(self, id_: str) -> Stored:
        for system in self.sides.values():
            for records in system.records.values():
                if id_ in records:
                    return records[id_]
        raise NotExpressible(f"no record {id_}")


def _storing(wish: str) -> Callable[[Any], Any]:
    words = wish.split()
    if len(words) == 3 and words[0] == "first" and words[2] == "characters":
        return lambda value: value[: int(words[1])] if isinstance(value, str) else value
    raise NotExpressible(f"target_stores: {wish}")
