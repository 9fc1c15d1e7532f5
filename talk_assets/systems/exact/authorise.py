"""Authorisation in the browser: the address to open, and what comes back from it (Exact reference, OAuth 2)."""

import secrets
from urllib.parse import quote, unquote, urlencode

from talk_assets.errors import OrderRefused

AUTHORISE_PATH = "/api/oauth2/auth"
_AGAIN = "Nothing was changed; run `talk-assets exact login` again"


def new_state() -> str:
    """What a login is known by when it comes back; nobody can guess it."""
    return secrets.token_urlsafe(24)


def authorise_url(root: str, client_id: str, redirect_uri: str, state: str, *, force_login: bool) -> str:
    """The page at which a person logs in and allows the app.

    Args:
        root: the site.
        client_id: of the app registration.
        redirect_uri: where Exact sends the browser afterwards; it has to be the registered one, letter by letter.
        state: comes back with the code.
        force_login: whether Exact asks for user and password also where the browser is logged in.
    """
    options = {
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "response_type": "code",
        "state": state,
        "force_login": "1" if force_login else "0",
    }
    return f"{root}{AUTHORISE_PATH}?{urlencode(options, quote_via=quote, safe='')}"


def read_redirect(text: str, state: str) -> str:
    """The authorisation code in the address that the browser was sent to, or in what a person copied of it.

    The code arrives URL-encoded and has to be decoded before use (Exact reference, OAuth 2). A code alone carries no
    state to be checked: whoever copies it has it from the login's own window.

    Args:
        text: the whole address, its query, or the code alone.
        state: what the login began with.

    Raises:
        OrderRefused: Exact gave no access, the state is another one, or there is no code. The text shows no code.
    """
    text = "".join(text.split())
    if not text:
        raise OrderRefused(f"No address was pasted. {_AGAIN}.")
    _, question, query = text.partition("?")
    if not question:
        if not text.startswith(("code=", "state=", "error=")):
            if "://" in text:
                raise OrderRefused(
                    f"The address holds no code. {_AGAIN}, and paste the address that the login ends on."
                )
            return unquote(text)
        query = text
    pairs = (part.partition("=") for part in query.partition("#")[0].split("&"))
    # A plus sign stands for itself: a form would write it as a space, but no code holds one.
    found = {name: unquote(value) for name, _, value in pairs}
    if not secrets.compare_digest(found.get("state", "").encode(), state.encode()):
        raise OrderRefused(
            f"The address does not carry the state of this login: it is of another login, or made by somebody else. "
            f"{_AGAIN}, and paste the address that this new login ends on."
        )
    if "error" in found:
        told = ", ".join(found[name] for name in ("error", "error_description") if found.get(name))
        raise OrderRefused(f"Exact gave no access: {told}. {_AGAIN}, and allow the app.")
    if not found.get("code"):
        raise OrderRefused(f"The address holds no code. {_AGAIN}, and paste the address that the login ends on.")
    return found["code"]
