"""Serves a sandbox: both systems in one process, each on its own port."""

import asyncio
import contextlib
import json
import logging
import secrets
import signal
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from talk_assets.errors import ConfigurationError
from talk_assets.sandbox.clock import SandboxClock
from talk_assets.sandbox.customerp.app import create_app as customerp_app
from talk_assets.sandbox.customerp.config import CustomerpConfig
from talk_assets.sandbox.exact.app import create_app as exact_app
from talk_assets.sandbox.exact.config import REDIRECT_URI, ExactConfig
from talk_assets.sandbox.exact.oauth import Tokens
from talk_assets.sandbox.faults.model import SYSTEMS, Fault, System
from talk_assets.sandbox.installation import (
    Credentials,
    Turn,
    divisions_of,
    employer_account,
    ensure_seeded,
    open_store,
)
from talk_assets.sandbox.parent import Parent
from talk_assets.sandbox.seed.options import SeedOptions
from talk_assets.sandbox.store import Store

_WATCH_SECONDS = 0.2


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """How a sandbox is served.

    Attributes:
        state: file that keeps the sandbox; None: it is forgotten at the end.
        seed: what a new sandbox is filled with.
        host: address to listen at.
        ports: port per system; 0 takes the one of the last time, or a free one.
        admin: whether `/_admin` exists.
        divisions: of Exact, number to name; the first one is that of Customerp's company. None: as last time.
        seed_every_division: whether the further divisions get made-up data too.
        clock: moment to set the time to; None leaves it as it was, at first that of the machine.
        clock_runs: whether the time runs on from there instead of standing still.
        faults: with which each system begins.
        calls_per_minute: Exact's limit.
        calls_per_day: Exact's limit.
        token_refresh_seconds: how long after a token call Exact refuses the next one.
        exact_redirect_uri: where Exact's login page leads back to; a client's own address.
        parent_pid: process to end with.
    """

    state: Path | None = None
    seed: SeedOptions = field(default_factory=SeedOptions)
    host: str = "127.0.0.1"
    ports: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SYSTEMS, 0))
    admin: bool = True
    divisions: Mapping[int, str] = field(default_factory=dict)
    seed_every_division: bool = False
    clock: datetime | None = None
    clock_runs: bool = False
    faults: Mapping[System, Sequence[Fault]] = field(default_factory=dict)
    calls_per_minute: int = 60
    calls_per_day: int = 5000
    token_refresh_seconds: int = 570
    exact_redirect_uri: str = REDIRECT_URI
    parent_pid: int | None = None


class _Server(uvicorn.Server):
    """A server that leaves signals to the program, which ends both servers."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(options: ServeOptions) -> None:
    """Serve until a signal comes or the parent process is gone; print the addresses when both systems answer.

    When another process serves the same state, its addresses are printed, and this process waits to take over: so
    several programs can start the sandbox that they share, and each can end before the others.

    Raises:
        ConfigurationError: the state cannot be used, or a port is taken.
    """
    asyncio.run(_serve(options))


async def _serve(options: ServeOptions) -> None:
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    parent = Parent(options.parent_pid)
    with contextlib.closing(Turn(options.state)) as turn:
        announced = False
        while not turn.take():
            _check_joining(options)
            announced = announced or await _announce_served(options)
            if await _ended(ending, parent):
                return
        with contextlib.closing(open_store(options.state)) as store:
            await _host(options, store, ending, parent, announce=not announced)


def _check_joining(options: ServeOptions) -> None:
    """Check that nothing is asked of a process that joins another one's sandbox.

    Raises:
        ConfigurationError: faults or a time are wanted, which only the other process could order.
    """
    asked = {
        "--faults": ("Order them there, by POST to /_admin/faults of each system", bool(options.faults)),
        "--clock": ("Set it there, by PUT to /_admin/clock of either system", options.clock is not None),
    }
    for name, (advice, wanted) in asked.items():
        if wanted:
            raise ConfigurationError(
                f"{name}: another process serves the sandbox of {options.state}. {advice}, or end that process."
            )


async def _ended(ending: asyncio.Event, parent: Parent) -> bool:
    """Wait for a moment; whether the end has come meanwhile."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(ending.wait(), _WATCH_SECONDS)
    return ending.is_set() or parent.gone()


