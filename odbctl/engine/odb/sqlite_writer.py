"""Writing a commit to the SQLite file: the log entry, the check, the rows.

Imported with the first commit of a process: a command that only reads does not pay for it.
Runs in the committing thread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import time

from odbctl.engine.odb.definition import quoted
from odbctl.engine.odb.driver import SqliteError, UniqueViolationError
from odbctl.engine.odb.log import SCHEMA, entry_text, read_entries_since, schema_group
from odbctl.engine.odb.shape import unique_hint
from odbctl.engine.odb.store import Write, Written
from odbctl.engine.odb.tables import ensure_table, table_of
from odbctl.errors import AlreadyExistsError, RevisionConflictError
from odbctl.light_typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import Final

    from odbctl.engine.odb.codec import Stored
    from odbctl.engine.odb.definition import Definition
    from odbctl.engine.odb.driver import Connection
    from odbctl.engine.odb.lock import CommitLock
    from odbctl.engine.odb.log import Group
    from odbctl.engine.odb.overlay import Overlay
    from odbctl.engine.odb.sqlite_table import SqliteTable

# Each commit makes some: without the checks of arguments.
_new_tuple: Callable[..., Any] = tuple.__new__  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType] - of any items
_LOG_BETWEEN: Final = "SELECT seq, at, changes FROM log WHERE seq > ? AND seq < ? ORDER BY seq"
_APPEND: Final = "INSERT INTO log (at, changes) VALUES (?, ?)"
_AMEND: Final = "UPDATE log SET changes = ? WHERE seq = ?"


def write_commit(
    connection: Connection,
    lock: CommitLock,
    tables: dict[Definition, SqliteTable],
    open_table: Callable[[Definition], SqliteTable],
    write: Write,
) -> Written:
    """Append the log entry, check it against later commits, write the rows and commit.

    Args:
        connection: Without a transaction.
        lock: Held meanwhile, so as little as possible is done under it.
        tables: The tables that this connection has opened.
        open_table: Opens a table, or opens it again after a change of its columns.
        write: What the transaction wants written.

    Raises:
        RevisionConflictError: A later commit changed what the transaction had read.
        AlreadyExistsError: A unique value is taken.
        StoreError: Another release has converted a field since the snapshot.
    """
    base_seq, overlays, groups, outdated, check = write
    entry, execute = entry_text(groups), connection.execute
    with lock:
        try:
            execute("BEGIN IMMEDIATE")
            # The number that the entry gets tells whether somebody was faster.
            seq = execute(_APPEND, (time(), entry)).lastrowid or 0
            others: list[Group] | None = []
            if seq != base_seq + 1:
                rows = connection.query(_LOG_BETWEEN, (base_seq, seq))
                others = read_entries_since(rows, base_seq + 1)
                check(others)
            # Another release may have added or converted a column since the snapshot.
            is_stale = others is None or (others and _has_schema(others))
            if is_stale:
                outdated = [overlay.definition for overlay in overlays]
            learnt = _learn(connection, outdated) if outdated else []
            if learnt:
                is_stale = True
                connection.run(_AMEND, (entry_text([*learnt, *groups]), seq))
            for overlay in overlays:
                table = tables.get(overlay.definition)
                if is_stale or table is None or not table.shape.is_current:
                    table = open_table(overlay.definition)
                _write_rows(connection, table, overlay)
            lock.mark(seq)
            execute("COMMIT")
        except SqliteError as error:
            connection.rollback()
            raise connection.translated(error) from error
        except BaseException:
            connection.rollback()
            raise
    written: Written = _new_tuple(Written, (seq, others, learnt))
    return written


def _has_schema(groups: Sequence[Group]) -> bool:
    return any(each.op == SCHEMA for each in groups)


def _learn(connection: Connection, outdated: Sequence[Definition]) -> list[Group]:
    return [
        schema_group(definition.name)
        for definition in outdated
        if ensure_table(connection, definition)
    ]


def _write_rows(connection: Connection, table: SqliteTable, overlay: Overlay) -> None:
    masks = overlay.masks
    if table.shape.keys_of_others:
        table.shape.make_keys(overlay.rows.values())
    try:
        if overlay.deleted:
            connection.run_many(table.delete(), [(oid,) for oid in overlay.deleted])
        if len(masks) == 1:
            ((oid, mask),) = masks.items()
            sql, arguments = table.updates.get(mask) or table.update(mask)
            row = overlay.rows[oid]
            assert row is not None, "a deleted object has no mask"
            connection.execute(sql, arguments(row))
        elif masks:
            _write_updates(connection, table, overlay)
        if overlay.created:
            connection.run_many(table.insert(), overlay.created.values())
    except SqliteError as error:
        found = connection.translated(error)
        if isinstance(found, UniqueViolationError):
            raise _taken(connection, table, overlay, found.columns) from None
        raise found from error
    except UniqueViolationError as error:
        raise _taken(connection, table, overlay, error.columns) from None


def _write_updates(connection: Connection, table: SqliteTable, overlay: Overlay) -> None:
    """Update the objects, all that set the same fields with one statement."""
    groups = overlay.oids_by_mask()
    _give_up_unique_values(connection, table, groups)
    for mask, oids in groups.items():
        sql, arguments = table.update(mask)
        connection.run_many(sql, map(arguments, map(overlay.changed_row, oids)))


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
    name, hint = overlay.definition.title, unique_hint(table.shape, columns)
    fields = [place.field for place in table.shape.places if place.column in columns]
    if not fields:
        if list(columns) == ["oid"]:
            return RevisionConflictError(f"another commit added the same {name}")
        # A column of another release, which takes its default a second time.
        return AlreadyExistsError(f"{name} with {', '.join(columns)}", "?", hint=hint)
    what = f"{name} with {', '.join(field.name for field in fields)}"
    if len(fields) < len(columns):
        # A unique index of another release has a field that this one does not know.
        return AlreadyExistsError(what, "?", hint=hint)
    terms = " AND ".join(f"{quoted(column)} = ?" for column in columns)
    same = f"SELECT 1 FROM {table_of(overlay.definition)} WHERE {terms} AND oid <> ?"
    seen: set[tuple[Stored, ...]] = set()
    for oid, row in overlay.rows.items():
        if row is None:
            continue
        values: tuple[Stored, ...] = tuple([row[field.position] for field in fields])
        if None not in values and (values in seen or connection.query(same, (*values, oid))):
            return AlreadyExistsError(what, ", ".join(map(str, values)), hint=hint)
        seen.add(values)
    return AlreadyExistsError(what, "?", hint=hint)
