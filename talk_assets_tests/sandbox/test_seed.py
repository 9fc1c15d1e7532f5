"""The made-up data: the same for the same seed, and with everything in it that two systems do to each other."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from talk_assets.sandbox.customerp.entities import ENTITIES
from talk_assets.sandbox.customerp.validation import faults
from talk_assets.sandbox.exact.state import ExactState
from talk_assets.sandbox.seed.generate import generate
from talk_assets.sandbox.seed.load import load
from talk_assets.sandbox.seed.model import Draft, Seed
from talk_assets.sandbox.seed.options import SeedOptions
from talk_assets.sandbox.store import Store
from talk_assets_tests.sandbox.pairs import Match, all_pairs, plain, text

UNTIL = datetime(2024, 7, 1, tzinfo=UTC)
LINE_SETS = ("QuotationLines", "SalesOrderLines")
UNMAPPED_IN_CUSTOMERP: dict[str, tuple[str, ...]] = {
    "customer": ("CreditLimit", "Notes"),
    "contact": ("Newsletter", "Notes"),
    "employee": ("Department",),
    "product": ("Weight",),
    "quote": ("InternalNote",),
    "order": ("InternalNote",),
}
UNMAPPED_IN_EXACT: dict[str, tuple[str, ...]] = {
    "Accounts": ("Remarks", "SearchCode", "CreditLineSales"),
    "Contacts": ("Notes", "Initials"),
    "Items": ("Notes", "NetWeight"),
    "Quotations": ("ClosingDate",),
    "SalesOrders": ("PaymentCondition",),
}
# Weights of the digits, the check digit's last.
ORGANISATION_NUMBER = (3, 2, 7, 6, 5, 4, 3, 2, 1)
DUTCH_VAT_NUMBER = (9, 8, 7, 6, 5, 4, 3, 2, -1)


@pytest.fixture(scope="module")
def seed() -> Seed:
    return generate(SeedOptions(until=UNTIL))


@pytest.fixture(scope="module")
def pairs(seed: Seed) -> dict[str, Match]:
    return all_pairs(seed)


@pytest.fixture(scope="module")
def drafts(seed: Seed) -> dict[str, Draft]:
    return {draft.key: draft for kinds in (seed.customerp, seed.exact) for kind in kinds.values() for draft in kind}


def stored(options: SeedOptions) -> dict[str, Any]:
    """Everything that a store holds after seeding; Exact gives lines keys of its own."""
    store = Store()
    load(generate(options), store, ExactState(store, 7))
    found: dict[str, Any] = {}
    for system, division, entities in (
        ("customerp", "main", list(ENTITIES)),
        ("exact", "7", ["Accounts", "Contacts", "Employees", "Items", "Quotations", "SalesOrders", *LINE_SETS]),
    ):
        for record in store.changed_since(system, division, entities, 0, 10**6):
            key = record.key if record.entity not in LINE_SETS else str(record.sequence)
            body = {
                name: value for name, value in record.body.items() if record.entity not in LINE_SETS or name != "ID"
            }
            found[f"{system} {record.entity} {key}"] = (body, record.sequence, record.modified)
    store.close()
    return found


def test_same_seed_gives_the_same_records() -> None:
    """Without it a finding made on one machine could not be looked at on another."""
    options = SeedOptions(seed=5, customers=30, contacts=30, products=20, quotes=15, orders=15, until=UNTIL)
    assert generate(options) == generate(options)
    assert stored(options) == stored(options)


def test_another_seed_gives_other_records(seed: Seed) -> None:
    """Without it nobody could try more than one set of data."""
    other = generate(SeedOptions(seed=2, until=UNTIL))
    assert {one.values["Name"] for one in other.customerp["customer"]} != {
        one.values["Name"] for one in seed.customerp["customer"]
    }


def test_counts_are_those_asked_for(seed: Seed) -> None:
    """Without it a measurement would be about another amount than it says."""
    options = SeedOptions()
    assert {name: len(found) for name, found in seed.customerp.items()} == {
        name: getattr(options, f"{name}s") for name in seed.customerp
    }
    fixed = generate(SeedOptions(customers=10, contacts=0, products=5, quotes=4, orders=6, lines=7, until=UNTIL))
    documents = [*fixed.customerp["quote"], *fixed.customerp["order"], *fixed.exact["SalesOrders"]]
    assert {len(document.lines) for document in documents} == {7}


@pytest.mark.parametrize(("overlap", "expected"), [(0.0, 0), (0.5, 100), (1.0, 200)])
def test_overlap_is_the_share_in_both_systems(overlap: float, expected: int) -> None:
    """Without it a trial of many matches or none could not be set up."""
    seed = generate(SeedOptions(overlap=overlap, duplicates=0, until=UNTIL))
    pairs = all_pairs(seed)
    assert len(pairs["customer_accounts"]) == expected
    assert len(pairs["product_items"]) == 120 * overlap
    assert len(pairs["contact_contacts"]) == pytest.approx(300 * overlap, abs=3)
    assert len(pairs["quote_quotations"]) == 80 * overlap
    assert len(pairs["order_salesorders"]) == 120 * overlap


def test_every_flow_has_several_pairs(pairs: dict[str, Match]) -> None:
    """Without it the demonstration would show flows in which nothing happens."""
    assert {flow for flow, found in pairs.items() if len(found) < 8} == set()


def test_matches_come_by_every_criterion(seed: Seed, pairs: dict[str, Match], drafts: dict[str, Draft]) -> None:
    """Without it a criterion could be broken without any of the made-up data showing it."""

    def equal(flow: str, own: str, exact: str) -> list[bool]:
        return [plain(drafts[one], own) == plain(drafts[other], exact) != "" for one, other in pairs[flow]]

    for flow, own, exact in (
        ("customer_accounts", "OrganizationNumber", "ChamberOfCommerce"),
        ("customer_accounts", "VatNumber", "VATNumber"),
        ("contact_contacts", "Email", "Email"),
        ("contact_contacts", "FirstName", "FirstName"),
        ("employee_employees", "Number", "EmployeeHID"),
        ("employee_employees", "Email", "BusinessEmail"),
        ("product_items", "Number", "Code"),
        ("product_items", "Barcode", "Barcode"),
        ("quote_quotations", "Number", "QuotationNumber"),
        ("order_salesorders", "Number", "OrderNumber"),
    ):
        found = Counter(equal(flow, own, exact))
        assert found[True] >= 2, (flow, own)
        assert found[False] >= 2, (flow, own)


def test_pairs_differ_as_real_ones_do(pairs: dict[str, Match], drafts: dict[str, Draft]) -> None:
    """Without it spelling, missing values and edits on both sides would be tried on nothing."""
    seen: Counter[str] = Counter()
    for one, other in pairs["customer_accounts"]:
        own, exact = drafts[one], drafts[other]
        seen["own is newer" if own.modified > exact.modified else "exact is newer"] += 1
        for name, theirs in (
            ("Email", "Email"),
            ("Phone", "Phone"),
            ("VatNumber", "VATNumber"),
            ("ZipCode", "Postcode"),
            ("Name", "Name"),
        ):
            if not own.values[name] or not exact.values[theirs]:
                seen[f"{name} missing"] += 1
            elif own.values[name] != exact.values[theirs]:
                same = plain(own, name) == plain(exact, theirs)
                seen[f"{name} {'spelt differently' if same else 'different'}"] += 1
    for sight in (
        "own is newer", "exact is newer", "Email missing", "Email spelt differently", "Email different",
        "Phone missing",
        "Phone spelt differently", "Phone different", "VatNumber missing", "VatNumber spelt differently",
        "ZipCode spelt differently", "ZipCode different", "Name spelt differently",
    ):  # fmt: skip
        assert seen[sight] >= 2, sight


def test_lines_and_prices_differ_in_some_documents(pairs: dict[str, Match], drafts: dict[str, Draft]) -> None:
    """Without it the linking of lines would never meet a line that changed or is missing."""
    seen: Counter[str] = Counter()
    for one, other in pairs["order_salesorders"]:
        own, exact = drafts[one].lines, drafts[other].lines
        seen["missing line"] += len(own) > len(exact)
        for mine, theirs in zip(own, exact, strict=False):
            seen["quantity"] += mine["Quantity"] != theirs["Quantity"]
            seen["price"] += mine["UnitPrice"] != theirs["UnitPrice"]
            if mine["DiscountPercent"] is not None:
                assert theirs["Discount"] * 100 == mine["DiscountPercent"]
                seen["discount"] += 1
    assert min(seen[sight] for sight in ("missing line", "quantity", "price", "discount")) >= 1


def test_both_sides_have_records_of_their_own(seed: Seed, pairs: dict[str, Match]) -> None:
    """Without it inserts, and records that exist in Exact only, would not be seen."""
    for flow, entity, set_name in (
        ("customer_accounts", "customer", "Accounts"),
        ("contact_contacts", "contact", "Contacts"),
        ("employee_employees", "employee", "Employees"),
        ("product_items", "product", "Items"),
        ("quote_quotations", "quote", "Quotations"),
        ("order_salesorders", "order", "SalesOrders"),
    ):
        assert {one.key for one in seed.customerp[entity]} - {own for own, _ in pairs[flow]}, flow
        assert {one.key for one in seed.exact[set_name]} - {exact for _, exact in pairs[flow]}, flow


def test_few_keys_are_shared_inside_a_system(seed: Seed, pairs: dict[str, Match]) -> None:
    """Without it ambiguous matches, which must be held, would not be seen; with many, little else would."""
    ambiguous = {
        flow: sum(count > 1 for side in (0, 1) for count in Counter(pair[side] for pair in found).values())
        for flow, found in pairs.items()
    }
    assert all(1 <= ambiguous[flow] <= 6 for flow in ("customer_accounts", "product_items")), ambiguous
    vat_numbers = Counter(plain(one, "VatNumber") for one in seed.customerp["customer"] if plain(one, "VatNumber"))
    assert [count for count in vat_numbers.values() if count > 1] == [2, 2]
    assert sum(ambiguous[flow] for flow in ("quote_quotations", "order_salesorders", "employee_employees")) == 0
    none = all_pairs(generate(SeedOptions(duplicates=0, until=UNTIL)))
    for found in none.values():
        assert len(found) == len({own for own, _ in found}) == len({exact for _, exact in found})


def test_some_people_are_employee_and_contact(pairs: dict[str, Match], drafts: dict[str, Draft]) -> None:
    """Without it a person with four records would never be decided once instead of pairwise."""
    contact_of = {exact: own for own, exact in pairs["contact_contacts"]}
    everywhere = [
        own
        for own, exact in pairs["employee_contacts"]
        if exact in contact_of and own in dict(pairs["employee_employees"])
    ]
    assert len(everywhere) == 3
    for own in everywhere:
        assert text(drafts[own], "PrivateEmail")


def test_employer_has_an_account(seed: Seed, drafts: dict[str, Draft]) -> None:
    """Without it employees could not become contacts: they hang under their employer's account."""
    account = drafts[seed.employer_account]
    assert account in seed.exact["Accounts"]
    employees = {text(one, "Email") for one in seed.customerp["employee"]}
    colleagues = [one for one in seed.exact["Contacts"] if text(one, "BusinessEmail") in employees]
    assert len(colleagues) >= 8
    assert {one.values["Account"] for one in colleagues} == {seed.employer_account}


