"""Where each of our entities lives in Exact (Exact reference, one page per resource; Sync API and Sync/Deleted)."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The sets of one entity; paths follow `/api/v1/{division}/`.

    Attributes:
        path: the ordinary set, which takes writes.
        sync: the set that is read by row version.
        deleted: its EntityType numbers in sync/Deleted.
        scope: the scope that the app's registration needs, for errors.
        nested: of a document: the property of a create that holds its lines.
        position: of a line: the property that holds its place in the document.
        bulk: the set that holds what the sync set lacks; None where nothing of it can be read by time.
        not_in_sync: properties that the sync set lacks.
    """

    path: str
    sync: str
    deleted: tuple[int, ...]
    scope: str
    nested: str | None = None
    position: str | None = None
    bulk: str | None = None
    not_in_sync: frozenset[str] = frozenset()


# The scope of what is about a division as a whole.
ADMINISTRATION = "organization/administration"

ENDPOINTS: Mapping[str, Endpoint] = {
    "exact.accounts": Endpoint("crm/Accounts", "sync/CRM/Accounts", (2,), "crm/accounts"),
    "exact.contacts": Endpoint("crm/Contacts", "sync/CRM/Contacts", (5,), "crm/accounts"),
    "exact.employees": Endpoint(
        "payroll/Employees",
        "sync/Payroll/Employees",
        (42,),
        "hrm/payroll",
        not_in_sync=frozenset({"ActiveEmployment", "CASONumber", "Municipality"}),
    ),
    "exact.items": Endpoint(
        "logistics/Items",
        "sync/Logistics/Items",
        (9,),
        "logistics/items",
        bulk="bulk/Logistics/Items",
        not_in_sync=frozenset({"IsBatchNumberItem", "IsSerialNumberItem", "StandardSalesPrice"}),
    ),
    "exact.quotations": Endpoint(
        "crm/Quotations",
        "sync/CRM/QuotationHeaders",
        (34,),
        "crm/quotes",
        nested="QuotationLines",
        not_in_sync=frozenset({"VATAmountFC", "WarehouseCode", "WarehouseDescription", "WarehouseID"}),
    ),
    "exact.quotation_lines": Endpoint(
        "crm/QuotationLines",
        "sync/CRM/QuotationLines",
        (35,),
        "crm/quotes",
        position="LineNumber",
        not_in_sync=frozenset({"VersionNumber"}),
    ),
    "exact.salesorders": Endpoint(
        "salesorder/SalesOrders",
        "sync/SalesOrder/SalesOrderHeaders",
        (32, 12),  # 12: the older set of headers with lines
        "sales/orders",
        nested="SalesOrderLines",
        not_in_sync=frozenset({"TaxSchedule", "TaxScheduleCode", "TaxScheduleDescription"}),
    ),
    "exact.salesorder_lines": Endpoint(
        "salesorder/SalesOrderLines",
        "sync/SalesOrder/SalesOrderLines",
        (33,),
        "sales/orders",
        position="LineNumber",
        not_in_sync=frozenset({"OrderStatus", "TaxSchedule", "TaxScheduleCode", "TaxScheduleDescription"}),
    ),
}

DELETED: Mapping[int, str] = {number: entity for entity, endpoint in ENDPOINTS.items() for number in endpoint.deleted}
