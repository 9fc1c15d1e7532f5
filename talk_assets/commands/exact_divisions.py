"""`talk-assets exact divisions`: the administrations that a login can enter."""

import json
from collections.abc import Sequence
from dataclasses import asdict

import typer

from talk_assets import console
from talk_assets.commands import told_settings
from talk_assets.connection import open_connection
from talk_assets.settings import EXACT_LOGIN
from talk_assets.systems.exact.account import Division, who
from talk_assets.systems.exact.account import divisions as read
from talk_assets.systems.exact.client import ExactClient

_NEXT = "Next: talk-assets exact check"


def divisions(*, as_json: bool) -> None:
    """List the divisions, and say what to write into EXACT_DIVISION.

    Args:
        as_json: print a list of objects instead of a table.

    Raises:
        TalkError: a setting is wrong, nobody has logged in, or Exact does not list them.
    """
    with open_connection(told_settings(EXACT_LOGIN)) as connection, connection.http() as http:
        configured = connection.settings.exact_division
        me = who(ExactClient(http, 0))
        found = read(ExactClient(http, configured or me.division or 0))
    if as_json:
        typer.echo(json.dumps([{**asdict(each), "configured": each.number == configured} for each in found]))
        return
    show(found, configured)
    console.remark(f"Logged in as {me.name}. {advice(found, configured)}")


def show(found: Sequence[Division], configured: int | None) -> None:
    """Print divisions.

    Args:
        found: the divisions.
        configured: the one that EXACT_DIVISION names.
    """
    rows = [
        (
            str(each.number),
            each.name,
            each.country,
            each.status,
            "current" if each.current else "",
            each.moved or "",
            "EXACT_DIVISION" if each.number == configured else "",
        )
        for each in found
    ]
    console.listing("Divisions", ["number", "name", "country", "status", "current", "moved on", "configured"], rows)


def advice(found: Sequence[Division], configured: int | None) -> str:
    """What to write into EXACT_DIVISION, or what comes next."""
    chosen = next((each for each in found if each.number == configured), None)
    usable = [each for each in found if each.usable]
    if chosen is not None and chosen.usable:
        return _NEXT
    if chosen is not None:
        problem = f"EXACT_DIVISION={configured} is {chosen.status}."
    elif configured is not None:
        problem = f"EXACT_DIVISION={configured} is none that this user can enter."
    else:
        problem = ""
    if not usable:
        return f"{problem} There is no active division that this user can enter: ask for access in Exact.".strip()
    if len(usable) == 1:
        return f"{problem} Write EXACT_DIVISION={usable[0].number} into the settings. {_NEXT}".strip()
    return f"{problem} Write the number of the one that is to be synchronised into EXACT_DIVISION. {_NEXT}".strip()
