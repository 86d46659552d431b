"""Waiting for commits in the tasks of an event loop: the loop watches a listener's socket.

Imported when a task first waits: nobody else pays for asyncio.
"""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from odbctl.engine.odb.changes import (
    DEBOUNCE_SECONDS,
    FIRST_HEALING_SECONDS,
    LONGEST_HEALING_SECONDS,
    QUIET_SECONDS,
    WAKES_IN_VAIN,
)
from odbctl.engine.odb.current import refuse_waiting, require_loop
from odbctl.engine.odb.feed import Change, Changes
from odbctl.engine.odb.waiting import Waiter

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Collection

    from odbctl.engine.odb.database import Database
    from odbctl.engine.odb.store import Listener


class AsyncChanges:
    """Changes from now on, or after a commit; iterate over it, or use it in an `async with`."""

    def __init__(
        self, database: Database, *, since: int | None = None, types: Collection[str] = ()
    ) -> None:
        """Store where to begin; the arguments are those of `Changes`."""
        self._database = database
        self._feed = Changes(database, since=since, types=types)
        self._is_waiting = False

    async def __aenter__(self) -> Self:
        require_loop("changes_async", "db.changes")
        self._feed.__enter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
        if not self._is_waiting:  # else the task that waits closes it, which is woken now
            self._feed.stop_listening()

    async def __aiter__(self) -> AsyncGenerator[Change]:
        if self._feed.listener is None:
            async with self:
                while (change := await self.next()) is not None:
                    yield change
        else:
            while (change := await self.next()) is not None:
                yield change

    @property
    def since(self) -> int:
        """The number of the last commit that was looked at: where another feed may go on."""
        return self._feed.since

    async def next(self, timeout_seconds: float | None = None) -> Change | None:
        """Wait for the next change; other tasks go on.

        Returns:
            None when the time is over, or the feed closed.

        Raises:
            StoreError: As for `Changes.next`; and when another task waits already.
            TransactionError: A view or transaction is open in this task.
        """
        feed = self._feed
        listener = feed.listening()
        if feed.has_waiting():
            return feed.take()
        if self._is_waiting:
            raise RuntimeError("another task waits for the next change of this feed")
        refuse_waiting(self._database, "next")
        self._is_waiting = True
        try:
            await wait_for_change(
                listener, feed.has_more, should_stop=feed.is_over, timeout_seconds=timeout_seconds
            )
        finally:
            self._is_waiting = False
            if feed.is_over():
                feed.stop_listening()
        return feed.take()

    def close(self) -> None:
        """End the feed, from any thread: whoever waits for the next change gets None."""
        self._feed.close()


async def wait_for(
    database: Database, condition: Callable[[], object], timeout_seconds: float | None
) -> bool:
    """Wait until a condition is true; see `Database.wait_for_async`."""
    require_loop("wait_for_async", "db.wait_for_condition")
    refuse_waiting(database, "wait_for_async")
    waiter = Waiter(database, condition)
    if waiter.is_true():
        return True
    with database.listen() as listener:
        return await wait_for_change(
            listener,
            waiter.has_become_true,
            should_stop=lambda: database.is_closed,
            timeout_seconds=timeout_seconds,
        )


async def wait_for_change(
    listener: Listener,
    is_relevant: Callable[[], bool],
    *,
    should_stop: Callable[[], bool],
    timeout_seconds: float | None,
) -> bool:
    """Sleep until a commit matters, as `changes.wait_for_change` does in a thread.

    Returns:
        False when it stopped or timed out.
    """
    loop, woken = asyncio.get_running_loop(), asyncio.Event()

    def notice() -> None:
        listener.drain()
        woken.set()

    deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
    healing_seconds, in_vain = FIRST_HEALING_SECONDS, 0
    descriptor = listener.fileno()
    loop.add_reader(descriptor, notice)
    try:
        while not should_stop():
            if in_vain > WAKES_IN_VAIN:
                # Others commit in a stream, of other things: let them, and look at many at once.
                await asyncio.sleep(DEBOUNCE_SECONDS)
            woken.clear()
            listener.arm()
            # Looked at after arming: what comes later wakes us.
            if is_relevant():
                return True
            left = LONGEST_HEALING_SECONDS if deadline is None else deadline - time.monotonic()
            if left <= 0:
                return False
            slept_at = time.monotonic()
            is_woken = await _is_set_within(woken, min(left, healing_seconds))
            healing_seconds = (
                FIRST_HEALING_SECONDS
                if is_woken
                else min(2 * healing_seconds, LONGEST_HEALING_SECONDS)
            )
            is_stream = is_woken and time.monotonic() - slept_at < QUIET_SECONDS
            in_vain = in_vain + 1 if is_stream else 0
        return False
    finally:
        loop.remove_reader(descriptor)


async def _is_set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
