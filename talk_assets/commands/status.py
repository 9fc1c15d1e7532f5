"""`talk-assets status`: how things stand."""

import json

import typer

from talk_assets import console
from talk_assets.commands import open_state
from talk_assets.cycle.report import status as status_of

_FRAMES = ("guards", "holds", "conflicts", "owed", "debts")


def status(*, as_json: bool) -> None:
    """Show how the division stands that is configured, or else was last synchronised.

    Raises:
        TalkError: a setting or a mapping is wrong, or the ledger cannot be used.
    """
    with open_state() as known:
        limit = None if as_json else console.SHOWN
        state = status_of(known.ledger, known.division, known.mappings, limit=limit)
    if as_json:
        frames = {name: json.loads(state[name].to_json(orient="records", date_format="iso")) for name in _FRAMES}
        typer.echo(json.dumps({**state, **frames}, default=str))
    else:
        console.status_tables(state)
