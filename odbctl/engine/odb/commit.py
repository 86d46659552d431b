"""Committing: what a transaction wants written, what may stand in its way, what it leaves.

The store writes it; here is decided, against the change log, whether later
commits touched what the transaction had read or wants to write.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from odbctl.engine.odb.log import Group, LogRow, groups_of
from odbctl.engine.odb.overlay import Overlay
from odbctl.engine.odb.readset import ReadSet
from odbctl.engine.odb.store import Write, Written
from odbctl.errors import RevisionConflictError

if TYPE_CHECKING:
    from odbctl.engine.odb.cache import CachedTable
    from odbctl.engine.odb.session import Session
    from odbctl.engine.odb.transaction import Transaction


def commit(transaction: Transaction) -> None:
    """Write what a transaction has changed, if nothing that it read was changed.

    Raises:
        RevisionConflictError: Something that it read or wrote was changed by another commit.
        AlreadyExistsError: A unique value is taken.
    """
    overlays = [each for each in transaction.overlays.values() if not each.is_empty()]
    if not overlays:
        return
    session = transaction.session
    outdated = [
        each.definition for each in overlays if not session.table(each.definition).source.is_current
    ]
    groups = [group for overlay in overlays for group in groups_of(overlay)]
    session.close_snapshot()
    written = session.link.commit(
        Write(transaction.seq, overlays, groups, outdated, transaction.check)
    )
    _renew_cache(session, overlays, groups, written)
    session.link.announce(transaction.seq, written.seq)


def conflict(
    reads: ReadSet, overlays: Iterable[Overlay], later: list[LogRow] | None
) -> RevisionConflictError | None:
    """Say what later commits have changed that a transaction has read or wants to change.

    Args:
        reads: What it has read.
        overlays: What it wants to write.
        later: The log since its snapshot; None if that is no longer known.
    """
    if later is None:
        return RevisionConflictError("the transaction took so long that its log is gone")
    if not later:
        return None
    if text := reads.touched_by(later):
        return RevisionConflictError(f"another commit changed {text}, which this one had read")
    written = ReadSet()
    for overlay in overlays:
        written.objects[overlay.definition] = overlay.masks
    if text := written.touched_by(later):
        return RevisionConflictError(f"another commit changed {text}, which this one changes")
    return None


def _renew_cache(
    session: Session, overlays: list[Overlay], groups: list[Group], written: Written
) -> None:
    """Bring the cache from the snapshot to this commit, which is known without reading."""
    cache = session.cache
    if written.others:
        cache.forget(written.others)
    if written.learnt:
        cache.forget(row for group in written.learnt for row in group.rows(written.seq, 0.0))
    for overlay in overlays:
        if table := cache.tables.get(overlay.definition):
            _renew_table(table, overlay, groups)
    cache.seq = written.seq
    session.trust()


def _renew_table(table: CachedTable, overlay: Overlay, groups: list[Group]) -> None:
    """Write what was committed into the cache, and forget the lookups that it touched."""
    definition = overlay.definition
    rows = table.rows
    # Others may have changed other fields of the object: then it is not here, and read anew.
    kept = [oid for oid in overlay.masks if oid in rows]
    if overlay.created or overlay.deleted or _has_keys(groups, definition.name):
        if table.lookups:
            own = [
                row
                for group in groups
                if group.class_name == definition.name
                for row in group.rows(0, 0.0)
            ]
            table.forget(own)
        else:
            for oid in overlay.deleted:
                rows.pop(oid, None)
    for oid in kept:
        rows[oid] = tuple(overlay.changed_row(oid))


def _has_keys(groups: list[Group], class_name: str) -> bool:
    return any(group.keys for group in groups if group.class_name == class_name)
