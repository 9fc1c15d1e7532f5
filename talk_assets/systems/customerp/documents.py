"""One record as Customerp holds it, with its lines wherever the profile says they are."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from talk_assets.errors import AccessDenied, RecordGone, UnexpectedAnswer
from talk_assets.systems.base import Record
from talk_assets.systems.customerp.client import Answer, CustomerpClient
from talk_assets.systems.customerp.dialect import SYSTEM, Dialect
from talk_assets.systems.customerp.json_exact import MISSING, get
from talk_assets.systems.customerp.paging import Listing
from talk_assets.systems.customerp.translate import DocumentTranslator


@dataclass(frozen=True, slots=True)
class Held:
    """A record as the ERP gives it.

    Attributes:
        raw: the ERP's own JSON object.
        etag: its entity tag; None when the answer had none.
    """

    raw: dict[str, Any]
    etag: str | None


class Documents:
    """Reads single records and lines of one entity.

    Args:
        client: sends the requests.
        listing: reads lists.
        translator: of the entity.
        quoted: whether versions are sent within quotes, which then are not part of them.
    """

    def __init__(
        self, client: CustomerpClient, listing: Listing, translator: DocumentTranslator, *, quoted: bool
    ) -> None:
        self._client = client
        self._quoted = quoted
        self._listing = listing
        self._translator = translator
        self.dialect: Dialect = translator.dialect

    def one(self, key: str) -> Held:
        """Read one record.

        Raises:
            RecordGone: it is gone.
        """
        doing = f"reading {self.dialect.entity} {key}"
        try:
            answer = self._client.get(self.dialect.path_of(key), {}, doing, one=True)
        except AccessDenied as error:
            if not self.hidden(error):
                raise
            # Whoever may read the list may read all of it: a record that is not shown then is not there.
            next(self._listing.pages(self.dialect.list, self.dialect.query, self.dialect.envelope, doing))
            raise RecordGone(SYSTEM, f"{doing}: there is no such record or no more", status=error.status) from error
        return self.held(answer, doing)

    @contextmanager
    def told_apart(self, key: str) -> Iterator[None]:
        """While a record is written: where the system hides what is gone, say whether it is, or the right is missing.

        Raises:
            RecordGone: it is gone.
        """
        try:
            yield
        except AccessDenied as error:
            if self.hidden(error):
                self.one(key)
            raise

    def hidden(self, error: AccessDenied) -> bool:
        """Whether an answer may as well mean that what was asked for is not there."""
        return error.status == HTTPStatus.FORBIDDEN and self._client.hides_missing

    def now(self, key: str, *, lines: bool = False) -> tuple[Record, list[Record]] | None:
        """A record as it is now, and its lines where they are asked for; None when there is none."""
        try:
            held = self.one(key)
            raw_lines: list[Any] = []
            if lines and self.dialect.lines is not None:
                apart = self.dialect.lines.read == "path"
                raw_lines = self.lines_now(key) if apart else self._translator.raw_lines(held.raw)
        except RecordGone:
            return None
        return self._translator.head.record(held.raw, held.etag), self._translator.lines(raw_lines, key)

    def held(self, answer: Answer, doing: str) -> Held:
        """The record in an answer that holds one.

        Raises:
            UnexpectedAnswer: the answer holds none.
        """
        raw = get(answer.body, self.dialect.envelope.record)
        if not isinstance(raw, dict):
            place = f" in {self.dialect.envelope.record}" if self.dialect.envelope.record else ""
            seen = "nothing" if raw is None or raw is MISSING else type(raw).__name__
            raise UnexpectedAnswer(
                SYSTEM,
                f"{doing}: expected a record{place}, got {seen}; correct envelope.record in the profile",
                status=answer.status,
            )
        return Held(raw, self._etag(answer))

    def lines_now(self, key: str) -> list[Any]:
        """The lines of a document as the ERP now gives them.

        Raises:
            RecordChanged: the document is gone.
        """
        lines = self.dialect.lines
        if lines is None or lines.read != "path":
            return self._translator.raw_lines(self.one(key).raw)
        doing = f"reading the lines of {self.dialect.entity} {key}"
        with self.told_apart(key):
            pages = self._listing.pages(self.dialect.lines_path(key), {}, self.dialect.line_envelope, doing, one=True)
            return [line for page in pages for line in page.items]

    def from_list(self, raw: Any) -> tuple[Record, list[Record]]:
        """A record of a list, and its lines, which may have to be read by themselves.

        Raises:
            RecordChanged: it is gone by now.
        """
        key, lines = self._translator.head.key_of(raw), self.dialect.lines
        if lines is None:
            return self._translator.head.record(raw), []
        etag = None
        if lines.read == "one":
            held = self.one(key)
            raw, etag = held.raw, held.etag
        raw_lines = self.lines_now(key) if lines.read == "path" else self._translator.raw_lines(raw)
        return self._translator.head.record(raw, etag), self._translator.lines(raw_lines, key)

    def _etag(self, answer: Answer) -> str | None:
        tag = str(answer.headers.get("ETag", ""))
        return (tag.removeprefix("W/").strip('"') if self._quoted else tag) or None
