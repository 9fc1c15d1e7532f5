"""Companies: Customerp's customers and Exact's accounts, and the employer itself."""

from dataclasses import dataclass
from decimal import Decimal

from talk_assets.sandbox.customerp.entities import record_key
from talk_assets.sandbox.seed import identifiers, spelling
from talk_assets.sandbox.seed.model import Draft, Pair, Values
from talk_assets.sandbox.seed.options import SeedOptions
from talk_assets.sandbox.seed.pairing import Place, drift, in_exact, lose, places, respell
from talk_assets.sandbox.seed.source import Numbers, Source
from talk_assets.sandbox.seed.words import NETHERLANDS, Country

EMPLOYER = "Zuiderlicht Techniek"
FIRST_NUMBER = 10001
# Exact's own account codes lie above Customerp's numbers, so that a code given out by Exact is nobody's number.
FIRST_CODE = 500_001
EXACT_NAME_LENGTH = 50
NAMES = {
    "Name": "Name",
    "OrganizationNumber": "ChamberOfCommerce",
    "VatNumber": "VATNumber",
    "Email": "Email",
    "Phone": "Phone",
    "Website": "Website",
    "Address1": "AddressLine1",
    "Address2": "AddressLine2",
    "ZipCode": "Postcode",
    "City": "City",
    "Country": "Country",
}


@dataclass(slots=True)
class Company:
    """A company.

    Attributes:
        pair: its customer and its account.
        name: its name without the legal form.
        country: where it is.
        domain: its internet domain.
        alone: no other record shares an identifying number with it, so that its match is never ambiguous.
    """

    pair: Pair
    name: str
    country: Country
    domain: str
    alone: bool = True

    @property
    def linkable(self) -> bool:
        """Whether its customer and its account are certain to be matched."""
        return self.pair.shared and self.alone


