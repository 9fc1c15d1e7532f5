"""The whole seed from its options."""

from collections.abc import Iterable

from talk_assets.sandbox.seed.contacts import ContactMaker
from talk_assets.sandbox.seed.damage import damage
from talk_assets.sandbox.seed.employees import EmployeeMaker
from talk_assets.sandbox.seed.model import Draft, Pair, Seed
from talk_assets.sandbox.seed.names import NameMaker
from talk_assets.sandbox.seed.options import SeedOptions, start_of_today
from talk_assets.sandbox.seed.orders import OrderMaker
from talk_assets.sandbox.seed.organisations import make_companies
from talk_assets.sandbox.seed.products import ProductMaker
from talk_assets.sandbox.seed.quotes import QuoteMaker
from talk_assets.sandbox.seed.source import Source
from talk_assets.sandbox.seed.trades import TradeMaker


def generate(options: SeedOptions) -> Seed:
    """Make up all records of both systems; equal options give equal records.

    Args:
        options: how many of which kind; without `until` the records end with today's midnight.

    Returns:
        The records, oldest change first within each kind.
    """
    source = Source(options.seed, options.until or start_of_today())
    names = NameMaker(source)
    companies = make_companies(source, options)
    employees = EmployeeMaker(source, names, companies[0]).make(options)
    contacts = ContactMaker(source, names).make(options, companies, employees)
    products = ProductMaker(source).make(options)
    trades = TradeMaker(source, options, companies, contacts, products)
    quote_maker = QuoteMaker(trades)
    quotes = quote_maker.make(options)
    orders = OrderMaker(trades, quote_maker, quotes).make(options)

    employer = companies[0].pair.exact
    seed = Seed(
        customerp={
            "customer": _own(company.pair for company in companies),
            "contact": _own(contact.pair for contact in contacts),
            "employee": _own(employee.pair for employee in employees),
            "product": _own(product.pair for product in products),
            "quote": _own(quote.pair for quote in quotes),
            "order": _own(order.pair for order in orders),
        },
        exact={
            "Accounts": _by_time(company.pair.exact for company in companies),
            # Contacts of both kinds; somebody who is employee and contact is one record.
            "Contacts": _by_time([*(one.pair.exact for one in employees), *(one.pair.exact for one in contacts)]),
            "Employees": _by_time(employee.payroll for employee in employees),
            "Items": _by_time(product.pair.exact for product in products),
            "Quotations": _by_time([*(one.pair.exact for one in quotes), *(one.quotation for one in orders)]),
            "SalesOrders": _by_time(order.pair.exact for order in orders),
        },
        employer_account=employer.key if employer is not None else "",
    )
    damage(seed, options.bad)
    return seed


def _own(pairs: Iterable[Pair]) -> list[Draft]:
    return _by_time(pair.customerp for pair in pairs)


def _by_time(drafts: Iterable[Draft | None]) -> list[Draft]:
    """The drafts that exist, each once, oldest change first."""
    by_key = {draft.key: draft for draft in drafts if draft is not None}
    return sorted(by_key.values(), key=lambda draft: (draft.modified, draft.key))
