"""The sandbox as a process of its own, for an installation that has no system configured.

The product never imports the sandbox: it runs its program and reads the one line of JSON that it prints.
"""

import json
import os
import selectors
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import SecretStr

from talk_assets.errors import ConfigurationError
from talk_assets.settings import Settings

# Seeding many records takes its time.
_START_SECONDS = 120
# The demo is not to wait for Exact's limits; `talk-assets sandbox` has them.
RELAXED = ("--calls-per-minute", "1000000", "--calls-per-day", "10000000", "--token-refresh-seconds", "0")


@dataclass
class LocalSystems:
    """Both systems, served on loopback by a process that this one started."""

    settings: Settings
    process: "subprocess.Popen[str]"

    def stop(self) -> None:
        """End the process; its state stays for the next start."""
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_local_systems(settings: Settings, options: Sequence[str] = RELAXED) -> LocalSystems:
    """Start the sandbox with its state under TALK_HOME, or join the process that serves it already.

    Returns:
        The settings completed with the sandbox's addresses and credentials, and the process to stop at the end.

    Raises:
        ConfigurationError: the sandbox did not start; the text holds what it said.
    """
    state = settings.talk_home / "sandbox" / "state.sqlite"
    state.parent.mkdir(parents=True, exist_ok=True)
    log = state.with_name("sandbox.log")
    command = [sys.executable, "-m", "talk_assets.sandbox", "--state", str(state), "--parent-pid", str(os.getpid())]
    with log.open("a") as errors:
        process = subprocess.Popen(  # noqa: S603 - our own program with our own arguments
            [*command, *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True
        )
    told = _first_line(process)
    if told is None:
        process.kill()
        process.wait()
        raise ConfigurationError(f"The sandbox did not start; see {log}.")
    return LocalSystems(_completed(settings, json.loads(told)), process)


def _first_line(process: "subprocess.Popen[str]") -> str | None:
    if process.stdout is None:
        return None
    with selectors.DefaultSelector() as waiting:
        waiting.register(process.stdout, selectors.EVENT_READ)
        if not waiting.select(timeout=_START_SECONDS):
            return None
    return process.stdout.readline() or None


def _completed(settings: Settings, told: dict[str, str]) -> Settings:
    return settings.model_copy(
        update={
            "customerp_url": told["customerp_url"],
            "customerp_token": SecretStr(told["customerp_token"]),
            "exact_url": told["exact_url"],
            "exact_division": int(told["exact_division"]),
            "exact_client_id": told["exact_client_id"],
            "exact_client_secret": SecretStr(told["exact_client_secret"]),
            "exact_refresh_token": SecretStr(told["exact_refresh_token"]),
            "exact_webhook_secret": SecretStr(told["exact_webhook_secret"]),
            "exact_employer_account": told["exact_employer_account"],
        }
    )
