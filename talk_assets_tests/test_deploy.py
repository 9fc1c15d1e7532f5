"""What is shipped under `deploy/`: that systemd takes it, and that every name in it exists."""

import configparser
import re
import shlex
import shutil
import subprocess
import sys
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest
import yaml

from talk_assets.settings import Settings
from talk_assets_tests.installed import ROOT

UNITS = ROOT / "deploy/systemd"
PROGRAMS = "/opt/talk-assets/bin/"
# Where docs/operating.md has the files put that are shipped here.
PLACES = {
    "/etc/talk-assets/workspace.yaml": "workspace.yaml",
    "/etc/talk-assets/talk-assets.env": "talk-assets.env.example",
}
# What is not the same in every unit.
OWN = {"ExecStartPre", "ExecStart", "KillMode", "TimeoutStopSec"}


@cache
def units() -> dict[str, configparser.ConfigParser]:
    found = {}
    for path in UNITS.glob("*.service"):
        parser = configparser.ConfigParser(interpolation=None, strict=True)
        parser.optionxform = str  # type: ignore[assignment, method-assign]
        parser.read_string(path.read_text())
        found[path.stem] = parser
    return found


def command(unit: str) -> list[str]:
    return shlex.split(units()[unit]["Service"]["ExecStart"])


def commands() -> list[tuple[str, list[str]]]:
    """All that the units start, each with the unit's name."""
    return [
        (unit, shlex.split(parser["Service"][name]))
        for unit, parser in units().items()
        for name in ("ExecStartPre", "ExecStart")
        if name in parser["Service"]
    ]


def test_the_units_start_programs_of_the_installation_with_options_that_they_have(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A service does not start after an upgrade renamed an option."""
    scripts = {entry.name: entry for entry in metadata.entry_points(group="console_scripts")}
    monkeypatch.setenv("COLUMNS", "200")
    for unit, (program, *words) in commands():
        assert program.startswith(PROGRAMS), program
        name = program.removeprefix(PROGRAMS)
        options = [word for word in words if word.startswith("-")]
        first = words[: words.index(options[0])] if options else words
        monkeypatch.setattr(sys, "argv", [name, *first, "--help"])
        with pytest.raises(SystemExit) as ended:
            scripts[name].load()()
        assert not ended.value.code, f"{unit}: {name} {first}"
        shown = capsys.readouterr().out
        for option in options:
            assert re.search(rf"(?<![\w-]){option}(?![\w-])", shown), f"{unit}: {name} has no {option}"


def test_everything_that_the_units_name_is_shipped() -> None:
    """A service waits for a file that nobody told about, or is reached from other machines without a login."""
    (entry,) = yaml.safe_load((ROOT / "deploy/workspace.yaml").read_text())["load_from"]
    served = entry["grpc_server"]
    code = command("talk-assets-code")
    assert code[code.index("-p") + 1] == str(served["port"])
    assert code[code.index("-h") + 1] == served["host"]
    project = yaml.safe_load((ROOT / "workspace.yaml").read_text())["load_from"][0]["python_module"]
    assert code[code.index("-m") + 1] == project["module_name"]
    assert code[code.index("--location-name") + 1] == served["location_name"] == project["location_name"]
    page = (ROOT / "docs/operating.md").read_text()
    for unit, parser in units().items():
        service = parser["Service"]
        for path in [word for word in [*command(unit), service["EnvironmentFile"]] if word.startswith("/etc/")]:
            assert (ROOT / "deploy" / PLACES[path]).exists(), f"{unit}: {path}"
            assert path in page, f"docs/operating.md does not say where {path} comes from"
        words = command(unit)
        for option in {"-h", "--host"} & set(words):
            assert words[words.index(option) + 1] == "127.0.0.1", unit
        for name in re.findall(r"talk-assets[\w-]*\.(?:service|target)", (UNITS / f"{unit}.service").read_text()):
            assert (UNITS / name).exists(), f"{unit}: {name}"
        assert f"`{unit}`" in page, f"docs/operating.md does not tell of {unit}"


def test_the_units_are_hardened_alike() -> None:
    """One of the services may do what the others may not, and nobody decided so."""
    settings = [{k: v for k, v in parser["Service"].items() if k not in OWN} for parser in units().values()]
    assert len(settings) == 5
    assert all(each == settings[0] for each in settings)
    assert settings[0]["User"] == "talk-assets"
    assert settings[0]["ProtectSystem"] == "strict"


def test_every_variable_of_the_environment_file_is_documented() -> None:
    """A setting in the example does nothing, or nobody finds out what it does."""
    named = set(re.findall(r"^#?([A-Z_]+)=", (ROOT / "deploy/talk-assets.env.example").read_text(), re.MULTILINE))
    page = "".join((ROOT / "docs" / name).read_text() for name in ("configuration.md", "settings.md"))
    assert {name for name in named if f"| `{name}` |" not in page} == set()
    assert {name for name in named if not name.startswith("DAGSTER_")} <= {
        name.upper() for name in Settings.model_fields
    }
    assert {"DAGSTER_HOME", "DAGSTER_PG_URL", "TALK_HOME", "TALK_DATABASE_URL", "TALK_SECRET_KEY"} <= named


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    """systemd passes over a misspelt line, and with it what the line was to protect."""
    (tmp_path / "bin").mkdir()
    for _, (program, *_) in commands():
        (tmp_path / "bin" / Path(program).name).touch(mode=0o755)
    for path in UNITS.iterdir():
        (tmp_path / path.name).write_text(path.read_text().replace(PROGRAMS, f"{tmp_path}/bin/"))
    files = [str(tmp_path / path.name) for path in UNITS.iterdir()]
    verified = subprocess.run(["systemd-analyze", "verify", *files], capture_output=True, text=True, check=False)
    assert verified.returncode == 0, verified.stderr
    assert not [line for line in verified.stderr.splitlines() if str(tmp_path) in line], verified.stderr