class CompanyMaker:
    """Makes companies, each with a name, a number and a domain of its own."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._given = Numbers()
        self._customers = 0
        self._accounts = 0

    def make(self, place: Place, *, employer: bool = False) -> Company:
        """A company that is recorded in these places; the employer has the same values in both systems."""
        source = self._source
        country = NETHERLANDS if employer else source.country()
        stem = EMPLOYER if employer else self._stem(country)
        domain = f"{spelling.slug(stem)}.example"
        truth = self._truth(country, stem, domain)
        pair = Pair(None, None)
        if place != "exact":
            pair.customerp = self._customer(truth, country)
        if place != "customerp":
            pair.exact = self._account(truth, country, pair.customerp, is_customer=employer or place == "both")
        if pair.shared and not employer:
            self._part(pair, country, domain)
        return Company(pair, stem, country, domain)

    def _stem(self, country: Country) -> str:
        source = self._source
        for attempt in range(60):
            surname = source.pick(country.surnames)
            if attempt >= 20 or source.chance(0.05):
                surname = f"{surname} & {_capital(source.pick(country.surnames))}"
            elif source.chance(0.15):
                surname = source.pick(country.cities)[0]
            stem = f"{_capital(surname)} {source.pick(country.trades)}"
            if self._given.new(spelling.slug(stem)):
                return stem
        return f"{stem} {self._customers + self._accounts}"

    def _truth(self, country: Country, stem: str, domain: str) -> Values:
        rng = self._source.random
        return {
            "Name": f"{stem} {rng.choice(country.forms)[0]}",
            **self._registration(country),
            "Email": f"{rng.choice(('info', 'info', 'post', 'kontakt', 'administratie'))}@{domain}",
            "Phone": self._source.phone(country),
            "Website": f"https://www.{domain}",
            **self._address(country),
            "Country": country.code,
        }

    def _registration(self, country: Country) -> Values:
        rng = self._source.random
        while True:
            if country.code == "NL":
                number, vat = identifiers.kvk_number(rng), identifiers.dutch_vat_number(rng)
            else:
                number = identifiers.organisation_number(rng)
                vat = identifiers.norwegian_vat_number(number)
            if self._given.new(number) and self._given.new(vat):
                return {"OrganizationNumber": number, "VatNumber": vat}

    def _address(self, country: Country) -> Values:
        rng = self._source.random
        city, first, last = rng.choice(country.cities)
        letters = rng.choice("ABCDEFGHJKLMNPRSTVWXZ") + rng.choice("ABCDEFGHJKLMNPRSTVWXZ")
        extra = rng.choice(("Postbus", "Unit", "Gebouw")) if country.code == "NL" else rng.choice(("Postboks", "Bygg"))
        return {
            "Address1": f"{rng.choice(country.streets)} {rng.randrange(1, 240)}{rng.choice(('', '', '', 'a', 'b'))}",
            "Address2": f"{extra} {rng.randrange(1, 900)}" if rng.random() < 0.1 else None,
            "ZipCode": spelling.zip_code(rng.randrange(first, last + 1), letters, country),
            "City": city,
        }

    def _customer(self, truth: Values, country: Country) -> Draft:
        source = self._source
        self._customers += 1
        number = str(FIRST_NUMBER - 1 + self._customers)
        values: Values = {
            **truth,
            "Number": f"K-{number}" if source.chance(0.08) else number,
            "CreditLimit": Decimal(source.random.randrange(1, 60)) * 2500 if source.chance(0.6) else None,
            "Notes": source.pick(country.remarks) if source.chance(0.4) else None,
        }
        return Draft(record_key("customer", self._customers), values, source.moment())

    def _account(self, truth: Values, country: Country, customer: Draft | None, *, is_customer: bool) -> Draft:
        source = self._source
        self._accounts += 1
        number = customer.values["Number"] if customer is not None else ""
        supplier = not is_customer and source.chance(0.3)
        values: Values = {
            **in_exact(truth, NAMES),
            "Name": truth["Name"][:EXACT_NAME_LENGTH].rstrip(),
            "Code": number if number.isdigit() and source.chance(0.5) else str(FIRST_CODE - 1 + self._accounts),
            "Status": "A" if supplier else "C",
            "IsSupplier": supplier,
            "SearchCode": spelling.slug(truth["Name"])[:10].upper(),
            "Language": country.code,
            "PaymentConditionSales": source.pick(("14", "30", "30", "60")),
            "CreditLineSales": float(source.random.randrange(1, 60) * 2500) if source.chance(0.5) else None,
            "Remarks": source.pick(country.remarks) if source.chance(0.3) else None,
        }
        return Draft(source.guid(), values, source.moment())

    def _part(self, pair: Pair, country: Country, domain: str) -> None:
        """Let the two records of a shared company differ, but not in the properties by which they match."""
        source = self._source
        if pair.customerp is None or pair.exact is None:
            return
        own, exact = pair.customerp.values, pair.exact.values
        key = source.pick(("registration",) * 5 + ("vat",) * 3 + ("name",) * 2)
        if key == "name" and len(own["Name"]) > EXACT_NAME_LENGTH:
            key = "vat"
        if key == "vat":
            _clear(*source.pick(((own, "OrganizationNumber"), (exact, "ChamberOfCommerce"))))
        elif key == "name":
            _clear(*source.pick(((own, "OrganizationNumber"), (exact, "ChamberOfCommerce"))))
            _clear(*source.pick(((own, "VatNumber"), (exact, "VATNumber"))))
        elif source.chance(0.3):
            _clear(*source.pick(((own, "VatNumber"), (exact, "VATNumber"))))
        lose(source, pair, NAMES, ("Email", "Phone", "Website", "Address2"))
        drift(
            source,
            pair,
            NAMES,
            {
                "Email": lambda: f"{source.pick(('sales', 'faktura', 'inkoop'))}@{domain}",
                "Phone": lambda: source.phone(country),
                "Website": lambda: f"https://{domain}/{country.code.lower()}",
            },
        )
        if key != "name":
            if source.chance(0.1):
                moved = self._address(country)
                exact.update(in_exact(moved, {name: NAMES[name] for name in moved}))
            if source.chance(0.35):
                exact["Name"] = spelling.respell_form(exact["Name"], country, source.random)[:EXACT_NAME_LENGTH]
        self._respell(own, exact)

    def _respell(self, own: Values, exact: Values) -> None:
        respell(
            self._source,
            exact,
            0.4,
            {
                "ChamberOfCommerce": identifiers.respell_registration,
                "VATNumber": identifiers.respell_vat,
                "Phone": spelling.respell_phone,
                "Email": spelling.respell_email,
                "Postcode": spelling.respell_zip,
            },
        )
        respell(
            self._source,
            own,
            0.15,
            {
                "OrganizationNumber": identifiers.respell_registration,
                "VatNumber": identifiers.respell_vat,
                "Phone": spelling.respell_phone,
                "City": spelling.respell_text,
            },
        )


def make_companies(source: Source, options: SeedOptions) -> list[Company]:
    """The employer first, then all other companies.

    The employer is a customer too (internal orders are booked on it) when any company is in both systems.
    """
    planned = places(source, options.customers, options.overlap)
    if "both" in planned:
        planned.remove("both")
        planned.insert(0, "both")
    else:
        planned.insert(0, "exact")
    maker = CompanyMaker(source)
    companies = [maker.make(place, employer=not index) for index, place in enumerate(planned)]
    _share_vat_numbers(companies, options.duplicates)
    return companies


def _share_vat_numbers(companies: list[Company], wanted: int) -> None:
    """Give some customers, and some accounts, the VAT number of another one: whose match is it?"""
    shared = [company for company in companies[1:] if company.pair.shared]
    # At least three quarters of the companies in both systems keep an unambiguous match.
    few = min(wanted, len(shared) // 8)
    for missing in ("exact", "customerp"):
        strangers = [company for company in companies[1:] if getattr(company.pair, missing) is None]
        for stranger in strangers[:few]:
            original = next((one for one in shared if one.alone and one.country is stranger.country), None)
            if original is not None:
                _share_vat_number(original, stranger)


def _share_vat_number(original: Company, stranger: Company) -> None:
    number = _vat_number(original)
    original.alone = stranger.alone = False
    for company in (original, stranger):
        if company.pair.customerp is not None:
            company.pair.customerp.values["VatNumber"] = number
        if company.pair.exact is not None:
            company.pair.exact.values["VATNumber"] = number


def _vat_number(company: Company) -> str:
    pair = company.pair
    found = pair.customerp.values["VatNumber"] if pair.customerp is not None else None
    return str(found or (pair.exact.values["VATNumber"] if pair.exact is not None else None))


def _clear(values: Values, name: str) -> None:
    values[name] = None


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
