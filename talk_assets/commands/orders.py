"""What people order by hand, and the lists of what waits for them."""

import json
from collections.abc import Callable

import typer

from talk_assets import console
from talk_assets.commands import told_settings
from talk_assets.cycle.context import Cycle
from talk_assets.orders import accepting, linking, resolving, retrying, unlinking
from talk_assets.orders.desk import current_user, open_desk
from talk_assets.orders.listing import list_conflicts, list_holds

_NEXT = "The next talk-assets sync carries it out."


def conflicts(*, as_json: bool) -> None:
    """Print the open conflicts, a line per claim.

    Raises:
        TalkError: a setting or a mapping is wrong, or the ledger cannot be used.
    """
    with open_desk(told_settings(), reading=True) as at:
        found = list_conflicts(at)
    if as_json:
        typer.echo(json.dumps(found))
        return
    rows = [
        (
            row["record"],
            row["property"],
            row["kind"],
            claim["record"],
            claim["value"] or "(cleared)",
            claim["time"] or "",
        )
        for row in found
        for claim in row["claims"]
    ]
    console.listing("Conflicts", ["record", "property", "kind", "claimed by", "value", "changed at"], rows)
    if rows:
        console.remark("To settle one: talk-assets resolve RECORD PROPERTY --take RECORD_OR_VALUE")


def holds(*, kind: str | None, as_json: bool) -> None:
    """Print what is held, and what settles it.

    Raises:
        TalkError: a setting or a mapping is wrong, or the ledger cannot be used.
    """
    with open_desk(told_settings(), reading=True) as at:
        found = list_holds(at, kind)
    if as_json:
        typer.echo(json.dumps(found))
        return
    names = ("record", "kind", "property", "reason", "settle")
    console.listing("Holds", names, [tuple(str(row[name] or "") for name in names) for row in found])


def resolve(record: str, property_name: str, take: str, who: str | None) -> None:
    """Decide a conflict."""

    def order(at: Cycle, by: str) -> str:
        resolving.resolve(at, record, property_name, take, by)
        return f"{property_name} of {record} is as {take or 'cleared'} says. {_NEXT}"

    _carry_out(order, who)


def link(one: str, other: str, who: str | None) -> None:
    """Link two records by hand."""

    def order(at: Cycle, by: str) -> str:
        linking.link(at, one, other, by)
        return f"{one} and {other} are linked. {_NEXT}"

    _carry_out(order, who)


def unlink(one: str, other: str, who: str | None) -> None:
    """Take two records apart for good."""

    def order(at: Cycle, by: str) -> str:
        unlinking.unlink(at, one, other, by)
        return f"{one} and {other} are never linked again. {_NEXT}"

    _carry_out(order, who)


def accept(what: str, kind: str | None, who: str | None) -> None:
    """Let a guard pass, or have a counterpart created for a record that was unlinked."""

    def order(at: Cycle, by: str) -> str:
        if "/" in what:
            accepting.accept_creation(at, what, by)
            return f"A counterpart of {what} may be created. {_NEXT}"
        return f"Accepted for {what}: {'; '.join(accepting.accept(at, what, kind, by))} {_NEXT}"

    _carry_out(order, who)


def retry(record: str | None, who: str | None) -> None:
    """Owe again what was refused."""

    def order(at: Cycle, by: str) -> str:
        found = retrying.retry(at, record, by)
        for name in found:
            typer.echo(name)
        return f"{len(found):,} writes are owed again. {_NEXT}" if found else "Nothing was refused."

    _carry_out(order, who)


def _carry_out(order: Callable[[Cycle, str], str], who: str | None) -> None:
    """Give an order and say what it came to, on standard error: what can be searched is on standard output.

    Raises:
        TalkError: the order cannot be carried out; nothing was changed.
    """
    with open_desk(told_settings()) as at:
        console.remark(order(at, who or current_user()))
