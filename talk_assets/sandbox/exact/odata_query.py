"""The query options of a read: parsed, checked against the set, and turned into what to show."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from talk_assets.sandbox.exact.errors import Refused, bad_request
from talk_assets.sandbox.exact.model import SETS, EntitySet, Family, Property
from talk_assets.sandbox.exact.odata_filter import Filter, parse_filter

_SYNC_OPTIONS = {"$select", "$filter", "$top", "$inlinecount", "$skiptoken", "$format"}
_BULK_OPTIONS = _SYNC_OPTIONS | {"$orderby", "$expand"}
# Sync and bulk sets are younger than March 2017, since when sets come without $skip (Exact reference, query options).
_OPTIONS: Mapping[Family, set[str]] = {
    "ordinary": _BULK_OPTIONS | {"$skip"},
    "bulk": _BULK_OPTIONS,
    "sync": _SYNC_OPTIONS,
}
_SKIPTOKEN = re.compile(r"guid'([0-9a-fA-F-]{36})'|(\d{1,19})L?", re.ASCII)
_NO_STAR = ("Contacts", "Items")  # sync sets that refuse $select=* (Exact reference, query options)
_LARGEST = 2**31 - 1  # number of rows
# Both texts as recorded, the list without a space and with its full stop (picqer/exact-php-client, issues 591 and 62).
MANDATORY_FILTER = (
    "This endpoint has mandatory filtering applied. A GET request for this endpoint must have a $filter parameter "
    "with one of the following fields in the url:{names}."
)
_SELECT_NEEDED = "Please add a $select or a $top=1 statement to the query string."


@dataclass(frozen=True, slots=True)
class Query:
    """What a read asks for.

    Attributes:
        select: properties to show, None for all.
        line_select: properties of expanded lines to show, None for all.
        expand: the collections to show in place of a link to them.
        filter: which rows, None for all.
        top: at most this many rows, None for as many as fit on a page.
        skip: how many rows to leave out first.
        orderby: properties to sort by, with whether descending.
        count: whether the number of matching rows is asked for.
        after: key, or row version of a sync set, after which the page starts.
    """

    select: tuple[str, ...] | None = None
    line_select: tuple[str, ...] | None = None
    expand: frozenset[str] = frozenset()
    filter: Filter | None = None
    top: int | None = None
    skip: int = 0
    orderby: tuple[tuple[str, bool], ...] = ()
    count: bool = False
    after: str | None = None


def parse_query(
    entity_set: EntitySet, family: Family, options: Mapping[str, str], *, single: bool = False, counted: bool = False
) -> Query:
    """Parse the query options of a read.

    Args:
        entity_set: what is read.
        family: ordinary, bulk or sync.
        options: the query string's parameters.
        single: whether one record is read by its key, so that the demands on lists do not hold.
        counted: whether only the number of rows is asked for: that is no list, and needs neither `$select` nor filter.

    Raises:
        Refused: 400, an option is unknown, malformed or missing.
    """
    unknown = sorted(name for name in options if name.startswith("$") and name not in _OPTIONS[family])
    if unknown:
        raise bad_request(f"The query parameter '{unknown[0]}' is not supported.")
    visible = entity_set.visible(family)
    expand = _expand(visible, options.get("$expand"))
    top = _number("$top", options.get("$top"))
    select, line_select = _select(entity_set, family, visible, options.get("$select"), expand=expand)
    parsed = parse_filter(options["$filter"], visible) if "$filter" in options else None
    if family == "sync":
        _check_sync(entity_set, parsed)
    elif not (single or counted):
        if family == "bulk" and "$select" not in options and top != 1:
            raise bad_request(_SELECT_NEEDED)
        _check_filter(entity_set, parsed)
    return Query(
        select=select,
        line_select=line_select,
        expand=expand,
        filter=parsed,
        top=top,
        skip=_number("$skip", options.get("$skip")) or 0,
        orderby=_orderby(visible, options.get("$orderby")),
        count=_count(options.get("$inlinecount")),
        after=_after(options.get("$skiptoken")),
    )


def _check_sync(entity_set: EntitySet, parsed: Filter | None) -> None:
    allowed = {"Timestamp", "EntityType"} if entity_set.name == "Deleted" else {"Timestamp"}
    others = (parsed.names if parsed is not None else frozenset()) - allowed
    if others:
        raise bad_request(f"Filtering on these fields is not supported: {', '.join(sorted(others))}")


def _check_filter(entity_set: EntitySet, parsed: Filter | None) -> None:
    names = parsed.names if parsed is not None else frozenset()
    if entity_set.filter_names and not names & set(entity_set.filter_names):
        listed = sorted(entity_set.filter_names, key=str.casefold)
        raise bad_request(MANDATORY_FILTER.format(names=",".join(listed)))


def _expand(visible: Mapping[str, Property], text: str | None) -> frozenset[str]:
    if text is None:
        return frozenset()
    names = [name.strip() for name in text.split(",")]
    if not all(name in visible and visible[name].is_collection for name in names):
        raise bad_request(f"The $expand '{text}' is not supported for this resource.")
    return frozenset(names)


def _select(
    entity_set: EntitySet, family: Family, visible: Mapping[str, Property], text: str | None, *, expand: frozenset[str]
) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
    if text is None:
        return None, None
    parts = [part.strip() for part in text.split(",")]
    if "*" in parts and family == "sync" and entity_set.name in _NO_STAR:
        raise bad_request("The $select '*' is not supported for this resource.")
    names: list[str] = []
    line_names: list[str] = []
    for name in parts:
        if name == "*":
            names += visible
            continue
        head, _, tail = name.partition("/")
        if head not in visible:
            raise _no_property(entity_set, head)
        names.append(head)
        if tail:
            if head not in expand:
                raise bad_request(f"The $select '{name}' needs '{head}' in $expand.")
            # Of other collections nothing is known but that they are empty here.
            if head == entity_set.lines and tail != "*":
                if tail not in SETS[head].visible(family):
                    raise _no_property(SETS[head], tail)
                line_names.append(tail)
    return tuple(dict.fromkeys(names)), tuple(dict.fromkeys(line_names)) or None


def _no_property(entity_set: EntitySet, name: str) -> Refused:
    return bad_request(
        f"Could not find a property named '{name}' on type 'Exact.Web.Api.Models.{entity_set.type_name}'."
    )


def _number(option: str, text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 10 and int(text) <= _LARGEST):
        raise bad_request(f"Incorrect format for {option} argument '{text}'.")
    return int(text)


def _orderby(visible: Mapping[str, Property], text: str | None) -> tuple[tuple[str, bool], ...]:
    if text is None:
        return ()
    parts: list[tuple[str, bool]] = []
    for part in text.split(","):
        name, *direction = part.split() or [""]
        if name not in visible or visible[name].is_collection or direction not in ([], ["asc"], ["desc"]):
            raise bad_request(f"The $orderby '{text}' is not supported for this resource.")
        parts.append((name, direction == ["desc"]))
    return tuple(parts)


def _count(text: str | None) -> bool:
    if text not in (None, "none", "allpages"):
        raise bad_request(f"Unknown $inlinecount option '{text}'; only 'allpages' and 'none' are valid.")
    return text == "allpages"


def _after(text: str | None) -> str | None:
    if not text:
        return None
    match = _SKIPTOKEN.fullmatch(text)
    if match is None:
        raise bad_request("Invalid $skiptoken.")
    return match[1].lower() if match[1] else match[2]


def sort_key(value: Any) -> tuple[bool, Any]:
    """A key that sorts values of one property with null first, as SQL Server does."""
    return (value is not None, value if value is not None else 0)
