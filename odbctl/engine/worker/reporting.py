"""How a worker says that it runs: one line on a pipe to its launcher.

The launcher tells the manager, which writes for many workers at once; a worker
that does not use the database never has to open it. The line is shorter than
PIPE_BUF, so lines of many workers do not mix (pipe(7)).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple

_MAX_LINE_BYTES = 4096
# Takes when the worker came to run; returns whether somebody will record it.
ReportRunning = Callable[[float], bool]


class RunningLine(NamedTuple):
    """One worker's word that it runs."""

    instance: int
    pid: int
    at: float


class PipeReport:
    """Says it on a descriptor; None says it to nobody."""

    def __init__(self, descriptor: int | None, instance: int) -> None:
        self._descriptor = descriptor
        self._instance = instance

    def __call__(self, at: float) -> bool:
        """Say that the worker runs since `at`; return whether a launcher was there to hear."""
        if self._descriptor is None:
            return False
        try:
            os.write(self._descriptor, b"%d %d %.6f\n" % (self._instance, os.getpid(), at))
        except OSError:
            return False
        return True


def parse_lines(data: bytes) -> tuple[list[RunningLine], bytes]:
    """Return the whole lines of what was read from the pipe, and the rest.

    Anything else is skipped: the author's code has the descriptor, too, and may write to it.
    """
    *lines, rest = data.split(b"\n")
    found: list[RunningLine] = []
    for line in lines:
        try:
            instance, pid, at = line.split()
            found.append(RunningLine(int(instance), int(pid), float(at)))
        except ValueError:
            continue
    return found, rest[-_MAX_LINE_BYTES:]
