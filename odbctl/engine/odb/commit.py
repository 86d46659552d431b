"""Committing: check under the lock that nothing read has changed, then write.

The order is: commit lock, BEGIN IMMEDIATE, the log since the snapshot against
the read set, the writes and their log rows, COMMIT, unlock, announce.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import TYPE_CHECKING, Final

from odbctl.engine.odb.codec import Stored
from odbctl.engine.odb.definition import Definition, quoted
from odbctl.engine.odb.driver import UniqueViolationError
from odbctl.engine.odb.field import Field
from odbctl.engine.odb.overlay import Overlay
from odbctl.engine.odb.readset import (
    DELETE,
    INSERT,
    SCHEMA,
    UPDATE,
    LogRow,
    ReadSet,
    TouchedKeys,
    keys_text,
    log_key,
)
from odbctl.engine.odb.tables import ensure_table
from odbctl.errors import AlreadyExistsError, RevisionConflictError

if TYPE_CHECKING:
    from odbctl.engine.odb.driver import Connection
    from odbctl.engine.odb.session import Session
    from odbctl.engine.odb.transaction import Transaction

_INSERT_LOG: Final = (
    "INSERT INTO log (seq, tx, class, oid, op, fields, keys) VALUES (?, ?, ?, ?, ?, ?, ?)"
)


def commit(transaction: Transaction) -> None:
    """Write what a transaction has changed, if nothing that it read was changed.

    Raises:
        RevisionConflictError: Something that it read or wrote was changed by another commit.
        AlreadyExistsError: A unique value is taken.
    """
    overlays = [each for each in transaction.overlays.values() if not each.is_empty()]
    if not overlays:
        return
    session, database = transaction.session, transaction.database
    session.end()
    with database.lock:
        others, own = _locked(session, transaction, overlays)
    _renew_cache(session, overlays, others, own)
    database.announce(own[0].seq, own[-1].seq)


def _locked(
    session: Session, transaction: Transaction, overlays: list[Overlay]
) -> tuple[list[LogRow], list[LogRow]]:
    connection = session.connection
    connection.run("BEGIN IMMEDIATE")
    try:
        others = _check(session, transaction, overlays)
        own = _write(session, overlays, transaction.seq + len(others))
        connection.run("COMMIT")
    except BaseException:
        connection.rollback()
        raise
    return others, own


def _check(session: Session, transaction: Transaction, overlays: list[Overlay]) -> list[LogRow]:
    rows = session.log_since(transaction.seq)
    if rows is None:
        raise RevisionConflictError("the transaction took so long that its log is gone")
    if rows and (text := transaction.read_set.touched_by(rows)):
        raise RevisionConflictError(f"another commit changed {text}, which this one had read")
    if rows and (text := _written(overlays).touched_by(rows)):
        raise RevisionConflictError(f"another commit changed {text}, which this one changes")
    return rows


def _written(overlays: list[Overlay]) -> ReadSet:
    written = ReadSet()
    for overlay in overlays:
        written.objects[overlay.definition] = overlay.masks
    return written


def _write(session: Session, overlays: list[Overlay], seq: int) -> list[LogRow]:
    """Write rows and log rows; `seq` is the last one of the log."""
    own: list[LogRow] = []
    numbers = count(seq + 1)
    for overlay in overlays:
        is_current = session.table(overlay.definition).is_current
        if not is_current and ensure_table(session.connection, overlay.definition):
            own.append(LogRow(next(numbers), overlay.definition.name, 0, SCHEMA, "", ""))
    for overlay in overlays:
        own.extend(_log_rows(overlay, numbers))
        _write_rows(session.connection, overlay)
    session.connection.run_many(_INSERT_LOG, [(row[0], seq + 1, *row[1:]) for row in own])
    return own


def _log_rows(overlay: Overlay, numbers: Iterator[int]) -> Iterator[LogRow]:
    definition = overlay.definition
    indexed = definition.indexed
    name = definition.name
    for oid in overlay.deleted:
        base = overlay.base[oid]
        yield LogRow(next(numbers), name, oid, DELETE, "", _keys(indexed, base))
    for oid, mask in overlay.masks.items():
        changed = [field for field in indexed if field.bit & mask]
        keys = _keys(changed, overlay.base[oid], overlay.rows[oid])
        yield LogRow(next(numbers), name, oid, UPDATE, definition.names_of(mask), keys)
    for oid, row in overlay.created.items():
        yield LogRow(next(numbers), name, oid, INSERT, "", _keys(indexed, row))


def _keys(fields: Sequence[Field], *rows: Sequence[Stored] | None) -> str:
    touched: TouchedKeys = {
        field.name: [log_key(row[field.position]) for row in rows if row] for field in fields
    }
    return keys_text(touched)


def _write_rows(connection: Connection, overlay: Overlay) -> None:
    definition = overlay.definition
    try:
        if overlay.deleted:
            connection.run_many(definition.delete, [(oid,) for oid in overlay.deleted])
        for mask, updates in _updates(overlay).items():
            connection.run_many(definition.update_sql(mask), updates)
        if overlay.created:
            connection.run_many(definition.insert, overlay.created.values())
    except UniqueViolationError as error:
        raise _taken(connection, overlay, error.column) from None


def _updates(overlay: Overlay) -> dict[int, list[tuple[Stored, ...]]]:
    """Group the updates by the fields they set: one statement serves each group."""
    groups: dict[int, list[tuple[Stored, ...]]] = {}
    for oid, mask in overlay.masks.items():
        row = overlay.rows[oid] or ()
        values = [row[field.position] for field in overlay.definition.fields_of(mask)]
        groups.setdefault(mask, []).append((*values, oid))
    return groups


def _taken(connection: Connection, overlay: Overlay, column: str) -> Exception:
    """Say which value of a unique field is taken."""
    definition = overlay.definition
    field = definition.fields.get(column.rpartition(".")[2])
    if field is None:
        return RevisionConflictError(f"another commit made the same new {definition.name}")
    same = f"SELECT 1 FROM {definition.table} WHERE {quoted(field.name)} = ? AND oid <> ?"
    seen: set[Stored] = set()
    for oid, row in overlay.rows.items():
        value = row[field.position] if row else None
        if value is not None and (value in seen or connection.query(same, (value, oid))):
            return AlreadyExistsError(f"{definition.name} with {field.name}", str(value))
        seen.add(value)
    return AlreadyExistsError(f"{definition.name} with {field.name}", "?")


def _renew_cache(
    session: Session, overlays: list[Overlay], others: list[LogRow], own: list[LogRow]
) -> None:
    """Bring the cache from the snapshot to this commit, which is known without reading."""
    cache = session.cache
    cache.forget(others)
    fresh = [overlay for overlay in overlays if overlay.definition in cache.tables]
    kept: list[tuple[Definition, int]] = [
        (overlay.definition, oid)
        for overlay in fresh
        for oid in overlay.masks
        # Others may have changed other fields of the object: then it is read anew.
        if oid in cache.tables[overlay.definition].rows
    ]
    rows = {overlay.definition: overlay.rows for overlay in fresh}
    cache.forget(own)
    for definition, oid in kept:
        if (table := cache.tables.get(definition)) and (row := rows[definition][oid]):
            table.rows[oid] = tuple(row)
    cache.seq = own[-1].seq
