"""The change signal, waiting and reactors, between threads and processes."""

from __future__ import annotations

import select
import subprocess
import threading
from functools import partial
from pathlib import Path

import pytest
from bank_schema import Account, RunProgram

from odbctl.engine.odb import Database, Reactor
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


def test_condition_that_stays_false_times_out(database: Database) -> None:
    calls: list[int] = []
    assert not database.wait_for_condition(lambda: calls.append(1), timeout_seconds=0.02)
    assert calls == [1]


def test_condition_ignores_what_it_did_not_read(database: Database) -> None:
    with database.transaction():
        account, other = Account(name="a"), Account(name="b")
    calls: list[int] = []
    started = threading.Event()

    def is_five() -> bool:
        calls.append(account.balance)
        started.set()
        return account.balance == 5

    results: list[bool] = []
    waiter = threading.Thread(
        target=lambda: results.append(database.wait_for_condition(is_five, DEADLINE_SECONDS))
    )
    waiter.start()
    assert started.wait(DEADLINE_SECONDS)
    for number in range(20):
        database.run(partial(setattr, other, "balance", number + 1))
        database.run(partial(setattr, account, "limit", number + 1))
    database.run(lambda: setattr(account, "balance", 5))
    waiter.join(DEADLINE_SECONDS)
    assert results == [True]
    assert calls == [0, 5]


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


def test_reactor_runs_again_only_for_what_it_read(database: Database) -> None:
    with database.transaction():
        account, other = Account(name="a"), Account(name="b")
    seen: list[int] = []

    def look() -> None:
        with database.view():
            seen.append(account.balance)

    reactor = Reactor(database, look)
    assert reactor.next()
    database.run(lambda: setattr(other, "balance", 1))
    database.run(lambda: setattr(account, "limit", 1))
    assert not reactor.next(timeout_seconds=0)
    database.run(lambda: setattr(account, "balance", 2))
    assert reactor.next(timeout_seconds=0)
    assert not reactor.next(timeout_seconds=0)
    assert seen == [0, 2]


def test_reactor_runs_until_what_it_reads_is_settled(database: Database) -> None:
    def delete_bobs() -> None:
        with database.transaction():
            for account in Account.lookup_all(owner="bob"):
                account.delete()

    with Reactor(database, delete_bobs) as reactor:
        assert reactor.is_running()
        database.run(lambda: Account(name="a", owner="bob"))
        database.run(lambda: Account(name="b", owner="ann"))
        assert database.wait_for_condition(lambda: len(Account.lookup_all()) == 1, DEADLINE_SECONDS)
    assert not reactor.is_running()


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


def test_reactor_reports_errors_and_goes_on(database: Database) -> None:
    errors: list[Exception] = []
    recovered = threading.Event()

    def fail_once() -> None:
        if not errors:
            raise ValueError("first")
        recovered.set()

    with Reactor(database, fail_once, on_error=errors.append):
        assert recovered.wait(DEADLINE_SECONDS)
    assert [str(error) for error in errors] == ["first"]


def test_reactor_wakes_by_itself_when_told(database: Database) -> None:
    calls = threading.Semaphore(0)
    with Reactor(database, calls.release, wake_every_seconds=0.001):
        for _ in range(3):
            assert calls.acquire(timeout=DEADLINE_SECONDS)


def test_reactor_ends_with_its_database(database: Database) -> None:
    ran = threading.Event()
    errors: list[Exception] = []
    reactor = Reactor(database, ran.set, on_error=errors.append).start()
    assert ran.wait(DEADLINE_SECONDS)
    database.close()
    reactor.stop()
    assert not reactor.is_running()
    assert not errors
