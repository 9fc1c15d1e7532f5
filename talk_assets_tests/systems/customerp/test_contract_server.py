"""The connector and a server of the published contract."""

from dataclasses import replace
from decimal import Decimal

import pytest

from talk_assets.errors import (
    AccessDenied,
    RecordChanged,
    RecordGone,
    RecordRejected,
    SystemUnavailable,
    UnexpectedAnswer,
)
from talk_assets.systems.base import Deletion, System
from talk_assets.systems.customerp.json_exact import decode
from talk_assets.systems.customerp.profile import Profile
from talk_assets.systems.customerp.system import CustomerpSystem
from talk_assets_tests.systems.customerp.conftest import Connect
from talk_assets_tests.systems.customerp.contract_server import ContractServer


@pytest.fixture
def quote(erp: ContractServer) -> str:
    """A quote with two lines, whose unmapped properties are filled."""
    customer = erp.add("/customers", Name="Bakker B.V.")
    pump = erp.add("/products", Number="P1", Name="Pump")
    return erp.add(
        "/quotes",
        CustomerId=customer,
        InternalNote="ask Jan",
        Lines=[
            {"ProductId": pump, "Quantity": 1, "UnitPrice": 9.95, "Remark": "blue"},
            {"ProductId": pump, "Quantity": 2, "Remark": "red"},
        ],
    )


def test_the_connector_is_a_system(customerp: CustomerpSystem) -> None:
    """The cycle calls it by that protocol."""
    system: System = customerp
    system.check()
    assert (system.name, system.calls) == ("customerp", 1)


def test_a_first_reading_brings_everything_under_the_contracts_names(erp: ContractServer, connect: Connect) -> None:
    """Without it nothing is synchronised."""
    key = erp.add("/customers", Name="Bakker B.V.", CreditLimit=1234.50, City=None)
    shown = erp.show(f"/customers/{key}")
    read = connect(erp.url, wanted={"customerp.customer": ["Name", "City", "CreditLimit"]}).read(
        "customerp.customer", None
    )
    assert read.complete
    assert not read.lines_complete
    assert read.records == [
        {
            "_key": key,
            "_modified": shown["Modified"].replace("Z", "+00:00"),
            "_version": shown["Version"],
            "Name": "Bakker B.V.",
            "City": None,
            "CreditLimit": "1234.5",
        }
    ]


def test_a_later_reading_brings_what_changed_and_nothing_else(erp: ContractServer, customerp: CustomerpSystem) -> None:
    """Reading everything every minute makes the sync as slow as the installation is large."""
    first, second = (erp.add("/customers", Name=name) for name in ("A", "B"))
    cursor = customerp.read("customerp.customer", None).cursor
    quiet = customerp.read("customerp.customer", cursor)
    assert (quiet.records, quiet.complete) == ([], False)
    erp.edit(f"/customers/{first}", Name="A2")
    third = erp.add("/customers", Name="C")
    read = customerp.read("customerp.customer", quiet.cursor)
    assert [(record["_key"], record["Name"]) for record in read.records] == [(first, "A2"), (third, "C")]
    assert second not in {record["_key"] for record in read.records}
    assert customerp.calls == 3, "one call for each quiet reading"


def test_readings_of_many_pages_lose_nothing(erp: ContractServer, connect: Connect) -> None:
    """A record between two pages would never be synchronised."""
    keys = [erp.add("/products", Number=f"P{number}", Name="x") for number in range(7)]
    read = connect(erp.url, {"paging": {"style": "cursor", "size": 2}}).read("customerp.product", None)
    assert [record["_key"] for record in read.records] == keys


def test_documents_come_with_all_their_lines(quote: str, customerp: CustomerpSystem) -> None:
    """A line that is not read looks deleted."""
    read = customerp.read("customerp.quote", None)
    assert read.lines_complete
    assert [record["_key"] for record in read.records] == [quote]
    assert [(line["_document"], line["_position"], line["Quantity"], line["Remark"]) for line in read.lines] == [
        (quote, 1, "1", "blue"),
        (quote, 2, "2", "red"),
    ]
    assert len({line["_key"] for line in read.lines}) == 2


