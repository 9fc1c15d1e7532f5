"""The commands that set up and look after the connection to Exact Online. What they do is in `commands.exact_*`."""

from typing import Annotated

import typer

FAILED = 1

exact = typer.Typer(
    help="Log in to Exact Online, choose a division, check what may be done there, and be told of changes.",
    no_args_is_help=True,
)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.add_typer(exact, name="exact", rich_help_panel="Exact Online")


@exact.command()
def login(
    browser: Annotated[bool, typer.Option("--open", help="Open the page in this machine's browser, too.")] = False,
    paste: Annotated[
        bool,
        typer.Option("--paste", help="Ask for the address that the browser ends on, also where it could be received."),
    ] = False,
    force_login: Annotated[
        bool, typer.Option("--force-login", help="Have Exact ask for user and password, to log in as somebody else.")
    ] = False,
) -> None:
    """Log in with the browser and keep the login's tokens in the ledger; EXACT_REFRESH_TOKEN is not needed then."""
    from talk_assets.commands.exact_login import login as run

    run(browser=browser, paste=paste, force_login=force_login)


@exact.command()
def divisions(as_json: AsJson = False) -> None:
    """List the administrations that the login can enter, and say what EXACT_DIVISION is to be."""
    from talk_assets.commands.exact_divisions import divisions as show

    show(as_json=as_json)


@exact.command()
def check(as_json: AsJson = False) -> None:
    """Find out, without writing, whether login, division, scopes, rights and limits let every flow be synchronised."""
    from talk_assets.commands.exact_check import exact_check as run

    if not run(as_json=as_json):
        raise typer.Exit(FAILED)
