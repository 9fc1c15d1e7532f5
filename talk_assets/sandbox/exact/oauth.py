"""OAuth 2 as Exact Online does it (Exact reference, OAuth 2).

Access tokens live 600 seconds, a refresh is refused until 570 seconds after the previous token call, and every refresh
token works once. The store keeps fingerprints of tokens only.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from talk_assets.sandbox.exact.config import ExactConfig
from talk_assets.sandbox.exact.errors import Refused
from talk_assets.sandbox.store import Store

_CODE_LIFE = timedelta(minutes=3)
_REFRESH_LIFE = timedelta(days=30)


class TokenRefused(Exception):
    """The token address answers 400 with an OAuth error body.

    Args:
        error: OAuth error code.
        description: text for people.
        reason: value of the Reason header, when there is one.
    """

    def __init__(self, error: str, description: str, reason: str | None = None) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.reason = reason


class Tokens:
    """Issues and checks codes and tokens for the one registered app."""

    def __init__(self, store: Store, config: ExactConfig) -> None:
        self._store = store
        self._config = config
        if config.refresh_token is not None and self._read("refresh", config.refresh_token) is None:
            self._issue_refresh(secrets.token_hex(8), config.refresh_token)

    def authorise(self, client_id: str, redirect_uri: str) -> str:
        """A new authorisation code.

        Raises:
            TokenRefused: the app is not registered, or with another redirect address.
        """
        self.check_app(client_id, redirect_uri)
        code = f"stamp.{secrets.token_urlsafe(24)}!"
        self._write("code", code, {"expires": (self._now() + _CODE_LIFE).isoformat()})
        return code

    def implicit(self, client_id: str, redirect_uri: str) -> dict[str, str]:
        """An access token without a refresh token, for `response_type=token`.

        Raises:
            TokenRefused: the app is not registered, or with another redirect address.
        """
        self.check_app(client_id, redirect_uri)
        return self._issue_access()

    def check_app(self, client_id: str, redirect_uri: str) -> None:
        """Check who asks for a user's permission, and where the answer is to go.

        Raises:
            TokenRefused: the app is not registered, or with another redirect address.
        """
        if client_id != self._config.client_id:
            raise TokenRefused("unauthorized_client", "Unknown client_id")
        if redirect_uri != self._config.redirect_uri:
            raise TokenRefused("invalid_request", "redirect_uri differs from the registered one")

    def token(self, form: Mapping[str, str]) -> dict[str, str]:
        """Answer a token call with an access token and a fresh refresh token.

        Raises:
            TokenRefused: anything is wrong with the call, or it comes too early.
        """
        if (form.get("client_id"), form.get("client_secret")) != (self._config.client_id, self._config.client_secret):
            raise TokenRefused("unauthorized_client", "Client credentials are invalid")
        with self._store.transaction():
            if form.get("grant_type") == "refresh_token":
                return self._refresh(form.get("refresh_token", ""))
            if form.get("grant_type") == "authorization_code":
                return self._exchange(form.get("code", ""), form.get("redirect_uri", ""))
        raise TokenRefused("unsupported_grant_type", "Only authorization_code and refresh_token are supported")

    def check(self, header: str | None) -> None:
        """Check the Authorization header of a call.

        Raises:
            Refused: 401, the token is missing, unknown or expired.
        """
        known = self._access(header)
        if known is None or self._ended("access", known):
            raise Refused(401, "Unauthorized", {"Reason": "Authentication Required"})

    def knows(self, header: str | None) -> bool:
        """Whether an Authorization header holds a token that the app was given, be it over: its failures count."""
        return self._access(header) is not None

    def revoke(self, *, login: bool) -> None:
        """End all access tokens that were given out so far; of a whole login the refresh tokens as well."""
        for kind, life in (("access", timedelta(seconds=self._config.token_seconds)), ("refresh", _REFRESH_LIFE)):
            if login or kind == "access":
                self._store.set_setting(_revoked(kind), (self._now() + life).isoformat())

    def _access(self, header: str | None) -> dict[str, Any] | None:
        kind, _, token = (header or "").partition(" ")
        return self._read("access", token) if kind.lower() == "bearer" else None

    def _refresh(self, token: str) -> dict[str, str]:
        known = self._read("refresh", token)
        if known is None or known["used"] or self._ended("refresh", known):
            raise TokenRefused("invalid_grant", "Refresh token is invalid, expired or used before")
        grant = known["grant"]
        last = self._store.setting(f"exact/grant/{grant}")
        wait = timedelta(seconds=self._config.token_refresh_seconds)
        if last is not None and self._now() < datetime.fromisoformat(last) + wait:
            description = "Rate limit exceeded: access_token not expired"
            raise TokenRefused("access_denied", description, f"TooEarlyToRefreshTokens: {description}")
        self._write("refresh", token, known | {"used": True})
        return self._issue(grant)

    def _exchange(self, code: str, redirect_uri: str) -> dict[str, str]:
        known = self._read("code", code)
        if known is None or self._now() >= datetime.fromisoformat(known["expires"]):
            raise TokenRefused("invalid_grant", "Code is invalid, expired or used before")
        if redirect_uri != self._config.redirect_uri:
            raise TokenRefused("invalid_request", "redirect_uri differs from the registered one")
        self._write("code", code, None)
        return self._issue(secrets.token_hex(8))

    def _issue(self, grant: str) -> dict[str, str]:
        refresh = secrets.token_urlsafe(48)
        self._issue_refresh(grant, refresh)
        self._store.set_setting(f"exact/grant/{grant}", self._now().isoformat())
        return self._issue_access() | {"refresh_token": refresh}

    def _issue_access(self) -> dict[str, str]:
        access, life = secrets.token_urlsafe(48), self._config.token_seconds
        self._write("access", access, {"expires": (self._now() + timedelta(seconds=life)).isoformat()})
        return {"access_token": access, "token_type": "bearer", "expires_in": str(life)}

    def _ended(self, kind: str, known: Mapping[str, Any]) -> bool:
        """Whether a token is too old, or was given out before all of its kind were revoked."""
        expires, revoked = datetime.fromisoformat(known["expires"]), self._store.setting(_revoked(kind))
        return self._now() >= expires or (revoked is not None and expires <= datetime.fromisoformat(revoked))

    def _issue_refresh(self, grant: str, token: str) -> None:
        expires = (self._now() + _REFRESH_LIFE).isoformat()
        self._write("refresh", token, {"grant": grant, "used": False, "expires": expires})

    def _now(self) -> datetime:
        return self._store.clock()

    def _read(self, kind: str, token: str) -> dict[str, Any] | None:
        text = self._store.setting(_name(kind, token))
        return None if text is None else dict(json.loads(text))

    def _write(self, kind: str, token: str, value: Mapping[str, Any] | None) -> None:
        self._store.set_setting(_name(kind, token), None if value is None else json.dumps(value))


def _revoked(kind: str) -> str:
    return f"exact/revoked/{kind}"


def _name(kind: str, token: str) -> str:
    return f"exact/{kind}/{hashlib.sha256(token.encode()).hexdigest()}"
