"""Numbers that identify companies and products, valid by their check digits, and the ways people write them."""

from random import Random

_ORGNR_WEIGHTS = (3, 2, 7, 6, 5, 4, 3, 2)


def kvk_number(rng: Random) -> str:
    """A Dutch chamber of commerce number: 8 digits, without a check digit."""
    return str(rng.randrange(10_000_000, 90_000_000))


def dutch_vat_number(rng: Random) -> str:
    """A Dutch VAT number `NL123456782B01`: nine digits that pass the eleven test, and a serial number."""
    while True:
        first = [rng.randrange(10) for _ in range(8)]
        check = sum(digit * weight for digit, weight in zip(first, range(9, 1, -1), strict=True)) % 11
        if first[0] and check < 10:
            return f"NL{''.join(map(str, first))}{check}B{rng.choice(('01', '01', '01', '02', '03'))}"


def organisation_number(rng: Random) -> str:
    """A Norwegian organisation number: nine digits starting with 8 or 9, the last by modulus 11."""
    while True:
        first = [rng.choice((8, 9)), *(rng.randrange(10) for _ in range(7))]
        rest = sum(digit * weight for digit, weight in zip(first, _ORGNR_WEIGHTS, strict=True)) % 11
        check = 0 if rest == 0 else 11 - rest
        if check < 10:
            return "".join(map(str, first)) + str(check)


def norwegian_vat_number(organisation: str) -> str:
    """The VAT number of a Norwegian organisation: `NO974760673MVA`."""
    return f"NO{organisation}MVA"


def barcode(rng: Random, country: str) -> str:
    """An EAN-13 barcode with its check digit, Dutch (87) or Norwegian (70)."""
    first = f"{'87' if country == 'NL' else '70'}{rng.randrange(10**10):010d}"
    weighted = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(first))
    return f"{first}{-weighted % 10}"


def respell_registration(number: str, rng: Random) -> str:
    """The same registration number with other separators: `12 34 56 78`, `974 760 673`."""
    size = 3 if len(number) == 9 else rng.choice((2, 4))
    parts = [number[start : start + size] for start in range(0, len(number), size)]
    return rng.choice((" ", ".", " ")).join(parts)


def respell_vat(number: str, rng: Random) -> str:
    """The same VAT number in another case or with separators: `nl123456782b01`, `NL 1234.56.782.B01`."""
    country, digits, rest = number[:2], number[2:11], number[11:]
    if rng.random() < 0.4:
        return number.lower()
    if country == "NL":
        return f"{country} {digits[:4]}.{digits[4:6]}.{digits[6:]}.{rest}"
    return f"{country} {digits[:3]} {digits[3:6]} {digits[6:]} {rest}"
