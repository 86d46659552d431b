"""The file: evolution, other programs, damage, kills, forks, size."""

# ruff: noqa: SIM117 - what raises is the end of a transaction, so its body stands inside.

from __future__ import annotations

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import bank_schema
import pytest
from bank_schema import SOURCE_ROOT, Account, RunProgram

from odbctl.engine.odb import Database, DbObject, Indexed, Schema
from odbctl.engine.odb import checkpoint as checkpoint_module
from odbctl.errors import NotPermittedError, StoreBusyError, StoreError

HOLD_THE_LOCK = """\
import fcntl
held = open(sys.argv[1] + '.lock')
fcntl.flock(held, fcntl.LOCK_EX)
say('held')
hear()
held.close()
"""


def first_release() -> type[DbObject]:
    schema = Schema("shop")

    @schema.define
    class Item(DbObject):
        name: str
        note: str = "old"

    return Item


def second_release() -> type[DbObject]:
    schema = Schema("shop")

    @schema.define
    class Item(DbObject):
        name: Indexed[str]
        tags: list[str] = ["it's"]
        price: Indexed[float] = 1.5

    return Item


def test_new_fields_are_added_with_their_default(database: Database) -> None:
    Old, New = first_release(), second_release()  # noqa: N806 - classes
    with database.transaction():
        old = Old(name="a")
    with Database(database.path) as later:
        with later.view():
            (item,) = New.lookup_all(price=1.5)
            assert item.tags == ["it's"]  # type: ignore[attr-defined] # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue] - local class
            assert New.lookup_all(price=2.0) == ()
        with later.transaction():
            New(name="b", price=2)
        with later.view():
            assert len(New.lookup_all(name="a")) == 1
            assert len(New.lookup_all(price=2.0)) == 1
    with database.transaction():
        old.note = "still known"  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue] - local class
        Old(name="c")
        assert len(Old.lookup_all()) == 3
    with database.view():
        assert len(New.lookup_all(price=1.5)) == 2


def test_older_release_leaves_unknown_fields_alone(database: Database) -> None:
    Old, New = first_release(), second_release()  # noqa: N806 - classes
    with database.transaction():
        new = New(name="a", price=9)
    with database.transaction():
        Old.from_oid(new.oid).name = "b"  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue] - local class
    with database.view():
        assert new.price == 9  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - local class
        assert New.lookup_all(name="b") == (new,)


def test_new_field_without_default_is_refused(database: Database) -> None:
    with database.transaction():
        first_release()(name="a")
    schema = Schema("shop")

    @schema.define
    class Item(DbObject):
        name: str
        weight: float

    with pytest.raises(StoreError, match=r"shop\.Item\.weight is new"), database.transaction():
        Item(name="b", weight=1)


def test_changed_type_is_refused(database: Database) -> None:
    with database.transaction():
        first_release()(name="a")
    schema = Schema("shop")

    @schema.define
    class Item(DbObject):
        name: int

    with pytest.raises(StoreError, match="was stored as str and is now int"):
        with database.transaction():
            Item(name=1)


def test_values_can_be_read_with_plain_sqlite(database: Database) -> None:
    with database.transaction():
        Account(name="a", owner="ann", balance=3)
    database.close()
    plain = sqlite3.connect(database.path)
    try:
        rows = plain.execute('SELECT name, owner, balance FROM "bank.Account"').fetchall()
        log = plain.execute("SELECT json_extract(changes, '$[1]') FROM log").fetchall()
    finally:
        plain.close()
    assert rows == [("a", "ann", 3)]
    ((entry,),) = log
    name, op, _, _, keys = json.loads(entry)
    assert (name, op, keys) == ("bank.Account", "insert", {"name": ["a"], "owner": ["ann"]})


def test_file_is_private(database: Database) -> None:
    database.run(lambda: Account(name="a"))
    assert stat.S_IMODE(os.stat(database.path).st_mode) == 0o600


def test_lock_of_another_program_is_told(tmp_path: Path) -> None:
    with Database(tmp_path / "odb.db", busy_timeout_seconds=0.05) as database:
        database.run(lambda: Account(name="a"))
        other = sqlite3.connect(database.path, isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreBusyError, match="locked by another"):
                database.run(lambda: Account(name="b"))
            with database.view():
                assert len(Account.lookup_all()) == 1
            other.execute("ROLLBACK")
        finally:
            other.close()
        database.run(lambda: Account(name="b"))


