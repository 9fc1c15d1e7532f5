"""`talk-assets status`: how things stand."""

import json

import typer

from talk_assets import console
from talk_assets.commands import told_settings
from talk_assets.cycle.report import status as status_of
from talk_assets.ledger.database import open_ledger
from talk_assets.ledger.embedded import database_url
from talk_assets.ledger.notes import latest_division
from talk_assets.mappings.load import load_capabilities, load_mappings

_FRAMES = ("holds", "conflicts", "owed", "debts")


def status(*, as_json: bool) -> None:
    """Show how the division stands that is configured, or else was last synchronised.

    Raises:
        TalkError: a setting or a mapping is wrong, or the ledger cannot be used.
    """
    settings = told_settings()
    mappings = load_mappings(settings.talk_mappings, load_capabilities())
    ledger = open_ledger(database_url(settings))
    try:
        with ledger.begin() as connection:
            known = latest_division(connection)
        division = str(settings.exact_division) if settings.exact_division is not None else known
        state = status_of(ledger, division or "", mappings, limit=None if as_json else console.SHOWN)
    finally:
        ledger.close()
    if as_json:
        frames = {name: json.loads(state[name].to_json(orient="records", date_format="iso")) for name in _FRAMES}
        typer.echo(json.dumps({**state, **frames}, default=str))
    else:
        console.status_tables(state)
