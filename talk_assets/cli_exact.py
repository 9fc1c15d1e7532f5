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


webhooks = typer.Typer(help="Have Exact tell of changes, instead of asking it now and then.", no_args_is_help=True)
exact.add_typer(webhooks, name="webhooks")


@webhooks.command()
def add(
    url: Annotated[str, typer.Option(help="Where Exact is to send its notifications: an https address.")],
    topic: Annotated[
        list[str] | None,
        typer.Option(help="Only this topic, as Accounts; may be repeated. By default all that are synchronised."),
    ] = None,
) -> None:
    """Subscribe to changes; what is subscribed to already stays as it is."""
    from talk_assets.commands import exact_webhooks

    if not exact_webhooks.add(url, topic or []):
        raise typer.Exit(FAILED)


@webhooks.command(name="list")
def list_subscriptions(as_json: AsJson = False) -> None:
    """List the subscriptions of the division."""
    from talk_assets.commands import exact_webhooks

    exact_webhooks.show(as_json=as_json)


@webhooks.command()
def remove(
    subscription: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="One subscription, as list names it.")
    ] = None,
    url: Annotated[str | None, typer.Option(help="All subscriptions of this app with this address.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All subscriptions of this app.")] = False,
) -> None:
    """End subscriptions of this app registration; those of others are never touched."""
    from talk_assets.commands import exact_webhooks

    exact_webhooks.remove(subscription, url=url, everything=everything)
