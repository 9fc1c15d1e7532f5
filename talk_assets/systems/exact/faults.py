"""What Exact's error answers mean (Exact reference, Errors).

Exact says no to a record with status 500 and a readable message, and answers with the same status when it is itself at
fault; a deleted record can answer 403 like a missing right.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus

import httpx

from talk_assets.errors import (
    AccessDenied,
    RecordGone,
    RecordRejected,
    SystemFault,
    UnexpectedAnswer,
)
from talk_assets.systems.exact import odata
from talk_assets.systems.exact.entities import Endpoint
from talk_assets.systems.exact.governor import too_many
from talk_assets.systems.http import Judge, passing_fault
from talk_assets.systems.repeats import PassingFault

# In the user's language. The Dutch words of refusals are recorded (Exact reference, Errors); the others are the same
# rules in the languages that Exact speaks.
_OWN_FAULT = re.compile(
    r"^(?:an? )?(?:(?:unexpected|unknown) )?(?:problem|error) (?:has )?occurred"
    r"|^er (?:is|heeft zich) een \S*\s?(?:fout|probleem|storing) (?:opgetreden|voorgedaan)"
    r"|^(?:es ist )?eine? \S*\s?(?:fehler|problem|störung) (?:ist )?aufgetreten"
    r"|^une? \S*\s?(?:erreur|problème) (?:\S+\s)?(?:s.est produite?|est survenue?)"
    r"|^(?:se )?(?:ha )?(?:producido|ocurrido) un \S*\s?(?:error|problema)",
    re.IGNORECASE,
)
_REFUSAL = re.compile(
    r"required|mandatory|already exists?|exists already|not exist|not found|invalid|not valid|too long|not allowed"
    r"|not supported"
    r"|verplicht|bestaat (?:reeds|al|niet)|niet gevonden|ongeldig|niet geldig|te lang|niet toegestaan|niet te wijzigen"
    r"|niet ondersteund"
    r"|erforderlich|pflichtfeld|existiert (?:bereits|schon|nicht)|(?:bereits|nicht) vorhanden|nicht gefunden|ungültig"
    r"|nicht gültig|zu lang|nicht (?:zulässig|erlaubt|unterstützt)"
    r"|obligatoire|requise?\b|existe déjà|existe pas|introuvable|pas trouvé|invalide|pas valide|non valide|trop long"
    r"|(?:pas|non) (?:autorisé|permis)"
    r"|obligatori[oa]|ya existe|no existe|no (?:se ha )?encontrad[oa]|no (?:es )?válid[oa]|demasiado larg[oa]"
    r"|no (?:está )?permitid[oa]",
    re.IGNORECASE,
)
_RIGHTS = (
    "Give the app's registration the scope {} and the user who logged in the rights to it, and look whether "
    "EXACT_DIVISION is one of that user's."
)
# Exact's own fault in other words: the same call can succeed in the next moment.
_PASSES = re.compile(r"deadlock|time-?out|timed out", re.IGNORECASE)
_WRITES = ("POST", "PUT", "DELETE")


def judge(now: Callable[[], datetime]) -> Judge:
    """Which answers are passing faults: 429 until the reset, 408 and 5xx, but no refusal of a record."""

    def passing(response: httpx.Response) -> PassingFault | None:
        limited = too_many(response, now())
        if limited is not None:
            return limited
        if response.request.method in _WRITES and refuses_record(response):
            return None
        fault, said = passing_fault(response), odata.message(response)
        return replace(fault, problem=f"{fault.problem} ({said})") if fault is not None and said else fault

    return passing


def refuses_record(response: httpx.Response) -> bool:
    """Whether a 500 is Exact's way to refuse a record: it says why, in the user's language."""
    text = odata.message(response)
    return response.status_code == HTTPStatus.INTERNAL_SERVER_ERROR and bool(text) and not _own_fault(text)


def _own_fault(text: str) -> bool:
    """Whether Exact speaks of itself and not of the record."""
    # A refusal can quote the record, as a product named "Timeout relay".
    passes = _PASSES.search(text) is not None and _REFUSAL.search(text) is None
    return passes or _OWN_FAULT.match(text) is not None


def read_fault(response: httpx.Response, doing: str, scope: str) -> SystemFault | None:
    """The error of an answer to a read; None when there is none."""
    status = response.status_code
    if status < HTTPStatus.BAD_REQUEST:
        return None
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return _denied(response, doing, scope)
    where = " Look at EXACT_URL and EXACT_DIVISION." if status == HTTPStatus.NOT_FOUND else ""
    return UnexpectedAnswer("exact", f"{doing}: Exact answered {_seen(response)}.{where}", status=status)


def write_fault(
    response: httpx.Response, doing: str, scope: str, *, keyed: bool, sent: Collection[str]
) -> SystemFault | None:
    """The error of an answer to a write; None when there is none.

    Args:
        response: the answer.
        doing: what was attempted, on which record.
        scope: the scope that the app needs for it.
        keyed: whether the address held the record's key, so that 403 and 404 can mean that the record is gone.
        sent: the names of the properties sent, to tell which one is at fault.
    """
    status = response.status_code
    if status < HTTPStatus.BAD_REQUEST:
        return None
    if status == HTTPStatus.UNAUTHORIZED:
        return _denied(response, doing, scope)
    if status == HTTPStatus.FORBIDDEN:
        return _gone(response, doing) if keyed and _says_nothing(response) else _denied(response, doing, scope)
    if status == HTTPStatus.NOT_FOUND:
        if keyed:
            return _gone(response, doing)
        text = f"{doing}: Exact answered {_seen(response)}. Look at EXACT_URL and EXACT_DIVISION."
        return UnexpectedAnswer("exact", text, status=status)
    said = odata.message(response)
    # A create can have been carried out before Exact failed, in words of which we do not know that they refuse.
    doubtful = not keyed and refuses_record(response) and _REFUSAL.search(said) is None
    looked_up = " It is looked up before it is sent again." if doubtful else ""
    return RecordRejected(
        "exact",
        f"{doing}: Exact refuses it with {_seen(response)}. Correct the record, or what the mapping makes of it."
        f"{looked_up}",
        status=status,
        property_name=property_at_fault(said, sent),
        outcome_unknown=doubtful,
    )


def property_at_fault(text: str, names: Collection[str]) -> str | None:
    """The one property that a message names (`Required: Name`, `Code: data already exists`), None when unclear.

    Messages use the labels of the user's language, so often none can be told.
    """
    words = {word.casefold() for word in re.findall(r"\w+", text)}
    joined = {re.sub(r"\W", "", part).casefold() for part in text.split(":")}
    found = [name for name in names if name.casefold() in words | joined]
    return found[0] if len(found) == 1 else None


def _says_nothing(response: httpx.Response) -> bool:
    """A missing right names its reason or scope, a proxy shows a page; for a record that is gone it is bare."""
    text = odata.message(response).rstrip(". ").casefold()
    return not response.headers.get("Reason") and (text == "forbidden" or not response.content.strip())


def _gone(response: httpx.Response, doing: str) -> RecordGone:
    return RecordGone(
        "exact",
        f"{doing}: Exact answered {_seen(response)}: the record is gone; the next read of deletions shows it.",
        status=response.status_code,
    )


def refused_although_there(doing: str, scope: str, status: int | None) -> RecordRejected:
    """The error of a write that was answered as if the record were gone, although it is there.

    A right can be missing, or just this record be closed to changes: the answer is the same.
    """
    return RecordRejected(
        "exact",
        f"{doing}: Exact answered {status}, Forbidden, and the record is there. {_RIGHTS.format(scope)}",
        status=status,
    )


def refused_out_of_sight(doing: str, endpoint: Endpoint, status: int | None) -> RecordRejected:
    """The error of a write that was answered as if the record were gone, when no record of its set is shown.

    Most likely the right to read is missing; a set whose last record was removed looks the same.
    """
    return RecordRejected(
        "exact",
        f"{doing}: Exact answered {status}, Forbidden, and shows no record of {endpoint.path} at all, so that nobody "
        f"can tell whether this one is gone. {_RIGHTS.format(endpoint.scope)}",
        status=status,
    )


def _denied(response: httpx.Response, doing: str, scope: str) -> AccessDenied:
    return AccessDenied(
        "exact",
        f"{doing}: Exact answered {_seen(response)}. {_RIGHTS.format(scope)}",
        status=response.status_code,
    )


def _seen(response: httpx.Response) -> str:
    parts = [str(response.status_code), response.headers.get("Reason", ""), odata.message(response)]
    return ", ".join(part for part in parts if part).rstrip(".")
