"""Values of the records that the checklist makes: each record's own, and marked so that a person recognises them."""

import secrets
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from talk_assets.mappings.capabilities import PropertyCapability
from talk_assets.mappings.model import Property
from talk_assets.qa.meaning import own_form
from talk_assets.qa.scope import Scope

_FIRST_DAY = date(2024, 5, 1)
_DAYS = 200


def _new_run() -> str:
    return str(secrets.randbelow(9000) + 1000)


@dataclass(frozen=True)
class Mark:
    """By what records of one run of the checklist are known.

    Attributes:
        run: four digits.
    """

    run: str = field(default_factory=_new_run)

    @property
    def text(self) -> str:
        """How the names of the records begin."""
        return f"QA {self.run}"

    def named(self, number: int) -> str:
        """How the name of one record begins."""
        return f"{self.text} {number:04d}"

    def code(self, number: int) -> str:
        """A number with letters for one record."""
        return f"QA{self.run}{number:04d}x"

    def digits(self, number: int) -> str:
        """A number of digits for one record."""
        return f"{self.run}{number:04d}"

    def is_in(self, text: object) -> bool:
        """Whether a value bears the mark, whatever was done to its letters."""
        plain = "".join(str(text or "").split()).casefold()
        return f"qa{self.run}" in plain or f"qa.{self.run}" in plain


def sample(scope: Scope, name: str, number: int, mark: Mark) -> str:
    """The shared value of a property in one record; of a reference ''.

    It fits every entity that holds the property, so that it travels unchanged.

    Args:
        scope: the flow.
        name: the property.
        number: of the record.
        mark: of the run.
    """
    row = scope.subject.properties[name]
    room = min((able.max_length for able in _able(scope, row) if able.max_length is not None), default=250)
    if row.type == "text":
        return f"{mark.named(number)} {name.replace('_', ' ')}"[:room].rstrip()
    if row.type == "code":
        numeric = any(able.type == "integer" for able in _able(scope, row))
        only_digits = numeric or any(member.only_digits for member in row.members.values())
        return mark.digits(number) if only_digits else mark.code(number)[:room]
    if row.type == "choice":
        return next(iter(_common(row)), "")
    return {
        "email": f"qa.{mark.run}.{number:04d}.{name[:12]}@example.com",
        "country": "NL",
        "currency": "EUR",
        "date": (_FIRST_DAY + timedelta(days=number % _DAYS)).isoformat(),
        "decimal": f"{10 + number % 80}.25",
        "integer": str(number),
        "boolean": "true",
        "list": f"qa {number}",
    }.get(row.type, "")


def _able(scope: Scope, row: Property) -> list[PropertyCapability]:
    return [
        scope.capabilities[entity].properties[member.name]
        for entity, member in row.members.items()
        if entity in scope.capabilities
    ]


def _common(row: Property) -> list[str]:
    """The shared codes that every entity has."""
    free = PropertyCapability()
    mapped = [member.values for member in row.members.values() if member.values is not None]
    return [
        code
        for code in dict.fromkeys(each for values in mapped for each in values.values())
        if all(own_form(code, row, member, free) is not None for member in row.members.values())
    ]


def others(scope: Scope, name: str, number: int, mark: Mark) -> tuple[str, str]:
    """Two more shared values of a property of a record, different from its usual one and from each other."""
    row, usual = scope.subject.properties[name], sample(scope, name, number, mark)
    if row.type == "choice":
        codes = [code for code in _common(row) if code != usual]
        return (codes[0], codes[1 % len(codes)]) if codes else (usual, usual)
    if row.type == "date":
        one, two = (date.fromisoformat(usual) + timedelta(days=days) for days in (1, 2))
        return one.isoformat(), two.isoformat()
    if row.type == "decimal":
        return f"{Decimal(usual) + 1}", f"{Decimal(usual) + 2}"
    known = {"country": ("BE", "DE"), "currency": ("USD", "GBP"), "boolean": ("false", "true")}
    if row.type in known:
        return known[row.type]
    return sample(scope, name, number + 3000, mark), sample(scope, name, number + 6000, mark)
