"""What a preview tells about two systems before anything is written to them."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from talk_assets.onboarding.report import FlowReport, Report, Side, report_of
from talk_assets.onboarding.tables import markdown, tables
from talk_assets_tests.conftest import DatabaseServer
from talk_assets_tests.cycle.done import Report as Done
from talk_assets_tests.cycle.harness import World, open_world


@dataclass
class Found:
    """A report, and keys of the records in it."""

    report: Report
    world: World
    keys: dict[str, str]

    def flow(self, name: str) -> FlowReport:
        return next(flow for flow in self.report.flows if flow.flow == name)


@pytest.fixture(scope="module")
def found(database_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Found]:
    url = database_server.create_ledger()
    with open_world(url, tmp_path_factory.mktemp("onboarding")) as world:
        keys = _fill(world)
        with world.installation.cycle("preview", preview=True) as cycle:
            done = Done()
            world.take(cycle, done)
            world.give(cycle, done)
            report = report_of(cycle)
        yield Found(report, world, keys)
    database_server.drop(url)


def _fill(world: World) -> dict[str, str]:
    customer, account = "customerp.customer", "exact.accounts"
    keys = {
        "registered": world.add(
            customer, Name="Jansen", OrganizationNumber="1", Phone="1", modified="2024-01-01T00:00:00Z"
        ),
        "registered there": world.add(
            account, Name="Jansen BV", ChamberOfCommerce="1", Phone="1", City="Urk", modified="2024-02-01T00:00:00Z"
        ),
        "taxed": world.add(customer, Name="De Vries | Zonen", VatNumber="NL1", modified="2024-03-01T00:00:00Z"),
        "taxed there": world.add(account, Name="Vries, de", VATNumber="NL1", modified="2024-02-01T00:00:00Z"),
        "keyless": world.add(customer, Name="Nergens"),
        "lonely": world.add(customer, Name="Alleen", OrganizationNumber="7"),
        "stranger": world.add(account, Name="Vreemd", ChamberOfCommerce="8"),
        "twin": world.add(customer, Name="Dubbel", OrganizationNumber="5"),
        "other twin": world.add(customer, Name="Dubbel 2", OrganizationNumber="5"),
        "odd": world.add(customer, Name="Raar", OrganizationNumber="6", Country="NEDERLAND", checked=False),
    }
    keys["contact"] = world.add("customerp.contact", CustomerId=keys["odd"], FirstName="Eva", LastName="Vos")
    return keys


def test_pairs_by_criterion(found: Found) -> None:
    """Nobody sees that a criterion finds nothing, or far too much, before it has written."""
    assert found.flow("customer_accounts").criteria == {
        "registration_number": 1,
        "vat_number": 1,
        "name and postcode": 0,
    }
    assert "QuoteId names it" in found.flow("order_quotations").criteria


def test_both_sides_are_counted(found: Found) -> None:
    """Records would be created by the hundred that only lack a number to be found by."""
    ours, theirs = found.flow("customer_accounts").sides
    assert ours == Side("customerp.customer", 7, matched=2, elsewhere=0, unmatched=5, ambiguous=2, without_key=1)
    # The employer's own account is there as well, without a counterpart or a number.
    assert theirs == Side("exact.accounts", 4, matched=2, elsewhere=0, unmatched=2, ambiguous=0, without_key=1)


def test_records_are_named(found: Found) -> None:
    """A count sends people searching in two systems for what it counts."""
    report, keys = found.report, found.keys
    assert {(each.record, each.label) for each in report.ambiguous} == {
        (f"customerp.customer/{keys['twin']}", "Dubbel"),
        (f"customerp.customer/{keys['other twin']}", "Dubbel 2"),
    }
    keyless = {each.record: each for each in report.without_key}
    named = keyless[f"customerp.customer/{keys['keyless']}"]
    assert named.label == "Nergens"
    assert named.reason == "it has no value for registration_number, nor for vat_number, nor for name and postcode"
    held = {each.record: each.reason for each in report.held}
    assert "'NEDERLAND' is not a two-letter country code" in held[f"customerp.customer/{keys['odd']}"]
    assert f"customerp.contact/{keys['contact']}" in held
    assert report.totals["ambiguous"] == 2
    assert report.totals["held"] == len(report.held)


def test_who_would_win(found: Found) -> None:
    """Values that a team trusts are overwritten by the other side's, property by property, unannounced."""
    keys = found.keys
    told = {(each.property, each.winner): each for each in found.report.differences}
    assert set(told) == {("name", "exact.accounts"), ("name", "customerp.customer")}
    theirs = told["name", "exact.accounts"]
    assert (theirs.loser, theirs.rule, theirs.count) == ("customerp.customer", "latest", 1)
    assert theirs.example == {
        "winner": f"exact.accounts/{keys['registered there']}",
        "value": "Jansen BV",
        "loser": f"customerp.customer/{keys['registered']}",
        "loser_value": "Jansen",
    }


def test_what_would_be_written(found: Found) -> None:
    """The size of the first write is known when it is done."""
    planned = {each.entity: each for each in found.report.planned}
    accounts = planned["exact.accounts"]
    assert (accounts.creates, accounts.updates, accounts.replaced, accounts.filled) == (2, 1, 1, 0)
    customers = planned["customerp.customer"]
    assert (customers.creates, customers.updates, customers.replaced, customers.filled) == (0, 1, 1, 1)


def test_a_document_for_those_who_decide(found: Found) -> None:
    """The report cannot be sent to the person whose books they are, or a name breaks its tables."""
    text = markdown(found.report)
    for table in tables(found.report):
        assert f"\n## {table.title}\n" in text
    assert "| customer_accounts | registration_number | 1 |" in text
    assert "'De Vries \\| Zonen' of customerp.customer/" in text
    assert "Nothing was written." in text


def test_nothing_is_stored(found: Found) -> None:
    """Whoever only looked has begun."""
    assert found.world.rows("select * from talk.record") == []
    assert found.world.rows("select * from talk.history") == []
