"""What a transaction has written and not yet committed, laid over its snapshot."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from itertools import islice

from odbctl.engine.odb.codec import Row, Stored
from odbctl.engine.odb.definition import Definition
from odbctl.engine.odb.field import Field
from odbctl.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Final

    from odbctl.engine.odb.ranges import Range

# Rows that one statement reads at most at the end of a lookup.
MOST_ROWS_IN_A_PAGE: Final = 500

Fields = tuple[Field, ...]
Values = tuple[Stored, ...]
# Reads the next rows of a lookup from one end on: at most so many, behind an oid.
ReadRows = Callable[[int, int | None], list[Row]]
# Reads the rows of a range.
ReadRange = Callable[["Range"], Sequence[Sequence[Stored]]]
# Oids in order.
Candidates = dict[int, list[Stored]] | Sequence[int]
# The same, by value, by field.
FieldIndex = dict[Field, dict[Stored, list[int]]]


class StoredEnd:
    """One end of a lookup in the snapshot, read in growing pages as objects are written.

    An object that is written leaves it for good, so that a loop over the first object that is
    not done reads each row once.
    """

    __slots__ = ("_is_complete", "_last", "_oids", "_page_rows")

    def __init__(self) -> None:
        self._oids: list[int] = []
        self._last: int | None = None
        self._page_rows = 1
        self._is_complete = False

    def first(self, count: int, hidden: Collection[int], read: ReadRows) -> list[int]:
        """Give the first objects that are not hidden: once hidden, they stay so."""
        oids, at = self._oids, 0
        while at < count:
            if at < len(oids):
                if oids[at] in hidden:
                    del oids[at]
                else:
                    at += 1
            elif self._is_complete:
                break
            else:
                self._read_page(count - at, read)
        return oids[:at]

    def _read_page(self, wanted: int, read: ReadRows) -> None:
        limit = max(wanted, self._page_rows)
        rows = read(limit, self._last)
        self._page_rows = min(2 * limit, MOST_ROWS_IN_A_PAGE)
        self._is_complete = len(rows) < limit
        self._oids += [int(row[0] or 0) for row in rows]
        if self._oids:
            self._last = self._oids[-1]


class StoredRange:
    """The beginning of a range in the snapshot, read likewise."""

    __slots__ = ("_is_complete", "_page_rows", "_rest", "_rows")

    def __init__(self, wanted: Range) -> None:
        self._rows: list[Sequence[Stored]] = []
        self._rest = wanted
        self._page_rows = 1
        self._is_complete = False

    def first(
        self, count: int, hidden: Collection[int], read: ReadRange
    ) -> Sequence[Sequence[Stored]]:
        """Give the first rows of objects that are not hidden: once hidden, they stay so."""
        rows, at = self._rows, 0
        while at < count:
            if at < len(rows):
                if rows[at][0] in hidden:
                    del rows[at]
                else:
                    at += 1
            elif self._is_complete:
                break
            else:
                limit = max(count - at, self._page_rows)
                found = read(self._rest._replace(limit=limit))
                self._page_rows = min(2 * limit, MOST_ROWS_IN_A_PAGE)
                self._is_complete = len(found) < limit
                rows += found
                if found:
                    self._rest = self._rest.behind(self._rest.key(found[-1]))
        return rows[:at]


class Overlay:
    """The uncommitted writes of one class."""

    __slots__ = (
        "_base_counts",
        "_ends",
        "_index",
        "_ranges",
        "base",
        "created",
        "definition",
        "deleted",
        "masks",
        "rows",
    )

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        # The rows as they will be; None where deleted.
        self.rows: dict[int, list[Stored] | None] = {}
        # The rows as they were, of objects that are not new.
        self.base: dict[int, Row] = {}
        self.masks: dict[int, int] = {}
        self.created: dict[int, list[Stored]] = {}
        self.deleted: set[int] = set()
        # Objects by the values that indexed fields have here; made by the first lookup.
        self._index: FieldIndex | None = None
        # By looked-up fields: how many objects in `base` have which values.
        self._base_counts: dict[Fields, Counter[Values]] = {}
        self._ends: dict[tuple[Fields, Values, bool], StoredEnd] = {}
        self._ranges: dict[Range, StoredRange] = {}

    def create(self, oid: int, row: list[Stored]) -> None:
        """Add a new object."""
        self.rows[oid] = self.created[oid] = row
        if self._index is not None:
            self._add_to_index(self._index, oid, row)

    def adopt(self, oid: int, base: Row) -> list[Stored]:
        """Take a stored object in, so that it can be changed."""
        self.base[oid] = base
        for fields, counts in self._base_counts.items():
            counts[_values_of(base, fields)] += 1
        row = self.rows[oid] = list(base)
        if self._index is not None:
            self._add_to_index(self._index, oid, row)
        return row

    def change(self, oid: int, row: list[Stored], field: Field, stored: Stored) -> None:
        """Set one field of an object that is in the overlay."""
        if self._index is not None and field in self._index:
            known = self._index[field]
            _discard(known[row[field.position]], oid)
            _insert(known.setdefault(stored, []), oid)
        row[field.position] = stored
        if oid not in self.created:
            self.masks[oid] = self.masks.get(oid, 0) | field.bit

    def delete(self, oid: int) -> None:
        """Delete an object that is in the overlay."""
        row = self.rows[oid]
        if self._index is not None and row is not None:
            for field, known in self._index.items():
                _discard(known[row[field.position]], oid)
        self.rows[oid] = None
        self.masks.pop(oid, None)
        if self.created.pop(oid, None) is None:
            self.deleted.add(oid)

    def rebase(self, oid: int, base: Row) -> None:
        """Lay what was written to an object over a newer row of it."""
        row, mask = self.rows[oid], self.masks.get(oid, 0)
        self._index = None
        self._base_counts.clear()
        self.base[oid] = base
        if row is not None:
            for field in self.definition.ordered:
                if not field.bit & mask:
                    row[field.position] = base[field.position]

    def changed_row(self, oid: int) -> list[Stored]:
        """Give the row, as it will be, of an object that was changed and not deleted."""
        row = self.rows[oid]
        assert row is not None, "a deleted object has no mask"
        return row

    def oids_by_mask(self) -> dict[int, list[int]]:
        """Group the changed objects by the fields that were set."""
        groups: dict[int, list[int]] = {}
        for oid, mask in self.masks.items():
            groups.setdefault(mask, []).append(oid)
        return groups

    def candidates(self, fields: Fields, values: Values) -> Candidates:
        """Give the objects that a lookup may find because of what was written here, in order."""
        if not fields:
            return self.created
        index = self._index
        if index is None:
            index = self._index = {field: {} for field in self.definition.indexed}
            for oid, row in sorted(self.rows.items()):
                if row is not None:
                    self._add_to_index(index, oid, row)
        found = [index[field].get(value, []) for field, value in zip(fields, values, strict=True)]
        return min(found, key=len)

    def end_of(
        self, fields: Fields, values: Values, count: int, read: ReadRows, *, newest: bool
    ) -> list[int]:
        """Give the oids of one end of a lookup, oldest first.

        Args:
            fields: What is looked up.
            values: Their values.
            count: How many objects are wanted.
            read: Reads rows of the lookup in the snapshot, from this end.
            newest: Which end.
        """
        end = self._ends.get((fields, values, newest))
        if end is None:
            end = self._ends[fields, values, newest] = StoredEnd()
        # Objects that were written are among the candidates, if they still fit.
        oids = end.first(count, self.rows if fields else self.deleted, read)
        candidates = self.candidates(fields, values)
        fitting = (
            oid
            for oid in (reversed(candidates) if newest else candidates)
            if self.fits(oid, fields, values)
        )
        oids += islice(fitting, count)
        oids.sort(reverse=newest)
        del oids[count:]
        return oids[::-1] if newest else oids

    def stored_range(self, wanted: Range, read: ReadRange) -> Sequence[Sequence[Stored]]:
        """Give the rows of a range in the snapshot, as many as its limit without those here."""
        if wanted.limit is None:
            return read(wanted)
        whole = wanted._replace(limit=None)
        found = self._ranges.get(whole)
        if found is None:
            found = self._ranges[whole] = StoredRange(whole)
        return found.first(wanted.limit, self.rows, read)

    def surplus(self, fields: Fields, values: Values) -> int:
        """Say by how many objects more a lookup finds than it does in the snapshot."""
        if not fields:
            return len(self.created) - len(self.deleted)
        counts = self._base_counts.get(fields)
        if counts is None:
            rows = self.base.values()
            counts = self._base_counts[fields] = Counter([_values_of(row, fields) for row in rows])
        own = self.candidates(fields, values)
        return sum([self.fits(oid, fields, values) for oid in own]) - counts[values]

    def fits(self, oid: int, fields: tuple[Field, ...], values: tuple[Stored, ...]) -> bool:
        """Tell whether an object in the overlay exists and has these values."""
        row = self.rows[oid]
        if row is None:
            return False
        for field, value in zip(fields, values, strict=True):
            if row[field.position] != value:
                return False
        return True

    def is_empty(self) -> bool:
        """Tell whether a commit would write nothing."""
        return not (self.masks or self.created or self.deleted)

    def _add_to_index(self, index: FieldIndex, oid: int, row: list[Stored]) -> None:
        for field, known in index.items():
            _insert(known.setdefault(row[field.position], []), oid)


def _values_of(row: Row, fields: Fields) -> Values:
    return tuple([row[field.position] for field in fields])


def _insert(oids: list[int], oid: int) -> None:
    if not oids or oid > oids[-1]:
        oids.append(oid)  # nearly always: new objects have the largest oids
    else:
        oids.insert(bisect_left(oids, oid), oid)


def _discard(oids: list[int], oid: int) -> None:
    at = bisect_left(oids, oid)
    if at < len(oids) and oids[at] == oid:
        del oids[at]