def test_orders_come_from_quotes_and_without(seed: Seed, pairs: dict[str, Match], drafts: dict[str, Draft]) -> None:
    """Without it the cluster of quote, order, quotation and sales order would not be tried."""
    made_from = Counter(order.values["QuoteId"] for order in seed.customerp["order"])
    assert made_from.pop(None) >= 40
    assert len(made_from) >= 20
    assert set(made_from.values()) == {1}
    quotation_of, salesorder_of = dict(pairs["quote_quotations"]), dict(pairs["order_salesorders"])
    whole = [
        order
        for order in seed.customerp["order"]
        if order.values["QuoteId"] in quotation_of and order.key in salesorder_of
    ]
    assert len(whole) >= 5
    for order in whole:
        quote = drafts[order.values["QuoteId"]]
        assert order.values["CustomerId"] == quote.values["CustomerId"]
        assert [line["ProductId"] for line in order.lines] == [line["ProductId"] for line in quote.lines]


def test_numbers_that_exact_gives_out_are_nobodys_yet(seed: Seed, pairs: dict[str, Match]) -> None:
    """Without it a created document could get, by accident, the number of another one and be linked to it."""
    for flow, entity, set_name, number in (
        ("quote_quotations", "quote", "Quotations", "QuotationNumber"),
        ("order_salesorders", "order", "SalesOrders", "OrderNumber"),
        ("customer_accounts", "customer", "Accounts", "Code"),
        ("employee_employees", "employee", "Employees", "EmployeeHID"),
    ):
        highest = max(int(one.values[number]) for one in seed.exact[set_name])
        digits = [one.values["Number"] for one in seed.customerp[entity] if text(one, "Number").isdigit()]
        assert digits, flow
        assert all(int(own) < highest for own in digits), flow


