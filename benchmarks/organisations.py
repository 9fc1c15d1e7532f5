"""Made-up organisations in both systems, the same in every process: new to each other, or linked and edited."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from talk_assets.mappings.capabilities import Capabilities
from talk_assets.mappings.load import load_capabilities, load_mappings
from talk_assets.mappings.model import Subject
from talk_assets.sync.frames import TIME

CUSTOMER, ACCOUNT = "customerp.customer", "exact.accounts"
ENTITIES = (CUSTOMER, ACCOUNT)
FIRST_SIGHT, EDITED = "first sight", "1 % edited"


@dataclass
class World:
    """Organisations of both systems; the rows of all frames belong together.

    Attributes:
        subject, capabilities: of organisations, as shipped.
        current: what the records hold, with `key` and `modified`.
        base: what they held when they were accounted for; None at first sight.
        fresh: per entity which of them are matched now.
    """

    subject: Subject
    capabilities: Capabilities
    current: dict[str, pd.DataFrame]
    base: dict[str, pd.DataFrame] | None
    fresh: dict[str, pd.Series]


def build(pairs: int, case: str) -> World:
    """So many organisations in each system, at first sight or edited."""
    rng = np.random.default_rng(pairs)
    capabilities = load_capabilities()
    subject = load_mappings(None, capabilities).subjects["organisation"]
    customers = _customers(rng, pairs)
    index = customers.index
    base = {CUSTOMER: customers, ACCOUNT: customers[list(subject.held_by(ACCOUNT))]}
    if case == FIRST_SIGHT:
        current = {CUSTOMER: customers, ACCOUNT: _as_known_elsewhere(rng, base[ACCOUNT])}
        fresh = {entity: pd.Series(True, index=index) for entity in ENTITIES}
        accounted = None
    else:
        touched = pd.Series(np.arange(pairs) % 100 == 7, index=index)
        fresh = {CUSTOMER: touched & (rng.random(pairs) < 0.7)}
        fresh[ACCOUNT] = touched & (~fresh[CUSTOMER] | (rng.random(pairs) < 0.2))
        current = {entity: _edited(rng, base[entity], fresh[entity]) for entity in ENTITIES}
        accounted = base
    for number, entity in enumerate(ENTITIES):
        minutes = pd.Series(rng.integers(0, 100_000, pairs) * 2 + number, index=index)
        modified = pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(minutes, unit="min")
        keys = ("c" if number == 0 else "a") + pd.Series(index, index=index).astype("str")
        current[entity] = current[entity].assign(key=keys.astype("str"), modified=modified.astype(TIME))
    return World(subject, capabilities, current, accounted, fresh)


def _customers(rng: np.random.Generator, count: int) -> pd.DataFrame:
    index = pd.RangeIndex(count)
    number = pd.Series(index, index=index).astype("str")
    words = np.array(["Bakker", "de Boer", "Visser", "Smit", "Café Zuid", "Noord", "Techniek", "Handel", "Advies"])

    def some(texts: npt.NDArray[np.str_]) -> pd.Series:
        return pd.Series(rng.choice(texts, count), index=index, dtype="str")

    digits = pd.Series(10_000_000 + np.arange(count), index=index).astype("str")
    towns = np.array(["Utrecht", "Zwolle", "Breda", "Gent"])
    return pd.DataFrame(
        {
            "number": number,
            "name": some(words) + " " + some(words) + " " + number,
            "registration_number": digits,
            "vat_number": ("NL" + digits + "0B01").where(rng.random(count) < 0.8),
            "email": "info@org" + number + ".example",
            "phone": "+31 20 " + digits,
            "website": ("https://org" + number + ".example").where(rng.random(count) < 0.6),
            "address_line1": "Dorpsstraat " + number,
            "address_line2": some(np.array(["floor 2", "rear"])).where(rng.random(count) < 0.2),
            "postcode": digits.str.slice(0, 4) + " AB",
            "city": some(towns),
            "country": "NL",
        },
        index=index,
    ).astype("str")


def _as_known_elsewhere(rng: np.random.Generator, records: pd.DataFrame) -> pd.DataFrame:
    """The same organisations as somebody else typed them: gaps, other spelling, other values."""
    count = len(records)
    found = records.copy()
    found["number"] = pd.Series(pd.NA, index=found.index, dtype="str")
    for name, share in {"registration_number": 0.2, "vat_number": 0.3, "website": 0.2, "address_line2": 0.3}.items():
        found[name] = found[name].mask(rng.random(count) < share)
    found["email"] = found["email"].mask(rng.random(count) < 0.1, found["email"].str.upper())
    found["phone"] = found["phone"].mask(rng.random(count) < 0.1, "0" + found["phone"].str.slice(4))
    moved = rng.random(count) < 0.05
    found["address_line1"] = found["address_line1"].mask(moved, "Kade 1")
    found["postcode"] = found["postcode"].mask(moved, "9999 ZZ")
    return found


def _edited(rng: np.random.Generator, records: pd.DataFrame, where: pd.Series) -> pd.DataFrame:
    """The records where somebody edited a telephone number, or moved."""
    moved = where & (rng.random(len(records)) < 0.3)
    found = records.copy()
    found["phone"] = found["phone"].mask(where & ~moved, "06 " + found["phone"].str.slice(4))
    found["address_line1"] = found["address_line1"].mask(moved, "Kade " + found["address_line1"].str.slice(12))
    found["city"] = found["city"].mask(moved, "Delft")
    return found
