"""What guards stop over real HTTP, what a person's acceptance lets pass, and what follows."""

from collections.abc import Iterator

import pytest

from talk_assets.cycle.collect import collect
from talk_assets.ledger.cursors import forget_cursors
from talk_assets.orders.accepting import accept
from talk_assets_tests.conftest import DatabaseServer
from talk_assets_tests.cycle.done import Report
from talk_assets_tests.cycle.harness import Values, World, open_world
from talk_assets_tests.mappings.broken import copy_mappings, replace

_DELETES = "guards:\n  exact.items: {max_deletes_per_run: 1}\n\nproperties:\n"


@pytest.fixture(scope="module")
def world(database_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world in which a product that is gone takes its item with it; each test has a subject of its own."""
    folder = tmp_path_factory.mktemp("mappings")
    copy_mappings(folder)
    product = folder / "product.yaml"
    replace(product, "    criteria:\n", "    when_gone: {customerp: delete}\n    criteria:\n")
    replace(product, "properties:\n", _DELETES)
    url = database_server.create_ledger()
    with open_world(url, tmp_path_factory.mktemp("home"), mappings=folder) as world:
        yield world
    database_server.drop(url)


def sync(world: World, run: str, subject: str, *, whole: str | None = None) -> Report:
    """A round over one subject; `whole` is an entity that is read from the beginning."""
    report = Report()
    with world.installation.cycle(run) as cycle:
        if whole is not None:
            with cycle.ledger.begin() as connection:
                forget_cursors(connection, cycle.division, [whole])
        world.take(cycle, report, [subject])
        world.give(cycle, report, [subject])
    return report


def let_pass(world: World, entity: str) -> list[str]:
    with world.installation.cycle("order") as cycle:
        return accept(cycle, entity, None, "controller")


def waiting(world: World) -> list[Values]:
    return world.rows("select entity, kind, seen from talk.guard where accepted_at is null")


def test_an_empty_feed_waits_for_a_person_and_what_is_hidden_is_no_deletion(world: World) -> None:
    """A right withdrawn for an hour would take all customers for gone, or lock an ERP out that really is empty."""
    customers = [world.add("customerp.customer", Name=f"Hidden {n}", Phone="1") for n in range(2)]
    sync(world, "first", "organisation")
    world.edit("exact.accounts", world.twin("customerp.customer", customers[0], "exact.accounts"), Phone="2")
    world.fault("customerp", fault="empty-feed", path="^/customers$", times=None)
    report = sync(world, "hidden", "organisation", whole="customerp.customer")
    assert report.writes == [], "nothing is written to a system that shows nothing"
    assert waiting(world) == [{"entity": "customerp.customer", "kind": "empty", "seen": 2}]
    gone = "select key from talk.record where entity = 'customerp.customer' and deleted_at is not null"
    assert world.rows(gone) == []
    assert len(world.owed("customerp.customer")) == 1
    with world.reopened():
        (told,) = let_pass(world, "customerp.customer")
    assert told.startswith("empty: the feed is empty although 2 records were known")
    world.stores["customerp"].delete("customerp", "main", "customer", customers[1])
    sync(world, "accepted", "organisation", whole="customerp.customer")
    assert [row["key"] for row in world.rows(gone)] == [customers[1]], "what can be looked up by itself is there"
    assert waiting(world) == []
    world.end_faults()
    sync(world, "shown again", "organisation", whole="customerp.customer")
    assert world.show("customerp.customer", customers[0])["Phone"] == "2"
    assert world.owed("customerp.customer") == []


def test_deletions_over_their_limit_wait_with_all_that_is_owed(world: World) -> None:
    """Two products thrown away by mistake would be gone from the books a minute later, within the limit for writes."""
    keys = [world.add("customerp.product", Number=f"G{n}", Name=f"Thing {n}", Unit="piece", Price=5) for n in range(3)]
    sync(world, "first products", "product")
    items = [world.twin("customerp.product", key, "exact.items") for key in keys]
    for key in keys[:2]:
        world.remove("customerp.product", key)
    world.edit("customerp.product", keys[2], Name="Better thing")
    assert sync(world, "too many", "product").writes == []
    assert set(items) <= set(world.all("exact.items"))
    assert waiting(world) == [{"entity": "exact.items", "kind": "removals", "seen": 2}]
    (told,) = let_pass(world, "exact.items")
    assert told.startswith("removals: 2 records are to be deleted or archived, more than 1; nothing was written")
    report = sync(world, "let pass", "product")
    done = report.delivered["exact.items"]
    assert (done.deleted, done.updated) == (2, 1)
    assert set(items) & set(world.all("exact.items")) == {items[2]}
    assert waiting(world) == []
    world.remove("customerp.product", keys[2])
    assert sync(world, "within the limit", "product").delivered["exact.items"].deleted == 1


@pytest.mark.soak
def test_what_a_guard_stops_grows_old_although_it_is_decided_again(world: World) -> None:
    """A guard stops all writes for days, and nobody hears of old debts: each edit makes the debt a new one."""
    keys = [world.add("customerp.product", Number=f"O{n}", Name=f"Old {n}", Unit="piece", Price=5) for n in range(3)]
    sync(world, "first old", "product")
    world.twin("customerp.product", keys[2], "exact.items")
    for key in keys[:2]:
        world.remove("customerp.product", key)
    world.edit("customerp.product", keys[2], Name="Older")
    sync(world, "stopped", "product")
    debts = (
        "select operation, values ->> 'name' as name, since < now() - interval '1 d' as late from talk.owed order by 1"
    )
    for names, late in (({"Name": "Oldest"}, True), ({"Name": "Old 2", "Description": "new"}, False)):
        with world.installation.ledger.begin() as connection:
            connection.exec_driver_sql("update talk.owed set since = now() - interval '2 d'")
        world.edit("customerp.product", keys[2], **names)
        sync(world, f"stopped again {late}", "product")
        owed = {"operation": "update", "name": "Oldest" if late else None, "late": late}
        assert [row for row in world.rows(debts) if row["operation"] == "update"] == [owed]
        assert [row["late"] for row in world.rows(debts) if row["operation"] == "delete"] == [True, True]
    let_pass(world, "exact.items")
    assert sync(world, "old let pass", "product").delivered["exact.items"].updated == 1


def test_the_lines_of_all_documents_do_not_vanish_at_once(world: World) -> None:
    """A right that is missing on lines alone takes all lines for removed; or who removed the only line is stuck."""
    account = world.add("exact.accounts", Name="Jansen")
    item = world.add("exact.items", Code="L1", Description="Bolt", IsSalesItem=True)
    quotation = world.add("exact.quotations", OrderAccount=account, QuotationLines=[{"Item": item}])
    (line,) = world.lines("exact.quotations", quotation)
    gone = "select key from talk.record where entity = 'exact.quotation_lines' and deleted_at is not null"
    tripped = [{"entity": "exact.quotation_lines", "kind": "empty", "seen": 1}]
    read_quotations(world, "first quotation")
    world.fault("exact", fault="empty-feed", path="sync/CRM/QuotationLines", times=1)
    read_quotations(world, "no right on lines")
    assert (waiting(world), world.rows(gone)) == (tripped, [])
    read_quotations(world, "the right is back")
    assert waiting(world) == []
    world.remove_line("exact.quotations", quotation, line)
    read_quotations(world, "the only line removed")
    assert (waiting(world), world.rows(gone)) == (tripped, [])
    let_pass(world, "exact.quotation_lines")
    read_quotations(world, "lines accepted")
    assert (waiting(world), world.rows(gone)) == ([], [{"key": line}])
    world.remove("exact.quotations", quotation)


def read_quotations(world: World, run: str) -> None:
    """Read all quotations, without what Exact says to have deleted."""
    with world.installation.cycle(run) as cycle:
        with cycle.ledger.begin() as connection:
            forget_cursors(connection, cycle.division, ["exact.quotations"])
        collect(cycle, "exact.quotations")


@pytest.mark.soak
def test_nothing_is_written_to_documents_that_show_no_lines(world: World) -> None:
    """Quotations that are only half to be seen would be written on; or a line removed on one side go untold."""
    customer = world.add("customerp.customer", Name="De Vries")
    product = world.add("customerp.product", Number="1", Name="Bolt", Unit="piece")
    line = {"ProductId": product, "Quantity": 1, "UnitPrice": 2, "DiscountPercent": 0, "Description": "x"}
    quote = world.add("customerp.quote", CustomerId=customer, Description="q", QuoteDate="2024-05-01", Lines=[line])
    world.sync()
    quotation = world.twin("customerp.quote", quote, "exact.quotations")
    world.edit("customerp.quote", quote, Description="r")
    with world.installation.ledger.begin() as connection:
        forget_cursors(connection, world.installation.division, ["exact.quotations"])
    world.fault("exact", fault="empty-feed", path="sync/CRM/QuotationLines", times=1)
    assert world.sync().delivered["exact.quotations"].writes == []
    assert len(world.sync().delivered["exact.quotations"].writes) == 1, "the right is back, and so are the lines"
    (key,) = world.lines("exact.quotations", quotation)
    world.remove_line("exact.quotations", quotation, key)
    read_quotations(world, "a line removed")
    let_pass(world, "exact.quotation_lines")
    with world.installation.ledger.begin() as connection:
        forget_cursors(connection, world.installation.division, ["exact.quotations"])
    world.sync()
    assert "removed_line" in {hold["kind"] for hold in world.holds()}, world.holds()