def test_properties_of_no_mapping_are_filled(seed: Seed) -> None:
    """Without it nobody would notice a sync that empties what it does not know."""
    for kinds, unmapped in ((seed.customerp, UNMAPPED_IN_CUSTOMERP), (seed.exact, UNMAPPED_IN_EXACT)):
        for kind, names in unmapped.items():
            for name in names:
                assert any(one.values.get(name) is not None for one in kinds[kind]), (kind, name)
    for documents in (seed.customerp["order"], seed.exact["SalesOrders"]):
        lines = [line for document in documents for line in document.lines]
        assert any(line.get("Remark") or line.get("Notes") for line in lines)


def test_times_lie_in_the_last_two_years(seed: Seed) -> None:
    """Without it "the latest wins" would be tried on records of one moment, or of the future."""
    for kind in (*seed.customerp.values(), *seed.exact.values()):
        times = [draft.modified for draft in kind]
        assert times == sorted(times)
        assert all(UNTIL - timedelta(days=731) < moment < UNTIL for moment in times)
        assert max(times) - min(times) > timedelta(days=200)


def test_numbers_are_valid(seed: Seed) -> None:
    """Without it a check that a team adds to its mapping would refuse the demonstration's data."""
    countries: Counter[str] = Counter()
    for customer in seed.customerp["customer"]:
        country, number, vat = (
            customer.values["Country"],
            plain(customer, "OrganizationNumber"),
            plain(customer, "VatNumber"),
        )
        countries[country] += 1
        if country == "NL":
            assert not number or len(number) == 8
            assert not vat or passes(vat[2:11], *DUTCH_VAT_NUMBER)
        else:
            assert not number or passes(number, *ORGANISATION_NUMBER)
            assert not vat or (passes(vat[2:11], *ORGANISATION_NUMBER) and vat.startswith("no") and vat.endswith("mva"))
    assert countries.keys() == {"NL", "NO"}
    assert min(countries.values()) > 40
    barcodes = [one.values["Barcode"] for one in seed.exact["Items"] if one.values["Barcode"]]
    assert barcodes
    for code in barcodes:
        assert sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(code)) % 10 == 0


