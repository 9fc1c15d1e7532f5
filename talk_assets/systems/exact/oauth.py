"""Exact's OAuth connection: access tokens of ten minutes, bought with refresh tokens that each work once.

A refresh before 570 s have passed since the last token call is refused, and two refreshes with one token cut the
connection until a person logs in again (Exact reference, OAuth 2). So a refresh happens only under the store's lock, on
the token read inside it, and its result is stored before it is used.
"""

import logging
import threading
import time
from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import httpx

from talk_assets.errors import AccessDenied, ConfigurationError, SystemUnavailable
from talk_assets.systems.exact.token_calls import LOG_IN, REFRESHING, SYSTEM, Credentials, TokenCalls, TooEarly
from talk_assets.systems.http import HttpClient
from talk_assets.systems.tokens import StoredToken, TokenStore, with_seeds

logger = logging.getLogger(__name__)

EARLIEST_REFRESH = timedelta(seconds=570)
# Seconds between attempts that come too early: together the life of a token, within the limit of failed calls.
_EARLY_WAITS = (30.0, 60.0, 120.0, 180.0, 210.0)


class TokenSource:
    """Gives a working access token, refreshing it when its time has come.

    Args:
        http: sends the token calls.
        credentials: the app registration and the first refresh token.
        store: keeps the current token, shared with other processes.
        now: the present time, with zone.
        sleep: waits the given seconds.
    """

    def __init__(
        self,
        http: HttpClient,
        credentials: Credentials,
        store: TokenStore,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._calls = TokenCalls(http, credentials, now)
        self._credentials = credentials
        self._store = store
        self._now = now
        self._sleep = sleep
        self._seed = credentials.seed
        # Once the configured token was used, whatever the store holds is as new or newer.
        self._seed_spent = False
        self._held: StoredToken | None = None
        # A token that could not be stored, with what it replaces there.
        self._unstored: tuple[StoredToken | None, StoredToken] | None = None
        self._lock = threading.RLock()

    def current(self) -> StoredToken:
        """A token that works now.

        Raises:
            AccessDenied: Exact refuses the app registration or the refresh token.
            ConfigurationError: there is neither a stored token nor EXACT_REFRESH_TOKEN.
            SystemUnavailable: the token service gives no answer, or says for ten minutes that it is too early.
        """
        with self._lock:
            if self._held is None or self._due(self._held):
                self._held = self._renew(refused=None)
            return self._held

    def replace(self, refused: StoredToken) -> StoredToken:
        """Another token than one that Exact has refused: what another process stored meanwhile, or a refreshed one.

        Raises:
            AccessDenied: the refused token is the newest and too young to be refreshed; and as `current`.
        """
        with self._lock:
            if self._held is None or self._held.access_token == refused.access_token:
                self._held = self._renew(refused=refused)
            return self._held

    def _due(self, token: StoredToken) -> bool:
        return self._now() >= token.issued_at + EARLIEST_REFRESH

    def _renew(self, refused: StoredToken | None) -> StoredToken:
        for wait in (*_EARLY_WAITS, None):
            with self._store.locked(SYSTEM):
                stored = self._stored()
                newer_login = self._is_newer(stored)
                if stored is not None and not newer_login and not self._due(stored):
                    if refused is None or stored.access_token != refused.access_token:
                        return stored
                    raise self._refused_young(stored)
                try:
                    return self._refresh(stored, newer_login=newer_login)
                except TooEarly:
                    pass
            if wait is not None:
                logger.info("exact: too early for a new access token; asking again in %.0f s", wait)
                self._sleep(wait)
        raise SystemUnavailable(
            SYSTEM,
            f"{REFRESHING}: Exact has answered for ten minutes that it is too early; look whether something else uses "
            "the same app registration and login",
            retry_after=EARLIEST_REFRESH.total_seconds(),
        )

    def _stored(self) -> StoredToken | None:
        """The store's token, after what could not be stored before; called under the store's lock."""
        stored = self._store.load(SYSTEM)
        if self._unstored is not None:
            replaced, token = self._unstored
            if stored == replaced:
                self._store.save(SYSTEM, token)
                stored = token
            self._unstored = None
        return stored

    def _is_newer(self, stored: StoredToken | None) -> bool:
        """Whether the configured token was never used: then it is of a newer login than the stored one."""
        if self._seed is None or (stored is not None and self._seed in stored.seeds):
            self._seed_spent = True
        return not self._seed_spent

    def _refresh(self, stored: StoredToken | None, *, newer_login: bool) -> StoredToken:
        """Spend the stored refresh token; or the configured one, when nothing is stored or it was never used."""
        seeds = () if stored is None else stored.seeds
        if stored is not None and not newer_login:
            token = self._calls.refresh(stored.refresh_token, seeds, configured=False)
        elif self._credentials.refresh_token is not None and self._seed is not None:
            configured = self._credentials.refresh_token.get_secret_value()
            token = self._calls.refresh(configured, with_seeds(seeds, [self._seed]), configured=True)
        else:
            raise ConfigurationError(
                "Nobody has logged in to Exact yet: run `talk-assets exact login`, or set EXACT_REFRESH_TOKEN."
            )
        self._unstored = (stored, token)
        self._store.save(SYSTEM, token)
        self._unstored = None
        self._seed_spent = True
        return token

    def _refused_young(self, stored: StoredToken) -> AccessDenied:
        age = (self._now() - stored.issued_at).total_seconds()
        return AccessDenied(
            SYSTEM,
            f"Exact refuses an access token that it gave {age:.0f} s ago, and gives no other yet; look whether the "
            f"user who logged in is still active, then {LOG_IN}",
            status=HTTPStatus.UNAUTHORIZED,
        )


class BearerAuth(httpx.Auth):
    """Adds the access token to a request, and sends it once more with another one when Exact answers 401."""

    def __init__(self, tokens: TokenSource) -> None:
        self._tokens = tokens

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """See `httpx.Auth`; raises the errors of `TokenSource`."""
        token = self._tokens.current()
        request.headers["Authorization"] = f"Bearer {token.access_token}"
        response = yield request
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            token = self._tokens.replace(token)
            request.headers["Authorization"] = f"Bearer {token.access_token}"
            yield request
