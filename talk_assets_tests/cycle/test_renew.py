"""What a changed mapping, setting or address means for records that did not change themselves."""

import shutil
from pathlib import Path

import pytest

import talk_assets.mappings
from talk_assets.errors import ConfigurationError
from talk_assets_tests.cycle.harness import World, open_world
from talk_assets_tests.mappings.broken import copy_mappings, replace

JANSEN = {"Name": "Jansen Bouw BV", "OrganizationNumber": "12345678", "Website": "https://jansen.example"}


def changed(folder: Path, file: str, before: str, after: str) -> Path:
    """A copy of the shipped mappings with one change."""
    shipped = Path(talk_assets.mappings.__file__).parent
    for path in shipped.glob("*.yaml"):
        shutil.copy(path, folder)
    text = (folder / file).read_text()
    assert text.count(before) == 1
    (folder / file).write_text(text.replace(before, after))
    return folder


def test_a_setting_given_later_ends_the_waiting(world: World) -> None:
    """An employee would wait for ever for a setting that was filled in long ago."""
    with world.reopened(exact_employer_account=None):
        employee = world.add("customerp.employee", Number="7", FirstName="Ada", LastName="Bos")
        world.sync()
        assert world.partner("customerp.employee", employee, "exact.contacts") is None
    world.sync()
    contact = world.twin("customerp.employee", employee, "exact.contacts")
    assert world.show("exact.contacts", contact)["Account"] == world.employer


def test_a_property_mapped_later_is_read_and_carried_over(world: World, tmp_path: Path) -> None:
    """A property added to a mapping would stay empty for every record that nobody happens to edit."""
    notes = "    members:\n      customerp.customer: {name: Website}\n      exact.accounts: {name: Website}\n"
    without = changed(
        tmp_path,
        "organisation.yaml",
        f"  website:\n    meaning: The address of the organisation's website.\n{notes}",
        "",
    )
    with world.reopened(talk_mappings=without):
        customer = world.add("customerp.customer", **JANSEN)
        world.sync()
        account = world.twin("customerp.customer", customer, "exact.accounts")
        assert not world.show("exact.accounts", account).get("Website")
        world.sync()
    world.sync()
    assert world.show("exact.accounts", account)["Website"] == JANSEN["Website"]
    assert world.sync().writes == []


@pytest.mark.soak
def test_an_agreed_value_that_no_longer_fits_is_held_and_nothing_is_written(world: World, tmp_path: Path) -> None:
    """A value of the wrong kind would be written into the books because it was once agreed on."""
    customer = world.add("customerp.customer", **JANSEN)
    other = world.add("customerp.customer", Name="De Wit", OrganizationNumber="87654321", Phone="1")
    world.sync()
    stricter = changed(tmp_path, "organisation.yaml", "  website:\n", "  website:\n    type: email\n")
    with world.reopened(talk_mappings=stricter):
        world.edit("customerp.customer", customer, Phone="555")
        world.edit("customerp.customer", other, Phone="2")
        report = world.sync()
        account = world.twin("customerp.customer", customer, "exact.accounts")
        held = [hold for hold in world.holds() if hold["kind"] == "invalid_golden"]
        assert {(hold["entity"], hold["key"], hold["property"], hold["value"]) for hold in held} == {
            ("customerp.customer", customer, "website", JANSEN["Website"]),
            ("exact.accounts", account, "website", JANSEN["Website"]),
        }
        assert all("'https://jansen.example' is not an e-mail address" in str(hold["reason"]) for hold in held)
        assert [write["entity"] for write in report.writes] == ["exact.accounts"]
        wit = world.twin("customerp.customer", other, "exact.accounts")
        assert world.show("exact.accounts", wit)["Phone"] == "2"
        world.edit("customerp.customer", customer, Website="info@jansen.example")
        world.edit("exact.accounts", account, Website="info@jansen.example")
        world.sync()
        assert world.held("invalid_golden") == set()
        assert world.show("exact.accounts", account)["Phone"] == "555"


def test_a_ledger_is_not_used_with_another_company(world: World, tmp_path: Path) -> None:
    """Links into one company's records would overwrite another's."""
    customer = world.add("customerp.customer", **JANSEN)
    world.sync()
    known = str(world.installation.settings.customerp_url)
    elsewhere = known.replace("127.0.0.1", "localhost")
    assert elsewhere != known
    with world.reopened(customerp_url=elsewhere):
        with pytest.raises(ConfigurationError, match=r"CUSTOMERP_URL names localhost.* --moved"):
            world.sync()
        with world.installation.cycle("moved", moved=True):
            pass
        world.edit("customerp.customer", customer, Phone="2")
        assert len(world.sync().writes) == 1


