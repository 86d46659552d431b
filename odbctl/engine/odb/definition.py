"""What a stored class looks like: its fields, and the SQL that reads and writes it.

A `Definition` is made when the class is defined and resolved (hints become
codecs) when it is first used; after that it never changes. It belongs to the
process, not to a database: what a given file holds is `tables.py`'s concern.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from odbctl.engine.odb.codec import Row, Stored
from odbctl.engine.odb.field import MISSING, Field
from odbctl.engine.odb.hints import Mark

if TYPE_CHECKING:
    from odbctl.engine.odb.objects import DbObject


class Definition:
    """A stored class: its fields in order, and its SQL."""

    def __init__(
        self,
        name: str,
        module: str,
        hints: Mapping[str, object],
        defaults: Mapping[str, object],
        names: Mapping[str, object],
    ) -> None:
        self.name = name
        self.module = module
        self.hints = hints
        self.defaults = defaults
        self.names = names
        self.fields = {each: Field(self, each, number) for number, each in enumerate(hints)}
        self.is_resolved = False
        # What `require_unique` has found good.
        self._unique: set[tuple[str, ...]] = set()
        self.cls: type[DbObject]

    def resolve(self) -> None:
        """Turn hints into codecs and prepare the SQL. Does nothing the second time.

        Raises:
            TypeError: A hint is of a type that cannot be stored, or a default does not fit.
        """
        if self.is_resolved:
            return
        scope = vars(sys.modules[self.module]) if self.module in sys.modules else {}
        for name, field in self.fields.items():
            field.resolve(self._hint(name, scope), self.defaults.get(name, MISSING))
        ordered = tuple(self.fields.values())
        self.ordered = ordered
        self.indexed = tuple(each for each in ordered if each.mark)
        self.indexed_mask = sum(each.bit for each in self.indexed)
        self.required = tuple(each for each in ordered if each.is_required)
        self.blank: Row = (0, *(each.default for each in ordered))
        self.table = quoted(self.name)
        columns = ", ".join(quoted(each) for each in ("oid", *self.fields))
        places = ", ".join("?" * (1 + len(ordered)))
        self.select = f"SELECT {columns} FROM {self.table}"
        self.insert = f"INSERT INTO {self.table} ({columns}, rev) VALUES ({places}, 1)"
        self.delete = f"DELETE FROM {self.table} WHERE oid = ?"
        self._updates: dict[int, tuple[str, tuple[int, ...]]] = {}
        self._masks: dict[str, int] = {}
        self._lookups: dict[tuple[str, ...], tuple[Field, ...]] = {}
        self._names_of_mask: dict[int, str] = {}
        self.is_resolved = True

    def _hint(self, name: str, scope: dict[str, Any]) -> object:
        hint = self.hints[name]
        if not isinstance(hint, str):
            return hint
        try:
            return eval(hint, scope, dict(self.names))  # noqa: S307 - the author's own annotation
        except NameError as error:
            raise TypeError(f"{self.name}.{name}: {error}") from None

    def new_row(self, oid: int, values: Mapping[str, object]) -> list[Stored]:
        """Build the row of a new object.

        Raises:
            TypeError: A field is unknown, missing or of another type.
        """
        row = list(self.blank)
        row[0] = oid
        fields = self.fields
        for name, value in values.items():
            field = fields.get(name)
            if field is None:
                known = ", ".join(fields)
                raise TypeError(f"{self.name} has no field {name!r}; it has {known}")
            row[field.position] = field.stored(value)
        for field in self.required:
            if field.name not in values:
                raise TypeError(f"{field} is missing; it expects {field.codec.text}")
        return row

    def update_of(self, mask: int) -> tuple[str, tuple[int, ...]]:
        """Give the UPDATE of the fields in `mask`, and their positions in a row.

        The oid is the last argument of the statement.
        """
        if (update := self._updates.get(mask)) is None:
            fields = self.fields_of(mask)
            places = ", ".join(f"{quoted(each.name)} = ?" for each in fields)
            sql = f"UPDATE {self.table} SET {places}, rev = rev + 1 WHERE oid = ?"
            update = self._updates[mask] = sql, tuple([each.position for each in fields])
        return update

    def fields_of(self, mask: int) -> tuple[Field, ...]:
        """Give the fields whose bits are in `mask`."""
        return tuple(each for each in self.ordered if each.bit & mask)

    def names_of(self, mask: int) -> str:
        """Write a mask as the change log does: names with commas between."""
        if (text := self._names_of_mask.get(mask)) is None:
            text = ",".join(each.name for each in self.fields_of(mask))
            self._names_of_mask[mask] = text
        return text

    def mask_of(self, names: str) -> int:
        """Read a mask from the change log; names of other releases are left out."""
        if (mask := self._masks.get(names)) is None:
            known = (self.fields.get(each) for each in names.split(","))
            mask = self._masks[names] = sum(each.bit for each in known if each)
        return mask

    def lookup_fields(self, names: tuple[str, ...]) -> tuple[Field, ...]:
        """Give the fields of a lookup, in the order in which they were defined.

        Raises:
            TypeError: A field is unknown or not indexed.
        """
        if (found := self._lookups.get(names)) is None:
            found = self._lookups[names] = self._lookup_fields(names)
        return found

    def _lookup_fields(self, names: tuple[str, ...]) -> tuple[Field, ...]:
        fields: list[Field] = []
        for name in names:
            field = self.fields.get(name)
            if field is None or not field.mark:
                reason = "is not indexed" if field else "is no field"
                indexed = ", ".join(each.name for each in self.indexed) or "none"
                raise TypeError(f"{self.name}.{name} {reason}; indexed: {indexed}")
            fields.append(field)
        return tuple(sorted(fields, key=_position))

    def require_unique(self, names: tuple[str, ...]) -> None:
        """Check that a lookup names one Unique field.

        Raises:
            TypeError: It does not.
        """
        if names in self._unique:
            return
        self.resolve()
        fields = self.lookup_fields(names)
        if len(fields) == 1 and fields[0].mark is Mark.UNIQUE:
            self._unique.add(names)
        else:
            raise TypeError(f"{self.name}: lookup_unique takes one Unique field, not {names}")


def quoted(name: str) -> str:
    """Quote a name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def _position(field: Field) -> int:
    return field.position
