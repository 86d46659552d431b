"""Tasks of one event loop: each has views and transactions of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from bank_schema import Account

from odbctl.engine.odb import Database, current_database
from odbctl.errors import RevisionConflictError, TransactionError


@pytest.fixture
def database(any_database: Database) -> Database:
    """What is asked here must hold in every store."""
    return any_database


@pytest.fixture
def account(database: Database) -> Account:
    with database.transaction():
        return Account(name="a", owner="ann")


class Turns:
    """Lets two tasks take turns where the test says so."""

    def __init__(self) -> None:
        self.is_open, self.is_seen = asyncio.Event(), asyncio.Event()

    async def give(self) -> None:
        """Let the other task look, and wait until it has."""
        self.is_open.set()
        await self.is_seen.wait()


def run_beside(
    first: Callable[[Turns], Awaitable[object]], second: Callable[[], Awaitable[object]]
) -> None:
    """Run `second` while `first`, which gives a turn, has something open."""

    async def wait_for_turn(turns: Turns) -> None:
        await turns.is_open.wait()
        try:
            await second()
        finally:
            turns.is_seen.set()

    async def run_both() -> None:
        turns = Turns()
        await asyncio.gather(first(turns), wait_for_turn(turns))

    asyncio.run(run_both())


def test_task_does_not_see_what_another_has_not_committed(
    database: Database, account: Account
) -> None:
    async def write(turns: Turns) -> None:
        with database.transaction():
            account.balance = 7
            await turns.give()
            assert account.balance == 7

    async def look() -> None:
        with pytest.raises(TransactionError, match="no view or transaction is open to read"):
            _ = account.balance
        with pytest.raises(TransactionError, match="to write"):
            account.balance = 1
        with database.view():
            assert account.balance == 0
            assert [each.balance for each in Account.lookup_all()] == [0]

    run_beside(write, look)
    with database.view():
        assert account.balance == 7


def test_tasks_commit_beside_one_another(database: Database, account: Account) -> None:
    async def write(turns: Turns) -> None:
        with database.transaction():
            account.balance = 7
            await turns.give()

    async def write_too() -> None:
        with database.transaction():
            account.limit = 3
            Account(name="b")
        database.run(lambda: Account(name="c"))

    run_beside(write, write_too)
    with database.view():
        assert (account.balance, account.limit, Account.lookup_count()) == (7, 3, 3)


def test_tasks_conflict_as_threads_do(database: Database, account: Account) -> None:
    async def add_slowly(turns: Turns) -> None:
        with pytest.raises(RevisionConflictError, match="balance"):  # noqa: PT012, SIM117 - its end raises
            with database.transaction():
                account.balance += 1
                await turns.give()

    async def add() -> None:
        with database.transaction():
            account.balance += 1

    run_beside(add_slowly, add)
    with database.view():
        assert account.balance == 1


def test_task_keeps_its_snapshot(database: Database, account: Account) -> None:
    async def look(turns: Turns) -> None:
        with database.view():
            await turns.give()
            assert account.balance == 0
            with database.view():
                assert account.balance == 0
        with database.view():
            assert account.balance == 7

    async def write() -> None:
        with database.transaction():
            account.balance = 7

    run_beside(look, write)


def test_new_task_is_not_in_the_transaction_that_started_it(
    database: Database, account: Account
) -> None:
    async def read() -> int:
        return account.balance

    async def start() -> None:
        with database.transaction():
            account.balance = 7
            for reading in (asyncio.create_task(read()), asyncio.to_thread(asyncio.run, read())):
                with pytest.raises(TransactionError, match="no view or transaction is open"):
                    await reading
            assert current_database() is database

    asyncio.run(start())


def test_view_around_the_loop_is_seen_by_its_tasks(database: Database, account: Account) -> None:
    with Database.in_memory() as other:

        async def look(name: str) -> int:
            with other.transaction():
                Account(name=name)
                await asyncio.sleep(0)
            return account.balance

        async def look_twice() -> None:
            assert await asyncio.gather(*(look(name) for name in "ab")) == [0, 0]

        with database.view():
            asyncio.run(look_twice())
            assert account.balance == 0
        with pytest.raises(TransactionError):
            _ = account.balance


def test_many_tasks_count_together(database: Database, account: Account) -> None:
    async def add() -> None:
        def once() -> None:
            account.balance += 1

        with database.view():
            await asyncio.sleep(0)
            assert account.exists()
        database.run(once)

    async def add_all() -> None:
        await asyncio.gather(*(add() for _ in range(20)))

    asyncio.run(add_all())
    with database.view():
        assert account.balance == 20


def test_checkpoint_works_while_another_task_reads(database: Database, account: Account) -> None:
    async def look(turns: Turns) -> None:
        with database.view():
            assert account.balance == 0
            await turns.give()
            assert account.balance == 0

    async def change() -> None:
        with database.transaction():
            account.balance = 7
        database.checkpoint()

    run_beside(look, change)
    with database.view():
        database.checkpoint()
        assert account.balance == 7


def test_listener_notices_a_commit_while_another_task_reads(
    database: Database, account: Account
) -> None:
    def add() -> None:
        account.balance += 1

    async def look(turns: Turns) -> None:
        with database.view():
            assert account.balance == 0
            await turns.give()

    async def listen() -> None:
        with database.listen() as listener:
            with database.view():
                assert account.balance == 0
            assert not listener.arm()
            await asyncio.to_thread(database.run, add)
            assert listener.arm()

    run_beside(look, listen)
