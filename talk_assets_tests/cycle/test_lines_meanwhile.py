"""What becomes of lines while their documents are written, which can take minutes."""

import pytest

from talk_assets.cycle import deliver as delivering
from talk_assets.sandbox.installation import EXACT_DIVISION
from talk_assets_tests.cycle.harness import Values, World


def _quotes(world: World) -> tuple[list[str], list[str]]:
    """Three linked quotes with a line each, and their quotations."""
    customer = world.add("customerp.customer", Name="Jansen BV", OrganizationNumber="12345678")
    product = world.add("customerp.product", Number="P1", Name="Paint")
    lines = [{"ProductId": product, "Quantity": 1, "UnitPrice": 4}]
    quotes = [world.add("customerp.quote", CustomerId=customer, Lines=lines) for _ in range(3)]
    world.sync()
    world.sync()
    return quotes, [world.twin("customerp.quote", quote, "exact.quotations") for quote in quotes]


def _during_the_first_write(world: World, key: str, values: Values) -> None:
    """A sync, during whose first write of a quotation a colleague saves a line in Exact."""
    done: list[str] = []

    def meanwhile(method: str, path: str) -> bool:
        if method == "PUT" and "Quotations(" in path and not done:
            done.append(path)
            # Not over HTTP: the server is busy with this very call.
            store, at = world.stores["exact"], ("exact", str(EXACT_DIVISION), "QuotationLines")
            if store.get(*at, key) is None:
                store.insert(*at, key, values)
            else:
                store.update(*at, key, values)
        return False

    world.interrupt(meanwhile)
    world.sync()
    world.interrupt(None)
    assert done
    for _ in range(3):
        world.sync()


def test_a_line_that_is_edited_while_documents_are_written(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A colleague's quantity would be overwritten, and both systems differ for ever without a word."""
    monkeypatch.setattr(delivering, "BATCH", 1)
    quotes, quotations = _quotes(world)
    (theirs,) = world.lines("exact.quotations", quotations[0])
    (ours,) = world.lines("customerp.quote", quotes[0])
    for quote in quotes:
        world.edit("customerp.quote", quote, Description="Roof")
    world.edit_line("customerp.quote", quotes[0], ours, Quantity=5)
    held = world.stores["exact"].get("exact", str(EXACT_DIVISION), "QuotationLines", theirs)
    assert held is not None
    _during_the_first_write(world, theirs, held.body | {"Quantity": 9})
    assert world.show("exact.quotation_lines", theirs)["Quantity"] == 9
    assert world.lines("customerp.quote", quotes[0])[ours]["Quantity"] == 9
    assert world.owed() == []


def test_a_line_that_is_added_on_both_sides_while_documents_are_written(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line would be on the quotation twice, and be invoiced twice."""
    monkeypatch.setattr(delivering, "BATCH", 1)
    quotes, quotations = _quotes(world)
    product = world.add("customerp.product", Number="P2", Name="Brush")
    world.sync()
    item = world.twin("customerp.product", product, "exact.items")
    (theirs,) = world.lines("exact.quotations", quotations[0])
    held = world.stores["exact"].get("exact", str(EXACT_DIVISION), "QuotationLines", theirs)
    assert held is not None
    for quote in quotes:
        world.edit("customerp.quote", quote, Description="Roof")
    world.add_line("customerp.quote", quotes[0], ProductId=product, Quantity=2, UnitPrice=3)
    key = "11111111-2222-3333-4444-555555555555"
    _during_the_first_write(world, key, held.body | {"ID": key, "Item": item, "Quantity": 2, "LineNumber": 2})
    assert len(world.lines("exact.quotations", quotations[0])) == 2
    assert len(world.lines("customerp.quote", quotes[0])) == 2
