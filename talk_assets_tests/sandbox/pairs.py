"""Which seeded records are the same, found by the shared criteria as a person would apply them.

Written apart from the product's own matching, so that the seed does not depend on the code it is to try.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable

from talk_assets.sandbox.seed.model import Draft, Seed

Match = set[tuple[str, str]]  # key in Customerp, key in Exact
Key = Callable[[Draft], tuple[Hashable, ...]]


def text(draft: Draft, name: str) -> str:
    return str(draft.values.get(name) or "").strip().lower()


def plain(draft: Draft, name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text(draft, name))


def joined(own: Iterable[Draft], exact: Iterable[Draft], own_key: Key, exact_key: Key) -> Match:
    """Pairs whose keys are equal and have no empty part."""
    found: dict[tuple[Hashable, ...], list[str]] = defaultdict(list)
    for draft in exact:
        found[exact_key(draft)].append(draft.key)
    return {(one.key, other) for one in own if all(own_key(one)) for other in found.get(own_key(one), [])}


def all_pairs(seed: Seed) -> dict[str, Match]:
    """Flow to pairs, ambiguous ones included."""
    own, exact = seed.customerp, seed.exact
    accounts = (
        joined(
            own["customer"],
            exact["Accounts"],
            lambda c: (plain(c, "OrganizationNumber"),),
            lambda a: (plain(a, "ChamberOfCommerce"),),
        )
        | joined(
            own["customer"], exact["Accounts"], lambda c: (plain(c, "VatNumber"),), lambda a: (plain(a, "VATNumber"),)
        )
        | joined(
            own["customer"],
            exact["Accounts"],
            lambda c: (text(c, "Name"), plain(c, "ZipCode")),
            lambda a: (text(a, "Name"), plain(a, "Postcode")),
        )
    )
    account_of = dict(accounts)
    items = joined(
        own["product"], exact["Items"], lambda p: (text(p, "Number"),), lambda i: (text(i, "Code"),)
    ) | joined(own["product"], exact["Items"], lambda p: (text(p, "Barcode"),), lambda i: (text(i, "Barcode"),))
    quotes = _documents(seed, "quote", "Quotations", "QuotationNumber", "OrderAccount", account_of)
    quotation_of = dict(quotes)
    orders = {order.key: order for order in own["order"]}
    from_quote = {
        (key, quotation_of[order.values["QuoteId"]])
        for key, order in orders.items()
        if order.values["QuoteId"] in quotation_of
    }
    without_quote = [order for order in own["order"] if order.values["QuoteId"] is None]
    return {
        "customer_accounts": accounts,
        "contact_contacts": _contacts(seed, account_of),
        "employee_contacts": joined(
            own["employee"], exact["Contacts"], lambda e: (text(e, "Email"),), lambda c: (text(c, "BusinessEmail"),)
        ),
        "employee_employees": _employees(seed),
        "product_items": items,
        "order_quotations": from_quote | _by_reference(without_quote, exact["Quotations"], "OrderAccount", account_of),
        "order_salesorders": _documents(seed, "order", "SalesOrders", "OrderNumber", "OrderedBy", account_of),
        "quote_quotations": quotes,
    }


def _contacts(seed: Seed, account_of: dict[str, str]) -> Match:
    own, exact = seed.customerp["contact"], seed.exact["Contacts"]

    def account(contact: Draft) -> str | None:
        return account_of.get(contact.values["CustomerId"])

    return joined(
        own, exact, lambda c: (text(c, "Email"), account(c)), lambda c: (text(c, "Email"), c.values["Account"])
    ) | joined(
        own,
        exact,
        lambda c: (text(c, "FirstName"), text(c, "LastName"), account(c)),
        lambda c: (text(c, "FirstName"), text(c, "LastName"), c.values["Account"]),
    )


def _employees(seed: Seed) -> Match:
    own, exact = seed.customerp["employee"], seed.exact["Employees"]

    def person(draft: Draft) -> tuple[Hashable, ...]:
        return text(draft, "FirstName"), text(draft, "LastName"), text(draft, "BirthDate")

    return (
        joined(own, exact, lambda e: (text(e, "Number"),), lambda e: (text(e, "EmployeeHID"),))
        | joined(own, exact, lambda e: (text(e, "Email"),), lambda e: (text(e, "BusinessEmail"),))
        | joined(own, exact, person, person)
    )


def _documents(seed: Seed, entity: str, set_name: str, number: str, account: str, account_of: dict[str, str]) -> Match:
    own, exact = seed.customerp[entity], seed.exact[set_name]
    by_number = joined(own, exact, lambda d: (text(d, "Number"),), lambda d: (text(d, number),))
    return by_number | _by_reference(own, exact, account, account_of)


def _by_reference(own: Iterable[Draft], exact: Iterable[Draft], account: str, account_of: dict[str, str]) -> Match:
    return joined(
        own,
        exact,
        lambda d: (text(d, "CustomerReference"), account_of.get(d.values["CustomerId"])),
        lambda d: (text(d, "YourRef"), d.values[account]),
    )
