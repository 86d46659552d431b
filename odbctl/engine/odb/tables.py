"""What is in the file: the engine's own tables, and a STRICT table per class.

`odb_class` records which fields each table has, so that a process that agrees
with it never looks further. Classes come into being, and grow, in the commit
that first writes one; readers of a file that is behind fill in the defaults.
"""

from __future__ import annotations

from itertools import count

from odbctl.engine.odb.codec import Stored, dumps, loads
from odbctl.engine.odb.definition import Definition, quoted
from odbctl.engine.odb.driver import (
    APPLICATION_ID,
    FORMAT_VERSION,
    Connection,
    UniqueViolationError,
)
from odbctl.engine.odb.hints import Mark
from odbctl.engine.odb.lock import CommitLock
from odbctl.engine.odb.shape import (
    INDEX_PREFIX,
    Place,
    Recorded,
    Shape,
    check_alias,
    check_case,
    check_class_names,
    class_alias,
    converted,
    not_unique,
)
from odbctl.errors import StoreError
from odbctl.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Final

LAST_SEQ: Final = "SELECT max(seq) FROM log"
_CREATE = (
    "CREATE TABLE IF NOT EXISTS odb_class (name TEXT PRIMARY KEY, definition TEXT NOT NULL)"
    " STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS log"
    " (seq INTEGER PRIMARY KEY, at REAL NOT NULL, changes TEXT NOT NULL) STRICT",
)


def prepare(connection: Connection, lock: CommitLock) -> None:
    """Check that the file is ours, and set it up if it is new.

    Raises:
        StoreError: Another program's database, or a newer release's.
    """
    if _is_ready(connection):
        return
    with lock:
        if _is_ready(connection):
            return
        if connection.query("SELECT 1 FROM sqlite_schema LIMIT 1"):
            raise StoreError("the database belongs to another program", hint="choose another home")
        connection.run("PRAGMA journal_mode=WAL")
        connection.run("BEGIN IMMEDIATE")
        try:
            for statement in _CREATE:
                connection.run(statement)
            connection.run(f"PRAGMA user_version={FORMAT_VERSION}")
            connection.run(f"PRAGMA application_id={APPLICATION_ID}")
            connection.run("COMMIT")
        except BaseException:
            connection.rollback()
            raise


def _is_ready(connection: Connection) -> bool:
    if connection.number("PRAGMA application_id") != APPLICATION_ID:
        return False
    version = connection.number("PRAGMA user_version")
    if version > FORMAT_VERSION:
        raise StoreError(
            f"the database has format {version}; this release reads up to {FORMAT_VERSION}",
            hint="upgrade odbctl",
        )
    return True


def read_record(connection: Connection, definition: Definition) -> Recorded | None:
    """Read what the file records of a class; None if it has no table.

    Raises:
        StoreError: It is stored under a former name that it does not give, or under two.
    """
    if definition.renamed_from:
        check_class_names(definition, lambda name: _record(connection, name))
    found = _record(connection, definition.name)
    if found is None:
        alias = class_alias(definition.name)
        rows = connection.query(
            "SELECT name FROM odb_class WHERE instr(definition, ?)", (dumps(alias) + ":",)
        )
        check_alias(definition, [str(name) for (name,) in rows])
        rows = connection.query(
            "SELECT name FROM odb_class WHERE lower(name) = lower(?)", (definition.name,)
        )
        check_case(definition, [str(name) for (name,) in rows])
    return found


def _record(connection: Connection, name: str) -> Recorded | None:
    found = connection.query("SELECT definition FROM odb_class WHERE name = ?", (name,))
    return loads(str(found[0][0])) if found else None


def ensure_table(connection: Connection, definition: Definition) -> bool:
    """Bring the table of a class up to date, inside a write transaction.

    Columns that this release does not know stay as they are.

    Returns:
        Whether anything was changed.

    Raises:
        StoreError: A field has no default, or another type than in the file.
    """
    shape = Shape(definition, read_record(connection, definition))
    if shape.is_current:
        return False
    if not shape.exists:
        _create_table(connection, shape)
    else:
        for place in shape.places:
            if not place.is_there:
                _add_column(connection, place)
        for place in shape.conversions:
            if place.is_rewritten:
                _rewrite_column(connection, place)
            else:
                _convert_column(connection, place)
    _create_indexes(connection, shape)
    connection.run(
        "INSERT OR REPLACE INTO odb_class VALUES (?, ?)", (definition.name, dumps(shape.merged))
    )
    return True


