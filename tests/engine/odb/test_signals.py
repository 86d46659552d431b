"""The change signal, waiting and reactors, between threads and processes."""

from __future__ import annotations

import select
import subprocess
from functools import partial
from pathlib import Path

import pytest
from bank_schema import Account, RunProgram

from odbctl.engine.odb import Database
from odbctl.errors import StoreError

DEADLINE_SECONDS = 20.0


def line(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


def test_condition_is_seen_across_processes(database: Database, run_program: RunProgram) -> None:
    child = run_program(
        "say('ready')\n"
        "hear()\n"
        "with db.transaction(): Account(name='a')\n"
        "ok = db.wait_for_condition(lambda: Account.lookup_one(name='a').balance == 5, 20)\n"
        "say(ok)\n"
    )
    assert line(child) == "ready"
    assert child.stdin is not None
    child.stdin.write("go\n")
    child.stdin.flush()
    assert database.wait_for_condition(lambda: Account.lookup_unique(name="a"), DEADLINE_SECONDS)
    database.run(lambda: setattr(Account.lookup_one(name="a"), "balance", 5))
    assert line(child) == "True"


def test_listener_serves_an_event_loop(database: Database, run_program: RunProgram) -> None:
    child = run_program(
        "hear()\nwith db.transaction(): Account(name='a')\nsay('done')\n"
        "hear()\nwith db.transaction(): Account(name='b')\nsay('done')\n"
    )
    assert child.stdin is not None
    with database.listen() as listener:
        assert listener.arm(), "no view was opened yet"
        with database.view():
            assert not Account.lookup_all()
        assert not listener.arm()
        child.stdin.write("go\n")
        child.stdin.flush()
        readable, _, _ = select.select([listener], [], [], DEADLINE_SECONDS)
        assert readable
        listener.drain()
        assert select.select([listener], [], [], 0)[0] == []
        assert line(child) == "done"
        assert listener.arm(), "the commit has not been viewed"
        with database.view():
            assert len(Account.lookup_all()) == 1
        assert not listener.arm()


def test_dead_listener_is_forgotten(database: Database, run_program: RunProgram) -> None:
    child = run_program(
        "with db.listen() as listener:\n"
        "    with db.view(): pass\n"
        "    listener.arm()\n"
        "    say('armed')\n"
        "    hear()\n"
    )
    with database.view():
        pass
    assert line(child) == "armed"
    assert (database.run_dir / "sig" / "0").exists()
    child.kill()
    child.wait()
    database.run(lambda: Account(name="a"))
    assert not (database.run_dir / "sig" / "0").exists()


def test_writer_has_no_socket(database: Database) -> None:
    database.run(lambda: Account(name="a"))
    assert [each.name for each in (database.run_dir / "sig").iterdir()] == ["armed"]


def test_socket_path_that_is_too_long_is_told(tmp_path: Path) -> None:
    database = Database(tmp_path / "odb.db", run_dir=tmp_path / ("x" * 100))
    with database, pytest.raises(StoreError, match="too long"), database.listen():
        pass


def has_answer(name: str) -> bool:
    return Account.lookup_one(name=name).owner == "answer"


def test_reactor_hears_other_processes(database: Database, run_program: RunProgram) -> None:
    child = run_program(
        "def answer():\n"
        "    with db.transaction():\n"
        "        for account in Account.lookup_all(owner='ask'): account.owner = 'answer'\n"
        "with Reactor(db, answer):\n"
        "    say('ready')\n"
        "    hear()\n"
    )
    assert line(child) == "ready"
    for name in "abc":
        database.run(partial(Account, name=name, owner="ask"))
        assert database.wait_for_condition(partial(has_answer, name), DEADLINE_SECONDS)
