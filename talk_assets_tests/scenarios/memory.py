"""One side of a scenario: a system in memory, spoken to like any other."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from talk_assets.errors import RecordChanged, RecordGone, SystemFault, SystemUnavailable
from talk_assets.systems.base import Deletion, DeletionsRead, FeedRead, Record, Written
from talk_assets.systems.base import Values as Sent
from talk_assets_tests.scenarios.kinds import Kind
from talk_assets_tests.scenarios.misbehaviour import Fault, Feed
from talk_assets_tests.scenarios.store import Store, Stored, moment
from talk_assets_tests.scenarios.words import Values

# Called with operation, type, id and values of a write.
Hook = Callable[[str, str, str, Values], None]
_NO_FEED = Feed()


class Killed(BaseException):
    """The process is gone; nothing after this happens."""


class Side(Store):
    """A system in memory, with a change log, faults and users.

    Args:
        name: `customerp` or `exact`.
        kinds: the entities of the mapping that it has.
        stores: per type and property what the side makes of a value that it is given.
        whole_reads: types of which every read is a whole one.
        clock: gives the scenario's time.
    """

    def __init__(
        self,
        name: str,
        kinds: Sequence[Kind],
        stores: Mapping[str, Mapping[str, Callable[[Any], Any]]],
        *,
        whole_reads: frozenset[str],
        clock: Callable[[], float],
    ) -> None:
        super().__init__(kinds, clock)
        self.name = name
        self.writes: list[Values] = []
        self.feeds: dict[str, Feed] = {}
        self.faults: list[Fault] = []
        # How it is read just now: normally, as a whole, only what was delivered late, or not at all.
        self.reading = "normal"
        # Called before every call, for writes on their way, and for writes that were stored.
        self.before_call: Callable[[], None] | None = None
        self.before_write: Hook | None = None
        self.after_write: Hook | None = None
        self._stores = stores
        self._whole_reads = whole_reads
        self._inserted = 0
        # What each record was when the platform last saw it.
        self._shown: dict[tuple[str, str], Values] = {}
        self.calls, self.answer_seconds = 0, 60.0

    # What the platform asks.

    def check(self) -> None:
        """Say that all is well."""

    def close(self) -> None:
        """Nothing is held open."""

    @property
    def requests(self) -> int:
        """Every call is a request of its own."""
        return self.calls

    def generation(self) -> str | None:
        """Versions never begin anew here."""
        return None

    def rest(self) -> float:
        """Calls cost nothing here."""
        return 0.0

    def read(self, entity: str, cursor: str | None) -> FeedRead:
        """See `systems.base.System`."""
        self._called()
        kind = self.kinds[entity]
        if self.reading == "nothing":
            return FeedRead([], cursor or "0", complete=False)
        self._fail("read", kind.type, None, {})
        feed = self.feeds.get(kind.type, _NO_FEED)
        if feed.broken is not None:
            raise SystemUnavailable(self.name, f"Reading {entity} broke off: {feed.broken}.")
        late = self._take_late(kind)
        if late or self.reading == "late":
            return FeedRead(late, cursor or "0", complete=False)
        return self._page(kind, feed, cursor)

    def _take_late(self, kind: Kind) -> list[Record]:
        """Records as they once were, which are handed out once more."""
        late = [kept for type_, kept in self.late if type_ == kind.type and self._is(kind, kept)]
        self.late = [(type_, kept) for type_, kept in self.late if kept not in late]
        return [self._record(kind, kept) for kept in late]

    def _page(self, kind: Kind, feed: Feed, cursor: str | None) -> FeedRead:
        every = cursor is None or kind.type in self._whole_reads or self.reading == "whole" or feed.whole
        whole = every and not feed.changes_only
        found = [kept for kept in self.records.get(kind.type, {}).values() if self._is(kind, kept)]
        if feed.returns != "normal":
            found = [kept for kept in found if kept.id in feed.returns]
        elif not whole:
            found = [kept for kept in found if kept.changed > int(cursor or 0)]
        found = sorted((kept for kept in found if kept.id not in feed.omits), key=lambda kept: kept.changed)
        records = [self._record(kind, kept) for kept in found]
        lines = self._lines_under(kind)
        if lines is None:
            return FeedRead(records, str(self._changes), complete=whole)
        if lines.inside is not None:
            inside = [line for kept in found for line in self._inside(lines, kept)]
            return FeedRead(records, str(self._changes), complete=whole, lines=inside, lines_complete=True)
        since = 0 if whole else int(cursor or 0)
        apart = [kept for kept in self.records.get(lines.type, {}).values() if kept.changed > since]
        own = [self._line(lines, kept) for kept in apart]
        return FeedRead(records, str(self._changes), complete=whole, lines=own)

    def _inside(self, lines: Kind, kept: Stored) -> list[Record]:
        """The lines inside a document."""
        held = kept.values.get(str(lines.inside)) or []
        return [
            {
                "_key": key,
                "_document": kept.id,
                "_position": place,
                "_modified": None,
                "_version": None,
                **{name: _shown(value) for name, value in line.items()},
            }
            for place, (key, line) in enumerate(zip(self._line_keys(kept.id, held, lines), held, strict=True), 1)
        ]

    def _line(self, lines: Kind, kept: Stored) -> Record:
        """A line that is a record of its own."""
        place = kept.values.get(lines.line_key)
        position = place if isinstance(place, int) else None
        return {**self._record(lines, kept), "_document": kept.values[lines.under], "_position": position}

    def read_deletions(self, cursor: str | None) -> DeletionsRead:
        """See `systems.base.System`."""
        self._called()
        if self.reading in ("nothing", "late"):
            return DeletionsRead([], cursor or "0")
        since = int(cursor or 0)
        found = [Deletion(entity, id_, at) for number, entity, id_, at in self._deletions if number > since]
        return DeletionsRead(found, str(self._changes))

    def find(self, entity: str, keys: Sequence[str], *, lines: bool = False) -> FeedRead:
        """See `systems.base.System`."""
        self._called()
        kind = self.kinds[entity]
        for key in keys:
            self._fail("lookup", kind.type, key, {})
        feed = self.feeds.get(kind.type, _NO_FEED)
        if any(feed.answer(key) == "error" for key in keys):
            raise SystemUnavailable(self.name, f"Looking up {entity} failed.")
        there = [kept for kept in self.records.get(kind.type, {}).values() if kept.id in keys]
        found = [kept for kept in there if feed.answer(kept.id) != "not_found" and self._is(kind, kept)]
        records = [self._record(kind, kept) for kept in found]
        under = self._lines_under(kind) if lines else None
        if under is None or under.inside is None:
            return FeedRead(records, "", complete=False)
        inside = [line for kept in found for line in self._inside(under, kept)]
        return FeedRead(records, "", complete=False, lines=inside, lines_complete=True)

    def create(
        self, entity: str, values: Sent, lines: Sequence[Sent] = (), *, idempotency_key: str | None = None
    ) -> Written:
        """See `systems.base.System`."""
        self._called()
        kind = self.kinds[entity]
        given = {name: kind.kept(name, text) for name, text in values.items()}
        given |= self._numbered(kind, given)
        unheard = self._on_the_way("insert", kind.type, "", given)
        self._inserted += 1
        id_ = f"new#{self._inserted}"
        stored = {name: self._stored(kind, name, value) for name, value in given.items()}
        kept = self.put(kind.type, id_, {**kind.where, **stored}, t=self._clock(), pt={}, version=None)
        under = self._lines_under(kind)
        if under is not None and under.inside is not None:
            kept.values[under.inside] = [self._new_line(under, place, line) for place, line in enumerate(lines, 1)]
            given = {**given, under.inside: kept.values[under.inside]}
        self._log("insert", kind, id_, {**kind.where, **given})
        if under is not None and under.inside is None:
            for line in lines:
                self.create_line(under.entity, id_, line)
        _answer(unheard)
        return Written(id_, self._record(kind, kept), 201)

    def _new_line(self, lines: Kind, place: int, values: Sent) -> Values:
        own = {lines.line_key: place} if lines.types.get(lines.line_key) == "decimal" else {}
        return {**own, **{name: lines.kept(name, text) for name, text in values.items()}}

    def _numbered(self, kind: Kind, given: Values) -> Values:
        """The number that a line which is a record of its own is given within its document."""
        if kind.document is None or kind.types.get(kind.line_key) != "decimal" or kind.line_key in given:
            return {}
        siblings = self.line_records(kind, str(given[kind.under]))
        numbers = [kept.values.get(kind.line_key) for kept in siblings]
        return {kind.line_key: max((number for number in numbers if isinstance(number, int)), default=0) + 1}

    def update(self, entity: str, key: str, values: Sent, version: str | None = None) -> Written:
        """See `systems.base.System`."""
        self._called()
        kind = self.kinds[entity]
        given = {name: kind.kept(name, text) for name, text in values.items()}
        archives = kind.archive is not None and dict(values) == dict([kind.archive])
        unheard = self._on_the_way("archive" if archives else "update", kind.type, key, given)
        kept = self._in_version(f"Updating {entity}/{key}", kind, key, version)
        lost = self._replace(kind, kept, {name: self._stored(kind, name, value) for name, value in given.items()})
        kept.pt = {name: t for name, t in kept.pt.items() if name not in given}
        self._changed(kept, self._clock(), None)
        self._log("archive" if archives else "update", kind, key, given, lost)
        _answer(unheard)
        return Written(key, self._record(kind, kept), 200)

    def _in_version(self, doing: str, kind: Kind, key: str, version: str | None) -> Stored:
        """A record that is still what the platform believes."""
        kept = self.records[kind.type].get(key)
        if kept is None:
            raise RecordGone(self.name, f"{doing}: it does not exist.", status=404)
        if version is not None and kept.version != version:
            raise RecordChanged(self.name, f"{doing}: it is in version {kept.version}, not {version}.")
        return kept

    def _replace(self, kind: Kind, kept: Stored, given: Values) -> Values:
        """Store what was sent; what else is no longer what it was, because the whole record was replaced.

        A connector to such a system sends back what it saw last of the properties that are not to be changed.
        """
        before = dict(kept.values)
        if kind.replaced:
            seen = self._shown.get((kind.type, kept.id), {})
            kept.values.clear()
            kept.values.update(seen)
        kept.values.update(given)
        names = (before.keys() | kept.values.keys()) - given.keys()
        return {name: kept.values.get(name) for name in names if kept.values.get(name) != before.get(name)}

    def delete(self, entity: str, key: str, version: str | None = None) -> Written:
        """See `systems.base.System`."""
        self._called()
        kind = self.kinds[entity]
        unheard = self._on_the_way("delete", kind.type, key, {})
        self._in_version(f"Deleting {entity}/{key}", kind, key, None)
        del self.records[kind.type][key]
        self._deletions.append((self._change(), entity, key, moment(self._clock())))
        self._log("delete", kind, key, {})
        _answer(unheard)
        return Written(key, None, 204)

    def create_line(self, entity: str, document: str, values: Sent) -> Written:
        """See `systems.base.System`."""
        kind = self.kinds[entity]
        if kind.inside is None:
            return self.create(entity, {**values, kind.under: document})
        self._called()
        given = {name: kind.kept(name, text) for name, text in values.items()}
        lines, unheard = self._changeable(kind, document, given)
        numbers = [line.get(kind.line_key) for line in lines]
        place = max((number for number in numbers if isinstance(number, int)), default=0) + 1
        lines.append(self._new_line(kind, place, values))
        self._change_document(kind, document, lines)
        _answer(unheard)
        return Written(self._line_keys(document, lines, kind)[-1], None, 201)

    def lines_together(self, entity: str) -> bool:
        """See `systems.base.System`."""
        return self.kinds[entity].inside is not None

    def update_lines(
        self, entity: str, document: str, changes: Mapping[str, Sent], version: str | None = None
    ) -> Written:
        """See `systems.base.System`."""
        kind = self.kinds[entity]
        if kind.inside is None:
            written = [self.update(entity, key, values) for key, values in changes.items()]
            return written[0] if len(written) == 1 else Written(document, None, 200)
        self._called()
        parent = next(other for other in self.kinds.values() if other.type == kind.document)
        self._in_version(f"Updating lines of {parent.type}/{document}", parent, document, version)
        lines, unheard = self._changeable(kind, document, {})
        found = dict(zip(self._line_keys(document, lines, kind), lines, strict=True))
        for key, values in changes.items():
            line = found.get(key)
            if line is None:
                raise RecordChanged(self.name, f"Updating {entity}/{key}: it does not exist.")
            line.update({name: kind.kept(name, text) for name, text in values.items()})
        self._change_document(kind, document, lines)
        _answer(unheard)
        return Written(next(iter(changes)) if len(changes) == 1 else document, None, 200)

    def _changeable(self, kind: Kind, document: str, values: Values) -> tuple[list[Values], SystemFault | None]:
        """A copy of the lines inside a document, which can be changed."""
        unheard = self._on_the_way("update", str(kind.document), document, values)
        held = self.records[str(kind.document)][document].values.get(str(kind.inside))
        return [dict(line) for line in held or []], unheard

    def _change_document(self, kind: Kind, document: str, lines: list[Values]) -> None:
        kept = self.records[str(kind.document)][document]
        kept.values[str(kind.inside)] = lines
        self._changed(kept, self._clock(), None)
        parent = next(other for other in self.kinds.values() if other.type == kind.document)
        self._log("update", parent, document, {str(kind.inside): lines})

    # How it is kept.

    def _record(self, kind: Kind, kept: Stored) -> Record:
        self._shown[kind.type, kept.id] = dict(kept.values)
        inside = {other.inside for other in self.kinds.values() if other.document == kind.type}
        values = {name: _shown(value) for name, value in kept.values.items() if name not in inside}
        times = {name: moment(t) for name, t in kept.pt.items()}
        at = max([kept.t, *kept.pt.values()], key=lambda t: t if t is not None else -1.0)
        return {
            "_key": kept.id,
            "_modified": None if at is None else moment(at),
            "_version": kept.version,
            "_times": times,
            **values,
        }

    def _stored(self, kind: Kind, name: str, value: Any) -> Any:
        return self._stores.get(kind.type, {}).get(name, lambda given: given)(value)

    def _called(self) -> None:
        if self.before_call is not None:
            self.before_call()
        self.calls += 1

    def _log(self, operation: str, kind: Kind, id_: str, values: Values, lost: Values | None = None) -> None:
        done = {"op": operation, "type": kind.type, "id": id_, "set": values}
        self.writes.append({**done, "lost": lost} if lost else done)
        if self.after_write is not None:
            self.after_write(operation, kind.type, id_, values)

    def _on_the_way(self, operation: str, type_: str, id_: str, values: Values) -> SystemFault | None:
        """What happens to a write before it is carried out; the error that comes instead of its answer."""
        if self.before_write is not None:
            self.before_write(operation, type_, id_, values)
        return self._fail(operation, type_, id_, values)

    def _fail(self, operation: str, type_: str, id_: str | None, values: Values) -> SystemFault | None:
        kept = self.records.get(type_, {}).get(id_ or "")
        held = {**(kept.values if kept is not None else {}), **values}
        for at, fault in enumerate(self.faults):
            if not fault.meets(operation, type_, id_, values, held):
                continue
            self.faults[at] = replace(fault, left=fault.left - 1)
            error = fault.failure.of(self.name, f"{operation} of {type_}: the scenario lets this call fail.")
            if fault.failure.unheard:
                return error
            raise error
        return None


def _answer(unheard: SystemFault | None) -> None:
    """Answer, unless the answer is lost."""
    if unheard is not None:
        raise unheard


def _shown(value: Any) -> Any:
    return "\n".join(map(str, value)) if isinstance(value, list) else value
