"""What a view or transaction has read, and whether the change log touches it.

The same question decides whether a commit conflicts and whether a reactor
runs again. Pure.

A lookup is remembered by its fields and their values, found or not, so that
an object that appears later counts (a phantom). `lookup_all()` without
fields is the lookup of no fields: any insert or delete in the class matches.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from odbctl.engine.odb.definition import Definition
from odbctl.engine.odb.field import Field
from odbctl.engine.odb.log import INSERT, SCHEMA, UPDATE, Key, LogRow, TouchedKeys

Fields = tuple[Field, ...]
# Values of looked-up fields as `log_key` writes them.
Keys = tuple[Key, ...]


class ReadSet:
    """Objects with the bits of their fields, and lookups, by class."""

    __slots__ = ("lookups", "objects")

    def __init__(self) -> None:
        self.objects: dict[Definition, dict[int, int]] = {}
        self.lookups: dict[Definition, dict[Fields, set[Keys]]] = {}

    def __bool__(self) -> bool:
        return bool(self.objects or self.lookups)

    def add_field(self, definition: Definition, oid: int, bit: int) -> None:
        """Remember that a field was read; bit 0 means only that the object exists."""
        masks = self.objects.get(definition)
        if masks is None:
            masks = self.objects[definition] = {}
        masks[oid] = masks.get(oid, 0) | bit

    def add_lookup(self, definition: Definition, fields: Fields, keys: Keys) -> None:
        """Remember a lookup, whatever it found."""
        self.lookups.setdefault(definition, {}).setdefault(fields, set()).add(keys)

    def touched_by(self, rows: Iterable[LogRow]) -> str | None:
        """Say what of this the log rows changed, or None.

        Returns:
            A text such as "core.Service.state of 123".
        """
        by_class = grouped(rows)
        for definition, masks in self.objects.items():
            for row in by_class.get(definition.name, ()):
                mask = masks.get(row.oid)
                if mask is not None and (text := _object_touched(definition, mask, row)):
                    return text
        for definition, lookups in self.lookups.items():
            for row in by_class.get(definition.name, ()):
                for fields, known in lookups.items():
                    if keys := touched_lookups(definition, row, fields, known):
                        return _lookup_text(definition, fields, keys[0])
        return None


def grouped(rows: Iterable[LogRow]) -> Mapping[str, list[LogRow]]:
    """Group log rows by class."""
    by_class: dict[str, list[LogRow]] = {}
    for row in rows:
        by_class.setdefault(row.class_name, []).append(row)
    return by_class


def touched_lookups(
    definition: Definition, row: LogRow, fields: Fields, known: Collection[Keys]
) -> list[Keys]:
    """Say which of the lookups by `fields` a log row may have changed.

    An older release may not know that a field is indexed and log no keys of
    it: then every lookup by it counts.

    Args:
        definition: The class that was looked up.
        row: A log row of this class.
        fields: The fields that were looked up.
        known: The keys that were looked up in them.
    """
    if row.op == SCHEMA:
        return []
    changed = definition.mask_of(row.fields) if row.op == UPDATE else -1
    if fields and not any(each.bit & changed for each in fields):
        return []
    touched = row.keys
    if len(fields) == 1 and (keys := touched.get(fields[0].log_name)) is not None:
        return [each for key in keys if (each := (key,)) in known]
    quantifier = any if row.op == UPDATE else all
    return [
        keys
        for keys in known
        if quantifier(
            field.bit & changed and _touches(touched, field, key)
            for field, key in zip(fields, keys, strict=True)
        )
    ]


def _touches(touched: TouchedKeys, field: Field, key: Key) -> bool:
    keys = touched.get(field.log_name)
    return keys is None or key in keys


def _object_touched(definition: Definition, mask: int, row: LogRow) -> str | None:
    if row.op == UPDATE:
        if both := mask & definition.mask_of(row.fields):
            names = definition.names_of(both).replace(",", ", ")
            return f"{definition.name}.{names} of {row.oid}"
        return None
    if row.op == SCHEMA:
        return None
    # Created: it was asked for before it existed.
    return f"{definition.name} {row.oid} ({'created' if row.op == INSERT else 'deleted'})"


def _lookup_text(definition: Definition, fields: Fields, keys: Keys) -> str:
    pairs = zip(fields, keys, strict=True)
    return f"{definition.name}.lookup({', '.join(f'{each.name}={key!r}' for each, key in pairs)})"