def passes(number: str, *weights: int) -> bool:
    """Whether the weighted sum of the digits is a multiple of eleven."""
    return sum(int(digit) * weight for digit, weight in zip(number, weights, strict=True)) % 11 == 0


def test_known_numbers_pass() -> None:
    """Without it the checks above could be consistent and yet not those of the two countries."""
    assert passes("974760673", *ORGANISATION_NUMBER)
    assert not passes("974760674", *ORGANISATION_NUMBER)
    assert passes("111222333", *DUTCH_VAT_NUMBER)
    assert not passes("111222334", *DUTCH_VAT_NUMBER)


@pytest.mark.parametrize("wanted", [1, 7, 40])
def test_bad_records_are_as_many_as_asked_for(wanted: int) -> None:
    """Without it nobody could see that a bad record holds back itself and nothing else."""
    options = SeedOptions(
        customers=30, contacts=30, employees=10, products=20, quotes=15, orders=15, bad=wanted, until=UNTIL
    )
    good, bad = generate(SeedOptions(**{**vars_of(options), "bad": 0})), generate(options)
    changed = [
        (entity, one.key)
        for entity, kind in bad.customerp.items()
        for one, before in zip(kind, good.customerp[entity], strict=True)
        if one != before
    ]
    assert len(changed) == wanted
    assert bad.exact == good.exact
    assert {entity for entity, _ in changed} >= ({"contact", "quote"} if wanted > 1 else {"contact"})


def test_more_bad_records_than_records_break_them_all() -> None:
    """Without it a large number would keep the sandbox from ever starting."""
    seed = generate(
        SeedOptions(customers=1, contacts=1, employees=0, products=1, quotes=0, orders=0, bad=100, until=UNTIL)
    )
    assert "@" not in seed.customerp["contact"][0].values["Email"]


def test_good_records_keep_the_rules(seed: Seed) -> None:
    """Without it records that were not asked to be bad would be held in the demonstration."""
    known = {(entity, one.key) for entity, kind in seed.customerp.items() for one in kind}
    for name, kind in seed.customerp.items():
        entity = ENTITIES[name]
        for one in kind:
            assert faults(entity, one.values, one.values, lambda *place: place in known) == [], (name, one)
            for line in one.lines:
                assert entity.lines is not None
                values = {key: value for key, value in line.items() if key != "Id"}
                assert faults(entity.lines, values, values, lambda *place: place in known) == [], (name, line)


def vars_of(options: SeedOptions) -> dict[str, Any]:
    return {name: getattr(options, name) for name in options.__dataclass_fields__}


def test_decimals_are_exact(seed: Seed) -> None:
    """Without it a price of 12.50 would start its life with the noise of a binary fraction."""
    for order in seed.customerp["order"]:
        for line in order.lines:
            assert isinstance(line["UnitPrice"], Decimal)
            assert line["UnitPrice"] == line["UnitPrice"].quantize(Decimal("0.01"))
