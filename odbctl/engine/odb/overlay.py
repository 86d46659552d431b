"""What a transaction has written and not yet committed, laid over its snapshot."""

from __future__ import annotations

from collections.abc import Iterable

from odbctl.engine.odb.codec import Row, Stored
from odbctl.engine.odb.definition import Definition
from odbctl.engine.odb.field import Field


class Overlay:
    """The uncommitted writes of one class."""

    __slots__ = ("_index", "base", "created", "definition", "deleted", "masks", "rows")

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
        self._index: dict[Field, dict[Stored, set[int]]] | None = None

    def create(self, oid: int, row: list[Stored]) -> None:
        """Add a new object."""
        self.rows[oid] = self.created[oid] = row
        if self._index is not None:
            self._add_to_index(self._index, oid, row)

    def adopt(self, oid: int, base: Row) -> list[Stored]:
        """Take a stored object in, so that it can be changed."""
        self.base[oid] = base
        row = self.rows[oid] = list(base)
        if self._index is not None:
            self._add_to_index(self._index, oid, row)
        return row

    def change(self, oid: int, row: list[Stored], field: Field, stored: Stored) -> None:
        """Set one field of an object that is in the overlay."""
        if self._index is not None and field in self._index:
            known = self._index[field]
            known.get(row[field.position], set()).discard(oid)
            known.setdefault(stored, set()).add(oid)
        row[field.position] = stored
        if oid not in self.created:
            self.masks[oid] = self.masks.get(oid, 0) | field.bit

    def delete(self, oid: int) -> None:
        """Delete an object that is in the overlay."""
        self.rows[oid] = None
        self.masks.pop(oid, None)
        if self.created.pop(oid, None) is None:
            self.deleted.add(oid)

    def rebase(self, oid: int, base: Row) -> None:
        """Lay what was written to an object over a newer row of it."""
        row, mask = self.rows[oid], self.masks.get(oid, 0)
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

    def candidates(self, fields: tuple[Field, ...], values: tuple[Stored, ...]) -> Iterable[int]:
        """Give the objects that a lookup may find because of what was written here."""
        if not fields:
            return self.created
        index = self._index
        if index is None:
            index = self._index = {field: {} for field in self.definition.indexed}
            for oid, row in self.rows.items():
                if row is not None:
                    self._add_to_index(index, oid, row)
        return index[fields[0]].get(values[0], ())

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

    def _add_to_index(
        self, index: dict[Field, dict[Stored, set[int]]], oid: int, row: list[Stored]
    ) -> None:
        for field, known in index.items():
            known.setdefault(row[field.position], set()).add(oid)
