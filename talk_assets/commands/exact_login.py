"""`talk-assets exact login`: authorise the app in the browser, and keep the tokens."""

import webbrowser

import typer

from talk_assets import console
from talk_assets.commands import told_settings
from talk_assets.commands.exact_divisions import advice, show
from talk_assets.connection import Connection, open_connection, site_of
from talk_assets.cycle.denied import forget_denials
from talk_assets.errors import AccessDenied
from talk_assets.settings import EXACT_LOGIN
from talk_assets.systems.exact.account import divisions, who
from talk_assets.systems.exact.authorise import authorise_url, new_state, read_redirect
from talk_assets.systems.exact.client import ExactClient
from talk_assets.systems.exact.redirects import is_local, listening
from talk_assets.systems.http import root_of

# Longer than a person needs to find password and telephone.
WAIT_SECONDS = 600.0


def login(*, browser: bool, paste: bool, force_login: bool) -> None:
    """Log in: show the page, receive what it leads to, store the tokens, and tell who is logged in.

    Args:
        browser: open the page in this machine's browser as well.
        paste: ask for the address that the browser ends on, also where it could be received.
        force_login: have Exact ask for user and password also where the browser is logged in.

    Raises:
        TalkError: a setting is wrong, the ledger cannot be used, or Exact gives no access.
    """
    with open_connection(told_settings(EXACT_LOGIN)) as connection:
        connection.log_in(_authorised(connection, browser=browser, paste=paste, force_login=force_login))
        forget_denials(connection.ledger)
        console.remark("The login's tokens are stored, encrypted, in the ledger.")
        _tell(connection)


def _authorised(connection: Connection, *, browser: bool, paste: bool, force_login: bool) -> str:
    """The code that Exact gives for an authorisation in the browser."""
    settings, state = connection.settings, new_state()
    root, redirect_uri = root_of(site_of(settings), "EXACT_URL"), settings.exact_redirect_uri
    url = authorise_url(root, connection.credentials.client_id, redirect_uri, state, force_login=force_login)
    if is_local(redirect_uri) and not paste:
        with listening(redirect_uri) as listener:
            _show_page(url, browser=browser)
            console.remark(f"Waiting until the browser comes back to {redirect_uri}.")
            return read_redirect(listener.wait(WAIT_SECONDS), state)
    _show_page(url, browser=browser)
    console.remark(
        f"The browser then ends on {redirect_uri}?code=... and may show an error page: nothing has to answer there. "
        "Copy its whole address and paste it here within three minutes."
    )
    return read_redirect(_pasted(), state)


def _show_page(url: str, *, browser: bool) -> None:
    console.remark(
        "Open this page in a browser, log in as the user whose rights talk-assets is to have, and allow the app:"
    )
    typer.echo(url)
    if browser and not webbrowser.open(url):
        console.remark("No browser could be opened on this machine.")


def _pasted() -> str:
    try:
        return str(typer.prompt("Address", default="", show_default=False, err=True))
    except typer.Abort:
        return ""


def _tell(connection: Connection) -> None:
    """Say who is logged in, where that user may go, and what is next."""
    settings = connection.settings
    if settings.exact_refresh_token is not None and not connection.sandbox:
        console.remark("EXACT_REFRESH_TOKEN is not used any more: take it out of the settings.")
    with connection.http() as http:
        me = who(ExactClient(http, 0))
        console.remark(f"Logged in as {me.name}.")
        try:
            found = divisions(ExactClient(http, settings.exact_division or me.division or 0))
        except AccessDenied as error:
            console.remark(f"Which divisions there are cannot be told: {error}")
            console.remark(
                f"The current one is {me.division}. Write it, or another one, into EXACT_DIVISION. Next: talk-assets "
                "exact check"
            )
            return
    show(found, settings.exact_division)
    console.remark(advice(found, settings.exact_division))
