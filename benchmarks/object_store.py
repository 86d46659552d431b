"""Two stores with the same objects: the object database, and a table written by hand.

The table is what a competent person would write: the same columns and index,
the same pragmas, statements that SQLite has prepared before.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from odbctl import Database, DbObject, Indexed, Schema, Unique, retry_on_conflict
from odbctl.engine.odb.lock import CommitLock

schema = Schema("bench")
KEYS = 1000
MANY = 10_000


@schema.define
class Account(DbObject):
    name: Unique[str]
    balance: int = 0
    owner: str = ""


@schema.define
class Entry(DbObject):
    group: Indexed[int]
    number: int
    text: str


@retry_on_conflict
def _add_one(database: Database, name: str) -> None:
    with database.transaction():
        account = Account.lookup_unique(name=name)
        assert account is not None
        account.balance += 1


class Ours:
    """The object database."""

    def __init__(self, folder: Path, *, synchronous: str = "NORMAL", fill: bool = True) -> None:
        is_full = synchronous == "FULL"
        self.database = Database(
            folder / "ours.db",
            run_dir=folder / "run",
            synchronous="FULL" if is_full else "NORMAL",
            busy_timeout_seconds=30.0,
        )
        if fill:
            with self.database.transaction():
                for key in range(KEYS):
                    Account(name=f"k{key}")

    def update(self, key: int) -> None:
        """Read an account by its name and update one field."""
        _add_one(self.database, f"k{key}")

    def total(self) -> int:
        """Add all balances up."""
        with self.database.view():
            return sum(each.balance for each in Account.lookup_all())


class ByHand:
    """Plain sqlite3."""

    def __init__(
        self, folder: Path, *, synchronous: str = "NORMAL", fill: bool = True, log: bool = False
    ) -> None:
        self.connection = sqlite3.connect(
            folder / "raw.db", isolation_level=None, timeout=30.0, cached_statements=512
        )
        self.execute = self.connection.execute
        self.execute("PRAGMA journal_mode=WAL")
        self.execute(f"PRAGMA synchronous={synchronous}")
        self._has_log = log
        if fill:
            self._make()

    def _make(self) -> None:
        self.execute(
            "CREATE TABLE account (oid INTEGER PRIMARY KEY, rev INTEGER NOT NULL DEFAULT 1,"
            " name TEXT, balance INTEGER, owner TEXT) STRICT"
        )
        self.execute("CREATE UNIQUE INDEX by_name ON account (name)")
        self.execute(
            "CREATE TABLE entry (oid INTEGER PRIMARY KEY, rev INTEGER NOT NULL DEFAULT 1,"
            ' "group" INTEGER, number INTEGER, text TEXT) STRICT'
        )
        self.execute('CREATE INDEX by_group ON entry ("group")')
        self.execute("CREATE TABLE log (seq INTEGER PRIMARY KEY, at REAL, changes TEXT) STRICT")
        self.execute("BEGIN")
        for key in range(KEYS):
            self.execute("INSERT INTO account VALUES (?, 1, ?, 0, '')", (key + 1, f"k{key}"))
        self.execute("COMMIT")

    def update(self, key: int) -> None:
        """Read a row by its name and update one column."""
        self.execute("BEGIN IMMEDIATE")
        (oid, balance) = self.execute(
            "SELECT oid, balance FROM account WHERE name = ?", (f"k{key}",)
        ).fetchone()
        self.execute(
            "UPDATE account SET balance = ?, rev = rev + 1 WHERE oid = ?", (balance + 1, oid)
        )
        if self._has_log:
            self.execute(
                "INSERT INTO log (at, changes) VALUES (?, ?)",
                (1.5, f'[["bench.Account","update","balance",[{oid}],{{}}]]'),
            )
        self.execute("COMMIT")

    def total(self) -> int:
        """Add all balances up."""
        return int(self.execute("SELECT sum(balance) FROM account").fetchone()[0])


class Queued(ByHand):
    """Plain sqlite3, whose processes queue behind the lock that the object database has."""

    def __init__(self, folder: Path, *, fill: bool = True) -> None:
        super().__init__(folder, fill=fill)
        self._lock = CommitLock(str(folder / "raw.db.lock"), 30.0)

    def update(self, key: int) -> None:
        """Read a row by its name and update one column, when it is this process's turn."""
        with self._lock:
            super().update(key)
