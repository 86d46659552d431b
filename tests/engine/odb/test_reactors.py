"""Reactors and conditions run again when what they read has changed, in every store."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import pairwise

import pytest
from bank_schema import Account

from odbctl.engine.odb import Database, Listener, Reactor, wake_at
from odbctl.engine.odb.reactor import ReactorThread
from odbctl.errors import TransactionError

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


@contextmanager
def running(database: Database, reactors: Sequence[Reactor]) -> Generator[None]:
    """Run reactors in one thread."""
    ReactorThread(database, reactors).start()
    try:
        yield
    finally:
        for reactor in reactors:
            reactor.stop()


class Looks:
    """What a reactor saw of the balance, and in which thread it ran."""

    def __init__(self, database: Database, account: Account) -> None:
        self._database = database
        self._account = account
        self.balances: list[int] = []
        self.threads: set[int] = set()
        self.has_run = threading.Semaphore(0)

    def look(self) -> None:
        with self._database.view():
            self.balances.append(self._account.balance)
        self.threads.add(threading.get_ident())
        self.has_run.release()

    def wait(self) -> None:
        """Wait until it has run once more."""
        assert self.has_run.acquire(timeout=DEADLINE_SECONDS)


@pytest.fixture
def account(database: Database) -> Account:
    with database.transaction():
        return Account(name="a")


def test_reactors_share_a_thread_and_a_listener(
    database: Database, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.transaction():
        accounts = [account, Account(name="b"), Account(name="c")]
    listeners: list[Listener] = []
    listen = database.listen

    def count() -> Listener:
        listeners.append(listen())
        return listeners[-1]

    monkeypatch.setattr(database, "listen", count)
    looks = [Looks(database, each) for each in accounts]
    reactors = [Reactor(database, each.look) for each in looks]
    with running(database, reactors):
        for each in looks:
            each.wait()
        database.run(lambda: setattr(accounts[1], "balance", 1))
        looks[1].wait()
        reactors[0].stop()
        assert [each.is_running() for each in reactors] == [False, True, True]
        with database.transaction():
            for changed in accounts:
                changed.balance = 2
        looks[1].wait()
        looks[2].wait()
    assert [each.balances for each in looks] == [[0], [0, 1, 2], [0, 2]]
    assert len(set[int]().union(*(each.threads for each in looks))) == 1
    assert len(listeners) == 1
    assert not any(each.is_running() for each in reactors)


def test_reactor_that_runs_is_not_started_again(database: Database, account: Account) -> None:
    looks = Looks(database, account)
    with Reactor(database, looks.look, name="look") as reactor:
        looks.wait()
        with pytest.raises(TransactionError, match="reactor look is already running"):
            reactor.start()
        with pytest.raises(TransactionError, match="reactor look is already running"):
            ReactorThread(database, [reactor]).start()
        database.run(lambda: setattr(account, "balance", 1))
        looks.wait()
    assert looks.balances == [0, 1]


def test_reactor_runs_at_the_time_that_its_function_names(database: Database) -> None:
    calls = threading.Semaphore(0)
    times: list[float] = []

    def ask() -> None:
        times.append(time.time())
        if len(times) < 3:
            wake_at(times[-1] + DEADLINE_SECONDS)
            wake_at(times[-1] + 0.01)
        calls.release()

    with Reactor(database, ask):
        for _ in range(3):
            assert calls.acquire(timeout=DEADLINE_SECONDS)
    assert len(times) == 3
    assert all(after - before > 0.009 for before, after in pairwise(times))


def test_next_runs_at_the_time_that_the_function_named(database: Database) -> None:
    times = [time.time() + 0.01]

    def ask() -> None:
        if times:
            wake_at(times.pop())

    reactor = Reactor(database, ask)
    assert reactor.next()
    assert reactor.next(timeout_seconds=DEADLINE_SECONDS)
    assert not reactor.next(timeout_seconds=0)


def test_wake_at_is_refused_outside_a_reactor(database: Database) -> None:
    with pytest.raises(TransactionError, match="by the function of a reactor"):
        wake_at(0.0)
    with pytest.raises(TransactionError, match="by the function of a reactor"):
        database.wait_for_condition(lambda: wake_at(0.0), timeout_seconds=0)


@pytest.fixture
def errors_pause_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("odbctl.engine.odb.reactor.FIRST_BACK_OFF_SECONDS", 10 * DEADLINE_SECONDS)


@pytest.mark.usefixtures("errors_pause_for_long")
def test_pause_after_an_error_ends_when_what_it_read_changes(
    database: Database, account: Account
) -> None:
    failed, recovered = threading.Event(), threading.Event()

    def fail_at_zero() -> None:
        with database.view():
            _ = 1 // account.balance
        recovered.set()

    with Reactor(database, fail_at_zero, on_error=lambda _: failed.set()):
        assert failed.wait(DEADLINE_SECONDS)
        database.run(lambda: setattr(account, "balance", 1))
        assert recovered.wait(DEADLINE_SECONDS)


@pytest.mark.usefixtures("errors_pause_for_long")
def test_own_commit_does_not_end_the_pause_after_an_error(
    database: Database, account: Account
) -> None:
    calls: list[int] = []
    looks = Looks(database, account)

    def write_and_fail() -> None:
        calls.append(1)
        with database.transaction():
            account.limit += 1
        raise ValueError("after its commit")

    reactors = [
        Reactor(database, write_and_fail, on_error=lambda _: None),
        Reactor(database, looks.look),
    ]
    with running(database, reactors):
        looks.wait()
        database.run(lambda: setattr(account, "balance", 1))
        looks.wait()  # the thread has looked at all commits by now
    assert len(calls) == 1


def test_reactor_that_never_comes_to_rest_is_reported_once(
    database: Database,
    account: Account,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("odbctl.engine.odb.reactor_chain.LONGEST_CHAIN", 10)
    calls = threading.Semaphore(0)

    def count() -> None:
        with database.transaction():
            account.balance += 1
        calls.release()

    with caplog.at_level(logging.WARNING), Reactor(database, count, name="count"):
        for _ in range(40):
            assert calls.acquire(timeout=DEADLINE_SECONDS)
    (record,) = caplog.records
    assert "reactor count has run 10 times in a row" in record.getMessage()


@pytest.mark.parametrize("is_shared", [True, False])
def test_reactors_that_wake_each_other_for_ever_are_reported_once(
    database: Database,
    account: Account,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    is_shared: bool,
) -> None:
    monkeypatch.setattr("odbctl.engine.odb.reactor_chain.LONGEST_CHAIN", 10)
    calls = threading.Semaphore(0)

    def follow() -> None:
        with database.transaction():
            account.limit = account.balance
        calls.release()

    def go_ahead() -> None:
        with database.transaction():
            account.balance = account.limit + 1

    reactors = [Reactor(database, follow), Reactor(database, go_ahead)]
    threads = [reactors] if is_shared else [[each] for each in reactors]
    with caplog.at_level(logging.WARNING), ExitStack() as stack:
        for together in threads:
            stack.enter_context(running(database, together))
        for _ in range(30):
            assert calls.acquire(timeout=DEADLINE_SECONDS)
    (record,) = caplog.records
    assert "reactors follow, go_ahead have run 10 times in a row" in record.getMessage()


def test_reactors_that_are_woken_by_others_each_time_are_not_reported(
    database: Database,
    account: Account,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("odbctl.engine.odb.reactor_chain.LONGEST_CHAIN", 3)
    with database.transaction():
        last = Account(name="last")

    def follow() -> None:
        with database.transaction():
            account.limit = account.balance

    def follow_follower() -> None:
        with database.transaction():
            last.balance = account.limit

    reactors = [Reactor(database, follow), Reactor(database, follow_follower)]
    with caplog.at_level(logging.WARNING), running(database, reactors):
        for number in range(1, 10):
            database.run(partial(setattr, account, "balance", number))
            assert database.wait_for_condition(
                partial(_has_balance, last, number), DEADLINE_SECONDS
            )
    assert not caplog.records


def _has_balance(account: Account, balance: int) -> bool:
    return account.balance == balance


def test_reactor_that_comes_to_rest_each_time_is_not_reported(
    database: Database,
    account: Account,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("odbctl.engine.odb.reactor_chain.LONGEST_CHAIN", 3)
    calls = threading.Semaphore(0)
    numbers: list[int] = []

    def write_every_other_time() -> None:
        with database.transaction():
            numbers.append(account.balance)
            if len(numbers) % 2:
                account.balance += 1
        calls.release()

    reactor = Reactor(database, write_every_other_time, wake_every_seconds=0.001)
    with caplog.at_level(logging.WARNING), reactor:
        for _ in range(20):
            assert calls.acquire(timeout=DEADLINE_SECONDS)
    assert not caplog.records
