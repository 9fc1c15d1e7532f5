"""What edits cost in calls: Exact gives 60 a minute and 5,000 a day to everything that a company connects."""

from collections import Counter

import pytest

from talk_assets_tests.cycle.done import Report
from talk_assets_tests.cycle.harness import World

# Feeds of Exact: accounts, contacts, employees, items, headers and lines of two kinds of documents, deletions.
_EXACT_READS = 9
# Feeds of Customerp: six kinds of records, deletions.
_CUSTOMERP_READS = 7
_MANY = 60


def _reads(report: Report, system: str) -> Counter[str]:
    """What was read, without the questions whether the credentials are good."""
    found: Counter[str] = Counter()
    for call, count in report.calls[system].items():
        method, _, path = call.partition(" ")
        if method == "GET" and ("/sync/" in path or "/bulk/" in path or (system == "customerp" and path != "/")):
            found[path.rpartition("/")[2]] += count
    return found


def _writes(report: Report) -> Counter[str]:
    """What was written, by method and set."""
    found: Counter[str] = Counter()
    for call, count in report.write_calls.items():
        if "oauth" not in call:
            found[f"{call.partition(' ')[0]} {call.partition(' ')[2].removesuffix('/{id}').rpartition('/')[2]}"] += (
                count
            )
    return found


@pytest.mark.soak
def test_edits_cost_their_writes_and_two_reads(world: World, subtests: pytest.Subtests) -> None:
    """The day's calls would be spent by noon, and nothing else connected to Exact would work any more."""
    customers = [world.add("customerp.customer", Name=f"Customer {n}", Phone="1") for n in range(_MANY)]
    products = [world.add("customerp.product", Number=f"P{n}", Name=f"Product {n}") for n in range(3)]
    full = {"Description": "d", "UnitPrice": 2, "DiscountPercent": 0, "DeliveryDate": "2024-05-01"}
    lines = [{"ProductId": key, "Quantity": 1, **full} for key in products]
    order = world.add("customerp.order", CustomerId=customers[0], DeliveryDate="2024-05-01", Lines=lines)
    world.sync()
    assert world.sync().writes == []

    world.edit("customerp.customer", customers[0], Phone="2")
    report = world.sync()
    with subtests.test("one edit in Customerp"):
        assert _writes(report) == {"PUT Accounts(key)": 1}
        assert _reads(report, "customerp").total() == _CUSTOMERP_READS
        assert _reads(report, "exact").total() == _EXACT_READS + 2
        assert _reads(report, "exact")["Accounts"] == 1 + 2

    item = world.twin("customerp.product", products[0], "exact.items")
    world.edit("exact.items", item, Description="Changed in Exact")
    report = world.sync()
    with subtests.test("one edit in Exact"):
        assert _writes(report) == {"PATCH products": 1}
        assert _reads(report, "customerp").total() == _CUSTOMERP_READS + 2
        # What an item's row version does not tell, its price, is read with it.
        assert _reads(report, "exact").total() == _EXACT_READS + 1

    changed = [{"Id": line["Id"], "Quantity": 5} for line in world.lines("customerp.order", order).values()]
    world.edit("customerp.order", order, Lines=changed)
    report = world.sync()
    with subtests.test("three lines of one document"):
        assert _writes(report) == {"PUT SalesOrderLines(key)": 3, "PUT QuotationLines(key)": 3}
        assert _reads(report, "customerp").total() == _CUSTOMERP_READS
        # Both documents of the order before and after, each with its lines.
        assert _reads(report, "exact").total() == _EXACT_READS + 2 * 2 * 2

    for key in customers:
        world.edit("customerp.customer", key, Phone="3")
    report = world.sync()
    with subtests.test("more edits than one batch"):
        assert _writes(report) == {"PUT Accounts(key)": _MANY}
        assert _reads(report, "exact").total() == _EXACT_READS + 3

    report = world.sync()
    with subtests.test("no edit"):
        assert report.writes == []
        assert _writes(report) == {}
        assert _reads(report, "customerp").total() == _CUSTOMERP_READS
        assert set(_reads(report, "customerp").values()) == {1}
        assert _reads(report, "exact").total() == _EXACT_READS
        assert set(_reads(report, "exact").values()) == {1}
