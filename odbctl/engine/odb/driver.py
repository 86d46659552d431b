"""The only module that speaks to SQLite: connections, pragmas, its errors.

One connection per thread. Rows come back as tuples; every error of SQLite
becomes one of ours, by its code.
"""

from __future__ import annotations

# What `sqlite3` consists of, without the conversions of dates that it adds for 2 ms.
import _sqlite3 as sqlite3
import os
from collections.abc import Callable, Iterable, Sequence

from odbctl.engine.odb.codec import Row, Stored
from odbctl.errors import NotPermittedError, StoreBusyError, StoreError, StoreFullError
from odbctl.light_typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import Final

APPLICATION_ID: Final = 0x6F646263  # "odbc": what `file` and the sqlite3 shell may show
FORMAT_VERSION: Final = 2
# The WAL is cut back to this when a checkpoint has emptied it.
WAL_LIMIT_BYTES: Final = 16 * 1024 * 1024

_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL})
_DENIED = frozenset(
    {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}
)
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

# What `Connection.execute` raises.
SqliteError = sqlite3.Error


class UniqueViolationError(Exception):
    """Two rows have the same values in unique columns; the store says of what."""

    def __init__(self, columns: Sequence[str]) -> None:
        super().__init__(*columns)
        self.columns = columns


class Connection:
    """One thread's connection to the database file."""

    __slots__ = (
        "_execute",
        "_fetch",
        "_path",
        "_query",
        "_snapshot",
        "_sqlite",
        "execute",
        "is_read_only",
    )

    def __init__(
        self, path: str | os.PathLike[str], *, synchronous: str, busy_timeout_seconds: float
    ) -> None:
        self._path = path
        self.is_read_only = os.access(path, os.F_OK) and not os.access(path, os.W_OK)
        try:
            self._sqlite = _connect(path, self.is_read_only, busy_timeout_seconds)
            self._execute = self._sqlite.execute
            # For statements without rows, from one cursor, which need not be made for each: it
            # raises `SqliteError`, of which `translated` makes ours.
            self.execute = self._sqlite.cursor().execute
            self._snapshot = self._sqlite.cursor()
            cursor = self._sqlite.cursor()
            self._query, self._fetch = cursor.execute, cursor.fetchall
            self._execute(f"PRAGMA synchronous={synchronous}")
            self._execute("PRAGMA wal_autocheckpoint=0")
            self._execute(f"PRAGMA journal_size_limit={WAL_LIMIT_BYTES}")
        except sqlite3.Error as error:
            raise translated(error, path) from error

    def query(self, sql: str, arguments: Sequence[Stored] = ()) -> list[Row]:
        """Run one statement and return all its rows."""
        try:
            self._query(sql, arguments)
            return self._fetch()
        except sqlite3.Error as error:
            raise translated(error, self._path) from error

    def open_snapshot(self, sql: str) -> int:
        """Run a SELECT of two rows, return the integer in the first, and stay in its snapshot.

        SQLite ends it when the SELECT ends. That takes half as long as BEGIN, SELECT and ROLLBACK.
        """
        try:
            (number,) = self._snapshot.execute(sql).fetchone()
        except sqlite3.Error as error:
            raise translated(error, self._path) from error
        return number or 0

    def close_snapshot(self) -> None:
        """Leave the snapshot; does nothing if none is open."""
        try:
            self._snapshot.fetchall()
        except sqlite3.Error as error:
            raise translated(error, self._path) from error

    def number(self, sql: str) -> int:
        """Run a statement whose answer is one integer; none or NULL is 0."""
        try:
            row: tuple[Any] | None = self._execute(sql).fetchone()
        except sqlite3.Error as error:
            raise translated(error, self._path) from error
        return (row[0] or 0) if row else 0

    def run(self, sql: str, arguments: Sequence[Stored] = ()) -> None:
        """Run one statement whose rows, if it returns any, do not matter.

        Raises:
            UniqueViolationError: It would store a second row with a unique value.
        """
        try:
            self._execute(sql, arguments)
        except sqlite3.Error as error:
            raise translated(error, self._path) from error

    def run_many(self, sql: str, rows: Iterable[Sequence[Stored]]) -> None:
        """Run one statement for each row of arguments."""
        try:
            self._sqlite.executemany(sql, rows)
        except sqlite3.Error as error:
            raise translated(error, self._path) from error

    def translated(self, error: sqlite3.Error) -> Exception:
        """Return what an error of `execute` is in our tree."""
        return translated(error, self._path)

    def rollback(self) -> None:
        """End the transaction, if one is open, without an effect."""
        if self._sqlite.in_transaction:
            self.run("ROLLBACK")

    def close(self) -> None:
        """Close the connection. Safe to call twice."""
        self._sqlite.close()

    def __del__(self) -> None:
        # A thread that ended without closing it; later Pythons warn of that.
        if sqlite := getattr(self, "_sqlite", None):
            sqlite.close()


