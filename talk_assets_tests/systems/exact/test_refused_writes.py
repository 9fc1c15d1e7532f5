"""Writes that Exact does not take, or does not answer: what is told, and what is sent again."""

from typing import Any

import pytest

from talk_assets.errors import (
    AccessDenied,
    RecordChanged,
    RecordRejected,
    SystemFault,
    SystemUnavailable,
    UnexpectedAnswer,
)
from talk_assets.systems.exact.system import ExactSystem
from talk_assets_tests.systems.exact.tenant import DIVISION, Tenant, error, key, say, writes
from talk_assets_tests.systems.loopback import CUT, Answer

BASE = f"/api/v1/{DIVISION}"


@pytest.mark.parametrize(
    ("answer", "kind", "text"),
    [
        (error(500, "Verplicht: Naam"), RecordRejected, "Verplicht: Naam"),
        (error(500, "Gegeven bestaat reeds."), RecordRejected, "Gegeven bestaat reeds"),
        (error(500, "Required: Name"), RecordRejected, "Required: Name"),
        (error(500, "Die Daten sind bereits vorhanden."), RecordRejected, "bereits vorhanden"),
        (error(500, "Obligatoire : Nom"), RecordRejected, "Obligatoire"),
        (error(400, "Error processing request stream."), RecordRejected, "400, Error processing request stream"),
        (error(405, "Method not allowed"), RecordRejected, "405"),
        (error(403, "Forbidden - Application Scope Violated."), AccessDenied, "the scope crm/accounts"),
        (error(403, "Forbidden", Reason="LicenseExpired"), AccessDenied, "LicenseExpired"),
        (error(404, ""), UnexpectedAnswer, "EXACT_DIVISION"),
    ],
)
def test_a_refused_create_says_why(
    exact: ExactSystem, tenant: Tenant, answer: Answer, kind: type[SystemFault], text: str
) -> None:
    """A refusal that is tried again for ever, or an outage taken for a refusal, loses writes."""
    say(tenant, answer)
    with pytest.raises(kind, match=text) as caught:
        exact.create("exact.accounts", {"Name": "One"})
    assert "creating in exact.accounts" in str(caught.value)
    assert caught.value.status == answer.status
    assert len(writes(tenant)) == 1


@pytest.mark.parametrize("answer", [error(403, "Forbidden"), Answer(403), error(404, "Not found"), Answer(404)])
def test_a_record_that_is_gone_is_told_apart_from_missing_rights(
    exact: ExactSystem, tenant: Tenant, answer: Answer
) -> None:
    """One deleted account would stop all writes as if the login had lost its rights."""
    tenant.sets = {"crm/Accounts": [{"ID": key(5)}]}
    say(tenant, answer)
    with pytest.raises(RecordChanged, match=f"updating exact.accounts {key(4)}"):
        exact.update("exact.accounts", key(4), {"Name": "One"})


@pytest.mark.parametrize("entity", ["exact.accounts", "exact.quotation_lines"])
def test_a_record_that_is_there_is_not_taken_for_gone(exact: ExactSystem, tenant: Tenant, entity: str) -> None:
    """A user who may only read: records would be reported, or even stored, as deleted, and no write ever arrive."""
    tenant.sets = {"crm/Accounts": [{"ID": key(4)}], "crm/QuotationLines": [{"ID": key(4)}]}
    values = {"Name": "One"} if entity == "exact.accounts" else {"Quantity": "1"}
    say(tenant, error(403, "Forbidden"), error(403, "Forbidden"))
    with pytest.raises(RecordRejected, match=f"{key(4)}.*the record is there.*scope crm"):
        exact.update(entity, key(4), values)
    with pytest.raises(RecordRejected, match="the record is there"):
        exact.delete(entity, key(4))


@pytest.mark.parametrize(
    ("entity", "rows"),
    [("exact.accounts", {}), ("exact.quotation_lines", {"crm/Accounts": [{"ID": key(5)}]})],
)
def test_a_record_of_which_nothing_is_shown_is_not_taken_for_gone(
    exact: ExactSystem, tenant: Tenant, entity: str, rows: dict[str, list[dict[str, Any]]]
) -> None:
    """Without rights Exact may show empty lists: what was never deleted would be stored as deleted."""
    tenant.sets = rows
    values = {"Name": "One"} if entity == "exact.accounts" else {"Quantity": "1"}
    say(tenant, error(403, "Forbidden"))
    with pytest.raises(RecordRejected, match=f"{key(4)}.*shows no record of crm.*scope crm"):
        exact.update(entity, key(4), values)
    with pytest.raises(RecordRejected, match="shows no record"):
        exact.delete(entity, key(4))


