"""An installation as its users have it: a sandbox as a program, settings in the environment, and the commands."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import sqlalchemy as sa

from talk_assets import cli
from talk_assets.ledger.database import open_ledger

if TYPE_CHECKING:
    from talk_assets_tests.conftest import DatabaseServer

ROOT = Path(__file__).parent.parent
# Enough for a linked pair in every flow, for ambiguous records, and for debts of every kind.
SMALL = {"customers": 12, "contacts": 16, "employees": 4, "products": 8, "quotes": 5, "orders": 8}
# Where only organisations are looked at.
FEW = {"customers": 4, "contacts": 1, "employees": 1, "products": 1, "quotes": 0, "orders": 0, "duplicates": 0}
_UNLIMITED = {"calls_per_minute": 1_000_000, "calls_per_day": 10_000_000, "token_refresh_seconds": 0}
SYSTEMS = ("customerp", "exact")
_OURS = ("TALK_", "CUSTOMERP_", "EXACT_", "DAGSTER_")
_SECRETS = ("customerp_token", "exact_client_secret", "exact_refresh_token", "exact_webhook_secret")


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Its standard output, which must be one JSON object."""
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found

    @property
    def complaint(self) -> str:
        """Its standard error on one line, without progress."""
        return " ".join(self.err.split())


@dataclass(frozen=True)
class Sandbox:
    """Both systems as a program of their own, and what a test does to them from outside."""

    said: dict[str, str]
    http: httpx.Client

    @property
    def settings(self) -> dict[str, str]:
        """What a team writes into its environment to connect these systems."""
        return {name.upper(): str(value) for name, value in self.said.items()}

    @property
    def secrets(self) -> list[str]:
        """What must never be shown."""
        return [self.said[name] for name in _SECRETS]

    def fault(self, system: str, **wish: Any) -> None:
        """Order a fault, see `talk_assets.sandbox.faults.model`."""
        self._admin("POST", system, "faults", wish)

    def end_faults(self) -> None:
        """Take all faults away."""
        for system in SYSTEMS:
            self._admin("DELETE", system, "faults")

    def calls(self) -> dict[str, Counter[str]]:
        """Per system, calls per method and path since they were last forgotten."""
        return {system: Counter(self._admin("GET", system, "calls")["calls"]) for system in SYSTEMS}

    def forget_calls(self) -> None:
        """Count from zero again."""
        for system in SYSTEMS:
            self._admin("DELETE", system, "calls")

    def customerp(self, path: str) -> list[dict[str, Any]]:
        """Records of Customerp, as of `customers`."""
        return [item["values"] for item in self._admin("GET", "customerp", path)["items"]]

    def edit_customerp(self, path: str, **values: Any) -> None:
        """Edit a record as a user of Customerp does; `path` as `customers/cus-000001`."""
        self._admin("PUT", "customerp", path, values)

    def add_customerp(self, path: str, **values: Any) -> str:
        """Create a record as a user of Customerp does, as of `customers`, and give its key."""
        return str(self._admin("POST", "customerp", path, values)["key"])

    def edit_exact(self, path: str, **values: Any) -> None:
        """Edit a record as a user of Exact does; `path` as `Accounts/{key}`."""
        self._admin("PUT", "exact", f"{self.said['exact_division']}/{path}", values)

    def exact(self, set_name: str) -> dict[str, dict[str, Any]]:
        """Records of Exact by key, as of `Accounts`."""
        found = self._admin("GET", "exact", f"{self.said['exact_division']}/{set_name}")
        return {item["key"]: item["values"] for item in found["items"]}

    def _admin(self, method: str, system: str, path: str, content: Any = None) -> Any:
        answer = self.http.request(method, f"{self.said[f'{system}_url']}/_admin/{path}", json=content)
        assert answer.is_success, answer.text
        return answer.json()


@contextmanager
def sandbox(options: Mapping[str, Any]) -> Iterator[Sandbox]:
    """Serve both systems while the block runs, by default without limits.

    Args:
        options: of the sandbox's program, as `customers`.
    """
    words = [f"--{name.replace('_', '-')}={value}" for name, value in {**_UNLIMITED, **options}.items()]
    command = [sys.executable, "-m", "talk_assets.sandbox", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            with httpx.Client(timeout=30) as http:
                yield Sandbox(json.loads(process.stdout.readline()), http)
        finally:
            # There is nothing that it would have to put away: even its state is whole at any moment.
            process.kill()


def seed(talk_home: Path, options: Mapping[str, Any]) -> None:
    """Make the sandbox that commands use in this TALK_HOME when no system is configured."""
    state = talk_home / "sandbox" / "state.sqlite"
    state.parent.mkdir(parents=True)
    with sandbox({**options, "state": state}):
        pass


class Home:
    """A TALK_HOME, the settings that go with it, and the commands in it.

    Args:
        folder: the TALK_HOME, in which commands are run as well.
        settings: variables of the environment; no other one of ours is seen.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self.folder = folder
        self.settings = {"TALK_HOME": str(folder), "COLUMNS": "400", **settings}

    @contextmanager
    def environment(self, **changes: str | None) -> Iterator[None]:
        """See these settings only; None takes one away."""
        with pytest.MonkeyPatch.context() as patch:
            for name in [name for name in os.environ if name.startswith(_OURS)]:
                patch.delenv(name)
            for name, value in {**self.settings, **changes}.items():
                if value is not None:
                    patch.setenv(name, value)
            patch.chdir(self.folder)
            yield

    def run(self, *arguments: str, **changes: str | None) -> Done:
        """Run `talk-assets` as a process of its own."""
        program = Path(sys.executable).with_name("talk-assets")
        with self.environment(**changes):
            done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=800, check=False)
        return Done(done.returncode, done.stdout, done.stderr)

    def call(self, *arguments: str, **changes: str | None) -> Done:
        """Run `talk-assets` within this process, which spares the time of its imports."""
        out, err, code = io.StringIO(), io.StringIO(), 0
        with (
            self.environment(**changes),
            pytest.MonkeyPatch.context() as patch,
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            patch.setattr(sys, "argv", ["talk-assets", *arguments])
            try:
                cli.main()
            except SystemExit as ended:
                code = int(ended.code or 0)
        return Done(code, out.getvalue(), err.getvalue())

    def tables(self) -> dict[str, list[str]]:
        """Every row of every table of the ledger as text."""
        ledger = open_ledger(self.settings["TALK_DATABASE_URL"])
        names = sa.text("select relname from pg_class where relnamespace = 'talk'::regnamespace and relkind = 'r'")
        with ledger.begin() as connection:
            found = {
                name: sorted(connection.execute(sa.text(f'select t::text from talk."{name}" t')).scalars())
                for name in connection.execute(names).scalars()
            }
        ledger.close()
        return found


@contextmanager
def home(settings: Mapping[str, str], server: DatabaseServer | None = None) -> Iterator[Home]:
    """A new home, with a ledger of its own on the server, or embedded."""
    # Not in pytest's own folder: the embedded server opens up the folders above its own when root runs it.
    with tempfile.TemporaryDirectory(prefix="talk-home-", ignore_cleanup_errors=True) as folder:
        url = server.create_ledger() if server is not None else None
        yield Home(Path(folder), {**settings, **({"TALK_DATABASE_URL": url} if url else {})})
        if server is not None and url is not None:
            server.drop(url)
