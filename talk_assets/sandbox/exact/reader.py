"""Reading records with everything that Exact computes: names, descriptions and statuses taken from other records.

A derived value is worked out when it is read, so that it follows the record it comes from without that being a change
of its own. Totals, which do count as changes, are kept instead (see `documents`).
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from talk_assets.sandbox.exact import codes
from talk_assets.sandbox.exact.model import SETS
from talk_assets.sandbox.exact.unfilled import unfilled
from talk_assets.sandbox.exact.values import padding
from talk_assets.sandbox.store import Store, Stored

SYSTEM = "exact"
# Row versions of a real database are large: above the `Timestamp gt 1` of a first read, and beyond 32 bits.
ROW_VERSION_BASE = 7_000_000_000


class Reader:
    """Reads records of one division; remembers what it looked up, so use a new one for every call.

    Args:
        store: where the records are.
        division: number of the administration.
        zone: the site's clock.
    """

    def __init__(self, store: Store, division: int, zone: ZoneInfo) -> None:
        self.store = store
        self.division = division
        self.zone = zone
        self._seen: dict[tuple[str, str], Stored | None] = {}

    def get(self, set_name: str, key: str | None) -> Stored | None:
        """The record with this key, or None."""
        if key is None:
            return None
        place = (set_name, key)
        if place not in self._seen:
            self._seen[place] = self.store.get(SYSTEM, str(self.division), set_name, key)
        return self._seen[place]

    def lines(self, header: Stored) -> list[Stored]:
        """A document's lines, by line number."""
        entity_set = SETS[header.entity]
        if entity_set.lines is None:
            return []
        found = self.store.find(SYSTEM, str(self.division), entity_set.lines, entity_set.key, header.key)
        return sorted(found, key=lambda line: int(line.body["LineNumber"]))

    def value(self, record: Stored, name: str) -> Any:
        """A property's value as Exact shows it, padded where its column is; DateTimes as local ISO text."""
        compute = derived(record.entity).get(name)
        value = record.body.get(name) if compute is None else compute(self, record)
        if value is None:
            return unfilled(record.entity).get(name)
        fill = padding(record.entity, name)
        return fill(value) if fill is not None and isinstance(value, str) else value

    def local(self, moment: str) -> str:
        """A stored moment (ISO UTC) as the site's naive wall-clock time, to the millisecond."""
        local = datetime.fromisoformat(moment).astimezone(self.zone).replace(tzinfo=None)
        return local.isoformat(timespec="milliseconds")


def row_version(record: Stored) -> int:
    """A record's row version: grows with every change in the division."""
    return ROW_VERSION_BASE + record.sequence


Derive = Callable[[Reader, Stored], Any]


def derived(set_name: str) -> dict[str, Derive]:
    """The computed properties of a set, by name."""
    return _DERIVED[set_name]


def _from(set_name: str, reference: str, name: str) -> Derive:
    def derive(reader: Reader, record: Stored) -> Any:
        other = reader.get(set_name, record.body.get(reference))
        if other is None:
            return None
        compute = derived(set_name).get(name)
        return other.body.get(name) if compute is None else compute(reader, other)

    return derive


def _meaning(name: str, meanings: Any) -> Derive:
    return lambda _reader, record: meanings.get(record.body.get(name))


def _full_name(_reader: Reader, record: Stored) -> str | None:
    parts = (record.body.get(name) for name in ("FirstName", "MiddleName", "LastName"))
    return " ".join(part for part in parts if part) or None


def _is_main_contact(reader: Reader, record: Stored) -> bool:
    account = reader.get("Accounts", record.body.get("Account"))
    return account is not None and str(account.body.get("MainContact")) == record.key


def _is_customer(reader: Reader, record: Stored) -> bool:
    account = reader.get("Accounts", record.body.get("Account"))
    return account is not None and str(account.body.get("Status")) == "C"


def _constant(value: Any) -> Derive:
    return lambda _reader, _record: value


def _key(_reader: Reader, record: Stored) -> str:
    return record.key


_COMMON: dict[str, Derive] = {
    "Created": lambda reader, record: reader.local(record.created),
    "Modified": lambda reader, record: reader.local(record.modified),
    "Timestamp": lambda _reader, record: row_version(record),
    "Division": lambda reader, _record: reader.division,
    "Creator": _constant(codes.USER_ID),
    "CreatorFullName": _constant(codes.USER_NAME),
    "Modifier": _constant(codes.USER_ID),
    "ModifierFullName": _constant(codes.USER_NAME),
}


def _account_parts(prefix: str, *names: str) -> dict[str, Derive]:
    return {f"{prefix}{name}": _from("Accounts", prefix, name) for name in names}


