"""Where everything random of a seed comes from."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import TypeVar
from uuid import UUID

from faker import Faker

from talk_assets.sandbox.seed.words import NETHERLANDS, NORWAY, Country

T = TypeVar("T")
_TWO_YEARS = timedelta(days=730)
_SHARE_DUTCH = 0.6


class Source:
    """One stream of chance: the same seed and the same questions give the same answers.

    Args:
        seed: number that all chance comes from.
        until: moment before which everything happened.
    """

    def __init__(self, seed: int, until: datetime) -> None:
        self.random = Random(seed)
        self.until = until
        self._fakers = {country.code: Faker(country.locale) for country in (NETHERLANDS, NORWAY)}
        for faker in self._fakers.values():
            faker.seed_instance(seed)

    def country(self) -> Country:
        """The Netherlands or Norway."""
        return NETHERLANDS if self.chance(_SHARE_DUTCH) else NORWAY

    def first_name(self, country: Country) -> str:
        """A first name of the country."""
        return str(self._fakers[country.code].first_name())

    def chance(self, share: float) -> bool:
        """True in this share of all cases."""
        return self.random.random() < share

    def pick(self, choices: Sequence[T]) -> T:
        """One of several."""
        return self.random.choice(choices)

    def guid(self) -> str:
        """A key as Exact makes them."""
        return str(UUID(int=self.random.getrandbits(128), version=4))

    def moment(self) -> datetime:
        """A moment of the last two years, in whole milliseconds: Exact keeps no finer times."""
        milliseconds = self.random.randrange(int(_TWO_YEARS.total_seconds() * 1000))
        return self.until - timedelta(milliseconds=milliseconds + 1)

    def after(self, moment: datetime) -> datetime:
        """A moment between this one and the end of the two years, in whole milliseconds."""
        milliseconds = (self.until - moment) // timedelta(milliseconds=1)
        return self.until - timedelta(milliseconds=self.random.randrange(milliseconds) + 1 if milliseconds > 0 else 0)

    def phone(self, country: Country, *, mobile: bool = False) -> str:
        """A telephone number in international notation without separators: `+31201234567`."""
        if country.code == "NL":
            start = "6" if mobile else self.pick(("10", "20", "30", "40", "50", "70", "76", "58"))
            return f"+31{start}{self.random.randrange(10 ** (9 - len(start))):0{9 - len(start)}d}"
        start = self.pick(("4", "9")) if mobile else self.pick(("2", "5", "6", "7"))
        return f"+47{start}{self.random.randrange(10**7):07d}"


class Numbers:
    """Draws from a function until it gives something new: a number that identifies is given out once."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def new(self, text: str) -> bool:
        """Whether the text was not given out yet; from now on it is."""
        known = text in self._given
        self._given.add(text)
        return not known
