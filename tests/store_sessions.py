"""Threads, and asyncio tasks of one thread, that do step by step what a test says.

Each has views and transactions of its own, which stay open from step to step.
"""

from __future__ import annotations

import asyncio
import inspect
import queue
import threading
from collections.abc import Callable
from typing import Any

from store_model import ModelTransaction

from odbctl.engine.odb import Database, View

LONGEST_STEP_SECONDS = 60.0
# What a step returned or raised.
Result = tuple[object, BaseException | None]


class Session:
    """Something with a view or transaction of its own."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.view: View | None = None
        self.model: ModelTransaction | None = None
        self._results: queue.SimpleQueue[Result] = queue.SimpleQueue()

    def do(self, step: Callable[[], object]) -> object:
        """Do one step there, awaiting it if it is a coroutine, and return or raise the result."""
        self._send(step)
        result, error = self._results.get(timeout=LONGEST_STEP_SECONDS)
        if error is not None:
            raise error
        return result

    def end(self) -> None:
        """End it."""
        raise NotImplementedError

    def _send(self, step: Callable[[], object] | None) -> None:
        raise NotImplementedError


class ThreadSession(Session):
    """A thread."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._steps: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """End the thread."""
        self._send(None)
        self._thread.join()

    def _send(self, step: Callable[[], object] | None) -> None:
        self._steps.put(step)

    def _run(self) -> None:
        while (step := self._steps.get()) is not None:
            try:
                self._results.put((step(), None))
            except BaseException as error:  # noqa: BLE001 - handed on
                self._results.put((None, error))
        self.database.close_session()


class EventLoop:
    """A thread with an event loop, for tasks."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """End the thread; its tasks have ended."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()

    def _run(self) -> None:
        self.loop.run_forever()
        self.loop.close()
        self.database.close_session()


class TaskSession(Session):
    """A task of an event loop."""

    def __init__(self, events: EventLoop) -> None:
        super().__init__(events.database)
        self.events = events
        self._steps: asyncio.Queue[Callable[[], object] | None] = asyncio.Queue()
        self._task = asyncio.run_coroutine_threadsafe(self._run(), events.loop)

    def end(self) -> None:
        """End the task."""
        self._send(None)
        self._task.result(LONGEST_STEP_SECONDS)

    def _send(self, step: Callable[[], object] | None) -> None:
        self.events.loop.call_soon_threadsafe(self._steps.put_nowait, step)

    async def _run(self) -> None:
        while (step := await self._steps.get()) is not None:
            try:
                result: Any = step()
                if inspect.isawaitable(result):
                    result = await result
                self._results.put((result, None))
            except BaseException as error:  # noqa: BLE001 - handed on
                self._results.put((None, error))
