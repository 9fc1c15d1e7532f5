"""The ledger's database: connecting, bringing the schema up to date, transactions, preview."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from talk_assets.errors import ConfigurationError, LedgerError, LedgerLost
from talk_assets.ledger.tables import SCHEMA

_CONNECT_SECONDS = 10
_OLDEST_SERVER = 14
# Execution option of `render`.
_RENDERED = "rendered"


def normalise(url: str) -> sa.URL:
    """Turn `postgresql://` or `postgres://` into SQLAlchemy's address for psycopg 3.

    Raises:
        ConfigurationError: the text is no address of a PostgreSQL database; the text itself is not repeated, because
            it may hold a password.
    """
    try:
        address = sa.make_url(url.strip())
    except (sa.exc.ArgumentError, ValueError):
        address = None
    if address is None or address.drivername.partition("+")[0] not in ("postgresql", "postgres"):
        raise ConfigurationError(
            "TALK_DATABASE_URL: not an address of a PostgreSQL database; write it as "
            "postgresql://user:password@host:5432/database."
        )
    return address.set(drivername="postgresql+psycopg")


def place(address: sa.URL) -> str:
    """Where an address points, for messages: host, port and database, never user or password."""
    host = address.host or address.query.get("host") or "the local socket"
    port = address.port or address.query.get("port") or 5432
    return f"{host}, port {port}, database {address.database or address.username or 'default'}"


def driver_connection(connection: sa.Connection) -> psycopg.Connection[Any]:
    """Give the connection of psycopg below one of SQLAlchemy; it is in the same transaction."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise TypeError(f"expected a connection of psycopg 3, got {type(driver).__name__}")
    return driver


def render(connection: sa.Connection, statement: sa.Executable, params: Mapping[str, Any] | None = None) -> bytes:
    """Write a statement as text with its values in place, for commands that take no parameters, such as COPY.

    SQLAlchemy compiles a statement of the same shape once, because it believes that it executes it.
    """
    texts: list[bytes] = []
    connection.execute(statement, params, execution_options={_RENDERED: texts})
    return texts[0]


