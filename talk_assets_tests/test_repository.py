"""What holds for the repository as a whole: pins, settings and their documents, rooms, configuration of Dagster."""

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from talk_assets.sandbox.faults.names import NAMED
from talk_assets.settings import Settings
from talk_assets_tests.conftest import DatabaseServer

ROOT = Path(__file__).parents[1]
# What a room may import besides itself, `errors` and `settings`.
ROOMS: dict[str, set[str]] = {
    name: set() for name in ("errors", "settings", "mappings", "sandbox", "dagster_home", "event_log", "webhooks")
}
ROOMS["schemas"] = {"mappings"}
ROOMS["sync"] = ROOMS["systems"] = {"mappings", "schemas"}
ROOMS["lineage"] = ROOMS["dataflow"] = {"mappings", "schemas", "sync"}
ROOMS["ledger"] = {"mappings", "schemas", "sync", "systems"}
ROOMS["cycle"] = {"mappings", "schemas", "sync", "systems", "ledger"}
ROOMS["why"] = {"mappings", "ledger"}
ROOMS["audit"] = {"ledger"}
ROOMS["orders"] = ROOMS["cycle"] | {"cycle", "declared"}
ROOMS["undo"] = ROOMS["cycle"] | {"cycle", "why"}
ROOMS["openlineage"] = {"mappings", "ledger", "systems"}
ROOMS["onboarding"] = ROOMS["cycle"] | {"cycle", "why"}
ROOMS["equality"] = ROOMS["cycle"] | {"cycle"}
ROOMS["connection"] = {"ledger", "systems"}
ROOMS["declared"] = {"mappings", "systems"}
ROOMS["checkup"] = {"connection", "mappings", "systems"}
ROOMS["installation"] = ROOMS["onboarding"] | {"onboarding", "connection", "openlineage", "declared"}
ROOMS["qa"] = ROOMS["installation"] | {"installation", "dataflow"}
ROOMS["assets"] = ROOMS["installation"] | {
    "installation",
    "event_log",
    "orders",
    "lineage",
    "undo",
    "equality",
    "qa",
    "dataflow",
}
ROOMS["automation"] = ROOMS["assets"] | {"assets"}
ROOMS["definitions"] = ROOMS["automation"] | {"automation"}
ROOMS["console"] = ROOMS["automation"]
ROOMS["job_here"] = ROOMS["assets"] | {"assets", "dagster_home"}
ROOMS["round"] = ROOMS["definitions"] | {"definitions", "job_here"}
ROOMS["commands"] = ROOMS["round"] | {
    "round",
    "dagster_home",
    "console",
    "why",
    "undo",
    "checkup",
    "webhooks",
    "lineage",
    "audit",
    "dataflow",
    "qa",
}
ROOMS["cli_orders"] = ROOMS["cli_exact"] = ROOMS["cli_audit"] = {"commands"}
ROOMS["cli"] = {"commands", "console", "cli_orders", "cli_exact", "cli_audit"}
# Of these rooms the ledger knows types only: what it stores, and the store that a connector asks for.
LEDGER_TYPES = (
    "talk_assets.sync.frames.",
    "talk_assets.sync.owed.",
    "talk_assets.systems.budget.",
    "talk_assets.systems.tokens.",
)
# Where Dagster stores things: all that may differ between the two configurations.
STORAGE = {"storage", "local_artifact_storage", "compute_logs"}


@cache
def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    # A file that is removed and not yet committed is still listed.
    return [name for name in listed.split("\0") if name and (ROOT / name).exists()]


@cache
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@cache
def pins(*files: str) -> dict[str, str]:
    lines = [line for name in files for line in (ROOT / name).read_text().splitlines()]
    matches = [re.fullmatch(r"([\w.-]+)==([\w.!+-]+)", line) for line in lines]
    return {canonicalize_name(match[1]): match[2] for match in matches if match}


