"""A home that an earlier odbctl has written: its database, kept as SQL."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from odbctl.paths import Home

_DUMP = Path(__file__).with_name("earlier_home.sql")


def restore_database(path: Path) -> None:
    """Make the database file."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(_DUMP.read_text())
    path.chmod(0o600)


def restore(home: Home) -> None:
    """Make the home."""
    home.create()
    restore_database(home.database)
