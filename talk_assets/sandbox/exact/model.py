"""What the entity sets of Exact Online look like: their properties, paths, keys and verbs.

The properties are in `entities.csv` beside this module, one line each: `write` says whether REST takes the property
`always`, only on `create`, or `never`; `filter` marks those that satisfy the mandatory filter of a set (Exact
reference, mandatory filtering); `where` says whether the property is in the ordinary set, the sync set or both;
`webhook` marks those whose change is told to webhooks (Exact reference, Entities, mark H).
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, cast

Write = Literal["always", "create", "never"]
Family = Literal["ordinary", "bulk", "sync"]


@dataclass(frozen=True, slots=True)
class Property:
    """One property of an entity set.

    Attributes:
        name: as Exact spells it.
        type: Edm type without its prefix (`String`, `Guid`, `Int32`, ...) or `Collection(X)`.
        write: when REST takes a value for it.
        required: whether a create without it is refused.
        max_length: characters, None when no limit is known.
        satisfies_filter: whether it counts for the mandatory filter.
        ordinary: whether it is in the ordinary and bulk sets.
        sync: whether it is in the sync set.
        webhook: whether a change of its value is told to webhooks.
    """

    name: str
    type: str
    write: Write
    required: bool
    max_length: int | None
    satisfies_filter: bool
    ordinary: bool
    sync: bool
    webhook: bool

    @property
    def is_collection(self) -> bool:
        """Whether the property holds other records instead of a value."""
        return self.type.startswith("Collection(")


@dataclass(frozen=True)
class EntitySet:
    """An entity set and where it is found under `/api/v1/{division}/`.

    Attributes:
        name: of the set, for instance `Accounts`.
        path: of the ordinary set.
        key: property that identifies a record.
        type_name: as in `__metadata`, without `Exact.Web.Api.Models.`.
        scope: the application scope that a call needs.
        properties: by name.
        writable: whether POST, PUT and DELETE exist.
        mandatory_filter: whether a list needs a filter.
        sync_path: after `sync/`, None when there is no sync set.
        bulk_path: after `bulk/`, None when there is no bulk set.
        deleted_type: EntityType of its rows in sync/Deleted.
        lines: of a document: the set of its lines (also the name of the nested property).
        header: of a line: the set of its document; the line's parent property has the name of the header's key.
        topic: of webhooks, under which its changes are told; None when they are not.
        acts_on: of an action: the set whose records it changes; there is nothing to be read then, only POST.
    """

    name: str
    path: str
    key: str
    type_name: str
    scope: str
    properties: Mapping[str, Property]
    writable: bool = True
    mandatory_filter: bool = False
    sync_path: str | None = None
    bulk_path: str | None = None
    deleted_type: int | None = None
    lines: str | None = None
    header: str | None = None
    topic: str | None = None
    acts_on: str | None = None

    @cached_property
    def filter_names(self) -> list[str]:
        """The properties of which a list needs at least one in its filter; empty when it needs none."""
        return [p.name for p in self.properties.values() if p.satisfies_filter] if self.mandatory_filter else []

    def visible(self, family: Family) -> dict[str, Property]:
        """The properties that a read of this family shows, by name."""
        return {p.name: p for p in self.properties.values() if (p.sync if family == "sync" else p.ordinary)}


def _read_properties(path: Path) -> dict[str, dict[str, Property]]:
    sets: dict[str, dict[str, Property]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            sets.setdefault(row["set"], {})[row["property"]] = Property(
                name=row["property"],
                type=row["type"],
                write=cast("Write", row["write"]),
                required=row["required"] == "yes",
                max_length=int(row["max_length"]) if row["max_length"] else None,
                satisfies_filter=row["filter"] == "yes",
                ordinary=row["where"] in ("both", "ordinary"),
                sync=row["where"] in ("both", "sync"),
                webhook=row["webhook"] == "yes",
            )
    return sets


_PROPERTIES = _read_properties(Path(__file__).with_name("entities.csv"))

SETS: Mapping[str, EntitySet] = {
    entity_set.name: entity_set
    for entity_set in (
        EntitySet(
            "Accounts", "crm/Accounts", "ID", "Account", "crm/accounts", _PROPERTIES["Accounts"],
            mandatory_filter=True, sync_path="CRM/Accounts", bulk_path="CRM/Accounts", deleted_type=2, topic="Accounts",
        ),
        EntitySet(
            "Contacts", "crm/Contacts", "ID", "Contact", "crm/accounts", _PROPERTIES["Contacts"],
            sync_path="CRM/Contacts", bulk_path="CRM/Contacts", deleted_type=5, topic="Contacts",
        ),
        EntitySet(
            "Employees", "payroll/Employees", "ID", "Employee", "hrm/payroll", _PROPERTIES["Employees"],
            writable=False, sync_path="Payroll/Employees", deleted_type=42,
        ),
        EntitySet(
            "Items", "logistics/Items", "ID", "Item", "logistics/items", _PROPERTIES["Items"],
            mandatory_filter=True, sync_path="Logistics/Items", bulk_path="Logistics/Items", deleted_type=9,
            topic="Items",
        ),
        EntitySet(
            "Quotations", "crm/Quotations", "QuotationID", "Quotation", "crm/quotes", _PROPERTIES["Quotations"],
            sync_path="CRM/QuotationHeaders", bulk_path="CRM/Quotations", deleted_type=34, lines="QuotationLines",
            topic="Quotations",
        ),
        EntitySet(
            "QuotationLines", "crm/QuotationLines", "ID", "QuotationLine", "crm/quotes", _PROPERTIES["QuotationLines"],
            sync_path="CRM/QuotationLines", bulk_path="CRM/QuotationLines", deleted_type=35, header="Quotations",
            topic="Quotations",
        ),
        EntitySet(
            "SalesOrders", "salesorder/SalesOrders", "OrderID", "SalesOrder", "sales/orders",
            _PROPERTIES["SalesOrders"], mandatory_filter=True, sync_path="SalesOrder/SalesOrderHeaders",
            bulk_path="SalesOrder/SalesOrders", deleted_type=32, lines="SalesOrderLines", topic="SalesOrders",
        ),
        EntitySet(
            "SalesOrderLines", "salesorder/SalesOrderLines", "ID", "SalesOrderLine", "sales/orders",
            _PROPERTIES["SalesOrderLines"], mandatory_filter=True, sync_path="SalesOrder/SalesOrderLines",
            bulk_path="SalesOrder/SalesOrderLines", deleted_type=33, header="SalesOrders", topic="SalesOrders",
        ),
    )
}  # fmt: skip

ADMINISTRATION = "organization/administration"

# Kept in the store like the sets above, but neither synchronised nor reported when deleted.
WEBHOOKS = EntitySet(
    "WebhookSubscriptions", "webhooks/WebhookSubscriptions", "ID", "Webhooks.WebhookSubscription", ADMINISTRATION,
    _PROPERTIES["WebhookSubscriptions"],
)  # fmt: skip

# What the server answers about itself; not kept in the store.
DIVISIONS = EntitySet(
    "Divisions", "system/Divisions", "Code", "System.Division", ADMINISTRATION, _PROPERTIES["Divisions"], writable=False
)
HRM_DIVISIONS = EntitySet(
    "HRMDivisions", "hrm/Divisions", "Code", "HRM.Division", ADMINISTRATION, _PROPERTIES["HRMDivisions"], writable=False
)
ME = EntitySet("Me", "current/Me", "UserID", "System.Me", "", _PROPERTIES["Me"], writable=False)
DELETED = EntitySet(
    "Deleted", "sync/Deleted", "ID", "Sync.Deleted", ADMINISTRATION, _PROPERTIES["Deleted"], writable=False
)
SYNC_TIMESTAMP = EntitySet(
    "SyncTimestamp", "read/sync/Sync/SyncTimestamp", "TimeStampAsBigInt", "Sync.SyncTimestamp", ADMINISTRATION,
    _PROPERTIES["SyncTimestamp"], writable=False,
)  # fmt: skip
USER_HAS_RIGHTS = EntitySet(
    "UserHasRights", "users/UserHasRights", "UserHasRights", "Users.UserHasRights", ADMINISTRATION,
    _PROPERTIES["UserHasRights"], writable=False,
)  # fmt: skip


def _action(path: str, acts_on: str) -> EntitySet:
    target, name = SETS[acts_on], path.partition("/")[2]
    return EntitySet(name, path, target.key, name, target.scope, _PROPERTIES[name], acts_on=acts_on)


# POST-only sets that change a status (Exact reference, Writing).
ACTIONS: Mapping[str, EntitySet] = {
    action.name: action
    for action in (
        _action("crm/AcceptQuotation", "Quotations"),
        _action("crm/RejectQuotation", "Quotations"),
        _action("crm/ReopenQuotation", "Quotations"),
        _action("crm/ReviewQuotation", "Quotations"),
        _action("crm/PrintQuotation", "Quotations"),
        _action("crm/EmailWithSignOffQuotation", "Quotations"),
        _action("salesorder/CompleteSalesOrder", "SalesOrders"),
        _action("salesorder/CompleteSalesOrderLine", "SalesOrderLines"),
    )
}
