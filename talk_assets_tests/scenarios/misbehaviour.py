"""What a side of a scenario does instead of what it should, and the words for it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from talk_assets.errors import (
    AccessDenied,
    RecordChanged,
    RecordGone,
    RecordRejected,
    SystemFault,
    SystemUnavailable,
)
from talk_assets_tests.scenarios.words import NotExpressible, Values, plain

# Kinds of errors in the order in which their words count: `connection refused` is no refusal of a record.
_ERRORS = {
    "temporary": r"time ?outs?|timed out|connections?|network|gateway|rate limit(?:ed|ing)?|too many requests|"
    r"throttled|dns|temporar(?:y|ily)|transient|passing|unavailable|busy|server|overloaded|retry|retryable|maintenance|offline|down|"
    r"unreachable|recoverable|interrupted|5\d\d|5xx|408|425|429",
    "denied": r"denied|unauthori[sz]ed|forbidden|401|credentials|token expired|no rights",
    "gone": r"gone|not found|does not exist|404|410",
    "changed": r"changed|version conflict|precondition failed|stale|locked|412|etag mismatch",
    "permanent": r"permanent(?:ly)?|validation|invalid|reject(?:ed|ion|s)?|refus(?:ed|al|es)|bad request|unprocessable|"
    r"business rule|fatal|not allowed|duplicate|missing field|required|unrecoverable|conflict|says no|4\d\d|4xx",
}
# The target did it, and the answer was lost.
_UNHEARD = re.compile(
    r"\b(?:accepted|carried (?:it )?out|applied|outcome unknown|unknown outcome|"
    r"(?:no|lost|missing|without|never an?) (?:answer|response|reply)|"
    r"(?:answer|response|reply) (?:is |was |gets |got )?(?:lost|missing|never|not))\b"
)


@dataclass(frozen=True)
class Failure:
    """How a call fails.

    Attributes:
        error: temporary, permanent, denied, gone or changed.
        unheard: the call is carried out, and only its answer does not come.
    """

    error: str = "temporary"
    unheard: bool = False

    def of(self, system: str, words: str) -> SystemFault:
        """The error that the platform gets to see."""
        if self.error == "permanent":
            return RecordRejected(system, words)
        if self.error == "denied":
            return AccessDenied(system, words, status=403)
        if self.error == "gone":
            return RecordGone(system, words, status=404)
        if self.error == "changed":
            return RecordChanged(system, words, status=412)
        return SystemUnavailable(system, words, outcome_unknown=self.unheard)


def failure(words: Any) -> Failure:
    """How a call fails, in the words of a case: `temporary`, `503`, `validation error`, `timeout, no answer`.

    Raises:
        NotExpressible: the words name no kind of error.
    """
    if words in (None, "", True):
        return Failure()
    said = plain(words).replace(",", " ")
    unheard = bool(_UNHEARD.search(said)) and "not accepted" not in said
    named = [error for error, pattern in _ERRORS.items() if re.search(rf"\b(?:{pattern})\b", said)]
    if re.search(r"\b(?:non|not|un|never) ?(?:temporary|transient|retryable|recoverable)\b", said):
        named = ["permanent"]
    if not named and not unheard:
        raise NotExpressible(f"error {words!r}: neither a passing fault nor a refusal")
    return Failure(named[0] if named else "temporary", unheard)


@dataclass
class Fault:
    """Calls that fail.

    Attributes:
        operation: insert, update, delete, archive, read, lookup; `write` for all that write, `call` for every one.
        type: of records of this type; None for all.
        id: of this record.
        match: of records that hold this.
        failure: how they fail.
        left: how often still.
        made_from: of inserts: tells by what is sent whether it is made from the record that the case names.
    """

    operation: str
    type: str | None
    id: str | None
    match: Values
    failure: Failure
    left: float
    made_from: Callable[[Values], bool] | None = None

    @property
    def permanent(self) -> bool:
        """Whether the same call never succeeds."""
        return self.failure.error != "temporary"

    def meets(self, operation: str, type_: str, id_: str | None, sent: Values, held: Values) -> bool:
        """Whether it concerns a call.

        Args:
            operation: of the call.
            type_: of its record.
            id_: its record, where there is one.
            sent: what is on its way.
            held: what the record will hold.
        """
        writes = operation in ("insert", "update", "delete", "archive")
        if not (self.operation in (operation, "call") or (self.operation == "write" and writes)):
            return False
        if self.left <= 0 or self.type not in (None, type_):
            return False
        if self.made_from is not None and operation == "insert":
            return self.made_from(sent)
        return self.id in (None, id_) and all(held.get(name) == value for name, value in self.match.items())


@dataclass
class Feed:
    """What a feed answers instead of what there is.

    Attributes:
        returns: `normal`, or the ids that it brings.
        broken: the words by which every read breaks off; None when it ends well.
        changes_only: it never brings all records.
        whole: every read brings all records.
        omits: ids that it leaves out; None for all.
        lookup: id to what looking it up answers: found, not_found or error; under '' for all others.
    """

    returns: Any = "normal"
    broken: str | None = None
    changes_only: bool = False
    whole: bool = False
    omits: tuple[str, ...] = ()
    lookup: Mapping[str, str] = field(default_factory=dict)

    def answer(self, key: str) -> str | None:
        """What looking a record up answers, where the case says so."""
        return self.lookup.get(key, self.lookup.get(""))
