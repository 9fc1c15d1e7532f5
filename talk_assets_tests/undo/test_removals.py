"""What an undo says of records that the run deleted or archived."""

from pathlib import Path

import pytest

from talk_assets.commands.undo import _show
from talk_assets.undo.carry_out import Undone, carry_out
from talk_assets_tests.cycle.done import Report
from talk_assets_tests.cycle.harness import World, open_world
from talk_assets_tests.mappings.broken import copy_mappings, replace

_ARCHIVE = "deletions:\n  exact.accounts:\n    archive: {name: Status, value: S}\n\nproperties:\n"


def round_of(world: World, run: str) -> None:
    """A round over organisations and products."""
    report = Report()
    with world.installation.cycle(run) as cycle:
        world.take(cycle, report, ["organisation", "product"])
        world.give(cycle, report, ["organisation", "product"])


def test_what_was_deleted_or_archived_is_named_with_what_to_do(
    database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody who takes a night back believes that the deleted products are there again; or gives them up for lost."""
    copy_mappings(tmp_path)
    replace(tmp_path / "product.yaml", "    criteria:\n", "    when_gone: {customerp: delete}\n    criteria:\n")
    replace(tmp_path / "organisation.yaml", "    criteria:\n", "    when_gone: {customerp: archive}\n    criteria:\n")
    replace(tmp_path / "organisation.yaml", "properties:\n", _ARCHIVE)
    with open_world(database_url, tmp_path, mappings=tmp_path) as world:
        product = world.add("customerp.product", Number="U1", Name="Thing", Unit="piece", Price=5)
        customer = world.add("customerp.customer", Name="Left BV")
        round_of(world, "first")
        item = world.twin("customerp.product", product, "exact.items")
        account = world.twin("customerp.customer", customer, "exact.accounts")
        world.remove("customerp.product", product)
        world.remove("customerp.customer", customer)
        round_of(world, "night")
        assert item not in world.all("exact.items")
        audited = world.rows("select operation, values, outcome from audit.write where run = 'night' order by 1")
        assert [tuple(row.values()) for row in audited] == [
            ("archive", '{"Status": "S"}', "done"),
            ("delete", "{}", "done"),
        ]
        undone = undo(world)
        told = {each.record: (each.how, each.reason) for each in undone.plan.removed}
        how, reason = told[f"exact.items/{item}"]
        assert (how, reason.partition(":")[0]) == ("deleted", "a deletion is not undone")
        assert f"bring customerp.product/{product} back where it was deleted" in reason
        how, reason = told[f"exact.accounts/{account}"]
        assert how == "archived"
        assert reason.startswith("archiving is not undone: Status was set to 'S'")
        _show(undone, "preview", carried=False)
        shown = capsys.readouterr().out
        assert all(reason in shown for _, reason in told.values())


def undo(world: World) -> Undone:
    with world.installation.cycle("undo", preview=True) as cycle:
        return carry_out(cycle, "night", None, "Anna")