def _contact_names(*references: str) -> dict[str, Derive]:
    return {f"{reference}FullName": _from("Contacts", reference, "FullName") for reference in references}


_UNIT = {"UnitDescription": _meaning("UnitCode", codes.UNITS), "ItemDescription": _from("Items", "Item", "Description")}

_DERIVED: dict[str, dict[str, Derive]] = {
    "WebhookSubscriptions": _COMMON,
    "Accounts": _COMMON
    | {
        "Type": _constant("A"),
        "IsSales": lambda _reader, record: record.body.get("Status") == "C",
        "CountryName": _meaning("Country", codes.COUNTRIES),
        "SalesVATCodeDescription": _meaning("SalesVATCode", codes.VAT_NAMES),
        "PurchaseVATCodeDescription": _meaning("PurchaseVATCode", codes.VAT_NAMES),
    }
    | _account_parts("InvoiceAccount", "Code", "Name")
    | _account_parts("Reseller", "Code", "Name"),
    "Contacts": _COMMON
    | {
        "FullName": _full_name,
        "Code": _from("Accounts", "Account", "Code"),
        "AccountName": _from("Accounts", "Account", "Name"),
        "AccountIsCustomer": _is_customer,
        "AccountIsSupplier": _from("Accounts", "Account", "IsSupplier"),
        "AccountMainContact": _from("Accounts", "Account", "MainContact"),
        "IsMainContact": _is_main_contact,
        "AddressStreet": _from("Accounts", "Account", "AddressLine1"),
        "AddressLine2": _from("Accounts", "Account", "AddressLine2"),
        "Postcode": _from("Accounts", "Account", "Postcode"),
        "City": _from("Accounts", "Account", "City"),
        "Country": _from("Accounts", "Account", "Country"),
        "State": _from("Accounts", "Account", "State"),
    },
    "Employees": _COMMON | {"FullName": _full_name},
    "Items": _COMMON
    | {
        "UnitDescription": _meaning("Unit", codes.UNITS),
        "UnitType": lambda _reader, record: codes.UNIT_TYPES.get(record.body.get("Unit", ""), "O"),
        "SalesVatCodeDescription": _meaning("SalesVatCode", codes.VAT_NAMES),
    },
    "Quotations": _COMMON
    | {"ID": _key, "StatusDescription": _meaning("Status", codes.QUOTATION_STATUSES)}
    | _account_parts("OrderAccount", "Code", "Name")
    | _account_parts("InvoiceAccount", "Code", "Name")
    | _account_parts("DeliveryAccount", "Code", "Name")
    | _contact_names("OrderAccountContact", "InvoiceAccountContact", "DeliveryAccountContact"),
    "QuotationLines": _COMMON
    | _UNIT
    | {
        "QuotationNumber": _from("Quotations", "QuotationID", "QuotationNumber"),
        "VersionNumber": _from("Quotations", "QuotationID", "VersionNumber"),
        "VATDescription": _meaning("VATCode", codes.VAT_NAMES),
    },
    "SalesOrders": _COMMON
    | {
        "ID": _key,
        "StatusDescription": _meaning("Status", codes.ORDER_STATUSES),
        "DeliveryStatusDescription": _meaning("DeliveryStatus", codes.ORDER_STATUSES),
        "InvoiceStatusDescription": _meaning("InvoiceStatus", codes.ORDER_STATUSES),
        "ApprovalStatusDescription": _meaning("ApprovalStatus", codes.APPROVAL_STATUSES),
    }
    | _account_parts("OrderedBy", "Name")
    | _account_parts("DeliverTo", "Name")
    | _account_parts("InvoiceTo", "Name")
    | _contact_names("OrderedByContactPerson", "DeliverToContactPerson", "InvoiceToContactPerson"),
    "SalesOrderLines": _COMMON
    | _UNIT
    | {
        "ItemCode": _from("Items", "Item", "Code"),
        "OrderNumber": _from("SalesOrders", "OrderID", "OrderNumber"),
        "OrderStatus": _from("SalesOrders", "OrderID", "Status"),
        "Status": _from("SalesOrders", "OrderID", "Status"),
        "StatusDescription": _from("SalesOrders", "OrderID", "StatusDescription"),
        "DeliveryStatusDescription": _meaning("DeliveryStatus", codes.ORDER_STATUSES),
        "InvoiceStatusDescription": _meaning("InvoiceStatus", codes.ORDER_STATUSES),
        "VATCodeDescription": _meaning("VATCode", codes.VAT_NAMES),
    },
}