def name_of(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@cache
def imports() -> dict[str, set[str]]:
    """What each module of the package imports, from everywhere in it, as dotted names."""
    found: dict[str, set[str]] = {}
    for path in tracked():
        if path.startswith("talk_assets/") and path.endswith(".py"):
            names = found.setdefault(name_of(path), set())
            for node in ast.walk(ast.parse((ROOT / path).read_text())):
                if isinstance(node, ast.Import):
                    names.update(alias.name for alias in node.names)
                elif isinstance(node, ast.ImportFrom):
                    assert node.level == 0, f"{path}:{node.lineno}: a relative import hides the room"
                    names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def room_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "talk_assets" and len(parts) > 1 else None


def closure(room: str) -> set[str]:
    """Everything that is imported when a room is, through modules of the package."""
    seen: set[str] = set()
    waiting = [module for module in imports() if room_of(module) == room]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            # `from talk_assets.a import b` may name a module or something within one.
            module = name if name in imports() else name.rpartition(".")[0]
            waiting.extend(imports().get(module, ()))
    return seen


@pytest.mark.parametrize(
    ("requirements", "files"),
    [
        (project()["project"]["dependencies"], ("requirements.txt",)),
        (project()["dependency-groups"]["dev"], ("requirements.txt", "requirements-dev.txt")),
    ],
    ids=["runtime", "development"],
)
def test_every_dependency_is_pinned_within_its_range(requirements: list[str], files: tuple[str, ...]) -> None:
    """A user of the pins gets a version that pip refuses, or one that nobody tested."""
    for text in requirements:
        requirement = Requirement(text)
        pinned = pins(*files).get(canonicalize_name(requirement.name))
        assert pinned is not None, f"{text} is not pinned in {files[-1]}"
        assert requirement.specifier.contains(pinned), f"{text} does not admit the pin {pinned}"


def test_the_pins_are_complete() -> None:
    """Two installations on different days run with different packages."""
    for texts, files in (
        (project()["project"]["dependencies"], ("requirements.txt",)),
        (project()["dependency-groups"]["dev"], ("requirements.txt", "requirements-dev.txt")),
    ):
        waiting = [("pyproject.toml", Requirement(text)) for text in texts]
        seen: set[tuple[str, ...]] = set()
        while waiting:
            user, needed = waiting.pop()
            name = canonicalize_name(needed.name)
            assert name in pins(*files), f"{user} needs {needed}, which is not pinned in {files[-1]}"
            if (name, *needed.extras) not in seen:
                seen.add((name, *needed.extras))
                for further in map(Requirement, metadata.requires(name) or []):
                    marker = further.marker
                    if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *needed.extras)):
                        waiting.append((name, further))


def test_dagsters_packages_are_those_that_work_together() -> None:
    """Dagster does not start, `dg --help` is empty, or frames are those of pandas 2."""
    pinned = pins("requirements.txt", "requirements-dev.txt")
    expected = {"dagster": "1.13.27", "dagster-webserver": "1.13.27", "dagster-dg-cli": "1.13.27"}
    expected["dagster-postgres"] = "0.29.27"
    assert {name: pinned[name] for name in expected} == expected
    assert Requirement("pandas>=3").specifier.contains(pinned["pandas"])
    assert Requirement("sqlalchemy<2.1").specifier.contains(pinned["sqlalchemy"])
    assert Requirement("typer<0.26").specifier.contains(pinned["typer"])
    assert "dagster-pandera" not in pinned


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_requirements_hold_nothing_but_pins(name: str) -> None:
    """An address in a pin file makes the installation fail wherever that index cannot be reached."""
    for line in (ROOT / name).read_text().splitlines():
        assert re.fullmatch(r"#.*|-r requirements\.txt|[\w.-]+==[\w.!+-]+", line), f"{name}: {line}"


def test_what_the_package_imports_is_declared() -> None:
    """An installed wheel lacks a package that only development needs, and fails at its first use."""
    declared = {canonicalize_name(Requirement(text).name) for text in project()["project"]["dependencies"]}
    distributions = metadata.packages_distributions()
    for module, names in imports().items():
        for top in {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"talk_assets"}:
            found = {canonicalize_name(name) for name in distributions[top]}
            assert found & declared, f"{module} imports {top}, which pyproject.toml does not name"


