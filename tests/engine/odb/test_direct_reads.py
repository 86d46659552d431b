"""From the second read on, fields look into the cache without asking the view: never too long."""

# ruff: noqa: PT012 - what raises is the end of a transaction, so its body stands inside.

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from bank_schema import Account

from odbctl.engine.odb import Database, cache, checkpoint, memory_store, session
from odbctl.engine.odb.log import Group
from odbctl.engine.odb.tracker import Tracker
from odbctl.errors import ObjectGoneError, RevisionConflictError, TransactionError


@pytest.fixture
def database(any_database: Database) -> Database:
    """What is asked here must hold in every store."""
    return any_database


@pytest.fixture
def accounts(database: Database) -> tuple[Account, ...]:
    with database.transaction():
        return tuple(Account(name=name, owner=name) for name in "abc")


def read_directly(*accounts: Account) -> list[int]:
    """Read a field several times, the last times without asking the view."""
    return [account.balance for _ in range(4) for account in accounts][-len(accounts) :]


def rival(database: Database, change: Callable[[], object]) -> None:
    """Commit a change from another thread, now."""
    thread = threading.Thread(target=database.run, args=(change,))
    thread.start()
    thread.join()


def test_closed_view_is_not_read(database: Database, accounts: tuple[Account, ...]) -> None:
    with Tracker(database), database.view():
        read_directly(*accounts)
    with pytest.raises(TransactionError, match="no view or transaction is open"):
        _ = accounts[0].balance
    with database.view():
        read_directly(*accounts)
    with pytest.raises(TransactionError, match="no view or transaction is open"):
        _ = accounts[0].balance


def test_other_thread_does_not_read_in_the_view(
    database: Database, accounts: tuple[Account, ...]
) -> None:
    errors: list[TransactionError] = []

    def read() -> None:
        try:
            read_directly(*accounts)
        except TransactionError as error:
            errors.append(error)

    with database.view():
        read_directly(*accounts)
        thread = threading.Thread(target=read)
        thread.start()
        thread.join()
    assert len(errors) == 1


def test_view_of_another_database_is_read_inside(
    database: Database, accounts: tuple[Account, ...]
) -> None:
    with Database.in_memory() as other:
        with other.transaction():
            inner = Account(name="x", balance=7)
        with database.view():
            for _ in range(2):
                assert read_directly(*accounts) == [0, 0, 0]
                with other.view():
                    with pytest.raises(ObjectGoneError):
                        _ = accounts[0].balance
                    assert read_directly(inner) == [7]
                with pytest.raises(ObjectGoneError):
                    _ = inner.balance


def test_task_with_a_view_of_its_own_reads_in_it(
    database: Database, accounts: tuple[Account, ...]
) -> None:
    with Database.in_memory() as other:
        with other.view():
            pass  # what comes later finds nothing new

        async def look_elsewhere() -> None:
            with other.transaction():
                for _ in range(3):
                    with pytest.raises(ObjectGoneError):
                        _ = accounts[0].balance
                    await asyncio.sleep(0)

        async def look() -> None:
            for _ in range(3):
                assert read_directly(*accounts) == [0, 0, 0]
                await asyncio.sleep(0)

        async def look_both() -> None:
            await asyncio.gather(look(), look_elsewhere(), look())

        with database.view():
            read_directly(*accounts)
            asyncio.run(look_both())
            assert read_directly(*accounts) == [0, 0, 0]


def test_transaction_reads_what_it_writes(
    database: Database, accounts: tuple[Account, ...]
) -> None:
    first, second, _ = accounts
    with database.transaction():
        assert read_directly(*accounts) == [0, 0, 0]
        first.balance = 1
        assert read_directly(*accounts) == [1, 0, 0]
        second.balance += 2
        assert read_directly(*accounts) == [1, 2, 0]
        first.balance = 3
        assert read_directly(*accounts) == [3, 2, 0]
        second.delete()
        with pytest.raises(ObjectGoneError):
            read_directly(second)
        new = Account(name="new", balance=9)
        assert read_directly(first, new) == [3, 9]


def test_what_was_read_directly_conflicts(
    database: Database, accounts: tuple[Account, ...]
) -> None:
    first, second, third = accounts
    with database.transaction():
        read_directly(*accounts)
        third.limit = 1
        read_directly(*accounts)
        # Another field, and a field that is only written here.
        rival(database, lambda: setattr(first, "owner", "eve"))
    with pytest.raises(RevisionConflictError, match="balance"), database.transaction():
        read_directly(first, third)
        assert second.balance == 0
        third.limit = 2
        rival(database, lambda: setattr(second, "balance", 1))


