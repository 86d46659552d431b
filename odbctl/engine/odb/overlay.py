"""What a transaction has written and not yet committed, laid over its snapshot."""

from __future__ import annotations

from collections.abc import Iterable

from odbctl.engine.odb.codec import Row, Stored
from odbctl.engine.odb.definition import Definition
from odbctl.engine.odb.field import Field


class Overlay:
    """The uncommitted writes of one class."""

    __slots__ = ("base", "created", "definition", "deleted", "index", "masks", "rows")

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        # The rows as they will be; None where deleted.
        self.rows: dict[int, list[Stored] | None] = {}
        # The rows as they were, of objects that are not new.
        self.base: dict[int, Row] = {}
        self.masks: dict[int, int] = {}
        self.created: dict[int, list[Stored]] = {}
        self.deleted: set[int] = set()
        # Objects by the values that indexed fields were given here.
        self.index: dict[Field, dict[Stored, set[int]]] = {}

    def create(self, oid: int, row: list[Stored]) -> None:
        """Add a new object."""
        self.rows[oid] = self.created[oid] = row
        for field in self.definition.indexed:
            self._index(field, row[field.position], oid)

    def adopt(self, oid: int, base: Row) -> list[Stored]:
        """Take a stored object in, so that it can be changed."""
        self.base[oid] = base
        row = self.rows[oid] = list(base)
        return row

    def change(self, oid: int, row: list[Stored], field: Field, stored: Stored) -> None:
        """Set one field of an object that is in the overlay."""
        if field.mark:
            self.index.get(field, {}).get(row[field.position], set()).discard(oid)
            self._index(field, stored, oid)
        row[field.position] = stored
        if oid not in self.created:
            self.masks[oid] = self.masks.get(oid, 0) | field.bit

    def delete(self, oid: int) -> None:
        """Delete an object that is in the overlay."""
        self.rows[oid] = None
        self.masks.pop(oid, None)
        if self.created.pop(oid, None) is None:
            self.deleted.add(oid)

    def candidates(self, fields: tuple[Field, ...], values: tuple[Stored, ...]) -> Iterable[int]:
        """Give the objects that a lookup may find because of what was written here."""
        if not fields:
            return self.created
        found: set[int] = set()
        for field, value in zip(fields, values, strict=True):
            found |= self.index.get(field, {}).get(value, set())
        return found

    def fits(self, oid: int, fields: tuple[Field, ...], values: tuple[Stored, ...]) -> bool:
        """Tell whether an object in the overlay exists and has these values."""
        row = self.rows[oid]
        if row is None:
            return False
        pairs = zip(fields, values, strict=True)
        return all(row[field.position] == value for field, value in pairs)

    def is_empty(self) -> bool:
        """Tell whether a commit would write nothing."""
        return not (self.masks or self.created or self.deleted)

    def _index(self, field: Field, stored: Stored, oid: int) -> None:
        self.index.setdefault(field, {}).setdefault(stored, set()).add(oid)
