"""Customerp as the rest of the platform sees it."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from talk_assets.errors import SystemFault, SystemUnavailable, UnexpectedAnswer
from talk_assets.mappings.capabilities import Capabilities
from talk_assets.systems.base import Deletion, DeletionsRead, FeedRead, Sight, Values, Written
from talk_assets.systems.customerp.client import CustomerpClient
from talk_assets.systems.customerp.dialect import SYSTEM, dialects
from talk_assets.systems.customerp.documents import Documents
from talk_assets.systems.customerp.feeds import FeedReader
from talk_assets.systems.customerp.formats import Codecs, text_of
from talk_assets.systems.customerp.json_exact import get
from talk_assets.systems.customerp.line_writes import LineWriter, line_writer
from talk_assets.systems.customerp.paging import Listing
from talk_assets.systems.customerp.profile import Profile
from talk_assets.systems.customerp.translate import DocumentTranslator
from talk_assets.systems.customerp.writes import RecordWriter
from talk_assets.systems.http import ANSWER_SECONDS
from talk_assets.systems.repeats import Patience


@dataclass(frozen=True, slots=True)
class _Entity:
    documents: Documents
    writer: RecordWriter


class CustomerpSystem:
    """A connected Customerp; implements `talk_assets.systems.base.System`.

    Args:
        url: CUSTOMERP_URL.
        secret: CUSTOMERP_TOKEN; `user:password` or `client id:client secret` where the profile says so.
        profile: the connector profile.
        capabilities: what the entities can take; those of other systems are ignored.
        wanted: entity to the contract's property names that are read (`Mappings.wanted`); an entity that is not named
            is read whole.
        patience: how often and how long to try again.
        timeout: seconds to wait for an answer.
        sleep: waits the given seconds.

    Raises:
        ConfigurationError: the address, the token or the profile cannot be used; the text names which.
    """

    def __init__(
        self,
        url: str,
        secret: str,
        profile: Profile,
        capabilities: Capabilities,
        wanted: Mapping[str, Sequence[str]] | None = None,
        *,
        patience: Patience | None = None,
        timeout: float = ANSWER_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        spoken = dialects(profile, capabilities, wanted)
        self._profile = profile
        self._client = CustomerpClient(url, secret, profile, patience=patience, timeout=timeout, sleep=sleep)
        codecs = Codecs(profile.formats)
        listing = Listing(self._client, profile.paging, profile.source)
        self._feeds = FeedReader(listing, profile, codecs.times)
        self._entities: dict[str, _Entity] = {}
        self._lines: dict[str, LineWriter] = {}
        for entity, dialect in spoken.items():
            translator = DocumentTranslator(dialect, codecs)
            documents = Documents(self._client, listing, translator, quoted=profile.conditional.quoted)
            writer = RecordWriter(self._client, profile, documents, translator)
            self._entities[entity] = _Entity(documents, writer)
            lines = line_writer(self._client, profile, writer, documents, translator)
            if lines is not None and dialect.line is not None:
                self._lines[dialect.line.entity] = lines

    @property
    def name(self) -> str:
        """`customerp`."""
        return SYSTEM

    @property
    def answer_seconds(self) -> float:
        """How long an answer is waited for."""
        return self._client.answer_seconds

    @property
    def calls(self) -> int:
        """HTTP requests sent by this object so far, repeats and token requests included."""
        return self._client.calls

    @property
    def requests(self) -> int:
        """What was asked so far: each request once, those for tokens left out."""
        return self._client.requests

    def generation(self) -> str | None:
        """Nothing in the contract tells that tokens count anew; see `System.generation`."""
        return None

    def rest(self) -> float:
        """Reading is never put off: an ERP's own limits are told by its answers; see `System.rest`."""
        return 0.0

    def check(self) -> None:
        """Ask the profile's check question, so that wrong settings show before any work starts.

        Raises:
            AccessDenied: CUSTOMERP_TOKEN does not suffice.
            SystemUnavailable: nothing answers at CUSTOMERP_URL.
            UnexpectedAnswer: something else answers there.
        """
        check, doing = self._profile.check, "checking the connection to Customerp"
        answer = self._client.get(f"{self._profile.base_path}{check.path}", {}, doing)
        for place, expected in check.expect.items():
            found = text_of(get(answer.body, place))
            if found != expected:
                raise UnexpectedAnswer(
                    SYSTEM,
                    f"{doing}: expected {place} {expected!r}, got {found!r}; look whether CUSTOMERP_URL is Customerp's "
                    f"address, and CUSTOMERP_PROFILE ({self._profile.source}) its profile",
                    status=answer.status,
                )

    def read(self, entity: str, cursor: str | None) -> FeedRead:
        """Read the records that changed since the cursor, documents with all their lines; None reads all.

        Raises:
            AccessDenied, SystemUnavailable, UnexpectedAnswer: nothing was taken from what had come by then.
            ConfigurationError: the cursor was stored under another way of reading changes.
        """
        return self._feeds.read(self._entities[entity].documents, cursor)

    def read_deletions(self, cursor: str | None) -> DeletionsRead:
        """Read what was removed since the cursor; always empty when the profile has no list of deletions.

        Raises:
            AccessDenied, SystemUnavailable, UnexpectedAnswer, ConfigurationError: as for `read`.
        """
        return self._feeds.read_deletions(cursor)

    def glance(self, entity: str, cursor: str) -> Iterator[list[Sight]]:
        """Tell page by page what changed since a cursor; see `Watched.glance`.

        Raises:
            AccessDenied, SystemUnavailable, UnexpectedAnswer, ConfigurationError: as for `read`.
        """
        return self._feeds.glance(self._entities[entity].documents, cursor)

    def glance_deletions(self, cursor: str) -> Iterator[list[Deletion]]:
        """Tell page by page what was removed since a cursor; see `Watched.glance_deletions`.

        Raises:
            AccessDenied, SystemUnavailable, UnexpectedAnswer, ConfigurationError: as for `read`.
        """
        return self._feeds.glance_deletions(cursor)

    def resting(self) -> float:
        """Questions are never put off; see `rest`."""
        return 0.0

    def find(self, entity: str, keys: Sequence[str], *, lines: bool = False) -> FeedRead:
        """Read records one by one; see `System.find`.

        Raises:
            AccessDenied, SystemUnavailable, UnexpectedAnswer: as for `read`.
        """
        documents = self._entities[entity].documents
        found = [each for key in dict.fromkeys(keys) if (each := documents.now(key, lines=lines)) is not None]
        return FeedRead(
            [record for record, _ in found],
            "",
            complete=False,
            lines=[line for _, those in found for line in those],
            lines_complete=lines and documents.dialect.lines is not None,
        )

    def create(
        self, entity: str, values: Values, lines: Sequence[Values] = (), *, idempotency_key: str | None = None
    ) -> Written:
        """Create a record, of a document together with its lines.

        Args:
            entity: as `customerp.customer`.
            values: contract names with canonical text.
            lines: the same for each line, in order.
            idempotency_key: of the caller's choice, the same when the same create is sent again; where the profile
                knows the header, a create is then repeated by itself when no answer comes.

        Raises:
            RecordRejected: Customerp refuses the record.
            SystemUnavailable: a passing fault; with `outcome_unknown` the record may exist, perhaps without all lines.
            AccessDenied, UnexpectedAnswer: it was not created.
        """
        spoken = self._entities[entity]
        line = spoken.documents.dialect.line_apart
        written = spoken.writer.create(values, () if line is not None else lines, idempotency_key)
        if line is None or not lines:
            return written
        added = [self._add_to_new(entity, written.key, line.entity, values_of_line) for values_of_line in lines]
        records = [line.record for line in added if line.record is not None]
        return Written(written.key, written.record, written.status, records if len(records) == len(lines) else None)

    def update(self, entity: str, key: str, values: Values, version: str | None = None) -> Written:
        """Change the named properties of a record and no others.

        Raises:
            RecordChanged: it is gone, or no longer in `version` (where the profile allows conditional updates).
            RecordRejected: Customerp refuses the change.
            SystemUnavailable: a passing fault; with `outcome_unknown` the change may have been made.
            AccessDenied, UnexpectedAnswer: nothing was changed.
        """
        return self._entities[entity].writer.update(key, values, version)

    def delete(self, entity: str, key: str, version: str | None = None) -> Written:
        """Remove a record; see `System.delete`.

        Raises:
            RecordRejected: also, before any call, when the profile says that nothing is removed by its API.
            RecordGone, RecordChanged, SystemUnavailable, AccessDenied, UnexpectedAnswer: as for `update`.
        """
        return self._entities[entity].writer.delete(key, version)

    def create_line(self, entity: str, document: str, values: Values) -> Written:
        """Add a line to an existing document; `entity` is the line entity. Errors as for `update`."""
        return self._lines[entity].create(document, values)

    def lines_together(self, entity: str) -> bool:
        """Whether lines are changed by an update of their document, not at addresses of their own."""
        return self._lines[entity].together

    def update_lines(
        self, entity: str, document: str, changes: Mapping[str, Values], version: str | None = None
    ) -> Written:
        """Change the named properties of some lines and no others; errors as for `update`."""
        return self._lines[entity].update(document, changes, version)

    def close(self) -> None:
        """Release connections."""
        self._client.close()

    def _add_to_new(self, entity: str, document: str, line_entity: str, values: Values) -> Written:
        try:
            return self._lines[line_entity].create(document, values)
        except SystemFault as error:
            raise SystemUnavailable(
                SYSTEM,
                f"creating {entity} {document}: it was created, but not all of its lines: {error}",
                status=error.status,
                outcome_unknown=True,
            ) from error
