"""`run` and `retry_on_conflict` come to an end beside writers that never pause."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager

import pytest
from bank_schema import Account

from odbctl.engine.odb import Database, retry_on_conflict
from odbctl.engine.odb.current import current_view
from odbctl.engine.odb.retry import MOST_TRIES, OPTIMISTIC_TRIES
from odbctl.engine.odb.transaction import Transaction
from odbctl.errors import RevisionConflictError, TransactionError

HEAD_START_SECONDS = 0.02
DEADLINE_SECONDS = 20.0


@pytest.fixture
def database(any_database: Database) -> Database:
    """What is asked here must hold in every store."""
    return any_database


@pytest.fixture(autouse=True)
def without_long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("odbctl.engine.odb.retry.LONGEST_BACK_OFF_SECONDS", 0.001)


@pytest.fixture
def account(database: Database) -> Account:
    with database.transaction():
        return Account(name="a", owner="ann")


class Writer:
    """Commits a change of the same field within each try, as fast as it is let."""

    def __init__(self, database: Database, account: Account) -> None:
        self._database = database
        self._account = account
        self._threads: list[threading.Thread] = []
        self.tries = 0
        # From then on it may be kept out.
        self.free_tries = OPTIMISTIC_TRIES

    def beat(self) -> None:
        """Commit before the caller does, unless the caller keeps writers out."""
        self.tries += 1
        thread = threading.Thread(target=self._database.run, args=(self.add,))
        thread.start()
        thread.join(DEADLINE_SECONDS if self.tries <= self.free_tries else HEAD_START_SECONDS)
        self._threads.append(thread)

    def add(self) -> None:
        self._account.balance += 1

    def join(self) -> None:
        for thread in self._threads:
            thread.join(DEADLINE_SECONDS)


@pytest.fixture
def writer(database: Database, account: Account) -> Iterator[Writer]:
    writer = Writer(database, account)
    yield writer
    writer.join()


def add_while_beaten(account: Account, writer: Writer) -> Callable[[], int]:
    def add() -> int:
        account.balance += 1
        writer.beat()
        return account.balance

    return add


def check_sum(database: Database, account: Account, writer: Writer) -> None:
    writer.join()
    with database.view():
        assert account.balance == writer.tries + 1


def test_run_succeeds_beside_a_writer_that_is_always_faster(
    database: Database, account: Account, writer: Writer
) -> None:
    assert database.run(add_while_beaten(account, writer)) == OPTIMISTIC_TRIES + 1
    check_sum(database, account, writer)


def test_run_async_succeeds_beside_a_writer_that_is_always_faster(
    database: Database, account: Account, writer: Writer
) -> None:
    async def run() -> None:
        with database.view():  # the transaction gets a session of its own
            other = asyncio.create_task(database.run_async(add_while_beaten(account, writer)))
            assert await other == OPTIMISTIC_TRIES + 1

    asyncio.run(run())
    check_sum(database, account, writer)


def test_retry_succeeds_beside_a_writer_that_is_always_faster(
    database: Database, account: Account, writer: Writer
) -> None:
    add = add_while_beaten(account, writer)

    @retry_on_conflict
    def add_in_a_transaction() -> None:
        with database.transaction():
            add()

    add_in_a_transaction()
    check_sum(database, account, writer)


def test_retry_succeeds_when_what_it_read_first_is_never_the_same(
    database: Database, account: Account, writer: Writer
) -> None:
    with database.transaction():
        other = Account(name="b")

    def add() -> None:
        account.balance += 1
        writer.beat()
        # Its snapshot may be opened only now, after the rival's commit.
        other.limit = len(Account.lookup_all(owner="ann"))

    database.run(add)
    check_sum(database, account, writer)


def test_writers_are_let_in_before_functions_of_on_commit(
    database: Database, account: Account, writer: Writer
) -> None:
    def callback() -> None:
        thread = threading.Thread(target=database.run, args=(writer.add,))
        thread.start()
        thread.join(DEADLINE_SECONDS / 4)
        assert not thread.is_alive()
        writer.tries += 1

    add = add_while_beaten(account, writer)

    def add_and_call() -> None:
        current = current_view()
        assert isinstance(current, Transaction)
        current.on_commit(callback)
        add()

    database.run(add_and_call)
    check_sum(database, account, writer)


def test_writers_are_let_in_when_the_last_try_fails(
    database: Database, account: Account, writer: Writer
) -> None:
    add = add_while_beaten(account, writer)

    def fail_late() -> None:
        add()
        if writer.tries > OPTIMISTIC_TRIES:
            raise ValueError("too late")

    with pytest.raises(ValueError, match="too late"):
        database.run(fail_late)
    writer.join()
    database.run(writer.add)
    with database.view():
        assert account.balance == writer.tries + 1


def test_slow_function_does_not_keep_writers_out(
    database: Database, account: Account, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer.free_tries = MOST_TRIES
    monkeypatch.setattr("odbctl.engine.odb.retry.LONGEST_LOCKED_SECONDS", 0.0)
    with pytest.raises(RevisionConflictError):
        database.run(add_while_beaten(account, writer))
    assert writer.tries == MOST_TRIES


def test_run_inside_a_transaction_belongs_to_it(database: Database, account: Account) -> None:
    def add() -> int:
        account.balance += 1
        return account.balance

    assert database.run(lambda: (database.run(add), database.run(add))) == (1, 2)
    with pytest.raises(ValueError, match="undone"), database.transaction():  # noqa: PT012 - its body raises
        assert database.run(add) == 3
        raise ValueError("undone")
    with database.view():
        assert account.balance == 2
        with pytest.raises(TransactionError, match="inside a view"):
            database.run(add)


def test_run_async_inside_a_transaction_belongs_to_it(database: Database, account: Account) -> None:
    def add() -> None:
        account.balance += 1

    async def run() -> None:
        with pytest.raises(ValueError, match="undone"), database.transaction():  # noqa: PT012 - its body raises
            await database.run_async(add)
            raise ValueError("undone")
        await database.run_async(add)

    asyncio.run(run())
    with database.view():
        assert account.balance == 1


@contextmanager
def a_view_of_another_database() -> Generator[None]:
    with Database.in_memory() as other, other.view():
        yield


def test_run_tries_again_within_a_view_of_another_database(
    database: Database, account: Account, writer: Writer
) -> None:
    with a_view_of_another_database():
        database.run(add_while_beaten(account, writer))
    check_sum(database, account, writer)


def test_coroutine_functions_are_refused(database: Database) -> None:
    async def work() -> None:
        """Never run."""

    with pytest.raises(TypeError, match="work is a coroutine function"):
        _ = retry_on_conflict(work)
    with pytest.raises(TypeError, match="work is a coroutine function"):
        _ = database.run(work)
    with pytest.raises(TypeError, match="work is a coroutine function"):
        _ = asyncio.run(database.run_async(work))
