"""`sys.stdout` and `sys.stderr` of a worker: text in, timed lines in its log.

Each thread has its own unfinished line, so lines of several threads never mix.
An unfinished line reaches the file at `flush()`, when a `print` ends, and at the
end. `fileno()` is the raw descriptor, so a child that inherits the stream writes
into the raw file.
"""

from __future__ import annotations

import io
import os
import threading
import time
from typing import TYPE_CHECKING

from odbctl.engine.telemetry.log_sink import LineSink

if TYPE_CHECKING:
    from collections.abc import Callable


class LogStream(io.TextIOBase):
    """A text stream over a sink."""

    def __init__(self, sink: LineSink, *, level: str, stream: str, descriptor: int) -> None:
        self._sink = sink
        self._head = f" {level} {stream} "
        self._descriptor = descriptor
        self._parts: dict[int, str] = {}  # thread → the line it has begun
        self.name = f"<{stream}>"
        self.mode = "w"
        self.line_buffering = True
        sink.on_fork.append(self._parts.clear)  # in a forked child they are the parent's
        # A closure: looking all this up in `self` would cost a fifth of the pace of `print`.
        self.write = _fast_write(sink, self._head, self._parts, self)  # type: ignore[method-assign]  # see above
        self._buffer: io.BufferedIOBase | None = None

    @property
    def encoding(self) -> str:  # type: ignore[override]  # a class attribute in typeshed
        """The encoding that `print` may count on."""
        return "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]  # a class attribute in typeshed
        """Everything can be written."""
        return "backslashreplace"

    @property
    def buffer(self) -> io.BufferedIOBase:
        """A binary stream for those who print bytes."""
        if self._buffer is None:
            self._buffer = _Bytes(self)
        return self._buffer

    def flush(self) -> None:
        """Write the unfinished line of the calling thread."""
        thread = threading.get_ident()
        if part := self._parts.pop(thread, ""):
            self._begin(part, thread)

    def flush_all(self) -> None:
        """Write the unfinished lines of all threads."""
        for thread in list(self._parts):
            if part := self._parts.pop(thread, ""):
                self._begin(part, thread)

    def fileno(self) -> int:
        """Return the raw descriptor, for children that inherit the stream."""
        return self._descriptor

    def writable(self) -> bool:
        """Tell that it can be written."""
        return True

    def isatty(self) -> bool:
        """Tell that no terminal is here."""
        return False

    def reconfigure(self, **settings: object) -> None:
        """Accept what programs ask of `sys.stdout`; nothing needs to change."""

    def close(self) -> None:
        """Write what is unfinished and stay open: others share the stream."""
        self.flush_all()

    def write_lines(self, text: str, thread: int) -> int:
        """Take text with line ends in it: the slow way."""
        *lines, rest = (self._parts.pop(thread, "") + text).split("\n")
        if rest:
            self._parts[thread] = rest
        if lines:
            self.emit(lines, thread)
        return len(text)

    def emit(self, lines: list[str], thread: int) -> None:
        """Write whole lines: the slow way."""
        if self._sink.in_child:
            self._write_raw("\n".join(lines) + "\n")
        else:
            self._sink.add(self._head, lines, (self._head, thread))

    def _begin(self, part: str, thread: int) -> None:
        if self._sink.in_child:
            self._write_raw(part)
        else:
            self._sink.begin(self._head, part, (self._head, thread))

    def _write_raw(self, text: str) -> None:
        try:
            os.write(self._descriptor, text.encode("utf-8", "backslashreplace"))
        except OSError:
            return  # no room, or closed by the child: there is no one left to tell


def _fast_write(
    sink: LineSink, head: str, parts: dict[int, str], stream: LogStream
) -> Callable[[str], int]:
    """Make `stream.write`: whole lines are in the kernel's hands when it returns."""
    get_thread, clock, take_part = threading.get_ident, time.time, parts.pop
    write_lines, emit = stream.write_lines, stream.emit

    def write(text: str, /) -> int:
        if text != "\n":
            thread = get_thread()
            if "\n" in text:
                return write_lines(text, thread)
            if not text:  # the end of `print(…, end="")`: these may be the last words
                stream.flush()
                return 0
            parts[thread] = parts[thread] + text if thread in parts else text
            return len(text)
        line = take_part(get_thread(), "")
        try:
            data = f"{sink.stamp}{head}{line}\n".encode()
            now = clock()
            # No lock: from here to the end of `put` (one C call) CPython switches neither
            # threads nor to a signal handler, so the sink cannot change its mind in between.
            if sink.fast_from <= now < sink.fast_until:
                sink.put(data)
                return 1
        except ValueError:
            pass  # the window is full, or the text has a lone surrogate
        emit([line], get_thread())
        return 1

    return write


class _Bytes(io.BufferedIOBase):
    """The binary side of a LogStream."""

    def __init__(self, stream: LogStream) -> None:
        self._stream = stream

    def write(self, data: object, /) -> int:
        raw = bytes(data)  # type: ignore[call-overload]  # any buffer
        self._stream.write(raw.decode("utf-8", "backslashreplace"))
        return len(raw)

    def flush(self) -> None:
        self._stream.flush()

    def fileno(self) -> int:
        return self._stream.fileno()

    def writable(self) -> bool:
        return True

    def close(self) -> None:
        self._stream.flush()
