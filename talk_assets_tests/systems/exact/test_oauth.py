import hashlib
import html
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from urllib.parse import quote, quote_plus

import pytest

from talk_assets.errors import AccessDenied, ConfigurationError, LedgerError, SystemUnavailable, UnexpectedAnswer
from talk_assets.systems.exact.system import ExactSystem
from talk_assets.systems.tokens import StoredToken
from talk_assets_tests.systems.exact.tenant import SECRET, SEED, Clock, Store, Tenant, error
from talk_assets_tests.systems.loopback import CUT, Answer, Asked, free_port

Opened = Callable[..., ExactSystem]


def pass_time(clock: Clock, seconds: float) -> None:
    clock.time += timedelta(seconds=seconds)


def used_refresh_tokens(tenant: Tenant) -> list[str]:
    return [asked.form["refresh_token"] for asked in tenant.asked if asked.path == "/api/oauth2/token"]


def test_first_start_uses_the_configured_token_and_stores_its_heir(
    exact: ExactSystem, tenant: Tenant, store: Store, clock: Clock
) -> None:
    """Unless the heir is stored, the connection is lost with the process."""
    exact.check()
    assert used_refresh_tokens(tenant) == [SEED]
    assert store.token is not None
    assert store.token.refresh_token == tenant.refresh_token
    assert store.token.seeds == (hashlib.sha256(SEED.encode()).hexdigest(),)
    assert store.token.issued_at == clock.now()
    assert store.token.expires_at == clock.now() + timedelta(seconds=600)
    assert exact.calls == 3


def test_a_second_process_uses_the_stored_token(opened: Opened, tenant: Tenant) -> None:
    """The configured token works once: using it again cuts the connection."""
    opened().check()
    opened().check()
    opened(seed=None).check()
    assert tenant.refreshes == 1


def test_a_token_is_never_refreshed_before_570_seconds_and_always_before_it_ends(
    opened: Opened, tenant: Tenant, clock: Clock
) -> None:
    """Too early is refused and counts as a failed call; too late is a refused call every ten minutes."""
    exact = opened()
    exact.check()
    pass_time(clock, 569)
    exact.check()
    assert tenant.refreshes == 1
    pass_time(clock, 1)
    exact.check()
    assert used_refresh_tokens(tenant) == [SEED, "refresh-1"]
    for _ in range(20):
        pass_time(clock, 200)
        exact.check()
    assert len(used_refresh_tokens(tenant)) == tenant.refreshes
    assert not [asked for asked in tenant.resources() if asked.headers["Authorization"] == "Bearer "]


def test_many_workers_refresh_once(opened: Opened, tenant: Tenant, clock: Clock) -> None:
    """Two refreshes with one token cut the connection until a person logs in again."""
    workers = [opened() for _ in range(8)]
    workers[0].check()
    pass_time(clock, 580)
    gate = threading.Barrier(len(workers))

    def work(exact: ExactSystem) -> None:
        gate.wait()
        exact.check()

    with ThreadPoolExecutor(len(workers)) as pool:
        list(pool.map(work, workers))
    assert used_refresh_tokens(tenant) == [SEED, "refresh-1"]


def test_a_new_login_replaces_the_stored_token(opened: Opened, tenant: Tenant, store: Store) -> None:
    """After logging in again a person would find the old, dead token still in use."""
    old = opened()
    old.check()
    tenant.refresh_token, tenant.issued = "another-login", None
    opened(seed="another-login").check()
    assert used_refresh_tokens(tenant) == [SEED, "another-login"]
    assert store.token is not None
    assert store.token.seeds == tuple(hashlib.sha256(seed.encode()).hexdigest() for seed in (SEED, "another-login"))


def test_a_spent_setting_does_not_end_a_newer_login(opened: Opened, tenant: Tenant) -> None:
    """A machine whose .env still has the token of the first login could not start any more after a second one."""
    opened().check()
    tenant.refresh_token, tenant.issued = "another-login", None
    opened(seed="another-login").check()
    opened().check()
    assert used_refresh_tokens(tenant) == [SEED, "another-login"]


def test_a_running_process_follows_a_newer_login(opened: Opened, tenant: Tenant, clock: Clock) -> None:
    """A worker with the old setting would fight the new login with a dead token."""
    old = opened()
    old.check()
    tenant.refresh_token, tenant.issued = "another-login", None
    opened(seed="another-login").check()
    pass_time(clock, 599)
    old.check()
    assert used_refresh_tokens(tenant) == [SEED, "another-login", "refresh-2"]


