"""Lines that are added, changed and removed on either side, over real HTTP and a real ledger."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from talk_assets.cycle import recover
from talk_assets_tests.cycle.done import Report
from talk_assets_tests.cycle.harness import Values, World

_EXACT = {"quotation": "exact.quotations", "salesorder": "exact.salesorders"}


@dataclass
class Documents:
    """A quote with an order from it, and two orders of their own; keys in both systems."""

    world: World
    items: dict[str, str] = field(default_factory=dict)
    products: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        add = self.world.add
        customer = add("customerp.customer", Name="Jansen Bouw BV")
        self.products = {n: add("customerp.product", Number=n, Name=n) for n in ("P1", "P2", "P3")}
        quoted = [{"ProductId": self.products["P1"], "Quantity": 10, "UnitPrice": 4}]
        self.keys["quote"] = add("customerp.quote", CustomerId=customer, Lines=quoted)
        taken = [{"ProductId": self.products["P1"], "Quantity": 5, "UnitPrice": 4}]
        self.keys["taken"] = add("customerp.order", CustomerId=customer, QuoteId=self.keys["quote"], Lines=taken)
        for name in ("ours", "theirs"):
            lines = [{"ProductId": key, "Quantity": 2, "UnitPrice": 3} for key in self.products.values()]
            self.keys[name] = add("customerp.order", CustomerId=customer, CustomerReference=name, Lines=lines)

    def find(self) -> None:
        """Look up the keys of the items."""
        for name, key in self.products.items():
            self.items[name] = self.world.twin("customerp.product", key, "exact.items")

    def exact(self, name: str, kind: str) -> str:
        """Key of the quotation or sales order of a document."""
        own = "customerp.quote" if name == "quote" else "customerp.order"
        return self.world.twin(own, self.keys[name], _EXACT[kind])

    def lines(self, name: str, kind: str | None = None) -> dict[str, tuple[str, float, str]]:
        """Product, quantity and key of the lines of a document, by product; in Exact where a kind is named."""
        own = "customerp.quote" if name == "quote" else "customerp.order"
        names = {key: product for product, key in (self.products | self.items).items()}
        names |= {key: product for product, key in self.products.items()}
        shown = (
            self.world.lines(own, self.keys[name])
            if kind is None
            else self.world.lines(_EXACT[kind], self.exact(name, kind))
        )
        held = {key: (line["ProductId"] if kind is None else line["Item"], line) for key, line in shown.items()}
        return {names[product]: (names[product], float(line["Quantity"]), key) for key, (product, line) in held.items()}

    def quantities(self, name: str, kind: str | None = None) -> dict[str, float]:
        """Quantity per product."""
        return {product: quantity for product, quantity, _ in self.lines(name, kind).values()}


def _calls(report: Report) -> list[str]:
    """The writing calls without the division, each as often as it was sent."""
    return sorted(
        f"{call.partition(' ')[0]} {call.rpartition('/')[2]}"
        for call, count in report.write_calls.items()
        if "oauth" not in call
        for _ in range(count)
    )


def _removed(world: World) -> list[Values]:
    return [hold for hold in world.holds() if hold["kind"] == "removed_line"]


@pytest.mark.soak
def test_lines_of_linked_documents(world: World, subtests: pytest.Subtests) -> None:
    """An invoice would show a line twice or not at all, or a line removed on purpose would go unnoticed or block."""
    documents = Documents(world)
    world.sync()
    documents.find()
    assert world.sync().writes == []
    _added_and_changed(documents, subtests)
    _removed_on_one_side(documents, subtests)
    _settled_by_a_person(documents, subtests)


@pytest.mark.soak
def test_lines_numbered_within_their_document(world: World) -> None:
    """The quotation of one quote would get the quantity of another one: many an ERP numbers lines from 1."""
    customer = world.add("customerp.customer", Name="Jansen Bouw BV")
    product = world.add("customerp.product", Number="P1", Name="P1")
    line = {"ProductId": product, "UnitPrice": 4}
    quotes = [world.add("customerp.quote", CustomerId=customer, Lines=[{**line, "Quantity": n}]) for n in (1, 2)]
    for key in quotes:
        stored = world.stores["customerp"].get("customerp", "main", "quote", key)
        assert stored is not None
        numbered = [{**held, "Id": "1"} for held in stored.body["Lines"]]
        world.stores["customerp"].update("customerp", "main", "quote", key, stored.body | {"Lines": numbered})
    world.sync()
    made = [world.twin("customerp.quote", key, "exact.quotations") for key in quotes]

    def quantities() -> list[list[float]]:
        return [[float(held["Quantity"]) for held in world.lines("exact.quotations", key).values()] for key in made]

    assert quantities() == [[1], [2]]
    world.edit_line("customerp.quote", quotes[1], f"{quotes[1]}/1", Quantity=7)
    (line_of_first,) = world.lines("exact.quotations", made[0])
    world.edit_line("exact.quotations", made[0], line_of_first, Quantity=5)
    world.sync()
    assert quantities() == [[5], [7]]
    assert [held["Quantity"] for key in quotes for held in world.lines("customerp.quote", key).values()] == [5, 7]
    assert world.sync().writes == []
    assert world.holds() == []


def _added_and_changed(documents: Documents, subtests: pytest.Subtests) -> None:
    world, products = documents.world, documents.products
    quoted = documents.lines("quote")["P1"][2]
    world.edit_line("customerp.quote", documents.keys["quote"], quoted, ProductId=products["P2"])
    salesorder = documents.exact("taken", "salesorder")
    line = documents.lines("taken", "salesorder")["P1"][2]
    world.edit_line("exact.salesorders", salesorder, line, Quantity=6)
    first = world.sync()
    with subtests.test("a product changed in a line is one write"):
        assert _calls(first) == ["PATCH {id}", "PUT QuotationLines(key)"]
        assert documents.quantities("quote", "quotation") == {"P2": 10}
    with subtests.test("lines of an order from a quote follow the order, those of its quotation the quote"):
        assert documents.quantities("taken") == documents.quantities("taken", "salesorder") == {"P1": 6}
        assert documents.quantities("quote") == {"P2": 10}
    # What is left out Exact fills in, and that is news for Customerp.
    new = {"ProductId": products["P1"], "Description": "More", "Quantity": 7, "UnitPrice": 1, "DiscountPercent": 0}
    world.add_line("customerp.order", documents.keys["ours"], **new)
    item = documents.items["P2"]
    world.add_line("exact.salesorders", documents.exact("theirs", "salesorder"), Item=item, Quantity=8, UnitPrice=1)
    second = world.sync()
    with subtests.test("a line added on one side is one write for each document that lacks it"):
        ours = ["POST QuotationLines", "POST SalesOrderLines"]
        theirs = ["PATCH {id}", "POST QuotationLines"]
        assert _calls(second) == sorted(ours + theirs), second.writes
        for name, kind in (("ours", "salesorder"), ("theirs", None), ("ours", "quotation"), ("theirs", "quotation")):
            assert len(_all(documents, name, kind)) == 4, (name, kind)
    with subtests.test("and the sync after it writes nothing"):
        assert world.sync().writes == []


def _all(documents: Documents, name: str, kind: str | None) -> dict[str, Values]:
    if kind is None:
        return documents.world.lines("customerp.order", documents.keys[name])
    return documents.world.lines(_EXACT[kind], documents.exact(name, kind))


def _removed_on_one_side(documents: Documents, subtests: pytest.Subtests) -> None:
    world = documents.world
    ours, theirs = documents.keys["ours"], documents.exact("theirs", "salesorder")
    gone_here = documents.lines("ours")["P3"][2]
    gone_there = documents.lines("theirs", "salesorder")["P3"][2]
    world.remove_line("customerp.order", ours, gone_here)
    world.remove_line("exact.salesorders", theirs, gone_there)
    world.edit("customerp.order", ours, Description="still synchronised")
    kept = documents.lines("theirs", "salesorder")["P1"][2]
    world.edit_line("exact.salesorders", theirs, kept, Quantity=9)
    world.sync()
    with subtests.test("nothing is deleted on the other side, nothing is put back"):
        assert "P3" in documents.lines("ours", "salesorder")
        assert "P3" in documents.lines("ours", "quotation")
        assert "P3" not in documents.lines("ours")
        assert "P3" in documents.lines("theirs")
        assert "P3" not in documents.lines("theirs", "salesorder")
    with subtests.test("the documents' other edits arrive"):
        assert world.show("exact.salesorders", documents.exact("ours", "salesorder"))["Description"] == (
            "still synchronised"
        )
        assert documents.quantities("theirs")["P1"] == 9
    before = _removed(world)
    with subtests.test("a person is told once per line, where it was and where it still is"):
        assert {f"{hold['entity']}/{hold['key']}" for hold in before} == {
            f"customerp.order_line/{gone_here}",
            f"exact.salesorder_lines/{gone_there}",
        }
        told = {hold["key"]: hold["reason"] for hold in before}
        assert f"removed from customerp.order/{ours}" in told[gone_here]
        assert f"of exact.salesorders/{documents.exact('ours', 'salesorder')}" in told[gone_here]
        assert f"removed from exact.salesorders/{theirs}" in told[gone_there]
        assert f"of customerp.order/{documents.keys['theirs']}" in told[gone_there]
    quiet = world.sync()
    with subtests.test("the next sync is quiet and tells nothing new"):
        assert quiet.writes == []
        assert _removed(world) == before
        assert {hold["kind"] for hold in world.holds()} == {"removed_line"}


def _settled_by_a_person(documents: Documents, subtests: pytest.Subtests) -> None:
    world = documents.world
    for kind in ("salesorder", "quotation"):
        key = documents.lines("ours", kind)["P3"][2]
        world.remove_line(_EXACT[kind], documents.exact("ours", kind), key)
    theirs = documents.exact("theirs", "salesorder")
    back = world.add_line("exact.salesorders", theirs, Item=documents.items["P3"], Quantity=2, UnitPrice=3)
    survivor = documents.lines("theirs")["P3"][2]
    report = world.sync()
    with subtests.test("what is gone everywhere or there again is no longer told"):
        assert world.holds() == []
    with subtests.test("a line added again is the one that stayed on the other side"):
        assert world.twin("customerp.order_line", survivor, "exact.salesorder_lines") == back
        assert len(_all(documents, "theirs", None)) == 4
        assert [write for write in report.writes if write["operation"] == "create"] == []


@pytest.mark.soak
def test_lines_whose_answers_are_lost(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An invoice would show a line twice: of two of one product it was not seen that one arrived and the other not."""
    monkeypatch.setattr(recover, "LATEST_ARRIVAL", timedelta(0))
    customer = world.add("customerp.customer", Name="Jansen Bouw BV")
    product = world.add("customerp.product", Number="P1", Name="P1")
    line = {"ProductId": product, "UnitPrice": 4}
    order = world.add("customerp.order", CustomerId=customer, Lines=[{**line, "Quantity": 1}])
    world.sync()
    for quantity in (2, 3):
        world.add_line("customerp.order", order, **line, Quantity=quantity)
    for path in ("QuotationLines", "SalesOrderLines"):
        world.fault("exact", method="POST", path=path, status=503, match={"Quantity": 2}, after=True)
        world.fault("exact", method="POST", path=path, status=503, match={"Quantity": 3})
    world.sync()
    world.sync()
    for entity in ("exact.quotations", "exact.salesorders"):
        held = world.lines(entity, world.twin("customerp.order", order, entity)).values()
        assert sorted(float(each["Quantity"]) for each in held) == [1, 2, 3], entity
    assert sorted(each["Quantity"] for each in world.lines("customerp.order", order).values()) == [1, 2, 3]
    assert world.holds() == []
    assert world.sync().writes == []
    assert world.rows("select * from talk.intent where closed_at is null") == []
