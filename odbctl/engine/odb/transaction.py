"""Transaction: a view that can write. It holds no lock until its body is done.

Writes are kept aside, laid over the snapshot (`overlay.py`); the body reads
its own writes. When it ends well, `commit.py` checks under the commit lock
that nothing it read has changed since, and writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from types import TracebackType

from odbctl.engine.odb.codec import Mismatch
from odbctl.engine.odb.commit import commit, conflict
from odbctl.engine.odb.current import NOTHING, current, open_view
from odbctl.engine.odb.objects import DbObject
from odbctl.engine.odb.oids import new_oid
from odbctl.engine.odb.overlay import Overlay
from odbctl.engine.odb.readset import Fields, Keys, ReadSet
from odbctl.engine.odb.revalidation import is_unchanged
from odbctl.engine.odb.view import View
from odbctl.errors import ObjectGoneError, RevisionConflictError, TransactionError
from odbctl.light_typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from typing import Self

    from odbctl.engine.odb.codec import Row, Stored
    from odbctl.engine.odb.database import Database
    from odbctl.engine.odb.definition import Definition
    from odbctl.engine.odb.field import Field
    from odbctl.engine.odb.log import Group
    from odbctl.engine.odb.ranges import Range

EVERY_FIELD = -1


class Transaction(View):
    """An optimistic transaction; use it in a `with`."""

    __slots__ = ("_callbacks", "overlays", "read_set")

    is_writable = True

    def __init__(self, database: Database) -> None:
        self.database = database
        self.reads = self.read_set = ReadSet()
        self.overlays: dict[Definition, Overlay] = {}
        self._callbacks: list[Callable[[], object]] | None = None
        self.seq = -1

    def on_commit(self, callback: Callable[[], object]) -> None:
        """Call a function after the commit, when no lock is held and no transaction open.

        What it raises is raised where the transaction ends; a conflict as TransactionError,
        because whoever receives RevisionConflictError runs what is committed again.
        """
        if self._callbacks is None:
            self._callbacks = []
        self._callbacks.append(callback)

    def __enter__(self) -> Self:
        if self.seq >= 0:
            raise self._used_twice()
        outer = current.view
        if outer is None and current.tasks is not None:
            outer = open_view()
        if outer is not None and outer.database is self.database:
            what = "transaction" if outer.is_writable else "view"
            raise TransactionError(f"a transaction cannot be opened inside a {what}")
        session = self._free_session(outer)
        self.seq = session.begin_late(self)
        self._enter(session)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                commit(self)
            elif isinstance(error, RevisionConflictError):
                self._claim(error)
        except RevisionConflictError as conflict_of_commit:
            self._claim(conflict_of_commit)
            raise
        finally:
            self._close()
        if kind is None and self._callbacks is not None:
            # Kept out until now if nothing was written.
            self.database.let_writers_in()
            _call_all(self._callbacks)

    def _claim(self, error: RevisionConflictError) -> None:
        if error.database is None:
            error.database = self.database

    def check(self, later: list[Group] | None) -> None:
        """Check that later commits changed nothing that was read or is to be written.

        Args:
            later: The log since the snapshot. None if it no longer goes so far back: then what
                was read is read again, and must be as it was.

        Raises:
            RevisionConflictError: They did.
        """
        if later is None and is_unchanged(self.session, self.read_set, self.overlays.values()):
            return
        if error := conflict(self.read_set, self.overlays.values(), later):
            raise error

    def move_to(self, seq: int, later: list[Group] | None) -> None:
        """Go on from a later commit, as if the snapshot had been opened there.

        Raises:
            RevisionConflictError: What was read is no longer so.
        """
        if later is not None or self.read_set or self.overlays:
            self.check(later)
        self.seq = seq

    def rebase(self, later: Sequence[Group]) -> None:
        """Lay the writes over what later commits wrote to the same objects."""
        for overlay in self.overlays.values():
            if not overlay.base:
                continue
            name = overlay.definition.name
            touched = {oid for each in later if each.class_name == name for oid in each.oids}
            for oid in touched & overlay.base.keys():
                base = self.session.row(overlay.definition, oid)
                if base is not None:
                    overlay.rebase(oid, base)

    def read(self, field: Field, oid: int) -> Any:
        """Read a field, as this transaction has written it or else as it was."""
        definition = field.definition
        overlay = self.overlays.get(definition)
        if overlay is None or oid not in overlay.rows:
            return super().read(field, oid)
        row = overlay.rows[oid]
        if row is None:
            return field.loaded(definition.row_when_deleted(oid)[field.position])
        if oid not in overlay.created and not overlay.masks.get(oid, 0) & field.bit:
            self.read_set.add_field(definition, oid, field.bit)
        return field.loaded(row[field.position])

    def exists(self, definition: Definition, oid: int) -> bool:
        """Tell whether an object exists, as this transaction sees it."""
        overlay = self.overlays.get(definition)
        if overlay is not None and oid in overlay.rows:
            return overlay.rows[oid] is not None
        return super().exists(definition, oid)

    def create(self, definition: Definition, values: Mapping[str, object]) -> int:
        """Create an object and return its oid.

        Raises:
            TypeError: A field is unknown, missing or of another type.
        """
        overlay = self.overlays.get(definition) or self._overlay(definition)
        oid = new_oid()
        row = definition.new_row(oid, values)
        for field in definition.referring:
            stored = row[field.position]
            if stored is not None:
                given = values[field.name] if field.name in values else field.loaded(stored)
                self._note_references(given)
        overlay.create(oid, row)
        return oid

    def write(self, field: Field, oid: int, value: object) -> None:
        """Set a field of an object.

        Setting it to what it is already counts as having read it.

        Raises:
            ObjectGoneError: The object does not exist.
            TypeError: The value is of another type.
        """
        overlay = self.overlays.get(field.definition) or self._overlay(field.definition)
        row = overlay.rows.get(oid) or self._writable(overlay, oid)
        try:
            stored = field.encode(value)
        except (Mismatch, ValueError, RecursionError):
            stored = field.stored(value)  # says what is wrong
        if row[field.position] == stored:
            if oid not in overlay.created:
                self.read_set.add_field(field.definition, oid, field.bit)
            return
        if field.codec.has_references:
            self._note_references(value)
        overlay.change(oid, row, field, stored)

    def delete(self, definition: Definition, oid: int) -> None:
        """Delete an object; it conflicts with any change of the object.

        Raises:
            ObjectGoneError: It does not exist.
        """
        overlay = self._overlay(definition)
        self._writable(overlay, oid)
        if oid not in overlay.created:
            self.read_set.add_field(definition, oid, EVERY_FIELD)
        overlay.delete(oid)

    def _lookup_end(
        self,
        definition: Definition,
        fields: Fields,
        values: tuple[Stored, ...],
        count: int,
        *,
        newest: bool,
    ) -> tuple[DbObject, ...]:
        if not self._has_written(definition):
            return super()._lookup_end(definition, fields, values, count, newest=newest)

        def read(limit: int, after: int | None) -> list[Row]:
            rows = self.session.select(
                definition, fields, values, limit=limit, newest=newest, after=after
            )
            return rows[::-1] if newest else rows

        oids = self.overlays[definition].end_of(fields, values, count, read, newest=newest)
        return tuple([definition.cls.from_oid(oid) for oid in oids])

    def _count(self, definition: Definition, fields: Fields, values: tuple[Stored, ...]) -> int:
        # First: it may open the snapshot, and so lay the writes over later commits.
        stored = super()._count(definition, fields, values)
        overlay = self.overlays.get(definition)
        return stored if overlay is None else stored + overlay.surplus(fields, values)

    def lookup_each(
        self, definition: Definition, asked: Mapping[str, object]
    ) -> Iterator[DbObject]:
        """Iterate over the objects of a range, without those that are created on the way."""
        overlay = self._overlay(definition)
        before = set(overlay.created)
        return (
            found
            for found in super().lookup_each(definition, asked)
            if found.oid in before or found.oid not in overlay.created
        )

    def _range_rows(self, wanted: Range) -> Sequence[Sequence[Stored]]:
        definition = wanted.definition
        if not self._has_written(definition):
            return super()._range_rows(wanted)
        overlay = self.overlays[definition]
        # First: it may open the snapshot, and so lay the writes over later commits.
        stored = overlay.stored_range(wanted, super()._range_rows)
        kept: list[Sequence[Stored]] = [row for row in stored if row[0] not in overlay.rows]
        written = overlay.rows
        if wanted.fields:
            candidates = overlay.candidates(wanted.fields, wanted.values)
            own = [written[oid] for oid in candidates]
        else:
            own = list(written.values())
        kept += [row for row in own if row is not None and wanted.holds(row)]
        return wanted.ordered(kept)

    def _count_range(self, wanted: Range) -> int:
        if not self._has_written(wanted.definition):
            return super()._count_range(wanted)
        return len(self._range_rows(wanted))

    def _lookup(
        self, definition: Definition, fields: Fields, values: tuple[Stored, ...], keys: Keys
    ) -> tuple[DbObject, ...]:
        found = super()._lookup(definition, fields, values, keys)
        overlay = self.overlays.get(definition)
        if overlay is None or not overlay.rows:
            return found
        rows = overlay.rows
        kept = [
            each for each in found if each.oid not in rows or overlay.fits(each.oid, fields, values)
        ]
        known = {each.oid for each in kept}
        for oid in overlay.candidates(fields, values):
            if oid not in known and overlay.fits(oid, fields, values):
                kept.append(definition.cls.from_oid(oid))
        kept.sort(key=_oid)
        return tuple(kept)

    def _has_written(self, definition: Definition) -> bool:
        overlay = self.overlays.get(definition)
        return overlay is not None and bool(overlay.rows)

    def _overlay(self, definition: Definition) -> Overlay:
        overlay = self.overlays.get(definition)
        if overlay is None:
            if not definition.is_resolved:
                definition.resolve()
            overlay = self.overlays[definition] = Overlay(definition)
            # Until the next read, which knows of it.
            definition.direct_reads.tracked = NOTHING
        return overlay

    def _written(self, definition: Definition) -> Mapping[int, object]:
        overlay = self.overlays.get(definition)
        return NOTHING[2] if overlay is None else overlay.rows

    def _writable(self, overlay: Overlay, oid: int) -> list[Stored]:
        if oid in overlay.rows:
            row = overlay.rows[oid]
        else:
            base = self.row(overlay.definition, oid)
            row = None if base is None else overlay.adopt(oid, base)
        if row is None:
            # Whoever is told that it is gone has read that.
            self.read_set.add_field(overlay.definition, oid, 0)
            raise ObjectGoneError(overlay.definition.title, oid)
        return row

    def _note_references(self, value: object) -> None:
        """Count references as reads: their targets must not be deleted meanwhile."""
        for target in _references_in(value):
            self.read_set.add_field(type(target).__odb__, target.oid, 0)


def _references_in(value: object) -> Iterator[DbObject]:
    """Give the objects that a value is or holds."""
    if isinstance(value, DbObject):
        yield value
        return
    for part in _parts_of(value):
        yield from _references_in(part)


def _parts_of(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return chain.from_iterable(cast("dict[object, object]", value).items())
    if isinstance(value, (list, tuple, set, frozenset)):
        return cast("Iterable[object]", value)
    return [getattr(value, name, None) for name in getattr(value, "__dataclass_fields__", ())]


def _call_all(callbacks: Sequence[Callable[[], object]]) -> None:
    for callback in callbacks:
        try:
            callback()
        except RevisionConflictError as error:
            raise TransactionError(
                f"the transaction is committed, but a function of on_commit conflicted: {error}",
                hint="let the function change the database through db.run",
            ) from error


def _oid(handle: DbObject) -> int:
    return handle.oid
