"""What a reading takes from a feed that leaves properties out."""

from typing import Any

import pytest

from talk_assets.cycle.collect import Collected, collect
from talk_assets.errors import UnexpectedAnswer
from talk_assets.installation import Installation
from talk_assets.ledger.records import forget_cursors
from talk_assets_tests.cycle.harness import World
from talk_assets_tests.systems.loopback import Answer, Loopback, loopback

_PRODUCTS = "customerp.product"


def _read(installation: Installation, server: Loopback, *products: dict[str, Any]) -> Collected:
    """Read all products, when these are all there are."""
    page = {"name": "Customerp", "contract": "1", "items": list(products), "next": None, "token": "9"}
    server.answer = lambda _asked: Answer(200, page)
    with installation.cycle("reading") as cycle:
        with cycle.ledger.begin() as connection:
            forget_cursors(connection, cycle.division, [_PRODUCTS])
        return collect(cycle, _PRODUCTS)


def test_a_property_is_missed_when_it_was_there_before(world: World) -> None:
    """A small company whose ERP leaves out what is empty could not start; or a renamed property emptied the books."""
    sparse = {"Id": "1", "Number": "1", "Name": "Bolt"}
    with loopback(lambda _asked: Answer(404)) as server, world.reopened(customerp_url=server.url):
        installation = world.installation
        assert _read(installation, server, sparse).read == 1
        assert _read(installation, server, {**sparse, "Description": "of steel"}, {**sparse, "Id": "2"}).read == 2
        with pytest.raises(UnexpectedAnswer, match=r"Description is missing from all 2 records") as caught:
            _read(installation, server, sparse, {**sparse, "Id": "2"})
        assert "Barcode" not in str(caught.value)
        many = [{**sparse, "Id": str(number), "Description": "x"} for number in range(10)]
        with pytest.raises(UnexpectedAnswer, match="Barcode"):
            _read(installation, server, *many)
