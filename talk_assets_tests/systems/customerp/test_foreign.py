"""An ERP of another make is adapted by its profile alone."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from talk_assets.errors import AccessDenied, RecordChanged, RecordGone, RecordRejected
from talk_assets.systems.customerp.profile_file import load_profile
from talk_assets.systems.customerp.system import CustomerpSystem
from talk_assets_tests.systems.customerp.conftest import Connect
from talk_assets_tests.systems.customerp.nordlys import SECRET, Nordlys
from talk_assets_tests.systems.loopback import Answer, Asked, Loopback, loopback

PROFILE = Path(__file__).parents[3] / "docs" / "customerp-profile-example.yaml"


@pytest.fixture
def erp() -> Nordlys:
    return Nordlys()


@pytest.fixture
def server(erp: Nordlys) -> Iterator[Loopback]:
    with loopback(erp) as server:
        yield server


@pytest.fixture
def nordlys(server: Loopback, connect: Connect) -> CustomerpSystem:
    return connect(server.url, load_profile(PROFILE), SECRET)


def test_the_check_knows_the_erp(nordlys: CustomerpSystem) -> None:
    """A profile for one ERP would be used with another."""
    nordlys.check()


def test_records_come_under_the_contracts_names(erp: Nordlys, nordlys: CustomerpSystem) -> None:
    """The mappings speak of the contract's names only."""
    keys = [
        erp.add(
            "relations",
            relationNo="10",
            companyName="Bakker",
            vatNumber="NL1",
            address={"street": "Lane 1", "countryCode": "NL"},
            creditLimit="25.50",
        )
        for _ in range(5)
    ]
    read = nordlys.read("customerp.customer", None)
    assert [record["_key"] for record in read.records] == [str(key) for key in keys]
    first = read.records[0]
    assert first["_modified"] == "2024-02-14T08:32:00.000000+00:00"
    assert {name: first[name] for name in ("Number", "Name", "VatNumber", "Address1", "Country", "CreditLimit")} == {
        "Number": "10",
        "Name": "Bakker",
        "VatNumber": "NL1",
        "Address1": "Lane 1",
        "Country": "NL",
        "CreditLimit": "25.50",
    }
    assert "City" not in first, "what the ERP does not send is not sent as empty"


def test_only_changes_come_afterwards(erp: Nordlys, nordlys: CustomerpSystem) -> None:
    """Every sync would read the whole ERP."""
    for number in range(80):
        erp.add("articles", articleNo=f"A{number}", name="x")
    first = nordlys.read("customerp.product", None)
    new = erp.add("articles", articleNo="new", name="x")
    second = nordlys.read("customerp.product", first.cursor)
    keys = {record["_key"] for record in second.records}
    assert str(new) in keys
    assert len(first.records) == 80
    assert len(keys) < 40, "only the overlap is read again"


def test_an_update_keeps_what_no_mapping_names(erp: Nordlys, nordlys: CustomerpSystem) -> None:
    """A PUT that names only our properties would empty all others."""
    address = {"street": "Lane 1", "town": "Ede", "gps": {"lat": "52.123456789012345678", "lon": 5.1}}
    key = erp.add("relations", companyName="Bakker", address=address, colour="red", tags=["a", 1, None])
    written = nordlys.update("customerp.customer", str(key), {"City": "Epe", "CreditLimit": "10.5"})
    kept = erp.records["relations"][key]
    assert kept["address"] == {**address, "town": "Epe"}
    assert (kept["colour"], kept["tags"], kept["companyName"]) == ("red", ["a", 1, None], "Bakker")
    assert kept["creditLimit"] == "10.5"
    assert written.record is not None
    assert (written.record["City"], written.record["_version"]) == ("Epe", str(kept["meta"]["updatedAt"]))


def test_an_edit_made_meanwhile_is_not_overwritten(erp: Nordlys, server: Loopback, nordlys: CustomerpSystem) -> None:
    """A whole record that was read before a user's edit would undo that edit."""
    key = erp.add("relations", companyName="Bakker")
    usual = server.answer

    def edited_between(asked: Asked) -> Answer:
        said = usual(asked)
        if asked.method == "GET":
            erp._save("relations", key, {"companyName": "user's"})
        return said

    server.answer = edited_between
    with pytest.raises(RecordChanged):
        nordlys.update("customerp.customer", str(key), {"City": "Epe"})
    assert erp.records["relations"][key]["companyName"] == "user's"


