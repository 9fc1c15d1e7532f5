"""What the reads answer: lists, single records, counts, sync sets and sync/Deleted."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID, uuid5

from talk_assets.sandbox.exact import codes
from talk_assets.sandbox.exact.config import ExactConfig
from talk_assets.sandbox.exact.errors import bad_request, not_found
from talk_assets.sandbox.exact.model import DELETED, SETS, SYNC_TIMESTAMP, EntitySet, Family
from talk_assets.sandbox.exact.odata_query import Query, parse_query, sort_key
from talk_assets.sandbox.exact.reader import ROW_VERSION_BASE, SYSTEM, Reader, derived, row_version
from talk_assets.sandbox.exact.render import Json, plain_row, renderer
from talk_assets.sandbox.exact.state import ExactState
from talk_assets.sandbox.exact.unfilled import unfilled
from talk_assets.sandbox.exact.values import parse_datetime
from talk_assets.sandbox.store import Records, Stored

_BATCH = 500
_LAST = 2**62  # above every change number
_DELETED_IDS = UUID("7b0f2a0e-3c55-4d0b-8a4e-6a1f6a5e3d10")
_SYNC_TIMESTAMP = {
    "QuotationHeaders": "Quotations",
    "QuotationLines": "QuotationLines",
    "SalesOrderHeaders": "SalesOrders",
    "SalesOrderLines": "SalesOrderLines",
}


@dataclass(frozen=True, slots=True)
class Call:
    """The part of a read that its address tells.

    Attributes:
        state: the division.
        config: of the server.
        root: address of the division (`https://host/api/v1/123`).
        address: of the set that is read, without query.
        options: the query string's parameters.
    """

    state: ExactState
    config: ExactConfig
    root: str
    address: str
    options: Mapping[str, str]


def read_list(call: Call, entity_set: EntitySet, family: Family) -> Any:
    """A page of a set: the content of `d`."""
    query = parse_query(entity_set, family, call.options)
    reader = call.state.reader()
    find = _sync_rows if family == "sync" else _ordinary_rows
    total = _count(call, reader, entity_set, family, query) if query.count else None
    return _page_of(call, reader, entity_set, family, query, find(call, reader, entity_set, query), total)


def read_count(call: Call, entity_set: EntitySet, family: Family) -> int:
    """How many rows of a set match: the answer of `/$count`."""
    query = parse_query(entity_set, family, call.options, counted=True)
    return _count(call, call.state.reader(), entity_set, family, query)


def read_one(call: Call, entity_set: EntitySet, key: str) -> Json:
    """One record by its key.

    Raises:
        Refused: 404, there is no such record (any more).
    """
    query = parse_query(entity_set, "ordinary", call.options, single=True)
    reader = call.state.reader()
    stored = reader.get(entity_set.name, key)
    if stored is None:
        raise not_found()
    show = renderer(
        reader, entity_set, "ordinary", call.root, select=query.select, expand=query.expand,
        line_select=query.line_select, int64_as_text=call.config.int64_as_text,
    )  # fmt: skip
    return show.row(stored)


def read_collection(call: Call, entity_set: EntitySet, key: str, name: str) -> Any:
    """What a deferred link of a record leads to: a document's lines; other collections are empty here."""
    reader = call.state.reader()
    stored = reader.get(entity_set.name, key)
    if stored is None:
        raise not_found()
    if name != entity_set.lines:
        return {"results": []}
    query = parse_query(SETS[name], "ordinary", call.options, single=True)
    lines = list(_matching(reader, reader.lines(stored), query))
    total = len(lines) if query.count else None
    return _page_of(call, reader, SETS[name], "ordinary", query, _in_order(reader, lines, query), total)


def read_plain(call: Call, entity_set: EntitySet, rows: Iterable[Json]) -> Any:
    """A list of what is not kept in the store (Me, Divisions), always on one page."""
    query = parse_query(entity_set, "ordinary", call.options)
    matching = [row for row in rows if query.filter is None or query.filter.test(row.get)]
    for name, descending in reversed(query.orderby):
        matching.sort(key=lambda row: sort_key(row.get(name)), reverse=descending)
    wanted = matching[query.skip :][: query.top]
    shown = [_plain(call, entity_set, row, query) for row in wanted]
    return _page(call, shown, query, len(shown) + 1, None, len(matching) if query.count else None)


