"""`talk-assets lineage`: where a column comes from, and what becomes of it."""

import json

import typer
from rich.console import Console
from rich.markup import escape
from rich.tree import Tree

from talk_assets import console
from talk_assets.declared import load_declared
from talk_assets.lineage.columns import asset_columns
from talk_assets.lineage.derive import column_lineage
from talk_assets.lineage.walk import Node, find_column, steps, walk_down, walk_up
from talk_assets.schemas.report import ColumnDescription
from talk_assets.settings import load_settings

# Columns of text; no line is as long.
_WIDE = 10_000


def lineage(name: str, *, as_json: bool) -> None:
    """Follow a column up to the systems, and down to what is written.

    Args:
        name: `asset.column`.
        as_json: print one JSON object instead of a tree.

    Raises:
        TalkError: there is no such column, or a setting or a mapping is wrong.
    """
    mappings, capabilities = load_declared(load_settings(()))
    known = column_lineage(mappings, capabilities)
    found = find_column(known, name)
    column = asset_columns(mappings, capabilities)[found.asset][found.column]
    up, down = walk_up(known, found), walk_down(known, found)
    if as_json:
        typer.echo(json.dumps(_as_json(column, up, down)))
        return
    tree = Tree(f"[bold]{escape(found.name)}[/bold] [dim]{escape(column.type)}[/dim] {escape(column.description)}")
    for title, node, nothing in (
        ("comes from", up, "nothing: its way begins here"),
        ("goes to", down, "nothing: its way ends here"),
    ):
        _grow(tree.add(f"[yellow]{title}[/yellow]{'' if node.next else f' {nothing}'}"), node)
    # In a window lines are wrapped; a file or a pipe has them whole, to be searched.
    shown = console.out if console.out.is_terminal else Console(file=console.out.file, width=_WIDE)
    shown.print(tree, highlight=False)


def _as_json(column: ColumnDescription, up: Node, down: Node) -> dict[str, object]:
    return {
        "column": up.place.name,
        "type": column.type,
        "meaning": column.description,
        "up": [_step(after.place.name, before.name, after) for before, after in steps(up)],
        "down": [_step(before.name, after.place.name, after) for before, after in steps(down)],
    }


def _step(source: str, target: str, node: Node) -> dict[str, object]:
    return {"from": source, "to": target, "taken": node.taken, "how": node.how}


def _grow(tree: Tree, node: Node) -> None:
    for after in node.next:
        how = f" [dim]{escape(after.how)}[/dim]" if after.how else ""
        name = escape(after.place.name)
        if not after.taken:
            tree.add(f"[dim]has a say:[/dim] {name}{how}")
        elif after.told:
            tree.add(f"{name}{how} [dim](see above)[/dim]")
        else:
            _grow(tree.add(f"{name}{how}"), after)
