"""Looking into the file of a database without the classes: types, objects, health.

What is stored tells its own types (`odb_class`), so that the command line can
show the objects of any codebase. Reads only; run by whoever asks.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, cast

from odbctl.engine.odb.codec import Row, loads
from odbctl.engine.odb.database import Database
from odbctl.engine.odb.definition import quoted
from odbctl.engine.odb.driver import FORMAT_VERSION
from odbctl.engine.odb.filesystem import NETWORK, kind_of
from odbctl.engine.odb.shape import INDEX_PREFIX, Recorded, class_alias
from odbctl.engine.odb.sqlite_store import SqliteLink
from odbctl.errors import NotFoundError, StoreError, UsageError

_OID = re.compile(r"-?[0-9]{1,18}")  # longer numbers are beyond SQLite's
CONTAINERS = ("list[", "dict[", "tuple[", "set[", "frozenset[")
# Larger integers lose digits in JSON readers that use doubles.
EXACT_IN_JSON = 2**53


class StoredType(NamedTuple):
    """A class that the file has objects of."""

    name: str
    objects: int
    fields: dict[str, str]  # the type in words, by field
    indexes: tuple[str, ...]  # e.g. "name (unique)"


class StoredObject(NamedTuple):
    """An object as it is stored."""

    type: str
    oid: int
    rev: int
    fields: dict[str, object]


class Finding(NamedTuple):
    """One thing that was looked at."""

    name: str
    is_ok: bool
    message: str
    hint: str = ""


class Inspection:
    """One look into a database; use it in one thread."""

    def __init__(self, database: Database) -> None:
        link = database.session().link
        if not isinstance(link, SqliteLink):
            raise StoreError("a database in memory has no file to inspect")
        self._query = link.connection.query
        self._path = database.path

    def types(self) -> list[StoredType]:
        """Return the classes, by name."""
        return [self._type(name, recorded) for name, recorded in self._records()]

    def objects(
        self, type_name: str, equal: Mapping[str, str], limit: int, *, newest: bool = False
    ) -> list[StoredObject]:
        """Return objects of a class, oldest first.

        Args:
            type_name: E.g. "core.Service", or "Service" if no other schema has one.
            equal: What fields must be, as text.
            limit: At most so many.
            newest: Those that were made last.

        Raises:
            NotFoundError: There is no such class.
            UsageError: A field is unknown.
        """
        name, recorded = self._find(type_name)
        for field in equal:
            if field not in _fields(recorded):
                known = ", ".join(_fields(recorded))
                raise UsageError(f"{name} has no field {field!r}", hint=f"it has {known}")
        terms = " AND ".join(f"CAST({quoted(field)} AS TEXT) = ?" for field in equal) or "1"
        order = " DESC" if newest else ""
        rows = self._select(name, recorded, f"WHERE {terms} ORDER BY oid{order} LIMIT ?",
                            (*map(_as_stored, equal.values()), limit))  # fmt: skip
        return rows[::-1] if newest else rows

    def object(self, key: str, type_name: str | None = None) -> StoredObject:
        """Return one object, by its oid or, with a class, by its name.

        Raises:
            NotFoundError: There is none.
        """
        is_oid = _OID.fullmatch(key) is not None
        where, value = ("oid = ?", int(key)) if is_oid else ("name = ?", key)
        for name, recorded in [self._find(type_name)] if type_name else self._records():
            if where.startswith("name") and "name" not in recorded:
                continue
            if found := self._select(name, recorded, f"WHERE {where} LIMIT 1", (value,)):
                return found[0]
        raise NotFoundError(type_name or "object", key)

    def findings(self) -> Iterator[Finding]:
        """Look at everything that may be wrong with the file; slow for a large one."""
        yield self._integrity()
        yield self._references()
        yield self._sizes()
        version = int(str(self._query("PRAGMA user_version")[0][0]))
        yield Finding("format", version <= FORMAT_VERSION, f"{version}")
        kind = kind_of(self._path)
        yield Finding(
            "file system",
            kind not in NETWORK,
            kind or "unknown",
            "move the home to a disk of this machine: set ODBCTL_HOME",
        )

    def _integrity(self) -> Finding:
        found = [str(row[0]) for row in self._query("PRAGMA integrity_check(5)")]
        return Finding(
            "integrity", found == ["ok"], "; ".join(found), "odbctl db restore, from a backup"
        )

    def _references(self) -> Finding:
        """Count references to deleted objects: allowed, and good to know."""
        records = dict(self._records())
        gone = 0
        for name, recorded in records.items():
            for field, target in _fields(recorded).items():
                target_name = target.removesuffix(" | None")
                if target_name in records:
                    sql = (
                        f"SELECT count(*) FROM {quoted(name)} AS a WHERE a.{quoted(field)} NOT NULL"
                        f" AND NOT EXISTS (SELECT 1 FROM {quoted(target_name)} AS b"
                        f" WHERE b.oid = a.{quoted(field)})"
                    )
                    gone += int(str(self._query(sql)[0][0]))
        return Finding("references", True, f"{gone} to deleted objects" if gone else "ok")

    def _sizes(self) -> Finding:
        entries = int(str(self._query("SELECT count(*) FROM log")[0][0]))
        size, wal = _size(self._path), _size(f"{self._path}-wal")
        text = f"{size / 1e6:.1f} MB, WAL {wal / 1e6:.1f} MB, {entries} commits in the log"
        # Commits checkpoint from 16 MB on, if no view is in the way.
        return Finding(
            "size",
            wal < 256 * 2**20,
            text,
            "an open view keeps the WAL from shrinking: stop the program that holds it",
        )

    def _records(self) -> list[tuple[str, Recorded]]:
        rows = self._query("SELECT name, definition FROM odb_class ORDER BY name")
        return [(str(name), loads(str(text))) for name, text in rows]

    def _find(self, type_name: str) -> tuple[str, Recorded]:
        records = self._records()
        found = [each for each in records if each[0] == type_name]
        found = found or [each for each in records if each[0].endswith(f".{type_name}")]
        found = found or [each for each in records if class_alias(type_name) in each[1]]
        if not found:
            raise NotFoundError("type", type_name)
        if len(found) > 1:
            names = ", ".join(name for name, _ in found)
            raise UsageError(f"{type_name!r} is ambiguous", hint=f"use one of {names}")
        return found[0]

    def _type(self, name: str, recorded: Recorded) -> StoredType:
        count = int(str(self._query(f"SELECT count(*) FROM {quoted(name)}")[0][0]))
        indexes = [
            field.removeprefix(INDEX_PREFIX) + (" (unique)" if each[1] == "unique" else "")
            for field, each in recorded.items()
            if each[1]
        ]
        return StoredType(name, count, _fields(recorded), tuple(indexes))

    def _select(
        self, name: str, recorded: Recorded, tail: str, arguments: tuple[Any, ...]
    ) -> list[StoredObject]:
        fields = _fields(recorded)
        columns = ", ".join(["oid", "rev", *map(quoted, fields)])
        rows = self._query(f"SELECT {columns} FROM {quoted(name)} {tail}", arguments)
        return [_object(name, fields, row) for row in rows]


def _fields(recorded: Recorded) -> dict[str, str]:
    return {n: each[2] for n, each in recorded.items() if not n.startswith(INDEX_PREFIX)}


def _object(name: str, fields: dict[str, str], row: Row) -> StoredObject:
    oid, rev, *values = row
    shown = {
        field: _shown(text, value)
        for (field, text), value in zip(fields.items(), values, strict=True)
    }
    return StoredObject(name, int(str(oid)), int(str(rev)), shown)


def _shown(text: str, value: object) -> object:
    """Return a stored value as a person or a script understands it."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, int) and text.removesuffix(" | None") == "bool":
        return bool(value)
    if isinstance(value, str) and text.startswith(CONTAINERS):
        try:
            return _exact(loads(value))
        except ValueError:
            return value
    # The id of an object: its type is a class, as `core.Service`.
    return str(value) if isinstance(value, int) and "." in text else value


def _exact(value: object) -> object:
    """Return a container in which ids of objects are strings, as JSON readers need them."""
    if isinstance(value, dict):
        return {key: _exact(item) for key, item in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        return [_exact(item) for item in cast("list[object]", value)]
    is_id = isinstance(value, int) and abs(value) > EXACT_IN_JSON
    return str(value) if is_id else value


def _as_stored(text: str) -> str:
    return {"true": "1", "false": "0"}.get(text.lower(), text)


def _size(path: str | os.PathLike[str]) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0
