"""What goes wrong in the systems of a case: what a feed returns, what a look-up answers, which calls fail."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from talk_assets_tests.scenarios.case import Case
from talk_assets_tests.scenarios.events import returned
from talk_assets_tests.scenarios.memory import Side
from talk_assets_tests.scenarios.misbehaviour import Fault, Feed, failure
from talk_assets_tests.scenarios.people import People
from talk_assets_tests.scenarios.sources import Source
from talk_assets_tests.scenarios.words import (
    SYSTEMS,
    NotExpressible,
    Values,
    Words,
    count,
    listed,
    meant,
    other,
    place_of,
    plain,
)

_KINDS = {
    "changes_only": {
        "changes",
        "incremental",
        "delta",
        "events",
        "webhook",
        "webhooks",
        "batch",
        "event batch",
        "partial",
    },
    "full": {"whole", "complete", "snapshot", "all", "full read", "full snapshot", "rescan"},
    "normal": {"usual"},
}
_WELL = {"success", "ok", "okay", "complete", "completed", "done", "200", "succeeded", "fine", "normal", "well"}
_BROKEN = re.compile(
    r"err|fail|broke|abort|time ?out|timed out|partial|incomplete|interrupt|cut off|unavailable|5\d\d|429|truncat|crash"
)
_LOOKUPS = {
    "found": {"exists", "there", "true", "yes", "200", "still exists", "present", "ok", "live", "still there"},
    "not_found": {
        "gone",
        "missing",
        "404",
        "410",
        "false",
        "no",
        "deleted",
        "absent",
        "none",
        "not there",
        "does not exist",
    },
    "error": {"fails", "failed", "failure", "timeout", "time out", "500", "502", "503", "504", "unavailable", "5xx"},
}
_OPERATIONS = {
    "insert": {"create", "inserts", "creation", "add", "post"},
    "update": {"edit", "updates", "change", "patch", "put"},
    "delete": {"remove", "deletes", "deletion"},
    "archive": {"archives", "archiving"},
    "read": {"reads", "feed", "fetch", "list", "collect", "reading"},
    "lookup": {"look up", "find", "lookups", "get"},
    "write": {"writes", "any write", "all writes", "writing", "every write"},
    "call": {"all", "any", "everything", "every call", "calls", "both"},
}
_NORMAL = {"normal", "usual", "all", "everything", "as it is", "what there is"}


class Troubles:
    """What goes wrong in both systems.

    Args:
        case: the case.
        sides: the systems.
        people: the users, who put what feeds return where it is read.
        source: tells which record an insert is made from.
    """

    def __init__(self, case: Case, sides: Mapping[str, Side], people: People, source: Source) -> None:
        self._case, self._sides, self._people, self._source = case, sides, people, source

    def act(self, event: Values) -> bool:
        """Let go wrong what an event says; whether it says so.

        Raises:
            NotExpressible: it is not understood.
        """
        if "feed" in event:
            self._feed(event)
        elif "fail" in event:
            self._fail(event)
        elif "lookup" in event or "look_up" in event:
            self._lookup(event)
        else:
            return False
        return True

    def _places(self, said: Any) -> list[tuple[str, str]]:
        """Side and type of all that is named."""
        found = []
        for each in listed(said):
            place = place_of(each, self._case.types)
            if place is None:
                raise NotExpressible(f"{each!r} names no feed")
            for side in [place.side] if place.side else list(SYSTEMS):
                types = [place.type] if place.type else [kind.type for kind in self._sides[side].kinds.values()]
                found += [(side, type_) for type_ in dict.fromkeys(types)]
        return found

    # Feeds.

    def _feed(self, event: Values) -> None:
        words = Words(event, "feed")
        places = self._places(words.take("feed"))
        kind = meant(words.take("kind", "read", "mode", default="normal"), _KINDS, "feed: kind")
        returns, status = words.take("returns", default="normal"), words.take("status", "ends", "result", default="ok")
        omits = [
            str(each).rpartition("/")[2] for each in listed(words.take("omits", "omit", "without", "lacks", "missing"))
        ]
        words.take("contains", "t")
        lookup = words.take("lookup", "look_up", "lookups")
        error = words.take("error", "fails", "then")
        words.done()
        broken = _broken(returns, status, error)
        rows, gone = returned(event, self._case)
        for side, type_ in places:
            ids = self._given(side, type_, returns, rows, gone)
            missing = self._omitted(side, type_, omits)
            self._sides[side].feeds[type_] = Feed(
                returns=ids,
                broken=broken,
                changes_only=kind == "changes_only",
                whole=kind == "full",
                omits=tuple(missing),
                lookup=_answers(lookup, missing),
            )

    def _given(self, side: str, type_: str, returns: Any, rows: list[Values], gone: list[Values]) -> Any:
        """Take what a feed returns as what there is now; the ids that it brings."""
        if plain(returns) in ("nothing", "empty", "none", "no rows") and not isinstance(returns, list):
            return ()
        if not isinstance(returns, list):
            if plain(returns) not in _NORMAL and not _BROKEN.search(plain(returns)):
                raise NotExpressible(f"feed: returns {returns!r}")
            return "normal"
        system = self._sides[side]
        for row in rows:
            self._take(side, type_, row)
        for row in gone:
            if str(row["id"]) in system.records.get(type_, {}):
                self._people.act({"delete": f"{side}/{type_}/{row['id']}", "t": row.get("t")})
        named = [str(each).rpartition("/")[2] for each in returns if not isinstance(each, dict)]
        return (*(str(row["id"]) for row in rows), *named)

    def _take(self, side: str, type_: str, row: Values) -> None:
        """A row is what there is now, unless it tells of a time that is over."""
        system, id_ = self._sides[side], str(row["id"])
        held, t = system.records.get(type_, {}).get(id_), row.get("t")
        gone = system.removed.get((type_, id_))
        if held is None and gone is not None:
            over = t is None or float(t) <= max(gone[1], gone[0].t or 0.0)
        else:
            over = held is not None and t is not None and held.t is not None and float(t) < held.t
        (self._people.late if over else self._people.put)(side, type_, row)

    def _omitted(self, side: str, type_: str, omits: list[str]) -> list[str]:
        return list(self._sides[side].records.get(type_, {})) if omits in (["all"], ["*"]) else omits

    def _lookup(self, event: Values) -> None:
        """`{lookup: right/contact/R1, answers: not_found}`, beside what the feed does."""
        words = Words(event, "lookup")
        said = words.take("lookup", "look_up")
        answer = words.need("answers", "answer", "returns", "is", "result", "gives")
        words.done()
        for each in listed(said):
            place, id_ = str(each), ""
            if place.count("/") == 2:
                place, _, id_ = place.rpartition("/")
            for side, type_ in self._places(place):
                feed = self._sides[side].feeds.get(type_, Feed())
                more = {id_: meant(answer, _LOOKUPS, "lookup")} if id_ else _answers(answer, [])
                self._sides[side].feeds[type_] = replace(feed, lookup={**feed.lookup, **more})

    # Calls that fail.

    def _fail(self, event: Values) -> None:
        words = Words(event, "fail")
        said, times = words.take("fail"), words.take("times", "count", default=1)
        sides, type_, id_ = self._at(words)
        ends = plain(said) in ("none", "nothing", "false", "stop", "end", "never") or count(times, "times") == 0
        match, error = words.take("match", "where", "when", default={}) or {}, words.take("error", "with", "status")
        words.done()
        if not isinstance(match, dict):
            raise NotExpressible(f"fail: match {match!r}")
        every = plain(said) in ("none", "nothing", "false", "stop", "end", "never")
        operations = [] if every else [meant(each, _OPERATIONS, "fail") for each in listed(said)]
        if ends:
            for side in sides:
                faults = self._sides[side].faults
                faults[:] = [each for each in faults if not _ended(each, operations, type_, id_)]
            return
        for operation in operations:
            for side in sides:
                self._add(side, Fault(operation, type_, id_, match, failure(error), count(times, "times")))

    def _add(self, side: str, fault: Fault) -> None:
        """An insert is named by the record that it is made from, which is on the other side."""
        named = fault.id
        if fault.operation == "insert" and named is not None and self._source.there(named):
            here = any(named in records for records in self._sides[side].records.values())
            fault = replace(fault, type=None, id=None, made_from=lambda sent: self._source.is_of(named, sent))
            side = other(side) if here else side
        self._sides[side].faults.append(fault)

    def _at(self, words: Words) -> tuple[list[str], str | None, str | None]:
        """Sides, type and id of the calls that fail."""
        said = [
            words.take(name) for name in ("at", "type", "member", "of", "record", "side", "on", "to") if words.has(name)
        ]
        id_ = words.take("id", "key")
        sides, type_ = list(SYSTEMS), None
        for each in said:
            if str(each).count("/") == 2:
                side, type_, id_ = str(each).split("/")
                sides = [side]
                continue
            place = place_of(each, self._case.types)
            if place is None:
                raise NotExpressible(f"fail: {each!r} names no side or type")
            sides = [side for side in SYSTEMS if side in (place.side, place.to)] or sides
            type_ = place.type or type_
        return sides, type_, None if id_ is None else str(id_)


def _ended(fault: Fault, operations: list[str], type_: str | None, id_: str | None) -> bool:
    return (
        (not operations or fault.operation in operations)
        and (type_ is None or fault.type in (None, type_))
        and (id_ is None or fault.id in (None, id_))
    )


def _broken(returns: Any, status: Any, error: Any) -> str | None:
    """The words by which reading a feed breaks off; None when it ends well."""
    if error not in (None, False):
        return str(error)
    if isinstance(returns, str) and plain(returns) not in _NORMAL and _BROKEN.search(plain(returns)):
        return returns
    if plain(status) in _WELL or status is True:
        return None
    if status is False or _BROKEN.search(plain(status)):
        return f"it ended with {status}"
    raise NotExpressible(f"feed: status {status!r}")


def _answers(lookup: Any, omitted: list[str]) -> dict[str, str]:
    """What looking records up answers, by id; one word is for those that the feed leaves out."""
    if lookup is None:
        return {}
    if isinstance(lookup, dict):
        return {str(key).rpartition("/")[2]: meant(word, _LOOKUPS, "lookup") for key, word in lookup.items()}
    word = meant(lookup, _LOOKUPS, "lookup")
    return dict.fromkeys(omitted, word) if omitted else {"": word}
