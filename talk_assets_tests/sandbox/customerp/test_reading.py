"""Change tokens, paging, deletions and who may read."""

from decimal import Decimal

import pytest

from talk_assets_tests.sandbox.customerp.site import Site, Stage


def test_pages_follow_the_order_of_change_without_gap_or_repeat(site: Site) -> None:
    """Without it a reader would skip or repeat records at a page's edge."""
    keys = [site.create("/products", Number=f"N{number}", Name="x")["Id"] for number in range(7)]
    site.patch(f"/products/{keys[2]}", Name="y")
    expected = [key for key in keys if key != keys[2]] + [keys[2]]
    for limit in (1, 3, 7, 500):
        items, _ = site.changes("/products", limit=limit)
        assert [item["Id"] for item in items] == expected


def test_full_last_page_says_that_it_is_the_last(site: Site, customer: str) -> None:
    """Without it a reader would spend a call on an empty page after every full one."""
    page = site.get("/customers", limit=1)
    assert page["next"] is None
    assert page["token"]


def test_token_brings_what_changed_since_and_nothing_else(site: Site, customer: str) -> None:
    """Without it a quiet sync would read everything again, or miss an edit."""
    items, token = site.changes("/customers")
    assert [item["Id"] for item in items] == [customer]
    assert site.changes("/customers", token) == ([], token)
    site.create("/products", Number="A", Name="other entity")
    items, later = site.changes("/customers", token)
    assert items == []
    site.patch(f"/customers/{customer}", City="Utrecht")
    assert [item["City"] for item in site.changes("/customers", later)[0]] == ["Utrecht"]


def test_record_that_changes_while_it_is_paged_appears_again(site: Site) -> None:
    """Without it an edit made during a long read would be lost."""
    first, second = (site.create("/customers", Name=name)["Id"] for name in ("a", "b"))
    page = site.get("/customers", limit=1)
    assert [item["Id"] for item in page["items"]] == [first]
    site.patch(f"/customers/{first}", City="Breda")
    rest, _ = site.changes("/customers", page["next"])
    assert [item["Id"] for item in rest] == [second, first]


def test_deletions_are_told_in_order_and_never_as_changes(site: Site, customer: str, product: str) -> None:
    """Without it the platform could not tell a removed record from one that was left out of a page."""
    _, before = site.changes("/deletions")
    site.http.delete(f"/products/{product}")
    site.http.delete(f"/customers/{customer}")
    items, token = site.changes("/deletions", before, limit=1)
    assert [(item["Entity"], item["Id"]) for item in items] == [("product", product), ("customer", customer)]
    assert site.changes("/deletions", token)[0] == []
    assert site.changes("/customers")[0] == []
    assert site.http.get(f"/customers/{customer}").status_code == 404


@pytest.mark.parametrize(
    "query", [{"since": "x"}, {"since": "-1"}, {"since": "99999"}, {"limit": 0}, {"limit": 1001}, {"page": 2}]
)
def test_wrong_queries_are_refused(site: Site, customer: str, query: dict[str, str | int]) -> None:
    """Without it a mistaken token or parameter would quietly read everything, or nothing."""
    assert site.http.get("/customers", params=query).status_code == 400


@pytest.mark.parametrize("header", ["", "Bearer wrong", "Basic Y3VzdG9tZXJwOg=="])
def test_every_path_asks_for_the_token(site: Site, header: str) -> None:
    """Without it a wrong CUSTOMERP_TOKEN would show only when the platform runs elsewhere."""
    for path in ("/", "/customers", "/deletions", "/nowhere"):
        answer = site.http.get(path, headers={"Authorization": header})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"


def test_decimals_keep_every_digit(site: Site) -> None:
    """Without it prices would come back with the noise of binary fractions."""
    text = '{"Number": "D", "Name": "d", "Price": 12.50, "CostPrice": 0.1234567890123456789, "Weight": 100}'
    created = site.http.post("/products", content=text)
    record = site.get(f"/products/{created.json()['Id']}")
    assert str(record["Price"]) == "12.50"
    assert record["CostPrice"] == Decimal("0.1234567890123456789")
    assert record["Weight"] == 100


def test_admin_is_absent_unless_configured(stage: Stage) -> None:
    """Without it anybody could change a Customerp that is served without the admin paths."""
    with stage.running(admin=False) as site:
        assert site.http.get("/_admin/customers").status_code == 404
        assert site.http.post("/_admin/faults", json={}).status_code == 404