def test_a_document_and_its_lines_are_created(erp: Nordlys, nordlys: CustomerpSystem) -> None:
    """Lines would be missing or in another order."""
    customer = erp.add("relations", companyName="Bakker")
    written = nordlys.create(
        "customerp.order",
        {"CustomerId": str(customer), "OrderDate": "2024-02-14"},
        [{"ProductId": "7", "Quantity": "2.50"}, {"ProductId": "8", "Quantity": "1"}],
    )
    kept = erp.records["sales-orders"][int(written.key)]
    assert (kept["relation"], kept["orderDate"]) == ({"id": customer}, "14-02-2024")
    assert [(row["articleId"], row["quantity"]) for row in kept["rows"]] == [(7, "2.50"), (8, "1")]
    assert written.record is not None
    assert (written.record["CustomerId"], written.record["OrderDate"]) == (str(customer), "2024-02-14")
    assert written.lines is not None
    assert [(line["_position"], line["ProductId"], line["Quantity"]) for line in written.lines] == [
        (1, "7", "2.50"),
        (2, "8", "1"),
    ]


def test_lines_that_are_replaced_keep_what_no_mapping_names(erp: Nordlys, nordlys: CustomerpSystem) -> None:
    """Changing a quantity would empty the remarks of all lines, or remove the other lines."""
    rows = [{"articleId": 7, "quantity": "1", "colour": "red"}, {"articleId": 8, "quantity": "2", "depth": {"a": 1}}]
    key = erp.add("offers", relation={"id": 1, "name": "Bakker"}, rows=rows, mood="good")
    ids = [row["rowId"] for row in erp.records["offers"][key]["rows"]]
    changed = nordlys.update_lines("customerp.quote_line", str(key), {f"{key}/{ids[1]}": {"Quantity": "3"}})
    assert changed.record is not None
    assert (changed.record["Quantity"], changed.record["_position"]) == ("3", 2)
    added = nordlys.create_line("customerp.quote_line", str(key), {"ProductId": "9", "Quantity": "4"})
    kept = erp.records["offers"][key]
    assert [(row["articleId"], row["quantity"], row.get("colour"), row.get("depth")) for row in kept["rows"]] == [
        (7, "1", "red", None),
        (8, "3", None, {"a": 1}),
        (9, "4", None, None),
    ]
    assert [row["rowId"] for row in kept["rows"]] == [*ids, int(added.key.removeprefix(f"{key}/"))]
    assert (kept["mood"], kept["relation"]) == ("good", {"id": 1, "name": "Bakker"})
    with pytest.raises(RecordChanged, match="line 5"):
        nordlys.update_lines("customerp.quote_line", str(key), {f"{key}/5": {"Quantity": "3"}})


def test_a_document_is_changed_without_sending_back_what_is_computed_of_its_lines(
    erp: Nordlys, nordlys: CustomerpSystem
) -> None:
    """No change of a document's own properties would ever be taken by an ERP that computes something of its lines."""
    key = erp.add("offers", relation={"id": 1}, rows=[{"articleId": 7, "quantity": "1", "colour": "red"}])
    nordlys.update("customerp.quote", str(key), {"Description": "of steel"})
    kept = erp.records["offers"][key]
    assert (kept["description"], kept["rows"][0]["colour"], len(kept["rows"])) == ("of steel", "red", 1)


def test_refusals_are_understood(erp: Nordlys, nordlys: CustomerpSystem) -> None:
    """A refused record would stop its entity, or be tried for ever."""
    with pytest.raises(RecordRejected) as caught:
        nordlys.create("customerp.customer", {"City": "Ede"})
    assert caught.value.property_name == "Name"
    assert "companyName: required" in str(caught.value)
    with pytest.raises(RecordRejected, match="integer"):
        nordlys.create("customerp.contact", {"CustomerId": "cus-1", "LastName": "Dijk"})
    with pytest.raises(RecordChanged):
        nordlys.update("customerp.customer", "999", {"Name": "x"})


def test_an_erp_without_a_list_of_removals_reports_none(nordlys: CustomerpSystem, server: Loopback) -> None:
    """The sync would stop at an address that the ERP does not have."""
    assert nordlys.read_deletions(None).deletions == []
    assert server.asked == []


def test_what_is_gone_is_told_from_what_may_not_be_seen(
    erp: Nordlys, server: Loopback, nordlys: CustomerpSystem
) -> None:
    """A record that somebody removed would stop its entity; or a right that is withdrawn would pass for removals."""
    kept, gone = erp.add("relations", companyName="Bakker"), erp.add("relations", companyName="Slager")
    del erp.records["relations"][gone]
    found = nordlys.find("customerp.customer", [str(kept), str(gone)])
    assert [record["_key"] for record in found.records] == [str(kept)]
    with pytest.raises(RecordGone):
        nordlys.delete("customerp.customer", str(gone))
    usual = server.answer

    def refusing(method: str, words: str) -> Callable[[Asked], Answer]:
        refused = Answer(403, {"error": {"message": words}})
        return lambda asked: refused if asked.method == method else usual(asked)

    server.answer = refusing("GET", "not yours")
    with pytest.raises(AccessDenied, match=r"reading customerp\.customer"):
        nordlys.find("customerp.customer", [str(kept), str(gone)])
    server.answer = refusing("DELETE", "read only")
    with pytest.raises(AccessDenied, match=r"removing customerp\.customer"):
        nordlys.delete("customerp.customer", str(kept))
