"""The store in a SQLite file, shared by every process that opens it.

Writers queue behind a file lock (`lock.py`); commits are announced through
sockets (`changes.py`). Each thread has a connection of its own. What only
writers need is imported with their first commit, so that reading stays cheap.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cached_property

from odbctl.engine.odb.driver import Connection, create_file
from odbctl.engine.odb.lock import CommitLock
from odbctl.engine.odb.log import read_entries_since
from odbctl.engine.odb.sqlite_table import SqliteTable
from odbctl.engine.odb.tables import LAST_SEQ, prepare
from odbctl.errors import StoreError
from odbctl.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Final

    from odbctl.engine.odb.changes import Announcer, SocketListener
    from odbctl.engine.odb.checkpoint import Checkpointer
    from odbctl.engine.odb.definition import Definition
    from odbctl.engine.odb.log import Group
    from odbctl.engine.odb.store import Write, Written

    WriteCommit = Callable[
        [
            Connection,
            CommitLock,
            dict[Definition, SqliteTable],
            Callable[[Definition], SqliteTable],
            Write,
        ],
        Written,
    ]

_SNAPSHOT: Final = f"{LAST_SEQ} UNION ALL SELECT 0"
_LOG_SINCE: Final = "SELECT seq, at, changes FROM log WHERE seq > ? ORDER BY seq LIMIT ?"


class SqliteStore:
    """A store in one SQLite file."""

    def __init__(
        self, path: str, run_dir: str, *, synchronous: str, busy_timeout_seconds: float
    ) -> None:
        self._path = path
        self._run_dir = run_dir
        self._synchronous = synchronous
        self._busy_timeout_seconds = busy_timeout_seconds
        self.lock = CommitLock(f"{path}.lock", busy_timeout_seconds)
        self.is_last = self.lock.is_last
        self.keep_writers_out, self.let_writers_in = self.lock.keep, self.lock.let_go

    @cached_property
    def announcer(self) -> Announcer:
        """Wakes listeners after a commit. Two threads may create one each, which is harmless."""
        from odbctl.engine.odb.changes import Announcer

        return Announcer(self._run_dir)

    @cached_property
    def checkpointer(self) -> Checkpointer:
        """Checkpoints the WAL. Two threads may create one each, which is harmless."""
        from odbctl.engine.odb.checkpoint import Checkpointer

        return Checkpointer(self._path, self.lock)

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
            prepare(connection, self.lock)
        except BaseException:
            connection.close()
            raise
        return SqliteLink(connection, self)

    def _check_place(self) -> None:
        from odbctl.engine.odb import filesystem

        if filesystem.is_network(self._path):
            os.unlink(self._path)
            kind = filesystem.kind_of(os.path.dirname(self._path))
            raise StoreError(
                f"{self._path} would be on {kind}, a network"
                " file system, where processes cannot share a database safely",
                hint="choose a folder on a disk of this machine",
            )

    def listener(self, has_changed: Callable[[], bool]) -> SocketListener:
        """Make a listener with a socket in the run directory."""
        from odbctl.engine.odb.changes import SocketListener

        return SocketListener(self._run_dir, has_changed)

    def close(self) -> None:
        """Close the lock; threads that are about to announce a commit still can."""
        self.lock.close()


class SqliteLink:
    """A thread's connection."""

    def __init__(self, connection: Connection, store: SqliteStore) -> None:
        self.connection = connection
        self._store = store
        self._lock = store.lock
        # Closes the snapshot; each view does.
        self.end = connection.close_snapshot
        # Imported with the first commit.
        self._write_commit: WriteCommit | None = None
        self._tables: dict[Definition, SqliteTable] = {}

    def begin(self) -> int:
        """Open a snapshot and return the number of its last commit."""
        try:
            return self.connection.open_snapshot(_SNAPSHOT)
        except BaseException:
            self.connection.close_snapshot()
            raise

    def last_seq(self) -> int:
        """Return the number of the last commit."""
        return self.connection.number(LAST_SEQ)

    def log_since(self, seq: int, most: int | None = None) -> list[Group] | None:
        """Return what was committed after `seq`, unless the log has been pruned so far."""
        entries = self.connection.query(_LOG_SINCE, (seq, -1 if most is None else most + 1))
        if most is not None and len(entries) > most:
            return None
        return read_entries_since(entries, seq + 1)

    def table(self, definition: Definition) -> SqliteTable:
        """Return a class as it is in the snapshot."""
        table = self._tables[definition] = SqliteTable(self.connection, definition)
        return table

    def commit(self, write: Write) -> Written:
        """Write under the lock, if the commits since the snapshot allow it."""
        if (write_rows := self._write_commit) is None:
            from odbctl.engine.odb.sqlite_writer import write_commit

            write_rows = self._write_commit = write_commit
        return write_rows(self.connection, self._lock, self._tables, self.table, write)

    def announce(self, first_seq: int, last_seq: int) -> None:
        """Wake the listeners, and keep the WAL small."""
        store = self._store
        store.announcer.announce()
        if store.checkpointer.is_due(first_seq, last_seq):
            try:
                self.upkeep()
            except StoreError:
                # The commit stands whatever comes of this; the next one tries again.
                return

    def upkeep(self) -> None:
        """Prune the change log and move the WAL into the file."""
        self._store.checkpointer.run(self.connection)

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()
