"""Answers as Atom XML, which Exact sends unless `application/json` is asked for (Exact reference, Hosts and headers).

The shapes are those of WCF Data Services, on which Exact runs: a feed with its entries, links in place of collections
that are not expanded, and properties with their Edm types.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from talk_assets.sandbox.exact.model import DELETED, DIVISIONS, ME, SETS, SYNC_TIMESTAMP, Property
from talk_assets.sandbox.exact.render import NAMESPACE

_ADO = "http://schemas.microsoft.com/ado/2007/08/dataservices"
_SPACES = f'xmlns="http://www.w3.org/2005/Atom" xmlns:d="{_ADO}" xmlns:m="{_ADO}/metadata"'
_HEAD = '<?xml version="1.0" encoding="utf-8"?>'
_FEED_TYPE = "application/atom+xml;type=feed"
_DATE = re.compile(r"/Date\((-?\d+)\)/")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TYPES: Mapping[str, Mapping[str, Property]] = {
    NAMESPACE + entity_set.type_name: entity_set.properties
    for entity_set in (*SETS.values(), DIVISIONS, ME, DELETED, SYNC_TIMESTAMP)
}


def atom(payload: Any, address: str, moment: datetime) -> str:
    """The content of a JSON answer's `d` as an Atom feed or entry.

    Args:
        payload: the content, with dates and collections as in verbose JSON.
        address: what was read; identifies a feed.
        moment: the server's time, told as that of the last change.
    """
    updated = moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(payload, dict) and "results" not in payload:
        return f"{_HEAD}{_entry(payload, updated, spaces=f' {_SPACES}')}"
    return f"{_HEAD}{_feed(payload, address, updated, spaces=f' {_SPACES}')}"


def atom_error(message: str) -> str:
    """An error as XML."""
    return f'{_HEAD}<error xmlns="{_ADO}/metadata"><code></code><message xml:lang="">{_text(message)}</message></error>'


def _feed(payload: Any, address: str, updated: str, *, spaces: str = "") -> str:
    content = payload if isinstance(payload, dict) else {"results": payload}
    count = f"<m:count>{content['__count']}</m:count>" if "__count" in content else ""
    following = content.get("__next")
    link = f'<link rel="next" href={quoteattr(following)} />' if following else ""
    return (
        f"<feed{spaces}>{_title(address)}<id>{_text(address)}</id><updated>{updated}</updated>{count}"
        f"{''.join(_entry(row, updated) for row in content['results'])}{link}</feed>"
    )


def _title(address: str) -> str:
    return f'<title type="text">{_text(address.rpartition("/")[2])}</title>'


def _entry(row: Mapping[str, Any], updated: str, *, spaces: str = "") -> str:
    identity = str(row["__metadata"]["uri"])
    type_name = str(row["__metadata"]["type"])
    types = _TYPES.get(type_name, {})
    values = {name: value for name, value in row.items() if not isinstance(value, dict)}
    collections = {name: value for name, value in row.items() if isinstance(value, dict) and name != "__metadata"}
    return (
        f"<entry{spaces}><id>{_text(identity)}</id>"
        f'<category term={quoteattr(type_name)} scheme="{_ADO}/scheme" />'
        f'<link rel="edit" title={quoteattr(type_name.rpartition(".")[2])} href={quoteattr(identity)} />'
        f"{''.join(_link(identity, name, value, updated) for name, value in collections.items())}"
        f"<title /><updated>{updated}</updated><author><name /></author>"
        f'<content type="application/xml"><m:properties>'
        f"{''.join(_property(name, value, types.get(name)) for name, value in values.items())}"
        "</m:properties></content></entry>"
    )


def _link(identity: str, name: str, collection: Mapping[str, Any], updated: str) -> str:
    address = f"{identity}/{name}"
    inline = f"<m:inline>{_feed(collection, address, updated)}</m:inline>" if "results" in collection else ""
    related = f'rel="{_ADO}/related/{name}" type="{_FEED_TYPE}" title="{name}"'
    return f"<link {related} href={quoteattr(address)}>{inline}</link>"


def _property(name: str, value: Any, prop: Property | None) -> str:
    kind = prop.type if prop is not None else _kind(value)
    typed = "" if kind == "String" else f' m:type="Edm.{kind}"'
    if value is None:
        return f'<d:{name}{typed} m:null="true" />'
    return f"<d:{name}{typed}>{_text(_spelled(value))}</d:{name}>"


def _kind(value: Any) -> str:
    """The type of a value of which no declaration is known."""
    if isinstance(value, str) and _DATE.fullmatch(value):
        return "DateTime"
    return {bool: "Boolean", int: "Int32", float: "Double"}.get(type(value), "String")


def _spelled(value: Any) -> str:
    if isinstance(value, str) and (date := _DATE.fullmatch(value)):
        # The wall clock that the milliseconds hide (Exact reference, Dates and time zone).
        return (_EPOCH + timedelta(milliseconds=int(date[1]))).replace(tzinfo=None).isoformat()
    return str(value).lower() if isinstance(value, bool) else str(value)


def _text(value: str) -> str:
    return escape(_NOT_XML.sub("", value))
