"""One `sys.stdout` for several services: each thread's words go to its own log.

For the manager that runs services as threads of its own process. Threads without
a log of their own keep the real streams.
"""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO, cast

if TYPE_CHECKING:
    from odbctl.engine.telemetry.log_writer import LogWriter


class ThreadStreams:
    """Routes `sys.stdout` and `sys.stderr` by thread."""

    def __init__(self) -> None:
        self._writers: dict[int, LogWriter] = {}
        self._real: tuple[TextIO, TextIO] | None = None

    def install(self) -> None:
        """Replace the process's streams by routers. Idempotent."""
        if self._real is None:
            self._real = (sys.stdout, sys.stderr)
            sys.stdout = cast("TextIO", _Router(self._writers, "stdout", sys.stdout))
            sys.stderr = cast("TextIO", _Router(self._writers, "stderr", sys.stderr))

    def uninstall(self) -> None:
        """Put the real streams back. Idempotent."""
        if self._real is not None:
            sys.stdout, sys.stderr = self._real
            self._real = None

    @contextmanager
    def bind(self, writer: LogWriter) -> Generator[None]:
        """Send what the calling thread prints to a log; threads it starts inherit nothing."""
        thread = threading.get_ident()
        before = self._writers.get(thread)
        self._writers[thread] = writer
        try:
            yield
        finally:
            writer.stdout.flush()
            writer.stderr.flush()
            if before is None:
                del self._writers[thread]
            else:
                self._writers[thread] = before


class _Router(io.TextIOBase):
    """A stream that is another one in every thread."""

    def __init__(self, writers: dict[int, LogWriter], name: str, real: TextIO) -> None:
        self._writers = writers
        self._name = name
        self._real = real

    def _target(self) -> TextIO:
        writer = self._writers.get(threading.get_ident())
        if writer is None:
            return self._real
        return cast("TextIO", writer.stdout if self._name == "stdout" else writer.stderr)

    def write(self, text: str, /) -> int:
        return self._target().write(text)

    def flush(self) -> None:
        self._target().flush()

    def fileno(self) -> int:
        return self._target().fileno()

    def isatty(self) -> bool:
        return self._target().isatty()

    def writable(self) -> bool:
        return True

    def __getattr__(
        self, name: str
    ) -> object:  # `encoding`, `buffer`: those of the thread's stream
        return getattr(self._target(), name)
