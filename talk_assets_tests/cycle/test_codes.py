"""Codes, which no two records of an entity have at the same time, passed on from one to another."""

from talk_assets_tests.cycle.harness import World


def test_numbers_that_are_passed_on_arrive_at_once(world: World) -> None:
    """Exact would refuse each number that another item still has, and a renumbering would wait for a person."""
    numbers = ["10", "20", "30", "40"]
    products = [world.add("customerp.product", Number=number, Name=f"P{number}") for number in numbers]
    world.sync()
    items = [world.twin("customerp.product", key, "exact.items") for key in products]
    for key, number in reversed(list(zip(products, [*numbers[1:], "50"], strict=True))):
        world.edit("customerp.product", key, Number=number)
    world.sync()
    assert [world.show("exact.items", key)["Code"].strip() for key in items] == [*numbers[1:], "50"]
    assert world.owed() == []


def test_a_number_that_could_not_be_given_up_is_waited_for(world: World) -> None:
    """One busy moment at the item that has the number, and the product that takes it would wait for a person."""
    taker, giver = (world.add("customerp.product", Number=number, Name=f"P{number}") for number in ("10", "20"))
    world.sync()
    items = [world.twin("customerp.product", key, "exact.items") for key in (taker, giver)]
    world.edit("customerp.product", giver, Number="30")
    world.edit("customerp.product", taker, Number="20")
    world.fault("exact", method="PUT", path=items[1], status=503, times=99)
    world.sync()
    assert sorted(debt["state"] for debt in world.owed()) == ["owed", "waiting"]
    world.end_faults()
    world.sync()
    assert [world.show("exact.items", key)["Code"].strip() for key in items] == ["20", "30"]
    assert world.owed() == []
