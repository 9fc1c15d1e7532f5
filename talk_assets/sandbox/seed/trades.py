"""What a document is about, before it is written down in a system: who buys what, when, under which reference."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from talk_assets.sandbox.seed.contacts import Contact
from talk_assets.sandbox.seed.lines import LineMaker
from talk_assets.sandbox.seed.model import Draft, Values
from talk_assets.sandbox.seed.options import SeedOptions
from talk_assets.sandbox.seed.organisations import Company
from talk_assets.sandbox.seed.pairing import Place
from talk_assets.sandbox.seed.products import Product
from talk_assets.sandbox.seed.source import Source
from talk_assets.sandbox.seed.words import WORDS

# Numbers that both systems use lie below Exact's own, and Customerp's own have letters: a number that Exact gives out
# later is never by accident the number of another document.
_FIRST_SHARED_NUMBER = 300_001
_FIRST_EXACT_NUMBER = 700_001


@dataclass(slots=True)
class Trade:
    """Who buys what.

    Attributes:
        company: the buyer.
        contact: the person there.
        lines: product and the line's values under Customerp's names.
        started: when the document was made.
        common: Customerp's values that quotes and orders share (reference, description, currency, remarks).
    """

    company: Company
    contact: Contact | None
    lines: list[tuple[Product, Values]]
    started: datetime
    common: Values

    @property
    def portable(self) -> bool:
        """Whether buyer and products are certain to be matched, so that both systems can have the document."""
        return self.company.linkable and all(product.linkable for product, _ in self.lines)

    def customer(self) -> Values:
        """The references of a document in Customerp."""
        return {"CustomerId": _key(self.company.pair.customerp), "ContactId": self._contact("customerp")}

    def account(self, account: str, contact: str) -> Values:
        """The references of a document in Exact, under the names that this kind of document has for them."""
        return {account: _key(self.company.pair.exact), contact: self._contact("exact")}

    def _contact(self, system: Place) -> str | None:
        if self.contact is None:
            return None
        pair = self.contact.pair
        return _key(pair.customerp if system == "customerp" else pair.exact)


def _key(draft: Draft | None) -> str | None:
    return draft.key if draft is not None else None


class TradeMaker:
    """Makes trades between the seeded companies, contacts and products."""

    def __init__(
        self,
        source: Source,
        options: SeedOptions,
        companies: Sequence[Company],
        contacts: Sequence[Contact],
        products: Sequence[Product],
    ) -> None:
        self.source = source
        self.lines = LineMaker(source, options.lines)
        # The employer sells; it buys nothing from itself unless there is nobody else.
        others = companies[1:] if len(companies) > 1 else companies
        self._buyers = [company for company in others if company.pair.customerp is not None] or list(companies[:1])
        self._linkable = [company for company in self._buyers if company.linkable]
        self._accounts = [company for company in others if company.pair.exact is not None]
        self._contacts: dict[int, list[Contact]] = {}
        for contact in contacts:
            self._contacts.setdefault(id(contact.company), []).append(contact)
        self._own_products = [product for product in products if product.pair.customerp is not None]
        self._linkable_products = [product for product in products if product.linkable]
        self._items = [product for product in products if product.pair.exact is not None]
        self._counts: dict[str, int] = {}

    def trade(self, place: Place) -> tuple[Place, Trade] | None:
        """A trade for a document in this place, or in Customerp alone when nothing is in both; None: nobody can."""
        if place == "both" and not (self._linkable and self._linkable_products):
            place = "customerp"
        if place == "exact":
            buyers, products = self._accounts, self._items
        elif place == "both" or (self._linkable and self._linkable_products and self.source.chance(0.5)):
            buyers, products = self._linkable, self._linkable_products
        else:
            buyers, products = self._buyers, self._own_products
        if not (buyers and products):
            return None
        company = self.source.pick(buyers)
        common = {
            "CustomerReference": f"{self.source.pick(('PO', 'REF', 'INK'))} {self.count('reference', 1):06d}",
            "Description": f"{self.source.pick(WORDS.projects)} {company.name}"[:60],
            "Currency": company.country.currency,
            "Remarks": self.source.pick(WORDS.document_remarks) if self.source.chance(0.4) else None,
        }
        lines = self.lines.truth(products, company.country.currency)
        return place, Trade(company, self._contact(company, place), lines, self.source.moment(), common)

    def _contact(self, company: Company, place: Place) -> Contact | None:
        fitting = [
            contact
            for contact in self._contacts.get(id(company), [])
            if (place == "exact" or contact.pair.customerp is not None)
            and (place == "customerp" or contact.pair.exact is not None)
        ]
        return self.source.pick(fitting) if fitting and self.source.chance(0.8) else None

    def count(self, name: str, first: int) -> int:
        """The next number of a series."""
        self._counts[name] = self._counts.get(name, first - 1) + 1
        return self._counts[name]

    def numbers(self, letter: str, place: Place, common: Values) -> tuple[str, int]:
        """The number of a document in Customerp and in Exact; equal numbers when it is matched by them.

        A document in both systems is matched by its number or by its reference; matched by number, it may have no
        reference.
        """
        own = f"{letter}-{self.count(f'own {letter}', 1):06d}"
        by_number = common["CustomerReference"] is None or self.source.chance(0.5)
        if place == "both" and by_number:
            shared = self.count(f"shared {letter}", _FIRST_SHARED_NUMBER)
            return str(shared), shared
        return own, self.count(f"exact {letter}", _FIRST_EXACT_NUMBER)
