"""View: a consistent snapshot, open in one thread. It never blocks and never writes.

Fields and lookups of objects end up here. What was read is remembered when
somebody wants to know: a transaction for its commit, a reactor to run again.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType

from odbctl.engine.odb.codec import LARGEST_INT, Mismatch
from odbctl.engine.odb.current import (
    NOTHING,
    current,
    end_direct_reads,
    enter_task_view,
    leave_task_view,
    open_view,
    running_task,
)
from odbctl.engine.odb.log import log_key
from odbctl.engine.odb.readset import Fields, Keys, ReadSet
from odbctl.errors import TransactionError
from odbctl.light_typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import Self

    from odbctl.engine.odb.codec import Row, Stored
    from odbctl.engine.odb.database import Database
    from odbctl.engine.odb.definition import Definition
    from odbctl.engine.odb.field import Field
    from odbctl.engine.odb.objects import DbObject
    from odbctl.engine.odb.ranges import Range
    from odbctl.engine.odb.session import Session
    from odbctl.engine.odb.tracker import Tracker

    Values = tuple[Stored, ...]


_new_object = object.__new__


class View:
    """A snapshot; use it in a `with`. Inside another one it is that one."""

    __slots__ = (
        "_direct",
        "_has_read",
        "_is_inner",
        "_outer",
        "_rows",
        "_task",
        "database",
        "reads",
        "seq",
        "session",
    )

    is_writable = False

    def __init__(self, database: Database) -> None:
        self.database = database
        self.reads: ReadSet | None = None
        self._outer: View | None = None
        self._is_inner = False
        self.session: Session
        # The last commit in the snapshot; -1 before it is opened.
        self.seq = -1

    def __enter__(self) -> Self:
        if self.seq >= 0:
            raise self._used_twice()
        outer = current.view
        if outer is None and current.tasks is not None:
            outer = open_view()
        if outer is not None and outer.database is self.database:
            self._is_inner = True
            self.seq = outer.seq
            return self
        session = self._free_session(outer)
        self.seq = session.viewed_seq = session.begin()
        if session.main is not None:
            session.main.viewed_seq = self.seq
        if current.tracker is not None and self._tracker() is not None:
            self.reads = ReadSet()
        self._enter(session)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self._is_inner:
            self._close()

    def _used_twice(self) -> TransactionError:
        kind = "transaction" if self.is_writable else "view"
        return TransactionError(
            f"a {kind} can be used once, in one with block",
            hint=f"call db.{kind}() for each block",
        )

    def _free_session(self, outer: View | None) -> Session:
        """Return a session that no view uses, and note within what this one is opened."""
        self._outer = outer
        self._task = running_task() if "asyncio.events" in sys.modules else None
        session = self.database.session()
        if session.is_open:
            if self._task is None or self._is_within_itself():
                raise TransactionError("this thread has a view open, under one of another database")
            # Another task of this thread is at it.
            session = self.database.spare_session()
        return session

    def _is_within_itself(self) -> bool:
        outer = self._outer
        while outer is not None:
            if outer.database is self.database:
                return True
            outer = outer._outer
        return False

    def _enter(self, session: Session) -> None:
        self.session = session
        self._has_read = False
        self._rows = session.cache.rows
        if self._task is None:
            self._direct = current.direct
            if self._direct:
                end_direct_reads()
            current.view = self
        else:
            enter_task_view(self, self._task)

    def _close(self) -> None:
        if self._task is None:
            if self._direct:
                end_direct_reads()
            current.view = self._outer
        else:
            leave_task_view(self._task, self._outer)
        session = self.session
        if current.tracker is not None and self.reads is not None and (tracker := self._tracker()):
            tracker.add(self.seq, self.reads)
            if session.cache.seq > self.seq:
                tracker.add_commit(session.cache.seq)
        session.end()
        self.database.release(session)

    def _tracker(self) -> Tracker | None:
        tracker = current.tracker
        return tracker if tracker is not None and tracker.database is self.database else None

    def read(self, field: Field, oid: int) -> Any:
        """Read a field of an object.

        Raises:
            ObjectGoneError: The object does not exist.
        """
        definition = field.definition
        rows = self._rows.get(definition)
        row = None if rows is None else rows.get(oid)
        if row is None:
            return self._read_from_store(field, oid)
        if self.reads is not None:
            self.reads.add_field(definition, oid, field.bit)
        if self._has_read:
            self.let_read(definition)
        else:
            self._has_read = True
        stored = row[field.position]
        return stored if field.decode is None else field.loaded(stored)

    def _read_from_store(self, field: Field, oid: int) -> Any:
        """Read a field of an object that is not cached, or whose class lacks some fields."""
        definition = field.definition
        row = self.session.row(definition, oid)
        if self.reads is not None:
            self.reads.add_field(definition, oid, field.bit)
        if row is None:
            row = definition.row_when_deleted(oid)
        return field.loaded(row[field.position])

    def let_read(self, definition: Definition) -> None:
        """Let the fields of a class look into the cache themselves, as long as it stays as it is.

        It pays from the second read on. Not in a thread in which tasks have views.
        """
        rows = self._rows.get(definition)
        if rows is None or current.view is not self:
            return
        direct, reads = definition.direct_reads, self.reads
        self._direct.append(direct)
        if reads is None:
            direct.rows = rows
        else:
            masks = reads.objects.get(definition)
            if masks is None:
                masks = reads.objects[definition] = {}
            direct.rows, direct.tracked = None, (rows, masks, self._written(definition))

    def _written(self, definition: Definition) -> Mapping[int, object]:
        return NOTHING[2]

    def row(self, definition: Definition, oid: int) -> Row | None:
        """Return the stored row of an object, or None if it does not exist."""
        rows = self._rows.get(definition)
        row = None if rows is None else rows.get(oid)
        return self.session.row(definition, oid) if row is None else row

    def write(self, field: Field, oid: int, value: object) -> None:
        """Refuse to write."""
        raise _view_cannot_write()

    def create(self, definition: Definition, values: Mapping[str, object]) -> int:
        """Refuse to create."""
        raise _view_cannot_write()

    def delete(self, definition: Definition, oid: int) -> None:
        """Refuse to delete."""
        raise _view_cannot_write()

    def exists(self, definition: Definition, oid: int) -> bool:
        """Tell whether an object exists."""
        row = self.row(definition, oid)
        if self.reads is not None:
            self.reads.add_field(definition, oid, 0)
        return row is not None

    def lookup(self, definition: Definition, equal: Mapping[str, object]) -> tuple[DbObject, ...]:
        """Return the objects whose fields equal these, oldest first.

        Raises:
            TypeError: A field is not indexed, or a value has another type.
        """
        fields, values, keys = _asked(definition, equal)
        found = self._lookup(definition, fields, values, keys)
        if self.reads is not None:
            self.reads.add_lookup(definition, fields, keys)
        return found

    def lookup_end(
        self, definition: Definition, equal: Mapping[str, object], count: int, *, newest: bool
    ) -> tuple[DbObject, ...]:
        """Return the newest (or oldest) objects of a lookup, oldest first, reading no others.

        Raises:
            TypeError: As for `lookup`.
        """
        fields, values, keys = _asked(definition, equal)
        if count <= 0:
            return ()
        count = min(count, LARGEST_INT)
        found = self._lookup_end(definition, fields, values, count, newest=newest)
        if self.reads is not None:
            self.reads.add_lookup(definition, fields, keys)
        return found

    def count(self, definition: Definition, equal: Mapping[str, object]) -> int:
        """Count the objects of a lookup, reading none."""
        fields, values, keys = _asked(definition, equal)
        count = self._count(definition, fields, values)
        if self.reads is not None:
            self.reads.add_lookup(definition, fields, keys)
        return count

    def _lookup_end(
        self, definition: Definition, fields: Fields, values: Values, count: int, *, newest: bool
    ) -> tuple[DbObject, ...]:
        rows = self.session.select(definition, fields, values, limit=count, newest=newest)
        return _handles(definition, rows)

    def _count(self, definition: Definition, fields: Fields, values: Values) -> int:
        return self.session.count(definition, fields, values)

    def lookup_range(
        self, definition: Definition, asked: Mapping[str, object], limit: int | None = None
    ) -> tuple[DbObject, ...]:
        """Return the objects of a range, in its order.

        Args:
            definition: The class.
            asked: The arguments of the lookup.
            limit: How many are wanted, whatever the arguments say; None for what they say.

        Raises:
            TypeError: As for `lookup`.
        """
        wanted = definition.range_of(asked, self.read)
        if limit is not None:
            wanted = wanted._replace(limit=limit)
        found = _handles(definition, self._read_range(wanted))
        if not self._has_read and len(found) > 1:
            # Most likely to read them.
            self._has_read = True
            self.let_read(definition)
        return found

    def lookup_each(
        self, definition: Definition, asked: Mapping[str, object]
    ) -> Iterator[DbObject]:
        """Iterate over the objects of a range, forgetting what is behind.

        Raises:
            TransactionError: The view is no longer open.
        """
        return self._each(definition.range_of(asked, self.read))

    def count_range(self, definition: Definition, asked: Mapping[str, object]) -> int:
        """Count the objects of a range, reading none."""
        wanted = definition.range_of(asked, self.read)
        count = self._count_range(wanted)
        if self.reads is not None:
            self.reads.add_range(wanted)
        return count

    def _each(self, wanted: Range) -> Iterator[DbObject]:
        from odbctl.engine.odb.ranges import PAGE_ROWS

        definition, left = wanted.definition, wanted.limit
        while left is None or left > 0:
            if open_view() is not self:
                raise TransactionError(
                    f"the view in which {definition.title}.lookup_each began is not the open one",
                    hint="iterate inside its `with`",
                )
            count = PAGE_ROWS if left is None else min(left, PAGE_ROWS)
            rows = self._read_range(wanted._replace(limit=count))
            if rows:
                # Now: the loop may change the row.
                wanted = wanted.behind(wanted.key(rows[-1]))
            yield from _handles(definition, rows)
            if len(rows) < count:
                return
            left = None if left is None else left - count
            self.session.forget_rows(definition, [row[0] for row in rows])

    def _read_range(self, wanted: Range) -> Sequence[Sequence[Stored]]:
        """Return the rows of a range, in its order, and remember that they were read."""
        if wanted.limit == 0:
            return ()
        rows = self._range_rows(wanted)
        if self.reads is not None:
            self.reads.add_range(wanted.read_for(rows))
        return rows

    def _range_rows(self, wanted: Range) -> Sequence[Sequence[Stored]]:
        return self.session.select_range(wanted)

    def _count_range(self, wanted: Range) -> int:
        return self.session.count_range(wanted)

    def _lookup(
        self, definition: Definition, fields: Fields, values: Values, keys: Keys
    ) -> tuple[DbObject, ...]:
        session = self.session
        tables = session.cache.tables
        table = tables.get(definition)
        known = None if table is None else table.lookups.get(fields)
        found = None if known is None else known.get(keys)
        if found is None:
            found = _handles(definition, session.select(definition, fields, values))
            # Asked again: the table may have changed under a snapshot that was opened late.
            lookups = tables[definition].lookups
            known = lookups.get(fields)
            if known is None:
                known = lookups[fields] = {}
            known[keys] = found
            if not self._has_read and len(found) > 1:
                # Most likely to read them.
                self._has_read = True
                self.let_read(definition)
        return found


def _asked(definition: Definition, equal: Mapping[str, object]) -> tuple[Fields, Values, Keys]:
    """Return what a lookup asks for."""
    names = tuple(equal)
    fields = definition.known_lookups.get(names)
    if fields is None:
        definition.resolve()
        fields = definition.lookup_fields(names)
    values: Values
    if len(fields) == 1:
        # The most common one, without the cost of a list.
        (field,) = fields
        value = equal[field.name]
        try:
            values = (field.encode(value),)
        except (Mismatch, ValueError, RecursionError):
            values = (field.stored(value),)  # says what is wrong
    else:
        values = tuple([field.stored(equal[field.name]) for field in fields])
    for value in values:
        if isinstance(value, bytes):
            return fields, values, tuple([log_key(each) for each in values])
    return fields, values, values  # type: ignore[return-value] # pyright: ignore[reportReturnType] - without bytes they are keys


def _handles(definition: Definition, rows: Sequence[Sequence[Stored]]) -> tuple[DbObject, ...]:
    # As `from_oid` does, without a call for each.
    cls, new = definition.cls, _new_object
    found: list[DbObject] = []
    for row in rows:
        handle = new(cls)
        handle._oid = row[0]  # type: ignore[assignment] # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue] - oids are never NULL
        found.append(handle)
    return tuple(found)


def _view_cannot_write() -> TransactionError:
    return TransactionError("a view cannot write", hint="with db.transaction(): …")
