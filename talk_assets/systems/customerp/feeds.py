"""Reading what changed and what was removed."""

import logging
from collections.abc import Iterator
from datetime import datetime

from talk_assets.errors import RecordChanged, SystemUnavailable, UnexpectedAnswer
from talk_assets.systems.base import Deletion, DeletionsRead, FeedRead, Record, Sight
from talk_assets.systems.customerp.changes import ChangeReading
from talk_assets.systems.customerp.dialect import SYSTEM
from talk_assets.systems.customerp.documents import Documents
from talk_assets.systems.customerp.formats import Moments, storable, text_of, utc_text
from talk_assets.systems.customerp.json_exact import get
from talk_assets.systems.customerp.paging import Listing, Page
from talk_assets.systems.customerp.profile import Profile
from talk_assets.systems.customerp.sections import Deletions

logger = logging.getLogger(__name__)

_READINGS = 3  # of a list whose records changed while it was read


class _Moved(Exception):
    """Records changed while they were read, so that one may have been passed over; the text says how."""


class FeedReader:
    """Reads lists of records.

    Args:
        listing: reads lists.
        profile: the connector profile.
        times: the profile's format of times.
    """

    def __init__(self, listing: Listing, profile: Profile, times: Moments) -> None:
        self._listing = listing
        self._profile = profile
        self._times = times

    def read(self, documents: Documents, cursor: str | None) -> FeedRead:
        """What changed since the cursor, each record once, in its latest state that was seen.

        Raises:
            SystemUnavailable: records kept changing while they were read.
            ConfigurationError: the cursor is of another style of reading changes.
            AccessDenied, UnexpectedAnswer: see `CustomerpClient.get`.
        """
        entity = documents.dialect.entity
        seen = ""
        for _ in range(_READINGS):
            try:
                return self._once(documents, cursor)
            except _Moved as moved:
                seen = str(moved)
                logger.info("reading %s: %s; reading again", entity, seen)
        raise SystemUnavailable(
            SYSTEM,
            f"reading {entity}: {seen}, in {_READINGS} readings, so that records may be missing; read at a quieter "
            f"time, or correct the paths, the style of paging or envelope.total in {self._profile.source}",
        )

    def glance(self, documents: Documents, cursor: str) -> Iterator[list[Sight]]:
        """What changed since the cursor, page by page; one sight without a key where the ERP cannot say."""
        dialect = documents.dialect
        doing = f"asking whether {dialect.entity} changed"
        reading = ChangeReading(dialect.changes, self._profile, cursor, doing)
        if reading.blind:
            yield [Sight(dialect.entity, "")]
            return
        query = {**dialect.query, **reading.query}
        for page in self._listing.pages(dialect.list, query, dialect.envelope, doing):
            yield [self._sight(documents, raw) for raw in page.items]

    def _sight(self, documents: Documents, raw: object) -> Sight:
        shape = documents.dialect.shape
        at = self._times.read(get(raw, shape.modified)) if shape.modified is not None else None
        return Sight(
            documents.dialect.entity, storable(str(text_of(get(raw, shape.key)))), utc_text(at) if at else None
        )

    def _once(self, documents: Documents, cursor: str | None) -> FeedRead:
        dialect = documents.dialect
        doing = f"reading {dialect.entity}"
        reading = ChangeReading(dialect.changes, self._profile, cursor, doing)
        found: dict[str, tuple[Record, list[Record]]] = {}
        watch = _PageWatch(shifts=self._listing.shifts)
        query = {**dialect.query, **reading.query}
        for page in self._listing.pages(dialect.list, query, dialect.envelope, doing):
            reading.page(len(page.items), page.token)
            watch.page(page)
            for raw in page.items:
                if reading.timed and dialect.shape.modified is not None:
                    reading.saw(self._times.read(get(raw, dialect.shape.modified)))
                key = text_of(get(raw, dialect.shape.key))
                watch.key(key)
                record = self._record(documents, raw)
                # A record that comes again has changed since; it takes its later place.
                found.pop(record[0]["_key"], None)
                found[record[0]["_key"]] = record
        watch.end()
        return FeedRead(
            records=[record for record, _ in found.values()],
            lines=[line for _, lines in found.values() for line in lines],
            lines_complete=dialect.lines is not None,
            cursor=reading.following(),
            complete=reading.complete,
        )

    def _record(self, documents: Documents, raw: object) -> tuple[Record, list[Record]]:
        try:
            return documents.from_list(raw)
        except RecordChanged as error:
            # Either it was removed since the list was read, and another reading does not list it; or the profile's
            # path is wrong, and leaving the record out would hide that.
            raise _Moved(str(error)) from error

    def read_deletions(self, cursor: str | None) -> DeletionsRead:
        """What was removed since the cursor; nothing when the profile has no list of it."""
        if self._profile.deletions is None:
            return DeletionsRead([], cursor or "")
        doing = "reading customerp's deletions"
        reading = ChangeReading(self._profile.changes, self._profile, cursor, doing)
        found = {
            (deletion.entity, deletion.key): deletion
            for page in self._deletions(self._profile.deletions, reading, doing)
            for deletion in page
        }
        return DeletionsRead(list(found.values()), reading.following())

    def glance_deletions(self, cursor: str) -> Iterator[list[Deletion]]:
        """What was removed since the cursor, page by page."""
        if self._profile.deletions is None:
            return
        doing = "asking whether customerp has deletions"
        reading = ChangeReading(self._profile.changes, self._profile, cursor, doing)
        yield from self._deletions(self._profile.deletions, reading, doing)

    def _deletions(self, settings: Deletions, reading: ChangeReading, doing: str) -> Iterator[list[Deletion]]:
        path = f"{self._profile.base_path}{settings.path}"
        for page in self._listing.pages(path, reading.query, self._profile.envelope, doing):
            reading.page(len(page.items), page.token)
            found = []
            for raw in page.items:
                at = self._times.read(get(raw, settings.at)) if settings.at is not None else None
                reading.saw(at)
                found.append(self._deletion(settings, raw, at))
            yield [deletion for deletion in found if deletion is not None]

    def _deletion(self, settings: Deletions, raw: object, at: datetime | None) -> Deletion | None:
        kind, key = text_of(get(raw, settings.entity)), text_of(get(raw, settings.key))
        if not isinstance(kind, str) or not isinstance(key, str):
            raise UnexpectedAnswer(
                SYSTEM,
                f"reading customerp's deletions: expected {settings.entity} and {settings.key} in each, got one "
                f"without; correct `deletions` in {self._profile.source}",
            )
        name = settings.entities.get(kind)
        return Deletion(f"{SYSTEM}.{name}", storable(key), utc_text(at) if at else None) if name is not None else None


class _PageWatch:
    """Notices that records moved from page to page, where the style of paging allows them to.

    A record that changes moves towards the end and comes a second time; one that is removed changes the total.
    """

    def __init__(self, *, shifts: bool) -> None:
        self._shifts = shifts
        self._keys: set[object] = set()
        self._total: int | None = None
        self._items = 0

    def page(self, page: Page) -> None:
        self._items += len(page.items)
        if self._shifts and self._total is not None and page.total != self._total:
            raise _Moved("the number of records changed from page to page")
        self._total = page.total

    def key(self, key: object) -> None:
        if self._shifts and key in self._keys:
            raise _Moved("records moved from page to page")
        self._keys.add(key)

    def end(self) -> None:
        if self._shifts and self._total is not None and self._items != self._total:
            raise _Moved("there are more or fewer records than the total says")
