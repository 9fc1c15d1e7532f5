"""Limits on calls and on failed calls."""

from datetime import UTC, datetime

import httpx

from talk_assets_tests.sandbox.exact.site import DIVISION, Site, message, running

DAILY = {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"}
MINUTELY = {"x-ratelimit-minutely-limit", "x-ratelimit-minutely-remaining", "x-ratelimit-minutely-reset"}


def limit_headers(answer: httpx.Response) -> set[str]:
    return {name for name in answer.headers if name.startswith("x-ratelimit")}


def milliseconds(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> str:
    return str(int(datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp()) * 1000)


def test_every_answer_of_a_division_tells_what_is_left(site: Site) -> None:
    """A client could not pace itself, or would take milliseconds for seconds."""
    answer = site.call("GET", "crm/Contacts")
    assert limit_headers(answer) == DAILY | MINUTELY
    assert answer.headers["X-RateLimit-Remaining"] == "999999"
    assert answer.headers["X-RateLimit-Minutely-Remaining"] == "99999"
    assert answer.headers["X-RateLimit-Minutely-Reset"] == milliseconds(2024, 7, 1, 10, 1)
    assert answer.headers["X-RateLimit-Reset"] == milliseconds(2024, 7, 2)
    assert limit_headers(site.call("GET", "crm/Nothing")) == DAILY | MINUTELY


def test_the_minute_limit_follows_the_clock_minute() -> None:
    """A client would believe it may spread sixty calls over any sixty seconds."""
    with running(calls_per_minute=3) as site:
        site.log_in()
        for _ in range(3):
            assert site.call("GET", "crm/Contacts").status_code == 200
        over = site.call("GET", "crm/Contacts")
        assert over.status_code == 429
        assert limit_headers(over) == MINUTELY
        assert over.headers["X-RateLimit-Minutely-Remaining"] == "0"
        site.clock.advance(seconds=55)
        assert site.call("GET", "crm/Contacts").status_code == 200


def test_the_day_limit_ends_at_midnight_utc() -> None:
    """A client would retry all day, or wait a day too long."""
    with running(calls_per_day=2, token_seconds=100_000) as site:
        site.log_in()
        for _ in range(2):
            site.call("GET", "crm/Contacts")
        over = site.call("GET", "crm/Contacts")
        assert over.status_code == 429
        assert limit_headers(over) == DAILY
        assert message(over)
        site.clock.advance(hours=13)
        assert site.call("GET", "crm/Contacts").status_code == 429
        site.clock.advance(hours=1)
        assert site.call("GET", "crm/Contacts").status_code == 200


def test_divisions_and_the_user_have_budgets_of_their_own() -> None:
    """One busy administration would stop another, or asking who one is would cost budget."""
    with running(calls_per_minute=1) as site:
        site.log_in()
        assert site.call("GET", "crm/Contacts").status_code == 200
        assert site.call("GET", "crm/Contacts").status_code == 429
        assert site.http.get("/api/v1/222/crm/Contacts").status_code == 200
        for _ in range(2):
            me = site.http.get("/api/v1/current/Me")
            assert me.status_code == 200
            assert limit_headers(me) == set()


def test_ten_failed_calls_an_hour_are_borne_and_the_eleventh_blocks() -> None:
    """A client that keeps sending wrong calls would never learn that Exact shuts it out for an hour."""
    with running(errors_per_hour=10, token_seconds=100_000) as site:
        site.log_in()
        for _ in range(11):
            assert site.call("GET", "crm/Accounts").status_code == 400
        blocked = site.call("GET", "crm/Contacts")
        assert blocked.status_code == 429
        assert limit_headers(blocked) == set()
        site.clock.advance(minutes=61)
        assert site.call("GET", "crm/Contacts").status_code == 200


def test_business_refusals_do_not_count_as_failed_calls() -> None:
    """A batch with some bad records would block everything else."""
    with running(errors_per_hour=2) as site:
        site.log_in()
        for _ in range(5):
            assert site.call("POST", "crm/Accounts", json={}).status_code == 500
        assert site.call("GET", "crm/Contacts").status_code == 200


def test_another_division_is_refused_with_the_reason(site: Site) -> None:
    """A wrong division number could not be told from a missing right."""
    answer = site.http.get("/api/v1/999/crm/Contacts")
    assert (answer.status_code, answer.headers["Reason"]) == (403, "NoDivisionAccess")
    listed = site.http.get("/api/v1/999/system/Divisions", params={"$select": "Code"})
    assert [row["Code"] for row in listed.json()["d"]["results"]] == [DIVISION, 222]


def test_a_missing_scope_is_named() -> None:
    """A person could not tell which right to ask for."""
    with running(scopes={"crm/accounts": "read"}) as site:
        site.log_in()
        assert site.call("GET", "crm/Contacts").status_code == 200
        write = site.call("POST", "crm/Contacts", json={})
        assert write.status_code == 403
        assert message(write) == "Forbidden - Application Scope Violated. Cannot manage 'crm.accounts' scope."
        read = site.call("GET", "sync/Deleted")
        assert message(read).endswith("Cannot read 'organization.administration' scope.")


def test_calls_with_a_token_that_is_over_count_as_failed() -> None:
    """A client that goes on with an old token would learn only in production that Exact shuts it out for that."""
    with running(errors_per_hour=3) as site:
        tokens = site.log_in()
        site.clock.advance(seconds=600)
        for _ in range(4):
            assert site.call("GET", "crm/Contacts").status_code == 401
        site.log_in(tokens["refresh_token"])
        assert site.call("GET", "crm/Contacts").status_code == 429


def test_calls_that_nobody_can_be_told_of_block_nobody() -> None:
    """Anybody could shut the app out by calls with made-up tokens."""
    with running(errors_per_hour=3) as site:
        site.log_in()
        for _ in range(9):
            answer = site.call("GET", "crm/Contacts", headers={"Authorization": "Bearer made-up"})
            assert answer.status_code == 401
        assert site.call("GET", "crm/Contacts").status_code == 200


def test_a_block_holds_for_every_call_of_the_app_and_grows() -> None:
    """A client would believe that asking who it is still works, or that an hour is enough after the second block."""
    with running(errors_per_hour=2, token_seconds=100_000) as site:
        site.log_in()
        for hours in (1, 2, 3):
            for _ in range(3):
                assert site.http.get("/api/v1/999/crm/Contacts").status_code == 403
            assert site.http.get("/api/v1/current/Me").status_code == 429
            site.clock.advance(hours=hours, seconds=-1)
            assert site.call("GET", "crm/Contacts").status_code == 429
            site.clock.advance(seconds=2)
            assert site.http.get("/api/v1/current/Me").status_code == 200


def test_failed_calls_are_counted_per_endpoint_and_hour() -> None:
    """A client would be shut out here for failures that Exact bears."""
    with running(errors_per_hour=2, token_seconds=100_000) as site:
        site.log_in()
        for _ in range(2):
            for path in ("crm/Accounts", "logistics/Items", "crm/Nothing", "crm/Contacts?$top=x"):
                assert site.call("GET", path).status_code in (400, 404)
        site.clock.advance(hours=1)
        for _ in range(2):
            assert site.call("GET", "crm/Accounts").status_code == 400
        assert site.call("GET", "crm/Contacts").status_code == 200
