"""The store in memory: for tests, and for programs that want the rest without a file.

Keeps versions of each object, as many as the open snapshots can see. One lock
guards everything; it is held for microseconds. The threads of one process
share it; nobody else sees it.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from odbctl.engine.odb.field import UNSET
from odbctl.engine.odb.local_listener import LocalListener
from odbctl.engine.odb.log import Group, schema_group
from odbctl.engine.odb.memory_table import (
    Columns,
    MemoryClass,
    MemoryTable,
    Term,
    columns_at,
)
from odbctl.engine.odb.shape import (
    Recorded,
    Shape,
    check_alias,
    check_case,
    check_class_names,
    class_alias,
    not_unique,
    unique_hint,
)
from odbctl.engine.odb.store import Write, Written
from odbctl.errors import AlreadyExistsError, RevisionConflictError, StoreBusyError, StoreError

if TYPE_CHECKING:
    from odbctl.engine.odb.codec import Row, Stored
    from odbctl.engine.odb.definition import Definition
    from odbctl.engine.odb.overlay import Overlay

KEPT_COMMITS: Final = 100_000
# How many objects the changes of these commits may name.
KEPT_CHANGES: Final = 500_000
BUSY_TIMEOUT_SECONDS: Final = 10.0


class MemoryStore:
    """A store that ends with its process."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        # Held by whoever commits, or keeps others from it; taken before `lock`.
        self.writers = threading.RLock()
        self._keeper = 0
        self.seq = 0
        self.log: deque[list[Group]] = deque()
        # How many changes of objects are in the log.
        self.changes = 0
        # What is recorded of each class, and since which commit.
        self.recorded: dict[str, list[tuple[int, Recorded]]] = {}
        self.classes: dict[str, MemoryClass] = {}
        # What was made last of a definition, and of what was recorded then.
        self.shapes: dict[Definition, tuple[Recorded | None, Shape]] = {}
        # Objects with versions that only older snapshots see, and since which commit.
        self.outdated: deque[tuple[int, MemoryClass, int]] = deque()
        # How many snapshots are open of each commit.
        self.snapshots: Counter[int] = Counter()
        self.listeners: set[LocalListener] = set()

    def open(self) -> MemoryLink:
        """Give a thread its link."""
        return MemoryLink(self)

    def is_last(self, seq: int) -> bool:
        """Tell whether no commit followed `seq`."""
        return self.seq == seq

    def listener(self, has_changed: Callable[[], bool]) -> LocalListener:
        """Make a listener for a thread of this process."""
        return LocalListener(self.listeners, has_changed)

    def keep_writers_out(self) -> None:
        """Let nobody but this thread commit, until it does or calls `let_writers_in`."""
        self.wait_for_writers()
        self._keeper = threading.get_ident()

    def let_writers_in(self) -> None:
        """Let others commit; does nothing when this thread keeps none out."""
        if self._keeper == threading.get_ident():
            self._keeper = 0
            self.writers.release()

    def wait_for_writers(self) -> None:
        """Take the lock of writers.

        Raises:
            StoreBusyError: Another thread holds it for too long.
        """
        if not self.writers.acquire(timeout=BUSY_TIMEOUT_SECONDS):
            raise StoreBusyError(
                f"another thread has kept writers out for {BUSY_TIMEOUT_SECONDS:g} s",
                hint="try again when it has finished",
            )

    def close(self) -> None:
        """Do nothing: a link that is open goes on."""

    def class_of(self, definition: Definition) -> MemoryClass:
        """Return the objects of a class."""
        kept = self.classes.get(definition.name)
        if kept is None:
            kept = self.classes[definition.name] = MemoryClass()
        return kept

    def put(self, kept: MemoryClass, oid: int, seq: int, columns: Columns | None) -> None:
        """Add a version of an object; None deletes it."""
        kept.put(oid, seq, columns)
        if columns is None or len(kept.versions[oid]) > 1:
            self.outdated.append((seq, kept, oid))

    def drop_outdated(self) -> None:
        """Drop what no snapshot sees any more."""
        oldest = min(self.snapshots, default=self.seq)
        while self.outdated and self.outdated[0][0] <= oldest:
            _, kept, oid = self.outdated.popleft()
            kept.trim(oid, oldest)


