"""A class of the store in memory: its objects in all versions, and how one snapshot sees them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final, cast

from odbctl.engine.odb.shape import Shape

if TYPE_CHECKING:
    from odbctl.engine.odb.codec import Row, Stored
    from odbctl.engine.odb.field import Field
    from odbctl.engine.odb.memory_store import MemoryStore
    from odbctl.engine.odb.ranges import Range

# An object as it is stored, by column; None where it is deleted.
Columns = dict[str, "Stored"]
# What an object was, and since which commit; the newest comes last.
Versions = list[tuple[int, Columns | None]]
# A column, what it holds where it is absent, and the value that is looked up in it.
Term = tuple[str, "Stored", "Stored"]

# Where an object was stored by a release that did not know a column.
_ABSENT: Final = object()
# What an index leads to that has no place among the values.
_NO_VALUES: Final = (None, _ABSENT)


class MemoryClass:
    """The objects of one class in all versions that snapshots can see, with indexes.

    An index is made when a column is first looked up, and leads to every object that has the
    value in any version. Used under the lock of the store.
    """

    __slots__ = ("_indexes", "_values", "defaults", "oids", "versions")

    def __init__(self) -> None:
        self.versions: dict[int, Versions] = {}
        # In order.
        self.oids: list[int] = []
        # Oids in order, by value, by column.
        self._indexes: dict[str, dict[object, list[int]]] = {}
        # The values of an index in order, by column, once a range of it is looked up.
        self._values: dict[str, list[Any]] = {}
        # By column: what an object has there for releases that stored it without, as in a file.
        self.defaults: dict[str, Stored] = {}

    def put(self, oid: int, seq: int, columns: Columns | None) -> None:
        """Add a version of an object; None deletes it."""
        versions = self.versions.get(oid)
        if versions is None:
            versions = self.versions[oid] = []
            _add(self.oids, oid)
        if versions and versions[-1][0] == seq:
            self._drop(oid, len(versions) - 1)
        versions.append((seq, columns))
        if columns is not None:
            for column, index in self._indexes.items():
                value = columns.get(column, _ABSENT)
                if value not in index:
                    index[value] = []
                    self._note(column, value)
                _add(index[value], oid)

    def trim(self, oid: int, oldest_snapshot: int) -> None:
        """Drop the versions of an object that no snapshot sees any more."""
        versions = self.versions.get(oid, [])
        while len(versions) > 1 and versions[1][0] <= oldest_snapshot:
            self._drop(oid, 0)
        if len(versions) == 1 and versions[0][1] is None and versions[0][0] <= oldest_snapshot:
            del self.versions[oid]
            _discard(self.oids, oid)

    def find(self, terms: Sequence[Term], seq: int, oids: Iterable[int]) -> Iterator[int]:
        """Give those of the objects that have these values at a commit."""
        for oid in oids:
            columns = columns_at(self.versions[oid], seq)
            if columns is not None and all(
                columns.get(column, default) == value for column, default, value in terms
            ):
                yield oid

    def candidates(self, terms: Sequence[Term]) -> Sequence[int]:
        """Give the objects, in order, that may have these values."""
        best: Sequence[int] = self.oids
        for column, default, value in terms:
            index = self._index(column)
            found = index.get(value, [])
            if default == value and (absent := index.get(_ABSENT)):
                found = sorted({*found, *absent})
            if len(found) < len(best):
                best = found
        return best

    def in_order(
        self, column: str, default: Stored, wanted: Range
    ) -> Iterator[tuple[Stored, Sequence[int]]]:
        """Give the values of a column that lie in a range, and the objects that may have each.

        The column must have an order. Both come in the order of the range, None too.
        """
        index, values = self._index(column), self._values[column]
        absent = index.get(_ABSENT, [])
        if absent and default is not None and default not in index:
            values = [*values]
            insort(values, default)
        (low_rank, *low), (high_rank, *high) = wanted.low, wanted.high
        begin = bisect_left(values, low[0]) if low_rank == 1 else 0
        end = bisect_right(values, high[0]) if high_rank == 1 else len(values) * (high_rank > 1)
        numbers = range(begin, end)
        found: Iterable[Stored] = map(
            values.__getitem__, reversed(numbers) if wanted.is_descending else numbers
        )
        if low_rank == 0:
            found = chain(found, (None,)) if wanted.is_descending else chain((None,), found)
        for value in found:
            oids: Sequence[int] = index.get(value, ())
            if absent and value == default:
                oids = sorted({*oids, *absent})
            yield value, oids[::-1] if wanted.is_descending else oids

    def has_order(self, column: str) -> bool:
        """Tell whether the values of a column can be ordered, making their order if need be.

        While older versions have values of another type, they cannot.
        """
        if column not in self._values:
            known: list[Any] = [each for each in self._index(column) if each not in _NO_VALUES]
            try:
                self._values[column] = sorted(known)
            except TypeError:
                return False
        return True

    def _note(self, column: str, value: Any) -> None:
        """Note a new value of an index in its order, if there is one."""
        if column in self._values and value not in _NO_VALUES:
            try:
                insort(self._values[column], value)
            except TypeError:
                del self._values[column]

    def _index(self, column: str) -> dict[object, list[int]]:
        index = self._indexes.get(column)
        if index is None:
            index = self._indexes[column] = {}
            for oid in self.oids:
                for _, columns in self.versions[oid]:
                    if columns is not None:
                        _add(index.setdefault(columns.get(column, _ABSENT), []), oid)
        return index

    def _drop(self, oid: int, number: int) -> None:
        """Drop a version, and what only it had from the indexes."""
        versions = self.versions[oid]
        _, dropped = versions.pop(number)
        if dropped is None:
            return
        kept = [columns for _, columns in versions if columns is not None]
        for column, index in self._indexes.items():
            value = dropped.get(column, _ABSENT)
            if all(columns.get(column, _ABSENT) != value for columns in kept):
                oids = index[value]
                _discard(oids, oid)
                if not oids:
                    del index[value]
                    if column in self._values and value not in _NO_VALUES:
                        values = self._values[column]
                        del values[bisect_left(values, value)]  # pyright: ignore[reportArgumentType] - they are of one type


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
            versions = self._store.class_of(self._shape.definition).versions.get(oid, [])
            columns = columns_at(versions, self._visible_seq())
        return None if columns is None else self._shape.row(oid, columns)

    def row_as_of(self, oid: int, seq: int) -> Row | None:
        """Leave it to a snapshot, which costs nothing here."""
        return None

    def select(
        self,
        fields: Sequence[Field],
        values: Sequence[Stored],
        *,
        limit: int | None = None,
        newest: bool = False,
        after: int | None = None,
    ) -> list[Row]:
        """Read the rows with these values, oldest first."""
        shape = self._shape
        if any(place.field in fields for place in shape.conversions):
            # What is yet to be converted is in no index.
            rows = [
                row
                for row in self._read((), None, newest=newest, after=after)
                if [row[field.position] for field in fields] == list(values)
            ][:limit]
        else:
            rows = self._read(terms_of(shape, fields, values), limit, newest=newest, after=after)
        return rows[::-1] if newest else rows

    def count(self, fields: Sequence[Field], values: Sequence[Stored]) -> int:
        """Count the rows with these values."""
        shape = self._shape
        if any(place.field in fields for place in shape.conversions):
            return len(self.select(fields, values))
        terms = terms_of(shape, fields, values)
        with self._store.lock:
            kept = self._store.class_of(shape.definition)
            return sum([1 for _ in kept.find(terms, self._visible_seq(), kept.candidates(terms))])

    def select_range(self, wanted: Range) -> list[Row]:
        """Read the rows of a range, in its order, up to its limit."""
        if wanted.order is not None:
            found = self._search(wanted)
            if found is not None:
                return [self._shape.row(oid, columns) for oid, columns in found]
            return wanted.ordered(self._rows_in(wanted))
        newest = wanted.is_descending
        after = wanted.oid_before()
        rows = self.select(
            wanted.fields, wanted.values, limit=wanted.limit, newest=newest, after=after
        )
        return rows[::-1] if newest else rows

    def count_range(self, wanted: Range) -> int:
        """Count the rows of a range, up to its limit."""
        found = self._search(wanted)
        if found is not None:
            return len(found)
        return len(self._rows_in(wanted)[: wanted.limit])

    def _search(self, wanted: Range) -> list[tuple[int, Columns]] | None:
        """Find the objects of a range one by one in the order of their values, up to its limit.

        Returns:
            None where all that have the other values are better read and sorted: they are few, or
            what is yet to be converted is in no index.
        """
        shape, order = self._shape, cast("Field | None", wanted.order)
        if order is None or any(
            place.field is order or place.field in wanted.fields for place in shape.conversions
        ):
            return None
        column, default, seq = shape.column(order), order.default, self._visible_seq()
        terms = terms_of(shape, wanted.fields, wanted.values)
        with self._store.lock:
            kept = self._store.class_of(shape.definition)
            if not kept.has_order(column) or (terms and not _is_worth_it(kept, terms, wanted)):
                return None
            found: list[tuple[int, Columns]] = []
            for value, oids in kept.in_order(column, default, wanted):
                own = [*terms, (column, default, value)]
                for oid in kept.find(own, seq, oids):
                    key = (0, 0, oid) if value is None else (1, value, oid)
                    if wanted.low <= key <= wanted.high:
                        if len(found) == wanted.limit:
                            return found
                        found.append((oid, columns_at(kept.versions[oid], seq) or {}))
            return found

    def _rows_in(self, wanted: Range) -> list[Row]:
        return [row for row in self.select(wanted.fields, wanted.values) if wanted.holds(row)]

    def _read(
        self, terms: Sequence[Term], limit: int | None, *, newest: bool, after: int | None
    ) -> list[Row]:
        """Read rows from one end on."""
        seq = self._visible_seq()
        with self._store.lock:
            kept = self._store.class_of(self._shape.definition)
            oids = kept.candidates(terms)
            if newest:
                end = len(oids) if after is None else bisect_left(oids, after)
                numbers = range(end - 1, -1, -1)
            else:
                begin = 0 if after is None else bisect_right(oids, after)
                numbers = range(begin, len(oids))
            ordered = map(oids.__getitem__, numbers)
            found = [
                (oid, columns_at(kept.versions[oid], seq) or {})
                for oid in islice(kept.find(terms, seq, ordered), limit)
            ]
        return [self._shape.row(oid, columns) for oid, columns in found]


def _is_worth_it(kept: MemoryClass, terms: Sequence[Term], wanted: Range) -> bool:
    """Tell whether a page is found before as many objects are met as have the other values."""
    count = len(kept.candidates(terms))
    return wanted.limit is not None and wanted.limit * len(kept.oids) < count * count


def terms_of(shape: Shape, fields: Sequence[Field], values: Sequence[Stored]) -> list[Term]:
    """Say what a lookup asks of columns."""
    return [
        (shape.column(field), field.default, value)
        for field, value in zip(fields, values, strict=True)
    ]


def columns_at(versions: Sequence[tuple[int, Columns | None]], seq: int) -> Columns | None:
    """Return what an object was at a commit."""
    for since, columns in reversed(versions):
        if since <= seq:
            return columns
    return None


def _add(oids: list[int], oid: int) -> None:
    if not oids or oid > oids[-1]:
        oids.append(oid)  # nearly always: new objects have the largest oids
        return
    at = bisect_left(oids, oid)
    if oids[at] != oid:
        oids.insert(at, oid)


def _discard(oids: list[int], oid: int) -> None:
    at = bisect_left(oids, oid)
    if at < len(oids) and oids[at] == oid:
        del oids[at]
