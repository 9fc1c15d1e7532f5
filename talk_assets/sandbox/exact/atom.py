"""Answers as Atom XML, which Exact sends unless `application/json` is asked for; kept to what a reader needs."""

from typing import Any
from xml.sax.saxutils import escape, quoteattr

_FEED = 'xmlns="http://www.w3.org/2005/Atom"'
_DATA = 'xmlns:d="http://schemas.microsoft.com/ado/2007/08/dataservices"'
_META = 'xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"'
_HEAD = '<?xml version="1.0" encoding="utf-8"?>'


def atom(payload: Any) -> str:
    """The content of a JSON answer's `d` as an Atom feed or entry."""
    if isinstance(payload, dict) and "results" not in payload:
        return f"{_HEAD}{_entry(payload, root=True)}"
    rows = payload if isinstance(payload, list) else payload["results"]
    following = payload.get("__next") if isinstance(payload, dict) else None
    link = f'<link rel="next" href={quoteattr(following)} />' if following else ""
    return f"{_HEAD}<feed {_FEED} {_DATA} {_META}>{''.join(_entry(row) for row in rows)}{link}</feed>"


def atom_error(message: str) -> str:
    """An error as XML."""
    return f'{_HEAD}<m:error {_META}><m:code /><m:message xml:lang="">{escape(message)}</m:message></m:error>'


def _entry(row: dict[str, Any], *, root: bool = False) -> str:
    spaces = f" {_FEED} {_DATA} {_META}" if root else ""
    properties = "".join(
        f'<d:{name} m:null="true" />' if value is None else f"<d:{name}>{escape(_text(value))}</d:{name}>"
        for name, value in row.items()
        if not isinstance(value, dict)
    )
    identity = escape(str(row["__metadata"]["uri"]))
    return (
        f"<entry{spaces}><id>{identity}</id>"
        f'<content type="application/xml"><m:properties>{properties}</m:properties></content></entry>'
    )


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