def copy_database(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Copy a database, in use or not, into a new file of one piece.

    SQLite begins anew when somebody writes meanwhile, unless it copies all in one step.

    Args:
        source: The database.
        target: Must not exist.
        progress: Told the pages that are left and all pages, after each step.
    """
    create_file(target)
    try:
        reading = _connect(source, is_read_only=False, busy_timeout_seconds=10.0)
        writing = sqlite3.connect(target, isolation_level=None)
        try:
            # A snapshot is open meanwhile: commits go on, and are not in the copy.
            reading.execute("BEGIN")
            reading.execute("SELECT count(*) FROM sqlite_schema").fetchone()

            def tell(_: int, left: int, total: int) -> None:
                if progress is not None:
                    progress(left, total)

            reading.backup(writing, pages=4096, progress=tell)
            writing.execute("PRAGMA journal_mode=DELETE")
        finally:
            writing.close()
            reading.close()
    except sqlite3.Error as error:
        raise translated(error, source) from error


def create_file(path: str | os.PathLike[str]) -> bool:
    """Make an empty file that only its owner can read, unless there is one.

    Returns:
        Whether it was made.

    Raises:
        NotPermittedError: The folder is missing or refuses it.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return False
    except OSError as error:
        raise NotPermittedError(
            f"cannot create the database {path}: {error.strerror}",
            hint="is the home missing, or read-only?",
        ) from error
    return True


def translated(error: sqlite3.Error, path: str | os.PathLike[str]) -> Exception:
    """Return what an error of SQLite is in our tree."""
    extended: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    code = extended & 0xFF
    if code in _BUSY:
        return StoreBusyError(
            f"the database {path} is locked by another program",
            hint="try again when that program has finished",
        )
    if code == sqlite3.SQLITE_FULL or extended == sqlite3.SQLITE_IOERR_SHMSIZE:
        return StoreFullError(f"the disk that holds {path} is full", hint="free some space on it")
    if code in _DENIED:
        return NotPermittedError(f"cannot open or write to the database {path}: {error}")
    if code in _DAMAGED:
        return StoreError(
            f"{path} is damaged or not a database: {error}", hint="restore it from a backup"
        )
    if code == sqlite3.SQLITE_CONSTRAINT:
        # "UNIQUE constraint failed: core.Service.a, core.Service.b": there is no other way to know.
        names = str(error).rpartition(": ")[2].split(", ")
        return UniqueViolationError([name.rpartition(".")[2] for name in names])
    return StoreError(f"the database {path} failed: {error}")


def _connect(
    path: str | os.PathLike[str], is_read_only: bool, busy_timeout_seconds: float
) -> sqlite3.Connection:
    if is_read_only:
        # Without a WAL nobody writes, and SQLite cannot make one to read with.
        mode = "mode=ro" if os.path.exists(f"{path}-wal") else "immutable=1"
        where, is_uri = f"{_uri(path)}?{mode}", True
    else:
        where, is_uri = os.fspath(path), False
    return sqlite3.connect(
        where,
        uri=is_uri,
        timeout=busy_timeout_seconds,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=512,
    )


def _uri(path: str | os.PathLike[str]) -> str:
    from pathlib import Path

    return Path(path).absolute().as_uri()