def test_stopped_committer_does_not_block_for_ever(
    tmp_path: Path, database: Database, run_program: RunProgram
) -> None:
    database.run(lambda: Account(name="first"))
    child = run_program(HOLD_THE_LOCK)
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    with Database(database.path, busy_timeout_seconds=0.1) as impatient:
        with impatient.view():
            pass
        with pytest.raises(StoreBusyError):
            impatient.run(lambda: Account(name="a"))
        child.communicate("\n")
        impatient.run(lambda: Account(name="a"))


def test_waiters_get_the_commit_lock_in_the_end(
    database: Database, run_program: RunProgram
) -> None:
    database.run(lambda: Account(name="first"))
    child = run_program(HOLD_THE_LOCK + "say('released')\n")
    assert child.stdout is not None
    assert child.stdin is not None
    assert child.stdout.readline() == "held\n"
    waiter = run_program("say('asking')\nwith db.transaction(): Account(name='a')\nsay('done')\n")
    assert waiter.stdout is not None
    assert waiter.stdout.readline() == "asking\n"
    child.stdin.write("\n")
    child.stdin.flush()
    assert waiter.stdout.readline() == "done\n"


@pytest.mark.parametrize(
    "content", [b"no database at all" * 100, b"SQLite format 3\0" + b"x" * 4096]
)
def test_damaged_file_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odb.db"
    path.write_bytes(content)
    with Database(path) as database, pytest.raises(StoreError) as caught, database.view():
        pass
    assert caught.value.hint
    assert path.read_bytes() == content


def test_newer_format_is_told(database: Database) -> None:
    database.run(lambda: Account(name="a"))
    database.close()
    plain = sqlite3.connect(database.path)
    plain.execute("PRAGMA user_version=99")
    plain.close()
    with Database(database.path) as later, pytest.raises(StoreError, match="format 99"):
        with later.view():
            pass


def test_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "odb.db"
    plain = sqlite3.connect(path)
    plain.execute("CREATE TABLE theirs (x)")
    plain.close()
    with Database(path) as database, pytest.raises(StoreError, match="another program"):
        with database.view():
            pass


def test_missing_folder_is_told(tmp_path: Path) -> None:
    with Database(tmp_path / "no" / "odb.db") as database, pytest.raises(NotPermittedError):
        with database.view():
            pass


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Give a folder whose parents every user may pass, as pytest's own may not be."""
    with tempfile.TemporaryDirectory(prefix="odb-") as made:
        Path(made).chmod(0o755)
        yield Path(made)


