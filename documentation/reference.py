"""`python -m documentation.reference`: the reference pages of docs/ from the code, which nobody edits by hand."""

import re
from pathlib import Path

import typer
from annotated_types import Ge
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from typer.cli import get_docs_for_click

from talk_assets.cli import app
from talk_assets.sandbox.__main__ import app as sandbox
from talk_assets.settings import BOTH_SYSTEMS, Settings

_DOCS = Path(__file__).parents[1] / "docs"
_BY_HAND = "This page is written by `make docs` from the code; it is not edited by hand."
_SECTIONS = {
    "talk_": "The platform",
    "customerp_": "Customerp",
    "exact_": "Exact Online",
    "openlineage_": "OpenLineage",
}
# What a list of commands says in part, each command says in full below it.
_SHORTENED = re.compile(r"\*\*Commands\*\*:\n\n(?:\* .*\n)+\n")
_PAGE = re.compile(r"(?<!default: )\bdocs/(([\w-]+\.md)(?:#[\w-]+)?)")


def commands() -> str:
    """Every command with its arguments and options, in Markdown."""
    program = typer.main.get_command(app)
    assert isinstance(program, typer.core.TyperGroup)
    # The command only hands its words to this program.
    program.commands["sandbox"] = served = typer.main.get_command(sandbox)
    served.name = "sandbox"
    text = get_docs_for_click(obj=program, ctx=typer.Context(program), name="talk-assets", title="Commands")
    head, usage, rest = _SHORTENED.sub("", text).partition("**Usage**")
    told = f"{_BY_HAND} [README.md](../README.md#commands) tells what\nthe commands are for.\n\n"
    return _linked(f"{head}{told}{usage}{rest}").rstrip() + "\n"


def settings() -> str:
    """Every setting with what it means and what holds without it, in Markdown."""
    lines = [
        "# Settings",
        "",
        f"{_BY_HAND} [configuration.md](configuration.md)",
        "tells where settings come from and what is needed.",
    ]
    for prefix, title in _SECTIONS.items():
        lines += ["", f"## {title}", "", "| setting | default | meaning |", "|---|---|---|"]
        lines += [_row(name, field) for name, field in Settings.model_fields.items() if name.startswith(prefix)]
    return "\n".join(lines) + "\n"


def _row(name: str, field: FieldInfo) -> str:
    meaning = " ".join((field.description or "").split())
    meaning += "".join(f" At least {bound.ge}." for bound in field.metadata if isinstance(bound, Ge) and bound.ge)
    if name.upper() in BOTH_SYSTEMS:
        meaning += " *Needed with systems.*"
    if SecretStr in getattr(field.annotation, "__args__", ()):
        meaning += " **Secret.**"
    # A bar within code ends a cell of a table all the same.
    meaning = re.sub(r"`([^`]*\|[^`]*)`", lambda found: f"<code>{found[1].replace('|', '&#124;')}</code>", meaning)
    return f"| `{name.upper()}` | {_default(field)} | {_linked(meaning)} |"


def _default(field: FieldInfo) -> str:
    if field.default in (None, PydanticUndefined, []):
        return "none"
    if isinstance(field.default, bool):
        return f"`{str(field.default).lower()}`"
    return f"`{field.default:g}`" if isinstance(field.default, float) else f"`{field.default}`"


def _linked(text: str) -> str:
    return _PAGE.sub(r"[\2](\1)", text)


PAGES = {"commands.md": commands, "settings.md": settings}


def main() -> None:
    """Write the pages anew."""
    for name, written in PAGES.items():
        (_DOCS / name).write_text(written(), encoding="utf-8")


if __name__ == "__main__":
    main()
