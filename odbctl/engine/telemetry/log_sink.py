"""The one place where a worker's lines enter its log file.

At an ordinary pace each record is one append to the file. When lines come in a
flood (more than `FLOOD_BYTES` within a millisecond) they go through the window
(see log_window) until the flood is over. Either way a line is in the hands of
the kernel when `print` returns. Any thread of the worker, under `lock`; nothing
here raises into the service: what a full disk refuses is counted and reported in
the log once there is room.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from functools import cache
from typing import TYPE_CHECKING

from odbctl.engine.telemetry.log_files import LogFiles
from odbctl.engine.telemetry.log_window import Window

if TYPE_CHECKING:
    from collections.abc import Callable

CONTINUATION = "\t"
FLOOD_BYTES = 2048
FLOOD_PAUSE_MS = 10
OPEN_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW

# A thread and the head it writes under: whose unfinished line ends the file.
Owner = tuple[str, int]


def encode(text: str) -> bytes:
    """Encode what goes into the log: lone surrogates stay readable, NUL ends the window."""
    raw = text.encode("utf-8", "backslashreplace")
    return raw.replace(b"\0", b"\\x00") if b"\0" in raw else raw


class LineSink:
    """Appends records to one `.log` file, each under the time of its writing."""

    # `fast_*`, `stamp` and `put` are the fast way of LogStream.write, which takes no lock.
    def __init__(self, files: LogFiles) -> None:
        self.lock = threading.RLock()  # re-entrant: a signal handler may print in mid-write
        self.fast_from = self.fast_until = 0.0
        self.stamp = ""
        self.put = _refuse
        self.in_child = False  # a forked child shares the window: it must keep off
        self.on_fork: list[Callable[[], None]] = []  # what streams do in a forked child
        self.dropped_count = 0
        self._files = files
        self._descriptor = -1
        self._window: Window | None = None
        # The fast way counts on the GIL: see LogStream.write.
        self._window_is_refused = not getattr(sys, "_is_gil_enabled", _gil_is_enabled)()
        self._moving = False
        self._second: int = -1
        self._ms: int = -1
        self._second_text = ""
        self._bytes_appended = self._bytes_at_tick = 0
        self._open_owner: Owner | None = None
        self._cut_owners: set[Owner] = set()
        self._unreported_count = 0
        self._torn = False

    def open(self) -> None:
        """Open the log for appending.

        Raises:
            OSError: The folder or the file cannot be written.
        """
        self._descriptor = os.open(self._files.log, OPEN_FLAGS, 0o600)
        _watch_forks(self)

    def add(self, head: str, lines: list[str], owner: Owner | None = None) -> None:
        """Write whole lines, each under its own time and head.

        Args:
            head: ` LEVEL stream `.
            lines: Without their line ends.
            owner: Who writes, when it may have begun the first line by `begin`.
        """
        with self.lock:
            self._tick(time.time())
            lead = f"{self.stamp}{head}"
            if owner is not None and owner == self._open_owner:
                self._open_owner = None
                first = f"{lines[0]}\n"
            elif owner is not None and owner in self._cut_owners:
                self._cut_owners.discard(owner)
                # Its line was ended by another's; nothing is left to say when this is empty.
                first = f"{lead}{lines[0]}\n" if lines[0] else ""
            else:
                first = f"{lead}{lines[0]}\n"
            rest = "".join([f"{lead}{line}\n" for line in lines[1:]])
            self._write(encode(self._end_open_line() + first + rest))

    def add_record(self, head: str, text: str) -> None:
        """Write one record; its further lines are marked as continuations."""
        with self.lock:
            self._tick(time.time())
            text = text.rstrip("\n").replace("\n", f"\n{CONTINUATION}")
            self._write(encode(f"{self._end_open_line()}{self.stamp}{head}{text}\n"))

    def begin(self, head: str, text: str, owner: Owner) -> None:
        """Write the beginning of a line that the owner has flushed before its end."""
        with self.lock:
            self._tick(time.time())
            self.fast_until = 0.0
            if owner == self._open_owner:
                data = text
            else:
                self._cut_owners.discard(owner)
                data = f"{self._end_open_line()}{self.stamp}{head}{text}"
            self._append(encode(data))
            self._open_owner = owner

    def close(self) -> None:
        """End an unfinished line and move the window into the log; a later line still gets in."""
        with self.lock:
            self.fast_until = 0.0
            self._append(self._end_open_line().encode())
            self._window_is_refused = True
            self._close_window()
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1
            _forget(self)

    def _close_window(self) -> None:
        window, self._window = self._window, None
        self.put = _refuse
        if window is None:
            return
        if not window.used:  # otherwise there was no room: readers and `settle_window` find it
            self._files.tail.unlink(missing_ok=True)
        window.close()

    def become_child(self) -> None:
        """Keep a forked child off the parent's file."""
        self.lock = threading.RLock()  # whoever held the old one does not exist here
        self.in_child = True
        for forget in self.on_fork:
            forget()
        self.fast_until = 0.0
        self.put = _refuse

    def _tick(self, now: float) -> None:
        ms = int(now * 1000)
        if ms == self._ms:
            return
        gap = ms - self._ms
        self._ms = ms
        if ms // 1000 != self._second:
            self._second = ms // 1000
            self._second_text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(self._second))
        self.stamp = f"{self._second_text}.{ms % 1000:03d}Z"
        position = self._bytes_appended + (self._window.used if self._window else 0)
        flooded = position - self._bytes_at_tick >= FLOOD_BYTES and 0 <= gap <= FLOOD_PAUSE_MS
        self._bytes_at_tick = position
        if flooded and self._is_settled() and self._has_window():
            self.fast_from, self.fast_until = ms / 1000, (ms + 1) / 1000
        else:
            self.fast_until = 0.0

    def _is_settled(self) -> bool:
        return not (self._open_owner or self._cut_owners or self._torn or self._unreported_count)

    def _has_window(self) -> bool:
        if self._window is None and not self._window_is_refused:
            try:
                self._window = Window.create(self._files.tail)
            except OSError:
                self._window_is_refused = True  # slower, and as safe
                return False
            self._window.reset(self._size())
            self.put = self._window.put
        return self._window is not None

    def _write(self, data: bytes) -> None:
        if self.fast_until and len(data) < FLOOD_BYTES:
            try:
                self.put(data)
                return
            except ValueError:  # full, or being moved
                pass
        self._append(data)

    def _append(self, data: bytes) -> None:
        """Append to the file, after what waits in the window."""
        if self._moving:  # a signal handler that prints while this thread is below
            self._append_now(data)
            return
        self._moving = True
        self.put = _refuse
        try:
            if self._drain():
                self._append_now(data)
                if self._window is not None:
                    self._window.reset(self._size())
            else:
                self._drop(data)
        finally:
            self._moving = False
            if self._window is not None:
                self.put = self._window.put

    def _drain(self) -> bool:
        """Move the window into the log; tell whether nothing waits any more."""
        window = self._window
        if window is None or not window.used:
            return True
        try:
            rest = window.content()[max(0, self._size() - window.base) :]
            if os.write(self._descriptor, rest) < len(rest):
                return False
        except OSError:
            return False  # no room: the lines stay in the window, later ones are counted
        self._bytes_appended += window.used
        window.reset(self._size())
        return True

    def _append_now(self, data: bytes) -> None:
        report = self._report()
        try:
            written = self._os_write(report + data)
        except OSError:
            written = 0
        if written < len(report) + len(data):
            self._torn = self._torn or written > 0
            self._drop(data)
            return
        self._torn = False
        self._unreported_count = 0
        self._bytes_appended += written

    def _os_write(self, data: bytes) -> int:
        if self._descriptor >= 0:
            return os.write(self._descriptor, data)
        descriptor = os.open(self._files.log, OPEN_FLAGS, 0o600)  # closed: a straggler's words
        try:
            return os.write(descriptor, data)
        finally:
            os.close(descriptor)

    def _report(self) -> bytes:
        end = b"\n" if self._torn else b""
        if not self._unreported_count:
            return end
        count = self._unreported_count
        return end + f"{self.stamp} ERROR log {count} lines lost: no room to write\n".encode()

    def _drop(self, data: bytes) -> None:
        count = max(1, data.count(b"\n"))
        self.dropped_count += count
        self._unreported_count += count
        self.fast_until = 0.0

    def _end_open_line(self) -> str:
        if self._open_owner is None:
            return ""
        self._cut_owners.add(self._open_owner)
        self._open_owner = None
        return "\n"

    def _size(self) -> int:
        return os.fstat(self._descriptor).st_size


def _gil_is_enabled() -> bool:
    return True


def _refuse(data: bytes, /) -> int:
    raise ValueError("no window")


_open_sinks: list[LineSink] = []


def _watch_forks(sink: LineSink) -> None:
    _open_sinks.append(sink)
    _register_once()


@cache
def _register_once() -> None:
    os.register_at_fork(after_in_child=_after_fork)  # the interpreter cannot unregister it


def _forget(sink: LineSink) -> None:
    if sink in _open_sinks:
        _open_sinks.remove(sink)


def _after_fork() -> None:
    for sink in _open_sinks:
        sink.become_child()
