"""What a side of a scenario holds, and what its users do to it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from talk_assets_tests.scenarios.kinds import Kind
from talk_assets_tests.scenarios.nested import LineNumbers
from talk_assets_tests.scenarios.words import NotExpressible, Values

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


class Store:
    """The records of a side, with a change log and a list of deletions.

    Args:
        kinds: the entities of the mapping that it has.
        clock: gives the scenario's time.
    """

    def __init__(self, kinds: Sequence[Kind], clock: Callable[[], float]) -> None:
        self.kinds = {kind.entity: kind for kind in kinds}
        self.records: dict[str, dict[str, Stored]] = {kind.type: {} for kind in kinds}
        # What users deleted, as it was, and when.
        self.removed: dict[tuple[str, str], tuple[Stored, float]] = {}
        self.late: list[tuple[str, Stored]] = []
        self._clock = clock
        self._changes = 0
        self._deletions: list[tuple[int, str, str, str]] = []
        self._numbers = LineNumbers()

    def put(self, type_: str, id_: str, values: Values, *, t: float | None, pt: Values, version: str | None) -> Stored:
        """Take a record as it is given."""
        kept = Stored(id_, dict(values), t, dict(pt), "", self._change())
        kept.version = version or f"v{kept.changed}"
        self.records.setdefault(type_, {})[id_] = kept
        self.removed.pop((type_, id_), None)
        return kept

    def edit(
        self,
        type_: str,
        id_: str,
        values: Values,
        *,
        t: float | None,
        version: str | None,
        pt: dict[str, float] | None = None,
    ) -> None:
        """A user changes a record, or only saves it.

        Raises:
            NotExpressible: there is no such record.
        """
        kept = self.held(type_, id_)
        told = pt or {}
        for name in values:
            if kept.pt or told:
                kept.pt[name] = told.get(name, t if t is not None else self._clock())
        kept.values.update(values)
        self._changed(kept, t if t is not None else max(told.values(), default=kept.t), version)

    def held(self, type_: str, id_: str) -> Stored:
        """A record that a case names.

        Raises:
            NotExpressible: there is none.
        """
        kept = self.records.get(type_, {}).get(id_)
        if kept is None:
            raise NotExpressible(f"there is no {type_}/{id_} on this side at that moment")
        return kept

    def _changed(self, kept: Stored, t: float | None, version: str | None) -> None:
        kept.t = t
        kept.changed = self._change()
        kept.version = version or f"v{kept.changed}"

    def remove(self, type_: str, id_: str, *, reported: bool) -> None:
        """A user deletes a record; where the side keeps a list of deletions it is reported there."""
        kept = self.held(type_, id_)
        del self.records[type_][id_]
        self.removed[type_, id_] = (kept, self._clock())
        if reported:
            for kind in self.kinds.values():
                if kind.type == type_ and self._is(kind, kept):
                    self._deletions.append((self._change(), kind.entity, id_, moment(self._clock())))

    # Lines.

    def change_line(self, lines: Kind, document: str, key: str, values: Values | None, *, t: float | None) -> None:
        """A user changes a line inside a document, adds it where there is none, or with None removes it."""
        kept = self.held(str(lines.document), document)
        held: list[Values] = [dict(line) for line in kept.values.get(str(lines.inside)) or []]
        at = (
            self._line_keys(document, held, lines).index(key) if key in self._line_keys(document, held, lines) else None
        )
        if values is None:
            if at is None:
                raise NotExpressible(f"there is no line {key}")
            held.pop(at)
        elif at is None:
            number = key.rpartition("#")[2]
            own = {lines.line_key: int(number)} if lines.line_key and number.isdigit() else {}
            held.append({**own, **values})
        else:
            held[at].update(values)
        kept.values[str(lines.inside)] = held
        self._changed(kept, t if t is not None else kept.t, None)

    def line_records(self, lines: Kind, document: str) -> list[Stored]:
        """The lines of a document that are records of their own, in their order."""
        own = [kept for kept in self.records.get(lines.type, {}).values() if kept.values.get(lines.under) == document]
        return sorted(own, key=lambda kept: _place(kept.values.get(lines.line_key)))

    def _line_keys(self, document: str, lines: Sequence[Values], kind: Kind) -> list[str]:
        return self._numbers.keys(document, lines, kind.line_key)

    def _lines_under(self, kind: Kind) -> Kind | None:
        return next((other for other in self.kinds.values() if other.document == kind.type), None)

    def _change(self) -> int:
        self._changes += 1
        return self._changes

    def _is(self, kind: Kind, kept: Stored) -> bool:
        return all(kept.values.get(name) == value for name, value in kind.where.items())


def _place(number: object) -> float:
    return float(number) if isinstance(number, int | float) else 0.0
