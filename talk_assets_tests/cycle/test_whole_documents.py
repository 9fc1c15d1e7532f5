"""Documents that are created later than their lines were decided about come with all of them, over real HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from talk_assets.cycle import recover
from talk_assets.orders.accepting import accept_creation
from talk_assets.orders.unlinking import unlink
from talk_assets_tests.cycle.harness import World, open_world
from talk_assets_tests.mappings.broken import copy_mappings, replace


class Quote:
    """A quote of two lines, in a world of its own.

    Args:
        world: the world.
        values: more of the quote's values.
    """

    def __init__(self, world: World, **values: str) -> None:
        self.world = world
        self.customer = world.add("customerp.customer", Name="Klant BV", Number="700")
        self.products = [world.add("customerp.product", Number=f"P{n}", Name="Thing", Unit="piece") for n in (1, 2)]
        self.lines = [{"ProductId": key, "Quantity": 3, "UnitPrice": 5} for key in self.products]
        self.key = self.add("R1", **values)

    def add(self, reference: str, **values: str) -> str:
        """A quote with the two lines."""
        named = {"CustomerId": self.customer, "CustomerReference": reference, "Description": "x"}
        return self.world.add("customerp.quote", **named, Lines=self.lines, **values)

    def edit(self, **values: str) -> None:
        """Edit the quote."""
        self.world.edit("customerp.quote", self.key, **values)

    def edit_line(self) -> None:
        """Edit its first line."""
        line = next(iter(self.world.lines("customerp.quote", self.key)))
        self.world.edit_line("customerp.quote", self.key, line, Quantity=5)

    @property
    def quotation(self) -> str | None:
        """The key of its quotation."""
        return self.world.partner("customerp.quote", self.key, "exact.quotations")

    def quantities(self) -> list[float]:
        """The quantities on the quotation's lines; the next sync after that writes nothing."""
        quotation = self.quotation
        assert quotation is not None
        found = [float(line["Quantity"]) for line in self.world.lines("exact.quotations", quotation).values()]
        assert self.world.sync().writes == []
        return sorted(found)


@contextmanager
def flow_of_quotes(database_url: str, folder: Path, rule: str) -> Iterator[World]:
    """A world in which a rule is added to the flow of quotes."""
    copy_mappings(folder)
    before = "    exact: exact.quotations\n    meaning: Every quote is"
    replace(folder / "sales_document.yaml", before, before.replace("    meaning", f"    {rule}\n    meaning"))
    with open_world(database_url, folder, mappings=folder) as world:
        yield world


def due(world: World) -> None:
    """Let what is tried again later be tried now."""
    with world.installation.ledger.begin() as connection:
        connection.execute(sa.text("update talk.owed set next_try = null"))


