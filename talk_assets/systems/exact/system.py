"""Exact Online as a `System` of the platform."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo

import httpx

from talk_assets.errors import AccessDenied, ConfigurationError, RecordRejected, UnexpectedAnswer
from talk_assets.mappings.capabilities import Capabilities, EntityCapability
from talk_assets.systems.base import Deletion, DeletionsRead, FeedRead, Record, Values, Written
from talk_assets.systems.exact import dates, feeds, odata
from talk_assets.systems.exact.bulk import complete_from_bulk
from talk_assets.systems.exact.client import ExactClient
from talk_assets.systems.exact.entities import DELETED, ENDPOINTS
from talk_assets.systems.exact.oauth import BearerAuth, TokenSource
from talk_assets.systems.exact.odata import Row
from talk_assets.systems.exact.token_calls import Credentials
from talk_assets.systems.exact.transport import exact_http
from talk_assets.systems.exact.values import MODIFIED, TIMESTAMP, decode, decode_time, encode
from talk_assets.systems.http import ANSWER_SECONDS, Gate
from talk_assets.systems.repeats import Patience
from talk_assets.systems.tokens import TokenStore

_DELETED_SCOPE = "organization/administration"
# So that the address of a look-up stays below 2,048 characters, what servers commonly take of a query.
_KEYS_AT_ONCE = 20


class ExactSystem:
    """One division of Exact Online.

    Args:
        url: the site, `https://start.exactonline.nl` (EXACT_URL).
        division: the administration (EXACT_DIVISION).
        credentials: the app registration and the first refresh token.
        tokens: keeps the current token.
        capabilities: what Exact's entities can take; entities of other systems may be among them.
        wanted: entity to the property names to read of it (`Mappings.wanted`), line entities included.
        gate: keeps the budget of calls; without it this object keeps its own.
        patience: how often and how long to try again.
        timeout: seconds to wait for an answer.
        zone: the zone of the site's wall clock, when it is not the one its address tells.
        now: the present time, with zone.
        sleep: waits the given seconds.

    Raises:
        ConfigurationError: EXACT_URL is no address, or a wanted property is unknown or cannot be read by row version.
    """

    name = "exact"

    def __init__(
        self,
        url: str,
        division: int,
        credentials: Credentials,
        tokens: TokenStore,
        capabilities: Capabilities,
        wanted: Mapping[str, Sequence[str]],
        *,
        gate: Gate | None = None,
        patience: Patience | None = None,
        timeout: float = ANSWER_SECONDS,
        zone: tzinfo | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._capabilities = {entity: capabilities[entity] for entity in ENDPOINTS if entity in capabilities}
        self._wanted = _checked(wanted, self._capabilities)
        self._division = division
        self._now, self.answer_seconds = now, timeout
        self._http = exact_http(url, gate=gate, patience=patience, timeout=timeout, now=now, sleep=sleep)
        self._zone = zone or dates.site_zone(httpx.URL(self._http.root).host)
        self._http.authenticate(BearerAuth(TokenSource(self._http, credentials, tokens, now=now, sleep=sleep)))
        self._client = ExactClient(self._http, division)

    @property
    def calls(self) -> int:
        """HTTP requests sent so far, repeats and token calls included."""
        return self._http.calls

    def check(self) -> None:
        """Ask who is logged in and for one row of the division; see `System.check`."""
        if len(self._client.me(doing=f"asking {self._http.root} who is logged in")) != 1:
            raise UnexpectedAnswer(
                self.name, f"{self._http.root} does not answer as Exact Online does; correct EXACT_URL"
            )
        doing = f"opening the administration EXACT_DIVISION={self._division}"
        endpoint = ENDPOINTS["exact.contacts"]
        try:
            for _ in self._client.pages(endpoint.path, doing=doing, scope=endpoint.scope, select="ID", top="1"):
                break
        except UnexpectedAnswer as error:
            if error.status != httpx.codes.NOT_FOUND:
                raise
            raise AccessDenied(
                self.name,
                f"{doing}: Exact knows no such administration for the user who logged in; correct EXACT_DIVISION",
                status=error.status,
            ) from error

    def read(self, entity: str, cursor: str | None) -> FeedRead:
        """Read what changed since the cursor; see `System.read`.

        A document's headers and lines are two feeds of their own: `lines` holds the lines that changed.
        """
        lines = self._capability(entity).lines
        if lines is None:
            since = feeds.load_cursor(cursor, entity)
            changes = self._changes(entity, since)
            return FeedRead(self._records(entity, changes.rows), str(changes.cursor), complete=cursor is None)
        return self._read_documents(entity, lines, cursor)

    def read_deletions(self, cursor: str | None) -> DeletionsRead:
        """Read sync/Deleted, which remembers two months; see `System.read_deletions`."""
        doing = "reading Exact's deletions"
        since = feeds.load_cursor(cursor, "Exact's deletions")
        pages = self._client.pages(
            "sync/Deleted",
            doing=doing,
            scope=_DELETED_SCOPE,
            filter=feeds.filter_since(since),
            select=f"ID,EntityType,EntityKey,DeletedDate,{TIMESTAMP}",
        )
        changes = feeds.gather(pages, since, "ID", doing)
        found = (self._deletion(row, doing) for row in changes.rows)
        # A sales order is listed under the numbers of both its sets.
        known = {(deletion.entity, deletion.key): deletion for deletion in found if deletion is not None}
        return DeletionsRead(list(known.values()), str(changes.cursor))

    def find(self, entity: str, keys: Sequence[str]) -> FeedRead:
        """Look records up in their ordinary set, 20 keys a call; see `System.find`.

        A filter on the key is one that every set takes (Exact reference, Mandatory filter). Ordinary sets tell no row
        version. Where the rights to read were withdrawn Exact can answer with an empty list instead of an error (Exact
        reference, Rights): whoever concludes from absence asks for a record as well that must be there.
        """
        capability, endpoint = self._capability(entity), ENDPOINTS[entity]
        doing = f"looking up {len(keys)} records of {entity}"
        names = sorted({capability.key, MODIFIED, *self._names(entity)})
        rows: list[Row] = []
        for start in range(0, len(keys), _KEYS_AT_ONCE):
            wanted = [odata.guid(_guid(key, doing)) for key in keys[start : start + _KEYS_AT_ONCE]]
            pages = self._client.pages(
                endpoint.path,
                doing=doing,
                scope=endpoint.scope,
                filter=" or ".join(f"{capability.key} eq {literal}" for literal in wanted),
                select=",".join(names),
            )
            rows += [row for page in pages for row in page]
        return FeedRead(self._records(entity, rows), "", complete=False)

    def create(
        self,
        entity: str,
        values: Values,
        lines: Sequence[Values] = (),
        *,
        idempotency_key: str | None = None,  # noqa: ARG002 - Exact knows no such keys
    ) -> Written:
        """Create a record, of a document together with its lines; see `System.create`.

        Exact knows no idempotency keys (Exact reference, Writing), so `idempotency_key` makes no difference.

        Raises:
            RecordRejected: Exact refuses it; or, before any call, the entity or a property takes no such write.
        """
        capability, endpoint = self._capability(entity), ENDPOINTS[entity]
        doing = f"creating in {entity}"
        body = self._body(entity, values, doing, creating=True)
        if capability.lines is None and lines:
            raise RecordRejected(self.name, f"{doing}: it has no lines; nothing was sent")
        if capability.requires_lines and not lines:
            raise RecordRejected(self.name, f"{doing}: a document without lines is refused; nothing was sent")
        sent_lines: list[Row] = []
        if capability.lines is not None and endpoint.nested is not None:
            sent_lines = [self._body(capability.lines, line, doing, creating=True) for line in lines]
            body[endpoint.nested] = sent_lines
        made = self._client.create(endpoint.path, body, capability.key, doing=doing, scope=endpoint.scope)
        echoed = odata.nested(made.row.get(endpoint.nested)) if endpoint.nested is not None else None
        return Written(
            key=made.key,
            record=self._echo(entity, body, made.row),
            status=made.status,
            lines=self._echo_lines(capability.lines, made.key, sent_lines, echoed),
        )

    def update(self, entity: str, key: str, values: Values, version: str | None = None) -> Written:  # noqa: ARG002 - nor versions
        """Change the named properties of a record; see `System.update`.

        Exact has no conditional update (Exact reference, Writing), so `version` makes no difference.

        Raises:
            RecordRejected: Exact refuses it; or, before any call, the entity or a property takes no such write.
            RecordGone: the record is gone.
        """
        return self._update(entity, key, values, f"updating {entity} {key}")

    def delete(self, entity: str, key: str, version: str | None = None) -> Written:  # noqa: ARG002
        """Remove a record; see `System.delete`.

        Exact has no conditional requests (Exact reference, Writing), so `version` makes no difference. A second DELETE
        of the same record is answered with 403 and no reason, which counts as gone.

        Raises:
            RecordGone, RecordRejected; the latter also, before any call, when Exact takes no writes of the entity.
        """
        doing = f"removing {entity} {key}"
        capability, endpoint = self._capability(entity), ENDPOINTS[entity]
        if capability.read_only is not None:
            raise RecordRejected(self.name, f"{doing}: {capability.read_only}")
        status = self._client.delete(endpoint.path, _guid(key, doing), doing=doing, scope=endpoint.scope)
        return Written(key=key, record=None, status=status)

    def create_line(self, entity: str, document: str, values: Values) -> Written:
        """Add a line to an existing document; see `System.create_line`.

        Raises:
            As `create`.
        """
        capability, endpoint = self._capability(entity), ENDPOINTS[entity]
        if capability.document_key is None:
            raise RecordRejected(self.name, f"{entity} has no documents; nothing was sent")
        doing = f"adding a line to {capability.document} {document}"
        body = self._body(entity, values, doing, creating=True)
        body[capability.document_key] = _guid(document, doing)
        made = self._client.create(endpoint.path, body, capability.key, doing=doing, scope=endpoint.scope)
        return Written(key=made.key, record=self._echo(entity, body, made.row), status=made.status)

    def lines_together(self, entity: str) -> bool:  # noqa: ARG002
        """Lines have an endpoint of their own, and each is a call (Exact reference, line endpoints)."""
        return False

    def update_lines(self, entity: str, document: str, changes: Mapping[str, Values]) -> Written:
        """Change the named properties of some lines, a call for each; see `System.update_lines`.

        Raises:
            As `update`.
        """
        owner = self._capability(entity).document
        written = [
            self._update(entity, key, values, f"updating line {key} of {owner} {document}")
            for key, values in changes.items()
        ]
        return written[0] if len(written) == 1 else Written(document, None, written[-1].status)

    def close(self) -> None:
        """Release connections."""
        self._http.close()

    def _update(self, entity: str, key: str, values: Values, doing: str) -> Written:
        body = self._body(entity, values, doing, creating=False)
        endpoint = ENDPOINTS[entity]
        status = self._client.update(endpoint.path, _guid(key, doing), body, doing=doing, scope=endpoint.scope)
        return Written(key=key, record=None, status=status)

    def _read_documents(self, entity: str, lines: str, cursor: str | None) -> FeedRead:
        since, lines_since = feeds.load_cursors(cursor, entity)
        headers = self._changes(entity, since)
        changed = self._changes(lines, lines_since)
        rows, line_rows = headers.rows, changed.rows
        key, document_key = self._capability(entity).key, self._capability(lines).document_key
        # A document made between both reads has its lines among these but not its header. It is read with them, and
        # once more next time: a line whose document nobody has heard of must never be handed on.
        unknown = {row.get(str(document_key)) for row in line_rows} - {row[key] for row in rows}
        if unknown:
            late = self._changes(entity, headers.cursor)
            rows = [*rows, *(row for row in late.rows if row[key] in unknown)]
        return FeedRead(
            records=self._records(entity, rows),
            lines=self._records(lines, line_rows),
            cursor=feeds.dump_cursors(headers.cursor, changed.cursor),
            complete=cursor is None,
            lines_complete=cursor is None,
        )

    def _changes(self, entity: str, since: int) -> feeds.Changes:
        capability, endpoint = self._capability(entity), ENDPOINTS[entity]
        doing = f"reading {entity}"
        names = {capability.key, MODIFIED, TIMESTAMP, *self._names(entity)} - endpoint.not_in_sync
        names |= {name for name in (capability.document_key, endpoint.position) if name is not None}
        pages = self._client.pages(
            endpoint.sync,
            doing=doing,
            scope=endpoint.scope,
            filter=feeds.filter_since(since),
            select=",".join(sorted(names)),
        )
        changes = feeds.gather(pages, since, capability.key, doing)
        missing = sorted(endpoint.not_in_sync.intersection(self._names(entity)))
        if missing:
            complete_from_bulk(self._client, endpoint, capability.key, changes.rows, missing, doing)
        return changes

    def _records(self, entity: str, rows: list[Row]) -> list[Record]:
        capability, endpoint, names = self._capability(entity), ENDPOINTS[entity], self._names(entity)
        now = self._now()
        return [decode(row, names, capability, endpoint, self._zone, now) for row in rows]

    def _deletion(self, row: Row, doing: str) -> Deletion | None:
        try:
            entity, key = DELETED.get(int(row["EntityType"])), row["EntityKey"]
        except (KeyError, TypeError, ValueError):
            raise UnexpectedAnswer(self.name, f"{doing}: a row names no EntityType or EntityKey") from None
        if entity is None:
            return None
        return Deletion(entity, key, decode_time(row.get("DeletedDate"), self._zone, self._now()))

    def _body(self, entity: str, values: Values, doing: str, *, creating: bool) -> Row:
        """The JSON of a write; RecordRejected when the declaration forbids it, before Exact has to."""
        capability = self._capability(entity)
        if capability.read_only is not None:
            raise RecordRejected(self.name, f"{doing}: {capability.read_only}")
        if not values:
            raise RecordRejected(self.name, f"{doing}: no property is named; nothing was sent")
        for name in values:
            known = capability.properties.get(name)
            if known is None or known.write == "never" or (known.write == "create" and not creating):
                why = "no property of it that we know" if known is None else f"not to be written ({known.write})"
                raise RecordRejected(self.name, f"{doing}: {name} is {why}; nothing was sent", property_name=name)
        return encode(values, capability, self._zone, doing)

    def _echo(self, entity: str, sent: Row, row: Row) -> Record | None:
        """The record of a create's answer; None when the answer held little more than the key.

        Exact can leave properties null in the answer that it did take (Exact reference, Writing).
        """
        scalars = {name for name, value in sent.items() if value is not None and not isinstance(value, list)}
        if scalars and all(row.get(name) is None for name in scalars):
            return None
        return self._records(entity, [row])[0]

    def _echo_lines(
        self, entity: str | None, document: str, sent: list[Row], echoed: list[Row] | None
    ) -> list[Record] | None:
        if entity is None or echoed is None or len(echoed) != len(sent):
            return None
        capability = self._capability(entity)
        records: list[Record] = []
        for line, row in zip(sent, echoed, strict=True):
            row = {**row, str(capability.document_key): row.get(str(capability.document_key)) or document}
            record = self._echo(entity, line, row)
            if record is None or not record["_key"]:
                return None
            records.append(record)
        return records

    def _capability(self, entity: str) -> EntityCapability:
        return self._capabilities[entity]

    def _names(self, entity: str) -> Sequence[str]:
        return self._wanted.get(entity, ())


def _checked(wanted: Mapping[str, Sequence[str]], capabilities: Mapping[str, EntityCapability]) -> dict[str, list[str]]:
    """What to read per entity; ConfigurationError for a name that cannot be read."""
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


def _guid(key: str, doing: str) -> str:
    try:
        odata.guid(key)
    except ValueError:
        raise RecordRejected("exact", f"{doing}: {key!r} is no key of Exact (a GUID); nothing was sent") from None
    return key
