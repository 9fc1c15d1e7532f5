"""How a request shows who asks: one `httpx.Auth` for each kind in a profile."""

import base64
import threading
import time
from collections.abc import Callable, Generator
from http import HTTPStatus
from typing import Any

import httpx

from talk_assets.errors import AccessDenied, ConfigurationError, UnexpectedAnswer
from talk_assets.systems.customerp.dialect import SYSTEM
from talk_assets.systems.customerp.json_exact import decode
from talk_assets.systems.customerp.sections import Authentication, Basic, Bearer, ClientCredentials, HeaderKey
from talk_assets.systems.http import HttpClient
from talk_assets.systems.repeats import Effect

SETTING = "CUSTOMERP_TOKEN"
_EARLY = 60.0  # seconds before its end that a token is no longer used
_UNTOLD_LIFE = 300.0  # seconds that a token is used when the answer does not say how long it lives


class HeaderAuth(httpx.Auth):
    """The secret in a header of every request."""

    def __init__(self, header: str, value: str) -> None:
        self._header = header
        self._value = value

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the header."""
        request.headers[self._header] = self._value
        yield request


class ClientCredentialsAuth(httpx.Auth):
    """A token bought with the client's id and secret, kept in memory and bought again before it ends.

    Args:
        buy: asks for a token; returns it and the seconds that it lives.
        clock: seconds that only grow.
    """

    def __init__(self, buy: Callable[[], tuple[str, float]], clock: Callable[[], float] = time.monotonic) -> None:
        self._buy = buy
        self._clock = clock
        self._token = ""
        self._until = float("-inf")
        self._buying = threading.Lock()

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the token; when it is refused, buy another one and ask once more."""
        used = self._current(refused="")
        request.headers["Authorization"] = f"Bearer {used}"
        response = yield request
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            request.headers["Authorization"] = f"Bearer {self._current(refused=used)}"
            yield request

    def _current(self, refused: str) -> str:
        with self._buying:
            if self._clock() >= self._until or self._token == refused:
                self._token, life = self._buy()
                # A short life is halved rather than shortened by a fixed time, which would leave nothing of it.
                self._until = self._clock() + max(life - _EARLY, life / 2)
            return self._token


class TokenPurchase:
    """Asks the token address of a profile for a token (RFC 6749, 4.4).

    Args:
        http: speaks to the token address.
        settings: the profile's section.
        secret: `client id:client secret`.
    """

    def __init__(self, http: HttpClient, settings: ClientCredentials, secret: str) -> None:
        self._http = http
        self._settings = settings
        self._client, self._secret = _pair(secret, "client id:client secret")

    def __call__(self) -> tuple[str, float]:
        """The token and the seconds that it lives.

        Raises:
            AccessDenied: the client is not known or may not have the scope.
            SystemUnavailable: no answer came.
            UnexpectedAnswer: the answer holds no token.
        """
        doing = "asking for a Customerp access token"
        form = {"grant_type": "client_credentials"}
        if self._settings.scope is not None:
            form["scope"] = self._settings.scope
        headers = {}
        if self._settings.client_in == "body":
            form |= {"client_id": self._client, "client_secret": self._secret}
        else:
            headers["Authorization"] = _basic(self._client, self._secret)
        response = self._http.send("POST", "", doing=doing, effect=Effect.NONE, form=form, headers=headers)
        status = response.status_code
        if status in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise AccessDenied(
                SYSTEM,
                f"{doing}: {self._http.root} refuses the client ({status}); correct {SETTING} (client id:client "
                "secret) or the scope in the profile",
                status=status,
            )
        token, life = _token_of(response)
        if token is None:
            raise UnexpectedAnswer(
                SYSTEM,
                f"{doing}: expected an access_token, got status {status} without one; correct "
                "authentication.token_url in the profile",
                status=status,
            )
        return token, life


def authentication(settings: Authentication, secret: str, token_http: HttpClient | None) -> httpx.Auth:
    """The credentials of a profile.

    Args:
        settings: the profile's section.
        secret: the value of CUSTOMERP_TOKEN.
        token_http: speaks to the token address; needed by client credentials.

    Raises:
        ConfigurationError: the secret cannot be used in this way; the text does not hold it.
    """
    if not secret.strip() or not secret.isprintable():
        raise ConfigurationError(f"{SETTING}: empty, or with characters that cannot be seen; copy it again.")
    if isinstance(settings, Bearer | HeaderKey) and not secret.isascii():
        raise ConfigurationError(f"{SETTING}: it has characters that a header cannot hold; copy it again.")
    match settings:
        case Bearer():
            return HeaderAuth("Authorization", f"Bearer {secret}")
        case HeaderKey():
            return HeaderAuth(settings.header, secret)
        case Basic():
            return HeaderAuth("Authorization", _basic(*_pair(secret, "user:password")))
        case ClientCredentials():
            if token_http is None:
                raise TypeError("client credentials need a client for the token address")
            return ClientCredentialsAuth(TokenPurchase(token_http, settings, secret))


def hidden_forms(secret: str) -> list[str]:
    """The secret, and its part after the colon: what must not be repeated from an answer, longest first."""
    return [part for part in (secret, *secret.split(":", 1)[1:]) if part]


def _token_of(response: httpx.Response) -> tuple[str | None, float]:
    try:
        body: Any = decode(response.content)
    except ValueError:
        return None, 0.0
    token = body.get("access_token") if isinstance(body, dict) and response.is_success else None
    if not isinstance(token, str) or not token:
        return None, 0.0
    try:
        return token, float(body.get("expires_in", _UNTOLD_LIFE))
    except (TypeError, ValueError):
        return token, _UNTOLD_LIFE


def _pair(secret: str, form: str) -> tuple[str, str]:
    name, colon, rest = secret.partition(":")
    if not colon or not name or not rest:
        raise ConfigurationError(f"{SETTING}: this profile needs it as `{form}`; write it with the colon.")
    return name, rest


def _basic(name: str, rest: str) -> str:
    return f"Basic {base64.b64encode(f'{name}:{rest}'.encode()).decode()}"
