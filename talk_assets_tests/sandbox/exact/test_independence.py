"""The sandbox's independence of what it is to try."""

import ast
from pathlib import Path

PROJECT = Path(__file__).parents[3]


def imported(folder: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                modules = [node.module]
            found.setdefault(str(path.relative_to(PROJECT)), set()).update(modules)
    return found


def test_the_sandbox_is_an_independent_witness() -> None:
    """A wrong idea about Exact shared by product and sandbox would pass every test."""
    for path, modules in imported(PROJECT / "talk_assets" / "sandbox" / "exact").items():
        own = {m for m in modules if m.startswith("talk_assets") and not m.startswith("talk_assets.sandbox")}
        assert own == set(), path
    for room in ("systems", "sync", "ledger", "mappings", "schemas"):
        for path, modules in imported(PROJECT / "talk_assets" / room).items():
            assert not [m for m in modules if m.startswith("talk_assets.sandbox")], path