def test_too_early_waits_and_reads_the_store_again(opened: Opened, tenant: Tenant, clock: Clock, store: Store) -> None:
    """Right after a login the first refresh is always too early; failing then would greet every new user."""
    tenant.issued = clock.now() - timedelta(seconds=500)
    opened().check()
    assert clock.naps == [30.0, 60.0]
    assert tenant.refreshes == 1


def test_too_early_takes_what_another_process_has_stored_meanwhile(
    opened: Opened, tenant: Tenant, clock: Clock, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that keeps asking with its own token would kill the token of the other."""
    tenant.issued = clock.now()

    def another_process_refreshes(_seconds: float) -> None:
        seed, end = hashlib.sha256(SEED.encode()).hexdigest(), clock.now() + timedelta(seconds=600)
        store.token = StoredToken("from-elsewhere", "next", clock.now(), end, (seed,))
        tenant.access_token = "from-elsewhere"

    monkeypatch.setattr(clock, "sleep", another_process_refreshes)
    opened().check()
    assert used_refresh_tokens(tenant) == [SEED]


def test_too_early_for_ever_ends(opened: Opened, tenant: Tenant, clock: Clock) -> None:
    """A run would hang without a word when something else uses the same login."""
    said = {"error": "access_denied", "error_description": "Rate limit exceeded: access_token not expired"}
    tenant.script = lambda asked: Answer(401, said) if asked.path == "/api/oauth2/token" else None
    with pytest.raises(SystemUnavailable, match="something else uses the same app registration"):
        opened().check()
    assert sum(clock.naps) == 600
    assert len(tenant.asked) == 6


def test_a_refused_access_token_is_replaced_by_the_one_another_process_stored(
    opened: Opened, tenant: Tenant, clock: Clock
) -> None:
    """Clocks differ between machines; a call would fail though a working token is at hand."""
    one, other = opened(), opened()
    one.check()
    other.check()
    pass_time(clock, 575)
    one.check()
    clock.time -= timedelta(seconds=10)
    tenant.asked.clear()
    other.read("exact.accounts", None)
    assert [asked.headers["Authorization"] for asked in tenant.resources()] == ["Bearer access-1", "Bearer access-2"]
    assert tenant.refreshes == 2


def test_a_refused_access_token_is_refreshed_once_when_its_time_has_come(
    opened: Opened, tenant: Tenant, clock: Clock, store: Store
) -> None:
    """A token that Exact has ended early would stop the sync until a person looks."""
    exact = opened()
    exact.check()
    stale = tenant.access_token
    pass_time(clock, 560)

    def refuse(asked: Asked) -> Answer | None:
        if asked.headers.get("Authorization") == f"Bearer {stale}":
            pass_time(clock, 15)
            return error(401, "Authentication Required")
        return None

    tenant.script = refuse
    exact.read("exact.accounts", None)
    assert tenant.refreshes == 2


def test_a_refused_young_access_token_is_told(opened: Opened, tenant: Tenant) -> None:
    """A blocked user would show as an endless loop of refreshes."""
    tenant.script = lambda asked: error(401, "Authentication Required") if "Me" in asked.path else None
    with pytest.raises(AccessDenied, match="`talk-assets exact login`"):
        opened().check()
    assert len(tenant.resources()) == 1


def test_a_lost_token_answer_is_asked_for_again(opened: Opened, tenant: Tenant) -> None:
    """A cut connection at the wrong moment would end the login."""
    answers = [CUT, Answer(503)]
    tenant.script = lambda asked: answers.pop() if answers and asked.path == "/api/oauth2/token" else None
    opened().check()
    assert used_refresh_tokens(tenant) == [SEED] * 3


def test_a_token_that_could_not_be_stored_is_stored_later(
    opened: Opened, tenant: Tenant, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new refresh token is the only one that works; a hiccup of the ledger would end the login."""
    exact = opened()
    with monkeypatch.context() as patch:

        def fail(system: str, token: StoredToken) -> None:
            raise LedgerError("the ledger is restarting")

        patch.setattr(store, "save", fail)
        with pytest.raises(LedgerError):
            exact.check()
    assert tenant.resources() == [], "a token must be stored before it is used"
    exact.check()
    assert store.token is not None
    assert store.token.refresh_token == tenant.refresh_token
    assert tenant.refreshes == 1


def test_an_unstored_token_does_not_overwrite_a_newer_one(
    opened: Opened, tenant: Tenant, store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person's new login would be lost to a token that is dead by then."""
    exact = opened()
    exact.check()
    pass_time(clock, 580)
    with monkeypatch.context() as patch:

        def fail(system: str, token: StoredToken) -> None:
            raise LedgerError("the ledger is restarting")

        patch.setattr(store, "save", fail)
        with pytest.raises(LedgerError):
            exact.check()
    assert store.token is not None
    tenant.access_token = "newer"
    newer = replace(store.token, access_token="newer", issued_at=clock.now(), expires_at=clock.now() + timedelta(600))
    store.token = newer
    exact.check()
    assert store.token == newer


def test_a_revoked_refresh_token_says_what_to_do(opened: Opened, tenant: Tenant, clock: Clock) -> None:
    """A person has to learn that logging in again is needed, and by which command."""
    opened().check()
    tenant.refresh_token, tenant.issued = "something-else", None
    pass_time(clock, 580)
    with pytest.raises(AccessDenied, match=r"The stored refresh token .*: log in again with `talk-assets exact login`"):
        opened().check()


def test_a_dead_configured_token_is_named(opened: Opened, tenant: Tenant) -> None:
    """A person would look for a fault in what is stored, while it is the setting that is old."""
    tenant.refresh_token = "something-else"
    with pytest.raises(AccessDenied, match=r"EXACT_REFRESH_TOKEN was used .*`talk-assets exact login`") as caught:
        opened().check()
    assert SEED not in str(caught.value)
    assert caught.value.status == 400


def test_a_wrong_client_secret_says_which_setting(opened: Opened) -> None:
    """A person would look for a lost login instead of a typing error."""
    with pytest.raises(AccessDenied, match="EXACT_CLIENT_ID and EXACT_CLIENT_SECRET") as caught:
        opened(secret="wrong-secret").check()
    assert "wrong-secret" not in str(caught.value)
    assert "EXACT_REFRESH_TOKEN" not in str(caught.value)


@pytest.mark.parametrize("written", [str, quote_plus, html.escape, partial(quote, safe="")])
def test_a_secret_is_recognised_however_it_is_written(
    opened: Opened, tenant: Tenant, written: Callable[[str], str]
) -> None:
    """A server that repeats what it was sent, as a form or a page would, puts it into a log."""
    secret = "it's /+& <one>"
    said = {"error": "invalid_request", "error_description": f"client_secret={written(secret)} is refused"}
    tenant.script = lambda _asked: Answer(400, said)
    with pytest.raises(AccessDenied, match=r"client_secret=\(secret\) is refused"):
        opened(secret=secret).check()


def test_no_token_at_all_says_which_setting(opened: Opened) -> None:
    """The first start would fail with something about an empty token."""
    with pytest.raises(ConfigurationError, match="run `talk-assets exact login`, or set EXACT_REFRESH_TOKEN"):
        opened(seed=None).check()


@pytest.mark.parametrize(
    "answer",
    [
        Answer(404, "<html>Not found</html>"),
        Answer(200, "<html>Hello</html>"),
        Answer(200, {"hello": 1}),
        Answer(400, "no"),
    ],
)
def test_another_site_at_the_address_says_which_setting(opened: Opened, tenant: Tenant, answer: Answer) -> None:
    """A wrong EXACT_URL would look like a refused login."""
    tenant.script = lambda _asked: answer
    with pytest.raises(UnexpectedAnswer, match="EXACT_URL"):
        opened().check()


def test_an_unreachable_host_says_which_setting(opened: Opened) -> None:
    """A wrong EXACT_URL would look like a fault of the program."""
    with pytest.raises(SystemUnavailable, match="EXACT_URL") as caught:
        opened(url=f"http://127.0.0.1:{free_port()}").check()
    assert not caught.value.outcome_unknown


def test_secrets_appear_nowhere(opened: Opened, tenant: Tenant, store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """Logs and reports are shown to people who may not act in the books."""
    caplog.set_level(logging.DEBUG)
    exact = opened()
    exact.check()
    seen = caplog.text + repr(exact) + repr(exact.__dict__) + repr(store.token)
    for secret in (SECRET, SEED, tenant.access_token, tenant.refresh_token):
        assert secret not in seen
