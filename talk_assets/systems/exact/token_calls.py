"""The calls to Exact's token service, and what its answers mean (Exact reference, OAuth 2)."""

import hashlib
import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from urllib.parse import quote, quote_plus

import httpx
from pydantic import SecretStr

from talk_assets.errors import AccessDenied, UnexpectedAnswer
from talk_assets.systems.http import HttpClient
from talk_assets.systems.repeats import Effect
from talk_assets.systems.tokens import StoredToken

SYSTEM = "exact"
TOKEN_PATH = "/api/oauth2/token"  # noqa: S105 - an address
LOG_IN = "log in again with `talk-assets exact login`"
REFRESHING = "refreshing Exact's access token"
EXCHANGING = "exchanging Exact's authorisation code for tokens"
_LIFE = 600  # seconds, when an answer does not say
_REFUSALS = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_CLIENT = "Make sure that EXACT_CLIENT_ID and EXACT_CLIENT_SECRET are those of the app registration"
_SPENT = "was used elsewhere, revoked, unused for 30 days, or its successor was lost with a process that was killed"
_CODE = (
    "A code works once and for three minutes, and only with the redirect address that it was asked for: see that "
    "EXACT_REDIRECT_URI is that of the app registration, and run `talk-assets exact login` again."
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """The app registration, and a refresh token to begin with.

    Attributes:
        client_id: EXACT_CLIENT_ID.
        client_secret: EXACT_CLIENT_SECRET.
        refresh_token: EXACT_REFRESH_TOKEN; not needed once the store holds a token.
    """

    client_id: str
    client_secret: SecretStr
    refresh_token: SecretStr | None = None

    @property
    def seed(self) -> str | None:
        """SHA-256 of the configured refresh token: by it a token that was never used before is told from others."""
        if self.refresh_token is None:
            return None
        return hashlib.sha256(self.refresh_token.get_secret_value().encode()).hexdigest()


class TooEarly(Exception):
    """Exact says that the access token it gave last has not expired."""


class TokenCalls:
    """Asks the token service for tokens.

    Args:
        http: sends the calls, without credentials of its own.
        credentials: the app registration.
        now: the present time, with zone.
    """

    def __init__(
        self, http: HttpClient, credentials: Credentials, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._http = http
        self._credentials = credentials
        self._now = now

    def refresh(self, refresh_token: str, seeds: Sequence[str], *, configured: bool) -> StoredToken:
        """Buy the next tokens with a refresh token, which is dead afterwards.

        Args:
            refresh_token: the token that Exact gave last.
            seeds: what the new token is to remember, see `StoredToken`.
            configured: whether it is EXACT_REFRESH_TOKEN, for errors.

        Raises:
            TooEarly: the last token call was less than 570 seconds ago.
            AccessDenied: Exact refuses the app registration or the refresh token.
            SystemUnavailable: the token service gives no answer.
            UnexpectedAnswer: something else answers.
        """
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        name = "EXACT_REFRESH_TOKEN" if configured else "The stored refresh token"
        return self._call(form, refresh_token, seeds, REFRESHING, f"{name} {_SPENT}: {LOG_IN}.")

    def exchange(self, code: str, redirect_uri: str, seeds: Sequence[str]) -> StoredToken:
        """Turn the code of an authorisation in the browser into tokens.

        Args:
            code: as Exact gave it, decoded.
            redirect_uri: the address that the code was asked for, which has to be the registered one.
            seeds: what the new token is to remember, see `StoredToken`.

        Raises:
            As `refresh`.
        """
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        return self._call(form, code, seeds, EXCHANGING, _CODE)

    def _call(self, form: dict[str, str], secret: str, seeds: Sequence[str], doing: str, advice: str) -> StoredToken:
        asked = self._now()
        client_secret = self._credentials.client_secret.get_secret_value()
        form |= {"client_id": self._credentials.client_id, "client_secret": client_secret}
        # Repeated when no answer came: had it been carried out, the answer held the only working token, and nothing
        # is lost by trying.
        response = self._http.send("POST", TOKEN_PATH, doing=doing, effect=Effect.NONE, form=form, authenticated=False)
        if response.status_code in _REFUSALS:
            raise _refusal(response, doing, advice, (secret, client_secret))
        try:
            answer = self._http.decode(response, doing)
            return StoredToken(
                access_token=_text(answer["access_token"]),
                refresh_token=_text(answer["refresh_token"]),
                issued_at=self._now(),
                expires_at=asked + timedelta(seconds=int(answer.get("expires_in", _LIFE))),
                seeds=tuple(seeds),
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            raise UnexpectedAnswer(
                SYSTEM,
                f"{doing}: the answer (status {response.status_code}) is not that of Exact's token service; look at "
                "EXACT_URL",
                status=response.status_code,
            ) from None


def _refusal(response: httpx.Response, doing: str, advice: str, secrets: Sequence[str]) -> Exception:
    status = response.status_code
    try:
        body = response.json()
        code, text = str(body["error"]), str(body.get("error_description") or "")
    except (ValueError, KeyError, TypeError, AttributeError):
        return UnexpectedAnswer(
            SYSTEM, f"{doing}: status {status} without Exact's error body; look at EXACT_URL", status=status
        )
    reason = response.headers.get("Reason", "")
    if "tooearly" in reason.casefold() or "not expired" in f"{text} {reason}".casefold():
        return TooEarly()
    seen = ", ".join(part for part in (str(status), code, text) if part)
    for secret in secrets:
        # As it was sent, or as a form, an address or a page would write it.
        for written in (secret, quote(secret, safe=""), quote_plus(secret), html.escape(secret)):
            seen = seen.replace(written, "(secret)")
    # `unauthorized_client` is on record for a dead refresh token too (Exact reference, OAuth 2).
    doubts = {"invalid_client": f"{_CLIENT}.", "unauthorized_client": f"{_CLIENT}. If they are: {advice}"}
    return AccessDenied(SYSTEM, f"{doing}: Exact answered {seen}. {doubts.get(code, advice)}", status=status)


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("not a token")
    return value
