"""Reading Exact: what changed by row version, what was removed, and records by their keys."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from talk_assets.errors import ConfigurationError, RecordRejected, UnexpectedAnswer
from talk_assets.mappings.capabilities import EntityCapability
from talk_assets.systems.base import Deletion, DeletionsRead, FeedRead, Record, Sight
from talk_assets.systems.exact import feeds, odata
from talk_assets.systems.exact.bulk import complete_from_bulk
from talk_assets.systems.exact.client import ExactClient
from talk_assets.systems.exact.entities import ADMINISTRATION, DELETED, ENDPOINTS
from talk_assets.systems.exact.odata import Row
from talk_assets.systems.exact.values import MODIFIED, TIMESTAMP, decode, decode_time

logger = logging.getLogger(__name__)

# So that the address of a look-up stays below 2,048 characters, what servers commonly take of a query.
_KEYS_AT_ONCE = 20
_DELETIONS = "Exact's deletions"


@dataclass(frozen=True, slots=True)
class Reading:
    """Reads one division.

    Attributes:
        client: sends the calls.
        capabilities: of Exact's entities.
        wanted: entity to the properties to read of it.
        zone: of the site's wall clock.
        now: the present time, with zone.
    """

    client: ExactClient
    capabilities: Mapping[str, EntityCapability]
    wanted: Mapping[str, Sequence[str]]
    zone: tzinfo
    now: Callable[[], datetime]

    def read(self, entity: str, cursor: str | None) -> FeedRead:
        """Read what changed since the cursor; see `System.read`.

        A document's headers and lines are two feeds of their own: `lines` holds the lines that changed.
        """
        lines = self.capabilities[entity].lines
        if lines is None:
            since = feeds.load_cursor(cursor, entity)
            changes = self._changes(entity, since)
            return FeedRead(self.records(entity, changes.rows), str(changes.cursor), complete=cursor is None)
        return self._documents(entity, lines, cursor)

    def deletions(self, cursor: str | None) -> DeletionsRead:
        """Read sync/Deleted, which remembers two months; see `System.read_deletions`."""
        doing = "reading Exact's deletions"
        since = feeds.load_cursor(cursor, _DELETIONS)
        changes = feeds.gather(self._deleted(since, doing), since, "ID", doing)
        found = (self._deletion(row, doing) for row in changes.rows)
        # A sales order is listed under the numbers of both its sets.
        known = {(deletion.entity, deletion.key): deletion for deletion in found if deletion is not None}
        return DeletionsRead(list(known.values()), str(changes.cursor))

    def glance(self, entity: str, cursor: str) -> Iterator[list[Sight]]:
        """What changed since the cursor, page by page: keys and row versions only; see `Watched.glance`."""
        lines = self.capabilities[entity].lines
        if lines is None:
            yield from self._sights(entity, feeds.load_cursor(cursor, entity))
            return
        since, lines_since = feeds.load_cursors(cursor, entity)
        yield from self._sights(entity, since)
        yield from self._sights(lines, lines_since)

    def _sights(self, entity: str, since: int) -> Iterator[list[Sight]]:
        capability, endpoint = self.capabilities[entity], ENDPOINTS[entity]
        doing = f"asking whether {entity} changed"
        pages = self.client.pages(
            endpoint.sync,
            doing=doing,
            scope=endpoint.scope,
            filter=feeds.filter_since(since),
            select=f"{capability.key},{TIMESTAMP}",
        )
        for page in pages:
            yield [
                Sight(entity, str(row.get(capability.key)), version=str(feeds.row_version(row, doing))) for row in page
            ]

    def glance_deletions(self, cursor: str) -> Iterator[list[Deletion]]:
        """What sync/Deleted has since the cursor, page by page; see `Watched.glance_deletions`."""
        doing = "asking whether Exact has deletions"
        for page in self._deleted(feeds.load_cursor(cursor, _DELETIONS), doing):
            found = (self._deletion(row, doing) for row in page)
            yield [deletion for deletion in found if deletion is not None]

    def _deleted(self, since: int, doing: str) -> Iterator[list[Row]]:
        return self.client.pages(
            "sync/Deleted",
            doing=doing,
            scope=ADMINISTRATION,
            filter=feeds.filter_since(since),
            select=f"ID,EntityType,EntityKey,DeletedDate,{TIMESTAMP}",
        )

    def find(self, entity: str, keys: Sequence[str]) -> FeedRead:
        """Look records up in their ordinary set, 20 keys a call; see `System.find`.

        A filter on the key is one that every set takes (Exact reference, Mandatory filter). Ordinary sets tell no row
        version. Where the rights to read were withdrawn Exact can answer with an empty list instead of an error (Exact
        reference, Rights): whoever concludes from absence asks for a record as well that must be there.
        """
        capability, endpoint = self.capabilities[entity], ENDPOINTS[entity]
        doing = f"looking up {len(keys)} records of {entity}"
        names = sorted({capability.key, MODIFIED, *self._names(entity)})
        rows: list[Row] = []
        for start in range(0, len(keys), _KEYS_AT_ONCE):
            wanted = [odata.guid(checked_guid(key, doing)) for key in keys[start : start + _KEYS_AT_ONCE]]
            pages = self.client.pages(
                endpoint.path,
                doing=doing,
                scope=endpoint.scope,
                filter=" or ".join(f"{capability.key} eq {literal}" for literal in wanted),
                select=",".join(names),
            )
            rows += [row for page in pages for row in page]
        return FeedRead(self.records(entity, rows), "", complete=False)

    def records(self, entity: str, rows: list[Row]) -> list[Record]:
        """The records of rows as Exact prints them."""
        capability, endpoint, names = self.capabilities[entity], ENDPOINTS[entity], self._names(entity)
        now = self.now()
        return [decode(row, names, capability, endpoint, self.zone, now) for row in rows]

    def _documents(self, entity: str, lines: str, cursor: str | None) -> FeedRead:
        since, lines_since = feeds.load_cursors(cursor, entity)
        headers = self._changes(entity, since)
        changed = self._changes(lines, lines_since)
        rows, line_rows = headers.rows, changed.rows
        key, document_key = self.capabilities[entity].key, self.capabilities[lines].document_key
        # A document made between both reads has its lines among these but not its header. It is read with them, and
        # once more next time: a line whose document nobody has heard of must never be handed on.
        unknown = {row.get(str(document_key)) for row in line_rows} - {row[key] for row in rows}
        if unknown:
            late = self._changes(entity, headers.cursor)
            rows = [*rows, *(row for row in late.rows if row[key] in unknown)]
        return FeedRead(
            records=self.records(entity, rows),
            lines=self.records(lines, line_rows),
            cursor=feeds.dump_cursors(headers.cursor, changed.cursor),
            complete=cursor is None,
            lines_complete=cursor is None,
        )

    def _changes(self, entity: str, since: int) -> feeds.Changes:
        capability, endpoint = self.capabilities[entity], ENDPOINTS[entity]
        doing = f"reading {entity}"
        names = {capability.key, MODIFIED, TIMESTAMP, *self._names(entity)} - endpoint.not_in_sync
        names |= {name for name in (capability.document_key, endpoint.position) if name is not None}
        pages = self.client.pages(
            endpoint.sync,
            doing=doing,
            scope=endpoint.scope,
            filter=feeds.filter_since(since),
            select=",".join(sorted(names)),
        )
        changes = feeds.gather(pages, since, capability.key, doing)
        missing = sorted(endpoint.not_in_sync.intersection(self._names(entity)))
        if missing:
            complete_from_bulk(self.client, endpoint, capability.key, changes.rows, missing, doing)
        return changes

    def _deletion(self, row: Row, doing: str) -> Deletion | None:
        try:
            entity, key = DELETED.get(int(row["EntityType"])), row["EntityKey"]
        except (KeyError, TypeError, ValueError):
            raise UnexpectedAnswer("exact", f"{doing}: a row names no EntityType or EntityKey") from None
        if entity is None:
            return None
        if not key:
            # Would the run stop at it, it would stop at the same row for two months.
            logger.warning(
                "%s: a deletion from %s (ID %s) names no record and is passed over", doing, entity, row["ID"]
            )
            return None
        return Deletion(entity, key, decode_time(row.get("DeletedDate"), self.zone, self.now()))

    def _names(self, entity: str) -> Sequence[str]:
        return self.wanted.get(entity, ())


def checked_names(
    wanted: Mapping[str, Sequence[str]], capabilities: Mapping[str, EntityCapability]
) -> dict[str, list[str]]:
    """What to read per entity of Exact.

    Raises:
        ConfigurationError: a name cannot be read.
    """
    checked: dict[str, list[str]] = {}
    for entity, names in wanted.items():
        if entity not in ENDPOINTS:
            continue
        endpoint = ENDPOINTS[entity]
        for name in names:
            if name not in capabilities[entity].properties:
                raise ConfigurationError(
                    f"{entity}: {name} is not declared in Exact's capabilities; correct the mapping"
                )
            if name in endpoint.not_in_sync and endpoint.bulk is None:
                raise ConfigurationError(
                    f"{entity}: Exact does not report changes of {name} (its sync set lacks it); take it out"
                )
        checked[entity] = sorted(set(names))
    return checked


def checked_guid(key: str, doing: str) -> str:
    """The key, when it is one of Exact's.

    Raises:
        RecordRejected: it is no GUID.
    """
    try:
        odata.guid(key)
    except ValueError:
        raise RecordRejected("exact", f"{doing}: {key!r} is no key of Exact (a GUID); nothing was sent") from None
    return key
