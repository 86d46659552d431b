"""Keeping the files small: checkpoints of the WAL, pruning of the change log.

Run under the commit lock, by the manager on a timer and by a committer that
finds the WAL large. A checkpoint that a long view is in the way of does what
it can; the next one does the rest.
"""

from __future__ import annotations

import os

from odbctl.engine.odb.driver import WAL_LIMIT_BYTES, Connection
from odbctl.engine.odb.lock import CommitLock
from odbctl.engine.odb.tables import LAST_SEQ
from odbctl.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Final

KEPT_LOG_ROWS: Final = 100_000
# A log row comes with two to four pages of the WAL.
ROWS_PER_CHECKPOINT: Final = 1_000
# How often the size of the WAL is looked at.
ROWS_PER_LOOK: Final = 32
KEPT_LOG_BYTES: Final = 64 * 1024 * 1024
# Entries whose size is added up at once, and pieces of that size that are pruned at once.
ROWS_MEASURED_AT_ONCE: Final = 2_000
PIECES_PRUNED_AT_ONCE: Final = 4
# Pruned in pieces, so that nobody waits long for the lock.
PRUNED_AT_ONCE: Final = 10_000
_CREATE_SIZES: Final = (
    "CREATE TABLE IF NOT EXISTS log_size"
    " (last_seq INTEGER PRIMARY KEY, bytes INTEGER NOT NULL) STRICT"
)
_MEASURE: Final = (
    "INSERT INTO log_size"
    " SELECT ?, ifnull(sum(length(changes)), 0) FROM log WHERE seq > ? AND seq <= ?"
)


class Checkpointer:
    """Checkpoints one database file."""

    def __init__(self, path: str, lock: CommitLock) -> None:
        self._wal = f"{path}-wal"
        self._lock = lock
        # After a checkpoint that a view prevented, the WAL may grow by this before the next.
        self._due_bytes = 2 * WAL_LIMIT_BYTES

    def is_due(self, first_seq: int, last_seq: int) -> bool:
        """Tell whether the committer of these log rows should checkpoint.

        Rows are counted over all processes, most of which commit only once. A
        checkpoint in time lets the WAL be written again from its start, which
        is cheaper than letting it grow; its size is the second line.
        """
        first = first_seq + 1
        if first // ROWS_PER_CHECKPOINT != (last_seq + 1) // ROWS_PER_CHECKPOINT:
            return True
        is_turn = first // ROWS_PER_LOOK != (last_seq + 1) // ROWS_PER_LOOK
        return is_turn and self._size() > self._due_bytes

    def run(self, connection: Connection) -> None:
        """Prune the log, move the WAL into the database, and cut it if it is large."""
        with self._lock:
            _prune(connection)
            _prune_bytes(connection)
            connection.run("PRAGMA wal_checkpoint(PASSIVE)")
            if self._size() > WAL_LIMIT_BYTES:
                _truncate(connection)
        self._due_bytes = self._size() + 2 * WAL_LIMIT_BYTES

    def _size(self) -> int:
        try:
            return os.stat(self._wal).st_size
        except FileNotFoundError:
            return 0


def _prune(connection: Connection) -> None:
    first = connection.number("SELECT min(seq) FROM log")
    excess = connection.number(LAST_SEQ) - KEPT_LOG_ROWS - first
    if excess >= PRUNED_AT_ONCE:
        connection.run("DELETE FROM log WHERE seq < ?", (first + PRUNED_AT_ONCE,))


def _prune_bytes(connection: Connection) -> None:
    """Prune what the log has beyond its bytes, but for the newest piece.

    The sizes of pieces are kept in a table, so that each entry is measured once, whoever does it.
    """
    first = connection.number("SELECT min(seq) FROM log")
    last = connection.number(LAST_SEQ)
    is_there = connection.query("SELECT 1 FROM sqlite_schema WHERE name = 'log_size'")
    measured = connection.number("SELECT max(last_seq) FROM log_size") if is_there else 0
    measured = max(measured, first - 1)
    if last - measured < ROWS_PER_LOOK:
        return
    until = min(last, measured + ROWS_MEASURED_AT_ONCE)
    connection.run("BEGIN IMMEDIATE")
    try:
        if not is_there:
            connection.run(_CREATE_SIZES)
        connection.run(_MEASURE, (until, measured, until))
        connection.run("DELETE FROM log_size WHERE last_seq < ?", (first,))
        _prune_pieces(connection)
        connection.run("COMMIT")
    except BaseException:
        connection.rollback()
        raise


def _prune_pieces(connection: Connection) -> None:
    excess = connection.number("SELECT sum(bytes) FROM log_size") - KEPT_LOG_BYTES
    *pieces, _ = connection.query("SELECT last_seq, bytes FROM log_size ORDER BY last_seq")
    for last_seq, size in pieces[:PIECES_PRUNED_AT_ONCE]:
        if excess <= 0:
            return
        connection.run("DELETE FROM log WHERE seq <= ?", (last_seq,))
        connection.run("DELETE FROM log_size WHERE last_seq = ?", (last_seq,))
        excess -= int(size or 0)


def _truncate(connection: Connection) -> None:
    timeout_milliseconds = connection.number("PRAGMA busy_timeout")
    # TRUNCATE waits for readers as long as that; nobody should wait for a view.
    connection.run("PRAGMA busy_timeout=20")
    try:
        connection.run("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.run(f"PRAGMA busy_timeout={timeout_milliseconds}")