def test_deletions_are_told_once(erp: ContractServer, customerp: CustomerpSystem) -> None:
    """A record that was removed would be written to for ever."""
    erp.add("/customers", Name="stays")
    gone = erp.add("/customers", Name="goes")
    before = customerp.read_deletions(None)
    assert before.deletions == []
    erp.remove(f"/customers/{gone}")
    after = customerp.read_deletions(before.cursor)
    assert [replace(deletion, at=None) for deletion in after.deletions] == [Deletion("customerp.customer", gone, None)]
    assert after.deletions[0].at is not None
    assert customerp.read_deletions(after.cursor).deletions == []


def test_a_create_answers_the_record_as_it_became(erp: ContractServer, customerp: CustomerpSystem) -> None:
    """Without the key in the answer the record would be created again."""
    written = customerp.create("customerp.product", {"Number": "P1", "Name": "Pump", "Price": "12345678.123456"})
    assert written.status == 201
    assert written.record is not None
    assert written.record["_key"] == written.key
    assert written.record["Price"] == "12345678.123456"
    assert decode(erp.shown(f"/products/{written.key}"))["Price"] == Decimal("12345678.123456")


def test_a_document_is_created_together_with_its_lines(erp: ContractServer, customerp: CustomerpSystem) -> None:
    """An order without lines may be picked up by somebody before its lines come."""
    customer = erp.add("/customers", Name="A")
    pump = erp.add("/products", Number="P1", Name="Pump")
    lines = [{"ProductId": pump, "Quantity": str(number)} for number in (3, 1, 2)]
    written = customerp.create("customerp.order", {"CustomerId": customer, "OrderDate": "2024-02-14"}, lines)
    assert written.lines is not None
    assert [(line["_position"], line["Quantity"]) for line in written.lines] == [(1, "3"), (2, "1"), (3, "2")]
    assert erp.show(f"/orders/{written.key}")["OrderDate"] == "2024-02-14"
    assert customerp.calls == 1


def test_the_same_idempotency_key_creates_once(erp: ContractServer, customerp: CustomerpSystem) -> None:
    """A create whose answer was lost makes a second customer in the books."""
    erp.fail(path="/customers", method="POST", status=500, after=True)
    written = customerp.create("customerp.customer", {"Name": "A"}, idempotency_key="intent-1")
    again = customerp.create("customerp.customer", {"Name": "A"}, idempotency_key="intent-1")
    assert again.key == written.key
    assert len(customerp.read("customerp.customer", None).records) == 1


def test_a_create_without_a_key_is_not_repeated(erp: ContractServer, customerp: CustomerpSystem) -> None:
    """The same, where no key protects."""
    erp.fail(path="/customers", method="POST", status=500, after=True)
    with pytest.raises(SystemUnavailable) as caught:
        customerp.create("customerp.customer", {"Name": "A"})
    assert caught.value.outcome_unknown
    assert len(customerp.read("customerp.customer", None).records) == 1


def test_an_update_changes_what_it_names_and_nothing_else(erp: ContractServer, customerp: CustomerpSystem) -> None:
    """Whatever else the company keeps in its records must survive."""
    key = erp.add("/customers", Name="A", City="Ede", Notes="keep", Phone="1")
    before = erp.show(f"/customers/{key}")
    written = customerp.update("customerp.customer", key, {"City": "Epe", "Phone": None}, before["Version"])
    assert written.record is not None
    assert (written.record["City"], written.record["Phone"]) == ("Epe", None)
    after = erp.show(f"/customers/{key}")
    assert {name for name in after if after[name] != before[name]} == {"City", "Phone", "Modified", "Version"}
    assert customerp.calls == 1