def test_the_wheel_holds_all_that_the_package_needs(tmp_path: Path) -> None:
    """An installation from the wheel has no mappings, migrations or configuration of Dagster."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        held = set(wheel.namelist())
    assert {path for path in tracked() if path.startswith("talk_assets/")} | {"talk_assets/dagster.yaml"} <= held
    assert not [path for path in held if path.startswith("talk_assets_tests/")]


def test_settings_are_documented_both_ways() -> None:
    """A person looks for a setting that does not exist, or never learns of one that does."""
    settings = {name.upper() for name in Settings.model_fields}
    ours = (ROOT / "docs/settings.md").read_text()
    dagsters = (ROOT / "docs/configuration.md").read_text()
    assert set(re.findall(r"^\| `(\w+)` \|", ours, re.MULTILINE)) == settings
    assert not settings & set(re.findall(r"^\| `(\w+)` \|", dagsters, re.MULTILINE))
    example = (ROOT / ".env.example").read_text()
    assert set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE)) == settings
    variable = yaml.safe_load((ROOT / "deploy/dagster.yaml").read_text())["storage"]["postgres"]["postgres_url"]["env"]
    assert f"| `{variable}` |" in dagsters


def test_what_proves_reliability_exists() -> None:
    """A promise outlives the test that proved it, and nobody notices when it is broken."""
    page = (ROOT / "docs/reliability.md").read_text()
    rows = [line for line in re.sub(r"^\|.*\n\|---.*$", "", page, flags=re.MULTILINE).splitlines() if line[:1] == "|"]
    assert rows
    for row in rows:
        proofs = re.findall(r"`([\w/]+\.py)::(test_\w+)`", row.split("|")[-2])
        assert proofs, f"no test in: {row}"
        for path, name in proofs:
            tree = ast.parse((ROOT / "talk_assets_tests" / path).read_text())
            assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, f"{path}::{name}"


def test_every_fault_that_can_be_ordered_is_documented() -> None:
    """Somebody who wants to try a fault does not learn what it is called, or orders one that is gone."""
    page = (ROOT / "docs/sandbox.md").read_text().partition("## Faults on demand")[2]
    rows = re.findall(r"^\| `([\w-]+)` \| (.+) \| (both|Exact) \|$", page, re.MULTILINE)
    assert rows == [(name, named.says, "both" if named.customerp else "Exact") for name, named in NAMED.items()]


def test_imports_go_down_only() -> None:
    """A rule can no longer be tested or read alone, and the product may come to lean on its own stand-ins."""
    for module, names in imports().items():
        room = room_of(module)
        if room is None:
            continue
        assert room in ROOMS, f"{module} is in a new room: give it a place in ROOMS"
        for name in names:
            other = room_of(name)
            allowed = other is None or other in {room, "errors", "settings", *ROOMS[room]}
            assert allowed, f"{module} imports {name}: {room} is not above {other}"
            if room == "ledger" and other in {"sync", "systems"}:
                assert name.startswith(LEDGER_TYPES), f"{module} imports {name}: the ledger stores, it does not act"


def test_the_engine_knows_no_framework_no_network_and_no_database() -> None:
    """Matching and deciding cannot be tried out without a server, and a decision may depend on one."""
    tops = {name.partition(".")[0] for name in closure("sync")}
    assert {"pandas", "talk_assets"} <= tops
    assert not tops & {"dagster", "httpx", "sqlalchemy", "psycopg"}


def test_dagsters_functions_keep_their_annotations() -> None:
    """Dagster cannot resolve the type of a run's configuration and does not load the code location."""
    for module, names in imports().items():
        if room_of(module) in {"assets", "automation", "definitions"}:
            assert "__future__.annotations" not in names, f"{module}: Dagster reads annotations, not their text"


def test_modules_stay_small() -> None:
    """A module of many reasons is one that nobody dares to change."""
    sizes = {path: len((ROOT / path).read_text().splitlines()) for path in tracked() if path.endswith(".py")}
    assert {path: size for path, size in sizes.items() if size > 400} == {}


@pytest.mark.parametrize(
    "pattern",
    [
        r"py[p]i\.org|python[h]osted\.org|registry\.[n]pmjs|deb\.[d]ebian\.org|conda\.[a]naconda|crates\.[i]o",
        r"(?<![\w.~-])/(?:hom[e]|User[s]|roo[t]|wor[k])/\w",
    ],
    ids=["registry", "folder"],
)
def test_no_file_tells_where_it_was_made(pattern: str) -> None:
    """An installation elsewhere looks for a server or a folder that it does not have."""
    for path in tracked():
        found = re.search(pattern, (ROOT / path).read_text(errors="ignore"))
        assert found is None, f"{path}: {found[0] if found else ''}"


