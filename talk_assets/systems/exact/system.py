"""Exact Online as a `System` of the platform."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo

import httpx

from talk_assets.errors import AccessDenied, RecordGone, RecordRejected, UnexpectedAnswer
from talk_assets.mappings.capabilities import Capabilities, EntityCapability
from talk_assets.systems.base import Deletion, DeletionsRead, FeedRead, Record, Sight, Values, Written
from talk_assets.systems.exact import dates, odata
from talk_assets.systems.exact.client import ExactClient
from talk_assets.systems.exact.entities import ADMINISTRATION, ENDPOINTS
from talk_assets.systems.exact.faults import refused_although_there, refused_out_of_sight
from talk_assets.systems.exact.governor import Governor
from talk_assets.systems.exact.oauth import BearerAuth, TokenSource
from talk_assets.systems.exact.odata import Row
from talk_assets.systems.exact.reading import Reading, checked_guid, checked_names
from talk_assets.systems.exact.token_calls import Credentials
from talk_assets.systems.exact.transport import exact_http
from talk_assets.systems.exact.values import encode
from talk_assets.systems.http import ANSWER_SECONDS
from talk_assets.systems.repeats import Patience
from talk_assets.systems.tokens import TokenStore

_MOVES = ("DivisionMoveDate", "DivisionHRLinkUnlinkDate")


class ExactSystem:
    """One division of Exact Online.

    Args:
        url: the site, `https://start.exactonline.nl` (EXACT_URL).
        division: the administration (EXACT_DIVISION).
        credentials: the app registration and the first refresh token.
        tokens: keeps the current token.
        capabilities: what Exact's entities can take; entities of other systems may be among them.
        wanted: entity to the property names to read of it (`Mappings.wanted`), line entities included.
        governor: spends the budget of calls; without it this object has its own.
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
        governor: Governor | None = None,
        patience: Patience | None = None,
        timeout: float = ANSWER_SECONDS,
        zone: tzinfo | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._capabilities = {entity: capabilities[entity] for entity in ENDPOINTS if entity in capabilities}
        readable = checked_names(wanted, self._capabilities)
        self._feeds = len(readable)
        whole = [entity for entity in readable if self._capabilities[entity].document is None]
        self._asked_first = "exact.contacts" if "exact.contacts" in whole or not whole else whole[0]
        self._division, self.answer_seconds = division, timeout
        self._governor = governor or Governor(now)
        self._http = exact_http(url, gate=self._governor, patience=patience, timeout=timeout, now=now, sleep=sleep)
        self._zone = zone or dates.site_zone(httpx.URL(self._http.root).host)
        self._http.authenticate(BearerAuth(TokenSource(self._http, credentials, tokens, now=now, sleep=sleep)))
        self._client = ExactClient(self._http, division)
        self._reading = Reading(self._client, self._capabilities, readable, self._zone, now)

    @property
    def calls(self) -> int:
        """HTTP requests sent so far, repeats and token calls included."""
        return self._http.calls

    @property
    def requests(self) -> int:
        """What was asked so far: each request once, token calls left out."""
        return self._http.requests

    def generation(self) -> str | None:
        """When the division was moved, or linked to another for HR: row versions then count anew (reference, Sync API).

        Raises:
            AccessDenied, SystemUnavailable, UnexpectedAnswer: as for `read`; also where the division is not listed.
        """
        doing = f"asking whether the division {self._division} was moved"
        pages = self._client.pages(
            "system/Divisions",
            doing=doing,
            scope=ADMINISTRATION,
            filter=f"Code eq {self._division}",
            select=f"Code,{','.join(_MOVES)}",
        )
        rows = [row for page in pages for row in page if str(row.get("Code")) == str(self._division)]
        if len(rows) != 1:
            raise UnexpectedAnswer(self.name, f"{doing}: Exact does not list it; look at EXACT_DIVISION")
        return " ".join(str(rows[0].get(name)) for name in _MOVES)

    def rest(self) -> float:
        """Seconds by which reading the feeds is put off, for the sake of the calls that are left; see `System.rest`."""
        return self._governor.rest(self._feeds + 1)

    def resting(self) -> float:
        """As `rest`, without counting as a reading of the feeds; see `Watched.resting`."""
        return self._governor.rest(self._feeds + 1, begins=False)

    def check(self) -> None:
        """Ask who is logged in and for one row of the division; see `System.check`."""
        if len(self._client.me(doing=f"asking {self._http.root} who is logged in")) != 1:
            raise UnexpectedAnswer(
                self.name, f"{self._http.root} does not answer as Exact Online does; correct EXACT_URL"
            )
        doing = f"opening the administration EXACT_DIVISION={self._division}"
        endpoint = ENDPOINTS[self._asked_first]
        # Contacts want no filter; a filter on the key is one that every set takes (Exact reference, Mandatory filter).
        query = {"select": "ID", "top": "1"}
        if self._asked_first != "exact.contacts":
            key = self._capability(self._asked_first).key
            query |= {"select": key, "filter": f"{key} ne {odata.guid(odata.NO_KEY)}"}
        try:
            for _ in self._client.pages(endpoint.path, doing=doing, scope=endpoint.scope, **query):
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
        """Read what changed since the cursor; see `System.read` and `Reading.changes`."""
        return self._reading.read(entity, cursor)

    def read_deletions(self, cursor: str | None) -> DeletionsRead:
        """Read sync/Deleted, which remembers two months; see `System.read_deletions`."""
        return self._reading.deletions(cursor)

    def glance(self, entity: str, cursor: str) -> Iterator[list[Sight]]:
        """Tell page by page what changed since the cursor; see `Watched.glance` and `Reading.glance`."""
        return self._reading.glance(entity, cursor)

    def glance_deletions(self, cursor: str) -> Iterator[list[Deletion]]:
        """Tell page by page what sync/Deleted has since the cursor; see `Watched.glance_deletions`."""
        return self._reading.glance_deletions(cursor)

    def find(
        self,
        entity: str,
        keys: Sequence[str],
        *,
        lines: bool = False,  # noqa: ARG002 - they are a feed of their own
    ) -> FeedRead:
        """Look records up in their ordinary set; see `System.find` and `Reading.find`."""
        return self._reading.find(entity, keys)

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
        try:
            status = self._client.delete(endpoint.path, checked_guid(key, doing), doing=doing, scope=endpoint.scope)
        except RecordGone as gone:
            self._confirm_gone(entity, key, doing, gone)
            raise
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
        body[capability.document_key] = checked_guid(document, doing)
        made = self._client.create(endpoint.path, body, capability.key, doing=doing, scope=endpoint.scope)
        return Written(key=made.key, record=self._echo(entity, body, made.row), status=made.status)

    def lines_together(self, entity: str) -> bool:  # noqa: ARG002
        """Lines have an endpoint of their own, and each is a call (Exact reference, line endpoints)."""
        return False

    def update_lines(
        self,
        entity: str,
        document: str,
        changes: Mapping[str, Values],
        version: str | None = None,  # noqa: ARG002 - Exact has no conditional update
    ) -> Written:
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
        try:
            status = self._client.update(
                endpoint.path, checked_guid(key, doing), body, doing=doing, scope=endpoint.scope
            )
        except RecordGone as gone:
            self._confirm_gone(entity, key, doing, gone)
            raise
        return Written(key=key, record=None, status=status)

    def _confirm_gone(self, entity: str, key: str, doing: str, gone: RecordGone) -> None:
        """Look a record up that seems gone: Exact answers 403 without a word to a missing right as well.

        Where the right to read is missing too, Exact can show an empty list instead of an error (Exact reference,
        Rights): that a record is not shown counts only beside another one that is.

        Raises:
            RecordRejected: it is there, or nothing is shown that would prove that it is not.
        """
        if gone.status != httpx.codes.FORBIDDEN:
            return
        name, endpoint = self._capability(entity).key, ENDPOINTS[entity]
        beside = self._shown(entity, key, f"{name} ne {odata.guid(key)}", top="1")
        asked = [key, *beside]
        shown = self._shown(entity, key, " or ".join(f"{name} eq {odata.guid(each)}" for each in asked))
        if shown - beside:
            raise refused_although_there(doing, endpoint.scope, gone.status) from gone
        if not shown:
            raise refused_out_of_sight(doing, endpoint, gone.status) from gone

    def _shown(self, entity: str, key: str, filter_: str, **options: str) -> set[str]:
        """The keys of the records that a look-up shows."""
        name, endpoint = self._capability(entity).key, ENDPOINTS[entity]
        doing = f"looking up whether {entity} {key} is gone"
        pages = self._client.pages(
            endpoint.path, doing=doing, scope=endpoint.scope, filter=filter_, select=name, **options
        )
        return {str(row[name]) for page in pages for row in page}

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
        return self._reading.records(entity, [row])[0]

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
