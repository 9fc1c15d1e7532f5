"""`talk-assets audit export`: changes, writes and links of a period, as files."""

import json
from datetime import date
from pathlib import Path

import typer

from talk_assets import console
from talk_assets.audit.export import Format, export
from talk_assets.commands import open_state
from talk_assets.errors import ConfigurationError


def export_files(first: date, last: date, *, form: Format, out: Path, as_json: bool) -> None:
    """Write a file per view of the schema `audit`.

    Args:
        first: the first day.
        last: the last day, included.
        form: of the files.
        out: the folder for them.
        as_json: print one JSON object instead of a list.

    Raises:
        TalkError: the period is none, no sync has run, the folder cannot be written, or the ledger cannot be used.
    """
    if last < first:
        raise ConfigurationError(f"--to: {last} is before {first}, with which the period begins.")
    with open_state() as state:
        if not state.division:
            raise ConfigurationError("No sync has run yet, so there is nothing to export. Start one: talk-assets sync")
        try:
            files = export(state.ledger, state.division, first, last, out, form)
        except OSError as error:
            raise ConfigurationError(f"--out: {out} cannot be written: {error.strerror}.") from None
    if as_json:
        told = [{"view": each.view, "file": str(each.file), "rows": each.rows} for each in files]
        typer.echo(json.dumps({"division": state.division, "from": str(first), "to": str(last), "files": told}))
        return
    console.listing("Audit", ["view", "rows", "file"], [[e.view, str(e.rows), str(e.file)] for e in files])
