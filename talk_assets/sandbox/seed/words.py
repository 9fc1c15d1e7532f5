"""The words that the seed is made of, read from `words.yaml`."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict
from ruamel.yaml import YAML


class _Words(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Country(_Words):
    """The words of one country.

    Attributes:
        code: two-letter country code.
        locale: Faker's locale, used for first names.
        currency: three-letter code.
        surnames: family names, with the part that Dutch usage writes before the name (`van den`) in front.
        trades: second part of a company's name.
        forms: legal forms, each as usually written and as others write it.
        streets: street names.
        cities: name, first and last postcode number.
        job_titles: what people do.
        remarks: notes people leave in a record.
    """

    code: str
    locale: str
    currency: str
    surnames: tuple[str, ...]
    trades: tuple[str, ...]
    forms: tuple[tuple[str, str], ...]
    streets: tuple[str, ...]
    cities: tuple[tuple[str, int, int], ...]
    job_titles: tuple[str, ...]
    remarks: tuple[str, ...]


class Ware(_Words):
    """A kind of product: its code's prefix, its name, its sizes, its unit, and the span of its cost price."""

    prefix: str
    name: str
    sizes: tuple[str, ...]
    unit: str
    cost: tuple[int, int]


class Words(_Words):
    """All words; the first country is the employer's."""

    countries: tuple[Country, Country]
    departments: tuple[str, ...]
    wares: tuple[Ware, ...]
    product_lines: tuple[str, ...]
    projects: tuple[str, ...]
    document_remarks: tuple[str, ...]


WORDS = Words.model_validate(YAML(typ="safe").load(Path(__file__).with_name("words.yaml")))
NETHERLANDS, NORWAY = WORDS.countries
