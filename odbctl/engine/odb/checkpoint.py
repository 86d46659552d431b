"""Keeping the files small: checkpoints of the WAL, pruning of the change log.

Run under the commit lock, by the manager on a timer and by a committer that
finds the WAL large. A checkpoint that a long view is in the way of does what
it can; the next one does the rest.
"""

from __future__ import annotations

import os
from typing import Final

from odbctl.engine.odb.driver import WAL_LIMIT_BYTES, Connection
from odbctl.engine.odb.lock import CommitLock
from odbctl.engine.odb.tables import LAST_SEQ

KEPT_LOG_ROWS: Final = 100_000
# A log row comes with two to four pages of the WAL.
ROWS_PER_CHECKPOINT: Final = 1_000
# How often the size of the WAL is looked at.
ROWS_PER_LOOK: Final = 32
# Pruned in pieces, so that nobody waits long for the lock.
PRUNED_AT_ONCE: Final = 10_000


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
        if first_seq // ROWS_PER_CHECKPOINT != (last_seq + 1) // ROWS_PER_CHECKPOINT:
            return True
        is_turn = first_seq // ROWS_PER_LOOK != (last_seq + 1) // ROWS_PER_LOOK
        return is_turn and self._size() > self._due_bytes

    def run(self, connection: Connection) -> None:
        """Prune the log, move the WAL into the database, and cut it if it is large."""
        with self._lock:
            _prune(connection)
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


def _truncate(connection: Connection) -> None:
    timeout_milliseconds = connection.number("PRAGMA busy_timeout")
    # TRUNCATE waits for readers as long as that; nobody should wait for a view.
    connection.run("PRAGMA busy_timeout=20")
    try:
        connection.run("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.run(f"PRAGMA busy_timeout={timeout_milliseconds}")
