"""What a reading takes from a feed that leaves properties out."""

from typing import Any

import pytest

from talk_assets.cycle.collect import Collected, collect
from talk_assets.errors import UnexpectedAnswer
from talk_assets.installation import Installation
from talk_assets.ledger.cursors import forget_cursors
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


def test_a_property_is_missed_when_it_was_there_before(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """A small company whose ERP leaves out what is empty could not start; or a renamed property emptied the books."""
    sparse = {"Id": "1", "Number": "1", "Name": "Bolt"}
    with loopback(lambda _asked: Answer(404)) as server, world.reopened(customerp_url=server.url):
        installation = world.installation
        assert _read(installation, server, sparse).read == 1
        assert _read(installation, server, {**sparse, "Description": "of steel"}, {**sparse, "Id": "2"}).read == 2
        with pytest.raises(UnexpectedAnswer, match=r"Description is missing from all 2 records") as caught:
            _read(installation, server, sparse, {**sparse, "Id": "2"})
        assert "Barcode" not in str(caught.value)
        with pytest.raises(UnexpectedAnswer, match="Description is missing from all 2"):
            _read(installation, server, {**sparse, "Barcode": "1"}, {**sparse, "Id": "2"})
        many = [{**sparse, "Id": str(number), "Description": "x"} for number in range(10)]
        assert _read(installation, server, *many).read == 10
        assert "none of 10 records tells Barcode" in caplog.text
        plain = [{**sparse, "Id": str(number)} for number in range(10)]
        with pytest.raises(UnexpectedAnswer, match=r"Description is missing from all 11 records"):
            _read(installation, server, *plain, {**sparse, "Id": "10", "Barcode": "1"})


def test_a_property_that_many_records_lack_is_missed_when_nothing_else_is_left_out(world: World) -> None:
    """A name that is wrong in the profile would empty the property of every product, and nobody is told."""
    names = sorted(world.installation.mappings.wanted(_PRODUCTS))
    whole: dict[str, Any] = {name: None for name in names if name != "Price"}
    with loopback(lambda _asked: Answer(404)) as server, world.reopened(customerp_url=server.url):
        many = [{**whole, "Id": str(number), "Number": str(number), "Name": "x"} for number in range(10)]
        with pytest.raises(UnexpectedAnswer, match=r"Price is missing from all 10 records"):
            _read(world.installation, server, *many)


def test_a_property_is_missed_of_one_record_when_none_was_ever_left_out(world: World) -> None:
    """A new product would go into the books without its price, and never get it, because of one bad answer."""
    names = sorted(world.installation.mappings.wanted(_PRODUCTS))
    whole: dict[str, Any] = {"Unit": "piece", **{name: None for name in names if name != "Unit"}}
    with loopback(lambda _asked: Answer(404)) as server, world.reopened(customerp_url=server.url):
        installation = world.installation
        many = [{**whole, "Id": str(number), "Number": str(number), "Name": "x"} for number in range(10)]
        assert _read(installation, server, *many).read == 10
        broken = {name: value for name, value in many[0].items() if name != "Price"}
        with pytest.raises(UnexpectedAnswer, match=r"Price is missing from 1 of 10 records, although"):
            _read(installation, server, broken, *many[1:])
        assert _read(installation, server, *many).read == 10
