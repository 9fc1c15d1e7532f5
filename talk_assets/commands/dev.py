"""`talk-assets dev`: Dagit and its daemon."""

import os
import signal
import socket
import subprocess
import sys
import time

from talk_assets import console
from talk_assets.commands import told_settings
from talk_assets.dagster_home import dagster_home, write_workspace
from talk_assets.errors import ConfigurationError
from talk_assets.installation import open_installation
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
        console.out.print(f"Dagit: http://{host}:{port} (Ctrl-C ends it)")
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            ended = _first_to_end(processes)
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


def _check_port(host: str, port: int) -> None:
    try:
        socket.create_server((host, port)).close()
    except OSError as error:
        raise ConfigurationError(
            f"--port: Dagit cannot be served at {host}:{port}: {error.strerror}. Give another one, or end what uses it."
        ) from None


def _first_to_end(processes: list["subprocess.Popen[bytes]"]) -> "subprocess.Popen[bytes]":
    while True:
        for process in processes:
            if process.poll() is not None:
                return process
        time.sleep(0.5)
