"""Who is logged in, and which divisions that user can enter (Exact reference, Me and Divisions)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from talk_assets.errors import UnexpectedAnswer
from talk_assets.systems.exact import dates
from talk_assets.systems.exact.client import ExactClient
from talk_assets.systems.exact.entities import ADMINISTRATION
from talk_assets.systems.exact.odata import Row

DIVISIONS = "system/Divisions"
_ME = "UserID,FullName,UserName,Email,CurrentDivision,ServerTime,ServerUtcOffset"
_DIVISION = "Code,Description,Country,Status,BlockingStatus,Current,DivisionMoveDate"
# REST API reference, page of System/Divisions.
_STATUS = {0: "inactive", 1: "active", 2: "archived"}
_BLOCKING = {
    1: "backup or restore",
    2: "conversion busy",
    3: "conversion shadow",
    4: "conversion waiting",
    5: "copying waits",
    6: "copying",
    100: "waits for deletion",
    101: "deleted",
    102: "conversion failed",
}


@dataclass(frozen=True, slots=True)
class Me:
    """The user who logged in.

    Attributes:
        name: full name and user name, as a person says it.
        email: address; empty when Exact tells none.
        division: the division that Exact calls the current one; None when it tells none.
        server_time: what the site's clock says, with zone; None when it cannot be told.
    """

    name: str
    email: str
    division: int | None
    server_time: datetime | None


@dataclass(frozen=True, slots=True)
class Division:
    """An administration that a user can enter.

    Attributes:
        number: what EXACT_DIVISION takes.
        name: its description.
        country: of its legislation.
        status: active, inactive or archived, and what blocks it.
        usable: whether it is active and nothing blocks it.
        current: whether Exact calls it the current one.
        moved: day on which it was moved to another database; from then on everything has to be read anew.
    """

    number: int
    name: str
    country: str
    status: str
    usable: bool
    current: bool
    moved: str | None


def who(client: ExactClient) -> Me:
    """Ask who is logged in.

    Raises:
        UnexpectedAnswer: Exact Online does not answer so; and as `ExactClient.pages`.
    """
    doing = "asking Exact who is logged in"
    rows = client.me(doing=doing, select=_ME)
    if len(rows) != 1:
        raise UnexpectedAnswer("exact", f"{doing}: the answer is not Exact Online's; correct EXACT_URL")
    (row,) = rows
    user, full = _text(row, "UserName"), _text(row, "FullName")
    name = f"{full} ({user})" if user and full else user or full or _text(row, "UserID")
    return Me(name, _text(row, "Email"), _whole(row.get("CurrentDivision")), _server_time(row))


def divisions(client: ExactClient) -> list[Division]:
    """Ask for the divisions that the user can enter, by number; Exact checks no division for it.

    Raises:
        AccessDenied: the scope organization/administration is missing; and as `ExactClient.pages`.
    """
    doing = "reading the divisions"
    found = {
        division.number: division
        for page in client.pages(DIVISIONS, doing=doing, scope=ADMINISTRATION, select=_DIVISION)
        for division in (_division(row, doing) for row in page)
    }
    return [found[number] for number in sorted(found)]


def _division(row: Row, doing: str) -> Division:
    number = _whole(row.get("Code"))
    if number is None:
        raise UnexpectedAnswer("exact", f"{doing}: a row has no Code; nothing was taken from it")
    state, blocked = _whole(row.get("Status")), _whole(row.get("BlockingStatus")) or 0
    said = [] if state is None else [_STATUS.get(state, f"status {state}")]
    if blocked:
        said.append(f"blocked: {_BLOCKING.get(blocked, f'status {blocked}')}")
    moved = row.get("DivisionMoveDate")
    return Division(
        number=number,
        name=_text(row, "Description"),
        country=_text(row, "Country"),
        status=", ".join(said),
        usable=state in (None, 1) and not blocked,
        current=row.get("Current") is True,
        moved=None if not moved else _day(moved, doing),
    )


def _server_time(row: Row) -> datetime | None:
    """The site's clock; it is printed as wall-clock time beside its difference to UTC in seconds."""
    try:
        local = dates.wall_clock(str(row["ServerTime"]))
        return (local - timedelta(seconds=float(row["ServerUtcOffset"]))).replace(tzinfo=UTC)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _day(printed: Any, doing: str) -> str:
    try:
        return dates.read_date(str(printed))
    except ValueError as error:
        raise UnexpectedAnswer("exact", f"{doing}: DivisionMoveDate is no date: {error}") from None


def _text(row: Row, name: str) -> str:
    return str(row.get(name) or "").strip()


def _whole(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None