async def _host(options: ServeOptions, store: Store, ending: asyncio.Event, parent: Parent, *, announce: bool) -> None:
    clock = SandboxClock(store)
    if options.clock is not None:
        clock.set(options.clock, running=options.clock_runs)
    divisions = divisions_of(store, options.divisions)
    others = [*divisions][1:] if options.seed_every_division else []
    employer = ensure_seeded(store, _seed_options(options, clock), next(iter(divisions)), others)
    sockets = {system: _listen(store, system, options) for system in SYSTEMS}
    for system, listening in sockets.items():
        store.set_setting(_port_setting(system), str(listening.getsockname()[1]))
    credentials, refresh_token = Credentials.of(store), secrets.token_urlsafe(48)
    apps = {
        "customerp": customerp_app(
            store,
            config=CustomerpConfig(token=credentials.customerp_token, admin=options.admin),
            faults=options.faults.get("customerp", ()),
        ),
        "exact": exact_app(
            store,
            config=_exact_config(options, store, divisions, credentials, refresh_token),
            faults=options.faults.get("exact", ()),
        ),
    }
    servers = {system: _Server(_uvicorn_config(apps[system])) for system in SYSTEMS}
    serving = [asyncio.create_task(servers[system].serve(sockets=[sockets[system]])) for system in SYSTEMS]
    while not all(server.started for server in servers.values()) and not any(task.done() for task in serving):
        await asyncio.sleep(0.01)
    if announce and all(server.started for server in servers.values()):
        _announce(options, store, credentials, refresh_token, employer)
    while not (any(task.done() for task in serving) or await _ended(ending, parent)):
        pass
    for server in servers.values():
        server.should_exit = True
    await asyncio.gather(*serving)
    apps["exact"].state.webhooks.deliveries.close()


def _seed_options(options: ServeOptions, clock: SandboxClock) -> SeedOptions:
    """What a new sandbox is filled with: under a clock that was set, nothing that is younger than its day."""
    if not clock.driven or options.seed.until is not None:
        return options.seed
    return replace(options.seed, until=datetime.combine(clock().date(), time(), UTC))


async def _announce_served(options: ServeOptions) -> bool:
    """Print the addresses of the process that serves this state; whether it answers already."""
    with contextlib.closing(open_store(options.state)) as store:
        employer = employer_account(store)
        if employer is None or not all([await _answers(store, system, options.host) for system in SYSTEMS]):
            return False
        SandboxClock(store)  # by which the token's life is counted
        credentials, refresh_token = Credentials.of(store), secrets.token_urlsafe(48)
        config = _exact_config(options, store, divisions_of(store, {}), credentials, refresh_token)
        Tokens(store, config)  # makes the refresh token known
        _announce(options, store, credentials, refresh_token, employer)
    return True


async def _answers(store: Store, system: str, host: str) -> bool:
    port = store.setting(_port_setting(system))
    if port is None:
        return False
    try:
        _, writer = await asyncio.open_connection(host, int(port))
    except OSError:
        return False
    writer.close()
    return True


def _announce(options: ServeOptions, store: Store, credentials: Credentials, refresh_token: str, employer: str) -> None:
    line = {
        **{f"{system}_url": _address(options, store, system) for system in SYSTEMS},
        "customerp_token": credentials.customerp_token,
        "exact_division": next(iter(divisions_of(store, {}))),
        "exact_client_id": credentials.client_id,
        "exact_client_secret": credentials.client_secret,
        "exact_refresh_token": refresh_token,
        "exact_redirect_uri": options.exact_redirect_uri,
        "exact_employer_account": employer,
        "exact_webhook_secret": credentials.webhook_secret,
    }
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _address(options: ServeOptions, store: Store, system: str) -> str:
    return f"http://{options.host}:{store.setting(_port_setting(system))}"


def _exact_config(
    options: ServeOptions, store: Store, divisions: Mapping[int, str], credentials: Credentials, refresh_token: str
) -> ExactConfig:
    # Exact keeps fingerprints of tokens only; every start adds a fresh refresh token, and the one that a client holds
    # stays valid beside it.
    return ExactConfig(
        divisions=divisions,
        client_id=credentials.client_id,
        client_secret=credentials.client_secret,
        refresh_token=refresh_token,
        address=_address(options, store, "exact"),
        webhook_secret=credentials.webhook_secret,
        local_callbacks=True,
        redirect_uri=options.exact_redirect_uri,
        token_refresh_seconds=options.token_refresh_seconds,
        calls_per_minute=options.calls_per_minute,
        calls_per_day=options.calls_per_day,
        admin=options.admin,
    )


def _uvicorn_config(app: Starlette) -> uvicorn.Config:
    # A call that a fault delays must not hold up the end for long.
    config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=2)
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    return config


def _is_news(record: logging.LogRecord) -> bool:
    """Whether a message says more than that an answer ended early, as a fault that cuts connections makes it."""
    return "without completing response" not in record.getMessage()


def _listen(store: Store, system: str, options: ServeOptions) -> socket.socket:
    """A socket at the port that was asked for, else at that of the last time, else at a free one.

    Raises:
        ConfigurationError: the port that was asked for is taken.
    """
    wanted, last = options.ports[system], int(store.setting(_port_setting(system)) or 0)
    for port in [wanted] if wanted else [last, 0]:
        try:
            return socket.create_server((options.host, port))
        except OSError as error:
            failure = error
    raise ConfigurationError(
        f"The sandbox's {system} cannot listen at {options.host}:{wanted}: {failure}. Give another --{system}-port, "
        "or 0 for a free one."
    )


def _port_setting(system: str) -> str:
    return f"sandbox/port/{system}"
