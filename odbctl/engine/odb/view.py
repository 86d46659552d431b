"""View: a consistent snapshot, open in one thread. It never blocks and never writes.

Fields and lookups of objects end up here. What was read is remembered when
somebody wants to know: a transaction for its commit, a reactor to run again.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from odbctl.engine.odb.current import current
from odbctl.engine.odb.readset import Fields, Keys, ReadSet, log_key
from odbctl.errors import ObjectGoneError, TransactionError

if TYPE_CHECKING:
    from odbctl.engine.odb.cache import CachedTable
    from odbctl.engine.odb.codec import Stored
    from odbctl.engine.odb.database import Database
    from odbctl.engine.odb.definition import Definition
    from odbctl.engine.odb.field import Field
    from odbctl.engine.odb.objects import DbObject
    from odbctl.engine.odb.session import Session
    from odbctl.engine.odb.tracker import Tracker
    from odbctl.engine.odb.transaction import Transaction


class View:
    """A snapshot; use it in a `with`. Inside another one it is that one."""

    __slots__ = ("_is_inner", "_outer", "database", "reads", "seq", "session", "tables")

    def __init__(self, database: Database) -> None:
        self.database = database
        self.reads: ReadSet | None = None
        self._outer: View | None = None
        self._is_inner = False
        self.session: Session
        self.tables: dict[Definition, CachedTable]
        self.seq: int

    @property
    def transaction(self) -> Transaction | None:
        """The view itself, if it can write."""
        return None

    def __enter__(self) -> Self:
        outer = current.view
        if outer is not None and outer.database is self.database:
            self._is_inner = True
            return self
        self._open(outer)
        self.session.viewed_seq = self.seq
        if self._tracker() is not None:
            self.reads = ReadSet()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self._is_inner:
            self._close()

    def _open(self, outer: View | None) -> None:
        self.session = session = self.database.session()
        if session.is_open:
            raise TransactionError("this thread has a view open, under one of another database")
        self.seq = session.begin()
        self.tables = session.cache.tables
        self._outer = outer
        current.view = self

    def _close(self) -> None:
        current.view = self._outer
        if (tracker := self._tracker()) is not None and self.reads is not None:
            tracker.add(self.seq, self.reads)
        self.session.end()
        self.database.release(self.session)

    def _tracker(self) -> Tracker | None:
        tracker = current.tracker
        return tracker if tracker is not None and tracker.database is self.database else None

    def read(self, field: Field, oid: int) -> Any:
        """Read a field of an object.

        Raises:
            ObjectGoneError: The object does not exist.
        """
        definition = field.definition
        table = self.tables.get(definition) or self.session.table(definition)
        row = table.rows.get(oid) or self.session.row(table, oid)
        if self.reads is not None:
            self.reads.add_field(definition, oid, field.bit)
        if row is None:
            raise ObjectGoneError(definition.name, oid)
        stored = row[field.position]
        return stored if field.decode is None else field.loaded(stored)

    def exists(self, definition: Definition, oid: int) -> bool:
        """Tell whether an object exists."""
        table = self.session.table(definition)
        if self.reads is not None:
            self.reads.add_field(definition, oid, 0)
        return self.session.row(table, oid) is not None

    def lookup(self, definition: Definition, equal: Mapping[str, object]) -> tuple[DbObject, ...]:
        """Return the objects whose fields equal these, oldest first.

        Raises:
            TypeError: A field is not indexed, or a value has another type.
        """
        table = self.session.table(definition)
        fields = definition.lookup_fields(tuple(equal))
        values = tuple([field.stored(equal[field.name]) for field in fields])
        keys: Keys = tuple([log_key(value) for value in values])
        if self.reads is not None:
            self.reads.add_lookup(definition, fields, keys)
        return self._lookup(table, fields, values, keys)

    def lookup_end(
        self, definition: Definition, equal: Mapping[str, object], count: int, *, newest: bool
    ) -> tuple[DbObject, ...]:
        """Return the newest (or oldest) objects of a lookup, oldest first, reading no others.

        Raises:
            TypeError: As for `lookup`.
        """
        if self.transaction is not None or count <= 0:
            found = self.lookup(definition, equal)
            return found[max(0, len(found) - count) :] if newest else found[: max(0, count)]
        table = self.session.table(definition)
        fields = definition.lookup_fields(tuple(equal))
        values = tuple([field.stored(equal[field.name]) for field in fields])
        if self.reads is not None:
            self.reads.add_lookup(definition, fields, tuple([log_key(v) for v in values]))
        if table.select is None:
            return ()
        sql = f"{table.lookup_sql(fields)}{' DESC' if newest else ''} LIMIT {int(count)}"
        rows = self._remember(table, sql, values)
        return rows[::-1] if newest else rows

    def count(self, definition: Definition, equal: Mapping[str, object]) -> int:
        """Count the objects of a lookup, reading none."""
        if self.transaction is not None:
            return len(self.lookup(definition, equal))
        table = self.session.table(definition)
        fields = definition.lookup_fields(tuple(equal))
        values = tuple([field.stored(equal[field.name]) for field in fields])
        if self.reads is not None:
            self.reads.add_lookup(definition, fields, tuple([log_key(v) for v in values]))
        if table.select is None:
            return 0
        sql = f"SELECT count(*) FROM ({table.lookup_sql(fields)})"
        return int(str(self.session.connection.query(sql, values)[0][0]))

    def _lookup(
        self, table: CachedTable, fields: Fields, values: tuple[Stored, ...], keys: Keys
    ) -> tuple[DbObject, ...]:
        known = table.lookups.setdefault(fields, {})
        found = known.get(keys)
        if found is None:
            found = known[keys] = self._select(table, fields, values)
        return found

    def _select(
        self, table: CachedTable, fields: Fields, values: tuple[Stored, ...]
    ) -> tuple[DbObject, ...]:
        if table.select is None:
            return ()
        return self._remember(table, table.lookup_sql(fields), values)

    def _remember(
        self, table: CachedTable, sql: str, values: tuple[Stored, ...]
    ) -> tuple[DbObject, ...]:
        """Run a SELECT of whole rows and keep them in the cache."""
        rows = self.session.connection.query(sql, values)
        table.rows.update([(row[0], row) for row in rows])  # type: ignore[misc] # pyright: ignore[reportArgumentType, reportCallIssue] - oids are never NULL
        self.session.cache.added += 1 + len(rows)
        handle = table.definition.cls.from_oid
        return tuple([handle(row[0]) for row in rows])  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - oids are never NULL
