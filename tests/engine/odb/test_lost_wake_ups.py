"""Listeners end with the truth, whatever becomes of the signal. They are other processes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess

import pytest
from bank_schema import Account, RunProgram

from odbctl.engine.odb import Database

# Prints the balance whenever it has changed.
WATCHER = """
def look():
    with db.view():
        account = Account.lookup_unique(name='a')
        say(account.balance if account else 0)

with Reactor(db, look):
    hear()
"""


@pytest.fixture
def account(database: Database) -> Account:
    with database.transaction():
        return Account(name="a")


@pytest.fixture
def watcher(account: Account, run_program: RunProgram) -> subprocess.Popen[str]:
    """A process that watches the account."""
    child = run_program(WATCHER)
    assert child.stdout is not None
    assert child.stdout.readline() == "0\n"
    return child


def saw(watcher: subprocess.Popen[str], balance: int) -> bool:
    """Wait until a watcher has seen a balance."""
    assert watcher.stdout is not None
    return any(line == f"{balance}\n" for line in watcher.stdout)


def pay(database: Database, account: Account, times: int) -> None:
    for _ in range(times):
        with database.transaction():
            account.balance += 1


def test_listener_that_was_stopped_for_a_while_catches_up(
    database: Database, account: Account, watcher: subprocess.Popen[str]
) -> None:
    os.kill(watcher.pid, signal.SIGSTOP)
    pay(database, account, 500)
    os.kill(watcher.pid, signal.SIGCONT)
    assert saw(watcher, 500)


def test_listener_whose_socket_is_gone_looks_by_itself(
    database: Database, account: Account, watcher: subprocess.Popen[str]
) -> None:
    shutil.rmtree(database.run_dir / "sig")
    pay(database, account, 1)
    assert saw(watcher, 1)


def test_commit_whose_process_died_before_it_told_is_seen(
    watcher: subprocess.Popen[str], run_program: RunProgram
) -> None:
    dying = run_program(
        "from odbctl.engine.odb.changes import Announcer\n"
        "Announcer.announce = lambda self: os.kill(os.getpid(), 9)\n"
        "with db.transaction(): Account.lookup_unique(name='a').balance = 7\n"
    )
    assert dying.wait(timeout=30) == -signal.SIGKILL
    assert saw(watcher, 7)


def test_process_that_died_before_its_commit_leaves_no_trace(
    database: Database, account: Account, watcher: subprocess.Popen[str], run_program: RunProgram
) -> None:
    dying = run_program(
        "from odbctl.engine.odb.lock import CommitLock\n"
        "CommitLock.mark = lambda self, seq: os.kill(os.getpid(), 9)\n"
        "with db.transaction(): Account.lookup_unique(name='a').balance = 7\n"
    )
    assert dying.wait(timeout=30) == -signal.SIGKILL
    with database.view():
        assert account.balance == 0
    pay(database, account, 1)
    assert saw(watcher, 1)
