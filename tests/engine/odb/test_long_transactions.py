"""Whoever stays in a transaction or view delays nobody."""

# ruff: noqa: PT012 - what raises is the end of a transaction, so its body stands inside.

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from bank_schema import Account, RunProgram

from odbctl.engine.odb import Database, memory_store
from odbctl.engine.odb import checkpoint as checkpoint_module
from odbctl.engine.odb.driver import WAL_LIMIT_BYTES
from odbctl.errors import RevisionConflictError

SLEEPER = """
with db.transaction():
    mine = Account(name='slept')
    read = Account.lookup_unique(name='{read}').balance
    say('inside')
    hear()
say('committed')
"""


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("read", "ends"), [("quiet", "committed"), ("busy", "")])
def test_sleeper_in_a_transaction_delays_no_commit(
    database: Database, run_program: RunProgram, read: str, ends: str
) -> None:
    with database.transaction():
        busy = Account(name="busy")
        Account(name="quiet")
    sleeper = run_program(SLEEPER.format(read=read))
    assert sleeper.stdout is not None
    assert sleeper.stdin is not None
    assert sleeper.stdout.readline() == "inside\n"
    # It stays inside until it hears a line: a commit that waited for it would wait for ever.
    for _ in range(200):
        with database.transaction():
            busy.balance += 1
    sleeper.stdin.write("\n")
    sleeper.stdin.flush()
    # What it had read was changed, or was not.
    assert sleeper.stdout.readline().strip() == ends


@pytest.fixture
def short_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """The change log keeps five commits."""
    monkeypatch.setattr(checkpoint_module, "KEPT_LOG_ROWS", 5)
    monkeypatch.setattr(checkpoint_module, "PRUNED_AT_ONCE", 5)
    monkeypatch.setattr(memory_store, "KEPT_COMMITS", 5)


def _commit_many(database: Database, account: Account) -> None:
    """Commit, in a thread, more than the log keeps."""

    def commit() -> None:
        for _ in range(20):
            database.run(lambda: setattr(account, "balance", account.balance + 1))
        database.checkpoint()
        database.close_session()

    thread = threading.Thread(target=commit)
    thread.start()
    thread.join()


@pytest.mark.usefixtures("short_log")
def test_commit_after_the_log_is_gone_reads_again_what_it_read(any_database: Database) -> None:
    with any_database.transaction():
        busy, quiet = Account(name="busy"), Account(name="quiet", owner="ann")
    with any_database.transaction():
        assert quiet.balance == 0
        assert Account.lookup_all(owner="ann") == (quiet,)
        assert Account.lookup_unique(name="nobody") is None
        quiet.limit = 1
        _commit_many(any_database, busy)
    with any_database.view():
        assert (busy.balance, quiet.limit) == (20, 1)


@pytest.mark.usefixtures("short_log")
@pytest.mark.parametrize("what", ["field", "lookup", "written"])
def test_commit_after_the_log_is_gone_conflicts_with_what_changed(
    any_database: Database, what: str
) -> None:
    with any_database.transaction():
        busy, quiet = Account(name="busy", owner="ann"), Account(name="quiet")

    def read() -> None:
        if what == "field":
            assert busy.balance == 0
        elif what == "lookup":
            assert Account.lookup_all(owner="bob") == ()
        else:
            busy.balance = 7

    with (
        pytest.raises(RevisionConflictError, match="so long that its log is gone"),
        any_database.transaction(),
    ):
        read()
        quiet.limit = 1
        thread = threading.Thread(
            target=any_database.run, args=(lambda: setattr(busy, "owner", "bob"),)
        )
        thread.start()
        thread.join()
        _commit_many(any_database, busy)


def _wal_bytes(database: Database) -> int:
    return Path(f"{database.path}-wal").stat().st_size


def test_view_that_stays_open_blocks_no_commit_and_the_wal_shrinks_after_it(
    database: Database, run_program: RunProgram
) -> None:
    with database.transaction():
        account = Account(name="a", owner="x" * 3000)
    reader = run_program(
        "with db.view():\n    Account.lookup_all()\n    say('open')\n    hear()\nsay('closed')\n"
    )
    assert reader.stdout is not None
    assert reader.stdin is not None
    assert reader.stdout.readline() == "open\n"
    for _ in range(3000):
        with database.transaction():
            account.balance += 1
    assert _wal_bytes(database) > WAL_LIMIT_BYTES, "a pinned WAL grows"
    with Database(database.path, busy_timeout_seconds=600.0) as patient:
        patient.checkpoint()  # does not wait for the view, which lasts until it hears a line
    reader.communicate("\n")
    database.checkpoint()
    with database.transaction():
        account.balance = 0
    database.checkpoint()
    assert _wal_bytes(database) <= WAL_LIMIT_BYTES