@pytest.fixture
def trust(monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction needs no snapshot until it reads what is not cached, on slow machines, too."""
    monkeypatch.setattr(session, "TRUSTED_SECONDS", 1e9)


@pytest.mark.usefixtures("trust")
def test_reads_move_with_a_snapshot_that_is_opened_late(
    database: Database, accounts: tuple[Account, ...]
) -> None:
    first, second, _ = accounts
    with database.transaction():
        second.limit = 1  # the cache is trusted from here on
        assert [account.limit for account in accounts] == [0, 1, 0]
    with database.transaction():
        assert read_directly(first) == [0]
        rival(database, lambda: setattr(second, "balance", 1))
        assert Account.lookup_count() == 3
        assert read_directly(*accounts) == [0, 1, 0]


@pytest.mark.usefixtures("trust")
def test_reads_move_with_a_snapshot_that_the_log_does_not_reach(
    database: Database, accounts: tuple[Account, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, _ = accounts

    def change_often() -> None:
        for _ in range(20):
            database.run(lambda: setattr(second, "balance", second.balance + 1))
        database.checkpoint()
        database.close_session()

    for module, name in (
        (checkpoint, "KEPT_LOG_ROWS"),
        (checkpoint, "PRUNED_AT_ONCE"),
        (memory_store, "KEPT_COMMITS"),
    ):
        monkeypatch.setattr(module, name, 5)
    with database.transaction():
        second.limit = 1
        assert [account.limit for account in accounts] == [0, 1, 0]
    with database.transaction():
        assert [account.limit for account in accounts] == [0, 1, 0]
        assert read_directly(first) == [0]
        thread = threading.Thread(target=change_often)
        thread.start()
        thread.join()
        assert Account.lookup_count() == 3
        assert second.balance == 20


def test_what_is_read_directly_is_tracked(
    database: Database, accounts: tuple[Account, ...]
) -> None:
    first, second, _ = accounts
    with Tracker(database) as tracker, database.view():
        read_directly(first, second)
        assert second.balance == 0
        assert second.limit == 0
    seq = tracker.first_seq
    assert seq is not None

    def touched_by(change: Callable[[], object]) -> bool:
        before = database.last_commit()
        database.run(change)
        rows: list[Group] | None = database.log_since(before)[1]
        assert rows is not None
        return tracker.is_touched_by(rows)

    assert not touched_by(lambda: setattr(first, "limit", 1))
    assert not touched_by(lambda: setattr(second, "owner", "eve"))
    for account, name in ((first, "balance"), (second, "balance"), (second, "limit")):
        assert touched_by(partial(setattr, account, name, 1))


def test_rows_that_are_no_longer_cached_are_read_again(
    database: Database, accounts: tuple[Account, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "MOST_ROWS_IN_A_VIEW", 3)
    with database.transaction():
        for number in range(8):
            Account(name=str(number), balance=number)
    database.close_session()
    with database.view():
        accounts = Account.lookup_all()
        for _ in range(3):
            assert [account.balance for account in accounts] == [0, 0, 0, *range(8)]
            assert Account.lookup_newest(1) == accounts[-1:]  # forgets the others


@pytest.mark.parametrize("is_followed", [False, True])
@pytest.mark.parametrize("from_start", [False, True])
def test_log_that_was_looked_at_is_not_read_again_by_the_view(
    database: Database,
    accounts: tuple[Account, ...],
    monkeypatch: pytest.MonkeyPatch,
    is_followed: bool,
    from_start: bool,
) -> None:
    first, second, _ = accounts
    with database.view() as view:
        assert read_directly(*accounts) == [0, 0, 0]
    rival(database, lambda: setattr(first, "balance", 1))
    last, rows = database.log_since(0 if from_start else view.seq)
    assert rows
    assert last == view.seq + 1
    if is_followed:
        rival(database, lambda: setattr(second, "balance", 2))
    reads: list[int] = []
    link = database.session().link
    kind: Any = type(link)
    log_since = kind.log_since

    def counted(self: object, seq: int) -> object:
        reads.append(seq)
        return log_since(self, seq)

    monkeypatch.setattr(kind, "log_since", counted)
    with database.view():
        assert read_directly(*accounts) == [1, 2 if is_followed else 0, 0]
    assert reads == ([view.seq] if is_followed or from_start else [])
