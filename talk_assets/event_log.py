"""Dagster's event log while a run of ours writes to it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import dagster as dg
import sqlalchemy as sa
from dagster._core.storage.event_log import SqliteEventLogStorage

# Seconds for which a writer waits for another one, as Dagster does.
_BUSY_SECONDS = 30


@contextmanager
def event_log_held_open(instance: dg.DagsterInstance) -> Iterator[None]:
    """Make a run's events cheap to store in SQLite while the block runs; other storages are left as they are.

    For every event Dagster makes an engine, compiles a statement, and opens and closes two files; who closes one as the
    last writes its whole log back into it. With engines that stay, an event takes less than half of the time. For many
    events it also looks whether a file has a table or a column; once it has, that is not asked again.
    """
    storage = instance.event_log_storage
    if not isinstance(storage, SqliteEventLogStorage):
        yield
        return
    with ExitStack() as stack:
        kept = _KeptConnections(storage, stack)
        # On the object alone: what other processes read and write is the same as before.
        replaced = {
            "run_connection": lambda shard=None: kept.connect(shard),
            "index_connection": lambda: kept.connect("index"),
            "has_table": _once_true(storage.has_table),
            "has_asset_key_col": _once_true(storage.has_asset_key_col),
        }
        for name in replaced:
            stack.callback(storage.__dict__.pop, name)
        storage.__dict__.update(replaced)
        yield


def _once_true(ask: Callable[[str], bool]) -> Callable[[str], bool]:
    """The same question, not asked again where the answer was yes."""
    there: set[str] = set()

    def answer(name: str) -> bool:
        if name not in there and ask(name):
            there.add(name)
        return name in there

    return answer


class _KeptConnections:
    """Connections to the files of an event log, one to each, opened when it is first asked for.

    Args:
        storage: the event log.
        stack: closes them.
    """

    def __init__(self, storage: SqliteEventLogStorage, stack: ExitStack) -> None:
        self._storage = storage
        self._stack = stack
        self._engines: dict[str, sa.Engine] = {}
        self._lock = threading.Lock()

    @contextmanager
    def connect(self, shard: str) -> Iterator[sa.Connection]:
        """A transaction in a file, as Dagster's own; one thread at a time."""
        with self._lock:
            if shard not in self._engines:
                # Dagster makes the tables of a file that is new.
                with type(self._storage).run_connection(self._storage, shard):
                    pass
                self._engines[shard] = sa.create_engine(
                    self._storage.conn_string_for_shard(shard),
                    poolclass=sa.StaticPool,
                    connect_args={"check_same_thread": False, "timeout": _BUSY_SECONDS},
                )
                self._stack.callback(self._engines[shard].dispose)
            with self._engines[shard].begin() as connection:
                yield connection