@pytest.mark.parametrize(
    "answer",
    [
        error(403, "Forbidden - Application Scope Violated. Cannot manage 'crm.accounts' scope."),
        error(403, "Forbidden", Reason="NoDivisionAccess"),
        Answer(403, "<html>Blocked by the company's proxy</html>"),
    ],
)
def test_an_update_without_rights_is_not_taken_for_a_deletion(
    exact: ExactSystem, tenant: Tenant, answer: Answer
) -> None:
    """All records would be reported as gone when a scope is missing."""
    say(tenant, answer)
    with pytest.raises(AccessDenied):
        exact.update("exact.accounts", key(4), {"Name": "One"})


@pytest.mark.parametrize(
    "fault",
    [
        CUT,
        Answer(503),
        Answer(504),
        Answer(408),
        error(500, "A problem has occurred"),
        error(500, "Er is een fout opgetreden: de bestelling is niet gevonden."),
        error(500, "Es ist ein Fehler aufgetreten."),
        error(500, "Une erreur s'est produite."),
        error(500, "Transaction was deadlocked on lock resources with another process."),
    ],
)
def test_a_create_is_not_repeated_blindly(exact: ExactSystem, tenant: Tenant, fault: Answer) -> None:
    """A create whose answer was lost makes a second customer when it is sent again."""
    say(tenant, fault, Answer(201, {"d": {"ID": key(4)}}))
    with pytest.raises(SystemUnavailable) as caught:
        exact.create("exact.accounts", {"Name": "One"})
    assert caught.value.outcome_unknown
    assert len(writes(tenant)) == 1


@pytest.mark.parametrize(
    "fault",
    [
        CUT,
        Answer(502),
        error(500, "A problem has occurred. Try again."),
        error(500, "Er heeft zich een probleem voorgedaan."),
        error(500, "Ein unerwarteter Fehler ist aufgetreten."),
        error(500, "Un problème est survenu."),
        error(500, "Timeout expired. The timeout period elapsed or the server is not responding."),
        error(500, "Transaction was deadlocked on lock resources with another process."),
    ],
)
def test_an_update_is_repeated(exact: ExactSystem, tenant: Tenant, fault: Answer) -> None:
    """A PUT says the same however often it is carried out; giving up would leave the two sides unequal."""
    say(tenant, fault, fault, Answer(204))
    assert exact.update("exact.accounts", key(4), {"Name": "One"}).status == 204
    assert len({asked.body for asked in writes(tenant)}) == 1
    assert len(writes(tenant)) == 3


@pytest.mark.parametrize("said", ["Ongeldig: Description (Timeout relay 24 V)", "Deadlock BV: data already exists."])
def test_a_refusal_may_quote_the_record(exact: ExactSystem, tenant: Tenant, said: str) -> None:
    """One such record would end every run as if Exact could not be reached, and its create be looked up for ever."""
    say(tenant, error(500, said), error(500, said))
    with pytest.raises(RecordRejected) as caught:
        exact.create("exact.accounts", {"Name": "One"})
    assert not caught.value.outcome_unknown
    with pytest.raises(RecordRejected):
        exact.update("exact.accounts", key(4), {"Name": "One"})
    assert len(writes(tenant)) == 2


def test_a_create_in_unknown_words_is_told_and_looked_up(exact: ExactSystem, tenant: Tenant) -> None:
    """Somebody would look at the network, and not at the record, when Exact refuses it in words that we do not know."""
    say(tenant, error(500, "Nazwa jest za krótka."), error(500, "Nombre es obligatorio."))
    with pytest.raises(RecordRejected, match=r"Nazwa jest za krótka.*looked up") as unknown:
        exact.create("exact.accounts", {"Name": "One"})
    assert unknown.value.outcome_unknown
    with pytest.raises(RecordRejected, match="Nombre es obligatorio") as known:
        exact.create("exact.accounts", {"Name": "One"})
    assert not known.value.outcome_unknown
