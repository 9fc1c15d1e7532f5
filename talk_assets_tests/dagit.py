"""Dagit with our code location, as `talk-assets dev` serves it."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from talk_assets_tests.installed import Home

PROGRAMS = Path(sys.executable).parent
LOCATION = """
{ workspaceOrError { ... on Workspace { locationEntries { name locationOrLoadError {
  ... on PythonError { message }
  ... on RepositoryLocation { repositories { jobs { name } assetNodes { isMaterializable } } }
} } } } }
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def within(seconds: float, condition: Any) -> Any:
    """What the condition gives once it gives something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.2)
    pytest.fail(f"not within {seconds} s")


def location(dagit: httpx.Client) -> dict[str, Any] | None:
    """The code location as Dagit shows it, or None while it is not there."""
    try:
        dagit.get("/server_info").raise_for_status()
        answer = dagit.post("/graphql", json={"query": LOCATION}).json()
    except httpx.TransportError:
        return None
    entries = answer["data"]["workspaceOrError"]["locationEntries"]
    return entries[0] if entries and entries[0]["locationOrLoadError"] else None


@contextmanager
def dagit(place: Home, **changes: str) -> Iterator[str]:
    """Serve Dagit and its daemon while the block runs; its address.

    Args:
        place: the installation.
        changes: settings besides its own.
    """
    port = free_port()
    with place.environment(**changes), (place.folder / "dev.log").open("w") as log:
        process = subprocess.Popen([PROGRAMS / "talk-assets", "dev", "--port", str(port)], stdout=log, stderr=log)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            within(300, lambda: location(client))
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)