def read_deleted(call: Call) -> Any:
    """A page of sync/Deleted; what was removed longer ago than two months is forgotten (Exact reference, sync)."""
    query = parse_query(DELETED, "sync", call.options)
    size = call.config.large_page_size
    rows = list(islice(_deleted_rows(call, query), size if query.top is None else min(size, query.top)))
    shown = [_plain(call, DELETED, row, query) for row in rows]
    total = sum(1 for _ in _deleted_rows(call, replace(query, after=None))) if query.count else None
    return _page(call, shown, query, size, f"{rows[-1]['Timestamp']}L" if rows else None, total)


def read_sync_timestamp(call: Call) -> Json:
    """The row version of the first record changed at or after a moment (Exact reference, SyncTimestamp).

    Raises:
        Refused: 400, a parameter is missing or names a set that Exact does not translate for.
    """
    set_name = _SYNC_TIMESTAMP.get(call.options.get("endPoint", "").strip("'"))
    text = call.options.get("modified", "")
    if set_name is None or not (text.startswith("datetime'") and text.endswith("'")):
        raise bad_request("The parameters modified and endPoint are required: modified=datetime'...'&endPoint='...'")
    try:
        moment = parse_datetime(text.removeprefix("datetime'").removesuffix("'"))
    except ValueError:
        raise bad_request(f"Incorrect format for modified argument '{text}'.") from None
    first = next((r for r in _changes(call, set_name, 0) if _moment(call, r.modified) >= moment), None)
    last = ROW_VERSION_BASE + call.state.store.last_sequence(SYSTEM, str(call.state.division))
    row: Json = {
        "TimeStampAsBigInt": last if first is None else row_version(first),
        "Modified": None if first is None else call.state.reader().local(first.modified),
        "EndPoint": call.options["endPoint"].strip("'"),
    }
    uri = f"{call.address}({row['TimeStampAsBigInt']}L)"
    return plain_row(SYNC_TIMESTAMP, row, uri, None, int64_as_text=call.config.int64_as_text)


def _moment(call: Call, stored: str) -> datetime:
    return datetime.fromisoformat(call.state.reader().local(stored))


def _plain(call: Call, entity_set: EntitySet, row: Json, query: Query) -> Json:
    key = row[entity_set.key]
    literal = f"guid'{key}'" if entity_set.properties[entity_set.key].type == "Guid" else key
    uri = f"{call.address}({literal})"
    return plain_row(entity_set, row, uri, query.select, int64_as_text=call.config.int64_as_text)


def _page_of(
    call: Call,
    reader: Reader,
    entity_set: EntitySet,
    family: Family,
    query: Query,
    found: Iterable[Stored],
    total: int | None,
) -> Any:
    """A page of the records found: the content of `d`."""
    size = call.config.page_size if family == "ordinary" else call.config.large_page_size
    wanted = size if query.top is None else min(query.top, size)
    page = list(islice(found, query.skip, query.skip + wanted))
    show = renderer(
        reader, entity_set, family, call.root, select=query.select, expand=query.expand,
        line_select=query.line_select, int64_as_text=call.config.int64_as_text,
    )  # fmt: skip
    rows = [show.row(record) for record in page]
    last = None
    if page:
        last = f"{row_version(page[-1])}L" if family == "sync" else f"guid'{page[-1].key}'"
    return _page(call, rows, query, size, last, total)


def _page(call: Call, rows: list[Json], query: Query, size: int, last: str | None, total: int | None) -> Any:
    """The content of `d`: a bare array when `$top` fits on the first page (Exact reference, JSON shapes).

    Pages reached by `__next` are never bare: clients in use rely on that (ossobv/exactonline, api/unwrap.py).
    """
    bounded = query.top is not None and query.top <= size
    if bounded and total is None and query.after is None:
        return rows
    content: Json = {"results": rows}
    if total is not None:
        content["__count"] = str(total)
    if last is not None and len(rows) == size and not bounded:
        options = {name: value for name, value in call.options.items() if name not in ("$skiptoken", "$skip")}
        if query.top is not None:
            options["$top"] = str(query.top - size)
        options["$skiptoken"] = last
        content["__next"] = f"{call.address}?{urlencode(options, quote_via=quote, safe=_SAFE)}"
    return content


_SAFE = "$'(),/:"


def _count(call: Call, reader: Reader, entity_set: EntitySet, family: Family, query: Query) -> int:
    everything = replace(query, after=None, orderby=())
    find = _sync_rows if family == "sync" else _ordinary_rows
    return sum(1 for _ in find(call, reader, entity_set, everything))


def _row(reader: Reader, record: Stored) -> Callable[[str], Any]:
    return lambda name: reader.value(record, name)


