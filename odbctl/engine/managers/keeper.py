"""The keeper: a launcher starts its manager again if that dies without a word.

Manager and launcher keep each other: neither can be killed so that nobody is left to
watch the services, unless both are killed at once. Then the next command, or the
system (see `install`), starts a manager.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Sequence

from odbctl.engine.worker.identity import ProcessIdentity, identify, is_alive
from odbctl.engine.worker.mark import unmarked_environment

# A manager that lived at least so long is started again at once.
STABLE_SECONDS = 10.0
FIRST_DELAY_SECONDS = 1.0
MAX_DELAY_SECONDS = 60.0
START_TIMEOUT_SECONDS = 30.0


class ManagerKeeper:
    """What one launcher knows of its manager. Times are monotonic."""

    def __init__(self) -> None:
        self._command: Sequence[str] | None = None
        self._log = os.devnull
        self._due_at: float | None = None
        self._begun_at = 0.0
        self._delay = 0.0
        self._started: ProcessIdentity | None = None  # the manager that has not connected yet
        self._started_at = 0.0

    @property
    def is_pending(self) -> bool:
        """Whether a manager is to be started."""
        return self._due_at is not None

    def learn(self, command: Sequence[str], log: str) -> None:
        """Know how the manager that has connected is started again."""
        self._command, self._log = tuple(command), log
        self._due_at = self._started = None
        self._begun_at = time.monotonic()

    def forget(self) -> None:
        """Know that the manager ends in order."""
        self._command = self._due_at = None

    def lost(self) -> None:
        """Know that the manager is gone; if it had not said so, another is due."""
        if self._command is None:
            return
        now = time.monotonic()
        if now - self._begun_at >= STABLE_SECONDS:
            self._delay = 0.0
        self._due_at = now + self._delay
        self._delay = min(max(FIRST_DELAY_SECONDS, 2 * self._delay), MAX_DELAY_SECONDS)

    def due_seconds(self) -> float | None:
        """Return in how long a manager is to be started; None if none is."""
        return None if self._due_at is None else max(0.0, self._due_at - time.monotonic())

    def step(self) -> None:
        """Start the manager when it is due; retry when it does not come up.

        A manager that was started and has not connected yet is waited for: two at once would
        mean that the second takes over after the first was stopped on purpose.
        """
        now = time.monotonic()
        if self._command is None or self._due_at is None or self._due_at > now:
            return
        if self._started is not None and now < self._started_at + START_TIMEOUT_SECONDS:
            with contextlib.suppress(OSError):  # out of descriptors: it is not known
                self._started = self._started if is_alive(self._started) else None
            if self._started is not None:
                self._due_at = now + FIRST_DELAY_SECONDS
                return
        self._due_at = now + max(self._delay, FIRST_DELAY_SECONDS)
        self._delay = min(2 * max(self._delay, FIRST_DELAY_SECONDS), MAX_DELAY_SECONDS)
        with contextlib.suppress(OSError):
            self._start(self._command)

    def _start(self, command: Sequence[str]) -> None:
        """Start a manager that writes to its log.

        Raises:
            OSError: No process can be started.
        """
        try:
            log = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError:
            log = os.open(os.devnull, os.O_WRONLY)
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd="/",
                env=unmarked_environment(),
            )
        finally:
            os.close(log)
        process.returncode = 0  # the launcher reaps, not this object
        self._started, self._started_at = identify(process.pid), time.monotonic()
