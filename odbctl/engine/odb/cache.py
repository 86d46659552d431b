"""What one connection remembers of the database: rows and lookups, by class.

Filled as things are read; kept true by the change log: before a view opens,
what other commits changed since is forgotten. One thread owns it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from odbctl.engine.odb.codec import Row
from odbctl.engine.odb.definition import Definition
from odbctl.engine.odb.readset import SCHEMA, Fields, Keys, LogRow, grouped, touched_lookups
from odbctl.engine.odb.tables import (
    Recorded,
    check_types,
    column_sql,
    merge,
    record_of,
    select_sql,
)

if TYPE_CHECKING:
    from odbctl.engine.odb.objects import DbObject

MOST_ROWS: Final = 50_000
# Beyond this many forgotten rows, one SELECT for all is cheaper than one for each.
MANY_FORGOTTEN_ROWS: Final = 32


class CachedTable:
    """The cached part of one class, and how its table is read."""

    __slots__ = ("_recorded", "definition", "is_current", "lookups", "rows", "select", "select_one")

    def __init__(self, definition: Definition, recorded: Recorded | None) -> None:
        self.definition = definition
        # None: there is no table yet, so there are no objects.
        self.select = None if recorded is None else select_sql(definition, recorded)
        self.select_one = f"{self.select} WHERE oid = ?"
        wanted = record_of(definition)
        check_types(definition, recorded or {})
        self.is_current = recorded is not None and merge(recorded, wanted) == recorded
        self._recorded = recorded or {}
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

    def lookup_sql(self, fields: Fields) -> str:
        """Give the SELECT of a lookup by these fields, oldest object first."""
        # IS, not =: a lookup of None means NULL.
        terms = " AND ".join(f"{column_sql(each, self._recorded)} IS ?" for each in fields)
        return f"{self.select}{' WHERE ' + terms if terms else ''} ORDER BY oid"


class Cache:
    """The cached part of a database, as of the commit `seq`."""

    __slots__ = ("added", "seq", "tables")

    def __init__(self) -> None:
        self.seq = -1
        self.added = 0
        self.tables: dict[Definition, CachedTable] = {}

    def clear(self) -> None:
        """Forget everything."""
        self.tables.clear()
        self.added = 0

    def trim(self) -> None:
        """Forget everything if more was added than should stay between views."""
        if self.added > MOST_ROWS:
            self.clear()

    def forget(self, rows: Iterable[LogRow]) -> None:
        """Forget what these log rows changed."""
        by_class = grouped(rows)
        for definition in list(self.tables):
            if changed := by_class.get(definition.name):
                if any(row.op == SCHEMA for row in changed):
                    del self.tables[definition]
                else:
                    self.tables[definition].forget(changed)
