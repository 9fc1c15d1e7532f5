"""Adding and changing lines of existing documents, in each way that a profile can name."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol, cast

from talk_assets.errors import AccessDenied, RecordChanged, RecordRejected, SystemFault, SystemUnavailable
from talk_assets.systems.base import Record, Values, Written
from talk_assets.systems.customerp.client import Answer, CustomerpClient, location_key
from talk_assets.systems.customerp.dialect import SYSTEM
from talk_assets.systems.customerp.documents import Documents, Held
from talk_assets.systems.customerp.formats import text_of
from talk_assets.systems.customerp.json_exact import get, put, remove, wrapped
from talk_assets.systems.customerp.profile import KEY, Profile
from talk_assets.systems.customerp.sections import Lines
from talk_assets.systems.customerp.translate import DocumentTranslator, Translator, line_key, own_line_key
from talk_assets.systems.customerp.writes import RecordWriter

logger = logging.getLogger(__name__)


class LineWriter(Protocol):
    """Adds and changes the lines of one entity's documents.

    Attributes:
        together: whether one call changes several lines.
    """

    together: bool

    def create(self, document: str, values: Values) -> Written:
        """Add a line.

        Raises:
            RecordChanged: the document is gone, or changed at the same time.
            SystemUnavailable: also when the line was added but cannot be told apart (`outcome_unknown`).
        """

    def update(self, document: str, changes: Mapping[str, Values], version: str | None = None) -> Written:
        """Change the named properties of lines, given by the lines' keys; in no other `version` of the document.

        The version counts where lines are changed by an update of their document.

        Raises:
            RecordChanged: the document or the line is gone, or the document changed at the same time.
        """


class LinesInside:
    """Writes lines by an update of their document.

    `merge`: the update names the line alone. `replace`: it holds all lines as they were read, so that lines and
    properties that are not ours stay as they are.
    """

    together = True

    def __init__(
        self, writer: RecordWriter, documents: Documents, translator: DocumentTranslator, lines: Lines
    ) -> None:
        self._writer = writer
        self._documents = documents
        self._translator = translator
        self._lines = lines
        self._entity = translator.dialect.entity

    def create(self, document: str, values: Values) -> Written:
        """Add a line; which one it is shows by comparing the document before and after."""
        line, doing = self._translator.line_part, f"adding a line to {self._entity} {document}"
        new = line.put_values({}, values)
        held = self._documents.one(document)
        before = self._translator.raw_lines(held.raw)
        known = {line_key(document, line.key_of(raw)) for raw in before}
        sent = [new] if self._lines.write == "merge" else [*self._sendable(before), new]
        answer = self._send(document, held, sent, doing)
        after = self._lines_after(answer, document, doing)
        added = [record for record in after if record["_key"] not in known]
        if len(added) != 1:
            raise SystemUnavailable(
                SYSTEM,
                f"{doing}: it was carried out, but {len(added) or 'none'} of the document's lines can be the new one",
                status=answer.status,
                outcome_unknown=True,
            )
        return Written(added[0]["_key"], added[0], answer.status, after)

    def update(self, document: str, changes: Mapping[str, Values], version: str | None = None) -> Written:
        """Change the named properties of lines, by their keys or within all lines."""
        wanted = {own_line_key(document, key): values for key, values in changes.items()}
        line, doing = self._translator.line_part, f"changing line {', '.join(wanted)} of {self._entity} {document}"
        held, sent = None, []
        if self._lines.write == "replace" or self._translator.dialect.update.whole:
            held = self._documents.one(document)
        if self._lines.write == "replace" and held is not None:
            sent = self._sendable(self._translator.raw_lines(held.raw))
            for own, values in wanted.items():
                line.put_values(_line_of(sent, own, line, doing), values)
        else:
            for own, values in wanted.items():
                named: dict[str, Any] = {}
                put(named, self._lines.key, line.wire_key(own))
                sent.append(line.put_values(named, values))
        try:
            answer = self._send(document, held, sent, doing, version)
        except RecordRejected as error:
            if error.property_name != KEY:
                raise
            raise RecordChanged(SYSTEM, f"{error}: the line is gone", status=error.status) from None
        written = self._writer.written(answer, document, doing)
        if len(changes) > 1:
            return replace(written, record=None)
        (key,) = changes
        record = next((found for found in written.lines or () if found["_key"] == key), None)
        return replace(written, key=key, record=record)

    def _send(
        self, document: str, held: Held | None, sent: list[Any], doing: str, version: str | None = None
    ) -> Answer:
        version = self._writer.same_version(held, version, doing) if held is not None else version
        whole = held is not None and self._translator.dialect.update.whole
        body = self._writer.whole(held) if held is not None and whole else {}
        put(body, self._lines.array, sent)
        return self._writer.send(document, body, version, doing)

    def _sendable(self, raw_lines: list[Any]) -> list[Any]:
        for raw in raw_lines:
            for name in self._lines.leave_out:
                remove(raw, name)
        return raw_lines

    def _lines_after(self, answer: Answer, document: str, doing: str) -> list[Record]:
        """The lines after one was added, from the answer or by reading once more."""
        try:
            held = self._writer.held_after(answer, document, doing) or self._documents.one(document)
            return self._translator.lines(self._translator.raw_lines(held.raw), document)
        except SystemFault as error:
            raise SystemUnavailable(
                SYSTEM,
                f"{doing}: it was carried out, but which line it became is not known: {error}",
                status=answer.status,
                outcome_unknown=True,
            ) from error


class LinesAtPaths:
    """Writes lines that have addresses of their own."""

    together = False

    def __init__(
        self,
        client: CustomerpClient,
        profile: Profile,
        documents: Documents,
        translator: DocumentTranslator,
        lines: Lines,
    ) -> None:
        self._client = client
        self._profile = profile
        self._documents = documents
        self._translator = translator
        self._lines = lines
        self._dialect = translator.dialect

    def create(self, document: str, values: Values) -> Written:
        """Add a line at the path of the document's lines."""
        doing = f"adding a line to {self._dialect.entity} {document}"
        body = self._translator.line_part.put_values({}, values)
        if self._lines.document is not None:
            put(body, self._lines.document, self._translator.head.wire_key(document))
        with self._documents.told_apart(document):
            answer = self._send(self._lines.create, self._dialect.lines_path(document), body, doing, new=True)
        raw = get(answer.body, self._dialect.line_envelope.record)
        told = text_of(get(raw, self._lines.key)) if isinstance(raw, dict) else None
        own = told if isinstance(told, str) and told else location_key(answer)
        if own is None:
            raise SystemUnavailable(
                SYSTEM,
                f"{doing}: it was added, but the answer has neither its key nor a Location",
                status=answer.status,
                outcome_unknown=True,
            )
        return self._written(answer, document, line_key(document, own), doing)

    def update(
        self,
        document: str,
        changes: Mapping[str, Values],
        version: str | None = None,  # noqa: ARG002 - that of the document says nothing about a line at its own path
    ) -> Written:
        """Change lines, each at its own path."""
        written = [self._update(document, key, values) for key, values in changes.items()]
        return written[0] if len(written) == 1 else Written(document, None, written[-1].status)

    def _update(self, document: str, key: str, values: Values) -> Written:
        own = own_line_key(document, key)
        line, doing = self._translator.line_part, f"changing line {own} of {self._dialect.entity} {document}"
        body: dict[str, Any] = {}
        if self._lines.whole:
            body = _line_of(self._documents.lines_now(document), own, line, doing)
            for name in self._lines.leave_out:
                remove(body, name)
        line.put_values(body, values)
        try:
            answer = self._send(self._lines.update, self._dialect.line_path(document, own), body, doing, new=False)
        except AccessDenied as error:
            if self._documents.hidden(error):
                _line_of(self._documents.lines_now(document), own, line, doing)
            raise
        return self._written(answer, document, key, doing)

    def _send(self, method: str, path: str, body: dict[str, Any], doing: str, *, new: bool) -> Answer:
        statuses = self._profile.statuses
        return self._client.write(
            method,
            path,
            wrapped(body, self._dialect.line_envelope.write),
            doing,
            allowed=statuses.create if new else statuses.update,
            names=self._translator.line_part.contract_name,
        )

    def _written(self, answer: Answer, document: str, key: str, doing: str) -> Written:
        """What the answer says of the line; without a place in it, only a reading of all lines tells where it is."""
        raw = get(answer.body, self._dialect.line_envelope.record)
        if self._profile.answer == "record" and isinstance(raw, dict) and self._lines.position is not None:
            return Written(key, self._translator.line_part.line(raw, document, 0), answer.status)
        if not self._profile.reread:
            return Written(key, None, answer.status)
        try:
            lines = self._translator.lines(self._documents.lines_now(document), document)
        except SystemFault as error:
            logger.warning("%s: carried out, but reading it afterwards failed: %s", doing, error)
            return Written(key, None, answer.status)
        record = next((found for found in lines if found["_key"] == key), None)
        return Written(key, record, answer.status, lines)


def line_writer(
    client: CustomerpClient,
    profile: Profile,
    writer: RecordWriter,
    documents: Documents,
    translator: DocumentTranslator,
) -> LineWriter | None:
    """The way in which the profile says that lines are written; None for an entity without lines."""
    lines = translator.dialect.lines
    if lines is None:
        return None
    if lines.write == "path":
        return LinesAtPaths(client, profile, documents, translator, lines)
    return LinesInside(writer, documents, translator, lines)


def _line_of(raw_lines: list[Any], key: str, line: Translator, doing: str) -> dict[str, Any]:
    found = next((raw for raw in raw_lines if line.key_of(raw) == key), None)
    if found is None:
        raise RecordChanged(SYSTEM, f"{doing}: the document has no such line any more")
    return cast("dict[str, Any]", found)
