"""`python -m talk_assets.sandbox`: both systems as local servers with made-up data.

Prints one JSON line with addresses and credentials on standard output when both answer, and serves until it is ended.
"""

from pathlib import Path
from typing import Annotated

import typer

from talk_assets.errors import ConfigurationError
from talk_assets.sandbox.seed.options import SeedOptions
from talk_assets.sandbox.server import ServeOptions, serve

app = typer.Typer(add_completion=False)
_Count = Annotated[int, typer.Option(min=0, help="Records of a new Customerp.", rich_help_panel="New data")]


@app.command()
def sandbox(
    state: Annotated[Path | None, typer.Option(help="File that keeps the sandbox between starts.")] = None,
    seed: Annotated[int, typer.Option(help="Number that all made-up data come from.", rich_help_panel="New data")] = 1,
    customers: _Count = SeedOptions.customers,
    contacts: _Count = SeedOptions.contacts,
    employees: _Count = SeedOptions.employees,
    products: _Count = SeedOptions.products,
    quotes: _Count = SeedOptions.quotes,
    orders: _Count = SeedOptions.orders,
    lines: Annotated[
        int | None, typer.Option(help="Lines of every document; 1 to 4 when absent.", rich_help_panel="New data")
    ] = None,
    overlap: Annotated[
        float, typer.Option(min=0, max=1, help="Share that Exact has as well.", rich_help_panel="New data")
    ] = SeedOptions.overlap,
    duplicates: Annotated[
        int, typer.Option(min=0, help="Records per kind that share a key.", rich_help_panel="New data")
    ] = SeedOptions.duplicates,
    bad: Annotated[
        int, typer.Option(min=0, help="Records that break a rule on purpose.", rich_help_panel="New data")
    ] = SeedOptions.bad,
    calls_per_minute: Annotated[int, typer.Option(min=1, help="Exact's limit.")] = 60,
    calls_per_day: Annotated[int, typer.Option(min=1, help="Exact's limit.")] = 5000,
    token_refresh_seconds: Annotated[
        int, typer.Option(min=0, help="How long after a token call Exact refuses the next one.")
    ] = 570,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    customerp_port: Annotated[int, typer.Option(min=0, max=65535, help="0: as last time, or a free one.")] = 0,
    exact_port: Annotated[int, typer.Option(min=0, max=65535, help="0: as last time, or a free one.")] = 0,
    admin: Annotated[bool, typer.Option(help="Offer /_admin for edits, faults and call counts.")] = True,
    parent_pid: Annotated[int | None, typer.Option(help="Process to end with.")] = None,
) -> None:
    """Serve Customerp and Exact Online locally, with made-up data; for trying out and for tests."""
    try:
        serve(
            ServeOptions(
                state=state,
                seed=SeedOptions(
                    seed=seed,
                    customers=customers,
                    contacts=contacts,
                    employees=employees,
                    products=products,
                    quotes=quotes,
                    orders=orders,
                    lines=lines,
                    overlap=overlap,
                    duplicates=duplicates,
                    bad=bad,
                ),
                host=host,
                ports={"customerp": customerp_port, "exact": exact_port},
                admin=admin,
                calls_per_minute=calls_per_minute,
                calls_per_day=calls_per_day,
                token_refresh_seconds=token_refresh_seconds,
                parent_pid=parent_pid,
            )
        )
    except ConfigurationError as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(2) from None


if __name__ == "__main__":
    app()
