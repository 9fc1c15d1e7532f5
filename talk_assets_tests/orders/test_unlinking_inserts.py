"""Unlinking while an insert is under way."""

from functools import partial
from pathlib import Path

import pytest

from talk_assets.cycle.deliver import deliver
from talk_assets.errors import OrderRefused
from talk_assets.orders.unlinking import unlink
from talk_assets.systems import http
from talk_assets.systems.repeats import Patience
from talk_assets_tests.cycle.done import Report
from talk_assets_tests.cycle.harness import open_world
from talk_assets_tests.orders.conftest import WHO
from talk_assets_tests.orders.given import at_desk, linked


@pytest.mark.soak
def test_what_was_sent_is_looked_up_first(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sales order that arrived would be linked to the offer it has nothing to do with, and be written from it."""
    monkeypatch.setattr(http, "Patience", partial(Patience, first_wait=0.001))
    with open_world(database_url, tmp_path) as world:
        customer = world.add("customerp.customer", Name="Klant BV", Number="700")
        product = world.add("customerp.product", Number="P1", Name="Thing", Unit="piece", Price=5)
        world.sync()
        line = {"ProductId": product, "Quantity": 3, "UnitPrice": 5}
        order = world.add("customerp.order", CustomerId=customer, CustomerReference="R1", Lines=[line])
        world.fault("exact", method="POST", path="SalesOrders", status=504, after=True)
        with world.installation.cycle("killed") as cycle:
            world.take(cycle, Report())
            for entity in ("exact.quotations", "exact.salesorders"):
                deliver(cycle, entity)
        quotation = world.twin("customerp.order", order, "exact.quotations")
        names = f"exact.quotations/{quotation}", f"customerp.order/{order}"
        with pytest.raises(OrderRefused, match=r"into exact.salesorder.* run talk-assets sync first"):
            unlink(at_desk(world), *names, WHO)
        assert world.rows("select * from talk.block") == []
        world.sync()
        sales = world.twin("customerp.order", order, "exact.salesorders")
        unlink(at_desk(world), *names, WHO)
        for _ in range(2):
            assert world.sync().writes == []
        assert linked(world, f"customerp.order/{order}", f"exact.salesorders/{sales}")
        assert not linked(world, *names)
