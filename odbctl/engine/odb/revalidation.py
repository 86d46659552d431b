"""Revalidation: whether what a transaction read is still so, when the log cannot tell.

The log goes back some hundred thousand commits. A transaction that began
before reads again, under the commit lock, what it had read: if all is equal,
it could as well have run just now.
"""

from __future__ import annotations

from collections.abc import Iterable

from odbctl.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from odbctl.engine.odb.cache import CachedTable
    from odbctl.engine.odb.codec import Row
    from odbctl.engine.odb.definition import Definition
    from odbctl.engine.odb.overlay import Overlay
    from odbctl.engine.odb.readset import Fields, Keys, ReadSet
    from odbctl.engine.odb.session import Session
    from odbctl.engine.odb.store import Table


def is_unchanged(session: Session, reads: ReadSet, overlays: Iterable[Overlay]) -> bool:
    """Tell whether all that was read, and all that is to be written, is as the cache has it.

    False also where that cannot be told, e.g. of objects that were only counted.
    """
    if reads.ranges is not None:
        return False  # what they found is not kept
    tables = session.cache.tables
    for definition, masks in reads.objects.items():
        table = tables.get(definition)
        if table is None or not _are_objects(definition, table.rows, masks, session):
            return False
    for definition, lookups in reads.lookups.items():
        table = tables.get(definition)
        if table is None or not _are_lookups(table, lookups, session.link.table(definition)):
            return False
    return all(
        _are_objects(overlay.definition, overlay.base, overlay.masks, session)
        for overlay in overlays
    )


def _are_objects(
    definition: Definition, before: dict[int, Row], masks: dict[int, int], session: Session
) -> bool:
    source = session.link.table(definition)
    for oid, mask in masks.items():
        old, new = before.get(oid), source.row(oid)
        if old is None and new is None:
            continue
        if old is None or new is None:
            return False
        if any(old[each.position] != new[each.position] for each in definition.fields_of(mask)):
            return False
    return True


def _are_lookups(table: CachedTable, lookups: dict[Fields, set[Keys]], source: Table) -> bool:
    for fields, asked in lookups.items():
        known = table.lookups.get(fields, {})
        if any(field.codec.column == "BLOB" for field in fields):
            return False  # their keys are not what is stored
        for keys in asked:
            found = known.get(keys)
            if found is None:
                return False
            if [each.oid for each in found] != [row[0] for row in source.select(fields, keys)]:
                return False
    return True
