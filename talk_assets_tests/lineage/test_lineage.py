"""Where every column comes from, as it follows from the mappings that are shipped and from those of a team."""

import json
from itertools import product
from pathlib import Path

import pytest

from talk_assets.errors import ConfigurationError
from talk_assets.lineage.columns import asset_columns
from talk_assets.lineage.derive import column_lineage
from talk_assets.lineage.parts import Part, parts_of
from talk_assets.lineage.walk import Node, Place, find_column, steps, walk_down, walk_up
from talk_assets.mappings.load import load_capabilities, load_mappings
from talk_assets.mappings.model import Mappings
from talk_assets_tests.installed import Home
from talk_assets_tests.mappings.broken import copy_mappings, replace

CAPABILITIES = load_capabilities()
SHIPPED = load_mappings(None, CAPABILITIES)
LINEAGE = column_lineage(SHIPPED, CAPABILITIES)


@pytest.fixture(scope="module")
def of_a_team(tmp_path_factory: pytest.TempPathFactory) -> Mappings:
    """Mappings with what the shipped ones do not have."""
    folder = copy_mappings(tmp_path_factory.mktemp("mappings"))
    replace(
        folder / "organisation.yaml",
        "\nproperties:\n",
        "    join: {entity: customerp.customer, name: Notes, to: exact.accounts, written: true}\n"
        "filters:\n  customerp.customer:\n    read: [{name: CreditLimit, filled: true}]\n"
        "  exact.accounts:\n    write: [{name: country, equals: [NL]}]\n\nproperties:\n",
    )
    replace(
        folder / "person.yaml",
        "\nproperties:\n",
        "deletions:\n  customerp.contact:\n    archive: {name: Notes, value: gone}\n\nproperties:\n",
    )
    return load_mappings(folder, CAPABILITIES, ["employee_employees"])


@pytest.fixture(params=["shipped", "of a team"])
def mappings(request: pytest.FixtureRequest, of_a_team: Mappings) -> Mappings:
    return SHIPPED if request.param == "shipped" else of_a_team


def reached(node: Node) -> set[Place]:
    return {after.place for _, after in steps(node) if after.taken}


def ways(part: Part) -> set[tuple[str, str, str]]:
    """Property, entity whose edits count, and entity that is written, of all that the mapping has go somewhere."""
    return {
        (name, giver, taker)
        for name, row in part.subject.properties.items()
        for giver, taker in product(row.members, row.members)
        if giver != taker and row.claims(giver) and name in part.written(taker)
    }


def test_every_property_can_be_followed_from_one_system_to_the_other(mappings: Mappings) -> None:
    """Somebody who changes a property in one system cannot see what it changes in the other, or is told too little."""
    lineage = column_lineage(mappings, CAPABILITIES)
    seen = 0
    for part in parts_of(mappings, CAPABILITIES):
        for name, giver, taker in ways(part):
            members = part.subject.properties[name].members
            source = Place(part.source(giver), part.prefix + members[giver].name)
            target = Place(part.sink(taker), part.prefix + members[taker].name)
            down, up = reached(walk_down(lineage, source)), reached(walk_up(lineage, target))
            assert target in down, (name, source.name, target.name)
            assert source in up, (name, source.name, target.name)
            decided = Place(part.merged, part.prefix + name)
            assert decided in down & up, "the way leads past the agreed value"
            assert {place for place in up if place.asset.startswith("pairs/")}, "the way leads past the matched pairs"
            seen += 1
    assert seen > 150


def test_nothing_is_said_to_be_written_that_is_not() -> None:
    """A number that Exact keeps for itself seems to come from Customerp, or the other way round."""
    down = reached(walk_down(LINEAGE, Place("source/exact/accounts", "Code")))
    assert down == {Place("exact/accounts", "number"), Place("pairs/customer_accounts", "number_exact")}
    for entity in ("quotations", "salesorders"):
        assert "Status" not in LINEAGE[f"written/exact/{entity}"]
    assert LINEAGE["merged/sales_document"]["quote_number"] == []
    says = [origin for origin in LINEAGE["pairs/quote_quotations"]["cluster_id"] if origin.column == "quote_number"]
    assert [(origin.asset, origin.taken) for origin in says] == [
        ("customerp/quote", False),
        ("exact/quotations", False),
    ]


def test_a_reference_comes_from_the_value_and_from_the_link_of_what_it_points_to() -> None:
    """An order is found at the wrong customer, and the lineage does not lead to the pair that put it there."""
    for column, asset, target in (
        ("OrderedBy", "merged/sales_document.customer", "pairs/customer_accounts.exact_key"),
        ("lines.Item", "merged/sales_document.lines.product", "pairs/product_items.exact_key"),
    ):
        origins = LINEAGE["written/exact/salesorders"][column]
        assert [f"{origin.asset}.{origin.column}" for origin in origins] == [asset, target]
        assert all(origin.taken for origin in origins)
    customer = LINEAGE["merged/sales_document"]["customer"]
    assert [origin.asset for origin in customer if not origin.taken] == ["merged/organisation"]


def test_a_join_and_keys_are_told() -> None:
    """Nobody sees why an order shares the quotation of its quote."""
    assert [(each.asset, each.column) for each in LINEAGE["customerp/order"]["join"]] == [
        ("source/customerp/order", "QuoteId")
    ]
    first = LINEAGE["pairs/order_quotations"]["cluster_id"][0]
    assert (first.asset, first.column, first.taken) == ("customerp/order", "join", False)
    key = reached(walk_up(LINEAGE, Place("written/exact/quotations", "QuotationID")))
    assert Place("source/exact/quotations", "QuotationID") in key
    above = reached(walk_up(LINEAGE, Place("written/exact/quotations", "lines.QuotationID")))
    assert above == key


