"""Exact's OAuth connection: access tokens of ten minutes, bought with refresh tokens that each work once.

A refresh before 570 s have passed since the last token call is refused, and two refreshes with one token cut the
connection until a person logs in again (Exact reference, OAuth 2). So a refresh happens only under the store's lock, on
the token read inside it, and its result is stored before it is used.
"""

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import httpx
from pydantic import SecretStr

from talk_assets.errors import AccessDenied, ConfigurationError, SystemUnavailable, UnexpectedAnswer
from talk_assets.systems.http import HttpClient
from talk_assets.systems.repeats import Effect
from talk_assets.systems.tokens import StoredToken, TokenStore

logger = logging.getLogger(__name__)

SYSTEM = "exact"
TOKEN_PATH = "/api/oauth2/token"  # noqa: S105 - an address
EARLIEST_REFRESH = timedelta(seconds=570)
_LIFE = 600  # seconds, when an answer does not say
# Seconds between attempts that come too early: together the life of a token, within the limit of failed calls.
_EARLY_WAITS = (30.0, 60.0, 120.0, 180.0, 210.0)
_REFUSALS = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_CLIENT = "Make sure that EXACT_CLIENT_ID and EXACT_CLIENT_SECRET are those of the app registration"
_LOG_IN = (
    "The refresh token was used elsewhere, revoked, or unused for 30 days: log in to Exact again and set "
    "EXACT_REFRESH_TOKEN to the refresh token that this gives."
)
# `unauthorized_client` is on record for a dead refresh token too (Exact reference, OAuth 2).
_ADVICE = {"invalid_client": f"{_CLIENT}.", "unauthorized_client": f"{_CLIENT}. If they are: {_LOG_IN}"}
_DOING = "refreshing Exact's access token"


@dataclass(frozen=True, slots=True)
class Credentials:
    """The app registration and the first refresh token, which a person's login gave.

    Attributes:
        client_id: EXACT_CLIENT_ID.
        client_secret: EXACT_CLIENT_SECRET.
        refresh_token: EXACT_REFRESH_TOKEN; needed until the store holds a token.
    """

    client_id: str
    client_secret: SecretStr
    refresh_token: SecretStr | None = None

    @property
    def seed(self) -> str | None:
        """SHA-256 of the configured refresh token: which login the tokens in the store descend from."""
        if self.refresh_token is None:
            return None
        return hashlib.sha256(self.refresh_token.get_secret_value().encode()).hexdigest()


class _TooEarly(Exception):
    """Exact says that the access token it gave last has not expired."""


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
        self._http = http
        self._credentials = credentials
        self._store = store
        self._now = now
        self._sleep = sleep
        self._seed = credentials.seed
        # Once the store has held a token of our login, a token of another login in it is a newer login.
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
                if stored is not None and not self._due(stored):
                    if refused is None or stored.access_token != refused.access_token:
                        return stored
                    raise self._refused_young(stored)
                try:
                    return self._refresh(stored)
                except _TooEarly:
                    pass
            if wait is not None:
                logger.info("exact: too early for a new access token; asking again in %.0f s", wait)
                self._sleep(wait)
        raise SystemUnavailable(
            SYSTEM,
            f"{_DOING}: Exact has answered for ten minutes that it is too early; look whether something else uses the "
            "same app registration and login",
            retry_after=EARLIEST_REFRESH.total_seconds(),
        )

    def _stored(self) -> StoredToken | None:
        """The store's token, unless the configured login is a newer one; called under the store's lock."""
        stored = self._store.load(SYSTEM)
        if self._unstored is not None:
            replaced, token = self._unstored
            if stored == replaced:
                self._store.save(SYSTEM, token)
                stored = token
            self._unstored = None
        if stored is None:
            return None
        if self._seed is None or stored.seed == self._seed:
            self._seed_spent = True
        return stored if self._seed_spent else None

    def _refresh(self, stored: StoredToken | None) -> StoredToken:
        if stored is not None:
            refresh_token, seed = stored.refresh_token, stored.seed
        elif self._credentials.refresh_token is not None and self._seed is not None:
            refresh_token, seed = self._credentials.refresh_token.get_secret_value(), self._seed
        else:
            raise ConfigurationError(
                "EXACT_REFRESH_TOKEN: not set, and no earlier token is stored; log in to Exact once"
            )
        replaced = self._store.load(SYSTEM)
        token = self._call(refresh_token, seed)
        self._unstored = (replaced, token)
        self._store.save(SYSTEM, token)
        self._unstored = None
        self._seed_spent = True
        return token

    def _call(self, refresh_token: str, seed: str) -> StoredToken:
        asked = self._now()
        form = {
            "grant_type": "refresh_token",
            "refresh_token": refresh_token,
            "client_id": self._credentials.client_id,
            "client_secret": self._credentials.client_secret.get_secret_value(),
        }
        # Repeated when no answer came: had it been carried out, the answer held the only working token, and nothing
        # is lost by trying.
        response = self._http.send("POST", TOKEN_PATH, doing=_DOING, effect=Effect.NONE, form=form, authenticated=False)
        if response.status_code in _REFUSALS:
            raise self._refusal(response, refresh_token)
        try:
            answer = self._http.decode(response, _DOING)
            return StoredToken(
                access_token=_text(answer["access_token"]),
                refresh_token=_text(answer["refresh_token"]),
                issued_at=self._now(),
                expires_at=asked + timedelta(seconds=int(answer.get("expires_in", _LIFE))),
                seed=seed,
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            raise UnexpectedAnswer(
                SYSTEM,
                f"{_DOING}: the answer (status {response.status_code}) is not that of Exact's token service; look at "
                "EXACT_URL",
                status=response.status_code,
            ) from None

    def _refusal(self, response: httpx.Response, refresh_token: str) -> Exception:
        status = response.status_code
        try:
            body = response.json()
            code, text = str(body["error"]), str(body.get("error_description") or "")
        except (ValueError, KeyError, TypeError, AttributeError):
            return UnexpectedAnswer(
                SYSTEM, f"{_DOING}: status {status} without Exact's error body; look at EXACT_URL", status=status
            )
        reason = response.headers.get("Reason", "")
        if "tooearly" in reason.casefold() or "not expired" in f"{text} {reason}".casefold():
            return _TooEarly()
        seen = ", ".join(part for part in (str(status), code, text) if part)
        for secret in (refresh_token, self._credentials.client_secret.get_secret_value()):
            seen = seen.replace(secret, "(secret)")
        return AccessDenied(SYSTEM, f"{_DOING}: Exact answered {seen}. {_ADVICE.get(code, _LOG_IN)}", status=status)

    def _refused_young(self, stored: StoredToken) -> AccessDenied:
        age = (self._now() - stored.issued_at).total_seconds()
        return AccessDenied(
            SYSTEM,
            f"Exact refuses an access token that it gave {age:.0f} s ago, and gives no other yet; look whether the "
            "user who logged in is still active, then log in again and set EXACT_REFRESH_TOKEN",
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


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("not a token")
    return value
