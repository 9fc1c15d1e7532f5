"""How much a person's acceptance of what a guard stopped lets pass, over real HTTP."""

from pathlib import Path

import pytest

from talk_assets.cycle.missing import note_absent
from talk_assets.orders.accepting import accept
from talk_assets_tests.cycle.harness import Values, World, open_world
from talk_assets_tests.mappings.broken import copy_mappings, replace

_FEW_WRITES = "guards:\n  exact.accounts: {max_writes_per_run: 2, max_writes_share: 0}\n\nproperties:\n"
_FEW_REMOVALS = "guards:\n  exact.accounts: {max_deletes_per_run: 1}\n\nproperties:\n"
_FEW_GONE = """\
deletions:
  customerp.customer: {snapshot: SNAPSHOT, misses_needed: 1, verify: false}
guards:
  customerp.customer: {max_missing: 1, max_missing_share: 0}

properties:
"""
_GONE = "select count(*) as count from talk.record where entity = 'customerp.customer' and deleted_at is not null"


def with_guards(folder: Path, guards: str, gone: str = "") -> Path:
    """The shipped mappings with these guards of organisations, and what becomes of an account without its customer."""
    copy_mappings(folder)
    replace(folder / "organisation.yaml", "properties:\n", guards)
    if gone:
        replace(
            folder / "organisation.yaml", "    criteria:\n", f"    when_gone: {{customerp: {gone}}}\n    criteria:\n"
        )
    return folder


def let_pass(world: World, entity: str) -> list[str]:
    with world.installation.cycle("order") as cycle:
        return accept(cycle, entity, None, "controller")


def waiting(world: World) -> list[Values]:
    return world.rows("select entity, kind, seen from talk.guard where accepted_at is null")


def customers(world: World, count: int) -> list[str]:
    """So many customers, with their accounts in Exact."""
    keys = [world.add("customerp.customer", Name=f"K{n}", Number=f"70{n}", Phone="1") for n in range(count)]
    world.sync()
    return keys


def test_what_was_not_there_when_a_person_accepted_is_not_written(database_url: str, tmp_path: Path) -> None:
    """Three changes let pass on Friday would let the wrong import of Saturday into the books, however much it is."""
    with open_world(database_url, tmp_path, mappings=with_guards(tmp_path, _FEW_WRITES)) as world:
        keys = customers(world, 8)
        for key in keys[:3]:
            world.edit("customerp.customer", key, Phone="2")
        assert world.sync().writes == []
        let_pass(world, "exact.accounts")
        for key in keys:
            world.edit("customerp.customer", key, Name="Wrong import")
        assert world.sync().writes == []
        assert waiting(world) == [{"entity": "exact.accounts", "kind": "volume", "seen": 8}]
        (told,) = let_pass(world, "exact.accounts")
        assert told.startswith("volume: 8 writes are owed, more than 2, and a person accepted 3; nothing was written")
        assert len(world.sync().writes) == 8
        assert (waiting(world), world.sync().writes) == ([], [])


@pytest.mark.soak
def test_as_much_as_is_let_through_anyway_may_come_on_top(database_url: str, tmp_path: Path) -> None:
    """Whoever accepts a big change would have to do so again for each customer that is edited until the next sync."""
    with open_world(database_url, tmp_path, mappings=with_guards(tmp_path, _FEW_WRITES)) as world:
        keys = customers(world, 5)
        for key in keys[:3]:
            world.edit("customerp.customer", key, Phone="2")
        assert world.sync().writes == []
        let_pass(world, "exact.accounts")
        for key in keys[3:]:
            world.edit("customerp.customer", key, Phone="2")
        assert len(world.sync().writes) == 5
        for key in keys[:3]:
            world.edit("customerp.customer", key, Phone="3")
        assert world.sync().writes == [], "it is used up"