def _matching(reader: Reader, records: Iterable[Stored], query: Query) -> Iterator[Stored]:
    return (r for r in records if query.filter is None or query.filter.test(_row(reader, r)))


def _ordinary_rows(call: Call, reader: Reader, entity_set: EntitySet, query: Query) -> Iterable[Stored]:
    indexed = _indexed(call, entity_set, query)
    if not query.orderby:
        after = query.after or ""
        if indexed is None:
            return _matching(reader, _by_key(call, entity_set.name, after), query)
        return _matching(reader, (r for r in sorted(indexed, key=lambda r: r.key) if r.key > after), query)
    rows = list(_matching(reader, _by_key(call, entity_set.name, "") if indexed is None else indexed, query))
    rows.sort(key=lambda record: record.key)
    return _in_order(reader, rows, query)


def _in_order(reader: Reader, rows: Records, query: Query) -> Records:
    """Rows sorted as asked for, from the one after the last page's."""
    for name, descending in reversed(query.orderby):
        rows.sort(key=lambda record: sort_key(reader.value(record, name)), reverse=descending)
    if query.after is None:
        return rows
    keys = [record.key for record in rows]
    if query.after not in keys:
        raise bad_request("Invalid $skiptoken.")
    return rows[keys.index(query.after) + 1 :]


def _indexed(call: Call, entity_set: EntitySet, query: Query) -> Records | None:
    """The few records that a filter's equality can mean, found by an index; None when all have to be looked at."""
    for part in query.filter.required if query.filter is not None else ():
        prop = entity_set.properties[part.name]
        by_itself = part.name in derived(entity_set.name) or part.name in unfilled(entity_set.name)
        if part.operator != "eq" or part.value is None or by_itself:
            continue
        store, division = call.state.store, str(call.state.division)
        if part.name == entity_set.key:
            found = store.get(SYSTEM, division, entity_set.name, part.value)
            return [] if found is None else [found]
        if prop.type == "String":
            value = part.value.strip() if part.name == "Code" else part.value
            return store.find(SYSTEM, division, entity_set.name, part.name, value) if value else None
        if prop.type in ("Guid", "Int32", "Int16"):
            return store.find(SYSTEM, division, entity_set.name, part.name, part.value)
    return None


def _by_key(call: Call, set_name: str, after: str) -> Iterator[Stored]:
    while batch := call.state.store.after(SYSTEM, str(call.state.division), set_name, after, _BATCH):
        yield from batch
        after = batch[-1].key


def _changes(call: Call, set_name: str, after: int) -> Iterator[Stored]:
    limit = call.config.large_page_size
    while batch := call.state.store.changed_since(SYSTEM, str(call.state.division), [set_name], after, limit):
        yield from batch
        after = batch[-1].sequence


def _lower_bound(query: Query) -> int:
    """The change number that every matching row is above, so that older rows need not be looked at."""
    bound = int(query.after or 0) if (query.after or "0").isdecimal() else 0
    for part in query.filter.required if query.filter is not None else ():
        # Nothing is above null: the filter itself lets no row pass.
        if part.name == "Timestamp" and part.operator in ("gt", "ge", "eq") and part.value is not None:
            bound = max(bound, int(part.value) - (part.operator != "gt"))
    return min(max(bound - ROW_VERSION_BASE, 0), _LAST)


def _sync_rows(call: Call, reader: Reader, entity_set: EntitySet, query: Query) -> Iterable[Stored]:
    return _matching(reader, _changes(call, entity_set.name, _lower_bound(query)), query)


def _deleted_rows(call: Call, query: Query) -> Iterator[Json]:
    reader, store, division = call.state.reader(), call.state.store, str(call.state.division)
    after = _lower_bound(query)
    oldest = store.clock() - timedelta(days=call.config.deleted_days)
    while batch := store.deleted_since(SYSTEM, division, list(SETS), after, _BATCH):
        after = batch[-1].sequence
        for gone in batch:
            row: Json = {
                "ID": str(uuid5(_DELETED_IDS, f"{division}/{gone.key}")),
                "EntityKey": gone.key,
                "EntityType": SETS[gone.entity].deleted_type,
                "DeletedDate": reader.local(gone.modified),
                "DeletedBy": codes.USER_ID,
                "Division": call.state.division,
                "Timestamp": row_version(gone),
            }
            kept = datetime.fromisoformat(gone.modified) >= oldest
            if kept and (query.filter is None or query.filter.test(row.get)):
                yield row
