"""The one place where a worker's lines enter its log file.

At an ordinary pace each record is one append to the file. When lines come in a
flood (more than `FLOOD_BYTES` within a millisecond) they go through the window
(see log_window) until the flood is over. Either way a line is in the hands of
the kernel when `print` returns. Any thread of the worker, under `lock`; nothing
here raises into the service.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from typing import TYPE_CHECKING

from odbctl.engine.telemetry.fork_watch import forget_forks, watch_forks
from odbctl.engine.telemetry.log_appender import LogAppender
from odbctl.engine.telemetry.log_files import LogFiles, LogLimits
from odbctl.engine.telemetry.log_text import encode, join_record
from odbctl.engine.telemetry.log_window import EMPTY, Window

if TYPE_CHECKING:
    from collections.abc import Callable

FLOOD_BYTES = 2048
FLOOD_PAUSE_MS = 10

# How often the size of the log is looked at, at least.
LOOK_SECONDS = 60.0
LEAST_LOOK_BYTES = 4096


# A thread and the head it writes under: whose unfinished line ends the file.
Owner = tuple[str, int]


class LineSink:
    """Appends records to one `.log` file, each under the time of its writing."""

    # `fast_*`, `stamp` and `put` are the fast way of a LogStream, which takes no lock.
    def __init__(self, files: LogFiles, limits: LogLimits | None = None) -> None:
        self.lock = threading.RLock()  # re-entrant: a signal handler may print in mid-write
        self.fast_from = self.fast_until = 0.0
        self.stamp = ""
        self.put = _refuse
        self.in_child = False  # a forked child shares the window: it must keep off
        self.on_fork: list[Callable[[], None]] = []  # what streams do in a forked child
        self._files = files
        self._limits = limits or LogLimits()
        self._next_look = 0.0
        self._tail = files.tail_path
        self._appender = LogAppender(files.log_path)
        self._window: Window | None = None
        # The fast way counts on the GIL: see log_stream._fast_write.
        self._window_is_refused = not getattr(sys, "_is_gil_enabled", lambda: True)()
        self._is_busy = False
        self._second: int = -1
        self._ms: int = -1
        self._second_text = ""
        self._bytes_at_tick = 0
        self._look_at_bytes = 0
        self._open_owner: Owner | None = None
        self._cut_owners: set[Owner] = set()

    @property
    def dropped_count(self) -> int:
        """How many lines had no room."""
        return self._appender.dropped_count

    def open(self) -> None:
        """Open the log for appending.

        Raises:
            OSError: The folder or the file cannot be written.
        """
        self._appender.open()
        watch_forks(self)

    def add(self, head: str, lines: list[str], owner: Owner | None = None) -> None:
        """Write whole lines, each under its own time and head.

        Args:
            head: ` LEVEL stream `.
            lines: Without their line ends.
            owner: Who writes, when it may have begun the first line by `begin`.
        """
        self._do(lambda: self._write(self._compose(head, lines, owner)))

    def add_record(self, head: str, text: str) -> None:
        """Write one record, of one line or several."""
        self.add(head, [join_record(text)])

    def begin(self, head: str, text: str, owner: Owner) -> None:
        """Write the beginning of a line that the owner has flushed before its end."""
        self._do(lambda: self._begin(head, text, owner))

    def close(self) -> None:
        """End an unfinished line and move the window into the log; a later line still gets in."""
        with self.lock:
            self.fast_until = 0.0
            self._append(self._end_open_line().encode())
            self._window_is_refused = True
            self._close_window()
            self._appender.close()
            forget_forks(self)

    def become_child(self) -> None:
        """Keep a forked child off the parent's file."""
        self.lock = threading.RLock()  # whoever held the old one does not exist here
        self.in_child = True
        self.fast_until = 0.0
        self.put = _refuse
        for forget in self.on_fork:
            forget()

    def _do(self, write: Callable[[], None]) -> None:
        with self.lock:
            if self._is_busy:  # a signal handler that prints while this thread is in here
                write()
                return
            self._is_busy = True
            try:
                now = time.time()
                self._tick(now)
                write()
                if self._appender.bytes_appended >= self._look_at_bytes or now >= self._next_look:
                    self._look_at_size(now)
            finally:
                self._is_busy = False

    def _look_at_size(self, now: float) -> None:
        """Rotate the log if it is large or old; say when to look again."""
        self._next_look = now + LOOK_SECONDS
        try:
            rest = self._limits.segment_bytes - self._appender.size
            is_old = now - self._appender.opened_at >= self._limits.segment_seconds
            if (rest <= 0 or (is_old and self._appender.size)) and self._can_rotate():
                self._rotate()
                rest = self._limits.segment_bytes
        except OSError:
            rest = self._limits.segment_bytes  # not now: it grows meanwhile, and loses nothing
        self._look_at_bytes = self._appender.bytes_appended + max(rest, LEAST_LOOK_BYTES)

    def _can_rotate(self) -> bool:
        """Whether every line is whole, and in the file."""
        self.fast_until = 0.0
        self.put = _refuse
        try:
            return self._is_settled() and self._drain()
        finally:
            if self._window is not None:
                self.put = self._window.put

    def _rotate(self) -> None:
        window, limits = self._window, self._limits
        self.put = _refuse
        try:
            if window is not None:
                window.reset(EMPTY)
            self._appender.rotate(self._files.next_segment_path())
            # This log keeps to the quota by itself: a flood is faster than any housekeeping.
            self._files.keep_segments(max(1, limits.quota_bytes // limits.segment_bytes))
        finally:
            if window is not None:
                self._rebase(window)
                self.put = window.put

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
        position = self._appender.bytes_appended + (self._window.used if self._window else 0)
        is_flood = position - self._bytes_at_tick >= FLOOD_BYTES and 0 <= gap <= FLOOD_PAUSE_MS
        self._bytes_at_tick = position
        if is_flood and self._is_settled() and self._has_window():
            self.fast_from, self.fast_until = ms / 1000, (ms + 1) / 1000
        else:
            self.fast_until = 0.0

    def _is_settled(self) -> bool:
        return self._open_owner is None and not self._cut_owners and self._appender.is_well

    def _has_window(self) -> bool:
        if self._window is None and not self._window_is_refused:
            try:
                window = Window.create(self._tail)
            except OSError:
                self._window_is_refused = True  # slower, and as safe
                return False
            self._window = window
            self._rebase(window)
            self.put = window.put
        return self._window is not None

    def _compose(self, head: str, lines: list[str], owner: Owner | None) -> bytes:
        lead = f"{self.stamp}{head}"
        first = f"{lead}{lines[0]}\n"
        if owner is not None and owner == self._open_owner:
            self._open_owner = None
            first = f"{lines[0]}\n"
        elif owner is not None and owner in self._cut_owners:
            self._cut_owners.discard(owner)
            if not lines[0]:
                first = ""  # its line was ended by another's, and nothing is left to say
        rest = "".join([f"{lead}{line}\n" for line in lines[1:]])
        return encode(self._end_open_line() + first + rest)

    def _begin(self, head: str, text: str, owner: Owner) -> None:
        self.fast_until = 0.0
        if owner != self._open_owner:
            self._cut_owners.discard(owner)
            text = f"{self._end_open_line()}{self.stamp}{head}{text}"
        self._append(encode(text))
        self._open_owner = owner

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
        if self.put is not _refuse or self._window is None:
            self._append_in_order(data)
            return
        # In a signal handler, while the window is being moved below: `base` goes along,
        # so that what the file gets is not taken for what the window holds.
        self._window.shift(len(data))
        self._appender.append(data, self.stamp)

    def _append_in_order(self, data: bytes) -> None:
        self.put = _refuse
        try:
            if not self._drain():
                if data:
                    self._appender.drop(data, self.stamp)
            elif data or not self._appender.is_well:
                self._appender.append(data, self.stamp)
            if self._window is not None and not self._window.used:
                self._rebase(self._window)
            if not self._appender.is_well:
                self.fast_until = 0.0
        finally:
            if self._window is not None:
                self.put = self._window.put

    def _drain(self) -> bool:
        """Move the window into the log; tell whether nothing waits any more."""
        window = self._window
        if window is None or not window.used:
            return True
        rest = window.content()[max(0, self._appender.size - window.base) :]
        if self._appender.append_lines(rest) < len(rest):
            return False  # no room: the lines stay in the window, later ones are counted
        self._rebase(window)
        return True

    def _rebase(self, window: Window) -> None:
        size = -1
        while size != self._appender.size:  # a signal handler may append in between
            size = self._appender.size
            window.reset(size)

    def _close_window(self) -> None:
        window, self._window = self._window, None
        self.put = _refuse
        if window is None:
            return
        if not window.used:  # otherwise there was no room: readers and `settle_window` find it
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._tail)
        window.close()

    def _end_open_line(self) -> str:
        if self._open_owner is None:
            return ""
        self._cut_owners.add(self._open_owner)
        self._open_owner = None
        return "\n"


def _refuse(_data: bytes, /) -> int:
    raise ValueError("no window")
