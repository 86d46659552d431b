"""A thread's session with the database: its connection, its cache, its place in the log.

The change log is the truth about what happened; a session that is behind
reads the rows since its place and forgets what they changed.
"""

from __future__ import annotations

from typing import Final

from odbctl.engine.odb.cache import Cache, CachedTable
from odbctl.engine.odb.codec import Row
from odbctl.engine.odb.definition import Definition
from odbctl.engine.odb.driver import Connection
from odbctl.engine.odb.readset import LogRow
from odbctl.engine.odb.tables import read_record

LAST_SEQ: Final = "SELECT max(seq) FROM log"
LOG_SINCE: Final = "SELECT seq, class, oid, op, fields, keys FROM log WHERE seq > ? ORDER BY seq"
# Beyond this, reading anew is cheaper than reading what changed.
LONGEST_CATCH_UP: Final = 5_000


class Session:
    """The connection and cache of one thread."""

    __slots__ = ("__weakref__", "cache", "connection", "is_open", "viewed_seq")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.cache = Cache()
        self.is_open = False
        # The last commit that a view of this thread has seen.
        self.viewed_seq = -1

    def begin(self) -> int:
        """Open a snapshot and bring the cache up to it.

        Returns:
            The last commit in the snapshot.
        """
        self.connection.run("BEGIN")
        try:
            seq = self.connection.number(LAST_SEQ)
            if seq != self.cache.seq:
                self._catch_up(seq)
            self.cache.trim()
        except BaseException:
            self.connection.rollback()
            raise
        self.is_open = True
        return seq

    def end(self) -> None:
        """Close the snapshot."""
        self.is_open = False
        self.connection.rollback()

    def last_seq(self) -> int:
        """Return the number of the last commit. Needs no snapshot."""
        return self.connection.number(LAST_SEQ)

    def log_since(self, seq: int) -> list[LogRow] | None:
        """Return what was committed after `seq`, or None if the log no longer goes so far back."""
        rows = [LogRow._make(row) for row in self.connection.query(LOG_SINCE, (seq,))]
        # Numbers have no gaps: the first one missing has been pruned.
        return None if rows and rows[0].seq != seq + 1 else rows

    def table(self, definition: Definition) -> CachedTable:
        """Return the cached part of a class, opening it if this is its first use."""
        table = self.cache.tables.get(definition)
        if table is None:
            definition.resolve()
            table = CachedTable(definition, read_record(self.connection, definition))
            self.cache.tables[definition] = table
        return table

    def row(self, table: CachedTable, oid: int) -> Row | None:
        """Return the row of an object, or None if there is none."""
        row = table.rows.get(oid)
        if row is None and table.select is not None:
            found = self.connection.query(table.select_one, (oid,))
            if found:
                row = table.rows[oid] = found[0]
                self.cache.added += 1
        return row

    def _catch_up(self, seq: int) -> None:
        cache = self.cache
        if cache.tables:
            is_near = 0 <= seq - cache.seq <= LONGEST_CATCH_UP
            rows = self.log_since(cache.seq) if is_near else None
            if rows is None:
                cache.clear()
            else:
                cache.forget(rows)
        cache.seq = seq