def test_read_only_file_can_be_viewed(open_folder: Path) -> None:
    folder = open_folder / "home"
    folder.mkdir()
    with Database(folder / "odb.db") as database:
        database.run(lambda: Account(name="a"))
    program = (
        "import json, os, pathlib, sys, urllib.parse\n"  # another user may not read the library
        "from odbctl.engine.odb import *\n"
        "from odbctl.errors import NotPermittedError\n"
        "schema = Schema('bank')\n"
        "@schema.define\n"
        "class Account(DbObject):\n"
        "    name: Unique[str]\n"
        "if os.getuid() == 0:\n"
        "    os.chdir(sys.argv[1])\n"
        "    os.setuid(65534)\n"
        "    sys.argv[1] = '.'\n"
        "db = Database(sys.argv[1] + '/odb.db')\n"
        "with db.view(): print(len(Account.lookup_all()))\n"
        "try:\n"
        "    with db.transaction(): Account(name='b')\n"
        "except NotPermittedError: print('refused')\n"
    )
    (folder / "odb.db").chmod(0o444)
    (folder / "odb.db.lock").unlink()
    folder.chmod(0o555)
    try:
        done = subprocess.run(
            [sys.executable, "-c", program, str(folder)],
            env={**os.environ, "PYTHONPATH": str(SOURCE_ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        folder.chmod(0o755)
    assert done.stdout.split() == ["1", "refused"], done.stderr


def test_kill_loses_nothing_that_was_acknowledged(
    database: Database, run_program: RunProgram
) -> None:
    child = run_program(
        "number = 0\n"
        "while True:\n"
        "    with db.transaction():\n"
        "        Account(name=f'a{number}')\n"
        "        Account(name=f'b{number}')\n"
        "    say(number)\n"
        "    number += 1\n"
    )
    assert child.stdout is not None
    for _ in range(50):
        child.stdout.readline()
    child.send_signal(signal.SIGKILL)
    acknowledged = 50 + len(child.stdout.readlines())
    with database.view():
        names = {account.name for account in Account.lookup_all()}
    assert names >= {f"{letter}{number}" for number in range(acknowledged - 1) for letter in "ab"}
    assert len(names) % 2 == 0, "a transaction is written whole or not at all"
    database.run(lambda: Account(name="after"))


def test_no_increment_is_lost_between_processes(
    database: Database, run_program: RunProgram
) -> None:
    with database.transaction():
        account = Account(name="a")
    program = (
        "account = Account.from_oid(int(hear()))\n"
        "def add(): account.balance += 1\n"
        "for _ in range(50): db.run(add)\n"
    )
    children = [run_program(program) for _ in range(3)]
    for child in children:
        child.communicate(f"{account.oid}\n")
        assert child.returncode == 0
    with database.view():
        assert account.balance == 150


def test_forked_child_makes_its_own_database(tmp_path: Path) -> None:
    program = (
        "import os, sys\n"
        "from bank_schema import Account, schema\n"
        "from odbctl.engine.odb import Database\n"
        "from odbctl.errors import StoreError\n"
        "schema.resolve()\n"
        "early = Database(sys.argv[1])\n"
        "for number in range(3):\n"
        "    if os.fork() == 0:\n"
        "        try:\n"
        "            early.view().__enter__()\n"
        "        except StoreError as error:\n"
        "            assert 'fork' in str(error)\n"
        "        with Database(sys.argv[1]) as db:\n"
        "            db.run(lambda: Account(name=str(number)))\n"
        "        os._exit(0)\n"
        "codes = [os.wait()[1] for _ in range(3)]\n"
        "with early.view(): print(codes, len(Account.lookup_all()))\n"
    )
    here = str(Path(bank_schema.__file__).parent)
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "odb.db")],
        env={**os.environ, "PYTHONPATH": f"{SOURCE_ROOT}:{here}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "[0, 0, 0] 3\n", done.stderr


def test_commits_keep_the_wal_small(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint_module, "ROWS_PER_CHECKPOINT", 20)
    wal = Path(f"{database.path}-wal")
    with database.transaction():
        account = Account(name="a")
    for number in range(300):
        database.run(partial(setattr, account, "owner", "x" * (3000 + number)))
    assert wal.stat().st_size < 1_000_000


def test_checkpoint_cuts_a_wal_that_a_view_made_large(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint_module, "WAL_LIMIT_BYTES", 100_000)
    wal = Path(f"{database.path}-wal")
    with database.transaction():
        account = Account(name="a")
    with Database(database.path) as other, other.view():
        for number in range(100):
            database.run(partial(setattr, account, "owner", "x" * (3000 + number)))
        database.checkpoint()
        assert wal.stat().st_size > 100_000
        assert account.owner == ""
    database.checkpoint()
    assert wal.stat().st_size == 0
    with database.view():
        assert len(account.owner) == 3099


def test_reader_behind_a_pruned_log_starts_anew(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint_module, "KEPT_LOG_ROWS", 5)
    monkeypatch.setattr(checkpoint_module, "PRUNED_AT_ONCE", 10)
    with database.transaction():
        account = Account(name="a")

    def count_and_prune(upto: int) -> None:
        for number in range(30):
            database.run(partial(setattr, account, "balance", upto - number))
        for _ in range(4):
            database.checkpoint()

    with Database(database.path) as reader:
        with reader.view():
            assert account.balance == 0
        count_and_prune(40)
        with reader.view():
            assert account.balance == 11
        with reader.transaction():
            account.limit = 1
            count_and_prune(80)
        with reader.view():
            assert (account.balance, account.limit) == (51, 1)
