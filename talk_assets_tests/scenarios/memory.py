"""One side of a scenario: a system in memory, spoken to like any other."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from talk_assets.errors import RecordChanged, RecordGone, RecordRejected, SystemUnavailable
from talk_assets.systems.base import Deletion, DeletionsRead, FeedRead, Record, Written
from talk_assets.systems.base import Values as Sent
from talk_assets_tests.scenarios.case import Values
from talk_assets_tests.scenarios.kinds import Kind
from talk_assets_tests.scenarios.misbehaviour import Fault, Feed
from talk_assets_tests.scenarios.nested import LineNumbers

_START = datetime(2020, 1, 1, tzinfo=UTC)


def moment(t: float) -> str:
    """A time of the scenario's clock as ISO 8601: one minute for each tick."""
    return (_START + timedelta(minutes=t)).isoformat()


@dataclass
class Stored:
    """A record as the side keeps it."""

    id: str
    values: Values
    t: float | None
    pt: dict[str, float]
    version: str
    changed: int
    gone: bool = False


class Killed(BaseException):
    """The process is gone; nothing after this happens."""


class Side:
    """A system in memory, with a change log, faults and users.

    Args:
        name: `customerp` or `exact`.
        kinds: the entities of the mapping that it has.
        stores: per type what the side makes of a text that it is given.
        whole_reads: whether every read is a whole one.
        clock: gives the scenario's time.
    """

    def __init__(
        self,
        name: str,
        kinds: Sequence[Kind],
        stores: Mapping[str, Callable[[Any], Any]],
        *,
        whole_reads: bool,
        clock: Callable[[], float],
    ) -> None:
        self.name = name
        self.kinds = {kind.entity: kind for kind in kinds}
        self.records: dict[str, dict[str, Stored]] = {kind.type: {} for kind in kinds}
        self.writes: list[Values] = []
        self.feeds: dict[str, Feed] = {}
        self.faults: list[Fault] = []
        self.late: list[tuple[str, Stored]] = []
        # Called with operation, type, id and values on their way, and when they are stored.
        self.before_write: Callable[[str, str, str, Values], None] | None = None
        self.after_write: Callable[[str, str, str, Values], None] | None = None
        self._stores = stores
        self._whole_reads = whole_reads
        self._clock = clock
        self._changes = 0
        self._inserted = 0
        self._deletions: list[tuple[int, str, str, str]] = []
        self._numbers = LineNumbers()
        self.calls, self.answer_seconds = 0, 60.0

    # What users do.

    def put(self, type_: str, id_: str, values: Values, *, t: float | None, pt: Values, version: str | None) -> Stored:
        """Take a record as it is given."""
        kept = Stored(id_, dict(values), t, dict(pt), "", self._change())
        kept.version = version or f"v{kept.changed}"
        self.records.setdefault(type_, {})[id_] = kept
        return kept

    def edit(self, type_: str, id_: str, values: Values, *, t: float | None, version: str | None) -> None:
        """A user changes a record, or only saves it."""
        kept = self.records[type_][id_]
        for name in values:
            if kept.pt:
                kept.pt[name] = t if t is not None else self._clock()
        kept.values.update(values)
        kept.t = t if t is not None else kept.t
        kept.changed = self._change()
        kept.version = version or f"v{kept.changed}"

    def remove(self, type_: str, id_: str, *, reported: bool) -> None:
        """A user deletes a record; where the side keeps a list of deletions it is reported there."""
        kept = self.records[type_].pop(id_)
        if reported:
            for kind in self.kinds.values():
                if kind.type == type_ and self._is(kind, kept):
                    self._deletions.append((self._change(), kind.entity, id_, moment(self._clock())))

    def _change(self) -> int:
        self._changes += 1
        return self._changes

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
        self.calls += 1
        kind = self.kinds[entity]
        self._fail("read", kind.type, None, {})
        feed = self.feeds.get(kind.type, Feed())
        if isinstance(feed.returns, str) and feed.returns != "normal":
            raise SystemUnavailable(self.name, f"Reading {entity} broke off: {feed.returns}.")
        late = self._take_late(kind)
        return FeedRead(late, cursor or "0", complete=False) if late else self._page(kind, feed, cursor)

    def _take_late(self, kind: Kind) -> list[Record]:
        """Records as they once were, which are handed out once more."""
        late = [kept for type_, kept in self.late if type_ == kind.type and self._is(kind, kept)]
        self.late = [(type_, kept) for type_, kept in self.late if kept not in late]
        return [self._record(kind, kept) for kept in late]

    def _page(self, kind: Kind, feed: Feed, cursor: str | None) -> FeedRead:
        whole = (cursor is None or self._whole_reads) and not feed.changes_only
        found = [kept for kept in self.records.get(kind.type, {}).values() if self._is(kind, kept)]
        if isinstance(feed.returns, list):
            named = {str(row["id"]) for row in feed.returns}
            found = [kept for kept in found if kept.id in named]
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

    def _lines_under(self, kind: Kind) -> Kind | None:
        return next((other for other in self.kinds.values() if other.document == kind.type), None)

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

    def _line_keys(self, document: str, lines: list[Values], kind: Kind) -> list[str]:
        return self._numbers.keys(document, lines, kind.line_key)

    def _line(self, lines: Kind, kept: Stored) -> Record:
        """A line that is a record of its own."""
        place = kept.values.get(lines.line_key)
        position = place if isinstance(place, int) else None
        return {**self._record(lines, kept), "_document": kept.values[str(lines.document)], "_position": position}

    def read_deletions(self, cursor: str | None) -> DeletionsRead:
        """See `systems.base.System`."""
        self.calls += 1
        since = int(cursor or 0)
        found = [Deletion(entity, id_, at) for number, entity, id_, at in self._deletions if number > since]
        return DeletionsRead(found, str(self._changes))

    def find(self, entity: str, keys: Sequence[str]) -> FeedRead:
        """See `systems.base.System`."""
        self.calls += 1
        kind = self.kinds[entity]
        answers = self.feeds.get(kind.type, Feed()).lookup
        if any(answers.get(key) not in (None, "found", "not_found") for key in keys):
            raise SystemUnavailable(self.name, f"Looking up {entity} failed.")
        there = [kept for kept in self.records.get(kind.type, {}).values() if kept.id in keys]
        found = [kept for kept in there if answers.get(kept.id) != "not_found" and self._is(kind, kept)]
        return FeedRead([self._record(kind, kept) for kept in found], "", complete=False)

    def create(
        self, entity: str, values: Sent, lines: Sequence[Sent] = (), *, idempotency_key: str | None = None
    ) -> Written:
        """See `systems.base.System`."""
        self.calls += 1
        kind = self.kinds[entity]
        given = {name: kind.kept(name, text) for name, text in values.items()}
        given |= self._numbered(kind, given)
        self._on_the_way("insert", kind.type, "", given)
        self._inserted += 1
        id_ = f"new#{self._inserted}"
        stored = {name: self._stored(kind, name, value) for name, value in given.items()}
        kept = self.put(kind.type, id_, {**kind.where, **stored}, t=self._clock(), pt={}, version=None)
        under = self._lines_under(kind)
        if under is not None and under.inside is not None:
            kept.values[under.inside] = [
                {under.line_key: place, **{n: under.kept(n, text) for n, text in line.items()}}
                for place, line in enumerate(lines, 1)
            ]
            given = {**given, under.inside: kept.values[under.inside]}
        self._log("insert", kind, id_, {**kind.where, **given})
        if under is not None and under.inside is None:
            for line in lines:
                self.create_line(under.entity, id_, line)
        return Written(id_, self._record(kind, kept), 201)

    def _numbered(self, kind: Kind, given: Values) -> Values:
        """The number that a line which is a record of its own is given within its document."""
        if kind.document is None or kind.types.get(kind.line_key) != "decimal" or kind.line_key in given:
            return {}
        siblings = [kept.values for kept in self.records[kind.type].values()]
        document = given[kind.document]
        numbers = [line.get(kind.line_key) for line in siblings if line.get(kind.document) == document]
        return {kind.line_key: max((number for number in numbers if isinstance(number, int)), default=0) + 1}

    def update(self, entity: str, key: str, values: Sent, version: str | None = None) -> Written:
        """See `systems.base.System`."""
        self.calls += 1
        kind = self.kinds[entity]
        given = {name: kind.kept(name, text) for name, text in values.items()}
        self._on_the_way("update", kind.type, key, given)
        kept = self.records[kind.type].get(key)
        if kept is None:
            raise RecordGone(self.name, f"Updating {entity}/{key}: it does not exist.", status=404)
        if version is not None and kept.version != version:
            raise RecordChanged(self.name, f"Updating {entity}/{key}: it is in version {kept.version}, not {version}.")
        kept.values.update({name: self._stored(kind, name, value) for name, value in given.items()})
        kept.t, kept.changed = self._clock(), self._change()
        kept.pt = {name: t for name, t in kept.pt.items() if name not in given}
        kept.version = f"v{kept.changed}"
        self._log("update", kind, key, given)
        return Written(key, self._record(kind, kept), 200)

    def delete(self, entity: str, key: str, version: str | None = None) -> Written:
        """See `systems.base.System`."""
        self.calls += 1
        kind = self.kinds[entity]
        self._on_the_way("delete", kind.type, key, {})
        kept = self.records[kind.type].get(key)
        if kept is None:
            raise RecordGone(self.name, f"Deleting {entity}/{key}: it does not exist.")
        del self.records[kind.type][key]
        self._deletions.append((self._change(), entity, key, moment(self._clock())))
        self._log("delete", kind, key, {})
        return Written(key, None, 204)

    def create_line(self, entity: str, document: str, values: Sent) -> Written:
        """See `systems.base.System`."""
        kind = self.kinds[entity]
        if kind.inside is None:
            return self.create(entity, {**values, str(kind.document): document})
        self.calls += 1
        given = {name: kind.kept(name, text) for name, text in values.items()}
        lines = self._changeable(kind, document, given)
        numbers = [line[kind.line_key] for line in lines if isinstance(line[kind.line_key], int)]
        lines.append({kind.line_key: max(numbers, default=0) + 1, **given})
        self._change_document(kind, document, lines)
        return Written(self._line_keys(document, lines, kind)[-1], None, 201)

    def lines_together(self, entity: str) -> bool:
        """See `systems.base.System`."""
        return self.kinds[entity].inside is not None

    def update_lines(self, entity: str, document: str, changes: Mapping[str, Sent]) -> Written:
        """See `systems.base.System`."""
        kind = self.kinds[entity]
        if kind.inside is None:
            written = [self.update(entity, key, values) for key, values in changes.items()]
            return written[0] if len(written) == 1 else Written(document, None, 200)
        self.calls += 1
        lines = self._changeable(kind, document, {})
        found = dict(zip(self._line_keys(document, lines, kind), lines, strict=True))
        for key, values in changes.items():
            line = found.get(key)
            if line is None:
                raise RecordChanged(self.name, f"Updating {entity}/{key}: it does not exist.")
            line.update({name: kind.kept(name, text) for name, text in values.items()})
        self._change_document(kind, document, lines)
        return Written(next(iter(changes)) if len(changes) == 1 else document, None, 200)

    def _changeable(self, kind: Kind, document: str, values: Values) -> list[Values]:
        """A copy of the lines inside a document, which can be changed."""
        self._on_the_way("update", str(kind.document), document, values)
        return [dict(line) for line in self.records[str(kind.document)][document].values.get(str(kind.inside)) or []]

    def _change_document(self, kind: Kind, document: str, lines: list[Values]) -> None:
        kept = self.records[str(kind.document)][document]
        kept.values[str(kind.inside)] = lines
        kept.t, kept.changed = self._clock(), self._change()
        kept.version = f"v{kept.changed}"
        parent = next(other for other in self.kinds.values() if other.type == kind.document)
        self._log("update", parent, document, {str(kind.inside): lines})

    # How it is kept.

    def _is(self, kind: Kind, kept: Stored) -> bool:
        return all(kept.values.get(name) == value for name, value in kind.where.items())

    def _record(self, kind: Kind, kept: Stored) -> Record:
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
        return self._stores.get(name, lambda given: given)(value)

    def _log(self, operation: str, kind: Kind, id_: str, values: Values) -> None:
        self.writes.append({"op": operation, "type": kind.type, "id": id_, "set": values})
        if self.after_write is not None:
            self.after_write(operation, kind.type, id_, values)

    def _on_the_way(self, operation: str, type_: str, id_: str, values: Values) -> None:
        if self.before_write is not None:
            self.before_write(operation, type_, id_, values)
        self._fail(operation, type_, id_, values)

    def _fail(self, operation: str, type_: str, id_: str | None, values: Values) -> None:
        for at, fault in enumerate(self.faults):
            if fault.operation != operation or fault.type not in (None, type_) or fault.id not in (None, id_):
                continue
            held = {**(self.records.get(type_, {}).get(id_ or "", _NOBODY).values), **values}
            if any(held.get(name) != value for name, value in fault.match.items()) or fault.left <= 0:
                continue
            self.faults[at] = replace(fault, left=fault.left - 1)
            words = f"{operation} of {type_}: the scenario lets this call fail."
            if fault.permanent:
                raise RecordRejected(self.name, words)
            raise SystemUnavailable(self.name, words)


_NOBODY = Stored("", {}, None, {}, "", 0)


def _shown(value: Any) -> Any:
    return "\n".join(map(str, value)) if isinstance(value, list) else value