class MemoryLink:
    """A thread's way into the store."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._snapshot: int | None = None

    def begin(self) -> int:
        """Open a snapshot: nothing but the number of a commit."""
        store = self._store
        with store.lock:
            self._snapshot = store.seq
            store.snapshots[store.seq] += 1
            return store.seq

    def end(self) -> None:
        """Close the snapshot."""
        snapshot, self._snapshot = self._snapshot, None
        if snapshot is None:
            return
        with self._store.lock:
            self._store.snapshots[snapshot] -= 1
            if not self._store.snapshots[snapshot]:
                del self._store.snapshots[snapshot]
                self._store.drop_outdated()

    def last_seq(self) -> int:
        """Return the number of the last commit."""
        return self._visible_seq()

    def log_since(self, seq: int, most: int | None = None) -> list[Group] | None:
        """Return what was committed after `seq`, up to the snapshot if one is open."""
        with self._store.lock:
            last = self.last_seq()
            if most is not None and last - seq > most:
                return None
            return _log_between(self._store, seq, last)

    def table(self, definition: Definition) -> MemoryTable:
        """Return a class as it is in the snapshot."""
        with self._store.lock:
            last = self._visible_seq()
            shape = _shape(self._store, definition, last)
        return MemoryTable(self._store, self._visible_seq, shape)

    def commit(self, write: Write) -> Written:
        """Write under the lock, if the commits since the snapshot allow it."""
        store = self._store
        store.wait_for_writers()
        try:
            return self._commit(write)
        finally:
            store.writers.release()
            store.let_writers_in()

    def _commit(self, write: Write) -> Written:
        store = self._store
        with store.lock:
            others = _log_between(store, write.base_seq, store.seq)
            if others is None or others:
                write.check(others)
            seq = store.seq + 1
            shapes = [_shape(store, each.definition, store.seq) for each in write.overlays]
            for shape, overlay in zip(shapes, write.overlays, strict=True):
                if shape.keys_of_others:
                    shape.make_keys(overlay.rows.values())
                _check_unique(store, shape, overlay)
                _check_missing(store, shape)
            learnt = [_learn(store, shape, seq) for shape in shapes if not shape.is_current]
            now = time.time()
            for shape, overlay in zip(shapes, write.overlays, strict=True):
                _write(store, shape, overlay, seq)
            entry = [each._replace(seq=seq, at=now) for each in (*learnt, *write.groups)]
            store.log.append(entry)
            store.changes += _size(entry)
            while len(store.log) > 1 and (
                len(store.log) > KEPT_COMMITS or store.changes > KEPT_CHANGES
            ):
                store.changes -= _size(store.log.popleft())
            store.seq = seq
            store.drop_outdated()
        return Written(seq, others, learnt)

    def announce(self, first_seq: int, last_seq: int) -> None:
        """Wake the listeners."""
        for listener in tuple(self._store.listeners):
            listener.wake_if_armed()

    def upkeep(self) -> None:
        """Do nothing: versions go as they are overwritten."""

    def close(self) -> None:
        """Close the snapshot, if one is open."""
        self.end()

    def _visible_seq(self) -> int:
        # A commit that checks what was read looks at the present.
        return self._store.seq if self._snapshot is None else self._snapshot


def _size(entry: list[Group]) -> int:
    return sum([len(group.oids) for group in entry])


def _log_between(store: MemoryStore, after: int, last: int) -> list[Group] | None:
    first = store.seq - len(store.log) + 1
    if after + 1 < first:
        return None
    entries = [store.log[seq - first] for seq in range(after + 1, last + 1)]
    return [group for entry in entries for group in entry]


def _shape(store: MemoryStore, definition: Definition, last: int) -> Shape:
    """Return a class as it was at the commit `last`.

    Raises:
        StoreError: The store has something else under its names.
    """

    def known(name: str) -> Recorded | None:
        found = [each for seq, each in store.recorded.get(name, ()) if seq <= last]
        return found[-1] if found else None

    if definition.renamed_from:
        check_class_names(definition, known)
    recorded = known(definition.name)
    if recorded is None:
        alias = class_alias(definition.name)
        check_alias(definition, [name for name in store.recorded if alias in (known(name) or ())])
        check_case(definition, [name for name in store.recorded if known(name)])
    made = store.shapes.get(definition)
    if made is None or made[0] is not recorded:
        made = store.shapes[definition] = recorded, Shape(definition, recorded)
    return made[1]


def _check_missing(store: MemoryStore, shape: Shape) -> None:
    if shape.missing and any(
        columns_at(versions, store.seq) is not None
        for versions in store.class_of(shape.definition).versions.values()
    ):
        raise StoreError(
            f"{shape.missing[0]} is new and has no default, but objects without it exist",
            hint="give the field a default",
        )


def _learn(store: MemoryStore, shape: Shape, seq: int) -> Group:
    """Record a class as it is now, and convert what has a new type."""
    name = shape.definition.name
    kept = store.class_of(shape.definition)
    converted: list[tuple[int, Columns]] = []
    if shape.conversions:
        for oid in kept.oids:
            if (columns := columns_at(kept.versions[oid], store.seq)) is not None:
                now = shape.columns(shape.row(oid, columns))
                now = {name: value for name, value in now.items() if value is not UNSET}
                converted.append((oid, {**columns, **now}))
    # Nothing fails from here on: a conversion may have.
    store.recorded.setdefault(name, []).append((seq, shape.merged))
    for place in shape.places:
        if not place.is_there or place.convert is not None:
            kept.defaults[place.column] = place.field.default
    for oid, now in converted:
        store.put(kept, oid, seq, now)
    return schema_group(name)


def _write(store: MemoryStore, shape: Shape, overlay: Overlay, seq: int) -> None:
    kept = store.class_of(overlay.definition)
    for oid in overlay.deleted:
        store.put(kept, oid, seq, None)
    for oid, mask in overlay.masks.items():
        row = overlay.changed_row(oid)
        changed = {
            shape.column(field): row[field.position] for field in overlay.definition.fields_of(mask)
        }
        store.put(kept, oid, seq, {**(columns_at(kept.versions[oid], seq) or {}), **changed})
    for oid, row in overlay.created.items():
        store.put(kept, oid, seq, shape.columns(row))


def _check_unique(store: MemoryStore, shape: Shape, overlay: Overlay) -> None:
    """Check that what is written leaves unique values unique.

    Raises:
        AlreadyExistsError: It does not.
        StoreError: Values that an older release wrote are not unique.
        RevisionConflictError: Another commit made an object of the same number.
    """
    definition, kept = overlay.definition, store.class_of(overlay.definition)
    for oid in overlay.created:
        if oid in kept.versions:
            raise RevisionConflictError(f"another commit added the same {definition.title}")
    is_settled = shape.is_current and not shape.conversions
    touched = -1 if overlay.created or not is_settled else _union(overlay.masks.values())
    for columns in shape.unique_columns:
        key = _Unique(store, shape, columns)
        if key.mask & touched:
            _check_values(key, overlay, {} if is_settled else _values_of_others(key, overlay))


class _Unique:
    """Columns whose values no two objects have in common, perhaps by the word of another release.

    A column that this release does not know holds for a new object what it would in a file: the
    default of the release that added it.
    """

    def __init__(self, store: MemoryStore, shape: Shape, columns: tuple[str, ...]) -> None:
        self.seq = store.seq
        self.shape = shape
        self.columns = columns
        self.kept = store.class_of(shape.definition)
        by_column = {place.column: place.field for place in shape.places}
        self._known = [by_column.get(column) for column in columns]
        self.fields = [field for field in self._known if field is not None]
        # A new object has a value in columns that are not known, too.
        self.mask = _union([field.bit for field in self.fields]) or -1

    def values(self, oid: int, row: Row | list[Stored]) -> tuple[Stored, ...]:
        """Return what an object will have in the columns."""
        stored = columns_at(self.kept.versions.get(oid, ()), self.seq) or {}
        return tuple(
            [
                stored.get(column, self.kept.defaults.get(column))
                if field is None
                else (None if row[field.position] is UNSET else row[field.position])
                for column, field in zip(self.columns, self._known, strict=True)
            ]
        )

    def terms(self, values: tuple[Stored, ...]) -> list[Term]:
        """Say what a lookup asks of the columns."""
        defaults = [
            self.kept.defaults.get(column) if field is None else field.default
            for column, field in zip(self.columns, self._known, strict=True)
        ]
        return list(zip(self.columns, defaults, values, strict=True))

    def taken(self, values: tuple[Stored, ...]) -> AlreadyExistsError:
        """Return the error of values that another object has."""
        names = [field.name for field in self.fields] or self.columns
        is_known = len(self.fields) == len(self.columns)
        text = ", ".join(map(str, values)) if is_known else "?"
        title = self.shape.definition.title
        hint = unique_hint(self.shape, self.columns)
        return AlreadyExistsError(f"{title} with {', '.join(names)}", text, hint=hint)


def _values_of_others(key: _Unique, overlay: Overlay) -> dict[tuple[Stored, ...], int]:
    """Read the values of all objects that are not written, and check that they are unique."""
    taken: dict[tuple[Stored, ...], int] = {}
    for oid, versions in key.kept.versions.items():
        if oid in overlay.rows or (columns := columns_at(versions, key.seq)) is None:
            continue
        values = key.values(oid, key.shape.row(oid, columns))
        if None not in values and (other := taken.setdefault(values, oid)) != oid:
            raise not_unique(key.shape, key.columns, sorted((other, oid)))
    return taken


def _check_values(key: _Unique, overlay: Overlay, taken: dict[tuple[Stored, ...], int]) -> None:
    """Check what is written against itself, `taken`, and what the index finds."""
    for oid, row in overlay.rows.items():
        if row is None or None in (values := key.values(oid, _newest(key, overlay, oid, row))):
            continue
        is_taken = taken.setdefault(values, oid) != oid
        if (
            not is_taken
            and key.shape.is_current
            and (oid in overlay.created or overlay.masks.get(oid, 0) & key.mask)
        ):
            terms = key.terms(values)
            found = key.kept.find(terms, key.seq, key.kept.candidates(terms))
            is_taken = any(other not in overlay.rows for other in found)
        if is_taken:
            raise key.taken(values)


def _newest(key: _Unique, overlay: Overlay, oid: int, row: list[Stored]) -> Row | list[Stored]:
    """Return an object as it will be: others may have written fields that this commit does not."""
    columns = columns_at(key.kept.versions.get(oid, ()), key.seq)
    if columns is None or oid in overlay.created:
        return row
    newest = list(key.shape.row(oid, columns))
    for field in overlay.definition.fields_of(overlay.masks.get(oid, 0)):
        newest[field.position] = row[field.position]
    return newest


def _union(masks: Iterable[int]) -> int:
    union = 0
    for mask in masks:
        union |= mask
    return union
