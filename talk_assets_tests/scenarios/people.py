"""What users do inside the systems of a case."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from talk_assets_tests.scenarios.case import Case, properties_of, split_member
from talk_assets_tests.scenarios.events import created, held_said, is_create, is_edit, is_late, member_said
from talk_assets_tests.scenarios.memory import Side
from talk_assets_tests.scenarios.nested import line_parts
from talk_assets_tests.scenarios.store import Stored
from talk_assets_tests.scenarios.translate import Translation
from talk_assets_tests.scenarios.words import SYSTEMS, NotExpressible, Values, Words, listed, meant

_SIGNALS = {
    "explicit": {"yes", "true", "reported", "event", "webhook", "tombstone", "deletions feed", "feed", "sent"},
    "none": {
        "no",
        "false",
        "absent",
        "absence",
        "silent",
        "missing",
        "unreported",
        "snapshot",
        "not reported",
        "nothing",
    },
}
_KEEP = ("keep", "into", "survivor", "winner", "master", "target", "kept", "survives", "onto", "to", "remains")
_GONE = (
    "remove",
    "removed",
    "drop",
    "from",
    "loser",
    "losers",
    "gone",
    "delete",
    "deleted",
    "source",
    "duplicate",
    "other",
)
_TEXT = re.compile(r"merges? (\S+) (?:into|with|in|onto) (\S+)|merges? (\S+) and (\S+)(?: into (\S+))?")


class People:
    """The users of both systems.

    Args:
        case: the case.
        translation: its rules in the platform's words.
        sides: the systems.
        at: told a time of the scenario's clock, which goes no slower than what users do.
    """

    def __init__(
        self, case: Case, translation: Translation, sides: Mapping[str, Side], at: Callable[[float], None]
    ) -> None:
        self._case, self._translation, self._sides, self._at = case, translation, sides, at

    def act(self, event: Values) -> bool:
        """Do what an event says; whether it says something that users do.

        Raises:
            NotExpressible: it is not understood, or there is no such record.
        """
        edit, create, late = is_edit(event), is_create(event), is_late(event)
        if "operator_in_system" in event or "operator_in_system" in listed(event.get("by")) or "merge" in event:
            self._merge(event)
        elif edit is not None:
            for each in listed(event[edit]):
                self._edit({**{n: v for n, v in event.items() if n != edit}, "edit": each})
        elif "touch" in event:
            for each in listed(event["touch"]):
                self._edit({**{n: v for n, v in event.items() if n != "touch"}, "edit": each})
        elif create is not None:
            self._create(event, create)
        elif "delete" in event:
            self._delete(event)
        elif "rekey" in event:
            self._rekey(event)
        elif late is not None:
            self._deliver_late(event, late)
        else:
            return False
        return True

    def put(self, side: str, type_: str, record: Values) -> None:
        """Take a record as it is given."""
        pt = {str(name): float(age) for name, age in (record.get("pt") or {}).items()}
        t = record.get("t")
        for age in [*([] if t is None else [t]), *pt.values()]:
            self._at(float(age))
        self._sides[side].put(
            type_,
            str(record["id"]),
            properties_of(record),
            t=None if t is None else float(t),
            pt=pt,
            version=None if record.get("version") is None else str(record["version"]),
        )

    def line_of(self, side: str, type_: str, id_: str) -> tuple[str, str] | None:
        """Type and id of a line that is a record of its own, named as `X#n`; None for whole records and other lines."""
        parts, lines = line_parts(id_), self._translation.kind_of_lines(side, type_)
        if parts is None or lines is None or lines.inside is not None:
            return None
        own = self._sides[side].line_records(lines, parts[0])
        found = [kept.id for n, kept in enumerate(own, 1) if str(kept.values.get(lines.line_key, n)) == parts[1]]
        if not found:
            raise NotExpressible(f"{side}/{type_}/{id_}: there is no such line")
        return lines.type, found[0]

    def _time(self, words: Words) -> float | None:
        t = words.take("t", "at_t", "time")
        if t is None:
            return None
        self._at(float(t))
        return float(t)

    def _edit(self, event: Values) -> None:
        words = Words(event, "edit")
        side, type_, id_ = member_said(words, self._case.types, "edit")
        line = words.take("line")
        id_ = f"{id_}#{line}" if line is not None else str(id_)
        values, t, version = held_said(words), self._time(words), words.take("version")
        pt = {str(name): float(age) for name, age in (words.take("pt", default={}) or {}).items()}
        words.done()
        for age in pt.values():
            self._at(age)
        own = self.line_of(side, type_, id_)
        lines = self._translation.kind_of_lines(side, type_)
        if own is None and lines is not None and line_parts(id_) is not None:
            self._sides[side].change_line(lines, str(id_).rpartition("#")[0], id_, values, t=t)
            return
        type_, id_ = own or (type_, id_)
        self._sides[side].edit(type_, id_, values, t=t, version=version, pt=pt)

    def _create(self, event: Values, word: str) -> None:
        side, type_, rows, words = created(event, word, self._case.types)
        words.done()
        lines = self._translation.kind_of_lines(side, type_)
        for row in rows:
            if lines is not None and lines.inside is not None and line_parts(row["id"]) is not None:
                document = row["id"].rpartition("#")[0]
                t = None if row.get("t") is None else float(row["t"])
                self._sides[side].change_line(lines, document, row["id"], properties_of(row), t=t)
            else:
                self.put(side, type_, row)

    def _delete(self, event: Values) -> None:
        for each in listed(event["delete"]):
            words = Words({**event, "delete": each}, "delete")
            side, type_, id_ = member_said(words, self._case.types, "delete")
            t, signal = self._time(words), words.take("signal", "reported", default="explicit")
            words.done()
            own, lines = self.line_of(side, type_, str(id_)), self._translation.kind_of_lines(side, type_)
            if own is None and lines is not None and line_parts(str(id_)) is not None:
                self._sides[side].change_line(lines, str(id_).rpartition("#")[0], str(id_), None, t=t)
                continue
            type_, id_ = own or (type_, str(id_))
            self._sides[side].remove(type_, id_, reported=meant(signal, _SIGNALS, "signal") == "explicit")

    def _rekey(self, event: Values) -> None:
        """A system gives a record another key: the old one is reported as deleted."""
        words = Words(event, "rekey")
        side, type_, id_ = member_said(words, self._case.types, "rekey")
        new = str(words.need("to", "new_id", "new_key", "becomes", "as")).rpartition("/")[2]
        t, signal = self._time(words), words.take("signal", "reported", default="explicit")
        words.done()
        kept = self._sides[side].held(type_, str(id_))
        self._sides[side].remove(type_, str(id_), reported=meant(signal, _SIGNALS, "signal") == "explicit")
        self.put(side, type_, {**kept.values, "id": new, "t": kept.t if t is None else t})

    def _deliver_late(self, event: Values, word: str) -> None:
        words = Words(event, "deliver_late")
        side, type_, id_ = member_said(words, self._case.types, word)
        t = float(words.need("t"))
        held = self._sides[side].records.get(type_, {}).get(str(id_))
        given = next((row for row in self._case.records[side].get(type_, []) if str(row["id"]) == id_), {})
        values = {**(properties_of(given) if held is None else held.values), **held_said(words)}
        words.done()
        self.late(side, type_, {**values, "id": id_, "t": t})

    def late(self, side: str, type_: str, record: Values) -> None:
        """Have a record handed out once more as it once was."""
        t = None if record.get("t") is None else float(record["t"])
        self._sides[side].late.append((type_, Stored(str(record["id"]), properties_of(record), t, {}, "late", 0)))

    # One of two records.

    def _merge(self, event: Values) -> None:
        """A user makes one of two records of a system."""
        inner = event.get("operator_in_system")
        own = inner if isinstance(inner, dict) else {"members": inner} if isinstance(inner, list) else {}
        words = Words({**event, "operator_in_system": "merge", **own} if own else event, "operator_in_system")
        said = str(words.take("operator_in_system", default="merge"))
        words.take("by", "do")
        every = [
            str(each) for each in listed(words.take("members", "records", "merge", "merges", "merged", default=[]))
        ]
        keep = words.take(*_KEEP)
        gone = [str(each) for name in _GONE if words.has(name) for each in listed(words.take(name))]
        if found := _TEXT.fullmatch(said):
            one, into, first, second, third = found.groups()
            every = [each for each in (first, second) if each]
            gone, keep = ([one], into) if one else (gone, third or keep)
            said = "merge"
        if said not in ("merge", "merged", "merge_records", *SYSTEMS) and said.count("/") == 0:
            raise NotExpressible(f"operator_in_system: {said!r} is no merge: {event}")
        every += [said] if said.count("/") else []
        place = self._place([*every, *gone, *([str(keep)] if keep else [])], said, words)
        named = [_full(each, place) for each in every]
        stays = _full(str(keep), place) if keep else (named[0] if named else "")
        removed = list(dict.fromkeys([*(_full(each, place) for each in gone), *(m for m in named if m != stays)]))
        values, t = held_said(words), self._time(words)
        signal = meant(words.take("signal", "reported", default="explicit"), _SIGNALS, "signal")
        words.done()
        if not stays or not removed or stays in removed:
            raise NotExpressible(f"operator_in_system: it is not clear which record stays and which goes: {event}")
        side, type_, id_ = split_member(stays)
        self._sides[side].edit(type_, id_, values, t=t, version=None)
        for each in removed:
            side, type_, id_ = split_member(each)
            self._sides[side].remove(type_, id_, reported=signal == "explicit")

    def _place(self, named: list[str], said: str, words: Words) -> str:
        """Side and type of the records that are named by their ids alone."""
        whole = next((each for each in named if each.count("/") == 2), None)
        if whole is not None:
            return whole.rpartition("/")[0]
        side = said if said in SYSTEMS else words.take("side", "system", "in")
        type_ = words.take("type")
        if side is not None and str(side).count("/") == 1:
            return str(side)
        if type_ is not None and str(type_).count("/") == 1:
            return str(type_)
        holding = [
            f"{each}/{kept}"
            for each, system in self._sides.items()
            for kept, records in system.records.items()
            if side in (None, each) and type_ in (None, kept) and named and all(name in records for name in named)
        ]
        if len(holding) != 1:
            raise NotExpressible(f"operator_in_system: of which side and type are {', '.join(named)}?")
        return holding[0]


def _full(name: Any, place: str) -> str:
    return str(name) if str(name).count("/") == 2 else f"{place}/{name}"
