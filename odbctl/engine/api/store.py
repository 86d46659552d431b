"""The use cases of `odbctl db`: look into the object database, watch it, keep it safe.

Fields of the type `Secret` are shown by the names in them only.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path

from odbctl.engine.api.documents import CheckDocument
from odbctl.engine.api.engine import Engine
from odbctl.engine.api.store_documents import (
    BackupDocument,
    ChangeDocument,
    ObjectDocument,
    TypeDocument,
)
from odbctl.engine.api.versions import VERSION
from odbctl.engine.model.core import core
from odbctl.engine.odb import backup
from odbctl.engine.odb.inspection import Inspection, StoredObject
from odbctl.errors import NotFoundError
from odbctl.masking import mask_all, mask_document
from odbctl.paths import Home

MOST_OBJECTS = 2**62  # SQLite's largest number is 2^63 - 1


def list_types(engine: Engine) -> list[TypeDocument]:
    """List the classes that the database has objects of."""
    with engine.db.view():
        found = Inspection(engine.db).types()
    return [
        {
            "kind": "type", "version": VERSION, "name": each.name, "objects": each.objects,
            "fields": each.fields, "indexes": list(each.indexes),
        }
        for each in found
    ]  # fmt: skip


def list_objects(
    engine: Engine, type_name: str, equal: Mapping[str, str], limit: int, *, newest: bool
) -> list[ObjectDocument]:
    """List objects of a class, oldest first."""
    with engine.db.view():
        most = min(limit, MOST_OBJECTS)
        found = Inspection(engine.db).objects(type_name, equal, most, newest=newest)
    return [_object(each) for each in found]


def show_object(engine: Engine, key: str, type_name: str | None) -> ObjectDocument:
    """Return one object, by its oid or name."""
    with engine.db.view():
        return _object(Inspection(engine.db).object(key, type_name))


def watch_changes(engine: Engine, type_name: str | None) -> Iterator[ChangeDocument]:
    """Yield what is committed, as it comes, until nobody listens any more."""
    names: list[str] = []
    if type_name is not None:
        with engine.db.view():
            known = [each.name for each in Inspection(engine.db).types()]
        names = [n for n in known if n == type_name or n.endswith(f".{type_name}")]
        if not names:
            raise NotFoundError("type", type_name)
    return _changes(engine, names)


def _changes(engine: Engine, names: list[str]) -> Iterator[ChangeDocument]:
    with engine, engine.db.changes(types=names) as changes:
        for each in changes:
            yield {
                "kind": "change", "version": VERSION, "commit": each.commit, "at": each.at,
                "op": each.kind, "type": each.type, "oid": str(each.oid),
                "fields": list(each.fields),
            }  # fmt: skip


def check_database(home: Home) -> Iterator[CheckDocument]:
    """Look at everything that may be wrong with the database; slow for a large one."""
    with Engine(home) as engine, engine.db.view():
        for each in Inspection(engine.db).findings():
            yield {
                "kind": "check", "version": VERSION, "name": each.name, "ok": each.is_ok,
                "message": each.message, "hint": "" if each.is_ok else each.hint,
            }  # fmt: skip


def back_up(
    home: Home, target: Path, *, force: bool, progress: backup.Progress | None
) -> BackupDocument:
    """Write a backup, while everything runs."""
    home.check()
    size = backup.back_up(home.database, target, force=force, progress=progress)
    return {"kind": "backup", "version": VERSION, "path": str(target), "bytes": size, "old": None}


def restore(home: Home, source: Path) -> BackupDocument:
    """Restore a backup; the previous database is kept; that of before is kept beside it."""
    home.create()
    old = backup.restore(home.database, source)
    return {
        "kind": "backup", "version": VERSION, "path": str(source),
        "bytes": home.database.stat().st_size, "old": str(old) if old else None,
    }  # fmt: skip


def _object(each: StoredObject) -> ObjectDocument:
    secrets = _secret_fields().get(each.type)
    if secrets is None:  # a class of a codebase, which says what its fields are to nobody else
        fields = each.fields
    else:
        fields = {
            name: mask_all(value) if name in secrets else mask_document(value, name=name)
            for name, value in each.fields.items()
        }
    return {
        "kind": "object", "version": VERSION, "type": each.type, "oid": str(each.oid),
        "rev": each.rev, "fields": fields,
    }  # fmt: skip


@functools.cache
def _secret_fields() -> dict[str, frozenset[str]]:
    """Return the secret fields of odbctl's own classes, by class."""
    core.resolve()
    definitions = [stored.__odb__ for stored in core.classes.values()]
    return {d.name: frozenset(f.name for f in d.ordered if f.is_secret) for d in definitions}
