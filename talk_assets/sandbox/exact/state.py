"""One administration, changed the way Exact Online itself changes it.

Everything that writes goes through here: the REST sets, the admin routes and the seeding of made-up data. Numbers,
defaults and totals are filled in, codes and references must exist, and what is in use cannot be removed. What REST
callers may not touch is not decided here but in `rules`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from talk_assets.sandbox.exact import checks, codes, documents
from talk_assets.sandbox.exact.errors import bad_request, forbidden, not_found, rejected
from talk_assets.sandbox.exact.model import SETS, EntitySet
from talk_assets.sandbox.exact.reader import SYSTEM, Reader
from talk_assets.sandbox.exact.values import parse
from talk_assets.sandbox.store import Body, Clock, Store, Stored

_NUMBERED = {
    "Accounts": "Code",
    "Contacts": "HID",
    "Employees": "EmployeeHID",
    "Quotations": "QuotationNumber",
    "SalesOrders": "OrderNumber",
}
_DEFAULTS: dict[str, Body] = {
    "Accounts": {"Status": "A", "Blocked": False, "IsSupplier": False, "IsReseller": False},
    "Contacts": {"IsMailingExcluded": False},
    "Employees": {"IsActive": True},
    "Items": {
        "Unit": codes.DEFAULT_UNIT,
        "IsSalesItem": False,
        "IsPurchaseItem": False,
        "IsStockItem": False,
        "IsFractionAllowedItem": False,
        "CostPriceCurrency": codes.CURRENCY,
    },
    "Quotations": {"Currency": codes.CURRENCY, "Status": codes.QUOTATION_OPEN, "VersionNumber": 1},
    "SalesOrders": {
        "Currency": codes.CURRENCY,
        "Status": codes.ORDER_OPEN,
        "DeliveryStatus": codes.ORDER_OPEN,
        "InvoiceStatus": codes.ORDER_OPEN,
        "ApprovalStatus": codes.APPROVED_AUTOMATICALLY,
    },
}
# Accounts of a document that follow the ordering account, and its own date.
_FOLLOW = {
    "Quotations": ("OrderAccount", ("InvoiceAccount", "DeliveryAccount"), "QuotationDate"),
    "SalesOrders": ("OrderedBy", ("DeliverTo", "InvoiceTo"), "OrderDate"),
}


class ExactState:
    """The records of one division.

    Values are given under Exact's own names: text, numbers and booleans, dates as `date` or any text that Exact
    accepts (`2024-01-31`), references as keys; None clears. All methods raise `Refused` for what Exact refuses.

    Args:
        store: where the records are kept.
        division: number of the administration.
        clock: what tells today's date; the store's own clock when absent.
        timezone: the site's clock.
    """

    def __init__(
        self, store: Store, division: int, clock: Clock | None = None, timezone: str = "Europe/Amsterdam"
    ) -> None:
        self.store = store
        self.division = division
        self.zone = ZoneInfo(timezone)
        self._clock = clock if clock is not None else store.clock
        self._place = (SYSTEM, str(division))

    def reader(self) -> Reader:
        """A fresh reader of this division."""
        return Reader(self.store, self.division, self.zone)

    def today(self) -> str:
        """The site's date, as a DateTime is kept."""
        return f"{self._clock().astimezone(self.zone).date().isoformat()}T00:00:00"

    def get(self, set_name: str, key: str) -> Stored:
        """The record with this key.

        Raises:
            Refused: 404 when it never existed, 403 when it is gone (Exact reference, errors).
        """
        stored = self.store.get(*self._place, set_name, key)
        if stored is None:
            if self.store.is_deleted(*self._place, set_name, key):
                raise forbidden("Forbidden")
            raise not_found()
        return stored

    def add(
        self, set_name: str, values: Mapping[str, Any], *, key: str | None = None, modified: datetime | None = None
    ) -> str:
        """Create a record (a document line under an existing document) and return its key.

        Args:
            set_name: entity set.
            values: its properties; a document takes its lines under the name of their set.
            key: GUID to use instead of a new one.
            modified: aware moment that becomes its time of creation and change, instead of now.
        """
        entity_set = SETS[set_name]
        if entity_set.lines is not None:
            header = {name: value for name, value in values.items() if name != entity_set.lines}
            return self.add_document(set_name, header, values.get(entity_set.lines) or (), key=key, modified=modified)
        given = self._parsed(entity_set, values)
        with self.store.transaction():
            if entity_set.header is not None:
                return self._add_line(entity_set, given, key, modified)
            body = _filled(given)
            self._number(entity_set, body)
            self._defaults(entity_set, body)
            return self._insert(entity_set, body, given, key, modified)

    def add_document(
        self,
        set_name: str,
        header: Mapping[str, Any],
        lines: Sequence[Mapping[str, Any]],
        *,
        key: str | None = None,
        modified: datetime | None = None,
    ) -> str:
        """Create a quotation or sales order with its lines, and return its key."""
        entity_set = SETS[set_name]
        if not lines:
            raise rejected(f"Verplicht: {entity_set.lines}")
        line_set = SETS[str(entity_set.lines)]
        given = self._parsed(entity_set, header)
        given_lines = [self._parsed(line_set, line) for line in lines]
        body = _filled(given)
        key = key or str(uuid4())
        with self.store.transaction():
            self._number(entity_set, body)
            self._defaults(entity_set, body)
            bodies = [
                self._line_body(line_set, line | {entity_set.key: key}, body, number)
                for number, line in enumerate(given_lines, start=1)
            ]
            documents.document_totals(set_name, body, bodies)
            self._insert(entity_set, body, given, key, modified)
            for line_body, line in zip(bodies, given_lines, strict=True):
                self._insert(line_set, line_body, line, None, modified)
        return key

    def edit(self, set_name: str, key: str, values: Mapping[str, Any], *, modified: datetime | None = None) -> None:
        """Change the named properties of a record; changing a line changes its document too."""
        entity_set = SETS[set_name]
        given = self._parsed(entity_set, values)
        with self.store.transaction():
            stored = self.get(set_name, key)
            body = _filled(stored.body | given)
            checks.check(self.store, self.division, entity_set, body, given, key)
            if entity_set.header is not None:
                if body[self._parent(entity_set)] != stored.body[self._parent(entity_set)]:
                    raise rejected(f"Niet te wijzigen: {self._parent(entity_set)}")
                documents.line_amounts(set_name, body, given)
            self._lift(entity_set, body)
            self.store.update(*self._place, set_name, key, body, modified)
            if entity_set.header is not None:
                self._refresh(entity_set, stored, modified)

    def remove(self, set_name: str, key: str, *, modified: datetime | None = None) -> None:
        """Take a record away, a document with its lines, an account with its contacts."""
        entity_set = SETS[set_name]
        with self.store.transaction():
            stored = self.get(set_name, key)
            checks.check_removal(self.store, self.division, entity_set, stored)
            if set_name == "Accounts":
                for contact in self.store.find(*self._place, "Contacts", "Account", key):
                    self.store.delete(*self._place, "Contacts", contact.key, modified)
            for line in self.reader().lines(stored):
                self.store.delete(*self._place, line.entity, line.key, modified)
            self.store.delete(*self._place, set_name, key, modified)
            if set_name == "Contacts":
                for account in self.store.find(*self._place, "Accounts", "MainContact", key):
                    self.edit("Accounts", account.key, {"MainContact": None}, modified=modified)
            if entity_set.header is not None:
                self._refresh(entity_set, stored, modified)

    def _parsed(self, entity_set: EntitySet, values: Mapping[str, Any]) -> Body:
        given: Body = {}
        for name, raw in values.items():
            prop = entity_set.properties.get(name)
            if prop is None or prop.is_collection:
                raise bad_request(f"{entity_set.name} has no property {name!r} to give a value.")
            given[name] = parse(prop, raw)
        return given

    def _insert(
        self, entity_set: EntitySet, body: Body, given: Body, key: str | None, modified: datetime | None
    ) -> str:
        key = key or str(uuid4())
        body[entity_set.key] = key
        checks.check(self.store, self.division, entity_set, body, given, key)
        self._lift(entity_set, body)
        self.store.insert(*self._place, entity_set.name, key, body, modified)
        return key

    def _add_line(self, entity_set: EntitySet, given: Body, key: str | None, modified: datetime | None) -> str:
        parent = given.get(self._parent(entity_set))
        if parent is None:
            raise rejected(f"Verplicht: {self._parent(entity_set)}")
        header = self.store.get(*self._place, str(entity_set.header), parent)
        if header is None:
            raise rejected(f"Bestaat niet: {self._parent(entity_set)}")
        numbers = [int(line.body["LineNumber"]) for line in self.reader().lines(header)]
        body = self._line_body(entity_set, given, header.body, max(numbers, default=0) + 1)
        key = self._insert(entity_set, body, given, key, modified)
        self._refresh(entity_set, self.get(entity_set.name, key), modified)
        return key

    def _line_body(self, line_set: EntitySet, given: Body, header: Body, number: int) -> Body:
        if given.get("Item") is None:
            raise rejected("Verplicht: Item")
        item = self.store.get(*self._place, "Items", given["Item"])
        if item is None:
            raise rejected("Bestaat niet: Item")
        body = _filled(given)
        documents.line_defaults(line_set.name, body, header, item.body, number)
        documents.line_amounts(line_set.name, body, _filled(given))
        return body

    def _refresh(self, line_set: EntitySet, line: Stored, modified: datetime | None) -> None:
        """Bring a document up to date with its lines; a change of a line is a change of its document."""
        header = self.get(str(line_set.header), line.body[self._parent(line_set)])
        body = dict(header.body)
        documents.document_totals(header.entity, body, (other.body for other in self.reader().lines(header)))
        self.store.update(*self._place, header.entity, header.key, body, modified)

    def _parent(self, line_set: EntitySet) -> str:
        return SETS[str(line_set.header)].key

    def _counter(self, entity_set: EntitySet) -> str:
        return f"{SYSTEM}/{self.division}/{entity_set.name}"

    def _number(self, entity_set: EntitySet, body: Body) -> None:
        name = _NUMBERED.get(entity_set.name)
        if name is not None and name not in body:
            number = self.store.next_number(self._counter(entity_set))
            body[name] = str(number) if entity_set.properties[name].type == "String" else number

    def _lift(self, entity_set: EntitySet, body: Body) -> None:
        """Let numbering go on after a number that was given by hand."""
        name = _NUMBERED.get(entity_set.name)
        if name is not None and name in body:
            self.store.lift_number(self._counter(entity_set), int(body[name]))

    def _defaults(self, entity_set: EntitySet, body: Body) -> None:
        for name, value in _DEFAULTS.get(entity_set.name, {}).items():
            body.setdefault(name, value)
        if entity_set.name in _FOLLOW:
            leader, followers, date_name = _FOLLOW[entity_set.name]
            if leader in body:
                for follower in followers:
                    body.setdefault(follower, body[leader])
            body.setdefault(date_name, self.today())
        if entity_set.name == "Employees":
            body.setdefault("HID", body["EmployeeHID"])
            body.setdefault("Code", str(body["EmployeeHID"]))


def _filled(values: Mapping[str, Any]) -> Body:
    return {name: value for name, value in values.items() if value is not None}
