"""An entity that cannot be looked at is not written, over real HTTP: whose edits would be overwritten nobody knows."""

from pathlib import Path

import pytest

from talk_assets.cycle.deliver import HELD_BACK
from talk_assets.orders.accepting import accept
from talk_assets_tests.cycle.harness import Values, World, open_world
from talk_assets_tests.mappings.broken import copy_mappings, replace

_GUARDS = """\
deletions:
  exact.accounts: {DELETIONS}
guards:
  exact.accounts: {max_missing: 1, max_missing_share: 0}

properties:
"""


def with_guard(folder: Path, deletions: str) -> Path:
    """The shipped mappings, where two accounts may not be gone at once."""
    copy_mappings(folder)
    replace(folder / "organisation.yaml", "properties:\n", _GUARDS.replace("DELETIONS", deletions))
    return folder


def waiting(world: World) -> list[Values]:
    return world.rows("select entity, kind, seen from talk.guard where accepted_at is null")


def let_pass(world: World) -> None:
    with world.installation.cycle("order") as cycle:
        accept(cycle, "exact.accounts", None, "controller")


def accounts(world: World) -> tuple[list[str], list[str]]:
    """Five customers and their accounts."""
    ours = [world.add("customerp.customer", Name=f"K{n}", Number=f"70{n}", Phone="1") for n in range(5)]
    world.sync()
    theirs = [world.twin("customerp.customer", key, "exact.accounts") for key in ours]
    assert world.sync().writes == []
    return ours, theirs


def test_nothing_is_written_while_marked_records_keep_a_feed_from_being_taken(
    database_url: str, tmp_path: Path
) -> None:
    """A colleague's later edit in Exact would be overwritten, because the feed that shows it is not taken."""
    folder = with_guard(tmp_path, "archive: {name: Status, value: S}")
    with open_world(database_url, tmp_path, mappings=folder) as world:
        ours, theirs = accounts(world)
        for account in theirs[:3]:
            world.edit("exact.accounts", account, Status="S")
        world.edit("customerp.customer", ours[4], Phone="2")
        world.edit("exact.accounts", theirs[4], Phone="3")
        planned = [row["outcome"] for row in world.sync(preview=True).writes if row["entity"] == "exact.accounts"]
        assert planned == [HELD_BACK]
        for _ in range(2):
            assert world.sync().writes == []
        assert waiting(world) == [{"entity": "exact.accounts", "kind": "deleted", "seen": 3}]
        assert world.show("exact.accounts", theirs[4])["Phone"] == "3"
        let_pass(world)
        world.sync()
        assert world.show("exact.accounts", theirs[4])["Phone"] == "3"
        assert world.show("customerp.customer", ours[4])["Phone"] == "3"
        assert (waiting(world), world.sync().writes) == ([], [])


def test_nothing_is_written_to_what_was_marked_while_it_was_written(database_url: str, tmp_path: Path) -> None:
    """What is sent after the look at which the guard tripped would overwrite what that look did not take."""
    folder = with_guard(tmp_path, "archive: {name: Status, value: S}")
    with open_world(database_url, tmp_path, mappings=folder) as world:
        ours, theirs = accounts(world)
        world.edit("customerp.customer", ours[4], Phone="2")

        def meanwhile() -> None:
            for account in theirs[:3]:
                world.edit("exact.accounts", account, Status="S")
            world.edit("exact.accounts", theirs[4], Phone="3")

        assert world.sync(between=meanwhile).writes == []
        assert world.show("exact.accounts", theirs[4])["Phone"] == "3"


@pytest.mark.parametrize("edited", ["hidden", "shown"])
def test_nothing_is_written_while_known_records_are_missing(database_url: str, tmp_path: Path, edited: str) -> None:
    """Who may see only some accounts would overwrite the others, or enter an account there a second time."""
    folder = with_guard(tmp_path, "snapshot: true")
    with open_world(database_url, tmp_path, mappings=folder) as world:
        ours, theirs = accounts(world)
        for account in theirs[:3]:
            world.remove("exact.accounts", account)
        world.edit("customerp.customer", ours[0 if edited == "hidden" else 4], Phone="2")
        assert world.sync().writes == []
        assert "missing" in {row["kind"] for row in waiting(world)}
        assert len(world.owed("exact.accounts")) == 1
