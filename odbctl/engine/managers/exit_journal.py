"""Exits that no manager has acknowledged yet: kept by the launcher, on disk.

An exit is known to one process only, the parent that reaps. It is written
here before anything else is done with it, so that a manager which was away
learns the true code, also when the launcher is gone by then.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
from collections.abc import Collection
from pathlib import Path

from odbctl.engine.managers.messages import WorkerExited, parse_report
from odbctl.engine.managers.set_aside import set_aside
from odbctl.errors import is_exhausted

_MAX_LINE_BYTES = 64 * 1024
_MAX_JOURNAL_BYTES = 64 * 2**20


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
        # Not blocking, in case that somebody has put a FIFO in its place.
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK
        descriptor = os.open(self.path, flags, 0o600)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)

    def acknowledge(self, number: int, *, without: Collection[int] = ()) -> None:
        """Forget all exits up to `number`, but those that were not reported yet."""
        self._pending = [e for e in self._pending if e.number > number or e.number in without]
        if not self._pending:
            with contextlib.suppress(OSError):
                os.truncate(self.path, 0)

    @property
    def pending(self) -> tuple[WorkerExited, ...]:
        """The exits that nobody has acknowledged."""
        return tuple(self._pending)


def read_journal(path: Path) -> list[WorkerExited]:
    """Return the exits that a launcher, which is gone, left behind.

    A journal that is damaged in any way is set aside; the exits that can be read are returned.

    Raises:
        OSError: The system has run out of descriptors or memory.
    """
    try:
        data = _read_file(path)
    except FileNotFoundError:
        return []
    except OSError as error:
        if is_exhausted(error):
            raise
        set_aside(path, error.strerror or str(error))
        return []
    *lines, unfinished = data.split(b"\n")
    exits = [_parse_line(line) for line in lines]
    if not all(exits) or len(unfinished) > _MAX_LINE_BYTES:
        bad = sum(found is None for found in exits)
        set_aside(path, f"{bad} of its {len(exits)} lines cannot be read")
    return [found for found in exits if found is not None]


def _read_file(path: Path) -> bytes:
    """Read the beginning of a regular file.

    Raises:
        OSError: It cannot be read, or is something else.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        return file.read(_MAX_JOURNAL_BYTES)


def _parse_line(line: bytes) -> WorkerExited | None:
    if len(line) > _MAX_LINE_BYTES:
        return None
    try:
        fields: object = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return parse_report(WorkerExited, fields)
