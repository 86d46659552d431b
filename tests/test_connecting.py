"""`odbctl.connect()` opens the database that the services of a home use."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import odbctl
from odbctl import DbObject, Schema
from odbctl.errors import NotPermittedError
from odbctl.paths import Home

schema = Schema("connecting")


@schema.define
class Note(DbObject):
    text: str


def test_script_shares_the_database_of_the_home(home: Home) -> None:
    with odbctl.connect() as database:
        database.run(lambda: Note(text="hi"))
        assert database.path == home.database
        assert database.run_dir == home.run
    with odbctl.connect(home.data) as again, again.view():
        assert [each.text for each in Note.lookup_all()] == ["hi"]


def test_home_is_made_if_there_is_none(tmp_path: Path) -> None:
    with odbctl.connect(tmp_path / "new") as database, database.view():
        assert Note.lookup_count() == 0


def test_home_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotPermittedError, match="cannot write to the home"):
        odbctl.connect(tmp_path / "file" / "home")


def test_other_program_hears_what_a_script_commits(home: Home) -> None:
    with odbctl.connect() as database, database.changes() as changes:
        program = (
            "import odbctl\n"
            "schema = odbctl.Schema('connecting')\n"
            "@schema.define\n"
            "class Note(odbctl.DbObject):\n    text: str\n"
            "with odbctl.connect() as db, db.transaction(): Note(text='there')\n"
        )
        subprocess.run([sys.executable, "-c", program], check=True)
        change = changes.next(timeout_seconds=10)
    assert change is not None
    assert change.type == "connecting.Note"
