"""The file end of a log: appends, and counts what a full disk refuses.

Used by the worker's LineSink under its lock. Nothing here raises into the service.
"""

from __future__ import annotations

import os
import time

from odbctl.engine.telemetry.log_losses import LossReport, report_line

OPEN_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW


class LogAppender:
    """Appends bytes to one file."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor = -1
        self._unreported_count = 0
        self._is_torn = False  # the file ends in the beginning of a line that had no room
        self._losses: LossReport | None = None
        self.dropped_count = 0
        self.bytes_appended = 0
        self.opened_at = 0.0

    @property
    def is_well(self) -> bool:
        """Tell whether everything so far was written or reported, and there is room."""
        return not (self._is_torn or self._unreported_count or self._losses)

    @property
    def size(self) -> int:
        """The size of the file."""
        return os.fstat(self._descriptor).st_size

    def open(self) -> None:
        """Open the file, readable by its owner only.

        Raises:
            OSError: It cannot be written.
        """
        self._descriptor = os.open(self._path, OPEN_FLAGS, 0o600)
        self.opened_at = time.time()

    def rotate(self, aside: str) -> None:
        """Put the file aside under another name, and begin a new one.

        Whatever comes in between, from a signal handler, still goes into the old one.

        Raises:
            OSError: It could not; the old file goes on.
        """
        os.rename(self._path, aside)
        try:
            descriptor = os.open(self._path, OPEN_FLAGS, 0o600)
        except OSError:
            os.rename(aside, self._path)
            raise
        old, self._descriptor = self._descriptor, descriptor
        self.opened_at = time.time()
        os.close(old)

    def close(self) -> None:
        """Close the file; later appends open it again. Idempotent."""
        self._end_losses()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def append(self, data: bytes, stamp: str) -> bool:
        """Append lines, after a report of earlier losses; tell whether there was room.

        Args:
            data: Whole lines, or the beginning of one.
            stamp: The time that a report gets.
        """
        whole = self._report(stamp) + data
        written = self.append_some(whole)
        if written < len(whole):
            self._is_torn = self._is_torn or (written > 0 and not self._take_back(written))
            self.drop(data, stamp)
            return False
        self._is_torn = False
        self._unreported_count = 0
        self._end_losses()
        return True

    def _take_back(self, count: int) -> bool:
        """Remove the beginning of what had no room; return whether that was possible."""
        try:
            os.ftruncate(self._descriptor, self.size - count)
        except OSError:
            return False
        self.bytes_appended -= count
        return True

    def append_some(self, data: bytes) -> int:
        """Append as much as there is room for; return how many bytes."""
        try:
            written = self._write(data)
        except OSError:
            return 0
        self.bytes_appended += written
        return written

    def append_lines(self, data: bytes) -> int:
        """Append as many whole lines as there is room for; return how many bytes."""
        written = self.append_some(data)
        if written < len(data):
            torn = written - (data.rfind(b"\n", 0, written) + 1)
            written -= torn * self._take_back(torn)
        return written

    def drop(self, data: bytes, stamp: str) -> None:
        """Count lines that will not be written, in the log itself where that can be.

        Args:
            data: The lines.
            stamp: The time that a report gets.
        """
        count = max(1, data.count(b"\n"))
        self.dropped_count += count
        if self._losses is None and (begun := LossReport.begin(self._path, stamp)) is not None:
            self._losses = begun
            self._is_torn = self._is_torn and not begun.replaced_count
            self.dropped_count += begun.replaced_count
        if self._losses is None or not self._losses.add(count):
            self._unreported_count += count

    def _end_losses(self) -> None:
        if self._losses is not None:
            self._losses.close()
            self._losses = None

    def _write(self, data: bytes) -> int:
        if self._descriptor >= 0:
            return os.write(self._descriptor, data)
        descriptor = os.open(self._path, OPEN_FLAGS, 0o600)  # closed: a straggler's words
        try:
            return os.write(descriptor, data)
        finally:
            os.close(descriptor)

    def _report(self, stamp: str) -> bytes:
        end = "\n" if self._is_torn else ""
        if self._unreported_count:
            end += f"{report_line(stamp, self._unreported_count)}\n"
        return end.encode()
