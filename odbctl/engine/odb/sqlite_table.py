"""The table of one class in the file: how a release reads it, and the SQL that writes it.

Used by the link of one thread; made anew when the table has changed.
"""

from __future__ import annotations

from collections.abc import Sequence

from odbctl.engine.odb.codec import Row, Stored
from odbctl.engine.odb.definition import Definition, quoted
from odbctl.engine.odb.driver import Connection
from odbctl.engine.odb.field import Field
from odbctl.engine.odb.shape import Shape
from odbctl.engine.odb.tables import literal, read_record, table_of


class SqliteTable:
    """The table of one class, which may lack some of its fields."""

    __slots__ = (
        "_columns",
        "_connection",
        "_select",
        "_table",
        "_unique_mask",
        "_updates",
        "shape",
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
        self._unique_mask: int | None = None
        self._updates: dict[int, tuple[str, tuple[int, ...]]] = {}

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
        found = self._connection.query(f"{self._select} WHERE oid = ?", (oid,))
        return self.shape.converted(found[0]) if found else None

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
        if not self.shape.exists:
            return []
        if any(place.field in fields for place in self.shape.conversions):
            return self._scan(fields, values, limit, newest=newest, after=after)
        sql = self._lookup(fields)
        if after is not None:
            sql += f" {'AND' if fields else 'WHERE'} oid {'<' if newest else '>'} ?"
            values = (*values, after)
        tail = "" if limit is None else f"{' DESC' if newest else ''} LIMIT {int(limit)}"
        rows = self._connection.query(f"{sql} ORDER BY oid{tail}", values)
        if not self.shape.is_plain:
            rows = [self.shape.converted(row) for row in rows]
        return rows[::-1] if newest else rows

    def count(self, fields: Sequence[Field], values: Sequence[Stored]) -> int:
        """Count the rows with these values."""
        if not self.shape.exists:
            return 0
        if any(place.field in fields for place in self.shape.conversions):
            return len(self._scan(fields, values, None, newest=False))
        rows = self._connection.query(f"SELECT count(*) FROM ({self._lookup(fields)})", values)
        return int(str(rows[0][0]))

    def insert(self) -> str:
        """Give the INSERT of a whole row."""
        columns = ", ".join(["oid", *(quoted(place.column) for place in self.shape.places)])
        places = ", ".join("?" * (1 + len(self.shape.places)))
        return f"INSERT INTO {self._table} ({columns}, rev) VALUES ({places}, 1)"

    def delete(self) -> str:
        """Give the DELETE of an object."""
        return f"DELETE FROM {self._table} WHERE oid = ?"

    def update(self, mask: int) -> tuple[str, tuple[int, ...]]:
        """Give the UPDATE of the fields in `mask`, and their positions in a row.

        The oid is the last argument of the statement.
        """
        if (update := self._updates.get(mask)) is None:
            fields = self.shape.definition.fields_of(mask)
            places = ", ".join(f"{quoted(self.shape.column(each))} = ?" for each in fields)
            sql = f"UPDATE {self._table} SET {places}, rev = rev + 1 WHERE oid = ?"
            update = self._updates[mask] = sql, tuple([each.position for each in fields])
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

    def _lookup(self, fields: Sequence[Field]) -> str:
        # IS, not =: a lookup of None means NULL.
        terms = " AND ".join(f"{self._columns[each]} IS ?" for each in fields)
        return f"{self._select}{' WHERE ' + terms if terms else ''}"

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
