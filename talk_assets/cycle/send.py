"""One write: the intent before it, the call, and what is stored after it."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from http import HTTPStatus

import pandas as pd
import sqlalchemy as sa

from talk_assets.cycle.context import Cycle
from talk_assets.cycle.versions import document_of, note_left, version_for
from talk_assets.cycle.writes import FORBIDDEN, Write
from talk_assets.errors import (
    AccessDenied,
    RecordChanged,
    RecordGone,
    RecordRejected,
    SystemFault,
    SystemUnavailable,
    UnexpectedAnswer,
)
from talk_assets.ledger import absence, contested, debts, notes, requests
from talk_assets.ledger.clusters import account_sent, store_insert
from talk_assets.ledger.records import store_written
from talk_assets.ledger.unfinished import times_answered
from talk_assets.systems.base import Written

# Seconds until the next try after the n-th passing fault in a row: at once in the next run, then slower and slower.
_FIRST_DELAY, _LONGEST_DELAY = 60, 3600
# A system may ask for more, until its day's budget of calls is new, but not for ever.
_LONGEST_ASKED = 24 * 3600
_GONE = (403, 404, 410)
# The reason why an update that was planned is not carried out.
CHANGED_SINCE_READ = "changed_since_read"
# How often a target may say that a record changed although reading it shows nothing new.
_MOST_CHANGES = 3
# How often a system may refuse a deletion, because what refers to the record may be deleted too, after it, or forbid a
# write.
_MOST_REFUSALS = 3


class Outcome(Enum):
    """What became of a write."""

    DONE = "done"
    CHANGED = "changed since it was read; decided again"
    REJECTED = "refused"
    UNAVAILABLE = "failed for now; tried again"
    POSTPONED = "has to wait until calls can be made again"


@dataclass(frozen=True)
class _Noted:
    """What was noted of a write before it was sent: its intents, the first its own, and its request."""

    intents: list[uuid.UUID]
    request: int


class Sender:
    """Sends the writes of one entity."""

    def __init__(self, cycle: Cycle, entity: str) -> None:
        self._cycle = cycle
        self._entity = entity
        self._system = cycle.system_of(entity)
        self._subject = cycle.mappings.subject_of(entity)

    def send(self, write: Write) -> tuple[Outcome, str]:
        """Carry a write out and store what became of it.

        Returns:
            The outcome, and the system's own words where it refused.

        Raises:
            AccessDenied: no write can succeed until a person acts.
        """
        (noted,), version = self._note([write]), version_for(self._cycle, write)
        try:
            written = self._call(write, noted.intents, version)
        except RecordRejected as error:
            if error.outcome_unknown:
                self._lose_sight([noted], requests.REFUSED, error)
                self._fail_for_now(write, str(error), _LONGEST_DELAY)
                return Outcome.REJECTED, str(error)
            self._close([noted], "refused", requests.REFUSED, error)
            if error.status == HTTPStatus.FORBIDDEN:
                # A right can be given, and each try counts among the failed calls that a system bears.
                again, words = self._times(write, requests.REFUSED) < _MOST_REFUSALS, f"{FORBIDDEN}{error}"
                self._fail(write, "owed" if again else "dead", words, delay=_LONGEST_DELAY)
                return Outcome.REJECTED, words
            once_more = write.operation == "delete" and self._times(write, requests.REFUSED) < _MOST_REFUSALS
            self._fail(write, "owed" if once_more else "dead", str(error))
            return Outcome.REJECTED, str(error)
        except RecordChanged as error:
            self._close([noted], "not sent", requests.CHANGED, error)
            return self._decide_again(write, error)
        except (SystemUnavailable, UnexpectedAnswer) as error:
            return self._without_answer([write], error, [noted]), str(error)
        except AccessDenied as error:
            # Refused before anything was done, so that nothing has to be looked up before it is sent again.
            self._close([noted], "not sent", requests.DENIED, error)
            raise
        self._store(write, written, noted, version)
        return Outcome.DONE, ""

    def send_lines(self, writes: list[Write]) -> list[tuple[Outcome, str]]:
        """Carry out updates of lines of one document by one call.

        Returns:
            For each what became of it. When the system refuses them together, each is sent by itself.

        Raises:
            AccessDenied: no write can succeed until a person acts.
        """
        changes = {str(write.key): write.own for write in writes}
        noted, version = self._note(writes), version_for(self._cycle, writes[0])
        try:
            written = self._system.update_lines(self._entity, str(writes[0].document), changes, version)
        except (RecordRejected, RecordChanged) as error:
            if isinstance(error, RecordRejected) and error.outcome_unknown:
                self._lose_sight(noted, requests.REFUSED, error)
                for write in writes:
                    self._fail_for_now(write, str(error), _LONGEST_DELAY)
                return [(Outcome.REJECTED, str(error))] * len(writes)
            refused = isinstance(error, RecordRejected)
            self._close(noted, "refused together", requests.REFUSED if refused else requests.CHANGED, error)
            if isinstance(error, RecordChanged) and error.status in (None, HTTPStatus.PRECONDITION_FAILED):
                # So would be each by itself.
                return [self._decide_again(write, error) for write in writes]
            return [self.send(write) for write in writes]
        except AccessDenied as error:
            self._close(noted, "not sent", requests.DENIED, error)
            raise
        except (SystemUnavailable, UnexpectedAnswer) as error:
            return [(self._without_answer(writes, error, noted), str(error))] * len(writes)
        for write, each in zip(writes, noted, strict=True):
            self._store(write, replace(written, key=str(write.key)), each, version)
        return [(Outcome.DONE, "")] * len(writes)

    def _call(self, write: Write, intents: list[uuid.UUID], version: str | None) -> Written:
        if write.operation == "create" and write.document is not None:
            return self._system.create_line(write.entity, write.document, write.own)
        if write.operation == "create":
            lines = [line.own for line in write.lines]
            return self._system.create(write.entity, write.own, lines, idempotency_key=str(intents[0]))
        if write.operation == "delete" and not write.own:
            return self._delete(write)
        if write.document is not None:
            return self._system.update_lines(write.entity, write.document, {str(write.key): write.own}, version)
        return self._system.update(write.entity, str(write.key), write.own, version)

    def _delete(self, write: Write) -> Written:
        """Delete a record; one that is gone already is deleted."""
        try:
            return self._system.delete(write.entity, str(write.key), write.version)
        except RecordGone as error:
            return Written(str(write.key), None, error.status or 0)

    def _note(self, writes: Sequence[Write]) -> list[_Noted]:
        """Note writes that are sent together, before anything is sent."""
        cycle = self._cycle
        with cycle.ledger.begin() as connection:
            found = []
            for write in writes:
                intents = self._open_intents(connection, write)
                request = requests.note_request(
                    connection,
                    cycle.division,
                    cycle.run_id,
                    subject=self._subject.subject,
                    cluster_id=write.cluster_id,
                    entity=write.entity,
                    operation="archive" if write.operation == "delete" and write.own else write.operation,
                    key=write.key,
                    document=write.document,
                    values=write.own,
                    lines=[line.own for line in write.lines],
                    intent=intents[0] if intents else None,
                )
                found.append(_Noted(intents, request))
        return found

    def _open_intents(self, connection: sa.Connection, write: Write) -> list[uuid.UUID]:
        """Note what may have to be looked up, with a document's insert also its lines.

        A deletion needs no such note: that it was carried out shows, and done twice it is the same.
        """
        if write.operation == "delete":
            return []
        cycle = self._cycle
        lines = cycle.lines_of(write.entity)
        opened = [
            debts.open_intent(
                connection, cycle.division, write.entity, write.cluster_id, write.canonical, cycle.run_id, write.key
            )
        ]
        opened += [
            debts.open_intent(connection, cycle.division, str(lines), line.cluster_id, line.canonical, cycle.run_id)
            for line in write.lines
        ]
        return opened

    def _without_answer(
        self, writes: list[Write], error: SystemUnavailable | UnexpectedAnswer, noted: list[_Noted]
    ) -> Outcome:
        """Leave open what may have been carried out, and have the writes tried again."""
        if isinstance(error, UnexpectedAnswer) or error.outcome_unknown:
            self._lose_sight(noted, requests.FAILED, error)
        else:
            self._close(noted, "not sent", requests.FAILED, error)
        if isinstance(error, SystemUnavailable) and error.postponed:
            return Outcome.POSTPONED
        asked = error.retry_after if isinstance(error, SystemUnavailable) else None
        withheld = isinstance(error, SystemUnavailable) and error.withheld and not error.outcome_unknown
        for write in writes:
            if withheld:
                # Others of its set were refused: it was not tried.
                self._put_off(write, str(error), asked or 0)
            else:
                self._fail_for_now(write, str(error), asked)
        return Outcome.UNAVAILABLE

    def leave(self, write: Write) -> None:
        """Try what was forbidden before not now, but after an hour, as if it had not come up."""
        self._put_off(write, write.forbidden, _LONGEST_DELAY)

    def wait(self, write: Write) -> None:
        """Leave a write for later: what it takes is still held by a record whose own write has not succeeded."""
        reason = "waits for the code that it takes to be given up by the record that has it"
        self._fail(write, "waiting", reason, tried=False)

    def _put_off(self, write: Write, reason: str, delay: float) -> None:
        self._fail(write, "owed", write.forbidden or reason, delay=delay, tried=False)

    def _decide_again(self, write: Write, error: RecordChanged) -> tuple[Outcome, str]:
        """Have planned anew, after another reading, what met a record that had changed."""
        # One that stays the same and is refused again and again is for a person. A record that no reading shows as gone
        # is a failed call every time, of which a system bears few.
        delay = _LONGEST_DELAY if error.status in _GONE else 0
        again = self._times(write, requests.CHANGED) < _MOST_CHANGES
        self._fail(write, "owed" if again else "dead", str(error), delay=delay)
        if not isinstance(error, RecordGone):
            self._note_changed(write)
        return Outcome.CHANGED, str(error)

    def _note_changed(self, write: Write) -> None:
        row = {"subject": self._subject.subject, "entity": write.entity, "key": write.key}
        skip = pd.DataFrame([{**row, "property": None, "rule": CHANGED_SINCE_READ}])
        with self._cycle.ledger.begin() as connection:
            notes.add_skips(connection, self._cycle.division, skip, self._cycle.run_id)

    def _close(self, noted: list[_Noted], outcome: str, said: str, error: SystemFault) -> None:
        """Note of writes that were not done: of their intents the outcome, of their requests what was said."""
        with self._cycle.ledger.begin() as connection:
            for number in [number for each in noted for number in each.intents]:
                debts.close_intent(connection, number, outcome)
            self._answered(connection, noted, said, error)

    def _lose_sight(self, noted: list[_Noted], said: str, error: SystemFault) -> None:
        with self._cycle.ledger.begin() as connection:
            for number in [number for each in noted for number in each.intents]:
                debts.lose_sight(connection, number)
            self._answered(connection, noted, said, error)

    @staticmethod
    def _answered(connection: sa.Connection, noted: list[_Noted], said: str, error: SystemFault) -> None:
        numbers = [each.request for each in noted]
        if isinstance(error, SystemUnavailable) and error.postponed:
            requests.drop_requests(connection, numbers)
        else:
            requests.note_answers(connection, numbers, said, status=error.status, words=str(error))

    def _times(self, write: Write, outcome: str) -> int:
        """How often the target answered so when this write was sent: faults that passed say nothing about that."""
        at = (self._cycle.division, write.entity, write.cluster_id, write.key, write.slot)
        with self._cycle.ledger.begin() as connection:
            return min(write.attempts + 1, times_answered(connection, *at, outcome))

    def _fail_for_now(self, write: Write, reason: str, asked: float | None) -> None:
        """Try again later, unless it was tried as often as the mapping allows."""
        most = self._subject.guards_of(self._entity).max_retries
        if most is not None and write.attempts >= most:
            self._fail(write, "dead", f"given up after {write.attempts + 1} tries: {reason}")
        else:
            self._fail(write, "owed", reason, delay=_delay(write.attempts + 1, asked))

    def _fail(self, write: Write, state: str, reason: str, *, delay: float = 0, tried: bool = True) -> None:
        attempts = write.attempts + tried
        later = pd.Timestamp.now("UTC").to_pydatetime() + pd.Timedelta(seconds=delay) if delay else None
        with self._cycle.ledger.begin() as connection:
            debts.set_state(
                connection,
                self._cycle.division,
                write.entity,
                write.cluster_id,
                state=state,
                reason=reason,
                attempts=attempts,
                next_try=later,
                slot=write.slot,
            )

    def _store(self, write: Write, written: Written, noted: _Noted, version: str | None) -> None:
        """Store link, base, history and what is still owed in one transaction.

        The intents of a document's lines stay open until the lines were seen and linked.
        """
        cycle, intents = self._cycle, noted.intents
        note_left(cycle, write, written, version)
        document = document_of(cycle, write)
        with cycle.ledger.begin() as connection:
            requests.note_answers(connection, [noted.request], requests.DONE, status=written.status, key=written.key)
            if write.operation == "delete":
                self._store_deleted(connection, write, written)
                return
            if write.operation == "create":
                store_insert(connection, cycle.division, write.entity, written.key, write.cluster_id, cycle.run_id)
            debts.close_intent(connection, intents[0], "inserted" if write.operation == "create" else "updated")
            if len(intents) > 1:
                debts.note_answer(connection, intents[1:], "inserted with its document")
            account_sent(connection, cycle.division, write.entity, written.key, write.cluster_id, write.canonical)
            if write.operation == "update":
                store_written(connection, cycle.division, write.entity, written.key, write.canonical)
            if document is not None:
                # It is in another version by now.
                store_written(connection, cycle.division, document, str(write.document), {})
            debts.settle_owed(
                connection,
                cycle.division,
                write.entity,
                write.cluster_id,
                written.key,
                write.remaining,
                write.reason,
                write.slot,
            )
            self._history(connection, write, written)

    def _store_deleted(self, connection: sa.Connection, write: Write, written: Written) -> None:
        """Store that a record is gone, or archived, and that it was our doing."""
        cycle, key = self._cycle, written.key
        lines = cycle.lines_of(write.entity)
        absence.mark_removed(connection, cycle.division, write.entity, lines, key)
        contested.mark_deleted_by_us(connection, cycle.division, write.entity, key)
        debts.settle_owed(connection, cycle.division, write.entity, write.cluster_id, key, {}, "", write.slot)
        common = {
            "subject": self._subject.subject,
            "kind": "write",
            "cluster_id": write.cluster_id,
            "entity": write.entity,
            "key": key,
            "status": written.status,
        }
        rows = [{**common, "property": name, "after": value, "rule": "archive"} for name, value in write.own.items()]
        rows = rows or [{**common, "property": None, "after": None, "rule": "delete"}]
        notes.add_events(connection, cycle.division, rows, cycle.run_id)

    def _history(self, connection: sa.Connection, write: Write, written: Written) -> None:
        common = {
            "subject": self._subject.subject,
            "cluster_id": write.cluster_id,
            "entity": write.entity,
            "key": written.key,
            "status": written.status,
        }
        rows = [
            {
                **common,
                "kind": "write",
                "property": name,
                "before": write.expected.get(name),
                "after": value or None,
                "rule": write.operation,
            }
            for name, value in write.canonical.items()
        ]
        if write.operation == "create":
            link = {"kind": "link", "property": None, "before": None, "after": None, "rule": "insert"}
            rows.append({**common, **link})
        notes.add_events(connection, self._cycle.division, rows, self._cycle.run_id)


def _delay(attempts: int, asked: float | None) -> float:
    """Seconds before a write that met so many passing faults is tried again; the system may have asked for more."""
    own = min(_FIRST_DELAY * 2.0 ** (attempts - 2), _LONGEST_DELAY) if attempts > 1 else 0
    return max(own, min(asked or 0, _LONGEST_ASKED))
