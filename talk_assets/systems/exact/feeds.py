"""Reading by row version: what a sync set brought, and where the next read starts.

`Timestamp` is a row version that grows with every insert and update of the division (Exact reference, Sync API).
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from talk_assets.errors import LedgerError, UnexpectedAnswer
from talk_assets.systems.exact.odata import Row
from talk_assets.systems.exact.values import TIMESTAMP

START = 1  # the first read asks for row versions greater than this


@dataclass(frozen=True, slots=True)
class Changes:
    """The rows of one read, each record once and oldest change first, and the row version to read on from."""

    rows: list[Row]
    cursor: int


def gather(pages: Iterable[list[Row]], cursor: int, key: str, doing: str) -> Changes:
    """The changes in the pages of a read since a row version.

    A record changed while pages are fetched can come twice, or, when pages are not in order of row version, only as it
    was. Out of order, just the first page's highest row version is certain to have nothing unread below it; reading on
    from there repeats rows, which does no harm.

    Raises:
        UnexpectedAnswer: a row has no row version or key.
    """
    latest: dict[str, tuple[int, Row]] = {}
    highest = first_page = cursor
    ordered = True
    for number, page in enumerate(pages):
        for row in page:
            version = row_version(row, doing)
            ordered = ordered and version >= highest
            highest = max(highest, version)
            known = latest.get(_key(row, key, doing))
            if known is None or known[0] <= version:
                latest[row[key]] = (version, row)
        if number == 0:
            first_page = highest
    rows = [row for _, row in sorted(latest.values(), key=lambda found: found[0])]
    return Changes(rows, highest if ordered else first_page)


def row_version(row: Row, doing: str) -> int:
    """A row's version, which Exact may print as a number or as text.

    Raises:
        UnexpectedAnswer: there is none.
    """
    try:
        return int(row[TIMESTAMP])
    except (KeyError, TypeError, ValueError):
        raise UnexpectedAnswer("exact", f"{doing}: a row has no {TIMESTAMP}; nothing was taken from it") from None


def filter_since(cursor: int) -> str:
    """The one filter that sync sets take."""
    return f"{TIMESTAMP} gt {cursor}L"


def load_cursor(cursor: str | None, entity: str) -> int:
    """The row version in a stored cursor.

    Raises:
        LedgerError: the cursor is not one of this connector.
    """
    try:
        return START if cursor is None else int(cursor)
    except ValueError:
        raise _damaged(cursor, entity) from None


def load_cursors(cursor: str | None, entity: str) -> tuple[int, int]:
    """The row versions of a document's headers and lines in a stored cursor.

    Raises:
        LedgerError: the cursor is not one of this connector.
    """
    if cursor is None:
        return START, START
    try:
        found = json.loads(cursor)
        return int(found["headers"]), int(found["lines"])
    except (ValueError, KeyError, TypeError):
        raise _damaged(cursor, entity) from None


def dump_cursors(headers: int, lines: int) -> str:
    """The text of both row versions."""
    return json.dumps({"headers": headers, "lines": lines})


def _key(row: Row, name: str, doing: str) -> str:
    key = row.get(name)
    if not isinstance(key, str) or not key:
        raise UnexpectedAnswer("exact", f"{doing}: a row has no {name}; nothing was taken from it")
    return key


def _damaged(cursor: str | None, entity: str) -> LedgerError:
    return LedgerError(f"the stored cursor of {entity}, {cursor!r}, is no row version; read the entity anew")
