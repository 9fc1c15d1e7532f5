"""A login that several processes share: one token for all of them, refreshed once, on the real ledger and over HTTP."""

import multiprocessing
import os
import random
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from talk_assets.connection import credentials_of, token_store
from talk_assets.errors import AccessDenied
from talk_assets.ledger.database import open_ledger
from talk_assets.settings import Settings
from talk_assets.systems.exact.oauth import BearerAuth, TokenSource
from talk_assets.systems.exact.token_calls import TOKEN_PATH
from talk_assets.systems.exact.transport import exact_http
from talk_assets.systems.repeats import Effect
from talk_assets.systems.tokens import StoredToken
from talk_assets_tests.sandbox.exact.site import Site, running

# Threads of the test's own HTTP server must not be forked.
SPAWN = multiprocessing.get_context("spawn")
DAY = 24 * 3600


def settings_of(site_url: str, database_url: str, division: int) -> Settings:
    return Settings(
        _env_file=None,
        talk_database_url=SecretStr(database_url),
        talk_secret_key=SecretStr("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        exact_url=site_url,
        exact_division=division,
        exact_client_id="app",
        exact_client_secret=SecretStr("app-secret"),
        exact_refresh_token=SecretStr("first-refresh"),
    )


class Process:
    """What a process of an installation does with its login: its part is run in another one."""

    def __init__(self, settings: Settings, now: Callable[[], datetime]) -> None:
        self.naps: list[float] = []
        self._ledger = open_ledger(str(settings.talk_database_url and settings.talk_database_url.get_secret_value()))
        self.http = exact_http(str(settings.exact_url), now=now, sleep=self.naps.append)
        self.store = token_store(self._ledger, settings)
        self.tokens = TokenSource(self.http, credentials_of(settings), self.store, now=now, sleep=self.naps.append)
        self.http.authenticate(BearerAuth(self.tokens))

    def who(self) -> int:
        """Ask who is logged in; the status of the answer."""
        return self.http.send("GET", "/api/v1/current/Me", doing="asking", effect=Effect.NONE).status_code

    def close(self) -> None:
        self.http.close()
        self._ledger.close()


@dataclass
class Seen:
    """What a process tells at the end."""

    access: list[str] = field(default_factory=list)
    refused: int = 0
    naps: int = 0


def work_a_day(settings: dict[str, Any], clock: Any, turn: Any, told: Any) -> None:
    """Ask for the access token at every move of the clock, and use each new one."""
    seen = Seen()
    process = Process(settings_of(**settings), lambda: datetime.fromtimestamp(clock.value, UTC))
    turn.wait()
    while clock.value:
        token = process.tokens.current()
        if token.access_token not in seen.access:
            seen.access.append(token.access_token)
            seen.refused += process.who() != 200
        turn.wait()
        turn.wait()
    seen.naps = len(process.naps)
    told.put(seen)
    process.close()


def live(site: Site, database_url: str, seconds: float) -> tuple[list[Seen], int]:
    """Have two processes of two divisions share a login; what they saw, and how many token calls were made."""
    clock, told, turn = SPAWN.Value("d", site.clock.now.timestamp()), SPAWN.Queue(), SPAWN.Barrier(3)
    settings = [
        {"site_url": site.address, "database_url": database_url, "division": division} for division in (123456, 222)
    ]
    workers = [SPAWN.Process(target=work_a_day, args=(each, clock, turn, told), daemon=True) for each in settings]
    for worker in workers:
        worker.start()
    chance, end = random.Random(8), site.clock.now.timestamp() + seconds
    turn.wait(60)
    while clock.value:
        turn.wait(60)
        # Nobody asks meanwhile: both systems' clocks and those of the processes are one.
        site.clock.advance(seconds=chance.uniform(5, 45))
        clock.value = site.clock.now.timestamp() if site.clock.now.timestamp() < end else 0
        turn.wait(60)
    seen = [told.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join()
    calls = site.http.get("/_admin/calls").json()["calls"]
    return seen, calls[f"POST {TOKEN_PATH}"]


@pytest.mark.parametrize(
    ("seconds", "fewest", "most"),
    [(DAY / 6, 24, 26), pytest.param(DAY, 144, 152, marks=pytest.mark.soak)],
    ids=["four hours", "a day"],
)
def test_two_processes_share_a_login(database_url: str, seconds: float, fewest: int, most: int) -> None:
    """Two workers on two machines would refresh one token twice, and somebody have to log in again every morning."""
    with running() as site:
        seen, token_calls = live(site, database_url, seconds)
        refreshed = set(seen[0].access) | set(seen[1].access)
        assert token_calls == len(refreshed), "a token call was refused as too early, or with a spent token"
        assert fewest <= len(refreshed) <= most
        assert seen[0].access == seen[1].access
        assert [each.refused for each in seen] == [0, 0]
        assert [each.naps for each in seen] == [0, 0]


def be_killed(settings: dict[str, Any], now: float) -> None:
    """End in the moment between Exact's new token and its storing."""
    process = Process(settings_of(**settings), lambda: datetime.fromtimestamp(now, UTC))

    def save(system: str, stored: StoredToken) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    process.store.save = save  # type: ignore[method-assign]
    process.who()


def test_a_process_killed_before_it_stored_a_token_leaves_word(database_url: str) -> None:
    """Exact has forgotten the token before: everybody who tries again would see a riddle, or wait for a lock."""
    with running() as site:
        settings: dict[str, Any] = {"site_url": site.address, "database_url": database_url, "division": 222}
        process = Process(settings_of(**settings), site.clock)
        assert process.who() == 200
        site.clock.advance(seconds=580)
        victim = SPAWN.Process(target=be_killed, args=(settings, site.clock.now.timestamp()), daemon=True)
        victim.start()
        victim.join()
        assert victim.exitcode == -signal.SIGKILL
        with pytest.raises(AccessDenied, match=r"lost with a process that was killed: log in again with `talk-assets"):
            process.who()
        process.close()