@pytest.mark.soak
@pytest.mark.parametrize("kinds", [["deleted"], ["deleted", "missing"]])
def test_what_is_gone_after_a_person_accepted_is_not_taken_for_deleted(
    database_url: str, tmp_path: Path, kinds: list[str]
) -> None:
    """Two customers let go would let all others go that a right withdrawn since then hides, accounts and all."""
    guards = _FEW_GONE.replace("SNAPSHOT", str("missing" in kinds).lower())

    def tripped(seen: int) -> list[Values]:
        return [{"entity": "customerp.customer", "kind": kind, "seen": seen} for kind in kinds]

    with open_world(database_url, tmp_path, mappings=with_guards(tmp_path, guards)) as world:
        keys = customers(world, 8)
        for key in keys[:2]:
            world.remove("customerp.customer", key)
        world.sync()
        assert waiting(world) == tripped(2)
        let_pass(world, "customerp.customer")
        for key in keys[2:6]:
            world.remove("customerp.customer", key)
        world.sync()
        assert (waiting(world), world.rows(_GONE)) == (tripped(6), [{"count": 0}])
        for told in let_pass(world, "customerp.customer"):
            assert "more than 1, and a person accepted 2; none of them was taken for deleted" in told
        world.sync()
        assert (waiting(world), world.rows(_GONE)) == ([], [{"count": 6}])
        assert world.sync().writes == []


@pytest.mark.soak
@pytest.mark.parametrize("kinds", [["deleted"], ["deleted", "missing"]])
def test_others_than_a_person_accepted_are_not_taken_for_deleted(
    database_url: str, tmp_path: Path, kinds: list[str]
) -> None:
    """Three customers let go on Friday, that are there again on Saturday, would let three others go."""
    guards = _FEW_GONE.replace("SNAPSHOT", str("missing" in kinds).lower())
    with open_world(database_url, tmp_path, mappings=with_guards(tmp_path, guards)) as world:
        keys = customers(world, 8)
        before = {key: world.show("customerp.customer", key) for key in keys[:3]}
        for key in keys[:3]:
            world.remove("customerp.customer", key)
        world.sync()
        let_pass(world, "customerp.customer")
        for key in keys[:3]:
            world.restore("customerp.customer", key, **before[key])
        for key in keys[3:6]:
            world.remove("customerp.customer", key)
        world.sync()
        assert [each["kind"] for each in waiting(world)] == kinds
        assert world.rows(_GONE) == [{"count": 0}]
        told = let_pass(world, "customerp.customer")
        assert all("and a person accepted 3" in each for each in told)
        assert ("others among them; none of them was taken for deleted" in told[-1]) == ("missing" in kinds)
        world.sync()
        assert (waiting(world), world.rows(_GONE)) == ([], [{"count": 3}])


def test_what_nobody_accepted_is_not_gone_at_once(database_url: str, tmp_path: Path) -> None:
    """A customer that a list hides once would be deleted with those that a person let go at that time."""
    guards = _FEW_GONE.replace("SNAPSHOT", "false").replace("misses_needed: 1", "misses_needed: 2")
    with open_world(database_url, tmp_path, mappings=with_guards(tmp_path, guards)) as world:
        keys = customers(world, 8)

        def missing_in(run: str, gone: list[str]) -> list[str]:
            with world.installation.cycle(run) as cycle, cycle.ledger.begin() as connection:
                return note_absent(cycle, connection, "customerp.customer", [key for key in keys if key not in gone])

        assert missing_in("friday", keys[:3]) == []
        let_pass(world, "customerp.customer")
        assert missing_in("saturday", keys[:4]) == keys[:3]
        assert missing_in("sunday", keys[3:4]) == keys[3:4]


@pytest.mark.soak
def test_removals_after_a_person_accepted_are_counted_by_themselves(database_url: str, tmp_path: Path) -> None:
    """Two deletions let pass together with many edits would let as many deletions pass as there were edits."""
    with open_world(database_url, tmp_path, mappings=with_guards(tmp_path, _FEW_REMOVALS, "delete")) as world:
        keys = customers(world, 8)
        for key in keys[:2]:
            world.remove("customerp.customer", key)
        for key in keys[2:6]:
            world.edit("customerp.customer", key, Phone="2")
        assert world.sync().writes == []
        assert waiting(world) == [{"entity": "exact.accounts", "kind": "removals", "seen": 2}]
        let_pass(world, "exact.accounts")
        for key in keys[2:6]:
            world.remove("customerp.customer", key)
        assert world.sync().writes == []
        assert waiting(world) == [{"entity": "exact.accounts", "kind": "removals", "seen": 6}]
        let_pass(world, "exact.accounts")
        assert world.sync().delivered["exact.accounts"].deleted == 6
        assert (waiting(world), world.sync().writes) == ([], [])
