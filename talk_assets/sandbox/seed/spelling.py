"""The ways in which two people write down the same thing."""

from random import Random
from unicodedata import normalize

from talk_assets.sandbox.seed.words import Country


def respell_phone(number: str, rng: Random) -> str:
    """The same telephone number with separators: `+31 20 123 45 67`, `+31 (20) 123-4567`."""
    prefix, rest = number[:3], number[3:]
    pairs = " ".join(rest[place : place + 2] for place in range(0, len(rest), 2))
    return rng.choice((f"{prefix} {pairs}", f"{prefix} ({rest[:2]}) {rest[2:]}", f"{prefix}-{rest}"))


def respell_email(address: str, rng: Random) -> str:
    """The same e-mail address in another case."""
    name, _, domain = address.partition("@")
    return rng.choice((address.upper(), f"{name.title()}@{domain}", f"{name}@{domain.title()}"))


def respell_text(text: str, rng: Random) -> str:
    """The same text in another case or with blanks around it."""
    return rng.choice((text.upper(), f"{text} ", f" {text}"))


def respell_form(name: str, country: Country, rng: Random) -> str:
    """A company's name with its legal form written the other way: `Jansen Bouw BV` for `Jansen Bouw B.V.`."""
    for pointed, plain in country.forms:
        if name.endswith(f" {pointed}"):
            stem = name.removesuffix(pointed)
            return rng.choice((stem + plain, stem + plain, (stem + plain).upper()))
    return name


def zip_code(number: int, letters: str, country: Country) -> str:
    """A postcode as the country writes it: `1234 AB`, `0150`."""
    return f"{number} {letters}" if country.code == "NL" else f"{number:04d}"


def respell_zip(code: str, rng: Random) -> str:
    """The same postcode without its blank, in small letters, or (Norwegian) with blanks behind it."""
    return rng.choice((code.replace(" ", ""), code.lower())) if " " in code else f"{code} "


def slug(text: str) -> str:
    """A text as part of an internet address: small letters without accents, blanks and points."""
    plain = normalize("NFKD", text.lower().replace("ø", "o").replace("æ", "ae"))
    return "".join(letter for letter in plain if letter.isascii() and letter.isalnum())
