"""A whole run on data as it lies in real systems: some of it broken, ambiguous, or not for us to write."""

import dagster as dg
import pytest

from talk_assets_tests.administration import CITY, REFUSAL, Administration
from talk_assets_tests.assets.runs import Told, kept, keys, run
from talk_assets_tests.installed import SMALL

pytestmark = pytest.mark.xdist_group("administration")


@pytest.fixture(scope="module")
def first(administration: Administration) -> Told:
    """The first run."""
    return kept(administration.place, administration.first.json["run_id"])


@pytest.fixture(scope="module")
def partly(administration: Administration) -> Told:
    """A run in which Customerp keeps its products from us, and Exact refuses a new customer."""
    return kept(administration.place, administration.partly.json["run_id"])


def test_a_run_with_bad_records_succeeds(first: Told) -> None:
    """One mistyped value keeps everything else from being equal."""
    assert first.success
    assert first.failed == {}
    assert len(first.metadata) == 38
    assert len(first.checks) == 2 * 12 + 2 * 8 + 2 * 4 + 2 * 12 + 1


def test_the_schema_check_names_record_property_and_value(first: Told) -> None:
    """Somebody is told that something is wrong, and not what."""
    customer = first.checks["customerp/customer:schema"]
    assert (customer.passed, customer.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert customer.description is not None
    assert customer.description.startswith("1 held: customerp.customer/cus-")
    assert customer.description.endswith("Country: 'NEDERLAND' is not a two-letter country code.")
    (row,) = first.beside("customerp/customer:schema")["held_records"]
    assert (row["property"], row["value"]) == ("country", "NEDERLAND")
    quote = first.checks["customerp/quote:schema"]
    assert "Quote date: '2024-13-45' is not a day" in str(quote.description)
    assert first.checks["customerp/product:schema"].passed
    assert first.checks["customerp/product:schema"].description == "Every record fits."


def test_the_schema_check_cuts_what_is_about_a_person(first: Told) -> None:
    """Whoever may look at Dagit reads people's private data."""
    contact = first.checks["customerp/contact:schema"]
    assert contact.description is not None
    assert contact.description.endswith("Email: 'g•••' is not an e-mail address.")
    assert "geen e-mail bekend" not in first.log


def test_a_record_stays_reported_as_long_as_it_is_held(partly: Told) -> None:
    """The next run, which does not read the record again, shows all green."""
    again = partly.checks["customerp/customer:schema"]
    assert not again.passed
    assert "Country: 'NEDERLAND'" in str(again.description)
    assert partly.metadata["customerp/customer"]["held"] == 0, "nothing that was read in this run is held"


def test_ambiguity_is_told_in_the_run_that_finds_it(first: Told) -> None:
    """Records that are left alone because they match twice are noticed a day late, or never."""
    contacts = first.checks["pairs/contact_contacts:ambiguity"]
    assert (contacts.passed, contacts.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "cannot be told which belong together" in str(contacts.description)
    rows = first.beside("pairs/contact_contacts:ambiguity")["held_records"]
    assert {"customerp.contact"} <= {row["entity"] for row in rows} <= {"customerp.contact", "exact.contacts"}
    assert first.checks["pairs/customer_accounts:ambiguity"].passed
    assert first.beside("pairs/customer_accounts:ambiguity")["linked"] > 0


def test_what_is_undelivered_is_told_in_words(first: Told, partly: Told) -> None:
    """A debt that only a person can settle looks like one that settles itself."""
    accounts = partly.checks["written/exact/accounts:undelivered"]
    assert (accounts.passed, accounts.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert accounts.description == "Owed: 1 refused: correct the record, it is then sent again."
    employees = first.checks["written/exact/employees:undelivered"]
    assert (employees.passed, employees.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert employees.description == "Owed: 2 for a person to enter."
    orders = first.checks["written/exact/salesorders:undelivered"]
    assert orders.severity is dg.AssetCheckSeverity.WARN
    assert "waiting for another record or a missing value" in str(orders.description)
    assert first.checks["written/customerp/customer:undelivered"].description == "Nothing is owed."


def test_counts_are_numbers_that_dagster_can_plot(first: Told) -> None:
    """A data team cannot see over the runs how much is read, linked and written."""
    expected: dict[str, dict[str, type]] = {
        "customerp/customer": {"read": int, "changed": int, "held": int, "calls": int, "seconds": float},
        "exact/deletions": {"reported": int, "calls": int, "seconds": float},
        "pairs/customer_accounts": {"linked_before": int, "looked_at": int, "proposed": int},
        "merged/organisation": {"decided": int, "linked": int, "held": int, "changes": int, "conflicts": int},
        "written/exact/accounts": {"created": int, "updated": int, "failed": int, "calls": int, "read_back": int},
    }
    for name, kinds in expected.items():
        assert {key: type(first.metadata[name][key]) for key in kinds} == kinds, name
    assert first.metadata["customerp/customer"]["read"] == SMALL["customers"]
    assert first.metadata["customerp/customer"]["held"] == 1
    assert first.metadata["written/exact/accounts"]["failed"] == 0
    assert first.metadata["written/exact/accounts"]["created"] > 0
    assert first.metadata["pairs/customer_accounts"]["proposed"] > 0
    accounts = first.metadata["written/exact/accounts"]
    assert accounts["calls"] >= accounts["created"] + accounts["updated"]


def test_samples_of_companies_are_whole_and_of_people_cut(first: Told) -> None:
    """Metadata says nothing, or says too much."""
    companies = first.metadata["written/exact/accounts"]["written"]
    names = {row["after"] for row in companies if row["property"] == "Name"}
    assert names
    assert not [name for name in names if "•" in name]
    people = first.metadata["written/exact/contacts"]["written"]
    shown = {row["property"]: row["after"] for row in people}
    assert shown["LastName"].endswith("•••")
    assert len(shown["LastName"]) == 4
    assert len(shown["Account"]) == 36, "a reference tells nothing about the person"


def test_nothing_about_people_is_in_the_event_log(first: Told, partly: Told, administration: Administration) -> None:
    """Logs are kept for months and read by many."""
    people = [*administration.systems.customerp("contacts"), *administration.systems.customerp("employees")]
    private = {
        str(one[name]) for one in people for name in ("Email", "Phone", "BirthDate", "PrivateEmail") if one.get(name)
    }
    companies = str(administration.systems.customerp("customers")) + str(administration.systems.exact("Accounts"))
    private = {value for value in private if value not in companies}
    assert len(private) > 20
    for told in (first, partly):
        assert not [value for value in private if value in told.log]
        assert not [secret for secret in administration.systems.secrets if secret in told.log]


def test_owed_writes_say_what_is_to_be_done(first: Told, partly: Told, administration: Administration) -> None:
    """The table beside a sink is too wide to read, and does not tell what is missing."""
    (refused,) = partly.metadata["written/exact/accounts"]["owed_writes"]
    assert refused["record"] == f"for customerp.customer/{administration.newcomer}"
    assert (refused["operation"], refused["state"]) == ("create", "dead")
    assert REFUSAL in refused["what"]
    by_hand = first.metadata["written/exact/employees"]["owed_writes"]
    assert {row["state"] for row in by_hand} == {"person"}
    assert all({"last_name", "employee_number"} <= set(row["what"].split(", ")) for row in by_hand)
    orders = first.metadata["written/exact/salesorders"]["owed_writes"]
    assert [row for row in orders if row["state"] == "waiting" and "its line" in row["what"]]


def test_a_feed_that_cannot_be_read_stops_its_own_subject_only(
    first: Told, partly: Told, administration: Administration
) -> None:
    """A right that is missing in one place stops all synchronisation, or products are matched half read."""
    assert not partly.success
    assert set(partly.failed) == {"customerp__product"}
    sentence = partly.failed["customerp__product"]
    assert sentence.startswith("reading customerp.product: Customerp answered 403")
    assert "\n" not in sentence
    left_out = set(first.metadata) - set(partly.metadata) - {"customerp/product"}
    assert left_out == {
        "pairs/product_items",
        "pairs/quote_quotations",
        "pairs/order_quotations",
        "pairs/order_salesorders",
        "merged/product",
        "merged/sales_document",
        *(f"written/{name}" for name in ("exact/items", "exact/quotations", "exact/salesorders")),
        *(f"written/{name}" for name in ("customerp/product", "customerp/quote", "customerp/order")),
    }
    accounts = partly.metadata["written/exact/accounts"]
    assert (accounts["updated"], accounts["failed"]) == (1, 1)
    assert CITY in {account.get("City") for account in administration.systems.exact("Accounts").values()}


def test_one_asset_alone_can_be_materialized(partly: Told, administration: Administration) -> None:
    """Somebody who corrected a mapping has to run everything to see its effect."""
    alone = run(administration.place, keys("merged/organisation"))
    assert alone.success
    assert set(alone.metadata) == {"merged/organisation"}
    assert set(alone.checks) == {"merged/organisation:conflicts", "merged/organisation:schema"}
    assert alone.metadata["merged/organisation"]["decided"] >= 0


def test_the_ledger_knows_how_each_run_ended(first: Told, partly: Told, administration: Administration) -> None:
    """`status` calls a run good in which a subject was not synchronised."""
    rows = {row.partition(",")[0].removeprefix("("): row for row in administration.place.tables()["run"]}
    assert ",done," in rows[first.run_id]
    assert ",failures," in rows[partly.run_id]
