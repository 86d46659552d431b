"""A thread's session with the database: its link to the store, its cache, its snapshot.

The change log is the truth about what happened; a session that is behind
reads the entries since its place and forgets what they changed.

A view opens its snapshot at once. A transaction opens it when it first needs
what the cache does not have: until then the cache, which is of one commit, is
its snapshot, and its commit checks what was read in any case.
"""

from __future__ import annotations

from collections.abc import Iterable
from time import monotonic

from odbctl.engine.odb.cache import MOST_ROWS, Cache, CachedTable
from odbctl.engine.odb.codec import Row, Stored
from odbctl.engine.odb.current import end_direct_reads
from odbctl.engine.odb.definition import Definition
from odbctl.engine.odb.log import Group
from odbctl.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Final

    from odbctl.engine.odb.ranges import Range
    from odbctl.engine.odb.readset import Fields
    from odbctl.engine.odb.store import Link, Store
    from odbctl.engine.odb.transaction import Transaction

# Beyond this many commits, reading anew is cheaper than reading what changed.
LONGEST_CATCH_UP: Final = 5_000
# So long a cache may stand for a snapshot on the word of `Store.is_last` alone: should somebody
# delete the file that it looks at, the sessions of before hear of no commit of after.
TRUSTED_SECONDS: Final = 0.25


