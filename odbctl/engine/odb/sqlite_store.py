"""The store in a SQLite file, shared by every process that opens it.

Writers queue behind a file lock (`lock.py`); what they commit is announced
through sockets (`changes.py`). Each thread has a connection of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from odbctl.engine.odb.changes import Announcer, SocketListener
from odbctl.engine.odb.checkpoint import LAST_SEQ, Checkpointer
from odbctl.engine.odb.codec import Row, Stored
from odbctl.engine.odb.definition import Definition, quoted
from odbctl.engine.odb.driver import Connection, UniqueViolationError, create_file
from odbctl.engine.odb.lock import CommitLock
from odbctl.engine.odb.log import Group, entry_text, read_entries, schema_group
from odbctl.engine.odb.overlay import Overlay
from odbctl.engine.odb.sqlite_table import SqliteTable
from odbctl.engine.odb.store import Write, Written
from odbctl.engine.odb.tables import ensure_table, prepare, table_of
from odbctl.errors import AlreadyExistsError, RevisionConflictError, StoreError

_LOG_SINCE: Final = "SELECT seq, at, changes FROM log WHERE seq > ? ORDER BY seq"
_LOG_BETWEEN: Final = "SELECT seq, at, changes FROM log WHERE seq > ? AND seq < ? ORDER BY seq"
_APPEND: Final = "INSERT INTO log (at, changes) VALUES (?, ?)"
_AMEND: Final = "UPDATE log SET changes = ? WHERE seq = ?"


class SqliteStore:
    """A store in one SQLite file."""

    def __init__(
        self, path: Path, run_dir: Path, *, synchronous: str, busy_timeout_seconds: float
    ) -> None:
        self._path = path
        self._run_dir = run_dir
        self._synchronous = synchronous
        self._busy_timeout_seconds = busy_timeout_seconds
        self._announcer = Announcer(run_dir)
        self._lock = CommitLock(Path(f"{path}.lock"), busy_timeout_seconds)
        self._checkpointer = Checkpointer(path, self._lock)
        self.is_last = self._lock.is_last

    def open(self) -> SqliteLink:
        """Connect; the file is made if it is missing.

        Raises:
            StoreError: It would be made on a network file system.
        """
        if create_file(self._path):
            self._check_place()
        connection = Connection(
            self._path,
            synchronous=self._synchronous,
            busy_timeout_seconds=self._busy_timeout_seconds,
        )
        try:
            prepare(connection, self._lock)
        except BaseException:
            connection.close()
            raise
        return SqliteLink(connection, self._lock, self._announcer, self._checkpointer)

    def _check_place(self) -> None:
        from odbctl.engine.odb import filesystem

        if filesystem.is_network(self._path):
            self._path.unlink()
            raise StoreError(
                f"{self._path} would be on {filesystem.kind_of(self._path.parent)}, a network"
                " file system, where processes cannot share a database safely",
                hint="choose a folder on a disk of this machine",
            )

    def listener(self, has_changed: Callable[[], bool]) -> SocketListener:
        """Make a listener with a socket in the run directory."""
        return SocketListener(self._run_dir, has_changed)

    def close(self) -> None:
        """Close the lock; threads that are about to announce a commit still can."""
        self._lock.close()


class SqliteLink:
    """A thread's connection."""

    def __init__(
        self,
        connection: Connection,
        lock: CommitLock,
        announcer: Announcer,
        checkpointer: Checkpointer,
    ) -> None:
        self.connection = connection
        self._lock = lock
        self._announcer = announcer
        self._checkpointer = checkpointer
        self._tables: dict[Definition, SqliteTable] = {}

    def begin(self) -> int:
        """Open a snapshot: a deferred BEGIN, and the read that pins it."""
        self.connection.run("BEGIN")
        try:
            return self.connection.number(LAST_SEQ)
        except BaseException:
            self.connection.rollback()
            raise

    def end(self) -> None:
        """Close the snapshot."""
        self.connection.rollback()

    def last_seq(self) -> int:
        """Return the number of the last commit."""
        return self.connection.number(LAST_SEQ)

    def log_since(self, seq: int) -> list[Group] | None:
        """Return what was committed after `seq`, unless the log has been pruned so far."""
        return _groups(self.connection.query(_LOG_SINCE, (seq,)), seq + 1)

    def table(self, definition: Definition) -> SqliteTable:
        """Return a class as it is in the snapshot."""
        table = self._tables[definition] = SqliteTable(self.connection, definition)
        return table

    def commit(self, write: Write) -> Written:
        """Write under the lock, if the commits since the snapshot allow it."""
        with self._lock:
            connection = self.connection
            connection.run("BEGIN IMMEDIATE")
            try:
                written = self._write(write)
                self._lock.mark(written.seq)
                connection.run("COMMIT")
            except BaseException:
                connection.rollback()
                raise
        return written

    def announce(self, first_seq: int, last_seq: int) -> None:
        """Wake the listeners, and keep the WAL small."""
        self._announcer.announce()
        if self._checkpointer.is_due(first_seq, last_seq):
            try:
                self.upkeep()
            except StoreError:
                # The commit stands whatever comes of this; the next one tries again.
                return

    def upkeep(self) -> None:
        """Prune the change log and move the WAL into the file."""
        self._checkpointer.run(self.connection)

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def _write(self, write: Write) -> Written:
        connection = self.connection
        # The number that the entry gets tells whether somebody was faster.
        seq = connection.insert(_APPEND, (time.time(), entry_text(write.groups)))
        others: list[Group] | None = []
        if seq != write.base_seq + 1:
            rows = connection.query(_LOG_BETWEEN, (write.base_seq, seq))
            others = _groups(rows, write.base_seq + 1)
            write.check(others)
        learnt = [
            schema_group(definition.name)
            for definition in write.outdated
            if ensure_table(connection, definition)
        ]
        if learnt:
            connection.run(_AMEND, (entry_text([*learnt, *write.groups]), seq))
        for overlay in write.overlays:
            table = self._tables.get(overlay.definition)
            if learnt or table is None or not table.is_current:
                table = self.table(overlay.definition)
            _write_rows(connection, table, overlay)
        return Written(seq, others, learnt)


