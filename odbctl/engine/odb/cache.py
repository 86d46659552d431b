"""What one thread remembers of the database: rows and lookups, by class.

Filled as things are read; kept true by the change log: before a view opens,
what other commits changed since is forgotten. One thread owns it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from odbctl.engine.odb.codec import Row
from odbctl.engine.odb.definition import Definition
from odbctl.engine.odb.log import SCHEMA, LogRow
from odbctl.engine.odb.readset import Fields, Keys, grouped, touched_lookups

if TYPE_CHECKING:
    from odbctl.engine.odb.objects import DbObject
    from odbctl.engine.odb.store import Table

# Beyond this, a view begins with an empty cache.
MOST_ROWS: Final = 50_000
# Beyond this, a view that reads on and on forgets what it read before.
MOST_ROWS_IN_A_VIEW: Final = 200_000
# Beyond this many forgotten rows, one SELECT for all is cheaper than one for each.
MANY_FORGOTTEN_ROWS: Final = 32


class CachedTable:
    """The cached part of one class, and how the rest is read."""

    __slots__ = ("definition", "lookups", "rows", "source")

    def __init__(self, definition: Definition, source: Table) -> None:
        self.definition = definition
        self.source = source
        self.rows: dict[int, Row] = {}
        self.lookups: dict[Fields, dict[Keys, tuple[DbObject, ...]]] = {}

    def forget(self, rows: Sequence[LogRow]) -> None:
        """Forget what these log rows of this class changed."""
        if len(rows) > MANY_FORGOTTEN_ROWS:
            self.lookups.clear()
        for row in rows:
            self.rows.pop(row.oid, None)
            for fields, known in self.lookups.items():
                for keys in touched_lookups(self.definition, row, fields, known):
                    del known[keys]


class Cache:
    """The cached part of a database, as of the commit `seq`."""

    __slots__ = ("added", "rows", "seq", "tables")

    def __init__(self) -> None:
        self.seq = -1
        self.added = 0
        self.tables: dict[Definition, CachedTable] = {}
        # The rows of each table once more: what the fields of objects look at first.
        self.rows: dict[Definition, dict[int, Row]] = {}

    def add(self, definition: Definition, source: Table) -> CachedTable:
        """Begin to remember a class."""
        table = self.tables[definition] = CachedTable(definition, source)
        self.rows[definition] = table.rows
        return table

    def remember(self, table: CachedTable, rows: Sequence[Row]) -> None:
        """Remember rows that were read."""
        self.added += 1 + len(rows)
        if self.added > MOST_ROWS_IN_A_VIEW:
            self.forget_rows()
        table.rows.update([(row[0], row) for row in rows])  # type: ignore[misc] # pyright: ignore[reportArgumentType, reportCallIssue] - oids are never NULL

    def forget_rows(self) -> None:
        """Forget rows and lookups, and keep the classes."""
        self.added = 0
        for table in self.tables.values():
            table.rows.clear()
            table.lookups.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.tables.clear()
        self.rows.clear()
        self.added = 0

    def trim(self) -> None:
        """Forget the rows if more were added than should stay between views."""
        if self.added > MOST_ROWS:
            self.forget_rows()

    def forget(self, rows: Iterable[LogRow]) -> None:
        """Forget what these log rows changed."""
        by_class = grouped(rows)
        for definition in list(self.tables):
            if changed := by_class.get(definition.name):
                if any(row.op == SCHEMA for row in changed):
                    del self.tables[definition]
                    del self.rows[definition]
                else:
                    self.tables[definition].forget(changed)
