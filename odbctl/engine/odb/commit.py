"""Committing: what a transaction wants written, what may stand in its way, what it leaves.

The store writes it; here is decided, against the change log, whether later
commits touched what the transaction had read or wants to write.
"""

from __future__ import annotations

from collections.abc import Iterable

from odbctl.engine.odb.log import UPDATE, Group, groups_of
from odbctl.engine.odb.overlay import Overlay
from odbctl.engine.odb.readset import ReadSet
from odbctl.engine.odb.store import Write, Written
from odbctl.errors import RevisionConflictError
from odbctl.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from odbctl.engine.odb.cache import CachedTable
    from odbctl.engine.odb.codec import Row
    from odbctl.engine.odb.definition import Definition
    from odbctl.engine.odb.session import Session
    from odbctl.engine.odb.transaction import Transaction

_new_tuple: Callable[..., Any] = tuple.__new__  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType] - of any items


def commit(transaction: Transaction) -> None:
    """Write what a transaction has changed, if nothing that it read was changed.

    Raises:
        RevisionConflictError: Something that it read or wrote was changed by another commit.
        AlreadyExistsError: A unique value is taken.
    """
    session = transaction.session
    overlays: list[Overlay] = []
    groups: list[Group] = []
    outdated: list[Definition] = []
    for definition, overlay in transaction.overlays.items():
        if found := groups_of(overlay):
            overlays.append(overlay)
            groups += found
            table = session.cache.tables.get(definition) or session.table(definition)
            if not table.is_current:
                outdated.append(definition)
    if not overlays:
        return
    if session.has_snapshot:
        session.close_snapshot()
    base_seq = transaction.seq
    written = session.link.commit(
        _new_tuple(Write, (base_seq, overlays, groups, outdated, transaction.check))
    )
    _renew_cache(session, overlays, groups, written)
    session.link.announce(base_seq, written.seq)


def conflict(
    reads: ReadSet, overlays: Iterable[Overlay], later: list[Group] | None
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
    seq, others, learnt = written
    if others is None:
        cache.clear()
    elif others:
        cache.forget(others)
    if learnt:
        cache.forget(learnt)
    for overlay in overlays:
        definition = overlay.definition
        if (table := cache.tables.get(definition)) is not None:
            _renew_table(table, overlay, groups)
        if cache.has_namesakes and cache.has_another(definition):
            own = [group for group in groups if group.class_name == definition.name]
            cache.forget(own, but=definition)
    cache.seq = seq
    session.trust()


def _renew_table(table: CachedTable, overlay: Overlay, groups: list[Group]) -> None:
    """Write what was committed into the cache, and forget the lookups that it touched."""
    rows, name = table.rows, overlay.definition.name
    kept: dict[int, Row] = {}
    for oid in overlay.masks:
        # Others may have changed other fields of the object: then it is not here, and read anew.
        if oid in rows and (row := overlay.rows[oid]) is not None:
            kept[oid] = tuple(row)
    for group in groups:
        if (group.keys or group.op != UPDATE) and group.class_name == name:
            table.forget(group)
    rows.update(kept)
