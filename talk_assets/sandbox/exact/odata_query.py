"""The query options of a read: parsed, checked against the set, and turned into what to show."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from talk_assets.sandbox.exact.errors import Refused, bad_request
from talk_assets.sandbox.exact.model import SETS, EntitySet, Family, Property
from talk_assets.sandbox.exact.odata_filter import Filter, parse_filter

_OPTIONS = {"$select", "$filter", "$top", "$orderby", "$expand", "$inlinecount", "$skiptoken", "$format"}
_SYNC_OPTIONS = {"$select", "$filter", "$top", "$inlinecount", "$skiptoken", "$format"}
_SKIPTOKEN = re.compile(r"guid'([0-9a-fA-F-]{36})'|(\d+)L?")
_NO_STAR = ("Contacts", "Items")  # sync sets that refuse $select=* (Exact reference, query options)
MANDATORY_FILTER = (
    "This endpoint has mandatory filtering applied. A GET request for this endpoint must have a $filter parameter "
    "with one of the following fields in the url: "
)


@dataclass(frozen=True, slots=True)
class Query:
    """What a read asks for.

    Attributes:
        select: properties to show, None for all.
        line_select: properties of expanded lines to show, None for all.
        expand: whether a document shows its lines.
        filter: which rows, None for all.
        top: at most this many rows, None for as many as fit on a page.
        orderby: properties to sort by, with whether descending.
        count: whether the number of matching rows is asked for.
        after: key, or row version of a sync set, after which the page starts.
    """

    select: tuple[str, ...] | None = None
    line_select: tuple[str, ...] | None = None
    expand: bool = False
    filter: Filter | None = None
    top: int | None = None
    orderby: tuple[tuple[str, bool], ...] = ()
    count: bool = False
    after: str | None = None


def parse_query(entity_set: EntitySet, family: Family, options: Mapping[str, str], *, single: bool = False) -> Query:
    """Parse the query options of a read.

    Args:
        entity_set: what is read.
        family: ordinary, bulk or sync.
        options: the query string's parameters.
        single: whether one record is read by its key, so that the demands on lists do not hold.

    Raises:
        Refused: 400, an option is unknown, malformed or missing.
    """
    known = _SYNC_OPTIONS if family == "sync" else _OPTIONS
    unknown = sorted(name for name in options if name.startswith("$") and name not in known)
    if unknown:
        raise bad_request(f"The query parameter '{unknown[0]}' is not supported.")
    visible = entity_set.visible(family)
    expand = _expand(entity_set, options.get("$expand"))
    select, line_select = _select(entity_set, family, visible, options.get("$select"), expand=expand)
    parsed = parse_filter(options["$filter"], visible) if "$filter" in options else None
    if not single:
        _demand(entity_set, family, parsed, select)
    return Query(
        select=select,
        line_select=line_select,
        expand=expand,
        filter=parsed,
        top=_top(options.get("$top")),
        orderby=_orderby(visible, options.get("$orderby")),
        count=_count(options.get("$inlinecount")),
        after=_after(options.get("$skiptoken")),
    )


def _demand(entity_set: EntitySet, family: Family, parsed: Filter | None, select: tuple[str, ...] | None) -> None:
    names = parsed.names if parsed is not None else frozenset()
    if family == "sync":
        allowed = {"Timestamp", "EntityType"} if entity_set.name == "Deleted" else {"Timestamp"}
        if names - allowed:
            raise bad_request(f"Filtering on these fields is not supported: {', '.join(sorted(names - allowed))}")
        return
    if family == "bulk" and select is None:
        raise bad_request("Please add a $select to your request.")
    if entity_set.filter_names and not names & set(entity_set.filter_names):
        raise bad_request(MANDATORY_FILTER + ", ".join(entity_set.filter_names))


def _expand(entity_set: EntitySet, text: str | None) -> bool:
    if text is None:
        return False
    if entity_set.lines is None or {name.strip() for name in text.split(",")} != {entity_set.lines}:
        raise bad_request(f"The $expand '{text}' is not supported for this resource.")
    return True


def _select(
    entity_set: EntitySet, family: Family, visible: Mapping[str, Property], text: str | None, *, expand: bool
) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
    if text is None:
        return None, None
    if text.strip() == "*":
        if family == "sync" and entity_set.name in _NO_STAR:
            raise bad_request("The $select '*' is not supported for this resource.")
        return None, None
    names: list[str] = []
    line_names: list[str] = []
    for name in (part.strip() for part in text.split(",")):
        head, _, tail = name.partition("/")
        if head not in visible:
            raise _no_property(entity_set, head)
        names.append(head)
        if tail:
            if head != entity_set.lines or not expand:
                raise bad_request(f"The $select '{name}' needs '{head}' in $expand.")
            if tail not in SETS[head].visible(family):
                raise _no_property(SETS[head], tail)
            line_names.append(tail)
    return tuple(dict.fromkeys(names)), tuple(line_names) or None


def _no_property(entity_set: EntitySet, name: str) -> Refused:
    return bad_request(
        f"Could not find a property named '{name}' on type 'Exact.Web.Api.Models.{entity_set.type_name}'."
    )


def _top(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdecimal():
        raise bad_request(f"Incorrect format for $top argument '{text}'.")
    return int(text)


def _orderby(visible: Mapping[str, Property], text: str | None) -> tuple[tuple[str, bool], ...]:
    if text is None:
        return ()
    parts: list[tuple[str, bool]] = []
    for part in text.split(","):
        name, _, direction = part.strip().partition(" ")
        if name not in visible or visible[name].is_collection or direction not in ("", "asc", "desc"):
            raise bad_request(f"The $orderby '{text}' is not supported for this resource.")
        parts.append((name, direction == "desc"))
    return tuple(parts)


def _count(text: str | None) -> bool:
    if text not in (None, "none", "allpages"):
        raise bad_request(f"Unknown $inlinecount option '{text}'; only 'allpages' and 'none' are valid.")
    return text == "allpages"


def _after(text: str | None) -> str | None:
    if text is None:
        return None
    match = _SKIPTOKEN.fullmatch(text)
    if match is None:
        raise bad_request("Invalid $skiptoken.")
    return match[1].lower() if match[1] else match[2]


def sort_key(value: Any) -> tuple[bool, Any]:
    """A key that sorts values of one property with null first, as SQL Server does."""
    return (value is not None, value if value is not None else 0)
