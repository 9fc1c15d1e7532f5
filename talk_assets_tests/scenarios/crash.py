"""At which moment of a sync the process is killed, in the words of a case.

A sync reads the feeds, decides and stores what it decided, and then per write: notes an intent, calls the target, and
stores the key or content that it was answered.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from talk_assets.ledger.database import Ledger
from talk_assets_tests.scenarios.memory import Killed, Side
from talk_assets_tests.scenarios.sources import Source
from talk_assets_tests.scenarios.words import NotExpressible, Values, Words, plain

# Moments between the steps of a sync.
START, READING, READ, MATCHED, UNCOMMITTED, PLANNED, END = (
    "start",
    "reading",
    "read",
    "matched",
    "uncommitted",
    "planned",
    "end",
)
# Moments of a write: before the call, after the target carried it out, after what it answered was stored.
SENDING, ACCEPTED, STORED = "sending", "accepted", "stored"

_OPERATIONS = {
    "insert": r"insert(?:s|ed|ing|ion)?|creat(?:es?|ed|ing|ion)",
    "update": r"updat(?:es?|ed|ing)|patch(?:es|ed|ing)?",
    "delete": r"delet(?:es?|ed|ing|ion)|remov(?:es?|ed|ing|al)",
    "archive": r"archiv(?:es?|ed|ing|al)",
}
_ANY_OPERATION = "|".join(_OPERATIONS.values())
_STORES = (
    r"\b(?:stor(?:es?|ed|ing)|sav(?:es?|ed|ing)|record(?:ed|ing)|persist\w*|noted|noting|committ?\w*|written down)\b"
)
_PLANS = r"\b(?:plan\w*|decisions?|decid\w+|owed|golden|merg\w+|cursors?|outbox|state|bases|guards?)\b"
_READS = r"\b(?:read\w*|collect\w*|fetch\w*|pull\w*|feeds?|poll\w*)\b"
_WRITES = (
    r"\b(?:call\w*|request\w*|send\w*|sent|accept\w*|answer\w*|repl(?:y|ies|ied)|respon\w+|carried out|writ\w+|"
    rf"deliver\w*|targets?|keys?|{_ANY_OPERATION})\b"
)
_DURING = r"^(?:during|while|in the middle of|half ?way through|amid)\b"
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "one": 1, "two": 2, "three": 3}
_PLACE = re.compile(r"(?:left|right)/[\w ]+/(\S+)")
_NAMED = (
    rf"(?:{_ANY_OPERATION}|keys?|ids?|links?|bases?|writes?|call|answer|intent) (?:of|for|from|to) "
    r"(?:the |record |new |key )*(\S+)",
    rf"\b(?:{_ANY_OPERATION}) (?:record )?([A-Za-z]+#?\d\w*)",
    r"\b([A-Z]+\d+\w*|new#\d+)(?:'s|\b)",
)


@dataclass(frozen=True)
class Moment:
    """When the process is killed.

    Attributes:
        at: one of the moments above.
        operation: of a write; None for any.
        id: of the record that is written, or of the one whose values it is given; None for any.
        nth: the how-manieth such write.
    """

    at: str
    operation: str | None = None
    id: str | None = None
    nth: int = 1


def moment_of(said: Any) -> Moment:
    """From `after the target accepted the insert of L3 but before its new key was stored`.

    Raises:
        NotExpressible: the words name no moment.
    """
    text = _text(said)
    # What comes later only says between which two moments it is.
    between = re.fullmatch(r"between (.+?) and .+", text)
    first = text if between is None or re.search(_READS, between[1]) else f"after {between[1]}"
    words = plain(re.split(r",? but |, | and before | and not yet ", first)[0])
    words = re.sub(r"^(?:right|just|immediately|shortly) ", "", words)
    operation = next((name for name, pattern in _OPERATIONS.items() if re.search(rf"\b(?:{pattern})\b", words)), None)
    id_ = _record(text)
    at = _step(words, named=id_ is not None) or _write(words, named=operation is not None or id_ is not None)
    if at is None:
        raise NotExpressible(f"crash: {said}")
    return Moment(at, operation, id_, _nth(words)) if at in (SENDING, ACCEPTED, STORED) else Moment(at)


def _text(said: Any) -> str:
    if not isinstance(said, dict):
        return str(said).strip()
    words = Words(said, "crash")
    when = next((name for name in ("before", "after", "during") if words.has(name)), None)
    moment = f"{when} {words.take(when)}" if when else str(words.need("at", "moment", "when"))
    of = words.take("of", "record", "member", "id", *_OPERATIONS)
    words.done()
    return f"{moment} of {of}" if of is not None and f" {of}" not in moment else moment


def _record(text: str) -> str | None:
    """The record that the words name."""
    if found := _PLACE.search(text):
        return found[1].rstrip(".,;")
    for pattern in _NAMED:
        if (found := re.search(pattern, text)) and re.search(r"\d|#", found[1]):
            return found[1].rstrip(".,;").removesuffix("'s")
    return None


def _nth(words: str) -> int:
    found = re.search(
        rf"\b(\d+|{'|'.join(_ORDINALS)})(?:st|nd|rd|th)? (?:{_ANY_OPERATION}|writes?|calls?|requests?)\b", words
    )
    return (int(found[1]) if found[1].isdigit() else _ORDINALS[found[1]]) if found else 1


def _step(words: str, *, named: bool) -> str | None:
    """A moment between the steps of a sync."""
    before = words.startswith("before")
    writes, stores = re.search(_WRITES, words), re.search(_STORES, words)
    if re.search(r"between (?:the )?read\w* and (?:the )?(?:writ|send|deliver)\w*", words):
        return PLANNED
    if re.search(
        r"^before (?:any|all|every|the first|the) (?:writ\w+|delivery)$|^before (?:writing|delivery|delivering)\b",
        words,
    ):
        return PLANNED
    if not named and re.search(
        r"^after (?:all|every|the last|the|any) writ\w+$|^after (?:writing|delivery|delivering)\b", words
    ):
        return END
    if named or (writes and not re.search(_PLANS, words)):
        return None
    if stores and (re.search(_PLANS, words) or re.fullmatch(r"(?:before|after) (?:the |a )?commit\w*", words)):
        return UNCOMMITTED if before else PLANNED
    if re.search(_PLANS, words):
        return READ if before else UNCOMMITTED if re.search(_DURING, words) else PLANNED
    if re.search(_READS, words):
        return READING if re.search(_DURING, words) else START if before else READ
    if re.search(r"\b(?:match\w*|compar\w*)\b", words):
        return READ if before else MATCHED
    if re.search(r"\b(?:run|sync|cycle|everything|start|beginning|end)\b", words):
        return START if before or re.search(r"\b(?:start|beginning)\b", words) else END
    return None


def _write(words: str, *, named: bool) -> str | None:
    """A moment of one write."""
    before = words.startswith("before")
    # The intent is noted before anything is sent.
    if re.search(r"\bintent\w*\b", words):
        return SENDING
    if re.search(_STORES, words):
        return ACCEPTED if before else STORED
    if not named and not re.search(_WRITES, words):
        return None
    return SENDING if before else ACCEPTED


class Crash:
    """A kill that waits for its moment.

    Args:
        moment: when.
        sides: the systems.
        source: tells what an insert is made from.
        ledger: where state is kept.
        division: the case's.
    """

    def __init__(
        self, moment: Moment, sides: Mapping[str, Side], source: Source, ledger: Ledger, division: str
    ) -> None:
        self.moment = moment
        self.struck = False
        self._sides, self._source, self._ledger, self._division = sides, source, ledger, division
        self._met = 0
        self._stored = False

    def reach(self, at: str) -> None:
        """Die when this is the moment.

        Raises:
            Killed: it is.
        """
        if not self.struck and self.moment.at == at:
            self._strike()

    def _strike(self, *_anything: object) -> None:
        self.struck = True
        raise Killed

    @contextmanager
    def deciding(self) -> Iterator[None]:
        """Die when what was decided is about to be committed, if that is the moment."""
        if self.struck or self.moment.at != UNCOMMITTED:
            yield
            return
        sa.event.listen(self._ledger.engine, "commit", self._strike)
        try:
            yield
        finally:
            sa.event.remove(self._ledger.engine, "commit", self._strike)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Watch the writes of a sync."""
        before = {name: (side.before_call, side.before_write, side.after_write) for name, side in self._sides.items()}
        for side in self._sides.values():
            side.before_call = self._next_call
            side.before_write = _both(side.before_write, self._sending)
            side.after_write = _both(side.after_write, self._accepted)
        try:
            yield
        finally:
            for name, side in self._sides.items():
                side.before_call, side.before_write, side.after_write = before[name]

    def _next_call(self) -> None:
        if self._stored and not self.struck:
            self._strike()

    def _sending(self, operation: str, type_: str, id_: str, values: Values) -> None:
        if self.moment.at == SENDING and self._meets(operation, id_, values):
            self._strike()

    def _accepted(self, operation: str, type_: str, id_: str, values: Values) -> None:
        if self.moment.at in (ACCEPTED, STORED) and self._meets(operation, id_, values):
            if self.moment.at == ACCEPTED:
                self._strike()
            # What it answered is stored by the time that anything else is asked.
            self._stored = True

    def _meets(self, operation: str, id_: str, values: Values) -> bool:
        wish = self.moment
        if self.struck or wish.operation not in (None, operation, {"archive": "update"}.get(operation)):
            return False
        if wish.id is not None and id_ != wish.id and not self._stems_from(wish.id, operation, id_, values):
            return False
        self._met += 1
        return self._met == wish.nth

    def _stems_from(self, source: str, operation: str, id_: str, values: Values) -> bool:
        """Whether a write delivers a record: an insert holds what it holds, others go to its counterpart."""
        if operation == "insert":
            return self._source.is_of(source, values)
        with self._ledger.begin() as connection:
            found = connection.execute(
                sa.text(
                    "select 1 from talk.member one join talk.member other using (cluster_id)"
                    " where one.division = :division and one.key = :source and other.key = :target"
                    " and split_part(one.entity, '.', 1) <> split_part(other.entity, '.', 1)"
                ),
                {"division": self._division, "source": source, "target": id_},
            )
            return found.first() is not None


def _both(first: Any, second: Any) -> Any:
    def call(*words: Any) -> None:
        if first is not None:
            first(*words)
        second(*words)

    return call
