"""What the sandbox's Customerp holds: its own declaration of the published contract.

It repeats what the product declares about Customerp on purpose: a server that took its rules from the client under
test could not notice when the client is wrong. A test compares both.
"""

from dataclasses import dataclass
from typing import Literal

ValueType = Literal["string", "integer", "decimal", "boolean", "date"]

_KEY_PREFIXES = {
    "customer": "cus",
    "contact": "con",
    "employee": "emp",
    "product": "pro",
    "quote": "quo",
    "quote_line": "qli",
    "order": "ord",
    "order_line": "oli",
}
UNITS = (
    "piece",
    "hour",
    "day",
    "month",
    "year",
    "kilogram",
    "gram",
    "litre",
    "metre",
    "square_metre",
    "cubic_metre",
    "box",
    "set",
)


@dataclass(frozen=True, slots=True)
class Property:
    """A writable property.

    Attributes:
        type: JSON type of its values; null is always possible.
        max_length: most characters.
        required: a record without it is refused.
        choices: the only values, when it has a closed list.
        pattern: regular expression that the whole text must match.
        refers_to: entity whose key it holds.
    """

    type: ValueType = "string"
    max_length: int | None = None
    required: bool = False
    choices: tuple[str, ...] = ()
    pattern: str | None = None
    refers_to: str | None = None


@dataclass(frozen=True, slots=True)
class Entity:
    """A kind of record.

    Attributes:
        name: `customer`.
        collection: path segment, `customers`; empty for lines, which live inside their document.
        properties: property name to what it takes, in the order of the contract; without Id, Modified and Version.
        any_of: properties of which at least one must have a value.
        lines: entity of a document's lines.
        numbering: how a missing `Number` is made from a counter; None when the server gives out none.
    """

    name: str
    collection: str
    properties: dict[str, Property]
    any_of: tuple[str, ...] = ()
    lines: "Entity | None" = None
    numbering: str | None = None


def _text(length: int) -> Property:
    return Property(max_length=length)


_DECIMAL = Property(type="decimal")
_DATE = Property(type="date")
_CURRENCY = Property(max_length=3, pattern="[A-Z]{3}")


def _line_properties(*, delivery: bool) -> dict[str, Property]:
    return {
        "Position": Property(type="integer"),
        "ProductId": Property(required=True, refers_to="product"),
        "Description": _text(255),
        "Quantity": _DECIMAL,
        "UnitPrice": _DECIMAL,
        "DiscountPercent": _DECIMAL,
        **({"DeliveryDate": _DATE} if delivery else {}),
        "Remark": _text(255),
    }


_CUSTOMER = Entity(
    "customer",
    "customers",
    {
        "Number": _text(30),
        "Name": Property(max_length=100, required=True),
        "OrganizationNumber": _text(30),
        "VatNumber": _text(30),
        "Email": _text(255),
        "Phone": _text(50),
        "Website": _text(255),
        "Address1": _text(255),
        "Address2": _text(255),
        "ZipCode": _text(20),
        "City": _text(100),
        "Country": Property(max_length=2, pattern="[A-Z]{2}"),
        "CreditLimit": _DECIMAL,
        "Notes": _text(2000),
    },
    numbering="{}",
)
_CONTACT = Entity(
    "contact",
    "contacts",
    {
        "CustomerId": Property(refers_to="customer"),
        "FirstName": _text(100),
        "MiddleName": _text(100),
        "LastName": _text(100),
        "Email": _text(255),
        "Phone": _text(50),
        "Mobile": _text(50),
        "JobTitle": _text(100),
        "BirthDate": _DATE,
        "Newsletter": Property(type="boolean"),
        "Notes": _text(2000),
    },
    any_of=("FirstName", "LastName"),
)
_EMPLOYEE = Entity(
    "employee",
    "employees",
    {
        "Number": _text(30),
        "FirstName": _text(100),
        "MiddleName": _text(100),
        "LastName": _text(100),
        "Email": _text(255),
        "PrivateEmail": _text(255),
        "Phone": _text(50),
        "Mobile": _text(50),
        "JobTitle": _text(100),
        "BirthDate": _DATE,
        "StartDate": _DATE,
        "EndDate": _DATE,
        "Department": _text(100),
    },
    numbering="{}",
)
_PRODUCT = Entity(
    "product",
    "products",
    {
        "Number": Property(max_length=30, required=True),
        "Name": Property(max_length=100, required=True),
        "Description": _text(255),
        "Barcode": _text(30),
        "Unit": Property(max_length=30, choices=UNITS),
        "CostPrice": _DECIMAL,
        "Price": _DECIMAL,
        "Weight": _DECIMAL,
    },
)
_QUOTE = Entity(
    "quote",
    "quotes",
    {
        "Number": _text(30),
        "CustomerId": Property(refers_to="customer"),
        "ContactId": Property(refers_to="contact"),
        "CustomerReference": _text(255),
        "Description": _text(255),
        "QuoteDate": _DATE,
        "ValidUntil": _DATE,
        "Currency": _CURRENCY,
        "Remarks": _text(2000),
        "Status": Property(max_length=30, choices=("draft", "open", "sent", "accepted", "rejected", "closed")),
        "InternalNote": _text(2000),
    },
    lines=Entity("quote_line", "", _line_properties(delivery=False)),
    numbering="Q-{:06d}",
)
_ORDER = Entity(
    "order",
    "orders",
    {
        "Number": _text(30),
        "QuoteId": Property(refers_to="quote"),
        "CustomerId": Property(refers_to="customer"),
        "ContactId": Property(refers_to="contact"),
        "CustomerReference": _text(255),
        "Description": _text(255),
        "OrderDate": _DATE,
        "DeliveryDate": _DATE,
        "Currency": _CURRENCY,
        "Remarks": _text(2000),
        "Status": Property(max_length=30, choices=("open", "partial", "complete", "cancelled")),
        "InternalNote": _text(2000),
    },
    lines=Entity("order_line", "", _line_properties(delivery=True)),
    numbering="O-{:06d}",
)

# Entity name to entity, what is referred to first.
ENTITIES = {entity.name: entity for entity in (_CUSTOMER, _CONTACT, _EMPLOYEE, _PRODUCT, _QUOTE, _ORDER)}


def record_key(entity: str, number: int) -> str:
    """The key of an entity's n-th record: `cus-000042`."""
    return f"{_KEY_PREFIXES[entity]}-{number:06d}"
