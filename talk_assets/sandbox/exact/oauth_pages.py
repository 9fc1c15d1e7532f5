"""The addresses of OAuth: the page on which a user allows the app, and the token call."""

import base64
import secrets
from collections import Counter
from collections.abc import Mapping
from html import escape
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response

from talk_assets.sandbox.exact.oauth import TokenRefused, Tokens
from talk_assets.sandbox.faults.orders import Faults, carried_out

AUTHORISE = "/api/oauth2/auth"
TOKEN = "/api/oauth2/token"  # noqa: S105 - an address
_PAGE = """<!doctype html><html lang="en"><head><title>Exact Online (sandbox)</title></head><body>
<h1>Exact Online (sandbox)</h1><p>Allow this app to use your data?</p>
<form method="post" action="{action}"><button>Allow</button></form></body></html>"""


_COOKIE = "exact-sandbox-user"


class OAuthPages:
    """Answers the two OAuth addresses; who allowed the app is remembered until the server ends."""

    def __init__(self, tokens: Tokens, faults: Faults, calls: Counter[str]) -> None:
        self._tokens = tokens
        self._faults = faults
        self._calls = calls
        self._allowed: set[str] = set()

    async def authorise(self, request: Request) -> Response:
        """Show the page (GET), or go back to the app with a code (POST, what its button does).

        A browser that allowed the app before is sent back at once, unless `force_login=1` asks for the page.
        """
        query = request.query_params
        known = request.cookies.get(_COOKIE) in self._allowed and query.get("force_login") != "1"
        try:
            if request.method == "GET" and not known:
                _check(query.get("response_type"))
                self._tokens.check_app(query.get("client_id", ""), query.get("redirect_uri", ""))
                return HTMLResponse(_PAGE.format(action=escape(f"{AUTHORISE}?{query}", quote=True)))
            back = RedirectResponse(self._back(query), 302)
        except TokenRefused as refused:
            return PlainTextResponse(f"{refused.error}: {refused.description}", 400)
        user = secrets.token_urlsafe(16)
        self._allowed.add(user)
        back.set_cookie(_COOKIE, user, path=AUTHORISE, httponly=True)
        return back

    def _back(self, query: Mapping[str, str]) -> str:
        """Where a user who has allowed the app goes: with a code in the query, or a token in the fragment."""
        kind, redirect = _check(query.get("response_type")), query.get("redirect_uri", "")
        state = {"state": query["state"]} if "state" in query else {}
        if kind == "token":
            return f"{redirect}#{urlencode(self._tokens.implicit(query.get('client_id', ''), redirect) | state)}"
        code = self._tokens.authorise(query.get("client_id", ""), redirect)
        return f"{redirect}{'&' if '?' in redirect else '?'}{urlencode({'code': code} | state)}"

    async def token(self, request: Request) -> Response:
        """Answer a token call."""
        self._calls[f"{request.method} {TOKEN}"] += 1
        form = _basic(request) | dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        fault = self._faults.strike(request.method, TOKEN, {"grant_type": form.get("grant_type")})
        if fault is None:
            return self._answer(form)
        answer = await carried_out(fault, lambda: self._answer(form))
        if fault.effect != "answer" or fault.status is None:
            return self._faults.changed(fault, request, answer or Response())
        content = fault.body if fault.body is not None else {"error": fault.message}
        return JSONResponse(content, fault.status, fault.headers)

    def _answer(self, form: dict[str, str]) -> Response:
        try:
            return JSONResponse(self._tokens.token(form))
        except TokenRefused as refused:
            body = {"error": refused.error, "error_description": refused.description}
            return JSONResponse(body, 400, {"Reason": refused.reason} if refused.reason else None)


def _basic(request: Request) -> dict[str, str]:
    """The app's name and secret, where a client sends them as HTTP Basic, as OAuth 2 allows (RFC 6749, 2.3.1)."""
    kind, _, text = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return {}
    try:
        client_id, _, secret = base64.b64decode(text, validate=True).decode().partition(":")
    except ValueError:
        return {}
    return {"client_id": client_id, "client_secret": secret}


def _check(response_type: str | None) -> str:
    if response_type not in ("code", "token"):
        raise TokenRefused("unsupported_response_type", "response_type has to be code or token")
    return response_type
