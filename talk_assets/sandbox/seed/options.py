"""How much made-up data, and of which kind."""

from dataclasses import dataclass
from datetime import UTC, datetime, time

from talk_assets.errors import ConfigurationError


def start_of_today() -> datetime:
    """Midnight UTC: seeds of one day are equal to the microsecond."""
    return datetime.combine(datetime.now(UTC).date(), time(), UTC)


@dataclass(frozen=True, kw_only=True)
class SeedOptions:
    """What the seed is made of; equal options give equal data, keys and times included.

    Attributes:
        seed: number that everything random comes from.
        customers: records of Customerp, and so on below; Exact gets its share of them and some of its own.
        contacts: see customers.
        employees: see customers.
        products: see customers.
        quotes: see customers.
        orders: see customers; about four in ten are made from a quote.
        lines: lines of every document; None: one to four.
        overlap: share (0 to 1) of Customerp's records that exist in Exact as well.
        duplicates: how many customers, contacts and products share a key with another one of the same system.
        bad: how many records break a rule on purpose (an e-mail address without @, the date `2024-13-45`).
        until: moment before which all records were last changed; the two years before it are used.

    Raises:
        ConfigurationError: a number is out of range, or a kind is missing that another one refers to.
    """

    seed: int = 1
    customers: int = 200
    contacts: int = 300
    employees: int = 25
    products: int = 120
    quotes: int = 80
    orders: int = 120
    lines: int | None = None
    overlap: float = 0.5
    duplicates: int = 2
    bad: int = 0
    until: datetime | None = None

    def __post_init__(self) -> None:
        for name in ("customers", "contacts", "employees", "products", "quotes", "orders", "duplicates", "bad"):
            if getattr(self, name) < 0:
                raise ConfigurationError(f"Seed: {name} is {getattr(self, name)}; it must be 0 or more.")
        if not 0 <= self.overlap <= 1:
            raise ConfigurationError(f"Seed: overlap is {self.overlap}; it must be between 0 and 1.")
        if self.lines is not None and not 1 <= self.lines <= 1000:
            raise ConfigurationError(f"Seed: lines is {self.lines}; a document has 1 to 1000 lines.")
        if (self.contacts or self.quotes or self.orders) and not self.customers:
            raise ConfigurationError("Seed: customers is 0; contacts, quotes and orders need at least one customer.")
        if (self.quotes or self.orders) and not self.products:
            raise ConfigurationError("Seed: products is 0; the lines of quotes and orders need at least one product.")
