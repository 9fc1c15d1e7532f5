"""The faults that have a name, and what each means in each system."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from talk_assets.sandbox.faults.model import Fault, System

Fields = Mapping[str, Any]
# Longer than any client of the platform waits for an answer.
_SILENCE = 90
_WRITES = "POST|PUT|PATCH"
_WRITTEN = "/(crm|salesorder|logistics)/"
_ELSEWHERE = {"Website": "https://edited-meanwhile.example"}
_LISTS: Mapping[System, Fields] = {
    "customerp": {"method": "GET", "path": r"^/\w+$"},
    "exact": {"method": "GET", "path": "/sync/"},
}


class WrongOrder(ValueError):
    """A fault was ordered that does not exist, or with fields that do not fit; the text says which."""


@dataclass(frozen=True)
class Named:
    """A fault with a name.

    Attributes:
        says: what happens, for people.
        customerp: its fields in Customerp; None: it does not happen there.
        exact: its fields in Exact.
    """

    says: str
    customerp: Fields | None
    exact: Fields | None

    def fields(self, system: System) -> Fields | None:
        """Its fields in a system."""
        return self.exact if system == "exact" else self.customerp


def _both(says: str, **fields: Any) -> Named:
    return Named(says, fields, fields)


def _lists(says: str, **fields: Any) -> Named:
    return Named(says, {**_LISTS["customerp"], **fields}, {**_LISTS["exact"], **fields})


NAMED: Mapping[str, Named] = {
    "rate-limit": Named(
        "429 that says when to ask again",
        {"status": 429, "message": "Too many requests.", "headers": {"Retry-After": "1"}},
        {"status": 429, "message": "Too many requests.", "limit": "minute"},
    ),
    "rate-limit-day": Named(
        "429, the calls of the day are spent", None, {"status": 429, "message": "Too many requests.", "limit": "day"}
    ),
    "rate-limit-bare": _both("429 without any header", status=429, message="Too many requests."),
    "refusal": Named(
        "a write is refused with words about the record",
        {"status": 422, "message": "The record was not saved: Series is required.", "method": _WRITES},
        {"status": 500, "message": "Verplicht: Serie", "method": _WRITES, "path": _WRITTEN},
    ),
    "no-right": Named(
        "403 until the right is given (the fault ended)",
        {"status": 403, "message": "The token may not do this.", "times": None, **_LISTS["customerp"]},
        {
            "status": 403,
            "message": "Forbidden - Application Scope Violated. Cannot read 'crm.accounts' scope.",
            "times": None,
            "path": "/sync/CRM/Accounts",
        },
    ),
    "server-error": _both("500 that passes", status=500, message="A problem has occurred."),
    "unavailable": _both("503 that passes", status=503, message="Maintenance."),
    "timeout": _both("no answer, and nothing was carried out", effect="cut", delay=_SILENCE),
    "timeout-after-write": _both(
        "a write is carried out, and no answer comes", effect="cut", delay=_SILENCE, after=True, method=_WRITES
    ),
    "cut": _both("the connection is cut before anything was carried out", effect="cut"),
    "cut-after-write": _both(
        "a write is carried out, and the connection cut before the answer", effect="cut", after=True, method=_WRITES
    ),
    "truncated-page": _lists("the JSON of a list ends in its middle", effect="truncated_page"),
    "short-page": _lists("a list has half of its records, and no further page", effect="short_page"),
    "repeated-page": _lists("a page comes twice, and the next one not", effect="repeated_page"),
    "stale-page": _lists("an address answers what it answered before", effect="stale_page"),
    "empty-feed": _lists("a list is empty", effect="empty_page"),
    "missing-property": Named(
        "a property is gone from every record of a list",
        {"effect": "missing_property", "properties": ["Name"], "method": "GET", "path": "^/customers$"},
        {"effect": "missing_property", "properties": ["Name"], "method": "GET", "path": "/sync/CRM/Accounts"},
    ),
    "new-property": _lists(
        "every record of a list has properties that nobody told of",
        effect="overlaid_page",
        values={"NewNumber": 7, "NewText": None, "NewObject": {"Code": "A"}, "NewList": [{"Code": "A"}]},
    ),
    "new-code": Named(
        "the quotations of a list have a status that nobody told of",
        {"effect": "overlaid_page", "values": {"Status": "parked"}, "method": "GET", "path": "^/quotes$"},
        {"effect": "overlaid_page", "values": {"Status": 99}, "method": "GET", "path": "/sync/CRM/QuotationHeaders"},
    ),
    "revoked-token": Named(
        "the token is revoked: Customerp's for good, Exact's access token until it is refreshed",
        {"status": 401, "message": "The bearer token is missing or not known.", "times": None},
        {"effect": "revoked_token", "path": "/api/v1/"},
    ),
    "revoked-login": Named(
        "the refresh token is revoked as well", None, {"effect": "revoked_login", "path": "/api/v1/"}
    ),
    "edited-meanwhile": Named(
        "somebody changes the record between our read and our write",
        {"effect": "edited_meanwhile", "values": _ELSEWHERE, "method": "PATCH", "path": "^/customers/"},
        {"effect": "edited_meanwhile", "values": _ELSEWHERE, "method": "PUT", "path": "/crm/Accounts"},
    ),
}


def names_in(system: System) -> list[str]:
    """The names of the faults that happen in a system."""
    return [name for name, named in NAMED.items() if named.fields(system) is not None]


def fault_of(system: System, wish: object) -> Fault:
    """A fault from an order: fields of `Fault`, where `fault` names one whose fields are taken for those left out.

    Raises:
        WrongOrder: there is no such fault, or a field is unknown or wrong.
    """
    if not isinstance(wish, Mapping):
        raise WrongOrder("fault: an order is an object with fields, such as fault, path and times")
    name, fields = wish.get("fault"), {}
    if name is not None:
        found = NAMED[name].fields(system) if isinstance(name, str) and name in NAMED else None
        if found is None:
            raise WrongOrder(f"fault: there is no {name!r} in {system}; there are {', '.join(names_in(system))}")
        fields = dict(found)
    try:
        fault = Fault.model_validate({**fields, **wish})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise WrongOrder(f"fault: {place}: {first['msg']}" if place else f"fault: {first['msg']}") from None
    if system == "customerp" and (fault.effect.startswith("revoked") or fault.limit is not None):
        raise WrongOrder("fault: limits and logins that end are Exact's; for Customerp order a status 429 or 401")
    return fault
