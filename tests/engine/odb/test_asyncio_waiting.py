"""Tasks that wait for commits while other tasks go on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine

import pytest
from bank_schema import Account

from odbctl.engine.odb import Database
from odbctl.engine.odb.feed import Change
from odbctl.errors import StoreError, TransactionError

DEADLINE_SECONDS = 20.0


@pytest.fixture
def database(any_database: Database) -> Database:
    """What is asked here must hold in every store."""
    return any_database


@pytest.fixture(autouse=True)
def without_healing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody find by looking again what a wake-up should have told."""
    for name in ("FIRST_HEALING_SECONDS", "LONGEST_HEALING_SECONDS"):
        monkeypatch.setattr(f"odbctl.engine.odb.tasks.{name}", 2 * DEADLINE_SECONDS)


@pytest.fixture
def account(database: Database) -> Account:
    with database.transaction():
        return Account(name="a", owner="ann")


def commit_in_a_thread(database: Database, change: Callable[[], object]) -> None:
    thread = threading.Thread(target=database.run, args=(change,))
    thread.start()
    thread.join()


def test_task_waits_for_a_condition_while_others_go_on(
    database: Database, account: Account
) -> None:
    looked = asyncio.Event()
    balances: list[int] = []

    def is_five() -> bool:
        looked.set()
        balances.append(account.balance)
        return account.balance == 5

    async def wait_and_write() -> None:
        waiting = asyncio.create_task(database.wait_for_async(is_five, DEADLINE_SECONDS))
        await looked.wait()
        await database.run_async(lambda: setattr(account, "limit", 1))
        await asyncio.to_thread(database.run, lambda: setattr(account, "balance", 5))
        assert await waiting
        assert await database.wait_for_async(is_five)
        assert not await database.wait_for_async(lambda: False, timeout_seconds=0.01)

    asyncio.run(wait_and_write())
    assert balances == [0, 5, 5]


def test_wait_is_not_hidden_by_a_view_of_another_task(database: Database, account: Account) -> None:
    async def wait_beside_a_view() -> None:
        with database.view():
            waiting = asyncio.create_task(
                database.wait_for_async(lambda: account.balance == 5, DEADLINE_SECONDS)
            )
            await asyncio.sleep(0.01)
            await asyncio.to_thread(database.run, lambda: setattr(account, "balance", 5))
            assert await waiting
            assert account.balance == 0

    asyncio.run(wait_beside_a_view())


def test_waiting_in_a_view_and_coroutines_are_refused(database: Database) -> None:
    async def is_true() -> bool:
        return False

    async def wait() -> None:
        with pytest.raises(TypeError, match="is_true is a coroutine function"):
            await database.wait_for_async(is_true)
        with pytest.raises(TypeError, match="is_true is a coroutine function"):
            await asyncio.to_thread(database.wait_for_condition, is_true)
        async with database.changes_async() as changes:
            with database.view():
                with pytest.raises(TransactionError, match="wait_for_async cannot be used inside"):
                    await database.wait_for_async(lambda: True)
                with pytest.raises(TransactionError, match="next cannot be used inside a view"):
                    await changes.next()

    asyncio.run(wait())


def test_changes_come_as_they_are_committed(database: Database, account: Account) -> None:
    seen: list[Change] = []
    since = database.last_commit()

    async def follow() -> None:
        async for change in database.changes_async(types=[Account], since=since):
            seen.append(change)
            if len(seen) == 3:
                break
            await asyncio.to_thread(database.run, lambda: setattr(account, "balance", len(seen)))

    async def follow_and_write() -> None:
        following = asyncio.create_task(follow())
        await database.run_async(lambda: setattr(account, "limit", 1))
        async with asyncio.timeout(DEADLINE_SECONDS):
            await following

    asyncio.run(follow_and_write())
    assert [each.fields for each in seen] == [("limit",), ("balance",), ("balance",)]
    assert {each.oid for each in seen} == {account.oid}


def test_feed_goes_on_after_its_time_was_over(database: Database, account: Account) -> None:
    async def follow() -> None:
        feed = database.changes_async()
        with pytest.raises(StoreError, match="inside a with block"):
            await feed.next()
        async with feed:
            assert await feed.next(timeout_seconds=0.01) is None
            await database.run_async(lambda: setattr(account, "balance", 1))
            change = await feed.next(DEADLINE_SECONDS)
            assert change is not None
            assert change.commit == feed.since == database.last_commit()

    asyncio.run(follow())


@pytest.mark.parametrize("is_other_thread", [True, False])
def test_closing_a_feed_ends_its_iteration(database: Database, *, is_other_thread: bool) -> None:
    async def follow_and_close() -> None:
        feed = database.changes_async()

        async def follow() -> list[Change]:
            return [change async for change in feed]

        async with asyncio.timeout(DEADLINE_SECONDS / 2):
            async with feed:
                following = asyncio.create_task(follow())
                await asyncio.sleep(0.01)
                with pytest.raises(RuntimeError, match="another task waits"):
                    await feed.next()
                if is_other_thread:
                    await asyncio.to_thread(feed.close)
                    assert await following == []
            assert await following == []

    asyncio.run(follow_and_close())


def test_cancelled_wait_listens_no_more(database: Database, account: Account) -> None:
    async def wait_and_cancel() -> None:
        waiting = asyncio.create_task(database.wait_for_async(lambda: account.balance == 5))
        await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await database.run_async(lambda: setattr(account, "balance", 5))
        assert await database.wait_for_async(lambda: account.balance == 5)

    asyncio.run(wait_and_cancel())


async def _first_change(database: Database) -> Change | None:
    async for change in database.changes_async():
        return change
    return None


async def _run(database: Database) -> None:
    await database.run_async(lambda: None)


async def _wait(database: Database) -> bool:
    return await database.wait_for_async(lambda: True)


async def _enter_feed(database: Database) -> None:
    async with database.changes_async():
        pass


@pytest.mark.parametrize(
    ("wait", "said"),
    [
        (_run, "run_async needs asyncio, .* call db.run in a thread"),
        (_wait, "wait_for_async .* call db.wait_for_cond"),
        (_first_change, "changes_async needs asyncio, .* call db.changes in a thread"),
        (_enter_feed, "changes_async needs asyncio"),
    ],
)
def test_waiting_without_asyncio_is_refused(
    database: Database, wait: Callable[[Database], Coroutine[object, None, object]], said: str
) -> None:
    """As another event loop runs a coroutine: step by step, with no loop of asyncio."""
    coroutine = wait(database)
    with pytest.raises(RuntimeError, match=said):
        coroutine.send(None)
