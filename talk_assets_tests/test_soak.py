"""A whole administration, first read and then quiet. Takes minutes: `make soak`."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.soak

SIZES = {
    "customers": 1000,
    "contacts": 1500,
    "employees": 50,
    "products": 500,
    "quotes": 200,
    "orders": 800,
    "lines": 3,
}


@pytest.fixture
def home() -> Iterator[Path]:
    """A TALK_HOME whose sandbox holds a whole administration."""
    # Not pytest's own folder: run as root, the embedded server opens the folders above its data for everybody.
    folder = Path(tempfile.mkdtemp(prefix="talk-soak-"))
    state = folder / "sandbox" / "state.sqlite"
    state.parent.mkdir()
    options = [part for name, value in SIZES.items() for part in (f"--{name}", str(value))]
    seeding = subprocess.Popen(
        [sys.executable, "-m", "talk_assets.sandbox", "--state", str(state), *options], stdout=subprocess.PIPE
    )
    assert seeding.stdout is not None, "the sandbox has no output"
    assert json.loads(seeding.stdout.readline())["exact_url"].startswith("http://127.0.0.1:")
    seeding.terminate()
    seeding.wait()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def sync(home: Path) -> dict[str, Any]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("EXACT_", "CUSTOMERP_"))}
    done = subprocess.run(
        [sys.executable, "-c", "from talk_assets.cli import main; main()", "sync", "--json"],
        env={**environment, "TALK_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    totals: dict[str, Any] = json.loads(done.stdout)
    return totals


def test_a_whole_administration_is_synchronised_and_then_quiet(home: Path) -> None:
    """A team of the size we are made for would never see its systems agree."""
    first, second = sync(home), sync(home)
    assert all(counts["linked"] > 0 for counts in first["pairs"].values()), first["pairs"]
    assert not any(counts["failed"] for counts in first["writes"].values()), first["writes"]
    written = {name: counts for name, counts in second["writes"].items() if counts["created"] or counts["updated"]}
    assert not written, "both systems agreed after the first sync"
    assert second["calls"]["customerp"] == 7, "one read per feed, and the deletions"
    assert second["calls"]["exact"] <= 10, "one read per feed, two for documents, the deletions, and a token"
