"""The sections of a connector profile; each says one thing about how an ERP's API is built.

Every default is the published contract's. Names of places in an answer (`items`, `data.next`, `address.street`) are
dotted paths of the ERP's own names; '' is the answer itself.
"""

from string import Formatter
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from talk_assets.mappings.capabilities import Writable

Method = Literal["POST", "PUT", "PATCH"]
WireType = Literal["text", "integer", "decimal", "boolean"]
EntityName = Literal["customer", "contact", "employee", "product", "quote", "order", "quote_line", "order_line"]

RecordName = Literal["customer", "contact", "employee", "product", "quote", "order"]


class Section(BaseModel):
    """Refuses keys it does not know, so that a misspelt setting is never silently ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _time_format(value: str) -> str:
    known = ("iso", "iso_seconds", "date", "epoch_s", "epoch_ms")
    if value not in known and "%" not in value:
        raise ValueError(f"one of {', '.join(known)}, or a pattern with % signs such as %d-%m-%Y")
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"{value!r} is not a time zone; write one such as Europe/Amsterdam") from None
    return value


def _path(*allowed: str, needed: bool = False) -> AfterValidator:
    """Checks a path: where it starts, and which placeholders it has."""

    def check(value: str) -> str:
        if not value.startswith(("/", "{one}")):
            raise ValueError(f"{value!r} does not start with '/'")
        found = {name for _, name, _, _ in Formatter().parse(value) if name is not None}
        if found - set(allowed):
            can = ", ".join(f"{{{name}}}" for name in allowed) or "no placeholder"
            raise ValueError(f"{value!r} can hold {can}, not {', '.join(f'{{{name}}}' for name in sorted(found))}")
        if needed and "key" not in found:
            raise ValueError(f"{value!r} needs {{key}}, the place of the record's key")
        return value

    return AfterValidator(check)


TimeFormat = Annotated[str, AfterValidator(_time_format)]
Zone = Annotated[str, AfterValidator(_zone)]
ListPath = Annotated[str, _path()]
RecordPath = Annotated[str, _path("key", needed=True)]
LinesPath = Annotated[str, _path("one", "document")]
LinePath = Annotated[str, _path("one", "document", "key", needed=True)]


class Bearer(Section):
    """`Authorization: Bearer <CUSTOMERP_TOKEN>`."""

    kind: Literal["bearer"] = "bearer"


class HeaderKey(Section):
    """The token in a header of its own."""

    kind: Literal["header_key"]
    header: str = Field(pattern=r"^[A-Za-z0-9_-]+$")


class Basic(Section):
    """User and password; CUSTOMERP_TOKEN is `user:password`."""

    kind: Literal["basic"]


class ClientCredentials(Section):
    """OAuth 2.0 client credentials (RFC 6749, 4.4); CUSTOMERP_TOKEN is `client id:client secret`.

    `token_url` is an address, or a path under CUSTOMERP_URL. `client_in`: where the client's id and secret are sent.
    """

    kind: Literal["oauth2_client_credentials"]
    token_url: str = Field(pattern=r"^(https?://|/)")
    scope: str | None = None
    client_in: Literal["header", "body"] = "header"


Authentication = Annotated[Bearer | HeaderKey | Basic | ClientCredentials, Field(discriminator="kind")]


class _Sized(Section):
    size_parameter: str | None = "limit"
    size: int = Field(default=500, gt=0)


class _Counted(_Sized):
    """`ends`: an `empty` page is the last, or already a `short` one; with `envelope.total` neither is needed."""

    ends: Literal["empty", "short"] = "empty"


class PageNumber(_Counted):
    """Pages are numbered from `first`."""

    style: Literal["page_number"]
    parameter: str = "page"
    first: int = 1


class Offset(_Counted):
    """Pages start after a number of records."""

    style: Literal["offset"]
    parameter: str = "offset"


class Cursor(_Sized):
    """Each page names the next one by a token (`envelope.next`) that is sent back in `parameter`."""

    style: Literal["cursor"] = "cursor"
    parameter: str = "since"


class LinkHeader(_Sized):
    """Each page names the next one in a Link header (RFC 8288)."""

    style: Literal["link_header"]


class NextUrl(_Sized):
    """Each page names the address of the next one (`envelope.next`)."""

    style: Literal["next_url"]


class OnePage(Section):
    """All records come in one answer."""

    style: Literal["none"]


Paging = Annotated[PageNumber | Offset | Cursor | LinkHeader | NextUrl | OnePage, Field(discriminator="style")]


class ChangeToken(Section):
    """The ERP hands out a token with every reading (`envelope.token`) and is asked for what changed after it."""

    style: Literal["change_token"] = "change_token"
    parameter: str = "since"


class ModifiedSince(Section):
    """The ERP is asked for what changed since a time.

    `value` is what is sent, with `{since}` for the time. `overlap_seconds` are read again every time: what was saved
    with an earlier time but became visible later is found all the same.
    """

    style: Literal["modified_since"]
    parameter: str
    value: str = Field(default="{since}", pattern=r"\{since\}")
    format: TimeFormat = "iso"
    overlap_seconds: int = Field(default=60, ge=1)


class FullRead(Section):
    """The ERP cannot say what changed: everything is read every time."""

    style: Literal["none"]


Changes = Annotated[ChangeToken | ModifiedSince | FullRead, Field(discriminator="style")]


class Envelope(Section):
    """What is around the records.

    Attributes:
        items: where a list's records are.
        next: where a list names its next page (token or address).
        token: where a list gives the token for the next reading.
        total: where a list says how many records there are.
        record: where the record is in an answer that holds one.
        write: where the record is put in a request.
    """

    items: str = "items"
    next: str | None = "next"
    token: str | None = "token"  # noqa: S105 - a name
    total: str | None = None
    record: str = ""
    write: str = ""


class Formats(Section):
    """How values are written in JSON.

    Times without an offset, and days as points in time, are of `time_zone`.
    """

    date: TimeFormat = "date"
    time: TimeFormat = "iso"
    decimal: Literal["number", "text"] = "number"
    time_zone: Zone = "UTC"


class Statuses(Section):
    """Which HTTP statuses mean what; 401, 403, 408, 429 and 5xx mean the same everywhere."""

    read: list[int] = [200]
    create: list[int] = [201]
    update: list[int] = [200]
    delete: list[int] = [204]
    missing: list[int] = [404]
    changed: list[int] = [412]
    rejected: list[int] = [409, 422]


class Problem(Section):
    """Where a refusal says what is wrong: a text, and a list of properties with a text each."""

    message: str = "detail"
    errors: str = "errors"
    property: str = "property"
    detail: str = "detail"


class Check(Section):
    """The question that shows whether the settings work, and what its answer holds."""

    path: ListPath = "/"
    expect: dict[str, str] = {"name": "Customerp", "contract": "1"}


class Create(Section):
    """How a record is created; the path is that of the list unless given."""

    method: Method = "POST"
    path: ListPath | None = None
    idempotency_header: str | None = "Idempotency-Key"


class Update(Section):
    """How a record is changed; the path is that of the record unless given.

    `sends`: only what `changed`, or the `whole` record as it is with the changes put in; PUT sends the whole record
    unless told otherwise, because it usually replaces. `leave_out`: the ERP's own names that a whole record is sent
    without, because the ERP refuses them.
    """

    method: Method = "PATCH"
    path: RecordPath | None = None
    sends: Literal["changed", "whole"] | None = None
    leave_out: list[str] = []

    @property
    def whole(self) -> bool:
        """Whether the whole record is sent."""
        return self.sends == "whole" or (self.sends is None and self.method == "PUT")


class Delete(Section):
    """How a record is removed; the path is that of the record unless given.

    `allowed`: whether the ERP removes records by its API at all.
    """

    allowed: bool = True
    method: Literal["DELETE", "POST"] = "DELETE"
    path: RecordPath | None = None


class Limit(Section):
    """What a property can take, where that differs from the published contract; what is not given is as there.

    `max_length` counts characters, null is no limit. `required`: a create without it is refused. `write` says when it
    can be sent: `always`, only on `create`, or `never`.
    """

    max_length: int | None = Field(default=None, gt=0)
    required: bool = False
    write: Writable = "always"


class Conditional(Section):
    """Whether an update names the version that it was planned from.

    `quoted`: the version is sent within double quotes, as an entity tag has them.
    """

    if_match: bool = True
    quoted: bool = True


class Lines(Section):
    """The lines of documents.

    Attributes:
        array: where a document holds its lines.
        key: a line's key.
        position: a line's place in the document; null when the order of the array is all there is.
        read: lines are `inside` the documents of a list; only in the document read by itself (`one`); or have a `path`.
        write: `merge`: an update names the lines that change, by key, and the others stay; `replace`: an update holds
            all lines, so they are read first; `path`: every line has an address.
        leave_out: the ERP's own names that a line is sent back without (`replace`, or a whole line by `path`).
        path: with read or write `path`: the lines of one document; `{one}` stands for the document's path,
            `{document}` for its key.
        one: with write `path`: one line.
        document: with write `path`: where a new line names its document, when the path does not.
        create: method of creating a line.
        update: method of changing a line.
        sends: as for records.
        envelope: what is around lines at paths, where it is not as around records.
    """

    array: str = "Lines"
    key: str = "Id"
    position: str | None = "Position"
    read: Literal["inside", "one", "path"] = "inside"
    write: Literal["merge", "replace", "path"] = "merge"
    leave_out: list[str] = []
    path: LinesPath = "{one}/lines"
    one: LinePath = "{one}/lines/{key}"
    document: str | None = None
    create: Method = "POST"
    update: Method = "PATCH"
    sends: Literal["changed", "whole"] | None = None
    envelope: Envelope | None = None

    @property
    def whole(self) -> bool:
        """Whether a line at a path of its own is sent whole."""
        return self.sends == "whole" or (self.sends is None and self.update == "PUT")


class Deletions(Section):
    """The list of what was removed, read as the other lists are.

    `entities`: the ERP's own kinds of record to the contract's; kinds that are not listed are none of ours. That a
    line was removed shows in its document.
    """

    path: ListPath = "/deletions"
    entity: str = "Entity"
    key: str = "Id"
    at: str | None = "DeletedAt"
    entities: dict[str, RecordName] = {
        "customer": "customer",
        "contact": "contact",
        "employee": "employee",
        "product": "product",
        "quote": "quote",
        "order": "order",
    }
