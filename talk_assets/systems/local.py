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
from pathlib import Path

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

    process: "subprocess.Popen[str]"
    log: Path

    def settings(self, given: Settings) -> Settings:
        """Wait until both systems answer, and give the settings completed with their addresses and credentials.

        Raises:
            ConfigurationError: the sandbox did not start; the text says where it is written why.
        """
        told = _first_line(self.process)
        if told is None:
            raise ConfigurationError(f"The sandbox did not start; see {self.log}.")
        return _completed(given, json.loads(told))

    def stop(self) -> None:
        """End the process; its state stays for the next start."""
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_local_systems(settings: Settings, options: Sequence[str] = RELAXED) -> LocalSystems:
    """Begin to start the sandbox with its state under TALK_HOME, or to join the process that serves it already.

    Raises:
        ConfigurationError: TALK_HOME cannot be used.
    """
    state = settings.talk_home / "sandbox" / "state.sqlite"
    try:
        state.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"TALK_HOME: {settings.talk_home} cannot hold the sandbox: {error.strerror}. Set it to a folder that this "
            "user may write."
        ) from error
    log = state.with_name("sandbox.log")
    command = [sys.executable, "-m", "talk_assets.sandbox", "--state", str(state), "--parent-pid", str(os.getpid())]
    with log.open("a") as errors:
        process = subprocess.Popen(  # noqa: S603 - our own program with our own arguments
            [*command, *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            # Ctrl-C is for this process, which ends the sandbox after its own work.
            start_new_session=True,
        )
    return LocalSystems(process, log)


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
            "exact_redirect_uri": Settings.model_fields["exact_redirect_uri"].default,
            "exact_refresh_token": SecretStr(told["exact_refresh_token"]),
            "exact_webhook_secret": SecretStr(told["exact_webhook_secret"]),
            "exact_employer_account": told["exact_employer_account"],
        }
    )
