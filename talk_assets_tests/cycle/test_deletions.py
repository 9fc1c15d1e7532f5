"""What a deletion leads to by the mapping, over real HTTP in both directions, and what guards hold back."""

from collections.abc import Iterator

import httpx
import pytest
import sqlalchemy as sa

from talk_assets_tests.conftest import DatabaseServer
from talk_assets_tests.cycle.harness import Values, World, open_world
from talk_assets_tests.mappings.broken import copy_mappings, replace

_CUSTOMERS = """\
deletions:
  exact.accounts:
    archive: {name: Status, value: S}
guards:
  customerp.customer: {max_missing: 1, max_missing_share: 0}
  exact.accounts: {max_writes_per_run: 2, max_writes_share: 0}

properties:
"""


@pytest.fixture(scope="module")
def world(database_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world in which deletions travel; each test has records of its own."""
    folder = tmp_path_factory.mktemp("mappings")
    copy_mappings(folder)
    organisation, product = folder / "organisation.yaml", folder / "product.yaml"
    gone = "    when_gone: {customerp: archive, exact: restore}\n    criteria:\n"
    replace(organisation, "    criteria:\n", gone)
    replace(organisation, "properties:\n", _CUSTOMERS)
    replace(product, "    criteria:\n", "    when_gone: {customerp: delete, exact: delete}\n    criteria:\n")
    database_url = database_server.create_ledger()
    with open_world(database_url, tmp_path_factory.mktemp("home"), mappings=folder) as world:
        yield world
    database_server.drop(database_url)


def product(world: World, number: str) -> tuple[str, str]:
    """A product and its item."""
    key = world.add("customerp.product", Number=number, Name=f"Thing {number}", Unit="piece", Price=5)
    world.sync()
    return key, world.twin("customerp.product", key, "exact.items")


def skips(world: World, rule: str) -> list[Values]:
    return world.rows("select entity, key from talk.history where kind = 'skip' and rule = :rule", rule=rule)


def test_a_deletion_travels_from_customerp_to_exact(world: World) -> None:
    """A product taken out of the catalogue would stay for sale in the books, or come back by itself."""
    key, item = product(world, "D1")
    world.remove("customerp.product", key)
    report = world.sync()
    assert item not in world.all("exact.items")
    assert report.delivered["exact.items"].deleted == 1
    (row,) = world.rows("select kind, entity, status from talk.history where rule = 'delete' and key = :key", key=item)
    assert row == {"kind": "write", "entity": "exact.items", "status": 204}
    assert world.sync().writes == []
    world.restore("customerp.product", key, Id=key, Number="D1", Name="Thing D1", Unit="piece", Price=5)
    world.sync()
    assert world.show("exact.items", world.twin("customerp.product", key, "exact.items"))["Description"] == "Thing D1"


def test_a_deletion_without_the_right_to_it_stays_owed(world: World) -> None:
    """Exact answers as if the item were gone: it would count as deleted, and stay for sale in the books for ever."""
    key, item = product(world, "D0")
    url = str(world.installation.settings.exact_url)
    world.remove("customerp.product", key)
    httpx.put(f"{url}/_admin/rights", json={"Items": "read"}).raise_for_status()
    assert world.sync().delivered["exact.items"].failed
    told = [debt["reason"] for debt in world.owed("exact.items") if debt["operation"] == "delete"]
    assert f"{item}: Exact answered 403, Forbidden, and the record is there." in " ".join(told)
    assert item in world.all("exact.items")
    httpx.put(f"{url}/_admin/rights", json={"Items": "manage"}).raise_for_status()
    with world.installation.ledger.begin() as connection:
        connection.execute(sa.text("update talk.owed set next_try = null"))
    world.sync()
    assert item not in world.all("exact.items")


def test_a_deletion_in_a_set_that_is_hidden_stays_owed(world: World) -> None:
    """Without a right Exact may show an empty list: what stays in the books would count as deleted."""
    key, item = product(world, "D9")
    url = str(world.installation.settings.exact_url)
    world.remove("customerp.product", key)
    httpx.put(f"{url}/_admin/rights", json={"Items": "hidden"}).raise_for_status()
    report = world.sync()
    assert (report.delivered["exact.items"].failed, report.delivered["exact.items"].deleted) == (1, 0)
    (debt,) = [debt for debt in world.owed("exact.items") if debt["operation"] == "delete"]
    assert "shows no record of logistics/Items" in debt["reason"]
    assert "the rights to it" in debt["reason"]
    assert (debt["state"], debt["next_try"] is not None) == ("owed", True)
    assert world.rows("select 1 from talk.history where rule = 'delete' and key = :key", key=item) == []
    httpx.put(f"{url}/_admin/rights", json={"Items": "manage"}).raise_for_status()
    with world.installation.ledger.begin() as connection:
        connection.execute(sa.text("update talk.owed set next_try = null"))
    world.sync()
    assert item not in world.all("exact.items")


@pytest.mark.soak
def test_a_deletion_travels_from_exact_to_customerp(world: World) -> None:
    """What is deleted in the books would stay in the ERP although the mapping says otherwise."""
    key, item = product(world, "D2")
    world.remove("exact.items", item)
    report = world.sync()
    assert key not in world.all("customerp.product")
    assert report.delivered["customerp.product"].deleted == 1
    assert world.sync().writes == []


@pytest.mark.soak
def test_a_deletion_that_meets_an_edit_waits_for_a_person(world: World) -> None:
    """What a colleague has just corrected would be gone with the record."""
    key, item = product(world, "D3")
    world.edit("exact.items", item, Description="Better thing")
    world.remove("customerp.product", key)
    for _ in range(2):
        assert world.sync().writes == []
    assert world.show("exact.items", item)["Description"] == "Better thing"
    found = world.rows("select kind, resolved_at from talk.conflict")
    assert found == [{"kind": "edit_versus_delete", "resolved_at": None}]
    world.restore("customerp.product", key, Id=key, Number="D3", Name="Thing D3", Unit="piece", Price=5)
    world.sync()
    assert world.show("customerp.product", key)["Name"] == "Better thing"
    assert world.rows("select 1 from talk.conflict where resolved_at is null") == []


@pytest.mark.soak
def test_what_others_refer_to_is_not_deleted(world: World) -> None:
    """A quotation would lose its item, or a refusal be sent again for ever."""
    key, item = product(world, "D4")
    account = world.add("exact.accounts", Name="Referring")
    other = world.add("exact.items", Code="D4X", Description="Other", IsSalesItem=True)
    document = world.add("exact.quotations", OrderAccount=account, QuotationLines=[{"Item": item}, {"Item": other}])
    world.remove("customerp.product", key)
    for _ in range(4):
        world.sync()
    assert item in world.all("exact.items")
    (owed,) = world.owed("exact.items")
    assert (owed["operation"], owed["state"], owed["attempts"]) == ("delete", "dead", 3)
    world.remove("exact.quotations", document)


@pytest.mark.soak
def test_an_archived_record_stays_as_it_is(world: World) -> None:
    """A customer that left would be invoiced again, or archived again after somebody brought it back."""
    key = world.add("customerp.customer", Name="Archived BV", VatNumber="NL111111111B01")
    world.sync()
    account = world.twin("customerp.customer", key, "exact.accounts")
    world.remove("customerp.customer", key)
    report = world.sync()
    assert world.show("exact.accounts", account)["Status"] == "S"
    assert report.delivered["exact.accounts"].updated == 1
    world.edit("exact.accounts", account, Phone="1")
    assert world.sync().writes == []
    world.edit("exact.accounts", account, Status="C")
    assert world.sync().writes == []
    assert world.show("exact.accounts", account)["Status"] == "C"


@pytest.mark.soak
def test_a_deleted_record_is_created_again(world: World) -> None:
    """A customer deleted by mistake in the books would be missing there for ever."""
    key = world.add("customerp.customer", Name="Restored BV", VatNumber="NL222222222B01", Phone="7")
    world.sync()
    world.remove("exact.accounts", world.twin("customerp.customer", key, "exact.accounts"))
    world.sync()
    again = world.twin("customerp.customer", key, "exact.accounts")
    assert (world.show("exact.accounts", again)["Name"], world.show("exact.accounts", again)["Phone"]) == (
        "Restored BV",
        "7",
    )
    assert world.sync().writes == []


@pytest.mark.soak
def test_too_many_writes_wait_for_a_person(world: World) -> None:
    """A wrong import into one system would be in the books of the other before anybody saw it."""
    keys = [world.add("customerp.customer", Name=f"Many {n}", VatNumber=f"NL33333333{n}B01") for n in range(2)]
    world.sync()
    keys.append(world.add("customerp.customer", Name="Many 2", VatNumber="NL333333332B01"))
    world.sync()
    for key in keys:
        world.edit("customerp.customer", key, Phone="9")
    assert world.sync().writes == []
    assert len([row for row in world.owed("exact.accounts") if row["operation"] == "update"]) == 3
    (guard,) = world.rows("select entity, kind, seen from talk.guard")
    assert guard == {"entity": "exact.accounts", "kind": "volume", "seen": 3}
    assert skips(world, "too_many_writes") == [{"entity": "exact.accounts", "key": None}]
    accept(world)
    assert len(world.sync().writes) == 3
    assert world.rows("select 1 from talk.guard") == []


@pytest.mark.soak
def test_many_deletions_at_once_wait_for_a_person(world: World) -> None:
    """A company's customers would be archived because somebody cleaned up the wrong system."""
    keys = [world.add("customerp.customer", Name=f"Left {n}", VatNumber=f"NL44444444{n}B01") for n in range(2)]
    world.sync()
    accounts = [world.twin("customerp.customer", key, "exact.accounts") for key in keys]
    for key in keys:
        world.remove("customerp.customer", key)
    for _ in range(2):
        assert world.sync().writes == []
    (guard,) = world.rows("select entity, kind, seen from talk.guard")
    assert guard == {"entity": "customerp.customer", "kind": "deleted", "seen": 2}
    accept(world)
    assert len(world.sync().writes) == 2
    assert {world.show("exact.accounts", account)["Status"] for account in accounts} == {"S"}
    assert world.rows("select 1 from talk.guard") == []


def accept(world: World) -> None:
    """A person lets pass what guards stopped."""
    with world.installation.ledger.begin() as connection:
        connection.execute(sa.text("update talk.guard set accepted_at = now(), accepted_by = 'controller'"))