def test_what_happens_to_a_value_on_the_way_is_told() -> None:
    """A status or a discount differs between the systems, and looks like a mistake."""
    how = {
        (asset, column, origin.column): origin.how
        for asset in LINEAGE
        for column, origins in LINEAGE[asset].items()
        for origin in origins
    }
    assert how["exact/salesorders", "order_status", "Status"].startswith("value map 12: open, 20: partial")
    assert how["written/customerp/order", "Status", "order_status"].startswith("value map open: open")
    assert how["exact/quotations", "lines.discount", "lines.Discount"] == "times 100"
    assert how["written/exact/quotations", "lines.Discount", "lines.discount"] == "divided by 100"
    assert how["written/exact/quotations", "QuotationDate", "order_date"] == "where there is no customerp.quote"
    assert how["written/exact/accounts", "Code", "number"] == "on create only; only digits; unless taken"
    account = how["written/exact/contacts", "Account", "organisation"]
    assert account.startswith("on create only")
    assert "the setting EXACT_EMPLOYER_ACCOUNT" in account
    assert how["merged/organisation", "city", "city_exact"] == "the latest edit wins, with all of address"


def test_what_a_team_adds_is_told(of_a_team: Mappings) -> None:
    """A team's filter, archive or mark of an insert has a say that the lineage does not show."""
    lineage = column_lineage(of_a_team, CAPABILITIES)
    key = [(origin.column, origin.taken) for origin in lineage["customerp/customer"]["key"]]
    assert key == [("Id", True), ("CreditLimit", False)]
    written = lineage["written/exact/accounts"]["ID"]
    assert [(each.asset, each.column) for each in written if not each.taken] == [("merged/organisation", "country")]
    mark = lineage["written/customerp/customer"]["Notes"]
    assert [(each.asset, each.column) for each in mark] == [("pairs/customer_accounts", "exact_key")]
    assert lineage["written/customerp/contact"]["Notes"] == []
    columns = asset_columns(of_a_team, CAPABILITIES)["written/customerp/contact"]
    assert "'gone'" in columns["Notes"].description
    assert not {"pairs/employee_employees", "source/exact/employees"} & set(lineage)


def test_columns_and_lineage_are_of_one_piece(mappings: Mappings) -> None:
    """Lineage names a column that the asset does not show, or leaves out one that it does."""
    lineage, columns = column_lineage(mappings, CAPABILITIES), asset_columns(mappings, CAPABILITIES)
    assert {asset: list(found) for asset, found in lineage.items()} == {
        asset: list(found) for asset, found in columns.items()
    }
    for found in lineage.values():
        for origins in found.values():
            assert len(set(origins)) == len(origins)
            assert all(origin.column in lineage[origin.asset] for origin in origins)
    for asset, described in columns.items():
        assert all(column.type and column.description for column in described.values()), asset


def test_only_sources_and_what_is_the_same_everywhere_come_from_nothing(mappings: Mappings) -> None:
    """The way of a column ends in the middle, and nobody learns which system it is from."""
    beginnings = {
        column.rpartition(".")[2]
        for asset, columns in column_lineage(mappings, CAPABILITIES).items()
        for column, origins in columns.items()
        if not origins and not asset.startswith("source/")
    }
    numbers = {"quote_number", "order_number"} & {n for s in mappings.subjects.values() for n in s.properties}
    same = {name for subject in mappings.subjects.values() for each in subject.constants.values() for name in each}
    archived = {"Notes"} if mappings is not SHIPPED else set()
    assert beginnings == {"modified", "version", "position", *numbers, *same, *archived}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("merged/organisation.nme", "did you mean merged/organisation.name"),
        ("merged/organisation", "name a column of it too: cluster_id, number, name,"),
        ("QuoteId", "did you mean source/customerp/order.QuoteId?"),
        ("nothing", "write asset.column, as merged/organisation.name"),
    ],
)
def test_who_is_mistaken_is_told_what_there_is(text: str, said: str) -> None:
    """A misspelt column is answered by nothing, or by a list of eight hundred."""
    with pytest.raises(ConfigurationError) as caught:
        find_column(LINEAGE, text)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 300


def test_the_command_shows_the_way_up_and_down(tmp_path: Path) -> None:
    """In open-source Dagit nobody can see where a value comes from."""
    place = Home(tmp_path, {})
    shown = place.call("lineage", "MERGED/organisation.Name")
    assert shown.code == 0
    lines = shown.out.splitlines()
    assert lines[0].startswith("merged/organisation.name text The name under which")
    assert [line for line in lines if line.endswith("source/customerp/customer.Name")]
    assert [line for line in lines if "written/exact/accounts.Name" in line]
    told = json.loads(place.call("lineage", "written/exact/contacts.Email", "--json").out)
    assert told["column"] == "written/exact/contacts.Email"
    assert told["down"] == []
    assert {step["from"] for step in told["up"]} >= {"source/exact/employees.PrivateEmail", "customerp/contact.email"}
    wrong = place.call("lineage", "written/exact/contacts.Emial")
    assert (wrong.code, wrong.out) == (2, "")
    assert "did you mean written/exact/contacts.Email" in wrong.complaint
