"""Creating, changing and removing records."""

import logging
from collections.abc import Sequence
from typing import Any

from talk_assets.errors import RecordChanged, RecordRejected, SystemFault, SystemUnavailable, UnexpectedAnswer
from talk_assets.systems.base import Values, Written
from talk_assets.systems.customerp.client import Answer, CustomerpClient, location_key
from talk_assets.systems.customerp.dialect import SYSTEM, Dialect
from talk_assets.systems.customerp.documents import Documents, Held
from talk_assets.systems.customerp.formats import text_of
from talk_assets.systems.customerp.json_exact import MISSING, get, put, remove, wrapped
from talk_assets.systems.customerp.profile import Profile
from talk_assets.systems.customerp.translate import DocumentTranslator

logger = logging.getLogger(__name__)


class RecordWriter:
    """Writes the records of one entity.

    Args:
        client: sends the requests.
        profile: the connector profile.
        documents: reads what has to be read first or afterwards.
        translator: of the entity.
    """

    def __init__(
        self, client: CustomerpClient, profile: Profile, documents: Documents, translator: DocumentTranslator
    ) -> None:
        self._client = client
        self._profile = profile
        self._documents = documents
        self._translator = translator
        self._dialect: Dialect = translator.dialect

    def create(self, values: Values, lines: Sequence[Values], idempotency_key: str | None) -> Written:
        """Create a record, with those of its lines that lie inside it.

        Raises:
            SystemUnavailable: also when it was created but its key is not told (`outcome_unknown`).
        """
        create, envelope = self._dialect.create, self._dialect.envelope
        doing = f"creating {self._dialect.entity}"
        body = self._translator.head.put_values({}, values)
        if lines and self._dialect.lines is not None:
            put(body, self._dialect.lines.array, [self._translator.line_part.put_values({}, line) for line in lines])
        header = create.idempotency_header if idempotency_key else None
        answer = self._client.write(
            create.method,
            create.path or self._dialect.list,
            wrapped(body, envelope.write),
            doing,
            allowed=self._profile.statuses.create,
            names=self._translator.contract_name,
            headers={header: idempotency_key} if header and idempotency_key else None,
            one=False,
            repeatable=header is not None,
        )
        key = self._key_in(answer) or location_key(answer)
        if key is None:
            raise SystemUnavailable(
                SYSTEM,
                f"{doing}: it was created, but the answer has neither its key nor a Location; correct `answer` and "
                f"`envelope.record` in {self._profile.source}",
                status=answer.status,
                outcome_unknown=True,
            )
        return self.written(answer, key, doing)

    def update(self, key: str, values: Values, version: str | None) -> Written:
        """Change the named properties of a record.

        Raises:
            RecordChanged: the record is gone, or not in the version.
        """
        doing = f"changing {self._dialect.entity} {key}"
        body, version = self.body(key, version, doing)
        self._translator.head.put_values(body, values)
        return self.written(self.send(key, body, version, doing), key, doing)

    def delete(self, key: str, version: str | None) -> Written:
        """Remove a record.

        Raises:
            RecordGone: there is no such record.
            RecordChanged: the record is not in the version.
            RecordRejected: it is refused, or the profile says that the ERP removes nothing by its API.
        """
        delete = self._dialect.delete
        doing = f"removing {self._dialect.entity} {key}"
        if not delete.allowed:
            raise RecordRejected(SYSTEM, f"{doing}: `delete.allowed` in {self._profile.source} is false")
        with self._documents.told_apart(key):
            answer = self._client.write(
                delete.method,
                self._dialect.path_of(key, delete.path),
                None,
                doing,
                allowed=self._profile.statuses.delete,
                names=self._translator.contract_name,
                headers=self._if_match(version),
            )
        return Written(key, None, answer.status)

    def body(self, key: str, version: str | None, doing: str) -> tuple[dict[str, Any], str | None]:
        """What an update starts from, and the version that it names: nothing, or the whole record as it is now.

        Raises:
            RecordChanged: the record as it is now is gone, or not in the version.
        """
        if not self._dialect.update.whole:
            return {}, version
        held = self._documents.one(key)
        return self.whole(held), self.same_version(held, version, doing)

    def whole(self, held: Held) -> dict[str, Any]:
        """A record that was read, as it is sent back; also the lines inside of it."""
        for name in self._dialect.update.leave_out:
            remove(held.raw, name)
        lines = self._dialect.lines
        if lines is not None and lines.read != "path":
            for line in self._translator.raw_lines(held.raw):
                for name in lines.leave_out:
                    remove(line, name)
        return held.raw

    def same_version(self, held: Held, version: str | None, doing: str) -> str | None:
        """The version of a record that was read.

        Raises:
            RecordChanged: it is another one than `version`.
        """
        found = self._translator.head.version_of(held.raw, held.etag)
        if version is not None and found is not None and version != found:
            raise RecordChanged(
                SYSTEM, f"{doing}: it is now in version {found}, and the change was planned from {version}"
            )
        return found

    def send(self, key: str, body: dict[str, Any], version: str | None, doing: str) -> Answer:
        """Send an update of a record."""
        update = self._dialect.update
        with self._documents.told_apart(key):
            return self._client.write(
                update.method,
                self._dialect.path_of(key, update.path),
                wrapped(body, self._dialect.envelope.write),
                doing,
                allowed=self._profile.statuses.update,
                names=self._translator.contract_name,
                headers=self._if_match(version),
            )

    def written(self, answer: Answer, key: str, doing: str) -> Written:
        """What an answer to a write says, read again where it says nothing and the profile asks for that.

        Raises:
            SystemUnavailable: the write was carried out, but the answer has another shape (`outcome_unknown`).
        """
        held = self.held_after(answer, key, doing)
        if held is None:
            return Written(key, None, answer.status)
        try:
            record = self._translator.head.record(held.raw, held.etag)
            lines = self._translator.lines_if_there(held.raw, key)
        except UnexpectedAnswer as error:
            raise SystemUnavailable(SYSTEM, str(error), status=answer.status, outcome_unknown=True) from None
        # Without a condition it says nothing about what somebody did just before.
        known = self._answers(answer) and self._profile.conditional.if_match
        return Written(key, record, answer.status, lines, record["_version"] if known else None)

    def held_after(self, answer: Answer, key: str, doing: str) -> Held | None:
        """The record after a write; None when neither the answer nor another reading shows it."""
        if self._answers(answer):
            try:
                return self._documents.held(answer, doing)
            except UnexpectedAnswer as error:
                raise SystemUnavailable(SYSTEM, str(error), status=answer.status, outcome_unknown=True) from None
        if not self._profile.reread:
            return None
        try:
            return self._documents.one(key)
        except SystemFault as error:
            # The write itself succeeded; the next reading of the feed shows what became of it.
            logger.warning("%s: carried out, but reading it afterwards failed: %s", doing, error)
            return None

    def _answers(self, answer: Answer) -> bool:
        """Whether the answer to a write holds the record."""
        return self._profile.answer == "record" and answer.body is not None

    def _key_in(self, answer: Answer) -> str | None:
        raw = get(answer.body, self._dialect.envelope.record)
        key = raw if raw is None or raw is MISSING else text_of(get(raw, self._dialect.shape.key))
        return key if isinstance(key, str) and key else None

    def _if_match(self, version: str | None) -> dict[str, str]:
        conditional = self._profile.conditional
        if version is None or not conditional.if_match:
            return {}
        return {"If-Match": f'"{version}"' if conditional.quoted else version}
