"""The commands by which a person settles what waits for one. What they do is in `commands.orders`."""

from typing import Annotated

import typer

Record = Annotated[str, typer.Argument(metavar="RECORD", help="A record, as customerp.customer/cus-1.")]
Other = Annotated[str, typer.Argument(metavar="OTHER", help="The other record, as exact.accounts/KEY.")]
Who = Annotated[str | None, typer.Option("--who", help="Who gives the order; by default this system's user.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output: a list of objects.")]
_PANEL = "What people settle"


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    for command in (conflicts, resolve, holds, link, unlink, accept, retry):
        app.command(rich_help_panel=_PANEL)(command)


def conflicts(as_json: AsJson = False) -> None:
    """List the properties about which records differ and a person has to decide."""
    from talk_assets.commands import orders

    orders.conflicts(as_json=as_json)


def resolve(
    record: Record,
    property_name: Annotated[str, typer.Argument(metavar="PROPERTY", help="The property, as conflicts names it.")],
    take: Annotated[str, typer.Option("--take", help="The record whose value is right, or the value itself.")],
    who: Who = None,
) -> None:
    """Decide a conflict: the value taken is written everywhere by the next sync."""
    from talk_assets.commands import orders

    orders.resolve(record, property_name, take, who)


def holds(
    kind: Annotated[str | None, typer.Option(help="Only holds of this kind, as ambiguous.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the records that are left alone, with the reason and what settles it."""
    from talk_assets.commands import orders

    orders.holds(kind=kind, as_json=as_json)


def link(record: Record, other: Other, who: Who = None) -> None:
    """Say that two records are the same."""
    from talk_assets.commands import orders

    orders.link(record, other, who)


def unlink(record: Record, other: Other, who: Who = None) -> None:
    """Say that two records are not the same: they are never linked again."""
    from talk_assets.commands import orders

    orders.unlink(record, other, who)


def accept(
    what: Annotated[
        str,
        typer.Argument(
            metavar="ENTITY|RECORD",
            help="The entity that a guard stopped, as exact.accounts; or a record that was unlinked.",
        ),
    ],
    kind: Annotated[str | None, typer.Option(help="Only this guard, as volume; all by default.")] = None,
    who: Who = None,
) -> None:
    """Let pass once what a guard stopped; of an unlinked record, have a counterpart created."""
    from talk_assets.commands import orders

    orders.accept(what, kind, who)


def retry(
    record: Annotated[str | None, typer.Argument(metavar="[RECORD]", help="By default all that was refused.")] = None,
    who: Who = None,
) -> None:
    """Have sent again what a system refused."""
    from talk_assets.commands import orders

    orders.retry(record, who)
