"""What the rest of the platform may ask of a system, whichever it is.

A record travels as a flat dictionary: the system's own property names with JSON values, plus the names below, which
start with an underscore so that they cannot meet a property:

| name | value |
|---|---|
| `_key` | the system's own key, text |
| `_modified` | time of the record's last change, ISO 8601 with offset (UTC), or None |
| `_version` | what grows or differs with every change (Exact: row version; Customerp: ETag), text or None |
| `_times` | where the system tells them: its own property name to that property's own time, ISO 8601 with offset |
| `_document` | of a line: key of its document |
| `_position` | of a line: its place in the document, an integer |

A connector decodes only what is peculiar to its system (Exact's dates and clock); types, spelling and value maps are
coerced by `talk_assets.sync.convert`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

Record = dict[str, Any]
# What is to be written: the target's own names with canonical text (decimals `2.5`, dates `2024-01-31`, booleans
# `true`/`false`); None clears. The connector turns it into the system's JSON types.
Values = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class FeedRead:
    """What one read of a feed brought.

    Attributes:
        records: the records that changed since the cursor, oldest change first where the system allows.
        lines: of documents: line records. For a system whose lines lie inside documents these are all lines of the
            documents read (`lines_complete`); for a system with line feeds of their own, the lines that changed.
        lines_complete: whether `lines` holds every line of every document in `records`.
        cursor: what to hand over next time; only to be stored when the read ended well.
        complete: True when every record of the entity was read (the first read, or a full rescan).
    """

    records: list[Record]
    cursor: str
    complete: bool
    lines: list[Record] = field(default_factory=list)
    lines_complete: bool = False


@dataclass(frozen=True, slots=True)
class Deletion:
    """A record that a system reports as removed; `at` is ISO 8601 with offset, or None."""

    entity: str
    key: str
    at: str | None


@dataclass(frozen=True, slots=True)
class DeletionsRead:
    """Removals since the cursor, over all entities of the system."""

    deletions: list[Deletion]
    cursor: str


@dataclass(frozen=True, slots=True)
class Sight:
    """What an answer to a question for news tells of one record: enough to know whether it was read already.

    `modified` and `version` are those of a record, None where the answer has none. The key is empty where the system
    cannot say what changed.
    """

    entity: str
    key: str
    modified: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What a system answered to a write.

    Attributes:
        key: the record's own key (assigned by the system on create).
        record: the record as the system now holds it, in the shape of a read; None when the answer held none.
        lines: the document's lines as the system now holds them; None when the answer held none.
        status: HTTP status of the answer.
        version: in which the answer says that it left the record, of a line that lies inside its document the document.
            None where it does not say so itself: what is read afterwards may show somebody's edit as well.
    """

    key: str
    record: Record | None
    status: int
    lines: list[Record] | None = None
    version: str | None = None


class System(Protocol):
    """A connected system. All methods raise the errors of `talk_assets.errors` and nothing else on bad answers."""

    @property
    def name(self) -> str:
        """`customerp` or `exact`."""

    @property
    def calls(self) -> int:
        """HTTP requests sent by this object so far, repeats and token calls included."""

    @property
    def requests(self) -> int:
        """What was asked of the system by this object so far: each request once, token calls left out."""

    @property
    def answer_seconds(self) -> float:
        """How long an answer is waited for: a request whose answer did not come may be carried out about as long."""

    def check(self) -> None:
        """Ask one cheap authenticated question, so that wrong settings show before any work starts.

        Raises:
            AccessDenied: the credentials or rights do not suffice.
            SystemUnavailable: nothing answers at the configured address.
            UnexpectedAnswer: something else than this system answers there.
        """

    def generation(self) -> str | None:
        """What tells that cursors and versions count anew: a text that differs then; None where nothing tells it.

        Raises:
            SystemFault: the system did not answer.
        """

    def rest(self) -> float:
        """Seconds by which reading all feeds for news is put off, so that calls are left for writes; 0: read now.

        Who is told 0 reads them: the next time counts from here.
        """

    def read(self, entity: str, cursor: str | None) -> FeedRead:
        """Read an entity's records (of documents: with lines) that changed since the cursor; None reads all."""

    def read_deletions(self, cursor: str | None) -> DeletionsRead:
        """Read what was removed since the cursor; None starts at what the system still remembers."""

    def find(self, entity: str, keys: Sequence[str], *, lines: bool = False) -> FeedRead:
        """Look records up by their keys, each by itself and not in a list of changes.

        Args:
            entity: no line entity.
            keys: the systems' own keys.
            lines: whether documents come with all their lines, where these lie inside documents; else they never do.

        Returns:
            `records`: those that there are, as they are now, in the shape of a read (without `_version` where only
            feeds tell one). A key that is not among them does not exist. `complete` is False, `cursor` means nothing.

        Raises:
            SystemFault: the system did not answer for every key; nothing can be said of any.
        """

    def create(
        self, entity: str, values: Values, lines: Sequence[Values] = (), *, idempotency_key: str | None = None
    ) -> Written:
        """Create a record, of a document together with its lines.

        `idempotency_key` names this one create: where a system knows such keys, the same key creates once.
        """

    def update(self, entity: str, key: str, values: Values, version: str | None = None) -> Written:
        """Change the named properties of a record and no others; `version` makes it conditional where possible."""

    def delete(self, entity: str, key: str, version: str | None = None) -> Written:
        """Remove a record, of a document with its lines; `version` makes it conditional where possible.

        Raises:
            RecordGone: there is no such record, or no more.
            RecordChanged: it is not in `version`.
            RecordRejected: the system keeps it, for instance because others refer to it.
        """

    def create_line(self, entity: str, document: str, values: Values) -> Written:
        """Add a line to an existing document; `entity` is the line entity."""

    def lines_together(self, entity: str) -> bool:
        """Whether lines of a document, `entity` being the line entity, are changed by one call for all of them."""

    def update_lines(
        self, entity: str, document: str, changes: Mapping[str, Values], version: str | None = None
    ) -> Written:
        """Change the named properties of some lines of one document and no others.

        Args:
            entity: the line entity.
            document: key of the document.
            changes: per key of a line what is to be written.
            version: that of the document; makes it conditional where lines are changed within their document.

        Returns:
            Of one line its key and content, of several the document's key; the document's lines where the answer held
            them.
        """

    def close(self) -> None:
        """Release connections."""


class Watched(System, Protocol):
    """A system that can be asked for news without being read. The methods raise as those of `System`."""

    def glance(self, entity: str, cursor: str) -> Iterator[list[Sight]]:
        """Tell page by page what changed since a cursor, without reading it: who knows enough asks for no more pages.

        Of documents the lines are meant as well, under their own entity where they have a feed of their own.
        """

    def glance_deletions(self, cursor: str) -> Iterator[list[Deletion]]:
        """Tell page by page what was removed since a cursor, as `glance` does; nothing where no list of it is kept."""

    def resting(self) -> float:
        """Seconds by which questions for news are put off, as `rest` tells them, without counting as a reading."""