def table_of(definition: Definition) -> str:
    """Give the name of the table of a class, quoted."""
    return quoted(definition.name)


def _create_table(connection: Connection, shape: Shape) -> None:
    columns = "".join(f", {_column(each)}" for each in shape.places)
    head = "oid INTEGER PRIMARY KEY, rev INTEGER NOT NULL DEFAULT 1"
    connection.run(f"CREATE TABLE {table_of(shape.definition)} ({head}{columns}) STRICT")


def _add_column(connection: Connection, place: Place) -> None:
    field, table = place.field, table_of(place.field.definition)
    if field.is_required and connection.query(f"SELECT 1 FROM {table} LIMIT 1"):
        raise StoreError(
            f"{field} is new and has no default, but objects without it exist",
            hint="give the field a default",
        )
    connection.run(f"ALTER TABLE {table} ADD COLUMN {_column(place)}")


def _convert_column(connection: Connection, place: Place) -> None:
    """Put a column of the new type in place of the old one, which stays under another name."""
    table, column = table_of(place.field.definition), place.column
    taken = {row[1] for row in connection.query(f"PRAGMA table_info({table})")}
    aside = next(name for n in count(1) if (name := f"{column}~{n}") not in taken)
    _drop_indexes(connection, place)
    connection.run(f"ALTER TABLE {table} RENAME COLUMN {quoted(column)} TO {quoted(aside)}")
    connection.run(f"ALTER TABLE {table} ADD COLUMN {_column(place)}")
    rows = connection.query(f"SELECT oid, {quoted(aside)} FROM {table}")
    connection.run_many(
        f"UPDATE {table} SET {quoted(column)} = ? WHERE oid = ?",
        [(converted(place, int(str(oid)), stored), oid) for oid, stored in rows],
    )


def _rewrite_column(connection: Connection, place: Place) -> None:
    """Store equal values of a column alike, which were written before that mattered."""
    table, column = table_of(place.field.definition), quoted(place.column)
    _drop_indexes(connection, place)
    changed = [
        (key, oid)
        for oid, stored in connection.query(f"SELECT oid, {column} FROM {table}")
        if (key := converted(place, int(str(oid)), stored)) != stored
    ]
    connection.run_many(f"UPDATE {table} SET {column} = ? WHERE oid = ?", changed)


def _drop_indexes(connection: Connection, place: Place) -> None:
    """Drop the indexes of a column; they are made again when all columns are as they will be."""
    for (index,) in connection.query(
        "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = ? AND sql LIKE ?",
        (place.field.definition.name, f'%"{place.column}"%'),
    ):
        connection.run(f"DROP INDEX {quoted(str(index))}")


def _create_indexes(connection: Connection, shape: Shape) -> None:
    """Make the indexes that are recorded: those of this release, and of others."""
    table = table_of(shape.definition)
    for name, recorded in shape.merged.items():
        mark = recorded[1]
        if not mark:
            continue
        names = name.removeprefix(INDEX_PREFIX).split(",")
        columns = ", ".join(map(quoted, names))
        unique = "UNIQUE " if mark == Mark.UNIQUE.value else ""
        index = quoted(f"{shape.definition.name}.{name}#{mark}")
        try:
            connection.run(f"CREATE {unique}INDEX IF NOT EXISTS {index} ON {table} ({columns})")
        except UniqueViolationError:
            present = " AND ".join(f"{quoted(each)} IS NOT NULL" for each in names)
            oids = connection.query(
                f"SELECT min(oid), max(oid) FROM {table} WHERE {present}"
                f" GROUP BY {columns} HAVING count(*) > 1 LIMIT 1"
            )
            raise not_unique(shape, names, oids[0]) from None


def _column(place: Place) -> str:
    field = place.field
    default = "" if field.is_required else f" DEFAULT {literal(field.default)}"
    return f"{quoted(place.column)} {field.codec.column}{default}"


def literal(value: Stored) -> str:
    """Write a stored value as an SQL literal: DDL takes no parameters."""
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    if isinstance(value, str):
        # NUL would end the statement.
        return "CAST(x'" + value.encode().hex() + "' AS TEXT)" if "\0" in value else _text(value)
    # 1e999 is how SQL writes infinity.
    return str(value).replace("inf", "1e999")


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
