"""Edits by users, faults on order, and the count of calls."""

import time
from typing import Any

import httpx
import pytest

from talk_assets_tests.sandbox.customerp.site import Site


def fault(site: Site, **wish: Any) -> None:
    assert site.http.post("/_admin/faults", json=wish).status_code == 201


def test_edit_by_a_user_keeps_its_given_time(site: Site, customer: str) -> None:
    """Without it tests could not tell the platform which of two edits came later."""
    shown = site.http.put(
        f"/_admin/customers/{customer}", json={"City": "Oslo", "modified": "2024-03-01T10:00:00+01:00"}
    ).json()
    assert shown["values"]["City"] == "Oslo"
    record = site.get(f"/customers/{customer}")
    assert (record["City"], record["Modified"]) == ("Oslo", "2024-03-01T09:00:00.000000Z")
    assert [item["Id"] for item in site.changes("/customers")[0]] == [customer]


def test_records_are_listed_made_and_removed_in_clear(site: Site) -> None:
    """Without it a demonstration could not show or change what a system holds."""
    made = site.http.post("/_admin/customer", json={"key": "cus-000900", "Name": "x"}).json()
    assert made["key"] == "cus-000900"
    assert [item["values"]["Name"] for item in site.get("/_admin/customers")["items"]] == ["x"]
    assert site.create("/customers", Name="next")["Id"] == "cus-000901"
    assert site.http.post("/_admin/customer", json={"key": "cus-000900", "Name": "y"}).status_code == 409
    assert site.http.delete("/_admin/customers/cus-000900").status_code == 204
    assert site.get("/deletions")["items"][0]["Id"] == "cus-000900"
    assert site.http.get("/_admin/cars").status_code == 404


def test_values_are_checked_unless_it_is_asked_not_to(site: Site) -> None:
    """Without it nobody could try what the platform does with a record that breaks the rules."""
    bad = {"QuoteDate": "2024-13-45", "Status": "lost"}
    refused = site.http.post("/_admin/quotes", json=bad)
    assert refused.status_code == 422
    assert {error["property"] for error in refused.json()["errors"]} == set(bad)
    assert site.http.post("/_admin/quotes", json=bad | {"checked": False}).status_code == 201
    assert site.get("/quotes")["items"][0]["QuoteDate"] == "2024-13-45"
    assert site.http.post("/_admin/quotes", json={"Colour": "red", "checked": False}).status_code == 422


@pytest.mark.parametrize("wish", [{"modified": "yesterday"}, {"modified": "2024-01-01"}, {"checked": 1}, {"key": 5}])
def test_wrong_wishes_are_refused(site: Site, wish: dict[str, Any]) -> None:
    """Without it a mistyped time would silently become now."""
    assert site.http.post("/_admin/customers", json={"Name": "x"} | wish).status_code == 400


def test_fault_strikes_as_often_as_ordered(site: Site, customer: str) -> None:
    """Without it nothing could show how the platform bears a Customerp that fails for a while."""
    fault(
        site,
        method="PATCH",
        path="^/customers/",
        status=503,
        message="Maintenance",
        times=2,
        headers={"Retry-After": "1"},
    )
    for _ in range(2):
        answer = site.http.patch(f"/customers/{customer}", json={"City": "x"})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert answer.json()["detail"] == "Maintenance"
    assert site.get(f"/customers/{customer}")["City"] is None
    assert site.patch(f"/customers/{customer}", City="x")["City"] == "x"


def test_fault_meets_only_the_matching_record(site: Site, customer: str) -> None:
    """Without it one failing record could not be tried beside others that go well."""
    other = site.create("/customers", Name="Other")["Id"]
    fault(site, method="PATCH", match={"Name": "Other"}, status=422, times=None)
    fault(site, method="POST", match={"Name": "New"}, status=500, body={"a": 1})
    assert site.http.patch(f"/customers/{other}", json={"City": "x"}).status_code == 422
    assert site.http.patch(f"/customers/{customer}", json={"City": "x"}).status_code == 200
    answer = site.http.post("/customers", json={"Name": "New"})
    assert (answer.status_code, answer.json()) == (500, {"a": 1})
    site.http.delete("/_admin/faults")
    assert site.http.patch(f"/customers/{other}", json={"City": "x"}).status_code == 200


def test_lost_answer_and_slow_answer(site: Site) -> None:
    """Without it the worst faults, a write that was carried out although the answer says no, could not be tried."""
    fault(site, method="POST", path="^/customers$", status=504, after=True)
    assert site.http.post("/customers", json={"Name": "made"}).status_code == 504
    assert [item["Name"] for item in site.changes("/customers")[0]] == ["made"]
    fault(site, path="^/$", status=None, delay=0.2)
    started = time.monotonic()
    assert site.get("/")["name"] == "Customerp"
    assert time.monotonic() - started >= 0.2


def test_fault_that_is_no_fault_is_refused(site: Site) -> None:
    """Without it a mistyped order would leave a test without the fault it counts on."""
    for wish in ({"stats": 500}, {"path": "("}, {"times": 0}):
        assert site.http.post("/_admin/faults", json=wish).status_code == 400
    assert site.http.get("/_admin/faults").json() == []


def test_calls_are_counted_by_method_and_path(site: Site, customer: str) -> None:
    """Without it nobody could prove that a quiet sync costs one read per feed."""
    site.http.delete("/_admin/calls")
    site.changes("/customers")
    site.get(f"/customers/{customer}")
    site.get(f"/customers/{customer}")
    httpx.get(site.http.base_url)
    assert site.get("/_admin/calls") == {
        "total": 4,
        "calls": {"GET /": 1, "GET /customers": 1, "GET /customers/{id}": 2},
    }
