"""The table of one class in the file: how a release reads it, and the SQL that writes it.

Used by the link of one thread; made anew when the table has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter

from odbctl.engine.odb.codec import Row, Stored
from odbctl.engine.odb.definition import Definition, quoted
from odbctl.engine.odb.driver import Connection
from odbctl.engine.odb.field import Field
from odbctl.engine.odb.shape import Shape
from odbctl.engine.odb.tables import LAST_SEQ, literal, read_record, table_of
from odbctl.errors import StoreError
from odbctl.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Final

    from odbctl.engine.odb.ranges import Range

Update = tuple[str, Callable[[Sequence[Stored]], tuple[Stored, ...]]]
OID_POSITION = 0
# Stand in bounds of ranges for an oid before or behind all others, see `ranges.py`.
BEHIND_OIDS: Final = float("inf")
_EDGES: Final = (-BEHIND_OIDS, BEHIND_OIDS)
_IS_NULL: Final = "IS NULL"
_OID_FROM: Final = "oid >= ?"
_OID_TO: Final = "oid <= ?"


class SqliteTable:
    """The table of one class, which may lack some of its fields."""

    __slots__ = (
        "_columns",
        "_connection",
        "_lookups",
        "_range_sql",
        "_select",
        "_select_as_of",
        "_select_row",
        "_table",
        "_unique_mask",
        "shape",
        "updates",
    )

    def __init__(self, connection: Connection, definition: Definition) -> None:
        self._connection = connection
        self.shape = shape = Shape(definition, read_record(connection, definition))
        self._table = table_of(definition)
        self._columns = {
            place.field: quoted(place.column) if place.is_there else literal(place.field.default)
            for place in shape.places
        }
        self._select = f"SELECT {', '.join(['oid', *self._columns.values()])} FROM {self._table}"
        self._select_row = f"{self._select} WHERE oid = ?"
        self._lookups: dict[tuple[Field, ...], str] = {}
        self._select_as_of: str | None = None
        self._unique_mask: int | None = None
        # By the fields that are set: the UPDATE, and what takes its arguments from a row.
        self.updates: dict[int, Update] = {}
        # The SELECTs and counts of ranges, by what is asked.
        self._range_sql: dict[tuple[object, ...], tuple[str, str]] = {}

    @property
    def is_current(self) -> bool:
        """Whether the file has all that this definition needs."""
        return self.shape.is_current

    @property
    def is_plain(self) -> bool:
        """Whether every value of a row can be read as it is."""
        return self.shape.is_plain

    def row(self, oid: int) -> Row | None:
        """Read a row."""
        if not self.shape.exists:
            return None
        found = self._connection.query(self._select_row, (oid,))
        if not found:
            return None
        return found[0] if self.shape.is_plain else self.shape.converted(found[0])

    def row_as_of(self, oid: int, seq: int) -> Row | None:
        """Read a row without a snapshot, if the commit `seq` still is the last one.

        One statement instead of four: it sees one state of the file by itself.
        """
        if not self.shape.is_plain or not self.shape.exists:
            return None
        if (sql := self._select_as_of) is None:
            columns = ", ".join(self._columns.values())
            sql = f"SELECT oid, {columns}, ({LAST_SEQ}) FROM {self._table} WHERE oid = ?"
            self._select_as_of = sql
        try:
            found = self._connection.query(sql, (oid,))
        except StoreError:
            return None  # another release may have changed the table since
        return found[0][:-1] if found and found[0][-1] == seq else None

    def select(
        self,
        fields: tuple[Field, ...],
        values: Sequence[Stored],
        *,
        limit: int | None = None,
        newest: bool = False,
        after: int | None = None,
    ) -> list[Row]:
        """Read the rows with these values, oldest first."""
        shape = self.shape
        if not shape.exists:
            return []
        if shape.conversions and any(place.field in fields for place in shape.conversions):
            return self._scan(fields, values, limit, newest=newest, after=after)
        if limit is None and after is None:
            sql = self._lookups.get(fields)
            if sql is None:
                sql = self._lookups[fields] = f"{self._lookup(fields)} ORDER BY oid"
        else:
            sql = self._lookup(fields)
            if after is not None:
                sql += f" {'AND' if fields else 'WHERE'} oid {'<' if newest else '>'} ?"
                values = (*values, after)
            tail = "" if limit is None else f" LIMIT {int(limit)}"
            sql = f"{sql} ORDER BY oid{' DESC' if newest else ''}{tail}"
        rows = self._connection.query(sql, values)
        if not shape.is_plain:
            rows = [shape.converted(row) for row in rows]
        return rows[::-1] if newest else rows

    def count(self, fields: tuple[Field, ...], values: Sequence[Stored]) -> int:
        """Count the rows with these values."""
        if not self.shape.exists:
            return 0
        if any(place.field in fields for place in self.shape.conversions):
            return len(self._scan(fields, values, None, newest=False))
        rows = self._connection.query(f"SELECT count(*) FROM ({self._lookup(fields)})", values)
        return int(str(rows[0][0]))

    def select_range(self, wanted: Range) -> list[Row]:
        """Read the rows of a range, in its order, up to its limit."""
        shape = self.shape
        if not shape.exists:
            return []
        if shape.conversions and self._is_converted(wanted):
            return wanted.ordered(self._scan_range(wanted))
        rows: list[Row] = []
        left = -1 if wanted.limit is None else wanted.limit
        for part in wanted.parts():
            if left == 0:
                break
            (sql, _), arguments = self._range_query(part)
            arguments.append(left)
            found = self._connection.query(sql, arguments)
            rows = rows + found if rows else found
            if left > 0:
                left -= len(found)
        return rows if shape.is_plain else [shape.converted(row) for row in rows]

    def count_range(self, wanted: Range) -> int:
        """Count the rows of a range, up to its limit."""
        if not self.shape.exists:
            return 0
        if self._is_converted(wanted):
            count = len(self._scan_range(wanted))
        else:
            count = 0
            for part in wanted.parts():
                (_, sql), arguments = self._range_query(part)
                count += int(str(self._connection.query(sql, arguments)[0][0]))
        return count if wanted.limit is None else min(count, wanted.limit)

    def insert(self) -> str:
        """Give the INSERT of a whole row."""
        columns = ", ".join(["oid", *(quoted(place.column) for place in self.shape.places)])
        places = ", ".join("?" * (1 + len(self.shape.places)))
        return f"INSERT INTO {self._table} ({columns}, rev) VALUES ({places}, 1)"

    def delete(self) -> str:
        """Give the DELETE of an object."""
        return f"DELETE FROM {self._table} WHERE oid = ?"

    def update(self, mask: int) -> Update:
        """Give the UPDATE of the fields in `mask`, and what takes its arguments from a row."""
        if (update := self.updates.get(mask)) is None:
            fields = self.shape.definition.fields_of(mask)
            places = ", ".join(f"{quoted(self.shape.column(each))} = ?" for each in fields)
            sql = f"UPDATE {self._table} SET {places}, rev = rev + 1 WHERE oid = ?"
            arguments = itemgetter(*[each.position for each in fields], OID_POSITION)
            update = self.updates[mask] = sql, arguments
        return update

    @property
    def unique_mask(self) -> int:
        """The fields that take part in a unique index, also of another release."""
        if self._unique_mask is None:
            columns = {each for index in self.shape.unique_columns for each in index}
            bits = [place.field.bit for place in self.shape.places if place.column in columns]
            self._unique_mask = sum(bits)
        return self._unique_mask

    def give_up(self, mask: int) -> str:
        """Give the UPDATE that frees the values of the fields in `mask`, until they are set."""
        fields = self.shape.definition.fields_of(mask)
        places = ", ".join(f"{quoted(self.shape.column(each))} = NULL" for each in fields)
        return f"UPDATE {self._table} SET {places} WHERE oid = ?"

    def _lookup(self, fields: tuple[Field, ...]) -> str:
        # IS, not =: a lookup of None means NULL.
        terms = " AND ".join(f"{self._columns[each]} IS ?" for each in fields)
        return f"{self._select}{' WHERE ' + terms if terms else ''}"

    def _range_query(self, part: Range) -> tuple[tuple[str, str], list[Stored]]:
        """Return the SELECT of a part of a range, its count, and the arguments of both.

        The SELECT has the limit as one argument more.
        """
        _, fields, values, order, low, high, is_descending, _ = part
        arguments: list[Stored] = [*values]
        terms: list[str] = []  # what is behind the name of the column or the oid
        is_one_value = True
        if order is not None:
            if high[0] == 0:
                terms.append(_IS_NULL)
            elif low[:2] == high[:2]:
                terms.append("= ?")
                arguments.append(low[1])
            else:
                is_one_value = False
        for bound, at, behind in ((low, ">= ?", "> ?"), (high, "< ?", "<= ?")):
            if len(bound) < 3:
                continue  # no key: the end of all
            _, value, oid = bound
            if not is_one_value:
                terms.append(behind if oid == BEHIND_OIDS else at)
                arguments.append(value)
            elif oid not in _EDGES:
                terms.append(_OID_FROM if bound is low else _OID_TO)
                arguments.append(oid)
        nulls = tuple([value is None for value in values]) if values else ()
        key = (fields, nulls, order, is_descending, *terms)
        if (sql := self._range_sql.get(key)) is None:
            sql = self._range_sql[key] = self._range_texts(part, nulls, terms)
        return sql, arguments

    def _range_texts(
        self, part: Range, nulls: Sequence[bool], terms: Sequence[str]
    ) -> tuple[str, str]:
        """Write the SELECT and the count of what `_range_query` has found out."""
        order, direction = part.order, " DESC" if part.is_descending else ""
        # Of IS, SQLite does not see that it leaves one value to sort.
        where = [
            f"{self._columns[field]} {'IS' if is_null else '='} ?"
            for field, is_null in zip(part.fields, nulls, strict=True)
        ]
        column = "oid" if order is None else self._columns[order]
        where += [each if each in (_OID_FROM, _OID_TO) else f"{column} {each}" for each in terms]
        text = f" WHERE {' AND '.join(where)}" if where else ""
        places = [f"oid{direction}"]
        if order is not None and self.shape.place(order).is_there:
            places.insert(0, f"{column}{direction}")
        select = f"{self._select}{text} ORDER BY {', '.join(places)} LIMIT ?"
        return select, f"SELECT count(*) FROM {self._table}{text}"

    def _is_converted(self, wanted: Range) -> bool:
        """Tell whether a range asks for values that no index has yet."""
        return any(
            place.field in wanted.fields or place.field is wanted.order
            for place in self.shape.conversions
        )

    def _scan_range(self, wanted: Range) -> list[Row]:
        rows = [self.shape.converted(row) for row in self._connection.query(self._select)]
        return [row for row in rows if wanted.holds(row)]

    def _scan(
        self,
        fields: Sequence[Field],
        values: Sequence[Stored],
        limit: int | None,
        *,
        newest: bool,
        after: int | None = None,
    ) -> list[Row]:
        """Look among all rows: what is yet to be converted is in no index."""
        behind = "" if after is None else f" WHERE oid {'<' if newest else '>'} {int(after)}"
        rows = [
            row
            for found in self._connection.query(f"{self._select}{behind} ORDER BY oid")
            if [(row := self.shape.converted(found))[each.position] for each in fields]
            == list(values)
        ]
        if limit is None:
            return rows
        return rows[max(0, len(rows) - limit) :] if newest else rows[:limit]
