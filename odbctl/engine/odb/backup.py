"""Backing a database up while it is used, and putting a backup in its place.

A backup is a SQLite file like the database itself, in one piece. Run by the
command line.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from odbctl.engine.odb.driver import APPLICATION_ID, FORMAT_VERSION, Connection, copy_database
from odbctl.errors import AlreadyExistsError, ConflictError, NotFoundError, StoreError

Progress = Callable[[int, int], None]


def back_up(
    database: Path, target: Path, *, force: bool = False, progress: Progress | None = None
) -> int:
    """Write a backup of a database that may be in use, and check it.

    Args:
        database: The file.
        target: Where to write it; it is there as a whole or not at all.
        force: Replace what is there.
        progress: Told the pages that are left and all pages, now and then.

    Returns:
        Its size in bytes.

    Raises:
        AlreadyExistsError: Something is there.
        NotFoundError: There is no database.
    """
    if not database.exists():
        raise NotFoundError("database", str(database))
    if target.exists() and not force:
        raise AlreadyExistsError("file", str(target), hint="add --force to replace it")
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        copy_database(database, partial, progress)
        check_backup(partial)
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
    return target.stat().st_size


def check_backup(path: Path) -> None:
    """Check that a file is a whole database of ours that this release can read.

    Raises:
        NotFoundError: There is no such file.
        StoreError: It is something else, damaged, or newer.
    """
    if not path.exists():
        raise NotFoundError("backup", str(path))
    connection = Connection(path, synchronous="FULL", busy_timeout_seconds=5.0)
    try:
        if connection.number("PRAGMA application_id") != APPLICATION_ID:
            raise StoreError(f"{path} is not a backup of an odbctl database")
        version = connection.number("PRAGMA user_version")
        if version > FORMAT_VERSION:
            raise StoreError(
                f"{path} has format {version}; this release reads up to {FORMAT_VERSION}",
                hint="upgrade odbctl",
            )
        found = connection.query("PRAGMA integrity_check(1)")
        if found != [("ok",)]:
            raise StoreError(f"{path} is damaged: {found[0][0]!r}", hint="use another backup")
    finally:
        connection.close()


def restore(database: Path, backup: Path) -> Path | None:
    """Put a backup in the place of a database that nobody uses.

    Returns:
        Where the previous database is now; None if there was none.

    Raises:
        ConflictError: A process has the database open.
        StoreError: The backup is no whole database of ours.
    """
    check_backup(backup)
    if users := users_of(database):
        pids = ", ".join(map(str, users))
        raise ConflictError(
            f"{database} is in use by process {pids}",
            hint="stop the managers and services: odbctl manager stop --with-services",
        )
    partial = database.with_name(f".{database.name}.{os.getpid()}")
    try:
        shutil.copyfile(backup, partial)
        os.chmod(partial, 0o600)
        _sync(partial)
        aside = _put_aside(database)
        os.replace(partial, database)
        _sync(database.parent)
    finally:
        partial.unlink(missing_ok=True)
    # It has the number of the last commit, which is another now.
    database.with_name(f"{database.name}.lock").unlink(missing_ok=True)
    return aside


def users_of(database: Path) -> list[int]:
    """Return the processes that have the database open, as far as /proc shows."""
    names = {f"{os.path.realpath(database)}{tail}" for tail in ("", "-wal", "-shm")}
    found: list[int] = []
    for entry in os.listdir("/proc") if os.path.isdir("/proc") else ():
        if entry.isdigit() and int(entry) != os.getpid() and names & _open_files(entry):
            found.append(int(entry))
    return sorted(found)


def _open_files(pid: str) -> set[str]:
    folder, found = f"/proc/{pid}/fd", set[str]()
    try:
        for number in os.listdir(folder):
            try:
                found.add(os.readlink(f"{folder}/{number}"))
            except OSError:
                continue  # closed meanwhile
    except OSError:
        return found  # ended, or another user's
    return found


def _put_aside(database: Path) -> Path | None:
    """Rename the previous database, with all that its WAL holds in it."""
    if not database.exists():
        return None
    aside = database.with_name(f"{database.name}.before-{time.strftime('%Y%m%dT%H%M%S')}")
    # Its WAL goes along: together they are whole, even if the database is damaged.
    for tail in ("-wal", "-shm"):
        extra = database.with_name(database.name + tail)
        if extra.exists():
            os.replace(extra, aside.with_name(aside.name + tail))
    # A second name, so that there is a database at every moment.
    os.link(database, aside)
    return aside


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
