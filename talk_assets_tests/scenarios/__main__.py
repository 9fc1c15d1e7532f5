"""Play scenario files: `python -m talk_assets_tests.scenarios FILE...`; exit code 1 when a case failed."""

import sys
from pathlib import Path

import typer

from talk_assets_tests.scenarios.case import read_cases
from talk_assets_tests.scenarios.run import judged
from talk_assets_tests.scenarios.server import scenario_ledger
from talk_assets_tests.scenarios.words import NotExpressible

application = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@application.command()
def play(files: list[Path], only: str = typer.Option("", help="Only cases whose id begins so.")) -> None:
    """Play every case of the files, one line each."""
    passed = failed = 0
    with scenario_ledger() as ledger:
        for file in files:
            try:
                cases = read_cases(file)
            except (NotExpressible, OSError) as error:
                typer.echo(str(error), err=True)
                sys.exit(2)
            for case in cases:
                if not case.id.startswith(only):
                    continue
                problems = judged(case, ledger)
                passed, failed = passed + (not problems), failed + bool(problems)
                typer.echo(f"{case.id} fail: {'; '.join(problems)}" if problems else f"{case.id} pass")
    typer.echo(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    application()
