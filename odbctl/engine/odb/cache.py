"""What one thread remembers of the database: rows and lookups, by class.

Filled as things are read; kept true by the change log: before a view opens,
what other commits changed since is forgotten. One thread owns it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from odbctl.engine.odb.codec import Row
from odbctl.engine.odb.definition import Definition
from odbctl.engine.odb.log import SCHEMA, UPDATE, Group
from odbctl.engine.odb.readset import Fields, Keys, touched_lookups
from odbctl.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Final

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

    __slots__ = ("definition", "is_current", "lookups", "rows", "source")

    def __init__(self, definition: Definition, source: Table) -> None:
        self.definition = definition
        self.source = source
        # Like all of a source, until the log says that the table has changed.
        self.is_current = source.is_current
        self.rows: dict[int, Row] = {}
        self.lookups: dict[Fields, dict[Keys, tuple[DbObject, ...]]] = {}

    def forget(self, group: Group) -> None:
        """Forget what a change of this class touched."""
        _, op, names, oids, changed_keys, _, _ = group
        rows, definition = self.rows, self.definition
        for oid in oids:
            rows.pop(oid, None)
        # An older release may have changed a field that it does not know to be indexed.
        if (
            op == UPDATE
            and not changed_keys
            and not definition.mask_of(names) & definition.indexed_mask
        ):
            return
        if len(oids) > MANY_FORGOTTEN_ROWS:
            self.lookups.clear()
            return
        for fields, known in self.lookups.items():
            for keys in touched_lookups(definition, group, fields, known):
                del known[keys]


class Cache:
    """The cached part of a database, as of the commit `seq`."""

    __slots__ = ("_by_name", "added", "has_namesakes", "rows", "seq", "tables")

    def __init__(self) -> None:
        self.seq = -1
        self.added = 0
        self.tables: dict[Definition, CachedTable] = {}
        # Two releases of a class may be used in one process.
        self._by_name: dict[str, set[Definition]] = {}
        # Whether they are, of any class.
        self.has_namesakes = False
        # The rows of each table once more, if none of their values is missing: what the fields
        # of objects look at first.
        self.rows: dict[Definition, dict[int, Row]] = {}

    def add(self, definition: Definition, source: Table) -> CachedTable:
        """Begin to remember a class."""
        table = self.tables[definition] = CachedTable(definition, source)
        if source.is_plain:
            self.rows[definition] = table.rows
        namesakes = self._by_name.setdefault(definition.name, set())
        namesakes.add(definition)
        self.has_namesakes = self.has_namesakes or len(namesakes) > 1
        return table

    def remember(self, table: CachedTable, rows: Sequence[Row]) -> None:
        """Remember rows that were read."""
        self.added += 1 + len(rows)
        if self.added > MOST_ROWS_IN_A_VIEW:
            self.forget_rows()
        cached = table.rows
        for row in rows:
            cached[row[0]] = row  # type: ignore[index] # pyright: ignore[reportArgumentType] - oids are never NULL

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

    def forget(self, groups: Iterable[Group], but: Definition | None = None) -> None:
        """Forget what these changes touched.

        Args:
            groups: The changes.
            but: A class that has been brought up to date already.
        """
        for group in groups:
            for definition in self._by_name.get(group.class_name, ()):
                if definition is but or (table := self.tables.get(definition)) is None:
                    continue
                if group.op == SCHEMA:
                    del self.tables[definition]
                    self.rows.pop(definition, None)
                else:
                    table.forget(group)

    def has_another(self, definition: Definition) -> bool:
        """Tell whether another release of a class is used in this process."""
        return len(self._by_name.get(definition.name, ())) > 1