class Session:
    """The link and the cache of one thread."""

    __slots__ = (
        "_log",
        "_store",
        "_transaction",
        "_trusted_until",
        "cache",
        "has_snapshot",
        "is_open",
        "link",
        "main",
        "viewed_seq",
    )

    def __init__(self, store: Store, link: Link, main: Session | None = None) -> None:
        """Store what it works with.

        Args:
            store: The store.
            link: The thread's way into it.
            main: The session of the thread, if this is a spare one for a task.
        """
        self._store = store
        self.link = link
        self.main = main
        self.cache = Cache()
        self.is_open = False
        self.has_snapshot = False
        # Whom to ask when its snapshot is opened late.
        self._transaction: Transaction | None = None
        self._trusted_until = 0.0
        # What was read of the log last, and the commit before that; only until a view opens.
        self._log: tuple[int, list[Group]] | None = None
        # The last commit that a view of this thread has seen.
        self.viewed_seq = -1

    def begin(self) -> int:
        """Open a snapshot and bring the cache up to it.

        Returns:
            The last commit in the snapshot.
        """
        seq, cache = self.link.begin(), self.cache
        try:
            if seq != cache.seq:
                self._forget(self._later(seq), seq)
            if cache.added > MOST_ROWS:
                cache.trim()
        except BaseException:
            self.link.end()
            raise
        self.is_open = self.has_snapshot = True
        self._trusted_until = monotonic() + TRUSTED_SECONDS
        return seq

    def begin_late(self, transaction: Transaction) -> int:
        """Open a snapshot when it is needed, if the cache is as good until then."""
        cache = self.cache
        if monotonic() > self._trusted_until or not (
            self._store.is_last(cache.seq) or self._catch_up()
        ):
            return self.begin()
        if cache.added > MOST_ROWS:
            cache.trim()
        self._transaction = transaction
        self.is_open = True
        return cache.seq

    def _catch_up(self) -> bool:
        """Bring the cache up to the last commit without a snapshot; False if that takes one."""
        cache = self.cache
        if not cache.tables:
            return False
        later = self.link.log_since(cache.seq, LONGEST_CATCH_UP)
        if not later:
            return False
        self._forget(later, later[-1].seq)
        self.trust()
        return True

    def trust(self) -> None:
        """Note that the cache has just been brought up to the last commit."""
        self._trusted_until = monotonic() + TRUSTED_SECONDS

    def end(self) -> None:
        """Close the snapshot."""
        self.is_open = False
        self._transaction = None
        if self.has_snapshot:
            self.has_snapshot = False
            self.link.end()

    def close_snapshot(self) -> None:
        """Read no more, but stay in use."""
        self._transaction = None
        if self.has_snapshot:
            self.has_snapshot = False
            self.link.end()

    def table(self, definition: Definition) -> CachedTable:
        """Return the cached part of a class, opening it if this is its first use."""
        table = self.cache.tables.get(definition)
        if table is None:
            definition.resolve()
            self._need_snapshot()
            table = self.cache.tables.get(definition)
            if table is None:
                table = self.cache.add(definition, self.link.table(definition))
        return table

    def row(self, definition: Definition, oid: int) -> Row | None:
        """Return the row of an object, or None if there is none."""
        table = self.table(definition)
        row = table.rows.get(oid)
        if row is None:
            if not self.has_snapshot:
                row = table.source.row_as_of(oid, self.cache.seq)
                if row is not None:
                    self.cache.remember(table, (row,))
                    return row
            table = self._readable(table)
            row = table.source.row(oid)
            if row is not None:
                self.cache.remember(table, (row,))
        return row

    def select(
        self,
        definition: Definition,
        fields: Fields,
        values: tuple[Stored, ...],
        *,
        limit: int | None = None,
        newest: bool = False,
        after: int | None = None,
    ) -> list[Row]:
        """Read and remember the rows with these values."""
        table = self.cache.tables.get(definition)
        if table is None or not self.has_snapshot:
            table = self._readable(self.table(definition))
        rows = table.source.select(fields, values, limit=limit, newest=newest, after=after)
        self.cache.remember(table, rows)
        return rows

    def count(self, definition: Definition, fields: Fields, values: tuple[Stored, ...]) -> int:
        """Count the rows with these values."""
        return self._readable(self.table(definition)).source.count(fields, values)

    def select_range(self, wanted: Range) -> list[Row]:
        """Read and remember the rows of a range, in its order."""
        table = self._readable(self.table(wanted.definition))
        rows = table.source.select_range(wanted)
        self.cache.remember(table, rows)
        return rows

    def count_range(self, wanted: Range) -> int:
        """Count the rows of a range."""
        return self._readable(self.table(wanted.definition)).source.count_range(wanted)

    def forget_rows(self, definition: Definition, oids: Iterable[Stored]) -> None:
        """Forget rows that will hardly be read again."""
        rows = self.table(definition).rows
        for oid in oids:
            rows.pop(oid, None)  # type: ignore[arg-type] # pyright: ignore[reportCallIssue, reportArgumentType] - oids are never NULL

    def _readable(self, table: CachedTable) -> CachedTable:
        """Return a table as it is in the snapshot, opening that if it is not yet."""
        if self.has_snapshot:
            return table
        self._need_snapshot()
        return self.table(table.definition)

    def _need_snapshot(self) -> None:
        if self.has_snapshot:
            return
        seq = self.link.begin()
        self.has_snapshot = True
        if seq == self.cache.seq:
            return
        transaction = self._transaction
        try:
            if transaction is None:
                later = self._later(seq)
            else:
                later = self.link.log_since(self.cache.seq)
                transaction.move_to(seq, later)
        except BaseException:
            self.has_snapshot = False
            self.link.end()
            raise
        self._forget(later, seq)
        if transaction is not None:
            transaction.rebase(later or ())

    def read_log(self, seq: int) -> list[Group] | None:
        """Return what was committed after `seq`; None if the log no longer goes so far back.

        The next view need not read it again, if it brings the cache from there to its end.
        """
        rows = self.link.log_since(seq)
        self._log = (seq, rows) if rows and len(rows) <= LONGEST_CATCH_UP else None
        return rows

    def _later(self, seq: int) -> list[Group] | None:
        """Return what was committed since the cache's place, or None if that is too much."""
        cache = self.cache
        log, self._log = self._log, None
        if log is not None and log[0] == cache.seq and log[1][-1].seq == seq:
            return log[1]
        is_near = cache.tables and 0 <= seq - cache.seq <= LONGEST_CATCH_UP
        return self.link.log_since(cache.seq) if is_near else None

    def _forget(self, later: list[Group] | None, seq: int) -> None:
        end_direct_reads()
        if later is None:
            self.cache.clear()
        else:
            self.cache.forget(later)
        self.cache.seq = seq