class Ledger:
    """The ledger's database; one object per process, safe to share between its threads.

    Attributes:
        engine: SQLAlchemy's engine; every connection has the time zone UTC and ISO dates.
    """

    def __init__(
        self,
        engine: sa.Engine,
        preview_connection: sa.Connection | None = None,
        confirm: Callable[[], None] | None = None,
    ) -> None:
        self.engine = engine
        self._preview_connection = preview_connection
        self._confirm = confirm

    @property
    def previewing(self) -> bool:
        """Whether nothing that is stored through this object stays."""
        return self._preview_connection is not None

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """Open a transaction: committed at the end of the block, rolled back when the block raises.

        In a preview it is a savepoint within the preview's transaction.

        Raises:
            LedgerLost: the database stopped answering, or can store nothing more.
        """
        with _told(self.engine.url):
            if self._preview_connection is None:
                with self.engine.begin() as connection:
                    yield connection
                    if self._confirm is not None:
                        self._confirm()
            else:
                with self._preview_connection.begin_nested():
                    yield self._preview_connection

    def guarded(self, confirm: Callable[[], None]) -> "Ledger":
        """The same ledger, where each transaction is only committed when `confirm` does not raise.

        For a run that holds a lock: one that lost it must not store what it read before another run took over.
        """
        return Ledger(self.engine, self._preview_connection, confirm)

    @contextmanager
    def begin_apart(self) -> Iterator[sa.Connection]:
        """Open a transaction on a connection of its own, which is committed also within a preview.

        For what has happened outside and cannot be taken back, such as a rotated token. Not for rows that the preview
        itself changed: the two transactions would wait for each other.
        """
        with _told(self.engine.url), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def dedicated(self, application_name: str) -> Iterator[sa.Connection]:
        """Open a connection that is shared with nobody and closed at the end; every statement is its own transaction.

        Args:
            application_name: shown in `pg_stat_activity`; PostgreSQL keeps its first 63 bytes.
        """
        alone = _make_engine(self.engine.url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
        with _told(self.engine.url), alone.connect() as connection:
            connection.execute(sa.func.set_config("application_name", application_name, False).select())
            yield connection

    @contextmanager
    def preview(self) -> Iterator["Ledger"]:
        """Yield a ledger that reads what is stored, and stores nothing.

        All its transactions run one after the other on one connection (so: one thread) inside one outer transaction
        that is rolled back at the end.
        """
        with self.engine.connect() as connection, connection.begin() as outer:
            try:
                yield Ledger(self.engine, connection)
            finally:
                outer.rollback()

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def open_ledger(url: str) -> Ledger:
    """Connect to the ledger and bring its schema up to date; processes that start at once wait for each other.

    Args:
        url: `postgresql://...`, as `talk_assets.ledger.embedded.database_url` gives it.

    Raises:
        ConfigurationError: the text is no address of a PostgreSQL database.
        LedgerError: the database cannot be reached, refuses the user, is too old, or its schema is newer than this
            code.
    """
    address = normalise(url)
    engine = _make_engine(address, pool_pre_ping=True, pool_size=5, max_overflow=20)
    try:
        with engine.begin() as connection:
            check_server(connection.dialect.server_version_info or ())
            _migrate(connection)
    except sa.exc.DBAPIError as error:
        engine.dispose()
        raise LedgerError(_connection_problem(address, error)) from None
    except LedgerError:
        engine.dispose()
        raise
    return Ledger(engine)


def check_server(version: tuple[int, ...]) -> None:
    """Refuse a server that lacks what the schema needs.

    Args:
        version: of the server, most significant part first.

    Raises:
        LedgerError: the server is older than PostgreSQL 14.
    """
    if version < (_OLDEST_SERVER,):
        raise LedgerError(
            f"The ledger's database is PostgreSQL {'.'.join(map(str, version))}, and PostgreSQL {_OLDEST_SERVER} or "
            "newer is needed. Upgrade the server, or let TALK_DATABASE_URL name another one."
        )


def _make_engine(address: sa.URL, **options: Any) -> sa.Engine:
    # Parameters are hidden: an unexpected SQL error is not to print names and addresses.
    engine = sa.create_engine(
        address, hide_parameters=True, connect_args={"connect_timeout": _CONNECT_SECONDS}, **options
    )
    sa.event.listen(engine, "connect", _prepare_session)
    sa.event.listen(engine, "do_execute", _render_only)
    return engine


def _render_only(
    cursor: psycopg.Cursor[Any], statement: str, parameters: Mapping[str, Any], context: sa.engine.ExecutionContext
) -> bool:
    """Put the text where `render` wants it, instead of executing it; whether it did."""
    texts = context.execution_options.get(_RENDERED)
    if texts is None:
        return False
    # The driver writes values as quoted literals.
    text = psycopg.ClientCursor(cursor.connection).mogrify(statement, parameters)
    texts.append(text.encode(cursor.connection.info.encoding))
    return True


def _prepare_session(connection: psycopg.Connection[Any], _record: object) -> None:
    # COPY writes times and text as the session says: a server with other defaults must not change what is read.
    autocommit, connection.autocommit = connection.autocommit, True
    connection.execute(
        "select set_config('timezone', 'UTC', false), set_config('datestyle', 'ISO, YMD', false),"
        " set_config('client_encoding', 'UTF8', false),"
        " set_config('application_name', 'talk-assets', false),"
        # A server that acknowledges before it has written could forget, in a crash of its own, what was sent already.
        " case current_setting('synchronous_commit') when 'off' then set_config('synchronous_commit', 'on', false) end"
    )
    connection.autocommit = autocommit


@contextmanager
def _told(address: sa.URL) -> Iterator[None]:
    """Say in one sentence that the database can no longer be used; faults of our own statements pass.

    Bulk work speaks to the driver itself, whose errors SQLAlchemy does not see.
    """
    try:
        yield
    except (sa.exc.OperationalError, sa.exc.InterfaceError) as error:
        raise LedgerLost(_lost(address, error.orig)) from error
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise LedgerLost(_lost(address, error)) from error


def _lost(address: sa.URL, error: BaseException | None) -> str:
    return (
        f"The ledger's database ({place(address)}) failed: {_seen(address, error)}. Nothing is lost: what was not "
        "stored is done again. See that the server runs and has space, then start the sync again."
    )


def _connection_problem(address: sa.URL, error: sa.exc.DBAPIError) -> str:
    return (
        f"The ledger's database ({place(address)}) cannot be used: {_seen(address, error.orig)}. "
        "Start the server, or correct TALK_DATABASE_URL (without it, an embedded server is used)."
    )


def _seen(address: sa.URL, error: BaseException | None) -> str:
    # The driver's text may repeat the connection string; only its first line without the password is kept.
    lines = str(error).strip().splitlines()
    seen = lines[0] if lines else type(error).__name__
    return seen.replace(str(address.password), "***") if address.password else seen


def _migrate(connection: sa.Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    script = ScriptDirectory.from_config(config)
    if _current_revision(connection, script) == script.get_current_head():
        return
    connection.execute(sa.text("select pg_advisory_xact_lock(hashtextextended('talk:migrate', 0))"))
    if _current_revision(connection, script) == script.get_current_head():
        return
    connection.execute(sa.schema.CreateSchema(SCHEMA, if_not_exists=True))
    command.upgrade(config, "head")


def _current_revision(connection: sa.Connection, script: ScriptDirectory) -> str | None:
    context = MigrationContext.configure(connection, opts={"version_table_schema": SCHEMA})
    current = context.get_current_revision()
    known = {revision.revision for revision in script.walk_revisions()}
    if current is not None and current not in known:
        raise LedgerError(
            f"The ledger's schema is at revision {current}, which this version of talk-assets does not know: the "
            "ledger was used by a newer version. Install that version or a newer one; nothing was changed."
        )
    return current
