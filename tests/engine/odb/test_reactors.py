"""Reactors and conditions run again when what they read has changed, in every store."""

from __future__ import annotations

import threading
from functools import partial

import pytest
from bank_schema import Account

from odbctl.engine.odb import Database, Reactor

DEADLINE_SECONDS = 20.0


@pytest.fixture
def database(any_database: Database) -> Database:
    """What is asked here must hold in every store."""
    return any_database


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
