"""Noticing that the terminal is gone, and ending with it. Runs in a thread of its own.

A terminal that hangs up usually sends SIGHUP; a program that ignores it, or that has no
controlling terminal, sees an end of file on standard input for ever. Textual's input
thread then spins, and its output thread dies, so that leaving in order may block.
"""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

# The time there is for leaving in order, then the process ends as it is.
LEAVE_SECONDS = 3.0
EXIT_CODE = 129  # as a shell reports an end by SIGHUP


class HangupWatch:
    """Watches a terminal until it is left; a context manager."""

    def __init__(
        self,
        terminal: int,
        on_hangup: Callable[[], object],
        *,
        leave_seconds: float = LEAVE_SECONDS,
    ) -> None:
        """Store what to watch.

        Args:
            terminal: The descriptor that keys are read from.
            on_hangup: Called once, in the watching thread, when the terminal is gone.
            leave_seconds: How long after that the watch may still be left in order.
        """
        self._terminal = terminal
        self._leave_seconds = leave_seconds
        self._on_hangup = on_hangup
        self._has_left = threading.Event()
        self._wake_reader, self._wake_writer = -1, -1
        self._thread = threading.Thread(target=self._watch, name="dashboard-hangup", daemon=True)

    def __enter__(self) -> Self:
        self._wake_reader, self._wake_writer = os.pipe()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._has_left.set()
        os.close(self._wake_writer)
        self._thread.join()
        os.close(self._wake_reader)

    def _watch(self) -> None:
        poll = select.poll()
        poll.register(self._terminal, 0)  # an end of the terminal is reported in any case
        poll.register(self._wake_reader, 0)
        if all(descriptor != self._terminal for descriptor, _ in poll.poll()):
            return
        self._on_hangup()
        if not self._has_left.wait(self._leave_seconds):
            os._exit(EXIT_CODE)  # nothing of the dashboard's needs an orderly end
