"""Named faults of Customerp, as a client meets them."""

from typing import Any

import httpx
import pytest

from talk_assets_tests.sandbox.customerp.site import Site


def _fault(site: Site, name: str, **wish: Any) -> None:
    answer = site.http.post("/_admin/faults", json={"fault": name, **wish})
    assert answer.status_code == 201, answer.text


def _names(site: Site, since: str | None = None) -> tuple[list[str], str]:
    items, token = site.changes("/customers", since, limit=2)
    return [item["Name"] for item in items], token


@pytest.fixture
def customers(site: Site) -> list[str]:
    """Keys of four customers."""
    return [site.create("/customers", Name=f"Customer {number}")["Id"] for number in range(4)]


def test_a_cut_connection_and_silence(site: Site) -> None:
    """A lost answer, before or after a create was carried out, could not be tried."""
    for name, there in (("cut", 0), ("cut-after-write", 1), ("timeout", 0), ("timeout-after-write", 1)):
        _fault(site, name, method="POST", **({"delay": 0.5} if "timeout" in name else {}))
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadTimeout)):
            site.http.post("/customers", json={"Name": name}, timeout=0.2)
        assert _names(site)[0].count(name) == there


def test_answers(site: Site, customers: list[str]) -> None:
    """Limits, refusals and rights could not be tried."""
    path = f"/customers/{customers[0]}"
    for name, status in (("rate-limit", 429), ("rate-limit-bare", 429), ("refusal", 422), ("unavailable", 503)):
        _fault(site, name)
        answer = site.http.patch(path, json={"City": "x"})
        assert (answer.status_code, answer.headers.get("retry-after")) == (
            status,
            "1" if name == "rate-limit" else None,
        )
    for name, status in (("no-right", 403), ("revoked-token", 401)):
        _fault(site, name)
        assert [site.http.get("/customers").status_code for _ in range(2)] == [status] * 2
        site.http.delete("/_admin/faults")


def test_broken_lists(site: Site, customers: list[str]) -> None:
    """What a client makes of half a list could not be tried."""
    whole, token = _names(site)
    _fault(site, "truncated-page")
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        _names(site)
    _fault(site, "short-page")
    half, at = _names(site)
    assert [*half, *_names(site, at)[0]] == whole
    _fault(site, "empty-feed")
    assert _names(site) == ([], site.get("/customers", limit=2)["token"])
    _fault(site, "missing-property")
    assert ["Name" in item for item in site.changes("/customers", limit=2)[0]] == [False, False, True, True]
    _fault(site, "repeated-page")
    assert _names(site)[0][:4] == [*whole[:2], *whole[:2]]
    assert _names(site, token)[0] == []


def test_a_stale_list(site: Site, customers: list[str]) -> None:
    """A cache between us and Customerp could not be tried."""
    _fault(site, "stale-page", times=2)
    fresh = _names(site)
    site.patch(f"/customers/{customers[0]}", Name="Renamed")
    assert _names(site) == fresh
    assert _names(site)[0][-1] == "Renamed"


def test_somebody_edits_meanwhile(site: Site, customers: list[str]) -> None:
    """A colleague who saves in the same second could not be tried."""
    path = f"/customers/{customers[0]}"
    tag = site.http.get(path).headers["etag"]
    for headers, status in (({"If-Match": tag}, 412), ({}, 200)):
        _fault(site, "edited-meanwhile", values={"City": "Oslo"})
        assert site.http.patch(path, json={"Name": "Ours"}, headers=headers).status_code == status
        assert site.get(path)["City"] == "Oslo"


def test_a_name_that_does_not_exist_is_refused(site: Site) -> None:
    """A trial of a mistyped fault would go well, and prove nothing."""
    answer = site.http.post("/_admin/faults", json={"fault": "revoked-login"})
    assert answer.status_code == 400
    assert "there is no 'revoked-login' in customerp" in answer.json()["error"]
