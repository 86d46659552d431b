"""Exits that no manager has acknowledged yet: kept by the launcher, on disk.

An exit is known to one process only, the parent that reaps. It is written
here before anything else is done with it, so that a manager which was away
learns the true code, also when the launcher is gone by then.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

from odbctl.engine.managers.messages import WorkerExited


class ExitJournal:
    """The unacknowledged exits of one launcher."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._pending: list[WorkerExited] = []
        self._last_number = 0

    def record(
        self, instance: int, pid: int, *, code: int | None, signal: int | None, at: float
    ) -> WorkerExited:
        """Write an exit down and number it."""
        self._last_number += 1
        ended = WorkerExited(instance, pid, code, signal, at, self._last_number)
        self._pending.append(ended)
        with contextlib.suppress(OSError):  # a full disk: it stays in memory
            self._append(json.dumps(ended) + "\n")
        return ended

    def _append(self, line: str) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        descriptor = os.open(self.path, flags, 0o600)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)

    def acknowledge(self, number: int) -> None:
        """Forget all exits up to `number`."""
        self._pending = [e for e in self._pending if e.number > number]
        if not self._pending:
            with contextlib.suppress(OSError):
                os.truncate(self.path, 0)

    @property
    def pending(self) -> tuple[WorkerExited, ...]:
        """The exits that nobody has acknowledged."""
        return tuple(self._pending)


def read_journal(path: Path) -> list[WorkerExited]:
    """Return the exits that a launcher, which is gone, left behind."""
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        return []
    exits: list[WorkerExited] = []
    for line in lines:
        with contextlib.suppress(ValueError):  # its last line may be half written
            exits.append(WorkerExited(*json.loads(line)))
    return exits
