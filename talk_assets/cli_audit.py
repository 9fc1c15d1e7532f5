"""The commands for auditors. What they do is in `commands.audit`."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

audit = typer.Typer(help="Take along what an auditor asks: changes, writes and links.", no_args_is_help=True)
_DAY = ["%Y-%m-%d"]


class Format(StrEnum):
    """What the files are."""

    PARQUET = "parquet"
    CSV = "csv"


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.add_typer(audit, name="audit")


# A group, although it has one command: `audit export` says what it does.
@audit.callback()
def _group() -> None:
    return None


@audit.command()
def export(
    first: Annotated[datetime, typer.Option("--from", metavar="DATE", formats=_DAY, help="First day, in UTC.")],
    last: Annotated[datetime, typer.Option("--to", metavar="DATE", formats=_DAY, help="Last day, included.")],
    form: Annotated[Format, typer.Option("--format", help="What the files are.")] = Format.PARQUET,
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Folder for the files.")] = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
) -> None:
    """Write every accepted change, every write and every link of a period to files, one per view (docs/audit.md)."""
    from talk_assets.commands.audit import export_files

    export_files(first.date(), last.date(), form=form.value, out=out, as_json=as_json)
