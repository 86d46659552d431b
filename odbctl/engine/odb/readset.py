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
from odbctl.engine.odb.log import HASHED, INSERT, SCHEMA, UPDATE, Group, Key, short_key
from odbctl.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from odbctl.engine.odb.ranges import Range, RangeReads

Fields = tuple[Field, ...]
# Values of looked-up fields as `log_key` writes them.
Keys = tuple[Key, ...]


class ReadSet:
    """Objects with the bits of their fields, and lookups, by class."""

    __slots__ = ("lookups", "objects", "ranges")

    def __init__(self) -> None:
        self.objects: dict[Definition, dict[int, int]] = {}
        self.lookups: dict[Definition, dict[Fields, set[Keys]]] = {}
        # Made with the first lookup by range.
        self.ranges: dict[Definition, RangeReads] | None = None

    def __bool__(self) -> bool:
        return bool(self.objects or self.lookups or self.ranges)

    def add_field(self, definition: Definition, oid: int, bit: int) -> None:
        """Remember that a field was read; bit 0 means only that the object exists."""
        masks = self.objects.get(definition)
        if masks is None:
            masks = self.objects[definition] = {}
        masks[oid] = masks.get(oid, 0) | bit

    def add_lookup(self, definition: Definition, fields: Fields, keys: Keys) -> None:
        """Remember a lookup, whatever it found."""
        lookups = self.lookups.get(definition)
        if lookups is None:
            self.lookups[definition] = {fields: {keys}}
        elif (known := lookups.get(fields)) is None:
            lookups[fields] = {keys}
        else:
            known.add(keys)

    def add_range(self, read: Range) -> None:
        """Remember a range that was read, whatever it found."""
        if self.ranges is None:
            self.ranges = {}
        reads = self.ranges.get(read.definition)
        if reads is None:
            from odbctl.engine.odb.ranges import RangeReads

            reads = self.ranges[read.definition] = RangeReads(read.definition)
        reads.add(read)

    def touched_by(self, groups: Iterable[Group]) -> str | None:
        """Say what of this the changes of a log touched, or None.

        Returns:
            A text such as "core.Service.state of 123".
        """
        by_class = grouped(groups)
        for definition, masks in self.objects.items():
            for group in by_class.get(definition.name, ()):
                if text := _objects_touched(definition, masks, group):
                    return text
        for definition, lookups in self.lookups.items():
            for group in by_class.get(definition.name, ()):
                for fields, known in lookups.items():
                    if keys := touched_lookups(definition, group, fields, known):
                        return _lookup_text(definition, fields, next(iter(keys)))
        return None if self.ranges is None else _ranges_touched(self.ranges, by_class)


def grouped(groups: Iterable[Group]) -> Mapping[str, list[Group]]:
    """Sort changes by class."""
    by_class: dict[str, list[Group]] = {}
    for group in groups:
        by_class.setdefault(group.class_name, []).append(group)
    return by_class


def touched_lookups(
    definition: Definition, group: Group, fields: Fields, known: Collection[Keys]
) -> Collection[Keys]:
    """Say which of the lookups by `fields` a change may have touched.

    An older release may not know that a field is indexed and log no keys of
    it: then every lookup by it counts.

    Args:
        definition: The class that was looked up.
        group: A change of this class.
        fields: The fields that were looked up.
        known: The keys that were looked up in them.
    """
    if group.op == SCHEMA:
        return ()
    if not fields:
        return () if group.op == UPDATE else tuple(known)
    if group.op == UPDATE:
        mask = definition.mask_of(group.fields)
        changed = [each for each, field in enumerate(fields) if field.bit & mask]
        return _touched_by_update(definition, group, fields, changed, known) if changed else ()
    keys = group.keys
    columns = [keys.get(field.log_name) for field in fields]
    if None in columns:
        return _touched_by_hashes(definition, group, fields, known)
    return set(zip(*columns, strict=True)).intersection(known)  # pyright: ignore[reportArgumentType] - None was looked for


def _touched_by_hashes(
    definition: Definition, group: Group, fields: Fields, known: Collection[Keys]
) -> Collection[Keys]:
    """Say the same where the log has no keys of a field, or hashes of long ones."""
    hashed = [
        number for number, field in enumerate(fields) if HASHED + field.log_name in group.keys
    ]
    if not hashed:
        return tuple(known)
    by_hash: dict[Keys, list[Keys]] = {}
    for keys in known:
        short = [short_key(key) if n in hashed else key for n, key in enumerate(keys)]
        by_hash.setdefault(tuple(short), []).append(keys)
    columns = {name.removeprefix(HASHED): column for name, column in group.keys.items()}
    found = touched_lookups(definition, group._replace(keys=columns), fields, by_hash)
    return [keys for short in found for keys in by_hash[short]]


def _touched_by_update(
    definition: Definition,
    group: Group,
    fields: Fields,
    changed: list[int],
    known: Collection[Keys],
) -> Collection[Keys]:
    """Say which lookups have an old or new value of a changed field; the others are not known."""
    values: dict[int, set[Key]] = {}
    for each in changed:
        pairs = group.keys.get(fields[each].log_name)
        if pairs is None:
            return _touched_by_hashes(definition, group, fields, known)
        values[each] = {key for pair in pairs for key in pair}
    if len(fields) == 1:
        return [keys for key in values[0] if (keys := (key,)) in known]
    return [keys for keys in known if any(keys[each] in values[each] for each in changed)]


def _ranges_touched(
    ranges: Mapping[Definition, RangeReads], by_class: Mapping[str, list[Group]]
) -> str | None:
    for definition, reads in ranges.items():
        for group in by_class.get(definition.name, ()):
            if text := reads.touched_by(group):
                return text
    return None


def _objects_touched(definition: Definition, masks: dict[int, int], group: Group) -> str | None:
    for oid in group.oids:
        mask = masks.get(oid)
        if mask is None or group.op == SCHEMA:
            continue
        if group.op != UPDATE:
            # Created: it was asked for before it existed.
            end = "created" if group.op == INSERT else "deleted"
            return f"{definition.title} {oid} ({end})"
        if both := mask & definition.mask_of(group.fields):
            names = ", ".join(each.name for each in definition.fields_of(both))
            return f"{definition.title}.{names} of {oid}"
    return None


def _lookup_text(definition: Definition, fields: Fields, keys: Keys) -> str:
    pairs = zip(fields, keys, strict=True)
    return f"{definition.title}.lookup({', '.join(f'{each.name}={key!r}' for each, key in pairs)})"
