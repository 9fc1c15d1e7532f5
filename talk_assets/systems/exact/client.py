"""Calls to one division of Exact: reading pages and single entities, writing one record at a time."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import httpx

from talk_assets.errors import SystemUnavailable, UnexpectedAnswer
from talk_assets.systems.exact import odata
from talk_assets.systems.exact.faults import read_fault, write_fault
from talk_assets.systems.exact.odata import Row
from talk_assets.systems.http import HttpClient
from talk_assets.systems.repeats import Effect


@dataclass(frozen=True, slots=True)
class Created:
    """The answer to a create: the key that Exact gave, and the entity as far as the answer held it."""

    status: int
    key: str
    row: Row


class ExactClient:
    """Speaks OData to one division; statuses become errors here, values are left as Exact gives them."""

    def __init__(self, http: HttpClient, division: int) -> None:
        self._http = http
        self._division = division

    def pages(self, path: str, *, doing: str, scope: str, **options: str) -> Iterator[list[Row]]:
        """The pages of a set, one after another (parallel reading can lose rows: Exact reference, Paging).

        Args:
            path: the set, below the division.
            doing: what is attempted, for errors.
            scope: the scope that the app needs for it.
            **options: query options without their dollar sign: select, filter, top.

        Raises:
            AccessDenied: credentials, scopes or rights are missing.
            SystemUnavailable: Exact stays unreachable or busy, or the day's calls are spent.
            UnexpectedAnswer: the request is refused, or the answer has another shape or leads elsewhere.
        """
        address: str | None = f"/api/v1/{self._division}/{path}{odata.query(**options)}"
        seen: set[str] = set()
        while address is not None:
            if address in seen:
                raise UnexpectedAnswer("exact", f"{doing}: the pages go round in a circle; nothing was taken from them")
            seen.add(address)
            rows, address = self._read(address, doing, scope)
            yield rows

    def me(self, *, doing: str, select: str = "CurrentDivision,UserID") -> list[Row]:
        """The user who logged in, from current/Me: the one resource without a division.

        Raises:
            As `pages`.
        """
        rows, _ = self._read(f"/api/v1/current/Me{odata.query(select=select)}", doing, "none")
        return rows

    def create(self, path: str, body: Row, key_name: str, *, doing: str, scope: str) -> Created:
        """POST a record.

        Raises:
            RecordRejected: Exact refuses the record.
            AccessDenied: credentials, scopes or rights are missing.
            SystemUnavailable: no answer came; `outcome_unknown` when the record may have been created.
        """
        address = f"/api/v1/{self._division}/{path}"
        # Without it most properties of the answer are null (Exact reference, Writing).
        headers = {"Prefer": "return=representation"}
        response = self._http.send("POST", address, doing=doing, effect=Effect.ONCE, json=body, headers=headers)
        self._check_write(response, doing, scope, keyed=False, sent=body)
        return self._created(response, key_name, doing)

    def update(self, path: str, key: str, body: Row, *, doing: str, scope: str) -> int:
        """PUT the named properties of a record, which leaves all others alone; the status.

        A PUT says the same however often it is carried out, so it is sent again when no answer came.

        Raises:
            RecordGone: the record is gone; and as `create`.
            UnexpectedAnswer: the answer is not one that Exact gives to a write.
        """
        address = f"/api/v1/{self._division}/{path}({odata.guid(key)})"
        response = self._http.send("PUT", address, doing=doing, effect=Effect.REPEATABLE, json=body)
        self._check_write(response, doing, scope, keyed=True, sent=body)
        if response.content.strip():
            # Documented is 204 without a body; a page that something in between answers with 200 is no success.
            self._rows(response, doing)
        return response.status_code

    def delete(self, path: str, key: str, *, doing: str, scope: str) -> int:
        """DELETE a record; the status. It is sent again when no answer came: then it may be gone already.

        Raises:
            RecordGone: the record is gone; and as `update`.
        """
        address = f"/api/v1/{self._division}/{path}({odata.guid(key)})"
        response = self._http.send("DELETE", address, doing=doing, effect=Effect.REPEATABLE)
        self._check_write(response, doing, scope, keyed=True, sent=())
        if response.content.strip():
            # As for `update`.
            self._rows(response, doing)
        return response.status_code

    def _read(self, address: str, doing: str, scope: str) -> tuple[list[Row], str | None]:
        response = self._http.send("GET", address, doing=doing, effect=Effect.NONE)
        fault = read_fault(response, doing, scope)
        if fault is not None:
            raise fault
        return self._rows(response, doing)

    def _rows(self, response: httpx.Response, doing: str) -> tuple[list[Row], str | None]:
        try:
            return odata.rows(self._http.decode(response, doing))
        except ValueError as error:
            raise UnexpectedAnswer(
                "exact",
                f"{doing}: the answer is not Exact's: {error}; look at EXACT_URL",
                status=response.status_code,
            ) from None

    def _created(self, response: httpx.Response, key_name: str, doing: str) -> Created:
        try:
            row = odata.entity(self._http.decode(response, doing))
        except (UnexpectedAnswer, ValueError):
            row = {}
        key = row.get(key_name) or odata.key_of(response.headers.get("Location", ""))
        if not isinstance(key, str):
            raise SystemUnavailable(
                "exact",
                f"{doing}: Exact answered {response.status_code} but no key; look the record up before it is sent "
                "again",
                status=response.status_code,
                outcome_unknown=True,
            )
        return Created(response.status_code, key, row)

    @staticmethod
    def _check_write(response: httpx.Response, doing: str, scope: str, *, keyed: bool, sent: Collection[str]) -> None:
        fault = write_fault(response, doing, scope, keyed=keyed, sent=sent)
        if fault is not None:
            raise fault
