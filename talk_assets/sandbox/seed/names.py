"""Names of people, split as business systems hold them."""

import re
from dataclasses import dataclass

from talk_assets.sandbox.seed import spelling
from talk_assets.sandbox.seed.source import Numbers, Source
from talk_assets.sandbox.seed.words import Country

# Words in small letters before a Dutch family name: `van den`, `in 't`, `'s`.
_PREFIX = re.compile(r"((?:(?:[a-z]+|'[a-z]) )*)(.+)")


@dataclass(frozen=True, slots=True)
class Name:
    """A person's name; `local` is its form in e-mail addresses."""

    first: str
    middle: str | None
    last: str

    @property
    def local(self) -> str:
        """`jan.vandenberg`, for use before the @."""
        return f"{spelling.slug(self.first)}.{spelling.slug((self.middle or '') + self.last)}"


class NameMaker:
    """Makes names; within one circle (a company) no two people have the same."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._given = Numbers()

    def make(self, country: Country, circle: str) -> Name:
        """A name of the country that is new in the circle."""
        for _ in range(50):
            name = self._draw(country)
            if self._given.new(f"{circle}/{name.local}"):
                return name
        # A circle larger than the stock of names: a second family name keeps the persons apart.
        drawn = self._draw(country)
        name = Name(drawn.first, drawn.middle, f"{drawn.last}-{self._draw(country).last}")
        self._given.new(f"{circle}/{name.local}")
        return name

    def _draw(self, country: Country) -> Name:
        found = _PREFIX.fullmatch(self._source.pick(country.surnames))
        middle, last = found.groups() if found else ("", "")
        return Name(self._source.first_name(country), middle.strip() or None, last)