def test_a_quote_that_was_held_when_its_line_was_edited_is_created_whole(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The customer would get a quotation without the line that was edited while two quotes looked the same."""
    monkeypatch.setattr(recover, "LATEST_ARRIVAL", timedelta(0))
    world.fault("exact", method="POST", path="Quotations", status=503, times=None)
    quote = Quote(world)
    world.sync()
    other = quote.add("R1")
    world.sync()
    assert "ambiguous" in {hold["kind"] for hold in world.holds()}
    quote.edit_line()
    world.sync()
    world.edit("customerp.quote", other, CustomerReference="R2")
    world.end_faults()
    due(world)
    world.sync()
    assert quote.quantities() == [3, 5]


@pytest.mark.soak
@pytest.mark.parametrize("line_too", [False, True])
def test_a_quote_that_becomes_young_enough_is_created_whole(
    database_url: str, tmp_path: Path, *, line_too: bool
) -> None:
    """An old quote that is taken up again would come to Exact empty, and nobody is told."""
    with flow_of_quotes(database_url, tmp_path, "create: {since: '2026-06-01T00:00:00Z'}") as world:
        quote = Quote(world, modified="2026-01-01T00:00:00Z")
        for _ in range(2):
            world.sync()
        assert quote.quotation is None
        if line_too:
            quote.edit_line()
            world.sync()
        quote.edit(Description="y")
        world.sync()
        assert quote.quantities() == ([3, 5] if line_too else [3, 3])


@pytest.mark.soak
@pytest.mark.parametrize("when", ["never", "before", "after"])
def test_a_quote_that_was_unlinked_and_accepted_is_created_whole(world: World, when: str) -> None:
    """Who has a quotation made anew by an order would get one without lines, or with the edited line alone."""
    quote = Quote(world)
    world.sync()
    world.sync()
    with world.installation.cycle("order") as cycle:
        unlink(cycle, f"customerp.quote/{quote.key}", f"exact.quotations/{quote.quotation}", "ann")
    assert world.sync().writes == []
    if when == "before":
        quote.edit_line()
        assert world.sync().writes == []
    with world.installation.cycle("order") as cycle:
        accept_creation(cycle, f"customerp.quote/{quote.key}", "ann")
    if when == "after":
        quote.edit_line()
    world.sync()
    assert quote.quantities() == ([3, 3] if when == "never" else [3, 5])


@pytest.mark.soak
def test_a_line_that_was_forgotten_is_decided_before_its_quote_is_created(world: World) -> None:
    """What an earlier version left in the ledger, or any gap we do not know of, would be a quotation in parts."""
    world.fault("exact", method="POST", path="Quotations", status=429, times=None)
    quote = Quote(world)
    world.sync()
    with world.installation.ledger.begin() as connection:
        lost = "delete from talk.owed where entity = 'exact.quotation_lines' and cluster_id = (select max(cluster_id) "
        connection.execute(sa.text(lost + "from talk.owed where entity = 'exact.quotation_lines')"))
    world.end_faults()
    due(world)
    world.sync()
    assert quote.quantities() == [3, 3]


@pytest.mark.soak
def test_a_quote_waits_for_a_line_that_cannot_be_sent(world: World) -> None:
    """A quotation would be sent to the customer without the line that Exact refused before."""
    world.fault("exact", method="POST", path="Quotations", status=429, times=None)
    Quote(world)
    world.sync()
    with world.installation.ledger.begin() as connection:
        refused = "update talk.owed set state = 'dead', reason = 'refused' where entity = 'exact.quotation_lines'"
        connection.execute(sa.text(refused))
    world.end_faults()
    due(world)
    for _ in range(2):
        assert world.sync().writes == []
    (debt,) = world.owed("exact.quotations")
    assert (debt["state"], debt["reason"]) == ("waiting", "its line in exact.quotation_lines cannot be sent: refused")


@pytest.mark.soak
def test_a_quote_that_is_matched_later_gets_its_missing_lines(database_url: str, tmp_path: Path) -> None:
    """A quotation that somebody enters with one of two lines would never get the other, unless both came at once."""
    with flow_of_quotes(database_url, tmp_path, "create: {exact: false}") as world:
        quote = Quote(world)
        world.sync()
        quotation = enter(world, quote)
        world.sync()
        assert quote.quotation == quotation
        assert quote.quantities() == [3, 3]


@pytest.mark.soak
def test_a_quotation_that_is_entered_again_gets_its_missing_lines(world: World) -> None:
    """Who enters by hand what was deleted by mistake would have the lines that are left out wait for ever."""
    quote = Quote(world)
    world.sync()
    world.sync()
    world.remove("exact.quotations", str(quote.quotation))
    world.sync()
    quotation = enter(world, quote)
    world.sync()
    assert quote.quotation == quotation
    assert quote.quantities() == [3, 3]


@pytest.mark.soak
def test_a_quotation_that_is_back_gets_the_line_that_was_added_meanwhile(world: World) -> None:
    """A quotation restored from a backup would lack what was added to its quote while it was gone."""
    quote = Quote(world)
    world.sync()
    world.sync()
    quotation = str(quote.quotation)
    held = world.show("exact.quotations", quotation)
    world.remove("exact.quotations", quotation)
    world.sync()
    world.add_line("customerp.quote", quote.key, ProductId=quote.products[0], Quantity=9, UnitPrice=5)
    assert world.sync().writes == []
    world.restore("exact.quotations", quotation, **held)
    world.sync()
    assert quote.quotation == quotation
    assert 9 in quote.quantities()


def enter(world: World, quote: Quote) -> str:
    """A quotation for the quote, with its first line, as a person enters it; its key."""
    item = world.partner("customerp.product", quote.products[0], "exact.items")
    line = {"Item": item, "Quantity": 3, "UnitPrice": 5}
    account = world.partner("customerp.customer", quote.customer, "exact.accounts")
    named = {"OrderAccount": account, "YourRef": "R1", "Description": "x"}
    return world.add("exact.quotations", **named, QuotationLines=[line])


@pytest.mark.parametrize(
    "wrong", [{"ProductId": "no-such-product"}, pytest.param({"Quantity": "some"}, marks=pytest.mark.soak)]
)
def test_a_quotation_of_a_quote_does_not_wait_for_lines_of_the_order(
    world: World, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str]
) -> None:
    """An offer that is complete is not sent because the order that came from it has a line that cannot be taken."""
    monkeypatch.setattr(recover, "LATEST_ARRIVAL", timedelta(0))
    world.fault("exact", method="POST", path="Quotations", status=503, times=None)
    quote = Quote(world)
    world.sync()
    world.end_faults()
    due(world)
    bad = {"ProductId": quote.products[0], "Quantity": 1, "UnitPrice": 5, **wrong}
    named = {"CustomerId": quote.customer, "CustomerReference": "R2", "OrderDate": "2024-02-09"}
    world.add("customerp.order", **named, QuoteId=quote.key, checked=False, Lines=[*quote.lines, bad])
    world.sync()
    due(world)
    world.sync()
    assert quote.quotation is not None, [debt["reason"] for debt in world.owed("exact.quotations")]
