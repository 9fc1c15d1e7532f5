"""Seeding both systems: any options, whole or not at all, and numbers that go on."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from talk_assets.errors import ConfigurationError
from talk_assets.sandbox.customerp.entities import ENTITIES
from talk_assets.sandbox.customerp.state import CustomerpState
from talk_assets.sandbox.exact.state import ExactState
from talk_assets.sandbox.seed.generate import generate
from talk_assets.sandbox.seed.load import load
from talk_assets.sandbox.seed.options import SeedOptions
from talk_assets.sandbox.store import Store

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


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 10**6),
    counts=st.tuples(*(st.integers(low, 12) for low in (1, 0, 0, 1, 0, 0))),
    overlap=st.floats(0, 1),
    bad=st.integers(0, 3),
    lines=st.none() | st.integers(1, 5),
)
def test_any_options_can_be_loaded(
    seed: int, counts: tuple[int, ...], overlap: float, bad: int, lines: int | None
) -> None:
    """Without it a start with other numbers than the default's could fail on data that Exact refuses."""
    customers, contacts, employees, products, quotes, orders = counts
    options = SeedOptions(
        seed=seed, customers=customers, contacts=contacts, employees=employees, products=products, quotes=quotes,
        orders=orders, overlap=overlap, bad=bad, lines=lines, until=UNTIL,
    )  # fmt: skip
    store = Store()
    made = generate(options)
    load(made, store, ExactState(store, 7))
    for entity, kind in made.customerp.items():
        assert store.count("customerp", "main", entity) == len(kind) == getattr(options, f"{entity}s")
    assert store.get("exact", "7", "Accounts", made.employer_account) is not None
    store.close()


def test_numbers_go_on_after_the_seeded_ones() -> None:
    """Without it a new customer would get a number of long ago, and in Exact the code of another company."""
    store = Store()
    load(generate(SeedOptions(customers=50, quotes=0, orders=30, until=UNTIL)), store, ExactState(store, 7))
    state = CustomerpState(store)
    seeded = {one.body.get("Number") for one in store.list("customerp", "main", "customer")}
    number = state.create(ENTITIES["customer"], {"Name": "New"})["Number"]
    assert int(number) > max(int(one) for one in seeded if one and one.isdigit())
    orders = [str(one.body["Number"]) for one in store.list("customerp", "main", "order")]
    assert state.create(ENTITIES["order"], {})["Number"] > max(one for one in orders if one.startswith("O-"))
    store.close()


def test_failed_load_leaves_nothing() -> None:
    """Without it an interrupted first start would leave half of the data behind for good."""
    seed = generate(SeedOptions(customers=5, contacts=5, products=5, quotes=3, orders=3, until=UNTIL))
    seed.exact["Accounts"][0].values["Country"] = "Nederland"
    store = Store()
    with pytest.raises(Exception, match="Country"):
        load(seed, store, ExactState(store, 7))
    assert store.count("customerp", "main", "customer") == 0


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"customers": -1}, "customers"),
        ({"overlap": 1.5}, "overlap"),
        ({"lines": 0}, "lines"),
        ({"customers": 0}, "customers"),
        ({"products": 0}, "products"),
    ],
)
def test_impossible_options_are_named(wrong: dict[str, Any], named: str) -> None:
    """Without it a mistyped option would end in a traceback."""
    with pytest.raises(ConfigurationError, match=named):
        SeedOptions(**wrong)
