"""The documents of the object database itself: classes, objects, changes, backups."""

from __future__ import annotations

from typing import TypedDict


class TypeDocument(TypedDict):
    """A class of objects in the database; `fields` has the type of each."""

    kind: str
    version: int
    name: str
    objects: int
    fields: dict[str, str]
    indexes: list[str]


class ObjectDocument(TypedDict):
    """One object of the database; `rev` counts its changes.

    `oid` is a string, because ids pass the 2**53 that JSON readers keep exact.
    """

    kind: str
    version: int
    type: str
    oid: str
    rev: int
    fields: dict[str, object]


class ChangeDocument(TypedDict):
    """One object that a commit changed; `op` is insert, update or delete."""

    kind: str
    version: int
    commit: int
    at: float
    op: str
    type: str
    oid: str
    fields: list[str]


class BackupDocument(TypedDict):
    """A backup that was made or restored; `old` is where the previous database is now."""

    kind: str
    version: int
    path: str
    bytes: int
    old: str | None
