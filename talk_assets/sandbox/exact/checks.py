"""What Exact insists on whoever writes: required values, valid codes, references that exist, no duplicates."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from talk_assets.sandbox.exact import codes
from talk_assets.sandbox.exact.errors import rejected
from talk_assets.sandbox.exact.model import EntitySet
from talk_assets.sandbox.exact.reader import SYSTEM
from talk_assets.sandbox.exact.values import ACCOUNT_CODE_WIDTH
from talk_assets.sandbox.store import Body, Store, Stored

_REFERENCES: Mapping[str, Mapping[str, str]] = {
    "Accounts": {
        "MainContact": "Contacts",
        "Parent": "Accounts",
        "InvoiceAccount": "Accounts",
        "Reseller": "Accounts",
        "Accountant": "Accounts",
    },
    "Contacts": {"Account": "Accounts"},
    "Employees": {"Manager": "Employees"},
    "Items": {},
    "Quotations": {
        "OrderAccount": "Accounts",
        "InvoiceAccount": "Accounts",
        "DeliveryAccount": "Accounts",
        "OrderAccountContact": "Contacts",
        "InvoiceAccountContact": "Contacts",
        "DeliveryAccountContact": "Contacts",
    },
    "QuotationLines": {"QuotationID": "Quotations", "Item": "Items"},
    "SalesOrders": {
        "OrderedBy": "Accounts",
        "DeliverTo": "Accounts",
        "InvoiceTo": "Accounts",
        "OrderedByContactPerson": "Contacts",
        "DeliverToContactPerson": "Contacts",
        "InvoiceToContactPerson": "Contacts",
    },
    "SalesOrderLines": {"OrderID": "SalesOrders", "Item": "Items"},
}
# What keeps a record from being removed; an account takes its contacts along, and a document its lines.
_HOLDS = {
    referred: [
        (set_name, name)
        for set_name in ("Quotations", "SalesOrders", "QuotationLines", "SalesOrderLines")
        for name, target in _REFERENCES[set_name].items()
        if target == referred
    ]
    for referred in ("Accounts", "Contacts", "Items")
}
_UNIQUE = {
    "Accounts": "Code",
    "Items": "Code",
    "Employees": "EmployeeHID",
    "Quotations": "QuotationNumber",
    "SalesOrders": "OrderNumber",
}
_CODES: Mapping[str, Collection[str | int]] = {
    "Unit": codes.UNITS,
    "UnitCode": codes.UNITS,
    "Currency": codes.CURRENCIES,
    "CostPriceCurrency": codes.CURRENCIES,
    "VATCode": codes.VAT_NAMES,
    "SalesVATCode": codes.VAT_NAMES,
    "SalesVatCode": codes.VAT_NAMES,
    "PurchaseVATCode": codes.VAT_NAMES,
    "ApprovalStatus": codes.APPROVAL_STATUSES,
}
_COUNTRY = re.compile(r"[A-Z]{2}")
_DIGITS = re.compile(r"[0-9]+")


def check(store: Store, division: int, entity_set: EntitySet, body: Body, given: Mapping[str, Any], key: str) -> None:
    """Check a record as it is about to be kept; spells codes as Exact keeps them.

    Args:
        store: where the other records are.
        division: number of the administration.
        entity_set: of the record.
        body: the record after the write; changed in place.
        given: the properties that the write names.
        key: the record's key.

    Raises:
        Refused: 500 with the text of the business rule.
    """
    _check_required(entity_set, body)
    _check_lengths(entity_set, given)
    _check_codes(entity_set, body, given)
    for name, target in _REFERENCES[entity_set.name].items():
        # The parent of a line was looked up by the caller; inside a new document it is not kept yet.
        wanted = given.get(name) if target != entity_set.header else None
        if wanted is not None and store.get(SYSTEM, str(division), target, wanted) is None:
            raise rejected(f"Bestaat niet: {name}")
    unique = _UNIQUE.get(entity_set.name)
    if unique is not None:
        same = store.find(SYSTEM, str(division), entity_set.name, unique, body.get(unique))
        # A quotation that was reviewed keeps its number beside its next version.
        if any(other.key != key and other.body.get("VersionNumber") == body.get("VersionNumber") for other in same):
            raise rejected("Gegeven bestaat reeds.")


def check_removal(store: Store, division: int, entity_set: EntitySet, record: Stored) -> None:
    """Check that nothing keeps a record from being removed.

    Raises:
        Refused: 500, it is in use or already delivered (Exact documents neither text).
    """
    for set_name, name in _HOLDS.get(entity_set.name, ()):
        if store.find(SYSTEM, str(division), set_name, name, record.key):
            raise rejected(f"Verwijderen is niet mogelijk: in gebruik ({set_name}).")
    if entity_set.name == "SalesOrders" and record.body.get("Status") in (codes.ORDER_PARTIAL, codes.ORDER_COMPLETE):
        raise rejected("Verwijderen is niet mogelijk: de order is (gedeeltelijk) geleverd.")


def _check_required(entity_set: EntitySet, body: Body) -> None:
    if entity_set.name == "Contacts":
        # The reference ticks both names; one is enough in practice (Exact reference, Contacts).
        required = ["Account"]
        if not (body.get("FirstName") or body.get("LastName")):
            raise rejected("Verplicht: LastName")
    else:
        required = [prop.name for prop in entity_set.properties.values() if prop.required and not prop.is_collection]
    for name in (*required, _UNIQUE.get(entity_set.name)):
        if name is not None and name not in body:
            raise rejected(f"Verplicht: {name}")


def _check_lengths(entity_set: EntitySet, given: Mapping[str, Any]) -> None:
    for name, value in given.items():
        longest = entity_set.properties[name].max_length
        if longest is not None and isinstance(value, str) and len(value) > longest:
            raise rejected(f"Te lang: {name} (maximaal {longest} tekens)")


def _check_codes(entity_set: EntitySet, body: Body, given: Mapping[str, Any]) -> None:
    if entity_set.name == "Accounts":
        _check_account(body)
    for name in given:
        known = _CODES.get(name)
        if known is not None and name in body and body[name] not in known:
            raise rejected(f"Ongeldig: {name} ({body[name]})")


def _check_account(body: Body) -> None:
    code = str(body.get("Code", "")).strip()
    if code:
        if not _DIGITS.fullmatch(code) or len(code) > ACCOUNT_CODE_WIDTH:
            raise rejected("Ongeldig: Code (alleen cijfers)")
        body["Code"] = code
    if body.get("Status") is not None and body["Status"] not in codes.ACCOUNT_STATUSES:
        raise rejected(f"Ongeldig: Status ({body['Status']})")
    if "Country" in body:
        body["Country"] = str(body["Country"]).upper()
        if not _COUNTRY.fullmatch(body["Country"]):
            raise rejected(f"Ongeldig: Country ({body['Country']})")
    for name in ("SalesCurrency", "PurchaseCurrency"):
        # A currency that is not active in the division is dropped without a word (Exact reference, Accounts).
        if body.get(name) not in codes.CURRENCIES:
            body.pop(name, None)
