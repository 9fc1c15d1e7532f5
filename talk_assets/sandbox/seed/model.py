"""Seeded records before they are stored."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Values = dict[str, Any]


@dataclass(slots=True)
class Draft:
    """A record of one system: its key, its properties under that system's names, and when it was last changed.

    Decimals are `Decimal`, dates ISO text. `lines` are a document's lines; a line has a key of its own (Customerp
    under `Id`, Exact under `ID`).
    """

    key: str
    values: Values
    modified: datetime
    lines: list[Values] = field(default_factory=list)


@dataclass(slots=True)
class Pair:
    """What is one thing in the world: its record in Customerp, in Exact, or in both."""

    customerp: Draft | None
    exact: Draft | None

    @property
    def shared(self) -> bool:
        """Whether both systems have it."""
        return self.customerp is not None and self.exact is not None


@dataclass(slots=True)
class Seed:
    """All seeded records, oldest change first within each kind.

    Attributes:
        customerp: entity (`customer`, `quote`) to records.
        exact: entity set (`Accounts`, `Quotations`) to records.
        employer_account: key of the company's own account in Exact.
    """

    customerp: dict[str, list[Draft]]
    exact: dict[str, list[Draft]]
    employer_account: str
