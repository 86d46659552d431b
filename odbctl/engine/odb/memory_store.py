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

from odbctl.engine.odb.local_listener import LocalListener
from odbctl.engine.odb.log import Group, schema_group
from odbctl.engine.odb.memory_table import Columns, MemoryTable, Versions, columns_at
from odbctl.engine.odb.shape import Recorded, Shape, not_unique
from odbctl.engine.odb.store import Write, Written
from odbctl.errors import AlreadyExistsError, RevisionConflictError, StoreBusyError, StoreError

if TYPE_CHECKING:
    from odbctl.engine.odb.codec import Stored
    from odbctl.engine.odb.definition import Definition
    from odbctl.engine.odb.overlay import Overlay

KEPT_COMMITS: Final = 100_000
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
        # What is recorded of each class, and since which commit.
        self.recorded: dict[str, list[tuple[int, Recorded]]] = {}
        self.objects: dict[str, dict[int, Versions]] = {}
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

    def oldest_snapshot(self) -> int:
        """Return the oldest commit that somebody still looks at."""
        return min(self.snapshots, default=self.seq)


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

    def last_seq(self) -> int:
        """Return the number of the last commit."""
        return self._visible_seq()

    def log_since(self, seq: int) -> list[Group] | None:
        """Return what was committed after `seq`, up to the snapshot if one is open."""
        with self._store.lock:
            return _log_between(self._store, seq, self.last_seq())

    def table(self, definition: Definition) -> MemoryTable:
        """Return a class as it is in the snapshot."""
        with self._store.lock:
            last = self._visible_seq()
            recorded = [
                each for seq, each in self._store.recorded.get(definition.name, ()) if seq <= last
            ]
        shape = Shape(definition, recorded[-1] if recorded else None)
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
            shapes = [_shape(store, each.definition) for each in write.overlays]
            for shape, overlay in zip(shapes, write.overlays, strict=True):
                _check_unique(store, shape, overlay)
                _check_missing(store, shape)
            learnt = [_learn(store, shape, seq) for shape in shapes if not shape.is_current]
            now = time.time()
            for shape, overlay in zip(shapes, write.overlays, strict=True):
                _write(store, shape, overlay, seq)
            entry = [each._replace(seq=seq, at=now) for each in (*learnt, *write.groups)]
            store.log.append(entry)
            if len(store.log) > KEPT_COMMITS:
                store.log.popleft()
            store.seq = seq
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


def _log_between(store: MemoryStore, after: int, last: int) -> list[Group] | None:
    first = store.seq - len(store.log) + 1
    if after + 1 < first:
        return None
    entries = [store.log[seq - first] for seq in range(after + 1, last + 1)]
    return [group for entry in entries for group in entry]


def _shape(store: MemoryStore, definition: Definition) -> Shape:
    recorded = store.recorded.get(definition.name)
    return Shape(definition, recorded[-1][1] if recorded else None)


def _check_missing(store: MemoryStore, shape: Shape) -> None:
    if shape.missing and any(
        columns_at(versions, store.seq) is not None
        for versions in store.objects.get(shape.definition.name, {}).values()
    ):
        raise StoreError(
            f"{shape.missing[0]} is new and has no default, but objects without it exist",
            hint="give the field a default",
        )


def _learn(store: MemoryStore, shape: Shape, seq: int) -> Group:
    """Record a class as it is now, and convert what has a new type."""
    name = shape.definition.name
    store.recorded.setdefault(name, []).append((seq, shape.merged))
    if shape.conversions:
        for oid, versions in store.objects.get(name, {}).items():
            if (columns := columns_at(versions, store.seq)) is not None:
                now = {**columns, **shape.columns(shape.row(oid, columns))}
                _put(store, versions, seq, now)
    return schema_group(name)


def _write(store: MemoryStore, shape: Shape, overlay: Overlay, seq: int) -> None:
    objects = store.objects.setdefault(overlay.definition.name, {})
    for oid in overlay.deleted:
        _put(store, objects[oid], seq, None)
    for oid, mask in overlay.masks.items():
        row = overlay.changed_row(oid)
        changed = {
            shape.column(field): row[field.position] for field in overlay.definition.fields_of(mask)
        }
        _put(store, objects[oid], seq, {**(columns_at(objects[oid], seq) or {}), **changed})
    for oid, row in overlay.created.items():
        _put(store, objects.setdefault(oid, []), seq, shape.columns(row))


def _put(store: MemoryStore, versions: Versions, seq: int, columns: Columns | None) -> None:
    """Add a version, and drop those that no snapshot sees any more."""
    if versions and versions[-1][0] == seq:
        versions.pop()
    versions.append((seq, columns))
    oldest = store.oldest_snapshot()
    while len(versions) > 1 and versions[1][0] <= oldest:
        del versions[0]


def _check_unique(store: MemoryStore, shape: Shape, overlay: Overlay) -> None:
    """Check that what is written leaves unique values unique.

    Raises:
        AlreadyExistsError: It does not.
        StoreError: Values that an older release wrote are not unique.
        RevisionConflictError: Another commit made an object of the same number.
    """
    definition = overlay.definition
    objects = store.objects.get(definition.name, {})
    for oid in overlay.created:
        if oid in objects:
            raise RevisionConflictError(f"another commit added the same {definition.name}")
    is_all = bool(overlay.created) or not shape.is_current
    touched = -1 if is_all else _union(overlay.masks.values())
    for fields in definition.unique_fields:
        if not any(field.bit & touched for field in fields):
            continue
        taken: dict[tuple[Stored, ...], int] = {}
        rows = [
            (oid, shape.row(oid, columns))
            for oid, versions in objects.items()
            if oid not in overlay.rows and (columns := columns_at(versions, store.seq)) is not None
        ]
        written = [(oid, row) for oid, row in overlay.rows.items() if row is not None]
        for oid, row in (*rows, *written):
            values = tuple(row[field.position] for field in fields)
            if None not in values and (other := taken.setdefault(values, oid)) != oid:
                if not overlay.rows.keys() & {oid, other}:
                    places = [shape.column(field) for field in fields]
                    raise not_unique(shape, places, sorted((other, oid)))
                names = ", ".join(field.name for field in fields)
                text = ", ".join(map(str, values))
                raise AlreadyExistsError(f"{definition.name} with {names}", text)


def _union(masks: Iterable[int]) -> int:
    union = 0
    for mask in masks:
        union |= mask
    return union
