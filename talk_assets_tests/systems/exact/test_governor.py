from collections.abc import Callable
from datetime import timedelta

import pytest

from talk_assets.errors import AccessDenied, SystemUnavailable
from talk_assets.systems.exact.governor import Governor
from talk_assets.systems.exact.system import ExactSystem
from talk_assets.systems.exact.transport import exact_http
from talk_assets.systems.repeats import Effect
from talk_assets_tests.systems.exact.tenant import DIVISION, Clock, Tenant, error, key
from talk_assets_tests.systems.loopback import Answer, Asked

ROWS = [{"ID": key(1), "Timestamp": 2, "Name": "One"}]


def windows(clock: Clock, *, minute: int | None = None, day: int | None = None) -> dict[str, str]:
    """The headers of the limits; the minute ends in 40 s, the day in two hours."""
    found: dict[str, str] = {}
    if minute is not None:
        end = str(int((clock.now() + timedelta(seconds=40)).timestamp() * 1000))
        found |= {"X-RateLimit-Minutely-Limit": "60", "X-RateLimit-Minutely-Remaining": str(minute)}
        found["X-RateLimit-Minutely-Reset"] = end
    if day is not None:
        end = str(int((clock.now() + timedelta(hours=2)).timestamp() * 1000))
        found |= {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": str(day), "X-RateLimit-Reset": end}
    return found


def rows_with(headers: Callable[[], dict[str, str]]) -> Callable[[Asked], Answer | None]:
    def script(asked: Asked) -> Answer | None:
        return Answer(200, {"d": {"results": ROWS}}, headers()) if "sync" in asked.path else None

    return script


def test_a_spent_minute_is_waited_for_before_the_next_call(exact: ExactSystem, tenant: Tenant, clock: Clock) -> None:
    """Calls over the limit are refused, and refusals count as errors that block the app for an hour."""
    tenant.script = rows_with(lambda: windows(clock, minute=0, day=4000))
    exact.read("exact.accounts", None)
    assert clock.naps == []
    exact.read("exact.accounts", "2")
    assert clock.naps == [pytest.approx(40.1)]


def test_a_minute_with_calls_left_is_not_waited_for(exact: ExactSystem, tenant: Tenant, clock: Clock) -> None:
    """A sync would take minutes instead of seconds."""
    tenant.script = rows_with(lambda: windows(clock, minute=1, day=1))
    for _ in range(5):
        exact.read("exact.accounts", None)
    assert clock.naps == []


def test_a_clock_that_differs_does_not_stretch_the_minute(exact: ExactSystem, tenant: Tenant, clock: Clock) -> None:
    """A machine whose clock is an hour slow would sleep an hour for every minute."""
    late = windows(clock, minute=0)
    late["X-RateLimit-Minutely-Reset"] = str(int((clock.now() + timedelta(hours=1)).timestamp() * 1000))
    tenant.script = rows_with(lambda: late)
    exact.read("exact.accounts", None)
    exact.read("exact.accounts", None)
    assert clock.naps == [pytest.approx(60.1)]


def test_a_spent_day_sends_nothing_until_it_is_over(exact: ExactSystem, tenant: Tenant, clock: Clock) -> None:
    """Every call of a spent day is a failed call; the run has to end and say when it can go on."""
    tenant.script = rows_with(lambda: windows(clock, minute=50, day=0))
    exact.read("exact.accounts", None)
    asked = len(tenant.asked)
    with pytest.raises(SystemUnavailable, match=r"in 2\.0 hours") as caught:
        exact.create("exact.accounts", {"Name": "One"})
    assert caught.value.retry_after == pytest.approx(7200)
    assert not caught.value.outcome_unknown
    assert len(tenant.asked) == asked
    clock.time += timedelta(hours=2)
    tenant.issued = None
    tenant.script = rows_with(lambda: windows(clock, minute=50, day=4999))
    exact.read("exact.accounts", None)


@pytest.mark.parametrize("told", ["by the answer before", "by a refusal"])
def test_a_write_is_not_kept_waiting_for_the_minute(
    exact: ExactSystem, tenant: Tenant, clock: Clock, told: str
) -> None:
    """What was planned from a record a minute ago overwrites what a colleague has entered since; or is never sent."""
    full, created = windows(clock, minute=0), Answer(201, {"d": {"ID": key(7), "Name": "One"}})
    refusals = [Answer(429, None, full)] if told == "by a refusal" else []
    reads = [Answer(200, {"d": {"results": ROWS}}, {} if refusals else full)]

    def script(asked: Asked) -> Answer | None:
        if "sync" in asked.path:
            return reads.pop() if reads else Answer(200, {"d": {"results": []}})
        return (refusals.pop() if refusals else created) if asked.method == "POST" and "crm" in asked.path else None

    tenant.script = script
    exact.read("exact.accounts", None)
    with pytest.raises(SystemUnavailable, match="the calls of this minute are spent") as caught:
        exact.create("exact.accounts", {"Name": "One"})
    assert (caught.value.postponed, caught.value.outcome_unknown, clock.naps) == (True, False, [])
    exact.read("exact.accounts", "2")
    assert clock.naps == [pytest.approx(40.1)], "the look before it is sent again waits in its stead"
    assert exact.create("exact.accounts", {"Name": "One"}).key == key(7)
    assert len(clock.naps) == 1


@pytest.mark.parametrize(("told", "sent"), [("by the answer before", 0), ("by a refusal", 1)])
def test_a_spent_minute_stays_shut_until_it_was_waited_for(
    exact: ExactSystem, tenant: Tenant, clock: Clock, told: str, sent: int
) -> None:
    """Whoever does not wait, as a write, would let the next call through, which Exact refuses."""
    full = windows(clock, minute=0, day=4000)

    def script(asked: Asked) -> Answer | None:
        if "sync" in asked.path:
            return Answer(200, {"d": {"results": ROWS}}, full if told == "by the answer before" else {})
        return Answer(429, None, full) if asked.method == "POST" and "crm" in asked.path else None

    tenant.script = script
    exact.read("exact.accounts", None)
    for _ in range(3):
        with pytest.raises(SystemUnavailable, match="the calls of this minute are spent"):
            exact.create("exact.accounts", {"Name": "One"})
    assert [asked.path for asked in tenant.resources()[1:]] == [f"/api/v1/{DIVISION}/crm/Accounts"] * sent
    assert clock.naps == []


def test_a_limit_that_lasts_is_waited_for_once(exact: ExactSystem, tenant: Tenant, clock: Clock) -> None:
    """A limit by the hour of which Exact tells nothing would have every feed wait its minutes, until morning."""
    refusal = error(429, "Too many requests")
    tenant.script = lambda asked: refusal if "sync" in asked.path else None
    for _ in range(3):
        with pytest.raises(SystemUnavailable, match=r"too many calls were made.* what is left waits for a later run"):
            exact.read("exact.accounts", None)
    assert clock.naps == [60.0, 60.0]
    assert len(tenant.resources()) == 5
    tenant.script = rows_with(dict)
    exact.read("exact.accounts", None)
    said = [refusal]
    tenant.script = lambda asked: said.pop() if said and "sync" in asked.path else None
    exact.read("exact.accounts", None)
    assert len(clock.naps) == 3, "a limit that passed is waited for again"


@pytest.mark.parametrize(("headers", "wait"), [({}, 60.0), ({"Retry-After": "20"}, 20.0)])
def test_a_refusal_without_limits_waits_a_minute_or_what_it_says(
    exact: ExactSystem, tenant: Tenant, clock: Clock, headers: dict[str, str], wait: float
) -> None:
    """Older answers carry no limits; asking again at once is refused again."""
    said = [error(429, "Too many requests", **headers)]
    tenant.script = lambda asked: said.pop() if said and "sync" in asked.path else None
    exact.read("exact.accounts", None)
    assert clock.naps == [wait]


def test_a_refusal_for_the_day_is_not_waited_for(exact: ExactSystem, tenant: Tenant, clock: Clock) -> None:
    """A run would sleep for hours and hold its place."""
    tenant.script = lambda asked: Answer(429, None, windows(clock, day=0)) if "sync" in asked.path else None
    with pytest.raises(SystemUnavailable) as caught:
        exact.read("exact.accounts", None)
    assert caught.value.retry_after == pytest.approx(7200)
    assert clock.naps == []
    assert len(tenant.resources()) == 1


def test_calls_without_a_division_are_free(exact: ExactSystem, tenant: Tenant, clock: Clock) -> None:
    """On a spent day a person could not even see that the connection works."""
    tenant.script = rows_with(lambda: windows(clock, minute=0, day=0))
    exact.read("exact.accounts", None)
    asked = len(tenant.asked)
    with pytest.raises(SystemUnavailable):
        exact.check()
    assert [sent.path for sent in tenant.asked[asked:]] == ["/api/v1/current/Me"]


def test_calls_that_never_reach_exact_are_not_spent(tenant: Tenant, clock: Clock) -> None:
    """After a night without network nothing would be read until the next day, with all of its calls left."""
    tenant.script = lambda _asked: Answer(200, {"d": []}, windows(clock, minute=60, day=1010))
    gate = Governor(clock.now)
    here, nowhere = (
        exact_http(url, gate=gate, now=clock.now, sleep=clock.sleep) for url in (tenant.url, "http://127.0.0.1:9")
    )
    here.send("GET", "/api/v1/1/crm/Contacts", doing="reading", effect=Effect.NONE)
    for _ in range(3):
        with pytest.raises(SystemUnavailable, match="nothing answers"):
            nowhere.send("GET", "/api/v1/1/crm/Contacts", doing="reading", effect=Effect.NONE)
    assert gate.rest(9) == 0
    here.close()
    nowhere.close()


def test_calls_without_a_token_are_not_spent(exact: ExactSystem, tenant: Tenant, clock: Clock) -> None:
    """A login that has ended would use up, call by call, what the next one needs."""
    tenant.script = rows_with(lambda: windows(clock, minute=60, day=1010))
    exact.read("exact.accounts", None)
    tenant.refresh_token = "another"
    clock.time += timedelta(seconds=600)
    for _ in range(3):
        with pytest.raises(AccessDenied):
            exact.read("exact.accounts", None)
    assert exact.resting() == 0