def test_an_edit_made_meanwhile_is_not_overwritten(erp: ContractServer, customerp: CustomerpSystem) -> None:
    """A user's edit between reading and writing would vanish without a trace."""
    key = erp.add("/customers", Name="A")
    version = erp.show(f"/customers/{key}")["Version"]
    erp.edit(f"/customers/{key}", Name="user's")
    with pytest.raises(RecordChanged) as caught:
        customerp.update("customerp.customer", key, {"Name": "ours"}, version)
    assert (caught.value.status, key in str(caught.value)) == (412, True)
    assert erp.show(f"/customers/{key}")["Name"] == "user's"


def test_a_record_that_is_gone_is_told_as_changed(erp: ContractServer, customerp: CustomerpSystem) -> None:
    """It would be retried for ever as a passing fault, or stop the entity as a wrong address."""
    with pytest.raises(RecordChanged, match="cus-404"):
        customerp.update("customerp.customer", "cus-404", {"Name": "x"})
    with pytest.raises(RecordChanged, match="quo-404"):
        customerp.create_line("customerp.quote_line", "quo-404", {"Quantity": "1"})


def test_a_refusal_names_the_property(erp: ContractServer, quote: str, customerp: CustomerpSystem) -> None:
    """Whoever looks at the held record has to find out what to correct."""
    with pytest.raises(RecordRejected) as caught:
        customerp.create("customerp.customer", {"Name": "x" * 101})
    assert (caught.value.property_name, caught.value.status) == ("Name", 422)
    assert "creating customerp.customer" in str(caught.value)
    with pytest.raises(RecordRejected) as caught:
        customerp.create_line("customerp.quote_line", quote, {"Quantity": "1"})
    assert caught.value.property_name == "ProductId"
    erp.add("/products", Number="P9", Name="x")
    with pytest.raises(RecordRejected, match="P9"):
        customerp.create("customerp.product", {"Number": "P9", "Name": "y"})


def test_values_that_cannot_be_sent_are_refused_before_the_call(customerp: CustomerpSystem) -> None:
    """A wrong conversion would reach somebody's books."""
    with pytest.raises(RecordRejected) as caught:
        customerp.create("customerp.product", {"Number": "P1", "Name": "x", "Price": "1,5"})
    assert caught.value.property_name == "Price"
    with pytest.raises(RecordRejected, match="Colour"):
        customerp.update("customerp.product", "p", {"Colour": "red"})
    assert customerp.calls == 0


def test_a_line_is_changed_alone(erp: ContractServer, quote: str, customerp: CustomerpSystem) -> None:
    """Lines that a user edits at the same time, and remarks that no mapping names, must survive."""
    before = erp.show(f"/quotes/{quote}")
    key = f"{quote}/{before['Lines'][0]['Id']}"
    written = customerp.update_lines("customerp.quote_line", quote, {key: {"Quantity": "7.5", "Description": None}})
    assert (written.key, written.record and written.record["Quantity"]) == (key, "7.5")
    assert written.lines is not None
    assert len(written.lines) == 2
    after = erp.show(f"/quotes/{quote}")
    assert after["Lines"][0] == {**before["Lines"][0], "Quantity": 7.5}
    assert after["Lines"][1] == before["Lines"][1]
    assert after["InternalNote"] == "ask Jan"
    assert customerp.calls == 1


def test_a_line_that_is_gone_is_told_as_changed(quote: str, customerp: CustomerpSystem) -> None:
    """A refusal would dead-letter the line, though the document only has to be read again."""
    with pytest.raises(RecordChanged, match="qli-404"):
        customerp.update_lines("customerp.quote_line", quote, {f"{quote}/qli-404": {"Quantity": "1"}})


