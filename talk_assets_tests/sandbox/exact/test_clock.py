"""The time of the server, as people and tests drive it."""

from collections.abc import Iterator
from typing import Any

import pytest

from talk_assets_tests.sandbox.exact.receiver import counts, receiving, until
from talk_assets_tests.sandbox.exact.site import Site, running
from talk_assets_tests.systems.loopback import Answer


@pytest.fixture
def site() -> Iterator[Site]:
    with running(driven=True) as site:
        site.log_in()
        yield site


def clock(site: Site, method: str, **wish: Any) -> Any:
    answer = site.http.request(method, "/_admin/clock", json=wish or None)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_time_stands_still_until_it_is_moved(site: Site) -> None:
    """A test of a limit would have to wait for it, and one of a date would fail tomorrow."""
    assert clock(site, "GET") == {"moment": "2024-07-01T10:00:05+00:00", "running": False, "driven": True}
    assert clock(site, "POST", days=1, minutes=0.5)["moment"] == "2024-07-02T10:00:35+00:00"
    assert clock(site, "PUT", moment="2023-01-01T01:00:00+01:00")["moment"] == "2023-01-01T00:00:00+00:00"
    running_on = clock(site, "PUT", moment="2025-01-01T00:00:00Z", running=True)
    assert (running_on["moment"][:10], running_on["running"]) == ("2025-01-01", True)
    later = clock(site, "POST", hours=1)
    assert later["running"]
    assert "2025-01-01T01:00:00" < later["moment"] < "2025-01-01T01:01:00"
    until(lambda: bool(clock(site, "GET")["moment"] > later["moment"]))
    released = clock(site, "DELETE")
    assert (released["running"], released["driven"]) == (True, False)
    assert released["moment"] > "2025-06"


@pytest.mark.parametrize(
    ("method", "wish"),
    [
        ("PUT", {"moment": "tomorrow"}),
        ("PUT", {"moment": "2024-01-01T00:00:00"}),
        ("PUT", {}),
        ("PUT", {"moment": "2024-01-01T00:00:00Z", "running": "yes"}),
        ("PUT", {"moment": "2024-01-01T00:00:00Z", "hours": 1}),
        ("POST", {"weeks": 1}),
        ("POST", {"hours": "1"}),
        ("POST", {"hours": True}),
        ("POST", {"hours": -1}),
        ("POST", {}),
        ("POST", {"days": 1e12}),
        ("POST", {"days": 4_000_000}),
        ("POST", []),
    ],
)
def test_a_time_that_cannot_be_is_named(site: Site, method: str, wish: object) -> None:
    """A test would believe that time had passed."""
    before = clock(site, "GET")
    refused = site.http.request(method, "/_admin/clock", json=wish)
    assert (refused.status_code, bool(refused.json()["error"])) == (400, True)
    assert clock(site, "GET") == before


def test_a_clock_of_somebody_else_is_left_alone() -> None:
    """A test that gives a server its own clock would move it without knowing."""
    with running() as site:
        refused = site.http.post("/_admin/clock", json={"hours": 1})
        assert (refused.status_code, "cannot be driven" in refused.json()["error"]) == (409, True)


def test_tokens_live_by_it() -> None:
    """A client's refreshing could only be seen after ten minutes."""
    with running(driven=True) as site:
        tokens = site.log_in()
        clock(site, "POST", seconds=569)
        assert site.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"]).status_code == 400
        assert site.call("GET", "crm/Contacts").status_code == 200
        clock(site, "POST", seconds=31)
        assert site.call("GET", "crm/Contacts").status_code == 401
        site.log_in(tokens["refresh_token"])
        assert site.call("GET", "crm/Contacts").status_code == 200


def test_limits_are_counted_by_it() -> None:
    """What a client does after a minute, an hour or a day of waiting could not be seen."""
    with running(driven=True, calls_per_minute=2, calls_per_day=5, errors_per_hour=1, token_seconds=10**6) as site:
        site.log_in()

        def answers(path: str, count: int) -> list[int]:
            return [site.call("GET", path).status_code for _ in range(count)]

        assert answers("crm/Contacts", 3) == [200, 200, 429]
        clock(site, "POST", seconds=55)
        assert answers("crm/Accounts", 3) == [400, 400, 429]
        clock(site, "POST", minutes=1)
        assert answers("crm/Contacts", 1) == [429], "the failed calls have shut the app out"
        clock(site, "POST", hours=1)
        assert answers("crm/Contacts", 2) == [200, 429], "the calls of the day are spent"
        clock(site, "PUT", moment="2024-07-02T00:00:00Z")
        assert answers("crm/Contacts", 1) == [200]


def test_changes_are_dated_by_it_and_deletions_forgotten() -> None:
    """A record changed in the past, or a deletion that Exact no longer tells of, could not be tried."""
    with running(driven=True, token_seconds=10**8) as site:
        site.log_in()
        item = site.post("logistics/Items", Code="A", Description="a")["ID"]
        clock(site, "POST", minutes=5)
        site.put("logistics/Items", item, Description="b")
        shown = site.one("logistics/Items", item)
        assert (shown["Created"], shown["Modified"]) == ("/Date(1719835205000)/", "/Date(1719835505000)/")
        site.delete("logistics/Items", item)
        clock(site, "POST", days=61)
        assert [row["EntityKey"] for row in site.rows("sync/Deleted", filter="Timestamp gt 1L")] == [item]
        clock(site, "POST", seconds=1)
        assert site.rows("sync/Deleted", filter="Timestamp gt 1L") == []


def test_webhooks_come_again_by_it(site: Site) -> None:
    """A message that was missed would come again only after minutes and hours."""
    with receiving() as receiver:
        receiver.subscribe(site, "Items")
        receiver.says(lambda _: Answer(500))
        site.post("logistics/Items", Code="A", Description="a")
        until(lambda: bool(site.http.get("/_admin/webhooks").json()["deliveries"][0]["answers"]))
        receiver.says(lambda _: Answer())
        clock(site, "POST", minutes=1)
        until(lambda: counts(site) == {"delivered": 1})
