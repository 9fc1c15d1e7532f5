"""Named faults of Exact Online, as a client meets them."""

import httpx
import pytest

from talk_assets_tests.sandbox.exact.site import Site, running

_SYNC = "sync/CRM/Accounts"


def _page(site: Site) -> list[str]:
    return [row["Name"] for row in site.rows(_SYNC, select="Name,Timestamp")]


@pytest.fixture
def accounts(site: Site) -> list[str]:
    """Keys of four accounts."""
    return [site.state.add("Accounts", {"Name": f"Account {number}"}) for number in range(4)]


def test_a_cut_connection(site: Site) -> None:
    """A lost answer, before or after a create was carried out, could not be tried."""
    for name, there in (("cut", 0), ("cut-after-write", 1)):
        site.fault(fault=name, method="POST")
        with pytest.raises(httpx.RemoteProtocolError):
            site.call("POST", "crm/Accounts", json={"Name": name})
        assert len(site.rows("crm/Accounts", filter=f"Name eq '{name}'")) == there


def test_silence(site: Site) -> None:
    """A time-out, before or after a create was carried out, could not be tried."""
    for name, there in (("timeout", 0), ("timeout-after-write", 1)):
        site.fault(fault=name, method="POST", delay=0.5)
        with pytest.raises(httpx.ReadTimeout):
            site.call("POST", "crm/Accounts", json={"Name": name}, timeout=0.2)
        assert len(site.rows("crm/Accounts", filter=f"Name eq '{name}'")) == there


def test_limits_with_their_headers(site: Site) -> None:
    """Waiting for the right moment could not be tried."""
    found = {}
    for name in ("rate-limit", "rate-limit-day", "rate-limit-bare"):
        site.fault(fault=name)
        answer = site.call("GET", "crm/Contacts")
        assert answer.status_code == 429
        found[name] = {header for header in answer.headers if header.startswith("x-ratelimit")}
        assert {answer.headers[header] for header in found[name] if header.endswith("remaining")} <= {"0"}
    day = {f"x-ratelimit-{part}" for part in ("limit", "remaining", "reset")}
    minute = {header.replace("limit-", "limit-minutely-") for header in day}
    assert found == {"rate-limit": minute, "rate-limit-day": day, "rate-limit-bare": set()}


def test_broken_lists() -> None:
    """What a client makes of half a list could not be tried."""
    with running(large_page_size=2) as site:
        site.log_in()
        for number in range(4):
            site.state.add("Accounts", {"Name": f"Account {number}"})
        whole = [f"Account {number}" for number in range(4)]
        site.fault(fault="truncated-page")
        with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
            _page(site)
        site.fault(fault="short-page")
        assert _page(site) == whole[:1]
        site.fault(fault="short-page", skip=1)
        assert _page(site) == whole[:3]
        site.fault(fault="empty-feed")
        assert _page(site) == []
        site.fault(fault="missing-property")
        assert ["Name" in row for row in site.rows(_SYNC, select="Name,Timestamp")] == [False, False, True, True]
        site.fault(fault="repeated-page")
        assert _page(site)[:4] == [*whole[:2], *whole[:2]]
        assert _page(site) == whole


def test_a_stale_list(site: Site, accounts: list[str]) -> None:
    """A cache between us and Exact could not be tried."""
    site.fault(fault="stale-page", times=2)
    fresh = _page(site)
    site.state.edit("Accounts", accounts[0], {"Name": "Renamed"})
    assert (_page(site), _page(site)) == (fresh, fresh)
    assert _page(site)[-1] == "Renamed"


def test_revoked_tokens() -> None:
    """A login that ends in the middle of a sync could not be tried."""
    with running() as site:
        first = site.log_in()
        site.fault(fault="revoked-token", skip=1)
        statuses = [site.call("GET", "crm/Contacts").status_code for _ in range(3)]
        assert statuses == [200, 401, 401]
        site.clock.advance(seconds=570)
        second = site.log_in(first["refresh_token"])
        assert site.call("GET", "crm/Contacts").status_code == 200
        site.fault(fault="revoked-login")
        assert site.call("GET", "crm/Contacts").status_code == 401
        site.clock.advance(seconds=570)
        refused = site.token(grant_type="refresh_token", refresh_token=second["refresh_token"])
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


def test_somebody_edits_meanwhile(site: Site, accounts: list[str]) -> None:
    """A colleague who saves in the same second could not be tried."""
    site.fault(fault="edited-meanwhile", values={"Phone": "2", "Name": "Theirs"})
    assert site.put("crm/Accounts", accounts[0], Name="Ours").status_code == 204
    shown = site.one("crm/Accounts", accounts[0])
    assert (shown["Name"], shown["Phone"]) == ("Ours", "2")


def test_a_name_that_does_not_exist_is_refused(site: Site) -> None:
    """A trial of a mistyped fault would go well, and prove nothing."""
    answer = site.http.post("/_admin/faults", json={"fault": "cat"})
    assert answer.status_code == 400
    assert "there is no 'cat' in exact; there are rate-limit" in answer.json()["error"]
