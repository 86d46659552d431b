"""Ranges: lookups by comparison, in the order of a field, page by page. Pure.

The place of an object in an order is its key: `(0, 0, oid)` if it has no
value, else `(1, value, oid)`. So None comes first, and objects of one value
come oldest first. A range is what lies between two keys, both included. Keys
of the change log compare alike, so the same question decides what a range
finds and whether a later commit touches it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from odbctl.engine.odb.codec import LARGEST_INT, SMALLEST_INT, Mismatch, Stored
from odbctl.engine.odb.definition import (
    AFTER,
    COMPARISONS,
    LIMIT,
    ORDER_BY,
    RANGE_WORDS,
    Definition,
)
from odbctl.engine.odb.field import UNSET, Field
from odbctl.engine.odb.log import (
    HASHED,
    SCHEMA,
    UPDATE,
    Group,
    log_key,
    may_be_hash,
    short_key,
)
from odbctl.light_typing import TYPE_CHECKING, Any, NamedTuple, cast

if TYPE_CHECKING:
    from typing import Final, TypeVar

    from odbctl.engine.odb.readset import Fields, Keys

    AnyRow = TypeVar("AnyRow", bound=Sequence[Stored])

# A key, or the beginning of one: a shorter tuple comes before all that begin like it.
Bound = tuple[Any, ...]
START: Final = (0,)
END: Final = (2,)
# How many rows an iterator reads at once.
PAGE_ROWS: Final = 500
# Stand in a bound for an oid before and behind all others.
BEFORE_OIDS: Final = float("-inf")
BEHIND_OIDS: Final = float("inf")
# Beyond what SQLite takes as an integer.
_BEYOND_INTS: Final = 1e19
_NULLS_END: Final = (0, 0, BEHIND_OIDS)
# Where the oid of a bound stands among objects of one value.
_EDGES: Final = {"gt": BEHIND_OIDS, "gte": BEFORE_OIDS, "lt": BEFORE_OIDS, "lte": BEHIND_OIDS}
# What no value of a column comes before.
_LOWEST: Final[dict[str, Stored]] = {
    "INTEGER": float("-inf"),
    "REAL": float("-inf"),
    "TEXT": "",
    "BLOB": b"",
}


class Range(NamedTuple):
    """A lookup by range: what is asked for, in which order, and how much of it."""

    definition: Definition
    # Fields that have one value.
    fields: Fields
    values: tuple[Stored, ...]
    order: Field | None  # None is the order of oids
    low: Bound
    high: Bound
    is_descending: bool
    limit: int | None

    def key(self, row: Sequence[Stored]) -> Bound:
        """Return the place of a row in this order."""
        # Fields are properties, whose type a checker does not see when they are attributes.
        order: Field | None = self.order
        if order is None:
            return (1, 0, row[0])
        value = row[order.position]
        # As an object: the type of what stands for a missing value is not that of values.
        if value is None or cast("object", value) is UNSET:
            return (0, 0, row[0])
        return (1, value, row[0])

    def holds(self, row: Sequence[Stored]) -> bool:
        """Tell whether a row lies in the range."""
        for field, value in zip(self.fields, self.values, strict=True):
            if row[field.position] != value:
                return False
        return self.low <= self.key(row) <= self.high

    def ordered(self, rows: Sequence[AnyRow]) -> list[AnyRow]:
        """Return rows of the range in its order, up to its limit."""
        return sorted(rows, key=self.key, reverse=self.is_descending)[: self.limit]

    def behind(self, key: Bound) -> Range:
        """Return what comes after a key."""
        rank, value, oid = key
        if self.is_descending:
            return self._replace(high=min(self.high, (rank, value, _storable(oid - 1))))
        return self._replace(low=max(self.low, (rank, value, _storable(oid + 1))))

    def oid_before(self) -> int | None:
        """Return the oid behind which a range in the order of oids begins; None for the first."""
        bound = self.high if self.is_descending else self.low
        return None if len(bound) == 1 else bound[2] + (1 if self.is_descending else -1)

    def read_for(self, rows: Sequence[Sequence[Stored]]) -> Range:
        """Return the part of the range that was read to find these rows."""
        if self.limit is None or len(rows) < self.limit:
            return self
        last = self.key(rows[-1])
        return self._replace(low=last) if self.is_descending else self._replace(high=last)

    def parts(self) -> Sequence[Range]:
        """Split the range, in its order, so that each part is one search in an index.

        NULL is apart, because comparisons of SQL leave it out, and so are objects of one value
        that the range begins or ends among.
        """
        order, low, high = self.order, self.low, self.high
        if low > high or (low == high and low[2] in (BEFORE_OIDS, BEHIND_OIDS)):
            return ()
        if order is None or (low is START and high is END):
            return (self,)
        if low[0] == 1 and not _is_among_equals(low) and not _is_among_equals(high):
            return (self,)
        cuts: list[Bound] = [_NULLS_END]
        if _is_among_equals(low):
            cuts.append((*low[:2], BEHIND_OIDS))
        if _is_among_equals(high):
            cuts.append((*high[:2], BEFORE_OIDS))
        edges = [low, *sorted({cut for cut in cuts if low < cut < high}), high]
        lowest = _lowest(order)
        parts = [
            self._replace(low=lowest if first == _NULLS_END else first, high=last)
            for first, last in pairwise(edges)
            # Nothing comes before the lowest value.
            if last != lowest
        ]
        return parts[::-1] if self.is_descending else parts


class RangeReads:
    """The ranges of one class that a view or transaction has read."""

    __slots__ = ("_intervals", "definition")

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        # By the fields that have one value, their keys, and the field of the order: the bounds.
        self._intervals: dict[
            tuple[Fields, Keys, Field | None], dict[tuple[Bound, Bound], None]
        ] = {}

    def add(self, read: Range) -> None:
        """Remember a range; a page is joined to the one before it."""
        keys = tuple([log_key(value) for value in read.values])
        intervals = self._intervals.setdefault((read.fields, keys, read.order), {})
        low, high = _logged(read.low), _logged(read.high)
        if intervals:
            first, last = before = next(reversed(intervals))
            if first <= low and high <= last:
                return
            if _is_next(last, low):
                del intervals[before]
                low = first
            elif _is_next(high, first):
                del intervals[before]
                high = last
        intervals[low, high] = None

    def touched_by(self, group: Group) -> str | None:
        """Say which of the ranges a change of this class touched, or None."""
        if group.op == SCHEMA:
            return None
        for (fields, keys, order), intervals in self._intervals.items():
            if _touches(self.definition, group, fields, keys, order, intervals):
                return _text(self.definition, fields, keys, order)
        return None


def _touches(
    definition: Definition,
    group: Group,
    fields: Fields,
    keys: Keys,
    order: Field | None,
    intervals: Mapping[tuple[Bound, Bound], None],
) -> bool:
    """Tell whether an object of a change was, or now is, in one of the intervals.

    Of an update, values that did not change are not known: they may be any. An older release
    may not know that a field is indexed and log no keys of it: then every range counts.
    """
    asked = fields if order is None else (*fields, order)
    if group.op == UPDATE:
        mask = definition.mask_of(group.fields)
        known = [field for field in asked if field.bit & mask]
        if not known:
            return False
    else:
        known = list(asked)
    columns = {field: group.keys.get(field.log_name) for field in known}
    hashed = {field for field, column in columns.items() if column is None}
    for field in hashed:
        columns[field] = group.keys.get(HASHED + field.log_name)
        if columns[field] is None:
            return True
    equal = [
        (columns[field], short_key(key) if field in hashed else key)
        for field, key in zip(fields, keys, strict=True)
        if field in columns
    ]
    sides = (0, 1) if group.op == UPDATE else (None,)
    for each, oid in enumerate(group.oids):
        for side in sides:
            if any(_value(column, each, side) != key for column, key in equal):
                continue
            if order is not None and order not in columns:
                return True
            value = 0 if order is None else _value(columns[order], each, side)
            is_unknown = order in hashed and may_be_hash(value)
            if is_unknown or _is_within(_key(value, oid), intervals):
                return True
    return False


def _key(value: Any, oid: int) -> Bound:
    return (0, 0, oid) if value is None else (1, value, oid)


def _value(column: Any, each: int, side: int | None) -> Any:
    return column[each] if side is None else column[each][side]


def _is_within(key: Bound, intervals: Mapping[tuple[Bound, Bound], None]) -> bool:
    try:
        return any(low <= key <= high for low, high in intervals)
    except TypeError:
        return True  # another release has values of another type there


def _is_next(high: Bound, low: Bound) -> bool:
    return len(high) == len(low) == 3 and high[:2] == low[:2] and high[2] + 1 == low[2]


def _storable(oid: float) -> float:
    """Return a number that SQLite can compare, and that has the same place among oids."""
    if SMALLEST_INT <= oid <= LARGEST_INT or oid in (BEFORE_OIDS, BEHIND_OIDS):
        return oid
    return _BEYOND_INTS if oid > 0 else -_BEYOND_INTS


def _is_among_equals(bound: Bound) -> bool:
    """Tell whether objects of the same value may lie on both sides of a bound."""
    return len(bound) == 3 and bound[0] == 1 and bound[2] not in (BEFORE_OIDS, BEHIND_OIDS)


def _logged(bound: Bound) -> Bound:
    """Return a bound as it compares with keys of the change log."""
    return bound if len(bound) < 3 else (bound[0], log_key(bound[1]), bound[2])


def _text(definition: Definition, fields: Fields, keys: Keys, order: Field | None) -> str:
    terms = [f"{field.name}={key!r}" for field, key in zip(fields, keys, strict=True)]
    terms.append(f"order_by={'oid' if order is None else order.name}")
    return f"{definition.title}.lookup({', '.join(terms)})"


class _Question(NamedTuple):
    """What the names of the arguments of a lookup say."""

    fields: Fields
    order: Field | None
    is_descending: bool
    # The place before all values of the order.
    lowest: Bound
    # Names of arguments, whether they are lower bounds, and where in a bound the oid stands.
    comparisons: tuple[tuple[str, bool, float], ...]


def asked_range(
    definition: Definition, asked: Mapping[str, object], read: Callable[[Field, int], object]
) -> Range:
    """Return the range that the arguments of a lookup ask for.

    Args:
        definition: The class.
        asked: The arguments by name.
        read: Reads a field of an object: the place of `after`.

    Raises:
        TypeError: A field is not indexed or has no order, or an argument has another type.
    """
    if not definition.is_resolved:
        definition.resolve()
    words = definition.range_words
    given = asked
    if words is not RANGE_WORDS:
        given = {name: value for name, value in asked.items() if name in words}
    order_by, limit, after = given.get(ORDER_BY), given.get(LIMIT), given.get(AFTER)
    if order_by is not None and not isinstance(order_by, str):
        raise TypeError(f"{definition.title}: {ORDER_BY} expects the name of a field")
    names = (order_by, *asked)
    question: _Question | None = definition.questions.get(names)
    if question is None:
        question = definition.questions[names] = _question(definition, order_by, tuple(asked))
    fields, order, is_descending, lowest, comparisons = question
    if limit is not None:
        if not isinstance(limit, int) or isinstance(limit, bool):
            raise TypeError(f"{definition.title}: {LIMIT} expects int, got {limit!r:.200}")
        limit = 0 if limit < 0 else min(limit, LARGEST_INT)
    values = tuple([field.stored(asked[field.name]) for field in fields]) if fields else ()
    low, high = START, END
    if order is not None and comparisons:
        low, high = _bounds(order, lowest, comparisons, asked)
    found = Range(definition, fields, values, order, low, high, is_descending, limit)
    return found if after is None else found.behind(_place(found, after, read))


def _bounds(
    order: Field,
    lowest: Bound,
    comparisons: tuple[tuple[str, bool, float], ...],
    asked: Mapping[str, object],
) -> tuple[Bound, Bound]:
    low: Bound = lowest
    high: Bound = END
    for name, is_lower, oid in comparisons:
        value = asked[name]
        stored = None if value is None else order.stored(value)
        if stored is None:
            raise TypeError(f"{order}: {name} cannot be None, which is in no range")
        bound = (1, stored, oid)
        if is_lower:
            low = bound if low is lowest else max(low, bound)
        else:
            high = bound if high is END else min(high, bound)
    return low, high


def _lowest(order: Field) -> Bound:
    return (1, _LOWEST[order.codec.column], BEFORE_OIDS)


def _place(wanted: Range, after: object, read: Callable[[Field, int], object]) -> Bound:
    """Return the key behind which a page begins.

    Args:
        wanted: The range.
        after: An object; or a value of the field of the order, for what comes behind all that
            have it.
        read: Reads a field of an object.
    """
    definition, order = wanted.definition, cast("Field | None", wanted.order)
    if isinstance(after, definition.cls):
        if order is None:
            return (1, 0, after.oid)
        stored, oid = order.stored(read(order, after.oid)), after.oid
        return (0, 0, oid) if stored is None else (1, stored, oid)
    if order is None and isinstance(after, int) and not isinstance(after, bool):
        return (1, 0, after)
    if order is not None:
        try:
            stored = order.encode(after)
        except Mismatch:
            pass
        except ValueError as error:
            raise ValueError(f"{order}: {error}") from None
        else:
            return (1, stored, BEFORE_OIDS if wanted.is_descending else BEHIND_OIDS)
    value = "an oid" if order is None else f"a value of {order.name}"
    raise TypeError(
        f"{definition.title}: {AFTER} expects the last object of a page, or {value},"
        f" got {type(after).__name__} {after!r:.200}"
    )


def _question(definition: Definition, order_by: str | None, names: tuple[str, ...]) -> _Question:
    compared: dict[Field, list[tuple[str, str]]] = {}
    equal: list[str] = []
    for name in names:
        if definition.has_key(name):
            equal.append(name)
        elif name not in definition.range_words:
            of, _, comparison = name.rpartition("__")
            if of not in definition.fields or comparison not in COMPARISONS:
                if name in definition.fields:
                    definition.lookup_fields((name,))  # says that it is not indexed
                raise TypeError(
                    f"{definition.title}.{name} is no field, nor one with __gt, __gte, __lt, __lte"
                )
            compared.setdefault(definition.fields[of], []).append((name, comparison))
    if len(compared) > 1:
        text = " and ".join(field.name for field in compared)
        raise TypeError(f"{definition.title}: a lookup takes a range of one field, not of {text}")
    ranged = next(iter(compared), None)
    order = _order(definition, order_by, ranged)
    fields = definition.range_fields(tuple(equal), order)
    is_descending = order_by is not None and order_by.startswith("-")
    comparisons = [
        (name, comparison in ("gt", "gte"), _EDGES[comparison])
        for name, comparison in (compared[ranged] if ranged else ())
    ]
    lowest = START if order is None else _lowest(order)
    return _Question(fields, order, is_descending, lowest, tuple(comparisons))


def _order(definition: Definition, order_by: str | None, ranged: Field | None) -> Field | None:
    """Return the field of the order, None for the oid."""
    name = (order_by or "").removeprefix("-")
    order = definition.fields.get(name)
    if order is None and name not in ("", "oid"):
        raise TypeError(f"{definition.title}.{name} is not a field to order by")
    if ranged is not None:
        if name and order is not ranged:
            raise TypeError(
                f"{definition.title}: a range of {ranged.name} comes in the order of"
                f" {ranged.name}, not of {name}"
            )
        order = ranged
    if order is not None and not order.codec.is_ordered:
        raise TypeError(
            f"{order} is {order.codec.text}, whose stored values have another order;"
            " ranges are of int, float, str, bytes, bool, datetime, date, timedelta, UUID,"
            " and enums of int or str"
        )
    return order
