"""`odbctl db …`: look into the database, keep it safe."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_runner import odbctl
from stocked_home import stock

import odbctl as package
from odbctl import DbObject, Schema
from odbctl.engine.odb import filesystem
from odbctl.paths import Home

schema = Schema("shelf")


@schema.define
class Book(DbObject):
    name: str
    tags: list[str] = []
    is_lent: bool = False


@pytest.fixture
def stocked(home: Home) -> Home:
    stock(home)
    return home


def test_types_are_listed_with_their_fields(stocked: Home) -> None:
    found = {each["name"]: each for each in odbctl("db", "types", "--json").json}
    assert found["core.Service"]["objects"] == 1
    assert found["core.Service"]["fields"]["name"] == "str"
    assert "name (unique)" in found["core.Service"]["indexes"]


def test_new_home_has_no_types(home: Home) -> None:
    assert odbctl("db", "types", "--json").json == []
    assert "the database is empty" in odbctl("db", "types").err


def test_objects_of_a_codebase_are_shown_without_its_classes(home: Home) -> None:
    with package.connect() as database, database.transaction():
        book = Book(name="a", tags=["x", "y"], is_lent=True)
        Book(name="b")
    (found,) = odbctl("db", "list", "Book", "--where", "is_lent=true", "--json").json
    assert found["fields"] == {"name": "a", "tags": ["x", "y"], "is_lent": True}
    assert odbctl("db", "show", str(book.oid), "--json").json == found
    assert found["oid"] == str(book.oid)
    assert odbctl("db", "show", "shelf.Book", "a", "--json").json == found
    shown = odbctl("db", "show", "Book", "a").out
    assert "tags:" in shown
    assert '["x","y"]' in shown.replace(" ", "")


def test_ids_of_objects_are_strings_also_inside_fields(stocked: Home) -> None:
    (service,) = odbctl("db", "list", "core.Service", "--json").json
    (release,) = odbctl("db", "list", "core.Release", "--json").json
    assert release["fields"]["service"] == service["oid"]
    assert service["fields"]["release"] == release["oid"]
    assert isinstance(release["oid"], str)
    assert release["fields"]["number"] == 1


def test_list_is_bounded(home: Home) -> None:
    with package.connect() as database, database.transaction():
        for number in range(5):
            Book(name=str(number))
    names = [e["fields"]["name"] for e in odbctl("db", "list", "Book", "-n", "2", "--json").json]
    assert names == ["0", "1"]
    newest = odbctl("db", "list", "Book", "-n", "2", "--newest", "--json").json
    assert [each["fields"]["name"] for each in newest] == ["3", "4"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("list", "Nothing"), 4, "no type 'Nothing'"),
        (("list", "core.Service", "--where", "nmae=x"), 2, "no field 'nmae'"),
        (("list", "core.Service", "--where", "name"), 2, "not FIELD=VALUE"),
        (("show", "12345"), 4, "no object '12345'"),
        (("show", "a", "b", "c"), 2, "at most 2 words, got 3"),
        (("watch", "Nothing"), 4, "no type 'Nothing'"),
        (("backup", "/nonexistent/file"), 6, "cannot create"),
        (("restore", "/nonexistent/file", "--yes"), 4, "no backup"),
    ],
)
def test_wrong_words_are_told(stocked: Home, words: tuple[str, ...], code: int, said: str) -> None:
    ran = odbctl("db", *words)
    assert (ran.code, said in ran.err) == (code, True), ran


def test_check_finds_a_good_database_good(stocked: Home) -> None:
    ran = odbctl("db", "check", "--json")
    assert ran.code == 0
    assert {each["name"] for each in ran.json} >= {"integrity", "references", "size", "format"}


def test_check_tells_damage(home: Home) -> None:
    with package.connect() as database, database.transaction():
        for number in range(2000):
            Book(name=str(number), tags=["x" * 50])
        path = database.path
    _checkpointed(path)
    with path.open("r+b") as file:
        file.seek(4096 * 20)
        file.write(b"\xff" * 4096 * 5)
    ran = odbctl("db", "check")
    assert ran.code != 0
    assert "restore" in ran.out + ran.err


def _checkpointed(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def test_backup_is_restored(stocked: Home, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    with package.connect() as database:
        database.run(lambda: Book(name="before"))
    assert odbctl("db", "backup", str(backup)).code == 0
    with package.connect() as database:
        database.run(lambda: Book(name="after"))
    again = odbctl("db", "backup", str(backup))
    assert (again.code, "--force" in again.err) == (7, True)
    restored = odbctl("db", "restore", str(backup), "--yes")
    assert restored.code == 0, restored
    assert "the previous database is kept as" in restored.err
    with package.connect() as database, database.view():
        assert [each.name for each in Book.lookup_all()] == ["before"]
    (kept,) = stocked.data.glob("odbctl.db.before-*[0-9]")
    other = sqlite3.connect(kept)
    assert other.execute('SELECT count(*) FROM "shelf.Book"').fetchone() == (2,)
    other.close()


def test_restore_asks(stocked: Home, tmp_path: Path) -> None:
    odbctl("db", "backup", str(tmp_path / "backup"))
    ran = odbctl("db", "restore", str(tmp_path / "backup"))
    assert (ran.code, "--yes" in ran.err) == (2, True)


@pytest.fixture
def reader(stocked: Home) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the database open."""
    program = (
        "import odbctl, sys\n"
        "db = odbctl.connect()\n"
        "db.last_commit()\n"
        "print('open', flush=True)\n"
        "sys.stdin.read()\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "open\n"
    yield child
    child.communicate()


def test_restore_refuses_while_the_database_is_open(
    reader: subprocess.Popen[str], tmp_path: Path
) -> None:
    odbctl("db", "backup", str(tmp_path / "backup"))
    ran = odbctl("db", "restore", str(tmp_path / "backup"), "--yes")
    assert ran.code == 7
    assert f"in use by process {reader.pid}" in ran.err


def test_restore_refuses_what_is_no_backup(stocked: Home, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello" * 1000)
    ran = odbctl("db", "restore", str(tmp_path / "text"), "--yes")
    assert (ran.code, "damaged or not a database" in ran.err) == (1, True), ran
    sqlite3.connect(tmp_path / "other").execute("CREATE TABLE t (x)").connection.close()
    ran = odbctl("db", "restore", str(tmp_path / "other"), "--yes")
    assert "not a backup of an odbctl database" in ran.err
    odbctl("db", "backup", str(tmp_path / "newer"))
    newer = sqlite3.connect(tmp_path / "newer")
    newer.execute("PRAGMA user_version = 99")
    newer.close()
    ran = odbctl("db", "restore", str(tmp_path / "newer"), "--yes")
    assert "format 99" in ran.err
    assert odbctl("db", "types", "--json").json, "the database is as it was"


def test_backup_of_a_database_in_use_is_whole(home: Home, tmp_path: Path) -> None:
    program = (
        "import odbctl, sys\n"
        "schema = odbctl.Schema('shelf')\n"
        "@schema.define\n"
        "class Book(odbctl.DbObject):\n    name: str\n"
        "db = odbctl.connect()\n"
        "print('open', flush=True)\n"
        "while True:\n"
        "    with db.transaction(): Book(name='a'); Book(name='b')\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "open\n"
        for number in range(3):
            ran = odbctl("db", "backup", str(tmp_path / f"backup{number}"))
            assert ran.code == 0, ran
        assert writer.poll() is None
    finally:
        writer.kill()
        writer.communicate()
    for number in range(3):
        copy = sqlite3.connect(tmp_path / f"backup{number}")
        assert copy.execute('SELECT count(*) % 2 FROM "shelf.Book"').fetchone() == (0,)
        copy.close()


def test_watch_prints_what_is_committed(home: Home) -> None:
    with package.connect() as database:
        database.run(lambda: Book(name="before"))
        child = subprocess.Popen(
            [sys.executable, "-m", "odbctl", "db", "watch", "shelf.Book", "-o", "json"],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert child.stdout is not None
            # Written again and again, for nobody tells when it listens.
            os.set_blocking(child.stdout.fileno(), False)
            line = ""
            while not line.endswith("\n"):
                database.run(lambda: Book(name="a"))
                line += child.stdout.readline() or ""
            told = json.loads(line)
            assert (told["op"], told["type"]) == ("insert", "shelf.Book")
            assert isinstance(told["oid"], str)
            child.send_signal(signal.SIGINT)
            assert child.wait(timeout=20) == 130
        finally:
            child.kill()
            child.communicate()


def test_file_systems_of_the_network_are_known(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
        "40 22 0:40 / /mnt/far rw,relatime shared:1 - nfs4 host:/x rw\n"
        "41 40 0:41 / /mnt/far/near rw - tmpfs tmpfs rw\n"
    )
    assert filesystem.kind_of("/etc/x", str(mounts)) == "ext4"
    assert filesystem.kind_of("/mnt/far/x/y", str(mounts)) == "nfs4"
    assert filesystem.kind_of("/mnt/far/near/y", str(mounts)) == "tmpfs"
    assert filesystem.kind_of("/x", str(tmp_path / "none")) is None
