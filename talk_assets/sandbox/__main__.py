"""`python -m talk_assets.sandbox`: both systems as local servers with made-up data.

Prints one JSON line with addresses and credentials on standard output when both answer, and serves until it is ended.
"""

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from talk_assets.errors import ConfigurationError
from talk_assets.sandbox.clock import WrongMoment, moment_of
from talk_assets.sandbox.faults.options import read_faults
from talk_assets.sandbox.seed.options import SeedOptions
from talk_assets.sandbox.server import ServeOptions, serve

app = typer.Typer(add_completion=False)
_DATA = "New data"
_HIGHEST_DIVISION = 2**31 - 1
_Count = Annotated[int, typer.Option(min=0, help="Records of a new Customerp.", rich_help_panel=_DATA)]
_Lines = Annotated[int | None, typer.Option(help="Lines of every document; 1 to 4 when absent.", rich_help_panel=_DATA)]
_Share = Annotated[float, typer.Option(min=0, max=1, help="Share that Exact has as well.", rich_help_panel=_DATA)]
_Limit = Annotated[int, typer.Option(min=1, help="Exact's limit.")]
_Port = Annotated[int, typer.Option(min=0, max=65535, help="0: as last time, or a free one.")]


def main() -> None:
    """Run the program; what cannot start ends with one sentence and exit code 2."""
    try:
        app()
    except ConfigurationError as error:
        typer.echo(f"Error: {error}", err=True)
        sys.exit(2)


@app.command()
def sandbox(
    state: Annotated[Path | None, typer.Option(help="File that keeps the sandbox between starts.")] = None,
    seed: Annotated[int, typer.Option(help="Number that all made-up data come from.", rich_help_panel=_DATA)] = 1,
    customers: _Count = SeedOptions.customers,
    contacts: _Count = SeedOptions.contacts,
    employees: _Count = SeedOptions.employees,
    products: _Count = SeedOptions.products,
    quotes: _Count = SeedOptions.quotes,
    orders: _Count = SeedOptions.orders,
    lines: _Lines = None,
    overlap: _Share = SeedOptions.overlap,
    duplicates: Annotated[
        int, typer.Option(min=0, help="Records per kind that share a key.", rich_help_panel=_DATA)
    ] = SeedOptions.duplicates,
    bad: Annotated[
        int, typer.Option(min=0, help="Records that break a rule on purpose.", rich_help_panel=_DATA)
    ] = SeedOptions.bad,
    calls_per_minute: _Limit = 60,
    calls_per_day: _Limit = 5000,
    token_refresh_seconds: Annotated[
        int, typer.Option(min=0, help="How long after a token call Exact refuses the next one.")
    ] = 570,
    exact_redirect_uri: Annotated[
        str, typer.Option(help="Where Exact's login page leads back to: the callback of a client of yours.")
    ] = ServeOptions.exact_redirect_uri,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    customerp_port: _Port = 0,
    exact_port: _Port = 0,
    admin: Annotated[bool, typer.Option(help="Offer /_admin for edits, faults and call counts.")] = True,
    division: Annotated[
        list[str] | None,
        typer.Option(metavar="NUMBER=NAME", help="Division of Exact, once for each; the first is Customerp's company."),
    ] = None,
    seed_every_division: Annotated[
        bool, typer.Option(help="Also fill the further divisions.", rich_help_panel=_DATA)
    ] = False,
    clock: Annotated[
        str | None, typer.Option(metavar="MOMENT", help="ISO 8601 moment at which the time stands still.")
    ] = None,
    clock_runs: Annotated[bool, typer.Option(help="Let the time run on from --clock.")] = False,
    faults: Annotated[
        list[str] | None,
        typer.Option(help="Fault by name, as unavailable or exact:cut, or a YAML file; see docs/sandbox.md."),
    ] = None,
    parent_pid: Annotated[int | None, typer.Option(help="Process to end with.")] = None,
) -> None:
    """Serve Customerp and Exact Online locally, with made-up data; for trying out and for tests."""
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
            divisions=_divisions(division or ()),
            seed_every_division=seed_every_division,
            clock=_moment(clock, runs=clock_runs),
            clock_runs=clock_runs,
            faults=read_faults(faults or []),
            calls_per_minute=calls_per_minute,
            calls_per_day=calls_per_day,
            token_refresh_seconds=token_refresh_seconds,
            exact_redirect_uri=exact_redirect_uri,
            parent_pid=parent_pid,
        )
    )


def _divisions(words: Sequence[str]) -> dict[int, str]:
    divisions: dict[int, str] = {}
    for word in words:
        number, _, name = (part.strip() for part in word.partition("="))
        if not (number.isascii() and number.isdigit() and 0 < int(number) <= _HIGHEST_DIVISION and name):
            raise ConfigurationError(f"--division: {word!r} is not NUMBER=NAME, as 3412908=Zuiderlicht.")
        if int(number) in divisions:
            raise ConfigurationError(f"--division: {number} is given twice.")
        divisions[int(number)] = name
    return divisions


def _moment(text: str | None, *, runs: bool) -> datetime | None:
    if text is None:
        if runs:
            raise ConfigurationError("--clock-runs: there is no --clock to run on from.")
        return None
    try:
        return moment_of(text)
    except WrongMoment as wrong:
        raise ConfigurationError(f"--clock: {wrong}.") from None


if __name__ == "__main__":
    main()
