"""`talk-assets compare`: whether both systems hold the same, for the pairs whose turn it is."""

import json
import uuid
from collections.abc import Sequence
from typing import Any

import pandas as pd
import typer
from rich.table import Table

from talk_assets import console
from talk_assets.commands import told_settings
from talk_assets.equality.both import Both
from talk_assets.equality.compare import Compared, flows_of
from talk_assets.equality.compare import compare as compare_pairs
from talk_assets.equality.words import LASTING, sentence
from talk_assets.installation import open_installation

_COLUMNS = ["record", "other", "property", "customerp", "exact", "why"]


def compare(*, entities: Sequence[str], pairs: int | None, as_json: bool) -> bool:
    """Compare pairs and print what was found; whether everything could be compared and nothing is unequal.

    Args:
        entities: only pairs of these; none: all.
        pairs: how many of each flow; None as the setting says.
        as_json: print one JSON object instead of tables.

    Raises:
        TalkError: a setting is wrong, or a system does not answer.
    """
    with open_installation(told_settings()) as at, at.systems() as systems:
        most = at.settings.talk_compared_pairs if pairs is None else pairs
        both = Both(at.ledger, at.division, at.mappings, at.capabilities, systems)
        found = compare_pairs(both, flows_of(at.mappings, entities), most, str(uuid.uuid4()))
        calls = {name: system.calls for name, system in systems.items()}
    if as_json:
        typer.echo(json.dumps({"calls": calls, "flows": [_as_json(each) for each in found]}))
    else:
        _show(found)
        console.remark(f"Calls: {', '.join(f'{name} {count:,}' for name, count in calls.items())}")
    for each in found:
        if each.hindrance:
            console.complain("Not compared", f"{each.flow}: {each.hindrance}")
        for row in each.unexplained.head(console.SHOWN).to_dict("records"):
            console.complain("Unequal", sentence(row))
    return not any(each.hindrance or len(each.unexplained) for each in found)


def _show(found: Sequence[Compared]) -> None:
    names = ["flow", "linked", "compared", "unequal", "explained", "gone"]
    table = Table(
        title="Compared pairs", title_justify="left", title_style="bold", header_style="dim", box=None, pad_edge=False
    )
    for number, name in enumerate(names):
        table.add_column(name, justify="right" if number else "left", no_wrap=not number)
    for each in found:
        unequal = len(each.unexplained)
        numbers = (each.linked, each.compared, unequal, len(each.explained), len(each.gone))
        cells = [f"{number:,}" if number else "[dim]·[/dim]" for number in numbers]
        cells[2] = f"[red]{unequal:,}[/red]" if unequal else cells[2]
        table.add_row(each.flow, *cells)
    console.out.print(table)
    frames = [rows for each in found for rows in (each.unexplained, each.explained) if len(rows)]
    rows = pd.concat(frames)[_COLUMNS].fillna("").astype("str") if frames else pd.DataFrame(columns=_COLUMNS)
    # What differs for good is a number here, and listed in the JSON.
    rows = rows[~rows["why"].isin(LASTING)]
    if len(rows):
        console.out.print()
        shown = rows.head(console.SHOWN)
        console.listing("Differences", _COLUMNS, list(shown.itertuples(index=False, name=None)))
        if len(rows) > len(shown):
            console.remark(f"{len(rows) - len(shown):,} more differences; all of them with --json.")


def _as_json(compared: Compared) -> dict[str, Any]:
    rows = {
        name: json.loads(frame.to_json(orient="records")) if len(frame) else []
        for name, frame in (("unequal", compared.unexplained), ("explained", compared.explained))
    }
    numbers = {"flow": compared.flow, "linked": compared.linked, "compared": compared.compared}
    return {**numbers, **rows, "gone": compared.gone, "hindrance": compared.hindrance}