def test_an_added_line_is_known_by_its_own_key(erp: ContractServer, quote: str, customerp: CustomerpSystem) -> None:
    """A line linked to another line's key changes that other line with the next edit."""
    before = erp.show(f"/quotes/{quote}")["Lines"]
    product = before[0]["ProductId"]
    # The same content as a line that is there already, and in front of it.
    written = customerp.create_line(
        "customerp.quote_line", quote, {"ProductId": product, "Quantity": "2", "Position": "1"}
    )
    after = erp.show(f"/quotes/{quote}")["Lines"]
    (added,) = {line["Id"] for line in after} - {line["Id"] for line in before}
    assert written.key == f"{quote}/{added}"
    assert written.record is not None
    assert (written.record["_key"], written.record["_document"]) == (written.key, quote)
    assert [line["Remark"] for line in after if line["Id"] != added] == ["blue", "red"]


def test_a_removal_is_carried_out(erp: ContractServer, customerp: CustomerpSystem) -> None:
    """A policy that lets deletions travel would not do anything."""
    key = erp.add("/customers", Name="A")
    version = erp.show(f"/customers/{key}")["Version"]
    erp.edit(f"/customers/{key}", Name="B")
    with pytest.raises(RecordChanged):
        customerp.delete("customerp.customer", key, version)
    assert customerp.delete("customerp.customer", key).status == 204
    with pytest.raises(RecordGone):
        customerp.delete("customerp.customer", key)
    assert [deletion.key for deletion in customerp.read_deletions(None).deletions] == [key]


def test_records_are_looked_up_by_their_keys(erp: ContractServer, customerp: CustomerpSystem) -> None:
    """A record that only fell out of a list would be taken for deleted, and its counterpart removed."""
    there, gone = erp.add("/customers", Name="A"), erp.add("/customers", Name="B")
    customerp.delete("customerp.customer", gone)
    found = customerp.find("customerp.customer", [there, gone, "cus-404"])
    assert [(record["_key"], record["Name"]) for record in found.records] == [(there, "A")]
    assert found.records[0]["_version"] == erp.show(f"/customers/{there}")["Version"]
    erp.fail(path=f"/customers/{there}", status=403)
    with pytest.raises(AccessDenied):
        customerp.find("customerp.customer", [there])


def test_what_the_profile_forbids_to_remove_is_refused(erp: ContractServer, connect: Connect) -> None:
    """An ERP that removes nothing by its API would be asked to in every run."""
    key = erp.add("/customers", Name="A")
    with pytest.raises(RecordRejected, match=r"delete\.allowed"):
        connect(erp.url, {"delete": {"allowed": False}}).delete("customerp.customer", key)
    assert erp.show(f"/customers/{key}")["Name"] == "A"
    one = Profile.model_validate({"entities": {"product": {"delete": {"allowed": False}}}})
    assert (one.deletes("customerp.customer"), one.deletes("customerp.product")) == (True, False)


def test_passing_faults_delay_a_reading(erp: ContractServer, customerp: CustomerpSystem, naps: list[float]) -> None:
    """Every hiccup would end the run."""
    erp.add("/customers", Name="A")
    erp.fail(path="/customers", status=503, times=2)
    erp.fail(path="/customers", status=429, headers={"Retry-After": "7"})
    assert len(customerp.read("customerp.customer", None).records) == 1
    assert len(naps) == 3
    assert naps[2] >= 7


def test_a_wrong_token_is_told_by_its_setting(erp: ContractServer, connect: Connect) -> None:
    """Whoever sets the platform up has to know which variable to correct."""
    with pytest.raises(AccessDenied) as caught:
        connect(erp.url, secret="wrong-token").check()
    assert "CUSTOMERP_TOKEN" in str(caught.value)
    assert "wrong-token" not in str(caught.value)


def test_a_cursor_of_another_server_is_told(erp: ContractServer, customerp: CustomerpSystem) -> None:
    """A restored or replaced ERP must not be read from the middle."""
    erp.add("/customers", Name="A")
    with pytest.raises(UnexpectedAnswer, match="change token"):
        customerp.read("customerp.customer", "999999")
