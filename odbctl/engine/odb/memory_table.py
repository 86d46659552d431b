"""A class of the store in memory, as one snapshot sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from odbctl.engine.odb.shape import Shape

if TYPE_CHECKING:
    from odbctl.engine.odb.codec import Row, Stored
    from odbctl.engine.odb.field import Field
    from odbctl.engine.odb.memory_store import MemoryStore

# An object as it is stored, by column; None where it is deleted.
Columns = dict[str, "Stored"]
# What an object was, and since which commit; the newest comes last.
Versions = list[tuple[int, Columns | None]]


class MemoryTable:
    """A class, as one release sees it in a snapshot."""

    def __init__(self, store: MemoryStore, visible_seq: Callable[[], int], shape: Shape) -> None:
        self._store = store
        self._visible_seq = visible_seq
        self._shape = shape
        self.is_current = shape.is_current
        self.is_plain = shape.is_plain

    def row(self, oid: int) -> Row | None:
        """Read the row of an object."""
        with self._store.lock:
            objects = self._store.objects.get(self._shape.definition.name, {})
            columns = columns_at(objects.get(oid, []), self._visible_seq())
        return None if columns is None else self._shape.row(oid, columns)

    def select(
        self,
        fields: Sequence[Field],
        values: Sequence[Stored],
        *,
        limit: int | None = None,
        newest: bool = False,
    ) -> list[Row]:
        """Read the rows with these values, oldest first."""
        rows = list(self._rows(fields, values))
        if limit is None:
            return rows
        return rows[max(0, len(rows) - limit) :] if newest else rows[:limit]

    def count(self, fields: Sequence[Field], values: Sequence[Stored]) -> int:
        """Count the rows with these values."""
        return sum(1 for _ in self._rows(fields, values))

    def _rows(self, fields: Sequence[Field], values: Sequence[Stored]) -> Iterator[Row]:
        seq = self._visible_seq()
        with self._store.lock:
            objects = self._store.objects.get(self._shape.definition.name, {})
            found = [
                (oid, columns)
                for oid, versions in sorted(objects.items())
                if (columns := columns_at(versions, seq)) is not None
            ]
        for oid, columns in found:
            row = self._shape.row(oid, columns)
            if all(row[each.position] == value for each, value in zip(fields, values, strict=True)):
                yield row


def columns_at(versions: Versions, seq: int) -> Columns | None:
    """Return what an object was at a commit."""
    for since, columns in reversed(versions):
        if since <= seq:
            return columns
    return None
