"""Documents' lines."""

from decimal import Decimal
from typing import Any

import pytest

from talk_assets_tests.sandbox.customerp.site import Site


@pytest.fixture
def order(site: Site, customer: str, product: str) -> Any:
    lines = [
        {"ProductId": product, "Quantity": 2, "UnitPrice": 9.95, "Remark": "kept"},
        {"ProductId": product, "Quantity": 1, "DeliveryDate": "2024-05-01"},
    ]
    return site.create("/orders", CustomerId=customer, Lines=lines)


def test_lines_get_lasting_keys_and_places(site: Site, order: Any) -> None:
    """Without it an edited line could not be told from a removed and a new one."""
    assert [line["Position"] for line in order["Lines"]] == [1, 2]
    keys = [line["Id"] for line in order["Lines"]]
    assert len(set(keys)) == 2
    site.patch(f"/orders/{order['Id']}", Remarks="x")
    assert [line["Id"] for line in site.get(f"/orders/{order['Id']}")["Lines"]] == keys


def test_named_line_changes_only_what_it_names(site: Site, order: Any) -> None:
    """Without it one edited quantity would cost the properties and lines that were not named."""
    first, second = order["Lines"]
    after = site.patch(f"/orders/{order['Id']}", Lines=[{"Id": first["Id"], "Quantity": 3}])
    assert after["Lines"] == [{**first, "Quantity": 3}, second]
    assert after["Lines"][0]["UnitPrice"] == Decimal("9.95")
    assert after["Version"] != order["Version"]


def test_line_without_key_is_added_last(site: Site, order: Any, product: str) -> None:
    """Without it a line added on the other side could not be added here."""
    after = site.patch(f"/orders/{order['Id']}", Lines=[{"ProductId": product, "Quantity": 7}])
    assert after["Lines"][:2] == order["Lines"]
    assert (after["Lines"][2]["Position"], after["Lines"][2]["Quantity"]) == (3, 7)
    moved = site.patch(f"/orders/{order['Id']}", Lines=[{"Id": after["Lines"][2]["Id"], "Position": 1}])
    assert [line["Position"] for line in moved["Lines"]] == [1, 1, 2]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ({"Quantity": 1}, "Lines[0].ProductId"),
        ({"ProductId": "pro-999999"}, "Lines[0].ProductId"),
        ({"ProductId": None}, "Lines[0].ProductId"),
        ({"Id": "oli-999999", "Quantity": 1}, "Lines[0].Id"),
        ({"ProductId": "{product}", "Colour": "red"}, "Lines[0].Colour"),
        ({"ProductId": "{product}", "Quantity": "2"}, "Lines[0].Quantity"),
        ({"ProductId": "{product}", "Position": 0}, "Lines[0].Position"),
        ({"ProductId": "{product}", "Description": "x" * 256}, "Lines[0].Description"),
    ],
)
def test_wrong_line_refuses_the_whole_write(
    site: Site, order: Any, product: str, line: dict[str, Any], fault: str
) -> None:
    """Without it half of a document would be saved."""
    sent = {name: value.format(product=product) if isinstance(value, str) else value for name, value in line.items()}
    assert list(site.refused("PATCH", f"/orders/{order['Id']}", Remarks="x", Lines=[sent])) == [fault]
    assert site.get(f"/orders/{order['Id']}") == order


def test_quote_lines_know_no_delivery_date(site: Site, customer: str, product: str) -> None:
    """Without it a date would be accepted that the contract does not keep."""
    faults = site.refused(
        "POST", "/quotes", CustomerId=customer, Lines=[{"ProductId": product, "DeliveryDate": "2024-05-01"}]
    )
    assert list(faults) == ["Lines[0].DeliveryDate"]
