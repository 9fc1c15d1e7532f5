"""The addresses of OAuth: the page on which a user allows the app, and the token call."""

from collections import Counter
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


class OAuthPages:
    """Answers the two OAuth addresses."""

    def __init__(self, tokens: Tokens, faults: Faults, calls: Counter[str]) -> None:
        self._tokens = tokens
        self._faults = faults
        self._calls = calls

    async def authorise(self, request: Request) -> Response:
        """Show the page (GET), or go back to the app with a code (POST, what its button does)."""
        query = request.query_params
        if request.method == "GET":
            return HTMLResponse(_PAGE.format(action=escape(f"{AUTHORISE}?{query}", quote=True)))
        redirect = query.get("redirect_uri", "")
        if query.get("response_type") != "code":
            return PlainTextResponse("unsupported_response_type: only response_type=code is supported", 400)
        try:
            code = self._tokens.authorise(query.get("client_id", ""), redirect)
        except TokenRefused as refused:
            return PlainTextResponse(f"{refused.error}: {refused.description}", 400)
        joint = "&" if "?" in redirect else "?"
        state = {"state": query["state"]} if "state" in query else {}
        return RedirectResponse(f"{redirect}{joint}{urlencode({'code': code} | state)}", 302)

    async def token(self, request: Request) -> Response:
        """Answer a token call."""
        self._calls[f"{request.method} {TOKEN}"] += 1
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
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