def _groups(entries: list[Row], first_seq: int) -> list[Group] | None:
    if not entries:
        return []
    # Numbers have no gaps: the first one missing has been pruned.
    if entries[0][0] != first_seq:
        return None
    return read_entries(entries)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - as the columns are declared


def _write_rows(connection: Connection, table: SqliteTable, overlay: Overlay) -> None:
    try:
        if overlay.deleted:
            connection.run_many(table.delete(), [(oid,) for oid in overlay.deleted])
        if overlay.masks:
            _write_updates(connection, table, overlay)
        if overlay.created:
            connection.run_many(table.insert(), overlay.created.values())
    except UniqueViolationError as error:
        raise _taken(connection, table, overlay, error.columns) from None


def _write_updates(connection: Connection, table: SqliteTable, overlay: Overlay) -> None:
    """Update the objects, all that set the same fields with one statement."""
    for mask, oids in overlay.oids_by_mask().items():
        sql, positions = table.update(mask)
        updates: list[list[Stored]] = []
        for oid in oids:
            row = overlay.changed_row(oid)
            updates.append([*[row[position] for position in positions], oid])
        if len(updates) == 1:
            connection.run(sql, updates[0])
        else:
            connection.run_many(sql, updates)


def _taken(
    connection: Connection, table: SqliteTable, overlay: Overlay, columns: Sequence[str]
) -> Exception:
    """Say which unique values are taken."""
    name = overlay.definition.name
    fields = [place.field for place in table.shape.places if place.column in columns]
    if not fields:
        return RevisionConflictError(f"another commit made the same new {name}")
    what = f"{name} with {', '.join(field.name for field in fields)}"
    terms = " AND ".join(f"{quoted(column)} = ?" for column in columns)
    same = f"SELECT 1 FROM {table_of(overlay.definition)} WHERE {terms} AND oid <> ?"
    seen: set[tuple[Stored, ...]] = set()
    for oid, row in overlay.rows.items():
        if row is None:
            continue
        values: tuple[Stored, ...] = tuple([row[field.position] for field in fields])
        if None not in values and (values in seen or connection.query(same, (*values, oid))):
            return AlreadyExistsError(what, ", ".join(map(str, values)))
        seen.add(values)
    return AlreadyExistsError(what, "?")