def test_no_lock_file_is_tracked() -> None:
    """A lock file holds the addresses of the index it was made with."""
    locks = r"(.*\.lock|Pipfile\.lock|(package|npm-shrinkwrap)-lock\.json|pnpm-lock\.yaml|.*lock\.yml)"
    assert [path for path in tracked() if re.fullmatch(locks, Path(path).name)] == []


def test_every_command_of_make_is_explained() -> None:
    """A person who types `make` does not find out what there is."""
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert phony is not None
    shown = subprocess.run(["make", "help"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert set(re.findall(r"^  ([a-z-]+) +\w", shown, re.MULTILINE)) == set(phony[1].split())


def test_the_code_location_has_one_name() -> None:
    """Runs and sensors seem lost, since Dagster keeps them under the name of their code location."""
    of_dg = project()["tool"]["dg"]["project"]
    loaded = yaml.safe_load((ROOT / "workspace.yaml").read_text())["load_from"]
    assert loaded == [
        {
            "python_module": {
                "module_name": of_dg["code_location_target_module"],
                "location_name": of_dg["code_location_name"],
                "working_directory": ".",
            }
        }
    ]


def test_both_configurations_of_dagster_are_equal_but_for_storage() -> None:
    """What was tried in a checkout behaves differently in an installation: retries, limits, telemetry."""
    checkout, deployed = (yaml.safe_load((ROOT / name).read_text()) for name in ("dagster.yaml", "deploy/dagster.yaml"))
    assert set(checkout) >= STORAGE
    assert {k: v for k, v in checkout.items() if k not in STORAGE} == {
        k: v for k, v in deployed.items() if k not in STORAGE
    }


@dg.op
def nothing() -> None:
    """Do nothing."""


@dg.job(executor_def=dg.in_process_executor)
def short() -> None:
    """Have a run to store."""
    nothing()


def run_once(folder: Path) -> str:
    """Load a configuration as Dagster does, look at what must hold of any, and store a run with it."""
    with dg.DagsterInstance.from_config(str(folder)) as instance:
        assert not instance.telemetry_enabled
        assert not instance.nux_enabled
        assert instance.run_monitoring_enabled
        assert instance.run_retries_enabled
        assert instance.freshness_enabled
        assert not instance.get_settings("run_retries")["retry_on_asset_or_op_failure"]
        pools = instance.get_concurrency_config().pool_config
        assert pools.pool_granularity is not None
        assert (pools.pool_granularity.value, pools.default_pool_limit) == ("op", 1)
        return short.execute_in_process(instance=instance).run_id


def test_runs_of_a_checkout_are_where_the_command_line_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After `dg dev` ends, its runs and the cursors of its sensors are gone."""
    (tmp_path / "dagster.yaml").write_text((ROOT / "dagster.yaml").read_text())
    monkeypatch.chdir(tmp_path)
    run_id = run_once(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"dagster.yaml", ".talk"}
    home = tmp_path / ".talk/dagster"
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with dg.DagsterInstance.from_config(str(home)) as instance:
        assert instance.has_run(run_id)
        assert Path(instance.storage_directory()).resolve() == home / "storage"


def test_runs_of_an_installation_are_in_postgresql(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_server: DatabaseServer
) -> None:
    """Dagster does not start with the configuration that is meant for production."""
    address = database_server.create("template1")
    monkeypatch.setenv("DAGSTER_PG_URL", re.sub(r"^postgresql\+\w+", "postgresql", address))
    (tmp_path / "dagster.yaml").write_text((ROOT / "deploy/dagster.yaml").read_text())
    run_id = run_once(tmp_path)
    engine = sa.create_engine(address)
    with engine.connect() as connection:
        assert connection.execute(sa.text("select run_id from runs")).scalars().all() == [run_id]
    engine.dispose()
    assert not (tmp_path / "history").exists()
    database_server.drop(address)
