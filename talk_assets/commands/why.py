"""`talk-assets why`: which value won, over what, by which rule, read when, written when, in which run."""

import json

import typer
from rich.markup import escape
from rich.padding import Padding
from rich.text import Text

from talk_assets import console
from talk_assets.commands import open_state
from talk_assets.why import words
from talk_assets.why.answer import Answer, PropertyAnswer
from talk_assets.why.events import told
from talk_assets.why.facts import gather
from talk_assets.why.find import find_properties, find_record
from talk_assets.why.story import tell

_COLOURS = {"agreed": "green", "cleared": "green", "empty": "dim", "owed": "yellow", "unlinked": "yellow"}


def why(record: str, name: str | None, *, as_json: bool) -> None:
    """Say why a record's values are what they are.

    Args:
        record: `entity/key` of any of the records that are the same.
        name: a property, under its canonical name or one of a system's own; None for all of them.
        as_json: print one JSON object instead.

    Raises:
        TalkError: there is no such record or property, or the ledger cannot be used.
    """
    with open_state() as state, state.ledger.begin() as connection:
        found = find_record(connection, state.division, state.mappings, record)
        wanted = None if name is None else find_properties(found.subject, found.entity, name)
        answer = tell(gather(connection, state.division, found), wanted)
    if as_json:
        typer.echo(json.dumps({"division": state.division, **answer.as_json()}, default=_plain))
    else:
        _show(answer, whole=name is not None)


def _plain(value: object) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _show(answer: Answer, *, whole: bool) -> None:
    named = f" [dim]{escape(answer.label)}[/dim]" if answer.label else ""
    _line(f"[bold]{escape(answer.record)}[/bold]{named}", 0)
    for sentence in answer.links:
        _line(escape(sentence), 2)
    for sentence in answer.holds:
        _line(f"[yellow]Held:[/yellow] {escape(sentence)}", 2)
    for each in answer.properties:
        console.out.print()
        _show_property(each, whole=whole)
    if not whole:
        console.out.print()
        _line(f"[dim]Everything about one of them: talk-assets why {escape(answer.record)} PROPERTY[/dim]", 0)


def _show_property(answer: PropertyAnswer, *, whole: bool) -> None:
    colour = _COLOURS.get(answer.state, "red")
    value = escape(words.quoted(answer.value))
    _line(f"[bold]{escape(answer.property)}[/bold] {value} [{colour}]{answer.state}[/{colour}]", 0)
    _line(escape(answer.sentence), 2)
    for sentence in answer.waiting:
        _line(f"[yellow]Waits:[/yellow] {escape(sentence)}", 2)
    if not whole:
        for sentence in answer.written[:1]:
            _line(escape(sentence), 2)
        return
    for holding in answer.holdings:
        _line(escape(holding.sentence), 2)
    _line("[dim]What happened, the latest first:[/dim]", 2)
    for event in reversed(answer.events):
        _line(escape(told(event)), 4)


def _line(markup: str, by: int) -> None:
    # In a window lines are wrapped at words; a file or a pipe has them whole, to be searched.
    if console.out.is_terminal:
        console.out.print(Padding(Text.from_markup(markup), (0, 0, 0, by)))
    else:
        console.out.print(" " * by + markup, highlight=False, soft_wrap=True)
