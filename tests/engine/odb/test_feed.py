"""The change feed: everything that is committed, in order, once."""

from __future__ import annotations

import threading
from functools import partial

import pytest
from bank_schema import Account, RunProgram

from odbctl.engine.odb import Database, memory_store
from odbctl.engine.odb import checkpoint as checkpoint_module
from odbctl.errors import StoreError


def test_feed_tells_what_was_done_to_which_object(any_database: Database) -> None:
    with any_database.changes() as changes:
        with any_database.transaction():
            account = Account(name="a")
        with any_database.transaction():
            account.balance, account.owner = 1, "ann"
        with any_database.transaction():
            account.delete()
        told = [changes.next(timeout_seconds=10) for _ in range(3)]
    assert [(c.kind, c.type, c.oid, set(c.fields)) for c in told if c] == [
        ("insert", "bank.Account", account.oid, set()),
        ("update", "bank.Account", account.oid, {"balance", "owner"}),
        ("delete", "bank.Account", account.oid, set()),
    ]
    commits = [c.commit for c in told if c]
    assert commits == [commits[0], commits[0] + 1, commits[0] + 2]


def test_feed_begins_with_the_next_commit(any_database: Database) -> None:
    any_database.run(lambda: Account(name="before"))
    with any_database.changes() as changes:
        assert changes.next(timeout_seconds=0) is None


def test_feed_goes_on_where_another_ended(any_database: Database) -> None:
    with any_database.changes() as changes:
        any_database.run(lambda: Account(name="a"))
        assert changes.next(timeout_seconds=10) is not None
        last = changes.since
    any_database.run(lambda: Account(name="b"))
    with any_database.changes(since=last) as changes:
        change = changes.next(timeout_seconds=10)
        assert change is not None
        assert change.commit == last + 1


def test_feed_of_some_types_is_silent_of_others(any_database: Database) -> None:
    with any_database.changes(types=["bank.Other"]) as changes:
        any_database.run(lambda: Account(name="a"))
        assert changes.next(timeout_seconds=0) is None
    with any_database.changes(types=[Account]) as changes:
        any_database.run(lambda: Account(name="b"))
        assert changes.next(timeout_seconds=10) is not None


def test_feed_can_be_closed_by_another_thread(any_database: Database) -> None:
    with any_database.changes() as changes:
        timer = threading.Timer(0.05, changes.close)
        timer.start()
        assert list(changes) == []
        timer.join()


def test_feed_hears_other_processes(database: Database, run_program: RunProgram) -> None:
    database.run(lambda: Account(name="first"))
    with database.changes() as changes:
        run_program("with db.transaction(): Account(name='there')\n").communicate()
        change = changes.next(timeout_seconds=20)
    assert change is not None
    assert change.kind == "insert"


def test_log_that_was_pruned_is_told(
    any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint_module, "KEPT_LOG_ROWS", 5)
    monkeypatch.setattr(checkpoint_module, "PRUNED_AT_ONCE", 5)
    monkeypatch.setattr(memory_store, "KEPT_COMMITS", 5)
    for number in range(20):
        any_database.run(partial(Account, name=f"a{number}"))
    any_database.checkpoint()
    with any_database.changes(since=1) as changes:
        with pytest.raises(StoreError, match="no longer goes back to commit 1"):
            changes.next(timeout_seconds=10)
        any_database.run(lambda: Account(name="later"))
        assert changes.next(timeout_seconds=10) is not None


def test_feed_outside_a_with_is_refused(any_database: Database) -> None:
    with pytest.raises(StoreError, match="inside a with block"):
        any_database.changes().next()