@pytest.mark.soak
def test_two_live_records_in_one_cluster_are_held(world: World) -> None:
    """After a restored deletion one of two customers would be chosen by chance, and edits of the other be lost."""
    customer = world.add("customerp.customer", **JANSEN)
    world.sync()
    account = world.twin("customerp.customer", customer, "exact.accounts")
    second = world.add("customerp.customer", Name="Jansen Bouw 2", OrganizationNumber="11111111")
    world.sync()
    # As a restored deletion leaves it.
    with world.installation.ledger.begin() as connection:
        connection.exec_driver_sql(
            "update talk.member set cluster_id = (select cluster_id from talk.member where key = %s) where key = %s",
            (customer, second),
        )
    world.edit("customerp.customer", second, Phone="2")
    report = world.sync()
    assert report.writes == []
    held = [hold for hold in world.holds() if hold["kind"] == "invalid_pair"]
    assert {hold["key"] for hold in held} == {customer, second, account}
    assert all(f"customerp.customer/{customer}, customerp.customer/{second}" in str(hold["reason"]) for hold in held)
    world.remove("customerp.customer", second)
    world.edit("customerp.customer", customer, Phone="3")
    world.sync()
    assert world.held("invalid_pair") == set()
    assert world.show("exact.accounts", account)["Phone"] == "3"


@pytest.mark.soak
def test_what_was_refused_is_sent_again_once_the_mapping_is_mended(database_url: str, tmp_path: Path) -> None:
    """A product that a wrong code kept out of Exact would stay out after the code was mended, until it is retried."""
    folder = copy_mappings(tmp_path)
    file = folder / "product.yaml"
    right = file.read_text(encoding="utf-8")
    wrong = replace(file, "          pc: piece\n", "          pcx: piece\n")
    with open_world(database_url, tmp_path, mappings=folder) as world:
        product = world.add("customerp.product", Number="P1", Name="Thing", Unit="piece", Price=5)
        world.fault("exact", fault="refusal", path="Items", match={"Unit": "pcx"}, times=None)
        assert [write["outcome"] for write in world.sync().writes] == ["refused"]
        assert world.sync().writes == []
        # Another change, which does not help: it is tried once, however often the mapping is changed within the hour.
        for number in range(3):
            file.write_text(wrong.replace("    meaning: ", f"    meaning: {number} ", 1), encoding="utf-8")
            with world.reopened():
                assert len(world.sync().writes) == (1 if number == 0 else 0)
                assert world.sync().writes == []
        with world.installation.ledger.begin() as connection:
            connection.exec_driver_sql("update talk.owed set next_try = null")
        file.write_text(right, encoding="utf-8")
        with world.reopened():
            assert [write["outcome"] for write in world.sync().writes] == ["done"]
            assert world.twin("customerp.product", product, "exact.items")
            assert world.sync().writes == []
            assert world.owed() == []


@pytest.mark.soak
def test_what_was_forbidden_goes_last_after_a_change_of_the_mapping(world: World, tmp_path: Path) -> None:
    """Closed records would spend what Exact bears of refusals before all else whenever a mapping is changed."""
    closed, good = (world.add("customerp.customer", Name=name, Website=name) for name in ("closed.nl", "good.nl"))
    world.sync()
    at = {"method": "PUT", "path": "crm/Accounts", "match": {"Website": "closed.nl"}, "times": None}
    world.fault("exact", **at, status=403, message="Forbidden")
    world.edit("customerp.customer", closed, Phone="2")
    world.sync()
    with world.installation.ledger.begin() as connection:
        connection.exec_driver_sql("update talk.owed set state = 'dead', attempts = 3, next_try = null")
    world.edit("customerp.customer", good, Phone="2")
    replace(copy_mappings(tmp_path) / "organisation.yaml", "    meaning: ", "    meaning: 1 ")
    with world.reopened(talk_mappings=tmp_path):
        assert [write["outcome"] for write in world.sync().writes] == ["done", "refused"]
        (debt,) = world.owed()
        assert (debt["state"], debt["attempts"]) == ("owed", 2)
        assert debt["next_try"] is not None
        assert world.sync().writes == []
