"""`talk-assets dev`: Dagit and its daemon."""

import os
import signal
import socket
import subprocess
import sys
import time

from talk_assets import console
from talk_assets.commands import told_settings
from talk_assets.commands.lost_runs import end_lost
from talk_assets.dagster_home import dagster_home, write_workspace
from talk_assets.errors import ConfigurationError
from talk_assets.installation import Installation, open_installation
from talk_assets.ledger.locks import holder_of_division
from talk_assets.settings import load_divisions


def dev(host: str, port: int) -> bool:
    """Serve Dagit at this address and run its daemon, until Ctrl-C; False when one of them ended by itself.

    Raises:
        TalkError: they cannot start.
    """
    _check_port(host, port)
    # With several divisions there is no sandbox to start, and any of them will do.
    several = load_divisions()
    with open_installation(next(iter(several.values())) if several else told_settings()) as installation:
        home = dagster_home(installation.settings)
        _end_lost(installation, list(several) or [installation.division])
        environment = {
            **os.environ,
            "DAGSTER_HOME": str(home),
            "TALK_HOME": str(installation.settings.talk_home.resolve()),
        }
        workspace = ["-w", str(write_workspace(installation.settings))]
        web = ["dagster_webserver", *workspace, "-h", host, "-p", str(port)]
        daemon = ["dagster._daemon", "run", *workspace]
        names = ("The webserver", "The daemon")
        processes = [
            subprocess.Popen([sys.executable, "-m", *command], env=environment)  # noqa: S603
            for command in (web, daemon)
        ]
        console.out.print("Starting Dagit.")
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            ended = _first_to_end(processes, host, port)
        except KeyboardInterrupt:
            console.out.print("Ending.")
            return True
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait()
    console.complain("Error", f"{names[processes.index(ended)]} ended by itself.")
    return False


def _end_lost(installation: Installation, divisions: list[str]) -> None:
    """Runs of an earlier `dev` that was killed would keep all others waiting; not beside one that works."""
    with installation.ledger.begin() as connection:
        busy = any(holder_of_division(connection, division) is not None for division in divisions)
    lost = 0 if busy else end_lost(installation.settings)
    if lost:
        console.remark(f"Runs that had ended without a word, and are marked as failed: {lost}.")


def _check_port(host: str, port: int) -> None:
    try:
        socket.create_server((host, port)).close()
    except OSError as error:
        raise ConfigurationError(
            f"--port: Dagit cannot be served at {host}:{port}: {error.strerror}. Give another one, or end what uses it."
        ) from None


def _first_to_end(processes: list["subprocess.Popen[bytes]"], host: str, port: int) -> "subprocess.Popen[bytes]":
    """Wait for it; the address is told once somebody who opens it finds pages there."""
    told = False
    while True:
        for process in processes:
            if process.poll() is not None:
                return process
        if not told and _answers(host, port):
            console.out.print(f"Dagit: http://{host}:{port} (Ctrl-C ends it)")
            told = True
        time.sleep(0.5)


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True
