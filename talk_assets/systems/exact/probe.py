"""Single questions to Exact whose refusals are answers, too: what may be read, and what Exact says of rights."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

import httpx

from talk_assets.errors import SystemFault, UnexpectedAnswer
from talk_assets.systems.exact import odata
from talk_assets.systems.exact.odata import Row
from talk_assets.systems.http import HttpClient
from talk_assets.systems.repeats import Effect

_RIGHTS = "users/UserHasRights"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a question.

    Attributes:
        rows: what Exact gave; None: it refused, or nothing came.
        status: HTTP status; None without an answer.
        reason: of the `Reason` header, as NoDivisionAccess; empty without one.
        said: status, reason and message in one line, or why there is no answer.
    """

    rows: list[Row] | None
    status: int | None
    reason: str = ""
    said: str = ""

    @property
    def scope_missing(self) -> bool:
        """Whether the app's registration lacks the scope (Exact reference, application scopes)."""
        return self.status == HTTPStatus.FORBIDDEN and "scope violated" in self.said.casefold()


class Probe:
    """Asks one division; each question is one call, which is not made again when Exact refuses it.

    Args:
        http: with credentials.
        division: the division.
    """

    def __init__(self, http: HttpClient, division: int) -> None:
        self._http = http
        self._root = f"/api/v1/{division}"
        # Once Exact has not answered what rights the user has, it is not asked any more: each refusal counts.
        self._rights_told = True

    def first(self, path: str, key: str) -> Answer:
        """The key of one record of an ordinary set."""
        return self._get(path, odata.query(filter=f"{key} ne {odata.guid(odata.NO_KEY)}", select=key, top="1"))

    def first_change(self, path: str, key: str) -> Answer:
        """The key of one row of a set that is read by row version."""
        return self._get(path, odata.query(filter="Timestamp gt 1L", select=key, top="1"))

    def first_of_any(self, path: str, key: str) -> Answer:
        """The key of one row of a set that takes no filter."""
        return self._get(path, odata.query(select=key, top="1"))

    def has_right(self, path: str, action: str) -> bool | None:
        """Whether the user may do something with a set (Exact reference, Rights); None when Exact does not tell.

        Args:
            path: the ordinary set.
            action: GET, POST, PUT or DELETE.
        """
        if not self._rights_told:
            return None
        answer = self._get(_RIGHTS, f"?endpoint='{quote(path, safe='/')}'&action='{action}'")
        told = answer.rows[0].get("UserHasRights") if answer.rows else None
        found = {"true": True, "false": False}.get(str(told).casefold())
        self._rights_told = found is not None
        return found

    def _get(self, path: str, query: str) -> Answer:
        doing = f"asking for {path}"
        return self._tried(
            lambda: self._http.send("GET", f"{self._root}/{path}{query}", doing=doing, effect=Effect.NONE)
        )

    def _tried(self, call: Callable[[], httpx.Response]) -> Answer:
        try:
            response = call()
        except SystemFault as fault:
            return Answer(None, fault.status, said=str(fault))
        reason, message = response.headers.get("Reason", ""), odata.message(response)
        said = ", ".join(part for part in (str(response.status_code), reason, message) if part)
        if not response.is_success:
            return Answer(None, response.status_code, reason, said)
        try:
            rows, _ = odata.rows(self._http.decode(response, "reading an answer"))
        except (ValueError, UnexpectedAnswer):
            return Answer(None, response.status_code, reason, f"{said}, which is no answer of Exact's")
        return Answer(rows, response.status_code, reason, said)
