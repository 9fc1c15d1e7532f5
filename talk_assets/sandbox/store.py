"""Where the sandbox's systems keep their records: one SQLite store, in a file or in memory.

Both servers use it. A record is one row: its body is the system's own JSON object, its change number (`sequence`)
grows strictly per system and division with every insert, update and delete. A deleted record stays as a row without
being found any more, so that deletions can be reported and its key is never used again.
"""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from talk_assets.sandbox.stored import Body, Change, Records, Stored, Watcher

__all__ = ["Body", "Change", "Clock", "Records", "Store", "Stored", "system_clock"]

Clock = Callable[[], datetime]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS record (
    system TEXT NOT NULL, division TEXT NOT NULL, entity TEXT NOT NULL, key TEXT NOT NULL,
    body TEXT NOT NULL, sequence INTEGER NOT NULL, created TEXT NOT NULL, modified TEXT NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (system, division, entity, key)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS record_changes ON record (system, division, entity, deleted, sequence);
CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""
_COLUMNS = "system, division, entity, key, body, sequence, created, modified, deleted"


def system_clock() -> datetime:
    """The present moment in UTC."""
    return datetime.now(UTC)


class Store:
    """Records, counters and settings of the sandbox; safe to use from several threads.

    Args:
        path: SQLite file, made when absent; None keeps everything in memory.
        clock: what tells the time of changes; an aware datetime.
    """

    def __init__(self, path: Path | None = None, *, clock: Clock = system_clock) -> None:
        self.clock = clock
        self._lock = threading.RLock()
        self._depth = 0
        self._indexed: set[str] = set()
        self._watcher: Watcher | None = None
        self._changes: list[Change] = []
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(
            ":memory:" if path is None else path, timeout=30, isolation_level=None, check_same_thread=False
        )
        self._connection.execute("PRAGMA journal_mode=WAL")
        # A sandbox may lose its last moments when the machine stops; waiting for the disk would slow every write.
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        """Release the database."""
        with self._lock:
            self._connection.close()

    def watch(self, watcher: Watcher) -> None:
        """Have every change from now on told, in the place of whoever was told before.

        Args:
            watcher: called with the changes of each transaction after its end, in their order; it must not wait.
        """
        self._watcher = watcher

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make everything inside happen as a whole or not at all; may be nested, the outermost one decides."""
        with self._lock:
            if self._depth == 0:
                self._connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if self._depth == 0:
                    self._changes.clear()
                    self._connection.execute("ROLLBACK")
                    self._indexed.clear()  # an index made inside is gone too
                raise
            self._depth -= 1
            if self._depth == 0:
                self._connection.execute("COMMIT")
                done, self._changes = self._changes, []
                if done and self._watcher is not None:
                    self._watcher(done)

    def insert(
        self,
        system: str,
        division: str,
        entity: str,
        key: str,
        body: Mapping[str, Any],
        modified: datetime | None = None,
    ) -> Stored:
        """Add a record; `modified` (default: now) also becomes its time of creation.

        Raises:
            ValueError: the key exists or once existed.
        """
        with self.transaction():
            if self._row(system, division, entity, key) is not None:
                raise ValueError(f"{system} {entity} {key}: insert refused, the key is in use or was in use before")
            moment = self._moment(modified)
            sequence = self._next_sequence(system, division)
            row = (system, division, entity, key, _text(body), sequence, moment, moment, 0)
            self._connection.execute(
                f"INSERT INTO record ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
                row,
            )
            stored = _stored(row)
            self._note(None, stored)
            return stored

    def update(
        self,
        system: str,
        division: str,
        entity: str,
        key: str,
        body: Mapping[str, Any],
        modified: datetime | None = None,
    ) -> Stored:
        """Replace a record's whole body.

        Raises:
            KeyError: there is no such record.
        """
        return self._change(system, division, entity, key, body, modified, deleted=False)

    def delete(self, system: str, division: str, entity: str, key: str, modified: datetime | None = None) -> Stored:
        """Take a record away; its row stays for `deleted_since`.

        Raises:
            KeyError: there is no such record.
        """
        return self._change(system, division, entity, key, None, modified, deleted=True)

    def restore(self, system: str, division: str, entity: str, key: str, body: Mapping[str, Any]) -> Stored:
        """Bring a record that was taken away back under its key, as from a backup.

        Raises:
            KeyError: there never was such a record, or it is there.
        """
        return self._change(system, division, entity, key, body, None, deleted=False, was_deleted=True)

    def get(self, system: str, division: str, entity: str, key: str) -> Stored | None:
        """The record with this key, or None when there is none (any more)."""
        with self._lock:
            row = self._row(system, division, entity, key)
        return _stored(row) if row is not None and not row[8] else None

    def is_deleted(self, system: str, division: str, entity: str, key: str) -> bool:
        """Whether there once was a record with this key that is gone now."""
        with self._lock:
            row = self._row(system, division, entity, key)
        return row is not None and bool(row[8])

    def after(self, system: str, division: str, entity: str, key: str, limit: int) -> Records:
        """Records of an entity with a key above `key` ('' for the first), ordered by key, at most `limit`."""
        return self._select(
            "system = ? AND division = ? AND entity = ? AND key > ? AND deleted = 0 ORDER BY key LIMIT ?",
            (system, division, entity, key, limit),
        )

    def list(self, system: str, division: str, entity: str) -> Records:
        """All records of an entity, ordered by key."""
        return self._select(
            "system = ? AND division = ? AND entity = ? AND deleted = 0 ORDER BY key", (system, division, entity)
        )

    def count(self, system: str, division: str, entity: str) -> int:
        """How many records an entity has."""
        with self._lock:
            row = self._connection.execute(
                "SELECT count(*) FROM record WHERE system = ? AND division = ? AND entity = ? AND deleted = 0",
                (system, division, entity),
            ).fetchone()
        return int(row[0])

    def changed_since(self, system: str, division: str, entities: Sequence[str], sequence: int, limit: int) -> Records:
        """Records with a change number above `sequence`, in order of change, at most `limit`."""
        return self._since(system, division, entities, sequence, limit, deleted=0)

    def deleted_since(self, system: str, division: str, entities: Sequence[str], sequence: int, limit: int) -> Records:
        """Deleted records with a change number above `sequence`, in order of deletion, at most `limit`."""
        return self._since(system, division, entities, sequence, limit, deleted=1)

    def renumber(self, system: str, division: str) -> None:
        """Give all records of a division new change numbers, from 1 in the order of the old ones."""
        with self.transaction():
            self._connection.execute(
                "WITH numbered AS (SELECT entity, key, row_number() OVER (ORDER BY sequence) AS number FROM record "
                "WHERE system = ?1 AND division = ?2) UPDATE record SET sequence = numbered.number FROM numbered WHERE "
                "record.system = ?1 AND record.division = ?2 AND record.entity = numbered.entity "
                "AND record.key = numbered.key",
                (system, division),
            )
            self._connection.execute(
                "INSERT INTO counter SELECT ?, count(*) FROM record WHERE system = ? AND division = ? "
                "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (_sequence_name(system, division), system, division),
            )

    def last_sequence(self, system: str, division: str) -> int:
        """The highest change number given out so far; 0 before the first change."""
        return self._counter(_sequence_name(system, division))

    def find(self, system: str, division: str, entity: str, name: str, value: Any) -> Records:
        """Records whose top-level property `name` equals `value`, in order of change.

        Args:
            system: `customerp` or `exact`.
            division: administration.
            entity: kind of record.
            name: a property of the body, an identifier; it gets an index on first use.
            value: text or number; None finds nothing.

        Raises:
            ValueError: `entity` or `name` is not an identifier.
        """
        if not (entity.isidentifier() and name.isidentifier()):
            raise ValueError(f"find in {entity!r} by {name!r}: both must be identifiers")
        with self._lock:
            index = f"find_{entity}_{name}"
            expression = f"json_extract(body, '$.{name}')"
            if index not in self._indexed:
                self._connection.execute(
                    f"CREATE INDEX IF NOT EXISTS {index} ON record (system, division, {expression}) "
                    f"WHERE entity = '{entity}' AND deleted = 0"
                )
                self._indexed.add(index)
            # The entity is written out because SQLite uses a partial index only for a literal condition.
            return self._select(
                f"entity = '{entity}' AND deleted = 0 AND system = ? AND division = ? AND {expression} = ? "
                "ORDER BY sequence",
                (system, division, value),
            )

    def next_number(self, name: str) -> int:
        """Count a named counter up by one and return it; the first number is 1."""
        with self._lock:
            row = self._connection.execute(
                "INSERT INTO counter VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
                (name,),
            ).fetchone()
        return int(row[0])

    def lift_number(self, name: str, at_least: int) -> None:
        """Make a counter go on above `at_least`, when it is not there already."""
        with self._lock:
            self._connection.execute(
                "INSERT INTO counter VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)",
                (name, at_least),
            )

    def setting(self, name: str) -> str | None:
        """A stored setting, or None."""
        with self._lock:
            row = self._connection.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def set_setting(self, name: str, value: str | None) -> None:
        """Keep a setting; None removes it."""
        with self._lock:
            if value is None:
                self._connection.execute("DELETE FROM setting WHERE name = ?", (name,))
            else:
                self._connection.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, value))

    def _moment(self, given: datetime | None) -> str:
        moment = given if given is not None else self.clock()
        if moment.tzinfo is None:
            raise ValueError(f"time {moment.isoformat()} has no zone; give an aware datetime")
        return moment.astimezone(UTC).isoformat(timespec="microseconds")

    def _next_sequence(self, system: str, division: str) -> int:
        return self.next_number(_sequence_name(system, division))

    def _counter(self, name: str) -> int:
        with self._lock:
            row = self._connection.execute("SELECT value FROM counter WHERE name = ?", (name,)).fetchone()
        return 0 if row is None else int(row[0])

    def _row(self, system: str, division: str, entity: str, key: str) -> tuple[Any, ...] | None:
        row: tuple[Any, ...] | None = self._connection.execute(
            f"SELECT {_COLUMNS} FROM record WHERE system = ? AND division = ? AND entity = ? AND key = ?",  # noqa: S608
            (system, division, entity, key),
        ).fetchone()
        return row

    def _select(self, condition: str, values: tuple[Any, ...]) -> Records:
        with self._lock:
            rows = self._connection.execute(
                f"SELECT {_COLUMNS} FROM record WHERE {condition}",  # noqa: S608
                values,
            ).fetchall()
        return [_stored(row) for row in rows]

    def _since(
        self, system: str, division: str, entities: Sequence[str], sequence: int, limit: int, *, deleted: int
    ) -> Records:
        marks = ", ".join("?" * len(entities))
        return self._select(
            f"system = ? AND division = ? AND entity IN ({marks}) AND deleted = ? AND sequence > ? "
            "ORDER BY sequence LIMIT ?",
            (system, division, *entities, deleted, sequence, limit),
        )

    def _change(
        self,
        system: str,
        division: str,
        entity: str,
        key: str,
        body: Mapping[str, Any] | None,
        modified: datetime | None,
        *,
        deleted: bool,
        was_deleted: bool = False,
    ) -> Stored:
        with self.transaction():
            row = self._row(system, division, entity, key)
            if row is None or bool(row[8]) is not was_deleted:
                raise KeyError(f"{system} {entity} {key}: there is no such record")
            text = row[4] if body is None else _text(body)
            sequence, moment = self._next_sequence(system, division), self._moment(modified)
            self._connection.execute(
                "UPDATE record SET body = ?, sequence = ?, modified = ?, deleted = ? "
                "WHERE system = ? AND division = ? AND entity = ? AND key = ?",
                (text, sequence, moment, int(deleted), system, division, entity, key),
            )
            stored = _stored((system, division, entity, key, text, sequence, row[6], moment, int(deleted)))
            self._note(row, stored)
            return stored

    def _note(self, before: tuple[Any, ...] | None, after: Stored) -> None:
        if self._watcher is not None:
            self._changes.append(Change(None if before is None else _stored(before), after))


def _sequence_name(system: str, division: str) -> str:
    return f"sequence/{system}/{division}"


def _text(body: Mapping[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _stored(row: Sequence[Any]) -> Stored:
    system, division, entity, key, body, sequence, created, modified, deleted = row
    return Stored(system, division, entity, key, json.loads(body), sequence, created, modified, bool(deleted))
