"""Work in threads: each posts what came of it to a screen, unless it was abandoned.

A thread that is abandoned ends at its next word or when git hears of it; its
result is dropped either way.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from textual.message import Message
from textual.message_pump import MessagePump

from odbctl.tui.reader import failure_text


class Abandoned(Exception):  # noqa: N818 - no error: somebody has turned away
    """Nobody waits for the work any more."""


class WorkTold(Message):
    """Work says what it is at."""

    def __init__(self, work: Work, text: str) -> None:
        super().__init__()
        self.work = work
        self.text = text


class WorkDone(Message):
    """Work is done; `failure` says why not, and is empty when it is."""

    def __init__(self, work: Work, result: object, failure: str) -> None:
        super().__init__()
        self.work = work
        self.result = result
        self.failure = failure


class Work:
    """One thing that is done in a thread of its own."""

    def __init__(self, target: MessagePump, do: Callable[[Work], object]) -> None:
        """Store what to do.

        Args:
            target: Is posted `WorkTold` and `WorkDone`.
            do: Is given this work, to tell its steps and to ask whether to stop.
        """
        self._target = target
        self._do = do
        self._is_abandoned = threading.Event()

    def start(self) -> Work:
        """Begin."""
        threading.Thread(target=self._run, name="dashboard-work", daemon=True).start()
        return self

    def abandon(self) -> None:
        """Want nothing of it any more."""
        self._is_abandoned.set()

    def should_stop(self) -> bool:
        """Whether it was abandoned."""
        return self._is_abandoned.is_set()

    def tell(self, text: str) -> None:
        """Say what it is at.

        Raises:
            Abandoned: Nobody wants to know.
        """
        if self.should_stop():
            raise Abandoned
        self._post(WorkTold(self, text))

    def _run(self) -> None:
        try:
            done = WorkDone(self, self._do(self), "")
        except Abandoned:
            return
        except Exception as error:  # noqa: BLE001 - the thread's boundary; it is shown
            done = WorkDone(self, None, failure_text(error))
        self._post(done)

    def _post(self, message: Message) -> None:
        if not self.should_stop() and self._target.is_running:
            self._target.post_message(message)
