"""Undoing writes whose answers were lost: they were carried out, whatever the run heard of them."""

from functools import partial
from pathlib import Path

import pytest

from talk_assets.cycle.deliver import deliver
from talk_assets.systems import http
from talk_assets.systems.repeats import Patience
from talk_assets.undo.carry_out import carry_out
from talk_assets.undo.reversal import UndoPlan
from talk_assets.undo.written import find_run
from talk_assets_tests.cycle.done import Report
from talk_assets_tests.cycle.harness import World, open_world
from talk_assets_tests.mappings.broken import copy_mappings, replace


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeats come at once."""
    monkeypatch.setattr(http, "Patience", partial(Patience, first_wait=0.001, attempts=2))


def _undo(world: World, run: str) -> UndoPlan:
    at = world.installation
    with at.ledger.begin() as connection:
        assert find_run(connection, at.division, run) == run
    with at.cycle(f"undo of {run}") as cycle:
        return carry_out(cycle, run, None, "ann").plan


def test_what_was_written_without_an_answer_is_undone_too(database_url: str, tmp_path: Path) -> None:
    """Who takes a bad night back is told that nothing was written, and the wrong numbers stay in the books."""
    replace(
        copy_mappings(tmp_path) / "product.yaml",
        "    criteria:\n",
        "    when_gone: {customerp: delete}\n    criteria:\n",
    )
    with open_world(database_url, tmp_path, mappings=tmp_path) as world:
        customer = world.add("customerp.customer", Name="Klant BV", Number="700", Phone="1")
        product = world.add("customerp.product", Number="P1", Name="Thing", Unit="piece", Price=5)
        world.add("customerp.product", Number="P2", Name="Other", Unit="piece", Price=5)
        world.sync()
        account = world.twin("customerp.customer", customer, "exact.accounts")
        item = world.twin("customerp.product", product, "exact.items")
        world.sync()
        world.edit("customerp.customer", customer, Phone="2")
        new = world.add("customerp.customer", Name="Nieuw BV", Number="701")
        world.remove("customerp.product", product)
        with world.installation.cycle("night") as cycle:
            world.take(cycle, Report())
            for method in ("PUT", "POST", "DELETE"):
                world.fault("exact", method=method, status=504, after=True, times=None)
            for entity in ("exact.accounts", "exact.items"):
                deliver(cycle, entity)
        world.end_faults()
        morning = world.sync()
        made = world.twin("customerp.customer", new, "exact.accounts")
        assert (morning.writes, world.show("exact.accounts", account)["Phone"]) == ([], "2")
        assert item not in world.all("exact.items")
        plan = _undo(world, "night")
        assert [(each.record, each.property, each.former) for each in plan.back] == [
            (f"exact.accounts/{account}", "phone", "1")
        ]
        assert plan.created == [f"exact.accounts/{made}"]
        assert [(each.record, each.how) for each in plan.removed] == [(f"exact.items/{item}", "deleted")]
        assert world.show("customerp.customer", customer)["Phone"] == "1"
        assert world.show("exact.accounts", account)["Phone"] == "1"
        assert world.sync().writes == []
        # The run that found them names them, too; they are undone by now.
        (left,) = _undo(world, "sync 3").left
        assert "decided anew in run undo of night" in left.reason


@pytest.mark.parametrize("both", [False, True])
def test_a_deletion_without_an_answer_is_our_own(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, both: bool
) -> None:
    """A product that somebody brings back is deleted again because its item, which we deleted, is gone."""
    monkeypatch.setattr(http, "Patience", partial(Patience, first_wait=0.001, attempts=1))
    replace(
        copy_mappings(tmp_path) / "product.yaml",
        "    criteria:\n",
        f"    when_gone: {{customerp: delete{', exact: delete' if both else ''}}}\n    criteria:\n",
    )
    with open_world(database_url, tmp_path, mappings=tmp_path) as world:
        values = {"Number": "P1", "Name": "Thing", "Unit": "piece", "Price": 5}
        product = world.add("customerp.product", **values)
        world.add("customerp.product", Number="P2", Name="Other", Unit="piece", Price=5)
        customer = world.add("customerp.customer", Name="Klant BV", Number="700", Phone="1")
        world.sync()
        item = world.twin("customerp.product", product, "exact.items")
        world.sync()
        world.edit("customerp.customer", customer, Phone="2")
        world.remove("customerp.product", product)
        with world.installation.cycle("night") as cycle:
            world.take(cycle, Report())
            world.fault("exact", method="DELETE", status=504, after=True, times=None)
            for entity in ("exact.accounts", "exact.items"):
                deliver(cycle, entity)
        world.end_faults()
        world.sync()
        assert item not in world.all("exact.items")
        assert [(each.record, each.how) for each in _undo(world, "night").removed] == [(f"exact.items/{item}", "gone")]
        world.restore("customerp.product", product, Id=product, **values)
        for _ in range(2):
            world.sync()
        assert product in world.all("customerp.product")
        assert (
            world.show("exact.items", world.twin("customerp.product", product, "exact.items"))["Description"] == "Thing"
        )
        assert world.sync().writes == []
