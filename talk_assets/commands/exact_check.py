"""`talk-assets exact check`: whether Exact lets us do what the mappings ask of it."""

import json
from dataclasses import asdict

import typer

from talk_assets import console
from talk_assets.checkup.exact import OK, PROBLEM, check
from talk_assets.commands import told_settings
from talk_assets.connection import open_connection
from talk_assets.cycle.denied import forget_denied
from talk_assets.declared import load_declared
from talk_assets.settings import EXACT_LOGIN


def exact_check(*, as_json: bool) -> bool:
    """Ask, and print what was found and what to do about it; whether every flow can be read.

    Args:
        as_json: print one JSON object instead of a table.

    Raises:
        TalkError: a setting or a mapping is wrong, or the ledger cannot be used.
    """
    settings = told_settings(EXACT_LOGIN)
    mappings, capabilities = load_declared(settings)
    with open_connection(settings) as connection:
        division = connection.settings.exact_division
        found = check(connection, mappings, capabilities)
        for each in found:
            if division is not None and each.state == OK and each.what.startswith("read exact."):
                forget_denied(connection.ledger, str(division), each.what.removeprefix("read "))
    readable = not any(each.stops for each in found)
    if as_json:
        typer.echo(json.dumps({"division": division, "readable": readable, "findings": [asdict(f) for f in found]}))
        return readable
    rows = [(each.state, each.what, each.concerns, each.seen, each.advice) for each in found]
    console.listing("Exact Online", ["state", "what", "concerns", "seen", "what to do"], rows)
    if not readable:
        console.remark("Not every flow can be read; what to do is said with each problem. Nothing was written.")
    elif any(each.state == PROBLEM for each in found):
        console.remark("Every flow can be read, but there are problems. Nothing was written.")
    else:
        unclear = "" if all(each.state == OK for each in found) else ", as far as can be told without writing"
        console.remark(f"Every flow can be read{unclear}. Next: talk-assets onboard")
    return readable
