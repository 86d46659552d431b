"""What is in the file: the engine's own tables, and a STRICT table per class.

`odb_class` records which fields each table has, so that a process that agrees
with it never looks further. Classes come into being, and grow, in the commit
that first writes one; readers of a file that is behind fill in the defaults.
"""

from __future__ import annotations

from odbctl.engine.odb.codec import Stored, dumps, loads
from odbctl.engine.odb.definition import Definition, quoted
from odbctl.engine.odb.driver import APPLICATION_ID, FORMAT_VERSION, Connection
from odbctl.engine.odb.field import Field
from odbctl.engine.odb.hints import Mark
from odbctl.engine.odb.lock import CommitLock
from odbctl.errors import StoreError

# Of each field of a table: its column type, its mark, its type in words.
Recorded = dict[str, list[str]]

_MARKS = ("", Mark.INDEXED.value, Mark.UNIQUE.value)
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


def record_of(definition: Definition) -> Recorded:
    """Describe the fields of a class as `odb_class` records them."""
    return {
        field.name: [field.codec.column, field.mark.value if field.mark else "", field.codec.text]
        for field in definition.ordered
    }


def read_record(connection: Connection, definition: Definition) -> Recorded | None:
    """Read which fields the table of a class has; None if there is no table."""
    found = connection.query("SELECT definition FROM odb_class WHERE name = ?", (definition.name,))
    return loads(str(found[0][0])) if found else None


def select_sql(definition: Definition, recorded: Recorded) -> str:
    """Give the SELECT of a class from a table that may lack some of its fields."""
    if recorded.keys() >= definition.fields.keys():
        return definition.select
    columns = [column_sql(each, recorded) for each in definition.ordered]
    return f"SELECT {', '.join(['oid', *columns])} FROM {definition.table}"


def column_sql(field: Field, recorded: Recorded) -> str:
    """Give the column of a field, or its default where the table lacks it."""
    return quoted(field.name) if field.name in recorded else _literal(field.default)


def ensure_table(connection: Connection, definition: Definition) -> bool:
    """Bring the table of a class up to date, inside a write transaction.

    Columns that this release does not know stay as they are.

    Returns:
        Whether anything was changed.

    Raises:
        StoreError: A field has no default, or another type than in the file.
    """
    recorded = read_record(connection, definition)
    wanted = record_of(definition)
    if recorded is None:
        _create_table(connection, definition)
    else:
        check_types(definition, recorded)
        for field in definition.ordered:
            if field.name not in recorded:
                _add_column(connection, field)
    merged = merge(recorded or {}, wanted)
    if merged == recorded:
        return False
    for field in definition.indexed:
        _create_index(connection, field)
    connection.run(
        "INSERT OR REPLACE INTO odb_class VALUES (?, ?)", (definition.name, dumps(merged))
    )
    return True


def merge(recorded: Recorded, wanted: Recorded) -> Recorded:
    """Join what two releases know of a class; an index that one of them needs stays."""
    merged = dict(recorded)
    for name, (column, mark, text) in wanted.items():
        known = recorded.get(name, [column, "", text])
        merged[name] = [known[0], max(mark, known[1], key=_MARKS.index), known[2]]
    return merged


def _create_table(connection: Connection, definition: Definition) -> None:
    columns = ", ".join(_column(each) for each in definition.ordered)
    head = "oid INTEGER PRIMARY KEY, rev INTEGER NOT NULL DEFAULT 1"
    connection.run(
        f"CREATE TABLE {definition.table} ({head}{', ' + columns if columns else ''}) STRICT"
    )


def _add_column(connection: Connection, field: Field) -> None:
    if field.is_required:
        raise StoreError(
            f"{field} is new and has no default, but objects without it exist",
            hint="give the field a default",
        )
    connection.run(f"ALTER TABLE {field.definition.table} ADD COLUMN {_column(field)}")


def check_types(definition: Definition, recorded: Recorded) -> None:
    """Check that the file holds the fields in the columns that this release reads.

    Raises:
        StoreError: It does not.
    """
    for field in definition.ordered:
        column, _, text = recorded.get(field.name, [field.codec.column, "", ""])
        if column != field.codec.column:
            raise StoreError(
                f"{field} was stored as {text} and is now {field.codec.text}",
                hint="give the changed field a new name",
            )


def _create_index(connection: Connection, field: Field) -> None:
    unique = "UNIQUE " if field.mark is Mark.UNIQUE else ""
    name = quoted(f"{field}#{field.mark.value if field.mark else ''}")
    connection.run(
        f"CREATE {unique}INDEX IF NOT EXISTS {name}"
        f" ON {field.definition.table} ({quoted(field.name)})"
    )


def _column(field: Field) -> str:
    default = "" if field.is_required else f" DEFAULT {_literal(field.default)}"
    return f"{quoted(field.name)} {field.codec.column}{default}"


def _literal(value: Stored) -> str:
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
