"""Writing a commit to the SQLite file: the log entry, the check, the rows.

Imported with the first commit of a process: a command that only reads does not pay for it.
Runs in the committing thread, under the commit lock and inside BEGIN IMMEDIATE.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from odbctl.engine.odb.definition import quoted
from odbctl.engine.odb.driver import UniqueViolationError
from odbctl.engine.odb.log import SCHEMA, entry_text, read_entries_since, schema_group
from odbctl.engine.odb.store import Write, Written
from odbctl.engine.odb.tables import ensure_table, table_of
from odbctl.errors import AlreadyExistsError, RevisionConflictError

if TYPE_CHECKING:
    from odbctl.engine.odb.codec import Stored
    from odbctl.engine.odb.definition import Definition
    from odbctl.engine.odb.driver import Connection
    from odbctl.engine.odb.log import Group
    from odbctl.engine.odb.overlay import Overlay
    from odbctl.engine.odb.sqlite_table import SqliteTable

_LOG_BETWEEN: Final = "SELECT seq, at, changes FROM log WHERE seq > ? AND seq < ? ORDER BY seq"
_APPEND: Final = "INSERT INTO log (at, changes) VALUES (?, ?)"
_AMEND: Final = "UPDATE log SET changes = ? WHERE seq = ?"


def write_commit(
    connection: Connection,
    tables: dict[Definition, SqliteTable],
    open_table: Callable[[Definition], SqliteTable],
    write: Write,
) -> Written:
    """Append the log entry, check it against later commits and write the rows.

    Args:
        connection: In a write transaction.
        tables: The tables that this connection has opened.
        open_table: Opens a table, or opens it again after a change of its columns.
        write: What the transaction wants written.

    Raises:
        RevisionConflictError: A later commit changed what the transaction had read.
        AlreadyExistsError: A unique value is taken.
        StoreError: Another release has converted a field since the snapshot.
    """
    # The number that the entry gets tells whether somebody was faster.
    seq = connection.insert(_APPEND, (time.time(), entry_text(write.groups)))
    others: list[Group] | None = []
    if seq != write.base_seq + 1:
        rows = connection.query(_LOG_BETWEEN, (write.base_seq, seq))
        others = read_entries_since(rows, write.base_seq + 1)
        write.check(others)
    # Another release may have converted a column since the snapshot.
    is_stale = others is None or (others != [] and any(each.op == SCHEMA for each in others))
    learnt = _learn(connection, write.outdated) if write.outdated else []
    if learnt:
        connection.run(_AMEND, (entry_text([*learnt, *write.groups]), seq))
    for overlay in write.overlays:
        table = tables.get(overlay.definition)
        if is_stale or learnt or table is None or not table.is_current:
            table = open_table(overlay.definition)
        if table.shape.keys_of_others:
            table.shape.make_keys(overlay.rows.values())
        _write_rows(connection, table, overlay)
    return Written(seq, others, learnt)


def _learn(connection: Connection, outdated: Sequence[Definition]) -> list[Group]:
    return [
        schema_group(definition.name)
        for definition in outdated
        if ensure_table(connection, definition)
    ]


def _write_rows(connection: Connection, table: SqliteTable, overlay: Overlay) -> None:
    try:
        if overlay.deleted:
            connection.run_many(table.delete(), [(oid,) for oid in overlay.deleted])
        if overlay.masks:
            _write_updates(connection, table, overlay)
        if overlay.created:
            connection.run_many(table.insert(), overlay.created.values())
    except UniqueViolationError as error:
        raise _taken(connection, table, overlay, error.columns) from None


def _write_updates(connection: Connection, table: SqliteTable, overlay: Overlay) -> None:
    """Update the objects, all that set the same fields with one statement."""
    if len(overlay.masks) == 1:
        ((oid, mask),) = overlay.masks.items()
        sql, positions = table.update(mask)
        row = overlay.changed_row(oid)
        connection.run(sql, [*[row[position] for position in positions], oid])
        return
    groups = overlay.oids_by_mask()
    _give_up_unique_values(connection, table, groups)
    for mask, oids in groups.items():
        sql, positions = table.update(mask)
        updates: list[list[Stored]] = []
        for oid in oids:
            row = overlay.changed_row(oid)
            updates.append([*[row[position] for position in positions], oid])
        connection.run_many(sql, updates)


def _give_up_unique_values(
    connection: Connection, table: SqliteTable, groups: Mapping[int, list[int]]
) -> None:
    """Free the unique values that change, so that objects can take each other's.

    SQLite checks after each row, not at the end of the transaction; NULL is never taken.
    """
    for mask, oids in groups.items():
        if changed := mask & table.unique_mask:
            connection.run_many(table.give_up(changed), [(oid,) for oid in oids])


def _taken(
    connection: Connection, table: SqliteTable, overlay: Overlay, columns: Sequence[str]
) -> Exception:
    """Say which unique values are taken."""
    name = overlay.definition.title
    fields = [place.field for place in table.shape.places if place.column in columns]
    if not fields:
        if list(columns) == ["oid"]:
            return RevisionConflictError(f"another commit added the same {name}")
        # A column of another release, which takes its default a second time.
        return AlreadyExistsError(f"{name} with {', '.join(columns)}", "?")
    what = f"{name} with {', '.join(field.name for field in fields)}"
    if len(fields) < len(columns):
        # A unique index of another release has a field that this one does not know.
        return AlreadyExistsError(what, "?")
    terms = " AND ".join(f"{quoted(column)} = ?" for column in columns)
    same = f"SELECT 1 FROM {table_of(overlay.definition)} WHERE {terms} AND oid <> ?"
    seen: set[tuple[Stored, ...]] = set()
    for oid, row in overlay.rows.items():
        if row is None:
            continue
        values: tuple[Stored, ...] = tuple([row[field.position] for field in fields])
        if None not in values and (values in seen or connection.query(same, (*values, oid))):
            return AlreadyExistsError(what, ", ".join(map(str, values)))
        seen.add(values)
    return AlreadyExistsError(what, "?")
